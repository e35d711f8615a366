"""Access success and delay over the number of devices, for barring policies.

Duran et al., arXiv:2411.14222, 2024, section III-C: identical sensors that ask at once, 20, 45 and
70 % of them, in networks of 50 to 1,000; it reports no figure of it. The arrivals of 3GPP TR 37.868
(Beta(3, 4) over 10 s, uniform over 60 s) up to 30,000 devices show where random access collapses.

`python -m benchmarks.experiments.access_barring` runs no barring, the best constant barring (tuned
anew for each number of devices on other worlds), the estimator from idle preambles and the genie
that sees who waits, and an agent that has learned in one cell, and sets the formula of singletons
beside the simulation. It can be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import (
    Cell,
    Measured,
    over_blocks,
    policy_cell,
)
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.learned import OF_ACCESS, agent_cells, trained_note
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.statistics import Interval
from twin_gym.environments.massive_access.policies.barring import FixedBarring
from twin_gym.environments.massive_access.policies.tuning import search_level
from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
    UniformArrivals,
)
from twin_gym.environments.massive_access.theory import best_senders, expected_successes
from twin_gym.policies import Policy, make_policy, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

NAME = "access_barring"
DEVICES = (50, 250, 1_000, 5_000, 10_000, 15_000, 20_000, 25_000, 30_000)
BURST_DEVICES = (50, 250, 500, 1_000, 2_000, 5_000)
SENDERS = (1, 5, 10, 20, 30, 40, 54, 70, 90, 108, 150, 200)
NONE, FIXED, ESTIMATOR, GENIE = "none", "fixed (tuned)", "idle estimator", "genie"
SINGLETONS = "singletons"
LEARNED = "PPO"
TUNING_WORLDS = 8
KPIS = (
    "access_success_probability", "mean_delay_s", "p95_delay_s", "service_time_s", "preamble_use",
    "mean_tries", "return",
)  # fmt: skip
SHOWN = {
    "access_success_probability": ("access success (%)", 100.0, 2),
    "mean_delay_s": ("mean delay (s)", 1.0, 4),
    "p95_delay_s": ("95 % of delays within (s)", 1.0, 3),
    "service_time_s": ("last success (s)", 1.0, 2),
}
ONE_CELL = (
    "The agent has learned in one cell of 1,000 devices. With many more it meets backlogs that it "
    "never saw, and what it does there says how far it generalises, not what could be learned "
    "there. It is not measured where nothing is to be barred."
)
LEAST_DEVICES, LEAST_OF_LAW = 250, {"beta": 10_000}
"""The agent is measured from so many devices on: with fewer, nothing is to be barred."""

MULTIPLE = 1.1
"""Time left to a burst, in times that the base station needs for it at its best."""

Points = Mapping[tuple[str, str, int], Measured]
"""By label, law of the arrivals, and devices."""


def network(law: str, devices: int) -> AccessScenario:
    """A cell of so many devices.

    Args:
        law: `beta`, `uniform`, or the per cent that ask at once.
        devices: how many.

    Returns:
        The scenario: time for who still tries is 2 s, or more where the burst needs more.
    """
    base = load("access-beta-30000", AccessScenario)
    name = f"access-{law}-{devices}"
    if law == "beta":
        return base.replace(name=name, num_devices=devices, arrivals=BetaArrivals())
    if law == "uniform":
        return base.replace(
            name=name, num_devices=devices, arrivals=UniformArrivals(), horizon_s=62.0
        )
    arrivals = SimultaneousArrivals(fraction=int(law) / 100.0)
    needed = devices / best_senders(base.preambles)[1] * base.slot_s
    horizon_s = 3.0 + np.ceil(MULTIPLE * needed)
    return base.replace(
        name=name, num_devices=devices, arrivals=arrivals, horizon_s=float(horizon_s)
    )


LAWS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "beta": ("Beta(3, 4) over 10 s", DEVICES),
    "uniform": ("uniform over 60 s", DEVICES),
    "20": ("20 % at once", BURST_DEVICES),
    "45": ("45 % at once", BURST_DEVICES),
    "70": ("70 % at once", BURST_DEVICES),
}


def tuned(scenario: Scenario) -> Policy:
    """The best constant level on validation worlds that no result here is from."""
    if not isinstance(scenario, AccessScenario):
        raise TypeError(f"barring is tuned for massive access, got {scenario.kind!r}")
    search = search_level(scenario, world_seeds("validation", TUNING_WORLDS))
    return FixedBarring(scenario, barring=scenario.barring_probabilities[search.level])


RULES: Mapping[str, Callable[[Scenario], Policy]] = {
    NONE: partial(make_policy, "none"),
    FIXED: tuned,
    ESTIMATOR: partial(make_policy, "idle-estimator"),
    GENIE: partial(make_policy, "genie"),
}


def one_opportunity(senders: int) -> AccessScenario:
    """A cell in which all devices send once, at the same opportunity."""
    return load("access-beta-30000", AccessScenario).replace(
        name=f"access-singletons-{senders}",
        num_devices=senders,
        arrivals=SimultaneousArrivals(window_s=0.005, fraction=1.0),
        horizon_s=0.01,
        max_tries=1,
    )


def cells(seeds: int, worlds: int, laws: Mapping[str, Sequence[int]]) -> list[Cell]:
    """The cells that are measured without learning.

    Args:
        seeds: blocks of worlds.
        worlds: of each block.
        laws: numbers of devices by law of arrivals.

    Returns:
        The cells.
    """
    made = []
    for law, counts in laws.items():
        for devices in counts:
            scenario = network(law, devices)
            for label, make in RULES.items():
                setting = f"tuned in {TUNING_WORLDS} worlds" if label == FIXED else ""
                made.append(
                    policy_cell(
                        label,
                        scenario,
                        make,
                        KPIS,
                        blocks=range(seeds),
                        worlds=worlds,
                        setting=setting,
                        x=float(devices),
                    )
                )
    return made


def learned_cells(seeds: int, worlds: int, laws: Mapping[str, Sequence[int]]) -> list[Cell]:
    """Agents trained on one cell, where barring matters: no uniform arrivals, no small numbers."""
    return [
        cell
        for law, counts in laws.items()
        for devices in counts
        if law != "uniform" and devices >= LEAST_OF_LAW.get(law, LEAST_DEVICES)
        for cell in agent_cells(
            LEARNED, OF_ACCESS, network(law, devices), KPIS, seeds=seeds, worlds=worlds,
            x=float(devices),
        )
    ]  # fmt: skip


def singleton_cells(seeds: int, worlds: int) -> list[Cell]:
    """Devices that are alone on their preamble when so many send at once."""
    make = partial(make_policy, "none")
    return [
        policy_cell(
            SINGLETONS, one_opportunity(senders), make, ("succeeded",), blocks=range(seeds),
            worlds=worlds, x=float(senders),
        )
        for senders in SENDERS
    ]  # fmt: skip


def _asked_laws(asked: Asked) -> Mapping[str, Sequence[int]]:
    """Numbers of devices by law of arrivals."""
    return {"70": (50, 1_000)} if asked.quick else {law: n for law, (_, n) in LAWS.items()}


def _wanted(asked: Asked) -> list[Cell]:
    laws = _asked_laws(asked)
    singletons = singleton_cells(asked.seeds, 50 * asked.worlds)[:: 4 if asked.quick else 1]
    wanted = [*cells(asked.seeds, asked.worlds, laws), *singletons]
    return wanted + (learned_cells(asked.seeds, asked.worlds, laws) if asked.learners else [])


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    places = {network(law, n).name: (law, n) for law, ns in _asked_laws(asked).items() for n in ns}
    found = {(one.label, *places[one.scenario]): one for one in measured if one.scenario in places}
    alone = [one for one in measured if one.label == SINGLETONS]
    figures = {
        ".png": lambda path: _draw(path, found),
        "_singletons.png": lambda path: _draw_singletons(path, alone),
    }
    return Page(_page(found, alone, asked.command), figures)


def _laws(points: Points) -> list[str]:
    return list(dict.fromkeys(law for _, law, _ in points))


def _labels(points: Points) -> list[str]:
    return list(dict.fromkeys(label for label, _, _ in points))


def _counts(points: Points, law: str) -> list[int]:
    return list(dict.fromkeys(devices for _, where, devices in points if where == law))


def _scaled(one: Measured, kpi: str) -> Interval:
    return over_blocks(one.values[kpi] * SHOWN[kpi][1])


def _draw(path: Path, points: Points) -> None:
    """Success and delays over the devices, a column a law (uniform arrivals show nothing)."""
    laws = [law for law in _laws(points) if law != "uniform"]
    kpis = list(SHOWN)[:3]
    shape = (len(kpis), len(laws))
    figure, axes = plt.subplots(*shape, figsize=(4.6 * len(laws), 11.0), squeeze=False)
    labels = _labels(points)
    for row, kpi in zip(axes, kpis, strict=True):
        for axis, law in zip(row, laws, strict=True):
            axis.set_xscale("log")
            if kpi != "access_success_probability":
                axis.set_yscale("log")
            lines = {
                label: [
                    (points[label, law, n].x, _scaled(points[label, law, n], kpi))
                    for n in _counts(points, law)
                    if (label, law, n) in points
                ]
                for label in labels
            }
            draw_lines(axis, lines, styles_of(labels))
            axis.set_title(f"{SHOWN[kpi][0]}, {LAWS[law][0]}", fontsize=9)
            axis.set_xlabel("devices")
    figure.subplots_adjust(wspace=0.5, hspace=0.3)
    save(figure, path)


def _draw_singletons(path: Path, alone: Sequence[Measured]) -> None:
    figure, axis = plt.subplots(figsize=(6.0, 4.0))
    senders = np.arange(1, max(SENDERS) + 1)
    axis.plot(senders, [expected_successes(float(n)) for n in senders], color="0.35", linewidth=1)
    axis.errorbar(
        [one.x for one in alone], [one.interval("succeeded").estimate for one in alone],
        yerr=[(i.high - i.low) / 2 for i in (one.interval("succeeded") for one in alone)],
        fmt="o", color="#D55E00", markersize=4,
    )  # fmt: skip
    axis.annotate("n (1 - 1/54)^(n - 1)", (130, expected_successes(130)), xytext=(6, 6),
                  textcoords="offset points", color="0.35")  # fmt: skip
    axis.annotate("simulated", (90, expected_successes(90)), xytext=(4, 6),
                  textcoords="offset points", color="#D55E00")  # fmt: skip
    axis.set_xlabel("devices that send at one opportunity")
    axis.set_ylabel("devices alone on their preamble")
    axis.grid(alpha=0.3)
    save(figure, path)


def _page(points: Points, alone: Sequence[Measured], command: str) -> str:
    parts = [
        f"![success and delay]({NAME}.png)",
        trained_note(LEARNED, OF_ACCESS, _labels(points)),
        ONE_CELL if LEARNED in _labels(points) else "",
        "## What barring is worth\n\n" + _verdict(points),
        "## The formula of singletons\n\n" + _singleton_table(alone),
        *(f"## {LAWS[law][0]}\n\n" + _table(points, law) for law in _laws(points)),
    ]
    return page_of("Random access over the number of devices", __doc__, command, parts)


def _verdict(points: Points) -> str:
    """The loads at which random access collapses, and the share that each policy restores."""
    rows = []
    for law in _laws(points):
        for n in _counts(points, law):
            share = {label: points[label, law, n].values["access_success_probability"]
                     for label in _labels(points) if (label, law, n) in points}  # fmt: skip
            if float(np.mean(share[GENIE] - share[NONE])) < 0.01:  # noqa: PLR2004  one in a hundred
                continue
            mended = [
                format_interval(
                    over_blocks((share[label] - share[NONE]) / (share[GENIE] - share[NONE])),
                    1,
                    scale=100,
                )
                if label in share
                else ""
                for label in _labels(points)
                if label not in (NONE, GENIE)
            ]  # fmt: skip
            ends = [
                format_interval(over_blocks(share[label]), 2, scale=100) for label in (NONE, GENIE)
            ]
            rows.append([LAWS[law][0], f"{n:,}", *ends, *mended])
    mended_heads = [
        f"{label}: share mended (%)" for label in _labels(points) if label not in (NONE, GENIE)
    ]
    heads = ["arrivals", "devices", "success with none (%)", "with the genie (%)", *mended_heads]
    most, ceiling = best_senders()
    note = (
        "Only where the genie lifts the success by a hundredth or more; elsewhere barring has "
        "nothing to gain. Share mended: of the way from no barring to the genie, in the same "
        f"worlds. An opportunity serves {ceiling:.2f} devices on average at its best, when {most} "
        "send. The genie bars by who may send now, to the nearest of 16 levels: it is an anchor, "
        "not a proven bound, and can be passed by a little. Of the classical policies the constant "
        "alone was tuned: it is the level of the greatest return (successes less delay), which at "
        "times gives up some success for less delay. Delays are of those who succeeded: without "
        "barring they are short because the others gave up. The paper has no figure to compare "
        "with."
    )
    return table(heads, rows) + "\n\n" + note


def _singleton_table(alone: Sequence[Measured]) -> str:
    rows = [
        [
            f"{one.x:.0f}",
            f"{expected_successes(one.x):.3f}",
            format_interval(one.interval("succeeded"), 3),
        ]
        for one in alone
    ]
    heads = ["devices that send", "n (1 - 1/54)^(n - 1)", "simulated"]
    return f"![singletons]({NAME}_singletons.png)\n\n" + table(heads, rows)


def _table(points: Points, law: str) -> str:
    rows = []
    for n in _counts(points, law):
        for label in _labels(points):
            if (label, law, n) not in points:
                continue
            one = points[label, law, n]
            cells_ = [format_interval(_scaled(one, kpi), SHOWN[kpi][2]) for kpi in SHOWN]
            rows.append([f"{n:,}", label, *cells_])
    return table(["devices", "policy", *(title for title, _, _ in SHOWN.values())], rows)


app = experiment(NAME, __doc__, _wanted, _results, seeds=5, worlds=4)

if __name__ == "__main__":
    app()
