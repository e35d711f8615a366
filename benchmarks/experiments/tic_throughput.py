"""Do prioritised weights make the throughput of a growing network more stable (paper A, Fig. 2)?

Duran et al., Generative AI-enabled Digital Twins for 6G-enhanced Smart Cities, arXiv:2411.14222,
2024, section IV, Fig. 2: network throughput of 50, 250 and 1,000 sensors on 2, 8 and 20 gateways,
under weights drawn at random (its scenario 1, no prioritisation) and under prioritised weights (its
scenario 2, high density). Its text says "38 % more stable network throughput on average" and, at
its end, "38 % improvement in the network throughput under high device density conditions". It gives
no formula of stability, no scheduler and no traffic besides 20, 45 and 70 % of the sensors at once.

`python -m benchmarks.experiments.tic_throughput` runs the weights of all scenarios, earliest
deadline first and a learned policy on the same worlds, and reads the claim in four ways. It can be
stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import (
    Cell,
    Floats,
    Measured,
    over_blocks,
    policy_cell,
)
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.learned import OF_TIC, agent_cells, trained_note
from benchmarks.experiments.pages import format_interval, page_of, table
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.policies import Policy, make_policy
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

NAME = "tic_throughput"
SIZES = {
    "small": (50, 2),
    "medium": (250, 8),
    "between": (500, 12),
    "large": (1000, 20),
    "larger": (2000, 40),
}
PAPER_SIZES = ("small", "medium", "large")
LOADS = (20, 45, 70)
CLAIM = 0.38
QUICK_HORIZON_S = 0.05
READINGS = {
    "stability": "stability of the throughput",
    "variation": "less variation of it",
    "retention": "retention from small to large",
    "throughput": "throughput itself",
}

EACH_FRAME, ONCE = "scenario 1, drawn each frame", "scenario 1, drawn once"
PRIORITISED = "scenario 2 (density, deadline)"
LEARNED = "PPO"
RULES: Mapping[str, str] = {
    EACH_FRAME: "random",
    PRIORITISED: "density-deadline",
    "scenario 3 (density, buffer)": "density-buffer",
    "latency, deadline": "latency-deadline",
    "equal": "equal",
    "earliest deadline": "edf",
}
Points = Mapping[tuple[str, str, int], Measured]
"""By label, size and load."""

KPIS = ("offered/uplink", "delivered", "throughput_bps", "throughput_stability", "loss_ratio")


class WeightsDrawnOnce:
    """Weights drawn evenly on the simplex once an episode: the other reading of scenario 1."""

    name = "random once"

    def __init__(self) -> None:
        self._seed = 0

    def reset(self, seed: int) -> None:
        """Begins anew: the same seed draws the same."""
        self._seed = seed

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """Four weights a row, the same at every call; shape (rows, 4)."""
        drawn = np.random.default_rng(self._seed).dirichlet(np.ones(4), len(observations))
        return drawn.astype(np.float32)


def network(size: str, load_percent: int) -> TicScenario:
    """A network of the paper's, or one between and beyond in the same square.

    Args:
        size: one of `SIZES`.
        load_percent: of the sensors, that ask at once.

    Returns:
        The scenario.
    """
    if size in PAPER_SIZES:
        return load(f"tic-{size}-{load_percent}", TicScenario)
    sensors, gateways = SIZES[size]
    return load(f"tic-large-{load_percent}", TicScenario).replace(
        name=f"tic-{size}-{load_percent}", num_sensors=sensors, num_gateways=gateways
    )


def cells(
    seeds: int,
    worlds: int,
    sizes: Sequence[str] = tuple(SIZES),
    loads: Sequence[int] = LOADS,
    horizon_s: float | None = None,
) -> list[Cell]:
    """The cells that are measured without learning, optionally in episodes of another length."""
    length = {} if horizon_s is None else {"horizon_s": horizon_s}
    makers: dict[str, Callable[[Scenario], Policy]] = {
        label: partial(make_policy, name) for label, name in RULES.items()
    }
    makers[ONCE] = lambda _: WeightsDrawnOnce()
    return [
        policy_cell(
            label, scenario, make, KPIS, blocks=range(seeds), worlds=worlds, x=SIZES[size][0]
        )
        for percent in loads
        for size in sizes
        for scenario in [network(size, percent).replace(**length)]
        for label, make in makers.items()
    ]  # fmt: skip


def learned_cells(seeds: int, worlds: int) -> list[Cell]:
    """Agents trained on one network, in all networks of the paper."""
    return [
        cell
        for percent in LOADS
        for size in PAPER_SIZES
        for cell in agent_cells(
            LEARNED, OF_TIC, network(size, percent), KPIS, seeds=seeds, worlds=worlds,
            x=SIZES[size][0],
        )
    ]  # fmt: skip


def carried_share(one: Measured) -> Floats:
    """Messages delivered over all that would be if every uplink message came in time.

    The share of the offered bits that the network carries, where "offered" does not depend on the
    policy: an answer is only asked for by a message that was delivered.

    Args:
        one: a policy on a network.

    Returns:
        One a block.
    """
    share: Floats = one.values["delivered"] / (2.0 * one.values["offered/uplink"])
    return share


def readings(points: Points, label: str, base: str, percent: int) -> dict[str, Floats]:
    """By how much a policy is "more stable" than another one, in four readings.

    Args:
        points: by label, size and load.
        label: the policy.
        base: the one that it is compared with.
        percent: of the sensors, that ask at once.

    Returns:
        By reading, a relative gain a block; over the sizes of the paper.
    """
    pairs = [(points[label, size, percent], points[base, size, percent]) for size in PAPER_SIZES]
    stability = [
        a.values["throughput_stability"] / b.values["throughput_stability"] - 1.0 for a, b in pairs
    ]
    variation = [
        1.0 - (1.0 - a.values["throughput_stability"]) / (1.0 - b.values["throughput_stability"])
        for a, b in pairs
    ]
    throughput = [a.values["throughput_bps"] / b.values["throughput_bps"] - 1.0 for a, b in pairs]
    retention = retained(points, label, percent) / retained(points, base, percent) - 1.0
    return {
        "stability": np.mean(stability, axis=0),
        "variation": np.mean(variation, axis=0),
        "retention": retention,
        "throughput": np.mean(throughput, axis=0),
    }


def retained(points: Points, label: str, percent: int) -> Floats:
    """Carried share of the large network over that of the small one, one a block."""
    large, small = points[label, "large", percent], points[label, "small", percent]
    kept: Floats = carried_share(large) / carried_share(small)
    return kept


def _places(asked: Asked) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The sizes and loads that are asked for."""
    return (PAPER_SIZES, LOADS[:1]) if asked.quick else (tuple(SIZES), LOADS)


