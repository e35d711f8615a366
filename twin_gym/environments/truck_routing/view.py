"""Tables and texts of truck routing for the commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from twin_gym.cli.view import PERCENT, Column, Measure, indicator_table, pairs
from twin_gym.console.printing import number, table
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.bins import DrawnBins
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.environments.truck_routing.registers import BinFile, BinTable
from twin_gym.environments.truck_routing.roads import GridRoads, StraightRoads
from twin_gym.environments.truck_routing.scenario import HOUR_S, TruckScenario
from twin_gym.errors import TraceError
from twin_gym.policies import Evaluation

Floats = NDArray[np.float64]

_HOURS_A_DAY = 24.0


class TruckView:
    """Bins, trucks and reports, and what must be emptied in a day (see `View`)."""

    measure = Measure("bins", "number of bins")
    columns = (
        Column("return", ""),
        Column("service %", "service_level", PERCENT, 2),
        Column("km", "distance_km", most_decimals=1),
        Column("stops", "stops", most_decimals=1),
    )

    def measured(self, scenario: TruckScenario) -> str:
        """How many bins: what a day brings needs the data."""
        return f"{scenario.num_bins:,}"

    def about(self, scenario: TruckScenario) -> str:
        """Bins, trucks and shifts."""
        trucks = "1 truck" if scenario.num_trucks == 1 else f"{scenario.num_trucks} trucks"
        return (
            f"{scenario.num_bins:,} bins, {trucks}, {scenario.num_days} shifts of "
            f"{number(scenario.shift_length_s / HOUR_S)} h"
        )

    def tables(self, scenario: TruckScenario) -> Sequence[Table]:
        """Bins, trucks, and what the twin is told."""
        return _bins(scenario), _trucks(scenario), _reports(scenario), _costs(scenario)

    def known(self, scenario: TruckScenario) -> str:
        """What a day brings over what trucks carry, and the age of readings."""
        return f"{_daily(scenario)} {_aged(scenario)}"

    def details(self, scenario: TruckScenario, evaluation: Evaluation) -> Sequence[Table]:
        """All indicators."""
        return (indicator_table(evaluation),)

    def bound(self, scenario: TruckScenario, seeds: Sequence[int]) -> str | None:
        """None: over an episode the linear programmes take minutes."""
        return None


def _table_of(scenario: TruckScenario) -> BinTable | str:
    """The bins, or why they cannot be read."""
    try:
        return layout.bins_of(scenario)
    except TraceError as error:
        return str(error)


def _daily(scenario: TruckScenario) -> str:
    bins = _table_of(scenario)
    if isinstance(bins, str):
        return f"What a day brings is not known without the data: {bins}"
    daily_l = _HOURS_A_DAY * float(bins.inflow_l_per_h.sum())
    loads = daily_l / scenario.truck_capacity_l
    return (
        f"A day brings {number(daily_l, 4)} l on average: {number(loads, 3)} loads of a truck, or "
        f"as much as {number(daily_l / float(bins.capacity_l.mean()), 3)} full bins hold."
    )


def _aged(scenario: TruckScenario) -> str:
    """Mean age of a reading: T (2 - p) / (2 p) of periodic reports, and what they are late."""
    period_s, share = scenario.report_period_s, scenario.delivery_probability
    if period_s == "never":
        return "No bin reports: the twin learns from emptyings alone."
    age_s = period_s * (2.0 - share) / (2.0 * share) + scenario.report_delay_s
    return f"Between emptyings, what the twin knows of a bin is {_hours(age_s)} old on average."


def _hours(duration_s: float) -> str:
    """A duration in hours, or in seconds where it is short."""
    if duration_s < HOUR_S:
        return f"{number(duration_s)} s"
    return f"{number(duration_s / HOUR_S, 3)} h"


def _bins(scenario: TruckScenario) -> Table:
    bins, law = _table_of(scenario), scenario.bins
    where = "listed"
    if isinstance(law, DrawnBins):
        where = f"drawn, {number(law.width_m)} m by {number(law.height_m)} m"
    elif isinstance(law, BinFile):
        where = law.file.path
    rows = [("bins", f"{scenario.num_bins:,}"), ("where they come from", where)]
    if isinstance(bins, str):
        rows.append(("capacities and inflows", "not known without the data"))
    else:
        fills = bins.capacity_l / bins.inflow_l_per_h
        rows += [
            ("capacity, l", _between(bins.capacity_l)),
            ("litres thrown into one an hour", _between(bins.inflow_l_per_h)),
            ("hours in which one fills", _between(fills)),
        ]
    deposits = scenario.deposits
    if isinstance(deposits, PoissonGamma):
        rows.append(("mean of a deposit, l", number(deposits.deposit_mean_l)))
        profile = np.array(deposits.profile)
        if np.ptp(profile) > 0.0:
            rows.append(("inflow of an hour over the mean", _between(profile)))
    else:
        days = f"days {deposits.first_day} to {deposits.last_day}"
        rows.append(("thrown in as replayed from", f"{deposits.file.path}, {days}"))
    rows.append(("roads", _roads(scenario)))
    return pairs("Bins", rows)


def _between(values: Floats) -> str:
    """Least, median and greatest, or the only value."""
    least, middle, most = (number(float(np.quantile(values, q)), 3) for q in (0.0, 0.5, 1.0))
    return least if least == most else f"{least} to {most}, median {middle}"


def _roads(scenario: TruckScenario) -> str:
    roads = scenario.roads
    if isinstance(roads, StraightRoads):
        return f"beelines times {number(roads.detour)}"
    if isinstance(roads, GridRoads):
        return f"grid, {roads.columns} by {roads.rows} streets, {number(roads.block_m)} m apart"
    return roads.file.path


def _trucks(scenario: TruckScenario) -> Table:
    first, last = scenario.shift_start_hour, scenario.shift_length_s / HOUR_S
    return pairs(
        "Trucks",
        [
            ("trucks", str(scenario.num_trucks)),
            ("litres that one carries", number(scenario.truck_capacity_l)),
            ("metres a second", number(scenario.speed_m_per_s)),
            ("seconds of a stop", number(scenario.service_s)),
            ("seconds of unloading", number(scenario.unload_s)),
            ("shift", f"{number(last)} h from {first}:00 on, every day"),
        ],
    )


def _reports(scenario: TruckScenario) -> Table:
    period_s = scenario.report_period_s
    rows = [("a bin reports every", "never" if period_s == "never" else _hours(period_s))]
    if period_s != "never":
        rows += [
            ("a report arrives with probability", f"{scenario.delivery_probability:.0%}"),
            ("seconds until then", number(scenario.report_delay_s)),
            ("a sensor reads no more than", f"{scenario.sensor_full_share:.0%}"),
        ]
    rows.append(("predictor", scenario.predictor))
    rows.append(("bins are full at first to at most", f"{scenario.initial_fill_max:.0%}"))
    return pairs("What the twin is told", rows)


def _costs(scenario: TruckScenario) -> Table:
    made = table("Costs", ["of", "cost"], wrapped=0)
    made.add_row("a kilometre", number(scenario.cost_per_km))
    made.add_row("a litre that finds no room", number(scenario.penalty_per_l))
    made.add_row("a stop", number(scenario.cost_per_stop))
    made.add_row("agreed share that finds no room", f"{scenario.agreed_share:.1%}")
    return made


VIEW = TruckView()
"""What the command line tells of this environment."""
