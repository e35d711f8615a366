"""How accurate a twin is for how many updates: the curve of right-time synchronisation.

Duran et al., arXiv:2411.14222, 2024, section III-C: right-time synchronisation "balances the
benefits of real-time synchronization and resource usage"; no curve is given (its Fig. 3 is on
generated scenarios, another experiment). Here it is measured on sensors of Beijing's air and of
Grenoble's LoRaWAN (both replayed; they need TWIN_GYM_DATA) and on synthetic processes.

`python -m benchmarks.experiments.right_time` gives every policy fewer and fewer updates: policies
that always send may do so in a share of the slots alone, evenly spaced; the periodic one gets a
longer period; Whittle's index gets a higher price of an update and sends when it is worth it. It
can be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.experiments.blocks import (
    Cell,
    Floats,
    Measured,
    Values,
    over_blocks,
    policy_cell,
)
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.experiments.thinning import BASE, InTurn, Thinned
from benchmarks.statistics import Interval
from twin_gym.environments.factory import vector_env
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.right_time_sync.theory import relaxation_bound
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, make_policy
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

NAME = "right_time"
SYNTHETIC = "sync-small"
NETWORKS = {
    SYNTHETIC: "50 synthetic entities",
    "sync-beijing": "air of Beijing, 24 series",
    "sync-campusiot": "LoRaWAN of Grenoble, 6 series",
}
SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)
PRICES = (0.1, 0.03, 0.01, 0.003, 0.001, 3e-4, 1e-4, 1e-5)
SENDING: Mapping[str, str] = {
    BASE: BASE,
    "random": "random",
    "oldest first": "oldest-first",
    "zero-wait": "zero-wait",
    "largest expected error": "largest-expected-error",
    "Whittle, evenly spaced": "whittle",
}
PERIODIC, PRICED, BOUND = "periodic", "Whittle, at a price", "bound (relaxation)"
KPIS = ("scenario_accuracy", "mean_error", "updates", "delivered", "mean_age_s", "alignment_ratio")

Curves = Mapping[tuple[str, str], Sequence[Measured]]
"""By network and label, the points in order of rising updates."""


def network(name: str, slots: int | None = None) -> SyncScenario:
    """A preset, shortened to so many slots if wanted."""
    scenario = load(name, SyncScenario)
    return scenario if slots is None else scenario.replace(horizon_s=slots * scenario.slot_s)


def is_there(scenario: SyncScenario) -> bool:
    """Whether the series that it replays can be read."""
    try:
        vector_env(scenario, 1)
    except ConfigError:
        return False
    return True


def _of_synchronisation(scenario: Scenario) -> SyncScenario:
    if not isinstance(scenario, SyncScenario):
        raise TypeError(f"this is an experiment of synchronisation, got {scenario.kind!r}")
    return scenario


def _thinned(scenario: Scenario, name: str, share: float) -> Policy:
    free = _of_synchronisation(scenario).replace(update_cost=0.0)
    if name == BASE:
        return Thinned(InTurn(free.num_entities), share, free.num_entities)
    return Thinned(make_policy(name, free), share, free.num_entities)


def _periodic(scenario: Scenario, share: float) -> Policy:
    network = _of_synchronisation(scenario)
    turn_s = network.num_entities * network.slot_s
    return make_policy("periodic", network.replace(planned_period_s=turn_s / share))


def _priced(scenario: Scenario, price: float) -> Policy:
    return make_policy("whittle", scenario.replace(update_cost=price))


def cells(
    seeds: int, worlds: int, scenarios: Sequence[SyncScenario], shares: Sequence[float],
    prices: Sequence[float],
) -> list[Cell]:  # fmt: skip
    """The cells that are measured without learning."""
    made = []
    for scenario in scenarios:
        points: list[tuple[str, Callable[[Scenario], Policy], str]] = []
        for share in shares:
            told_ = f"share {share:g}"
            points += [
                (label, partial(_thinned, name=name, share=share), told_)
                for label, name in SENDING.items()
            ]
            points.append((PERIODIC, partial(_periodic, share=share), told_))
        points += [(PRICED, partial(_priced, price=price), f"price {price:g}") for price in prices]
        made += [
            policy_cell(
                label, scenario, make, KPIS, blocks=range(seeds), worlds=worlds, setting=setting
            )
            for label, make, setting in points
        ]
        if scenario.name == SYNTHETIC:
            made += [
                Cell(BOUND, scenario, (0,), 1, partial(_bound, share=share), f"share {share:g}")
                for share in shares
            ]
    return made


def _bound(cell: Cell, share: float) -> Values:
    """The least mean error that any policy has with so many updates."""
    scenario = _of_synchronisation(cell.scenario)
    updates = round(share * scenario.num_slots)
    free = scenario.replace(update_cost=0.0, update_budget=updates)
    return {"mean_error": [relaxation_bound(free)], "updates": [float(updates)]}


def _networks(asked: Asked) -> list[SyncScenario]:
    """The networks that are asked for."""
    return [network(SYNTHETIC, slots=20)] if asked.quick else list(map(network, NETWORKS))


def _wanted(asked: Asked) -> list[Cell]:
    shares, prices = (SHARES[-2:], PRICES[2:4]) if asked.quick else (SHARES, PRICES)
    scenarios = [one for one in _networks(asked) if is_there(one)]
    return cells(asked.seeds, asked.worlds, scenarios, shares, prices)


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    curves = as_curves(measured)
    named = {where for where, _ in curves}
    scenarios = [one for one in _networks(asked) if one.name in named]
    missing = [one.name for one in _networks(asked) if one.name not in named]
    text = _page(curves, scenarios, missing, asked.command)
    return Page(text, {".png": lambda path: _draw(path, curves, scenarios)})


def as_curves(measured: Sequence[Measured]) -> dict[tuple[str, str], list[Measured]]:
    """Points by network and label, in the order of their updates."""
    curves: dict[tuple[str, str], list[Measured]] = {}
    for one in measured:
        curves.setdefault((one.scenario, one.label), []).append(one)
    for points in curves.values():
        points.sort(key=lambda one: float(one.values["updates"].mean()))
    return curves


def updates_needed(points: Sequence[Measured], accuracy: Floats) -> Floats:
    """Updates with which a curve first reaches an accuracy, between its points in straight lines.

    Args:
        points: in the order of their updates.
        accuracy: asked of each block; shape (blocks,).

    Returns:
        Shape (blocks,); infinite where the curve does not reach it.
    """
    updates = np.array([one.values["updates"] for one in points])
    reached = np.array([one.values["scenario_accuracy"] for one in points])
    needed = np.full(len(accuracy), np.inf)
    for block, level in enumerate(accuracy):
        above = np.flatnonzero(reached[:, block] >= level)
        if len(above) == 0:
            continue
        k = int(above[0])
        needed[block] = updates[k, block]
        if k > 0:
            ends, counts = reached[k - 1 : k + 1, block], updates[k - 1 : k + 1, block]
            needed[block] = np.interp(level, ends, counts)
    return needed


def _labels(curves: Curves, name: str) -> list[str]:
    return [label for where, label in curves if where == name]


def _rate(one: Measured, scenario: SyncScenario) -> float:
    """Updates an entity and hour."""
    hours = scenario.horizon_s / 3600.0
    return float(one.values["updates"].mean()) / scenario.num_entities / hours


def _draw(path: Path, curves: Curves, scenarios: Sequence[SyncScenario]) -> None:
    """Accuracy and error over updates, a row a network."""
    figure, axes = plt.subplots(
        len(scenarios), 2, figsize=(15.0, 4.8 * len(scenarios)), squeeze=False
    )
    for row, scenario in zip(axes, scenarios, strict=True):
        labels = _labels(curves, scenario.name)
        for axis, kpi in zip(row, ("scenario_accuracy", "mean_error"), strict=True):
            axis.set_xscale("log")
            axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.xaxis.set_minor_locator(NullLocator())
            if kpi == "mean_error":
                axis.set_yscale("log")
            lines = {
                label: [(_rate(one, scenario), one.interval(kpi)) for one in points]
                for label in labels
                if kpi in (points := curves[scenario.name, label])[0].values
            }
            draw_lines(axis, lines, styles_of(labels))
            axis.set_title(f"{kpi.replace('_', ' ')}, {NETWORKS[scenario.name]}", fontsize=10)
            axis.set_xlabel("updates an entity and hour")
    figure.subplots_adjust(wspace=0.5, hspace=0.3)
    save(figure, path)


def _page(
    curves: Curves, scenarios: Sequence[SyncScenario], missing: Sequence[str], command: str
) -> str:
    parts = [
        f"![accuracy and error over updates]({NAME}.png)",
        f"Left out, for their data were not there: {', '.join(missing)}." if missing else "",
        "## How many updates an accuracy takes\n\n" + _needed_table(curves, scenarios),
        "## What pays at the preset's price\n\n" + _total_table(curves, scenarios),
        *(f"## {NETWORKS[one.name]}\n\n" + _table(curves, one) for one in scenarios),
    ]
    return page_of("The right time to synchronise", __doc__, command, parts)


def _needed_table(curves: Curves, scenarios: Sequence[SyncScenario]) -> str:
    """Updates that reach round robin's accuracy, as a share of round robin's."""
    rows = []
    for scenario in scenarios:
        base = curves[scenario.name, BASE][-1]
        for label in _labels(curves, scenario.name):
            if label == BOUND:
                continue
            points = curves[scenario.name, label]
            needed = updates_needed(points, base.values["scenario_accuracy"])
            needed = needed / base.values["updates"]
            best = max(points, key=lambda one: float(one.values["scenario_accuracy"].mean()))
            rows.append(
                [
                    scenario.name,
                    label,
                    format_interval(over_blocks(needed), 1, scale=100)
                    if np.isfinite(needed).all()
                    else f"not reached in {int(np.isinf(needed).sum())} of {len(needed)} blocks",
                    format_interval(best.interval("scenario_accuracy"), 2, scale=100),
                    format_interval(
                        over_blocks(_gain(best, base, "scenario_accuracy")), 2, scale=100
                    ),
                    format_interval(
                        over_blocks(_gain(points[-1], base, "mean_error")), 2, scale=1e3
                    ),
                ]
            )
    heads = ["network", "policy", "updates needed (% of round robin's)", "best accuracy (%)",
             "over round robin (points)", "mean error over round robin's (1e-3)"]  # fmt: skip
    note = (
        "Asked: the accuracy that round robin has when it sends in every slot. Accuracy is the "
        "share of entities within 5 % of their range (equal, if on or off) at inspections. The "
        "last two columns are paired by blocks of worlds: accuracy at the best point of the sweep "
        "(chosen on these worlds), error with the most updates.\n\n" + _leaders(curves, scenarios)
    )
    return table(heads, rows) + "\n\n" + note


def _leaders(curves: Curves, scenarios: Sequence[SyncScenario]) -> str:
    """The best policy in accuracy and the best in error, which may differ."""
    lines = []
    for scenario in scenarios:
        ends = {
            label: curves[scenario.name, label][-1]
            for label in _labels(curves, scenario.name)
            if label != BOUND
        }
        accurate = max(ends, key=lambda k: float(ends[k].values["scenario_accuracy"].mean()))
        close = min(ends, key=lambda k: float(ends[k].values["mean_error"].mean()))
        lines.append(
            f"- `{scenario.name}`, most updates: most entities within the tolerance by {accurate}, "
            f"least squared error by {close}."
        )
    note = (
        "Whittle's index and the largest expected error look at the squared error, which a few "
        "fast entities dominate; accuracy counts entities. The two objectives need not agree."
    )
    return "\n".join(lines) + "\n\n" + note


def _gain(one: Measured, base: Measured, kpi: str) -> Floats:
    gain: Floats = one.values[kpi] - base.values[kpi]
    return gain


def total_cost(one: Measured, scenario: SyncScenario) -> Floats:
    """Mean error plus the preset's price of the updates, a slot; one a block."""
    price = scenario.update_cost / scenario.num_slots
    cost: Floats = one.values["mean_error"] + price * one.values["updates"]
    return cost


