"""How the cost of a slot grows with the size of the network, at the same load of each sensor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt

from benchmarks.c_loop import wide
from benchmarks.environments import facet
from benchmarks.figures import COLOURS
from benchmarks.throughput.rows import NUM_CHOICES, begun_batch, sampled_actions
from benchmarks.throughput.slotted import Growth, fitting_calls, subjects
from benchmarks.throughput.timing import cpu_timing
from twin_gym.core.batch import AUTORESET_SAME_STEP
from twin_gym.environments.kinds import kind_names
from twin_gym.files.whole import replacing

SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
NUM_ROWS = 16


@dataclass(frozen=True)
class Point:
    """The cost of a slot of one network.

    Attributes:
        kind: of the scenario.
        size: sensors, devices or entities.
        cost_s: CPU time of a slot, in seconds.
        memory_bytes: of a row.
        spread: range of the times over their median.
        load: the machine's load average.
    """

    kind: str
    size: int
    cost_s: float
    memory_bytes: int
    spread: float
    load: float


def growths() -> Mapping[str, Growth]:
    """By kind of scenario, the environments whose networks grow."""
    facets = {kind: facet(kind, "growth", None) for kind in kind_names()}
    return {kind: one for kind, one in facets.items() if one is not None}


def point(kind: str, size: int, wanted_s: float) -> Point:
    """Measures whole episodes of 16 rows in the compiled loop."""
    scenario, subject = growths()[kind].grown(size), subjects()[kind]
    batch = begun_batch(scenario, kind, NUM_ROWS)
    actions = wide(sampled_actions(batch.action_space, NUM_ROWS))

    def advance(calls: int) -> None:
        for j in range(calls):
            batch.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP)

    steps = round(scenario.horizon_s / scenario.slot_s / subject.slots)  # type: ignore[attr-defined]
    calls = fitting_calls(advance, steps, wanted_s)
    timing = cpu_timing(lambda: advance(calls))
    cost_s = timing.median_s / (calls * NUM_ROWS * subject.slots)
    return Point(kind, size, cost_s, batch.memory_per_row_bytes, timing.spread, timing.load)


def points(scale: float, sizes: Sequence[int] = SIZES) -> Iterator[Point]:
    """One after the other, all sizes of all kinds.

    Args:
        scale: 1, or less for a first idea.
        sizes: of the networks.
    """
    for kind in growths():
        for size in sizes:
            yield point(kind, size, 0.15 * scale)


def exponents(measured: Sequence[Point]) -> dict[str, float]:
    """By kind, the power of the size by which the cost grows over the last tenfold increase."""
    by_kind = {}
    for kind in growths():
        own = [one for one in measured if one.kind == kind]
        if len(own) < 2:  # noqa: PLR2004 - no growth is to be seen yet
            continue
        last = own[-1]
        first = min(own[:-1], key=lambda one: abs(math.log(10.0 * one.size / last.size)))
        by_kind[kind] = math.log(last.cost_s / first.cost_s) / math.log(last.size / first.size)
    return by_kind


def draw(measured: Sequence[Point], path: Path) -> None:
    """The curves, and a line of linear growth beside each.

    Args:
        measured: of one kind or several.
        path: of the PNG; written aside and renamed.
    """
    figure, axis = plt.subplots(figsize=(6.4, 4.4))
    for colour, (kind, growth) in zip(COLOURS, growths().items(), strict=False):
        own = [one for one in measured if one.kind == kind]
        if not own:
            continue
        sizes, costs = [one.size for one in own], [one.cost_s * 1e6 for one in own]
        axis.plot(sizes, costs, "o-", color=colour, label=f"{kind}: {growth.parts}")
        linear = [costs[-1] * size / sizes[-1] for size in sizes]
        axis.plot(sizes, linear, ":", color=colour, linewidth=1)
    axis.set(xscale="log", yscale="log", xlabel="size of the network")
    axis.set_ylabel("CPU time of a slot of one row (µs)")
    axis.set_title(f"Cost of a slot, {NUM_ROWS} rows; dotted: linear in the size")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    figure.tight_layout()
    with replacing(path, makes_folder=True) as file:
        figure.savefig(file, dpi=130, format="png")
    plt.close(figure)
