"""Pictures of truck routing: text, pixels, or text redrawn in the terminal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.drawing import headline
from twin_gym.core.single import RowEnv
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, TruckScenario
from twin_gym.environments.truck_routing.snapshot import PictureState, TruckState, take_snapshot

_EDGES = (0.0, 0.25, 0.5, 0.75, 1.0)
_BAR = 24
_MOST_TRUCKS = 8


def as_text(env: RowEnv[TruckBatch]) -> str:
    """A network in plain characters, at most 80 columns wide.

    Args:
        env: the single form of the environment.

    Returns:
        Lines, each with a newline: how many bins are how full, in truth (`#`) and as the twin
        predicts (`o`), and a line a truck.
    """
    state = take_snapshot(env)
    scenario = state.scenario
    lines = [
        headline(scenario.name, state.progress, time_in_words(state)),
        f"{state.distance_km:.1f} km, {state.stops} stops, {state.overflow_l:.0f} l lost",
        "",
        f"{'fill':<10} {'bins':>5}  true (#)                  predicted (o)",
        *_histogram(state.fills, state.predicted),
        "",
        *(_truck(state, j, truck) for j, truck in enumerate(state.trucks[:_MOST_TRUCKS])),
    ]
    left_out = len(state.trucks) - _MOST_TRUCKS
    if left_out > 0:
        lines.append(f"and {left_out} more trucks")
    return "\n".join([*lines, ""])


def time_in_words(state: PictureState) -> str:
    """Day and time of the day, such as `day 2 of 7, 14:05`."""
    scenario, minutes = state.scenario, round(state.now_s / 60.0)
    minutes += scenario.shift_start_hour * round(HOUR_S / 60.0)
    day = min(int(state.now_s / DAY_S) + 1, scenario.num_days)
    clock = f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"
    return f"day {day} of {scenario.num_days}, {clock}"


def place_in_words(scenario: TruckScenario, place: int) -> str:
    """The name of a place: `bin 3`, or `the depot`."""
    return "the depot" if place == scenario.num_bins else f"bin {place}"


def _histogram(fills: NDArray[np.float64], predicted: NDArray[np.float64]) -> list[str]:
    counts = [
        np.histogram(np.minimum(shares, 0.999), [*_EDGES[:-1], 1.001])[0]
        for shares in (fills, predicted)
    ]
    scale = _BAR / len(fills)
    return [
        f"{100 * low:>3.0f}-{100 * high:>3.0f} %  {true:>5}  "
        f"{'#' * round(true * scale):<{_BAR}}  {'o' * round(told * scale):<{_BAR}}".rstrip()
        for low, high, true, told in zip(_EDGES, _EDGES[1:], *counts, strict=False)
    ]


def _truck(state: PictureState, j: int, truck: TruckState) -> str:
    here = place_in_words(state.scenario, truck.place)
    if j == state.deciding:
        doing = f"decides at {here}"
    elif truck.goal is None:
        doing = "rests"
    elif truck.goal == state.scenario.num_bins:
        doing = f"from {here} to unload"
    else:
        doing = f"from {here} to {place_in_words(state.scenario, truck.goal)}"
    return f"truck {j:<2} {100 * truck.load:>4.0f} % full, {doing}"