def _total_table(curves: Curves, scenarios: Sequence[SyncScenario]) -> str:
    rows = []
    for scenario in scenarios:
        for label in _labels(curves, scenario.name):
            if label == BOUND:
                continue
            points = curves[scenario.name, label]
            costs = [total_cost(one, scenario) for one in points]
            k = int(np.argmin([float(cost.mean()) for cost in costs]))
            rows.append(
                [
                    scenario.name,
                    label,
                    format_interval(over_blocks(costs[k]), 3, scale=1e3),
                    format_interval(over_blocks(costs[-1]), 3, scale=1e3),
                    f"{_rate(points[k], scenario):.3g}",
                    f"{_rate(points[-1], scenario):.3g}",
                ]
            )
    heads = ["network", "policy", "least cost of the sweep (1e-3)", "cost with most updates (1e-3)",
             "at updates an entity and hour", "most"]  # fmt: skip
    note = (
        "Cost: mean squared error in squared ranges plus the price of the updates, a slot (minus "
        "the mean reward). Where the least stands at fewer updates than the most, sending always "
        "is not worth it: that is the right time of this price."
    )
    return table(heads, rows) + "\n\n" + note


def _table(curves: Curves, scenario: SyncScenario) -> str:
    rows = []
    for label in _labels(curves, scenario.name):
        for one in curves[scenario.name, label]:
            accuracy: Interval | None = None
            if "scenario_accuracy" in one.values:
                accuracy = one.interval("scenario_accuracy")
            rows.append(
                [
                    label,
                    f"{_rate(one, scenario):.3g}",
                    "" if accuracy is None else format_interval(accuracy, 2, scale=100),
                    format_interval(one.interval("mean_error"), 3, scale=1e3),
                ]
            )
    return table(
        ["policy", "updates an entity and hour", "accuracy (%)", "mean error (1e-3)"], rows
    )


app = experiment(NAME, __doc__, _wanted, _results, seeds=10, worlds=2, trains=False)

if __name__ == "__main__":
    app()
