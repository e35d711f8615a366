"""Trucks planned by what June 2016 tells of Edinburgh's bins, in the July that followed.

The inflow of each bin and the size of deposits are fitted to the emptyings that were recorded until
1 July 2016; those from then on are replayed (City of Edinburgh Council's "Litter bin sensor data",
Open Government Licence v3.0; it needs TWIN_GYM_DATA). What was found at an emptying is thrown in
evenly since the one before, so that a replay has the busy and quiet days of that summer.

`python -m benchmarks.experiments.waste_replay` runs one truck on every fifth bin of the register,
five such parts, through all days of the replay, with hourly reports and with none; and the planner
once more with the inflows of the replayed days themselves, which it could not know. It can be
stopped and goes on where it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import pyplot as plt

from benchmarks.environments.truck_routing.fit import ALL_BINS, EMPTYINGS, FULL_SHARE, ROADS
from benchmarks.experiments.blocks import Cell, Floats, Measured, Values, over_blocks, policy_cell
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.drawing import save
from benchmarks.experiments.pages import format_interval, page_of, table
from benchmarks.experiments.waste_replay.parts import (
    AFTER,
    BEFORE,
    FITS,
    LAST_DAY,
    PARTS,
    SPLIT,
    SPLIT_DAY,
    Fit,
    Part,
    fitted,
    known,
    part,
    within,
)
from benchmarks.figures import COLOURS
from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.deposits import PoissonGamma, ReplayedEmptyings
from twin_gym.environments.truck_routing.policies.decisions import policy_tables
from twin_gym.environments.truck_routing.policies.planning import RoutingProblem, plan_routes
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, TruckScenario
from twin_gym.policies import Policy, make_policy
from twin_gym.scenario import Scenario

NAME = "waste_replay"
PLANNER, ANCHOR, CREWS = "overflow-pyvrp", "clairvoyant-pyvrp", "recorded emptyings"
POLICIES = ("schedule", "nearest-full", "threshold", "svm-fill", "svm-route", "threshold-pyvrp",
            PLANNER)  # fmt: skip
KPIS = ("cost_total", "overflow_l", "distance_km", "stops", "wasted_stops", "fill_at_stop",
        "service_level", "twin_error")  # fmt: skip
PER_BIN = ("cost_total", "overflow_l", "distance_km", "stops", "wasted_stops")
QUICK_DAYS = 3


class Run(NamedTuple):
    """What is measured.

    Attributes:
        label: the policy, or the recorded emptyings.
        reports: whether bins report hourly; else never.
        fit: the days that inflows are fitted to.
    """

    label: str
    reports: bool
    fit: Fit


def runs(*, quick: bool) -> list[Run]:
    """The rules and the planner with and without reports, and what bounds them."""
    policies = ("nearest-full", PLANNER) if quick else POLICIES
    made = [Run(name, reports, BEFORE) for name in policies for reports in (True, False)]
    made += [Run(PLANNER, reports, AFTER) for reports in (True, False)]
    return [*made, Run(ANCHOR, True, BEFORE), Run(CREWS, False, BEFORE)]


def scenario(of: Part, run: Run, *, quick: bool) -> TruckScenario:
    """The replay of a part, with a twin that knows inflows of some days."""
    inflow, table = fitted(of, run.fit).inflow_l_per_h, of.table
    bins = ListedBins(
        bins=tuple(
            Bin(name=name, x_m=float(x), y_m=float(y), capacity_l=float(c), inflow_l_per_h=float(q))
            for name, x, y, c, q in zip(
                table.names, table.x_m, table.y_m, table.capacity_l, inflow, strict=True
            )
        )
    )
    last_day = SPLIT_DAY + QUICK_DAYS if quick else LAST_DAY
    return TruckScenario(
        name=f"edinburgh-july-{'hourly' if run.reports else 'never'}-{run.fit}", bins=bins,
        roads=ROADS, horizon_s=(last_day - SPLIT_DAY) * DAY_S, sensor_full_share=FULL_SHARE,
        deposits=ReplayedEmptyings(file=EMPTYINGS, first_day=SPLIT_DAY, last_day=last_day),
        report_period_s=HOUR_S if run.reports else "never",
    )  # fmt: skip


def planner_of(replay: Scenario, name: str, dispersion_l: float) -> Policy:
    """A policy that holds deposits for a Poisson process of exponential sizes, as was fitted.

    A replay has no law: the policy is told the one that the days before it have.
    """
    law = PoissonGamma(deposit_mean_l=dispersion_l / 2.0)
    return make_policy(name, replay.replace(deposits=law))


def _cells(asked: Asked) -> list[Cell]:
    dispersion_l = round(fitted(known(), BEFORE).dispersion_l, 1)
    made = []
    for run in runs(quick=asked.quick):
        for block in range(min(asked.seeds, PARTS)):
            replay = scenario(part(block, quick=asked.quick), run, quick=asked.quick)
            if run.label == CREWS:
                measure = partial(_crews, block=block, quick=asked.quick)
                made.append(Cell(run.label, replay, (block,), 1, measure))
            else:
                make = partial(planner_of, name=run.label, dispersion_l=dispersion_l)
                made.append(
                    policy_cell(run.label, replay, make, KPIS, blocks=(block,),
                                worlds=asked.worlds, setting=f"dispersion {dispersion_l} l")
                )  # fmt: skip
    return made


def _crews(cell: Cell, block: int, *, quick: bool) -> Values:
    """What was recorded, and how far a truck would drive to the bins of each day at the least."""
    of = part(block, quick=quick)
    days = range(SPLIT_DAY, SPLIT_DAY + round(cell.scenario.horizon_s / DAY_S))
    some = [within(one, days[0], days[-1] + 1) for one in of.emptyings]
    fills = FULL_SHARE * np.concatenate([one.fills for one in some])
    km = sum(_shortest_km(cell.scenario, of, day) for day in days)
    return {
        "distance_km": [km], "stops": [float(len(fills))], "fill_at_stop": [float(fills.mean())],
        "wasted_stops": [float((fills < 0.5).sum())],  # noqa: PLR2004  half full
        "full": [float((fills >= FULL_SHARE).mean())],
    }  # fmt: skip


def _shortest_km(replay: Scenario, of: Part, day: int) -> float:
    """Kilometres of one truck that empties the bins of a day, each once, and has all day."""
    if not isinstance(replay, TruckScenario):
        raise TypeError(f"this is an experiment of trucks, got {replay.kind!r}")
    tables = policy_tables(replay)
    some = [within(one, day, day + 1) for one in of.emptyings]
    volume_l = np.array([one.fills.max(initial=0.0) for one in some]) * FULL_SHARE
    problem = RoutingProblem(
        travel_m=tables.travel_m, travel_s=tables.travel_s, volume_l=volume_l * of.table.capacity_l,
        prize=np.zeros(len(some)), required=np.array([len(one.times_s) > 0 for one in some]),
        time_left_s=DAY_S, truck_capacity_l=replay.truck_capacity_l, service_s=replay.service_s,
        unload_s=replay.unload_s, cost_per_km=replay.cost_per_km,
    )  # fmt: skip
    depot, metres = len(some), 0.0
    for trip in (trip for trips in plan_routes(problem) for trip in trips):
        stops = [depot, *trip, depot]
        metres += float(tables.travel_m[stops[:-1], stops[1:]].sum())
    return metres / 1000.0


def _results(asked: Asked, measured: Sequence[Measured]) -> Page:
    points = dict(zip(runs(quick=asked.quick), measured, strict=True))
    sizes = np.array(
        [len(part(k, quick=asked.quick).emptyings) for k in range(min(asked.seeds, PARTS))]
    )
    days = QUICK_DAYS if asked.quick else LAST_DAY - SPLIT_DAY
    for one in points.values():
        for kpi in PER_BIN:
            if kpi in one.values:
                one.values[kpi] = one.values[kpi] / (sizes * days)
    return Page(_page(points, asked, sizes, days), {".png": lambda path: _draw(path, points)})


def _draw(path: Path, points: Mapping[Run, Measured]) -> None:
    """Cost, overflow and kilometres of each policy, with reports and without."""
    figure, axes = plt.subplots(1, 3, figsize=(15.0, 0.55 * len(points) + 1.2), sharey=True)
    rows = [run for run in points if run.label != CREWS] + [
        one for one in points if one.label == CREWS
    ]
    for axis, kpi, title in zip(
        axes, ("cost_total", "overflow_l", "distance_km"),
        ("cost a bin and day", "overflow (l a bin and day)", "km a bin and day"), strict=True,
    ):  # fmt: skip
        for place, run in enumerate(rows):
            if kpi not in points[run].values:
                continue
            value = points[run].interval(kpi)
            half = (value.high - value.low) / 2.0 if value.is_known else 0.0
            colour = COLOURS[0] if run.reports else COLOURS[1]
            axis.errorbar(value.estimate, place, xerr=half, fmt="o", color=colour, capsize=3)
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.3)
    axes[0].set_yticks(range(len(rows)), [_told(run) for run in rows])
    axes[0].invert_yaxis()
    save(figure, path)


def _told(run: Run) -> str:
    if run.label in (ANCHOR, CREWS):
        return run.label
    fit = "" if run.fit == BEFORE else ", inflows of July"
    return f"{run.label}, {'hourly reports' if run.reports else 'no reports'}{fit}"


def _page(points: Mapping[Run, Measured], asked: Asked, sizes: Floats, days: int) -> str:
    parts = [
        f"![cost, overflow and kilometres]({NAME}.png)",
        _sizes(asked, sizes, days),
        "## Policies in the replay\n\n" + _table(points),
        "## What is worth what\n\n" + _gains(points),
        "## Beside the crews\n\n" + _beside(points),
        "## June and July\n\n" + _months(asked),
    ]
    return page_of("Planned by June, driven in July", __doc__, asked.command, parts)


def _sizes(asked: Asked, sizes: Floats, days: int) -> str:
    left_out = ALL_BINS.count - len(known().emptyings)
    return (
        f"Blocks are parts of {sizes.min()} to {sizes.max()} bins, each with a truck of its own, "
        f"over the same {days} days; {asked.worlds} world{'s' if asked.worlds > 1 else ''} a block "
        "draw how full bins begin and which reports are lost, not what is thrown in. The intervals "
        "say how results differ between parts of the town, not between summers. "
        f"{left_out} of the {ALL_BINS.count} bins were not emptied both before and after "
        f"{SPLIT:%-d %B %Y}, and are left out. Depot, truck, shift, speed and costs are choices of "
        "this project."
    )


def _table(points: Mapping[Run, Measured]) -> str:
    rows = []
    for run, one in points.items():
        cells = [
            format_interval(one.interval(kpi), 3) if kpi in one.values else "" for kpi in PER_BIN
        ]
        shares = [
            format_interval(one.interval(kpi), 1, scale=100) if kpi in one.values else ""
            for kpi in ("fill_at_stop", "service_level", "twin_error")
        ]
        rows.append([_told(run), *cells, *shares])
    heads = ["policy", "cost", "overflow (l)", "km", "stops", "to bins less than half full",
             "fill at stops (%)", "found room (%)", "twin's error (% of capacity)"]  # fmt: skip
    note = (
        "The first five columns are a bin and day. The planner with the truth sees contents and "
        "what will be thrown in, a day ahead; it is an anchor, not a bound. The machines "
        "`svm-fill` and `svm-route` were fitted in simulated towns, whose sensors read to the brim."
    )
    return table(heads, rows) + "\n\n" + note


def _gains(points: Mapping[Run, Measured]) -> str:
    rows = []
    for label in dict.fromkeys(run.label for run in points):
        pair = [Run(label, reports, BEFORE) for reports in (False, True)]
        if all(run in points for run in pair):
            rows.append([f"hourly reports, to {label}", *_saved(points, *pair)])
    for reports in (True, False):
        told = "with" if reports else "without"
        planned = Run(PLANNER, reports, BEFORE)
        for rule in ("schedule", "nearest-full"):
            if Run(rule, reports, BEFORE) in points:
                saved = _saved(points, Run(rule, reports, BEFORE), planned)
                rows.append([f"{PLANNER} in place of {rule}, {told} reports", *saved])
        saved = _saved(points, planned, Run(PLANNER, reports, AFTER))
        rows.append([f"July's own inflows, to {PLANNER} {told} reports", *saved])
    best = Run(PLANNER, True, BEFORE)
    rows.append(["the truth, to a planner with reports",
                 *_saved(points, best, Run(ANCHOR, True, BEFORE))])  # fmt: skip
    heads = ["what", "saves cost a bin and day", "% of the cost before"]
    once = sum(len(within(one, SPLIT_DAY, LAST_DAY).times_s) == 1 for one in known().emptyings)
    note = (
        f"Paired by blocks of the same bins and worlds. {once} bins were emptied once only in the "
        "replayed days: July's own inflow of such a bin can be far too low, for the replay goes on "
        "at its mean of the whole file, and the planner trusts the fit and lets it overflow."
    )
    return table(heads, rows) + "\n\n" + note


def _saved(points: Mapping[Run, Measured], before: Run, after: Run) -> list[str]:
    cost = points[before].values["cost_total"]
    saved = cost - points[after].values["cost_total"]
    relative = format_interval(over_blocks(saved / cost), 1, scale=100)
    return [format_interval(over_blocks(saved), 3), relative]


def _beside(points: Mapping[Run, Measured]) -> str:
    crews = next(one for run, one in points.items() if run.label == CREWS)
    planned = points[Run(PLANNER, True, BEFORE)]
    stops, wasted = crews.values["stops"], crews.values["wasted_stops"]
    return (
        f"The crews emptied a bin {format_interval(over_blocks(stops), 3)} times a day and found "
        f"it {format_interval(crews.interval('fill_at_stop'), 1, scale=100)} % full (at most "
        f"{100 * FULL_SHARE:.0f}, where the sensor ends); "
        f"{format_interval(over_blocks(wasted / stops), 1, scale=100)} % of their stops were at "
        "bins less than half full. The planner with hourly reports stops "
        f"{format_interval(planned.interval('stops'), 3)} times. The two are not to be compared in "
        "cost. No route is recorded: the kilometres in the table are those of one truck that "
        "empties the bins of each recorded day in the best order from our depot, once each, "
        "whatever the hour. And the replay throws in what crews found, so that what overflowed "
        "before they came is not in it: recorded emptyings would have no overflow by construction, "
        f"while {format_interval(crews.interval('full'), 1, scale=100)} % of them found the sensor "
        "at its end."
    )


def _months(asked: Asked) -> str:
    """How inflows changed from the days that were fitted to those that were replayed."""
    total, spread, close = [], [], []
    for block in range(min(asked.seeds, PARTS)):
        of = part(block, quick=asked.quick)
        june, july = (fitted(of, fit).inflow_l_per_h for fit in FITS)
        total.append(float(july.sum() / june.sum()))
        change = np.abs(np.log(july / june))
        spread.append(float(np.median(change)))
        close.append(float(np.corrcoef(np.log(june), np.log(july))[0, 1]))
    words = [
        format_interval(over_blocks(np.array(total)), 1, scale=100),
        format_interval(over_blocks(np.expm1(np.array(spread))), 0, scale=100),
        format_interval(over_blocks(np.array(close)), 2),
    ]
    return (
        f"From {SPLIT:%-d %B} on, the bins of a part got {words[0]} % of what they got before; the "
        f"inflow of the median bin changed by {words[1]} % up or down, and the correlation of the "
        f"logarithms of both is {words[2]}. That is how good the fitted forecast can be. The "
        f"variance of deposits was {fitted(known(), BEFORE).dispersion_l:.1f} l times their mean "
        f"before and {fitted(known(), AFTER).dispersion_l:.1f} l after."
    )


app = experiment(NAME, __doc__, _cells, _results, seeds=PARTS, worlds=1, trains=False)

if __name__ == "__main__":
    app()
