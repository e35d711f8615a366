"""Pictures of truck routing: text, pixels, or text redrawn in the terminal."""

from __future__ import annotations

import numpy as np

from twin_gym.core.drawing import headline, shortened
from twin_gym.environments.truck_routing.scenario import HOUR_S
from twin_gym.environments.truck_routing.snapshot import PictureState

_BAR_WIDTH = 20
_MOST_TRUCKS = 4
_MOST_BINS = 12


def as_text(snapshot: PictureState) -> str:
    """A network in plain characters, at most 80 columns wide.

    Args:
        snapshot: what to show.

    Returns:
        Lines, each with a newline: the clock, what was driven and what overflowed, the trucks, and
        the bins that the twin predicts to be fullest. In the bar of a bin `=` is predicted and the
        true fill is at `|`.
    """
    lines = [
        headline(snapshot.scenario.name, snapshot.progress, snapshot.clock),
        f"{snapshot.distance_km:,.1f} km, {snapshot.stops:,} stops, "
        f"{snapshot.collected_l:,.0f} l collected, {snapshot.overflow_l:,.0f} l overflowed, "
        f"{snapshot.left_s / HOUR_S:.1f} h left",
        "",
        *_trucks(snapshot),
        "",
        f"{'bin':<24} predicted    true      age  predicted (=), true (|)",
        *_bins(snapshot),
    ]
    return "\n".join([*lines, ""])


def _trucks(snapshot: PictureState) -> list[str]:
    room = snapshot.scenario.truck_capacity_l
    lines = []
    for j, truck in enumerate(snapshot.trucks[:_MOST_TRUCKS]):
        done = min(round(truck.load_l / room * _BAR_WIDTH), _BAR_WIDTH)
        place = shortened(snapshot.place_name(truck.place), 18)
        goes = f" to {shortened(snapshot.place_name(truck.goal), 18)}"
        said = "decides" if j == snapshot.decider else "" if truck.goal == truck.place else goes
        bar = "#" * done + "." * (_BAR_WIDTH - done)
        lines.append(f"truck {j:<2} [{bar}] {truck.load_l:>6,.0f} l  {place} {said}".rstrip())
    left_out = len(snapshot.trucks) - len(lines)
    return [*lines, f"and {left_out} more trucks"] if left_out else lines


def _bins(snapshot: PictureState) -> list[str]:
    lines = []
    for i in np.argsort(-snapshot.predicted, kind="stable")[:_MOST_BINS].tolist():
        predicted, true = float(snapshot.predicted[i]), float(snapshot.true[i])
        lines.append(
            f"{shortened(snapshot.bin_names[i], 24):<24} {predicted:>8.0%} {true:>8.0%} "
            f"{snapshot.age_s[i] / HOUR_S:>6.1f} h  [{_bar(predicted, true)}]"
        )
    left_out = len(snapshot.bin_names) - len(lines)
    return [*lines, f"and {left_out} bins that are predicted emptier"] if left_out else lines


def _bar(predicted: float, true: float) -> str:
    done = min(max(round(predicted * _BAR_WIDTH), 0), _BAR_WIDTH)
    at = min(max(round(true * _BAR_WIDTH), 0), _BAR_WIDTH)
    bar = "=" * done + " " * (_BAR_WIDTH + 1 - done)
    return f"{bar[:at]}|{bar[at + 1 :]}"
