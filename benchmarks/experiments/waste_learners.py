"""How near rules, machines, planners and learners come to the best collection of waste.

On 30 of Edinburgh's sensored litter bins (they need TWIN_GYM_DATA), seen through reports that are
lost and a model of the inflow. The bound is proven for whoever knows in each world all that will be
thrown in; `clairvoyant-pyvrp` plans with what is and will be true, which the others do not see.

`python -m benchmarks.experiments.waste_learners` trains each agent once for a block and measures
all of them in the same worlds, which nothing was chosen on. Trainings are as long as helped on
other worlds: twice the steps of `MaskablePPO, pick` gained nothing there (one seed). Rules are
tuned on validation worlds as on the board. `waste_learners_large` does so on 100 bins. Both can be
stopped and go on where they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import typer
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from benchmarks.experiments.blocks import Cell, Floats, Measured, over_blocks
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import save
from benchmarks.experiments.learned import trained_note
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.experiments.waste_rows import (
    BASE,
    BOUND,
    CLAIRVOYANT,
    IN_ORDER,
    ORDER,
    cells_of,
    trainings,
)
from benchmarks.figures import COLOURS
from benchmarks.protocol import traces_of
from benchmarks.statistics import Interval
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.errors import TwinGymError
from twin_gym.scenario.loading import load

NAME, SCENARIO = "waste_learners", "truck-edinburgh-30"
QUICK, QUICK_DAYS = "truck-grid-20", 1
PARTS = {"driving": "distance_km", "stops": "stops", "overflow": "overflow_l"}
_WIDEST = 3.5  # of the cost of the base: longer bars are cut

Points = Mapping[tuple[str, str], Measured]
"""By label and name of the scenario."""


def is_there(name: str) -> bool:
    """Whether the data of a preset can be read."""
    try:
        traces_of(load(name))
    except TwinGymError:
        return False
    return True


def _scenarios(asked: Asked, name: str) -> list[TruckScenario]:
    """The scenario that is asked for, if it can be read."""
    if asked.quick:
        return [load(QUICK, TruckScenario).replace(horizon_s=QUICK_DAYS * DAY_S)]
    return [load(name, TruckScenario)] if is_there(name) else []


def comparison(name: str, text: str | None, scenario: str, *, worlds: int) -> typer.Typer:
    """The command that compares all policies on a scenario.

    Args:
        name: of the experiment.
        text: of its page.
        scenario: name of the preset.
        worlds: of each block, unless others are asked for.

    Returns:
        The application, to be called.
    """

    def wanted(asked: Asked) -> list[Cell]:
        return [cell for one in _scenarios(asked, scenario) for cell in cells_of(asked, one)]

    def results(asked: Asked, measured: Sequence[Measured]) -> Page:
        points = {(one.label, one.scenario): one for one in measured}
        scenarios = _scenarios(asked, scenario)
        parts = [f"![what a day costs]({name}.png)", *_parts(points, scenarios)]
        if not scenarios:
            parts = [f"The data of `{scenario}` were not there."]
        page = page_of(
            "Waste collection: learners beside planners and a bound", text, asked.command, parts
        )
        figures = {".png": lambda path: _draw(path, points, scenarios)} if scenarios else {}
        return Page(page, figures)

    return experiment(name, text, wanted, results, seeds=5, worlds=worlds)


def labels_of(points: Points, name: str) -> list[str]:
    """The rows of a scenario: what sees no more than it may by its return, then the others."""
    there = [label for label, where in points if where == name and not label.endswith(ORDER)]
    last = [label for label in (CLAIRVOYANT, BOUND) if label in there]
    rest = [label for label in there if label not in last]
    return sorted(rest, key=lambda label: _mean(points[label, name], "return")) + last


def _mean(one: Measured, kpi: str) -> float:
    return float(one.values[kpi].mean())


def a_day(one: Measured, scenario: TruckScenario, kpi: str) -> Floats:
    """A sum over an episode as that of a day; one a block."""
    values: Floats = one.values[kpi] * (DAY_S / scenario.horizon_s)
    return values


def scores(points: Points, label: str, name: str) -> Floats:
    """The return between that of random, 0, and the bound, 100; one a block.

    Where the bound is known in fewer blocks, its mean is taken.
    """
    low, high = (points[one, name].values["return"] for one in ("random", BOUND))
    if len(high) < len(low):
        high = high.mean()
    values: Floats = 100.0 * (points[label, name].values["return"] - low) / (high - low)
    return values


def costs(one: Measured, scenario: TruckScenario) -> dict[str, float]:
    """What a day costs, by what for; the bound has no parts."""
    prices = {
        "driving": scenario.cost_per_km,
        "stops": scenario.cost_per_stop,
        "overflow": scenario.penalty_per_l,
    }
    return {
        part: prices[part] * float(a_day(one, scenario, kpi).mean())
        for part, kpi in PARTS.items()
        if kpi in one.values
    }


def _draw(path: Path, points: Points, scenarios: Sequence[TruckScenario]) -> None:
    """What a day costs and what for, a panel a scenario; bars beyond the panel are cut."""
    figure, axes = plt.subplots(
        1, len(scenarios), figsize=(7.6 * len(scenarios), 5.6), squeeze=False
    )
    for axis, scenario in zip(axes[0], scenarios, strict=True):
        labels = labels_of(points, scenario.name)
        totals = [
            over_blocks(-a_day(points[label, scenario.name], scenario, "return"))
            for label in labels
        ]
        widest = _WIDEST * totals[labels.index(BASE)].estimate
        for row, (label, total) in enumerate(zip(labels, totals, strict=True)):
            left = 0.0
            parts = costs(points[label, scenario.name], scenario) or {"bound": total.estimate}
            for part, width in parts.items():
                axis.barh(row, width, left=left, color=_colour(part), height=0.7)
                left += width
            _whisker(axis, row, total, widest)
        axis.set_yticks(range(len(labels)), labels, fontsize=9)
        axis.set_xlim(0.0, widest)
        axis.set_xlabel("cost a day (1 a km, 0.5 a stop, 0.5 a litre that overflows)")
        axis.set_title(f"{scenario.num_bins} bins, {scenario.name}", fontsize=11)
        axis.grid(axis="x", alpha=0.3)
    handles = [Rectangle((0.0, 0.0), 1.0, 1.0, color=_colour(part)) for part in (*PARTS, "bound")]
    axes[0][-1].legend(handles, [*PARTS, "bound"], fontsize=9, loc="upper right")
    figure.subplots_adjust(wspace=0.35)
    save(figure, path)


def _colour(part: str) -> str:
    return "0.6" if part == "bound" else COLOURS[list(PARTS).index(part)]


def _whisker(axis: Axes, row: int, total: Interval, widest: float) -> None:
    """The interval of a total and its figure, at the edge where the bar is cut."""
    if total.estimate < widest:
        reach = [[total.estimate - total.low], [total.high - total.estimate]]
        if total.is_known:
            axis.errorbar(total.estimate, row, xerr=reach, color="black", capsize=3, linewidth=1)
        at, side = (max(total.high, total.estimate) if total.is_known else total.estimate), "left"
    else:
        at, side = widest, "right"
    axis.annotate(
        f" {total.estimate:.0f} ", (at, row), va="center", ha=side, fontsize=8,
        bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
    )  # fmt: skip


def _parts(points: Points, scenarios: Sequence[TruckScenario]) -> list[str]:
    return [
        *(
            trained_note(label, training, [one for one, where in points if where == scenario.name])
            for scenario in scenarios
            for label, training in trainings(scenario.name).items()
        ),
        *(f"## {scenario.name}\n\n{_table(points, scenario)}" for scenario in scenarios),
        "## What the figures say\n\n"
        + "\n".join(line for one in scenarios for line in _sentences(points, one)),
        *(
            f"## The order of stops, {scenario.name}\n\n{_order_table(points, scenario)}"
            for scenario in scenarios
            if (BASE + ORDER, scenario.name) in points
        ),
    ]


def _table(points: Points, scenario: TruckScenario) -> str:
    name, rows = scenario.name, []
    base = points[BASE, name]
    for label in labels_of(points, name):
        one = points[label, name]
        row = [
            label,
            format_interval(over_blocks(a_day(one, scenario, "return")), 1),
        ]
        if label == BOUND:
            rows.append([*row, "100", *[""] * 7])
            continue
        row += [
            format_interval(over_blocks(scores(points, label, name)), 1)
            if (BOUND, name) in points
            else "",
            format_interval(
                over_blocks(a_day(one, scenario, "return") - a_day(base, scenario, "return")), 1
            ),
        ]
        row += [
            format_interval(over_blocks(a_day(one, scenario, kpi)), digits)
            for kpi, digits in (("distance_km", 1), ("overflow_l", 0), ("stops", 1))
        ]
        stops = np.maximum(one.values["stops"], 1.0)  # some stay at the depot
        row.append(format_interval(over_blocks(one.values["distance_km"] / stops), 2))
        row.append(format_interval(one.interval("fill_at_stop"), 0, scale=100))
        row.append(format_interval(one.interval("service_level"), 1, scale=100))
        rows.append(row)
    heads = ["policy", "return a day", "score (0 random, 100 bound)", f"over {BASE}", "km a day",
             "litres over a day", "stops a day", "km a stop", "fill at a stop (%)",
             "service level (%)"]  # fmt: skip
    return table(heads, rows)


def _sentences(points: Points, scenario: TruckScenario) -> list[str]:
    """What each learner pays more than the planner that it sees as much as, by what for."""
    name, base = scenario.name, costs(points[BASE, scenario.name], scenario)
    lines = []
    for label in trainings(name):
        if (label, name) not in points:
            continue
        more = {
            part: cost - base[part] for part, cost in costs(points[label, name], scenario).items()
        }
        gap = a_day(points[label, name], scenario, "return") - a_day(
            points[BASE, name], scenario, "return"
        )
        interval = over_blocks(gap)
        verdict = (
            "loses" if interval.high < 0.0 else "wins" if interval.low > 0.0 else "is on a par"
        )
        parts = ", ".join(f"{part} {cost:+.1f}" for part, cost in more.items())
        lines.append(
            f"- `{name}`: {label} {verdict} (return over `{BASE}` {format_interval(interval, 1)} a "
            f"day; costs a day: {parts})."
        )
    return lines


def _order_table(points: Points, scenario: TruckScenario) -> str:
    rows = []
    for label in IN_ORDER:
        one = points.get((f"{label}{ORDER}", scenario.name))
        if one is None:
            continue
        driven, shortest = (a_day(one, scenario, name) for name in ("driven_km", "shortest_km"))
        cells = (over_blocks(driven), over_blocks(shortest), over_blocks(driven - shortest))
        rows.append([label, *(format_interval(cell, 1) for cell in cells)])
    note = (
        "Whole trips of a day, and the same trips with their stops in an order that no exchange "
        "shortens (2-opt and Or-opt): what is saved is due to the order alone, what is left to "
        "the bins that were chosen and to the number of trips."
    )
    heads = ["policy", "driven (km)", "in a better order (km)", "saved (km)"]
    return table(heads, rows) + "\n\n" + note


app = comparison(NAME, __doc__, SCENARIO, worlds=4)

if __name__ == "__main__":
    app()
