"""What the reading of a fill sensor is worth to those who empty the bins.

Duran et al., arXiv:2411.14222, 2024, section III-C.2, plan trucks by a twin of the bins and print
no figure of it. Wouda et al., arXiv:2409.13386, 2024, who plan the waste containers of Groningen,
ask whether sensors are worth it at all. Here the same bins report every quarter of an hour, hour,
four hours or day, or never, over links that deliver all reports, four in five or one in two.

`python -m benchmarks.experiments.waste_readings` runs two rules, a planner, and the same planner
with the truth (the anchor: it needs no readings). Between readings the twin adds what is thrown in
on average, which it knows for every bin; the two rules are also run with a twin that holds the last
reading. It can be stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib import pyplot as plt
from matplotlib.ticker import NullLocator

from benchmarks.experiments.blocks import Cell, Floats, Measured, over_blocks, policy_cell
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.statistics import Interval
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, TruckScenario
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "waste_readings"
PERIODS_S: tuple[float | None, ...] = (900.0, HOUR_S, 4.0 * HOUR_S, DAY_S, None)
USUAL = 0.8
NETWORKS = {"truck-grid-50": 1, "truck-edinburgh-calibrated": 2}
"""By preset: one world of so many is run of those that are asked for; planning takes the time."""

DELIVERIES = {"truck-grid-50": (1.0, USUAL, 0.5)}
"""By preset, probabilities that a report arrives; of others the usual one alone."""

PLANNER, ANCHOR = "overflow-pyvrp", "clairvoyant-pyvrp"
RULES = ("nearest-full", "threshold")
FITTED, HOLD = "fitted", "hold"
KPIS = ("cost_total", "overflow_l", "distance_km", "stops", "wasted_stops", "service_level",
        "twin_error")  # fmt: skip
NEVER_H = 4 * 24.0
"""Where figures draw that there are no reports."""

Condition = tuple[float | None, float, str]
"""Report period, probability of delivery, and what the twin takes for the fill in between."""

Points = Mapping[tuple[str, str, Condition], Measured]
"""By preset, policy and condition."""


def conditions(preset: str, *, quick: bool, predictor: str = FITTED) -> list[Condition]:
    """How bins report: without reports there is nothing to deliver."""
    periods = (HOUR_S, None) if quick else PERIODS_S
    told: list[Condition] = [
        (period_s, delivery, predictor)
        for period_s in periods
        if period_s is not None
        for delivery in DELIVERIES.get(preset, (USUAL,))
    ]
    return told + ([(None, 1.0, FITTED)] if predictor == FITTED else [])


def network(preset: str, condition: Condition) -> TruckScenario:
    """A preset with bins that report so."""
    period_s, delivery, predictor = condition
    told = "never" if period_s is None else f"{period_s:g}s-{delivery:g}"
    return load(preset, TruckScenario).replace(
        name=f"{preset}-{told}-{predictor}",
        report_period_s="never" if period_s is None else period_s,
        delivery_probability=delivery, predictor=predictor,
    )  # fmt: skip


def _presets(asked: Asked) -> list[str]:
    return ["truck-grid-20"] if asked.quick else list(NETWORKS)


def runs(asked: Asked) -> list[tuple[str, str, Condition]]:
    """The preset, policy and condition of each measurement."""
    made: list[tuple[str, str, Condition]] = []
    for preset in _presets(asked):
        told = conditions(preset, quick=asked.quick)
        made += [(preset, name, one) for one in told for name in (*RULES, PLANNER)]
        held = conditions(preset, quick=asked.quick, predictor=HOLD)
        made += [(preset, name, one) for one in held for name in RULES]
        made.append((preset, ANCHOR, (HOUR_S, USUAL, FITTED)))
    return made


def _cells(asked: Asked) -> list[Cell]:
    return [
        policy_cell(
            name, network(preset, condition), partial(make_policy, name), KPIS,
            blocks=range(asked.seeds), worlds=-(-asked.worlds // NETWORKS.get(preset, 1)),
            x=NEVER_H if condition[0] is None else condition[0] / HOUR_S,
        )
        for preset, name, condition in runs(asked)
    ]  # fmt: skip


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    points = dict(zip(runs(asked), measured, strict=True))
    return Page(_page(points, asked), {".png": lambda path: _draw(path, points)})


def a_bin_and_day(one: Measured, preset: str, kpi: str) -> Floats:
    """An indicator over the bins and days of a preset; one a block."""
    scenario = load(preset, TruckScenario)
    values: Floats = one.values[kpi] / (scenario.num_bins * scenario.num_days)
    return values


def worth(points: Points, preset: str, policy: str, condition: Condition) -> Floats:
    """Cost without reports less cost with them, a bin and day; one a block of the same worlds."""
    without = a_bin_and_day(points[preset, policy, (None, 1.0, FITTED)], preset, "cost_total")
    gain: Floats = without - a_bin_and_day(points[preset, policy, condition], preset, "cost_total")
    return gain


def _draw(path: Path, points: Points) -> None:
    """Cost and overflow over the report period, and what reports are worth to the planner."""
    presets = list(dict.fromkeys(preset for preset, _, _ in points))
    figure, axes = plt.subplots(len(presets), 3, figsize=(18.0, 4.6 * len(presets)), squeeze=False)
    styles = styles_of((*RULES, PLANNER, ANCHOR))
    for row, preset in zip(axes, presets, strict=True):
        for axis, kpi, unit in zip(row, ("cost_total", "overflow_l"), ("cost", "litres"),
                                   strict=False):  # fmt: skip
            lines = {name: _line(points, preset, name, kpi) for name in (*RULES, PLANNER)}
            anchor = over_blocks(
                a_bin_and_day(points[preset, ANCHOR, (HOUR_S, USUAL, FITTED)], preset, kpi)
            )
            xs = [x for x, _ in lines[PLANNER]]
            lines[ANCHOR] = [(x, anchor) for x in xs]
            _scale(axis, xs)
            draw_lines(axis, lines, styles)
            of = "overflow" if kpi == "overflow_l" else "cost"
            axis.set_title(f"{of}, {preset}, {USUAL:g} delivered", fontsize=9)
            axis.set_ylabel(f"{unit} a bin and day")
        _draw_worth(row[2], points, preset)
    figure.subplots_adjust(wspace=0.62, hspace=0.35)
    save(figure, path)


def _draw_worth(axis: Axes, points: Points, preset: str) -> None:
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for where, name, condition in points:
        if (where, name, condition[2]) == (preset, PLANNER, FITTED) and condition[0] is not None:
            gain = over_blocks(worth(points, preset, PLANNER, condition))
            line = lines.setdefault(f"{condition[1]:g} delivered", [])
            line.append((condition[0] / HOUR_S, gain))
    _scale(axis, [x for line in lines.values() for x, _ in line])
    draw_lines(axis, lines, styles_of(list(lines)))
    axis.axhline(0.0, color="0.4", linewidth=0.8)
    axis.set_title(f"worth of reports to {PLANNER}, {preset}", fontsize=9)
    axis.set_ylabel("cost saved a bin and day")


def _scale(axis: Axes, xs: Sequence[float]) -> None:
    ticks = sorted(set(xs))
    axis.set_xscale("log")
    axis.set_xticks(ticks, ["never" if x == NEVER_H else f"{x:g}" for x in ticks])
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("hours from report to report")


def _line(points: Points, preset: str, name: str, kpi: str) -> list[tuple[float, Interval]]:
    return [
        (one.x, over_blocks(a_bin_and_day(one, preset, kpi)))
        for (where, policy, (period_s, delivery, predictor)), one in points.items()
        if (where, policy, predictor) == (preset, name, FITTED)
        and (period_s is None or delivery == USUAL)
    ]


def _page(points: Points, asked: Asked) -> str:
    presets = list(dict.fromkeys(preset for preset, _, _ in points))
    parts = [
        f"![cost, overflow and worth over the report period]({NAME}.png)",
        _sizes(asked, presets),
        "## What readings are worth\n\n" + _worth_table(points, presets),
        *(f"## {preset}\n\n" + _table(points, preset) for preset in presets),
    ]
    return page_of("What a reading is worth", __doc__, asked.command, parts)


def _sizes(asked: Asked, presets: Sequence[str]) -> str:
    sizes = []
    for preset in presets:
        scenario = load(preset, TruckScenario)
        worlds = -(-asked.worlds // NETWORKS.get(preset, 1))
        sizes.append(
            f"`{preset}`: {scenario.num_bins} bins, {scenario.num_days} days, {asked.seeds} blocks "
            f"of {worlds} world{'s' if worlds > 1 else ''}"
        )
    return (
        "; ".join(sizes) + ". Cost is that of the scenario: 1 a kilometre, 0.5 a stop, 0.5 a litre "
        "that finds no room. The worth of readings is the cost without any less the cost with "
        "them, paired by blocks of the same worlds; the sensors themselves cost nothing here, so "
        "that it is what a sensor may cost. The twin knows the mean inflow of every bin exactly, "
        "which favours doing without readings; where it is estimated from records and the season "
        "moves on, see `waste_replay`. Each interval is of one comparison, and there are many."
    )


def _worth_table(points: Points, presets: Sequence[str]) -> str:
    rows, said = [], []
    for preset in presets:
        for name in (PLANNER, *RULES):
            for where, policy, condition in points:
                if (where, policy) == (preset, name) and condition[0] and condition[2] == FITTED:
                    rows.append(_worth_row(points, preset, name, condition))
            said.append(_sentence(points, preset, name))
        said += [_of_forecast(points, preset), _of_planning(points, preset)]
    heads = ["network", "policy", "report every", "delivered", "worth a bin and day",
             "% of the cost without", "worth of a report that arrives"]  # fmt: skip
    return "\n".join(f"- {one}" for one in said) + "\n\n" + table(heads, rows)


def _worth_row(points: Points, preset: str, name: str, condition: Condition) -> list[str]:
    period_s, delivery, _ = condition
    gain = worth(points, preset, name, condition)
    without = a_bin_and_day(points[preset, name, (None, 1.0, FITTED)], preset, "cost_total")
    arriving = DAY_S / (period_s or DAY_S) * delivery
    return [
        preset, name, _told(period_s), f"{delivery:g}", format_interval(over_blocks(gain), 3),
        format_interval(over_blocks(gain / without.mean()), 1, scale=100),
        format_interval(over_blocks(gain / arriving), 4),
    ]  # fmt: skip


def _sentence(points: Points, preset: str, name: str) -> str:
    """In plain words, what the most and the fewest reports change."""
    told = [c for where, policy, c in points if (where, policy, c[2]) == (preset, name, FITTED)]
    some = [c for c in told if c[0] is not None]
    most, least = some[0], some[-1]
    without = points[preset, name, (None, 1.0, FITTED)]
    cost = over_blocks(a_bin_and_day(without, preset, "cost_total"))
    gains = [over_blocks(worth(points, preset, name, c)) for c in (most, least)]
    words = [
        f"every {_told(c[0])} ({c[1]:.0%} arrive) {_verdict(gain)} {format_interval(gain, 3)}"
        for c, gain in zip((most, least), gains, strict=True)
    ]
    return (
        f"`{preset}`, {name}: a bin costs {format_interval(cost, 3)} a day without readings; "
        f"readings {' and '.join(dict.fromkeys(words))}."
    )


def _of_forecast(points: Points, preset: str) -> str:
    """How wrong the twin is with and without readings, and how far from perfect knowledge."""
    never, usual = (None, 1.0, FITTED), (HOUR_S, USUAL, FITTED)
    errors = [
        format_interval(points[preset, PLANNER, told].interval("twin_error"), 1, scale=100)
        for told in (never, usual)
    ]
    costs = [
        a_bin_and_day(points[preset, name, told], preset, "cost_total")
        for name, told in ((PLANNER, never), (PLANNER, usual), (ANCHOR, usual))
    ]
    gap = format_interval(over_blocks((costs[0] - costs[2]) / costs[0]), 1, scale=100)
    closed = 100.0 * (costs[0] - costs[1]).mean() / (costs[0] - costs[2]).mean()
    return (
        f"`{preset}`, why: without any reading the twin is off by {errors[0]} % of a capacity, "
        f"with hourly ones by {errors[1]} %. The planner with the truth costs {gap} % less than "
        f"the planner without readings: no reading can save more than about that. Hourly reports "
        f"close {closed:.0f} % of this gap; the rest is what nobody can know yet."
    )


def _of_planning(points: Points, preset: str) -> str:
    """What planning without readings saves beside rules that have all of them."""
    blind = a_bin_and_day(points[preset, PLANNER, (None, 1.0, FITTED)], preset, "cost_total")
    most = {
        rule: next(one for place, one in points.items() if place[:2] == (preset, rule))
        for rule in RULES
    }
    costs = {rule: a_bin_and_day(one, preset, "cost_total") for rule, one in most.items()}
    words = [
        f"{format_interval(over_blocks(c - blind), 3)} less than {r}" for r, c in costs.items()
    ]
    return (
        f"`{preset}`, planning beside readings: the planner without any reading costs "
        f"{' and '.join(words)} with the most frequent ones, a bin and day."
    )


def _verdict(gain: Interval) -> str:
    if not gain.is_known:
        return "save"
    if gain.low > 0.0:
        return "save"
    return "cost (a loss)" if gain.high < 0.0 else "make no difference that shows:"


def _told(period_s: float | None) -> str:
    if period_s is None:
        return "never"
    return f"{period_s / 60.0:g} min" if period_s < HOUR_S else f"{period_s / HOUR_S:g} h"


def _table(points: Points, preset: str) -> str:
    rows = []
    for (where, name, (period_s, delivery, predictor)), one in points.items():
        if where != preset:
            continue
        ends = ("", "", "") if name == ANCHOR else (
            _told(period_s), "" if period_s is None else f"{delivery:g}", predictor,
        )  # fmt: skip
        a_day = [
            format_interval(over_blocks(a_bin_and_day(one, preset, kpi)), 3)
            for kpi in ("cost_total", "overflow_l", "distance_km", "stops", "wasted_stops")
        ]
        error = format_interval(one.interval("twin_error"), 1, scale=100)
        rows.append([name, *ends, *a_day, "" if name == ANCHOR else error])
    heads = ["policy", "report every", "delivered", "in between", "cost", "overflow (l)", "km",
             "stops", "to bins less than half full", "twin's error (% of capacity)"]  # fmt: skip
    note = (
        "A bin and day. In between readings the twin adds the mean inflow (`fitted`) or takes the "
        "last one (`hold`). The planner with the truth sees contents and what will be thrown in; "
        "it plans a day ahead and is an anchor, not a bound."
    )
    return table(heads, rows) + "\n\n" + note


app = experiment(NAME, __doc__, _cells, _results, seeds=6, worlds=2, trains=False)

if __name__ == "__main__":
    app()