def _wanted(asked: Asked) -> list[Cell]:
    horizon_s = QUICK_HORIZON_S if asked.quick else None
    wanted = cells(asked.seeds, asked.worlds, *_places(asked), horizon_s)
    return wanted + (learned_cells(asked.seeds, asked.worlds) if asked.learners else [])


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    found = by_place(measured, *_places(asked))
    return Page(_page(found, asked.command), {".png": lambda path: _draw(path, found)})


def by_place(
    measured: Sequence[Measured], sizes: Sequence[str], loads: Sequence[int]
) -> dict[tuple[str, str, int], Measured]:
    """The measurements by label, size and load."""
    names = {network(size, percent).name: (size, percent) for size in sizes for percent in loads}
    return {(one.label, *names[one.scenario]): one for one in measured}


def _labels(points: Points) -> list[str]:
    return list(dict.fromkeys(label for label, _, _ in points))


def _loads(points: Points) -> list[int]:
    return list(dict.fromkeys(percent for _, _, percent in points))


def _sizes(points: Points) -> list[str]:
    return list(dict.fromkeys(size for _, size, _ in points))


def _draw(path: Path, points: Points) -> None:
    def gained(label: str, size: str, percent: int) -> Floats:
        ours, base = points[label, size, percent], points[EACH_FRAME, size, percent]
        gain: Floats = 100.0 * (ours.values["throughput_bps"] / base.values["throughput_bps"] - 1.0)
        return gain

    panels: dict[str, Callable[[str, str, int], Floats]] = {
        "carried share of the offered bits": lambda *key: carried_share(points[key]),
        "stability (1 - coefficient of variation)": lambda *key: points[key].values[
            "throughput_stability"
        ],
        "throughput over scenario 1 of each frame (%)": gained,
    }
    loads, sizes, labels = _loads(points), _sizes(points), _labels(points)
    shape = (len(loads), len(panels))
    figure, axes = plt.subplots(*shape, figsize=(16.0, 4.4 * len(loads)), squeeze=False)
    for row, percent in zip(axes, loads, strict=True):
        for axis, (title, value) in zip(row, panels.items(), strict=True):
            axis.set_xscale("log")
            lines = {
                label: [
                    (SIZES[size][0], over_blocks(value(label, size, percent)))
                    for size in sizes
                    if (label, size, percent) in points
                ]
                for label in labels
            }
            draw_lines(axis, lines, styles_of(labels), named=value is gained)
            axis.set_title(f"{title}, {percent} % at once", fontsize=10)
            axis.set_xlabel("sensors")
            counts = [SIZES[size][0] for size in sizes]
            axis.set_xticks(counts, [str(count) for count in counts])
            axis.minorticks_off()
    figure.subplots_adjust(wspace=0.2, hspace=0.32)
    save(figure, path)


def _page(points: Points, command: str) -> str:
    parts = [
        f"![throughput]({NAME}.png)",
        trained_note(LEARNED, OF_TIC, _labels(points)),
        "## Asked and measured\n\n" + _verdict(points),
        "## The claim, read in four ways\n\n" + _readings_table(points),
        "## All networks\n\n" + _table(points),
    ]
    return page_of(
        "Network throughput over topology sizes (paper A, Fig. 2)", __doc__, command, parts
    )


def _verdict(points: Points) -> str:
    """The table that compares the claims of the paper with the measurements."""
    rows = []
    for name, what in READINGS.items():
        gains = {
            percent: over_blocks(readings(points, PRIORITISED, EACH_FRAME, percent)[name])
            for percent in _loads(points)
        }
        best = max(one.high for one in gains.values())
        gained = (f"{format_interval(x, 2, scale=100)} % ({p} %)" for p, x in gains.items())
        judged = "reached" if best >= CLAIM else "not reached" if best < CLAIM else "not judged"
        rows.append([f"38 % more: {what}", ", ".join(gained), judged])
    note = (
        "Scenario 2 against scenario 1 (weights drawn in each frame) at 20, 45 and 70 % at once, "
        f"mean of 50, 250 and 1,000 sensors. {_ceiling(points)}"
    )
    return table(["asked", "measured", ""], rows) + "\n\n" + note


def _ceiling(points: Points) -> str:
    """Why a stability cannot rise by so much here."""
    least = min(
        float(points[EACH_FRAME, size, percent].values["throughput_stability"].mean())
        for size in PAPER_SIZES
        for percent in _loads(points)
    )
    return (
        f"The stability under weights drawn at random is {least:.2f} at least, and 1 is the most "
        f"that there is: no policy whatever could be more than {1.0 / least - 1.0:.0%} more stable "
        "by the first reading. Weights decide whose message goes first where messages compete; the "
        "grants are as many under all of them, so that little of the throughput, and less of its "
        "stability, depends on them. The paper compares two methods in two scenarios "
        "at once (generated twins against a traditional simulation, prioritised against random "
        "weights), without a formula, so that its figure cannot be recomputed."
    )


def _readings_table(points: Points) -> str:
    rows = []
    for percent in _loads(points):
        for base in (EACH_FRAME, ONCE):
            for label in (one for one in _labels(points) if one not in (EACH_FRAME, ONCE)):
                gains = readings(points, label, base, percent)
                intervals = (over_blocks(gains[name]) for name in READINGS)
                cells_ = [format_interval(one, 2, scale=100) for one in intervals]
                rows.append([f"{percent} %", label, base, *cells_])
    heads = ["at once", "policy", "against", *(f"{what} (%)" for what in READINGS.values())]
    note = (
        "Relative gains, paired by blocks of worlds; mean over the three sizes of the paper. "
        "Stability is 1 minus the coefficient of variation of the throughput of burst periods "
        "(10 ms); retention is the carried share of the large network over that of the small one. "
        "Retention rises too where a policy is worse on the small network: read it beside the "
        "throughput."
    )
    return table(heads, rows) + "\n\n" + note


def _table(points: Points) -> str:
    rows = []
    for percent in _loads(points):
        for size in _sizes(points):
            for label in (one for one in _labels(points) if (one, size, percent) in points):
                one = points[label, size, percent]
                rows.append(
                    [
                        f"{percent} %",
                        "{}/{}".format(*SIZES[size]),
                        label,
                        format_interval(over_blocks(one.values["throughput_bps"]), 2, scale=1e-6),
                        format_interval(one.interval("throughput_stability"), 4),
                        format_interval(over_blocks(carried_share(one)), 4),
                        format_interval(one.interval("loss_ratio"), 4),
                    ]
                )
    heads = ["at once", "sensors/gateways", "policy", "throughput (Mbit/s)", "stability",
             "carried share", "loss ratio"]  # fmt: skip
    return table(heads, rows)


app = experiment(NAME, __doc__, _wanted, _results, seeds=5, worlds=16)

if __name__ == "__main__":
    app()
