"""How truck routing lies in memory: tables of scenarios, and the arrays of rows.

All times are whole milliseconds held as floats: sums are exact below 2^53, ties are ties, and the
loops over bins have one type of number. Volumes are litres. Place N of a network with N bins is its
depot. Arrays of bins have one contiguous stretch a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.bins import bin_table
from twin_gym.environments.truck_routing.deposits import (
    HOURS_A_DAY,
    HOURS_A_WEEK,
    ReplayedEmptyings,
    replayed_volumes_l,
)
from twin_gym.environments.truck_routing.registers import BinTable
from twin_gym.environments.truck_routing.roads import distances_m
from twin_gym.environments.truck_routing.scenario import MAX_TRUCKS, TruckScenario
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]

MS_PER_S = 1_000.0
HOUR_MS = 3_600_000.0
DAY_MS = 86_400_000.0
M_PER_KM = 1_000.0

COUNT_LIMITS = 8
"""Numbers of deposits in an hour, from 0 on, of which the cumulative probability is tabulated."""

MAX_DEPOSITS_AN_HOUR = 200.0
"""Most deposits in an hour on average."""

# What drawing the deposits of a bin alone costs, in draws of one deposit side by side.
_COST_ALONE = 40.0
_SELDOM = 0.25  # share of bins up to which drawing those alone pays

HOLD, TREND, FITTED = range(3)
PREDICTORS = ("hold", "trend", "fitted")

RESTING: int = -1
"""Goal of a truck that rests at the depot."""

NETWORK = np.dtype(
    [
        ("num_bins", "i8"),
        ("num_trucks", "i8"),
        ("num_candidates", "i8"),
        ("num_hours", "i8"),
        ("profile_hours", "i8"),  # after so many hours the profile repeats
        ("num_starts", "i8"),  # days with which a replay can begin; 0: drawn by law
        ("predictor", "i8"),
        ("deposit_shape", "i8"),
        ("are_few", "i8"),  # deposits are exponential, and those of several bins drawn at a time
        ("factors", "i8", (HOURS_A_WEEK,)),  # of an hour: how many of a bin so; -1: none
        ("horizon", "f8"),
        ("shift", "f8"),
        ("service", "f8"),
        ("unload", "f8"),
        ("period", "f8"),  # of reports; 0: none
        ("delay", "f8"),
        ("delivery", "f8"),
        ("deposit_scale", "f8"),  # litres: mean over shape
        ("initial_fill_max", "f8"),
        ("truck_capacity", "f8"),
        ("candidate_fill", "f8"),
        ("cost_per_km", "f8"),
        ("penalty_per_l", "f8"),
        ("cost_per_stop", "f8"),
        ("agreed_share", "f8"),
        ("co2_kg_per_km", "f8"),
        ("daily_l", "f8"),  # thrown in a day on average
    ],
    align=True,
)
"""A scenario: everything that does not change while it runs."""

BIN_FIELDS = (
    "capacity",
    "inverse_capacity",
    "inflow",  # litres an hour
    "sensor_limit",  # litres above which the sensor reads no more
    "round_trip",  # ms of a stop and of going to the depot and unloading
    "fill_time",  # ms in which it fills on average
)
"""What the bins of a scenario are told by, each an array of one number a bin."""

CAPACITY, INVERSE_CAPACITY, INFLOW, SENSOR_LIMIT, ROUND_TRIP, FILL_TIME = range(len(BIN_FIELDS))

STATE_FIELDS = (
    "base",  # thrown in until the last emptying, less what was left then
    "counted",  # litres that overflowed since the last emptying, as far as they were counted
    "emptied_at",  # time of the last emptying; 0 before
    "reading",  # litres: last known content
    "read_at",  # time at which that was true
    "is_read",  # 0 while the reading is a guess
    "rate",  # by which the prediction grows with what `stamp` counts
    "stamp",  # at the reading: time, or hours weighted by the profile
    "predicted",  # litres, at the last decision
    "reserved",  # 1: a truck is on its way to it, or stands there
    "offset",  # time of the first report
)
"""State of the bins of a row, each an array of one number a bin."""

(BASE, COUNTED, EMPTIED_AT, READING, READ_AT, IS_READ, RATE, STAMP, PREDICTED, RESERVED,
 OFFSET) = range(len(STATE_FIELDS))  # fmt: skip

SCRATCH = 9
"""Least size of a row's scratch."""

WATCHED_FIELDS = (
    "bin",  # in the first entry: hour for which the list is
    "before",  # thrown in until the hour; in the first entry: number of the bins that follow
    "growth",  # thrown in within the hour
    "base",  # as in the state, as what follows
    "counted",
    "capacity",
)
"""An entry of a row's list of bins that might overflow (see `overflow`)."""

(WATCHED_BIN, WATCHED_BEFORE, WATCHED_GROWTH, WATCHED_BASE, WATCHED_COUNTED,
 WATCHED_CAPACITY) = range(len(WATCHED_FIELDS))  # fmt: skip
WATCHED_HOUR, WATCHED_NUMBER = WATCHED_BIN, WATCHED_BEFORE

ROW = np.dtype(
    [
        ("now", "f8"),
        ("truck", "i8"),  # that decides
        ("left", "f8"),  # ms of the shift
        ("start", "i8"),  # hour of the replay with which the episode began
        ("disallowed", "i8"),
        ("stops", "i8"),  # begun
        ("served", "i8"),  # over
        ("wasted", "i8"),  # of those: the bin was less than half full
        ("unloads", "i8"),
        ("distance_m", "f8"),
        ("fill_sum", "f8"),  # of the shares found
        ("collected_l", "f8"),
        ("found_l", "f8"),  # content that the last stop found
        ("overflow_l", "f8"),
        ("deposited_l", "f8"),
        ("duty", "f8"),  # ms of all trucks out of the depot, or unloading
        ("reports", "i8"),  # that have arrived, or were lost on their way, in order of time
        ("looks", "i8"),  # predictions that were compared with the truth
        ("error_sum", "f8"),
        ("age_sum", "f8"),
        # since the last decision
        ("elapsed", "f8"),
        ("step_distance_m", "f8"),
        ("step_overflow_l", "f8"),
        ("step_deposited_l", "f8"),
        ("step_stops", "i8"),
        # trucks
        ("place", "i8", (MAX_TRUCKS,)),
        ("goal", "i8", (MAX_TRUCKS,)),  # a bin, N: unloading, or `RESTING`
        ("free_at", "f8", (MAX_TRUCKS,)),
        ("load", "f8", (MAX_TRUCKS,)),
    ],
    align=True,
)
"""A running network: its time, its counters and its trucks."""


@dataclass(frozen=True, eq=False)
class Tables:
    """Scenarios as arrays, padded to the largest.

    Attributes:
        networks: records of `NETWORK`; shape (scenarios,).
        bins: the `BIN_FIELDS` of each bin; shape (scenarios, fields, bins).
        travel: ms between places; shape (scenarios, bins + 1, bins + 1).
        distance: metres, likewise.
        order: of each place, the bins by travel time, then number; shape (scenarios, bins + 1,
            bins).
        seen_bins: what is observed of bins and never changes: inflow and way to the depot; shape
            (scenarios, 2, bins).
        seen_travel: travel times over the longest one; shape (scenarios, bins + 1, bins + 1).
        profile: hours of an episode weighted by the profile, cumulative; shape (scenarios, hours
            + 1).
        means: deposits of an hour of the profile on average; shape (scenarios, hours, bins).
        limits: probability that there are at most 0, 1, ... of them; shape (scenarios, hours,
            `COUNT_LIMITS`, bins).
        replayed: litres thrown in until each hour of a replay; shape (scenarios, hours, bins).
        bin_tables: of the scenarios.
    """

    networks: NDArray[np.void]
    bins: Floats
    travel: Floats
    distance: Floats
    order: NDArray[np.int32]
    seen_bins: NDArray[np.float32]
    seen_travel: NDArray[np.float32]
    profile: Floats
    means: Floats
    limits: Floats
    replayed: Floats
    bin_tables: tuple[BinTable, ...]


def milliseconds(duration_s: float) -> float:
    """A duration as a whole number of milliseconds.

    Example:
        >>> milliseconds(0.0125)
        12.0
    """
    return float(round(duration_s * MS_PER_S))


def build_tables(scenarios: Sequence[TruckScenario]) -> Tables:
    """The scenarios as arrays.

    Args:
        scenarios: at least one.

    Returns:
        The tables, in the order of the scenarios.

    Raises:
        ConfigError: if a bin cannot be served within a shift, holds more than a truck, or gets too
            many deposits.
        TraceError: if a file is asked for and cannot be read.
    """
    count, most = len(scenarios), max(one.num_bins for one in scenarios)
    places = (count, most + 1, most + 1)
    hours = max(len(_factors(one)) for one in scenarios)
    most_hours = max(one.num_hours for one in scenarios)
    replayed = [_replayed(one, bin_table(one.bins)) for one in scenarios]
    tables = Tables(
        np.zeros(count, NETWORK), np.zeros((count, len(BIN_FIELDS), most)), np.zeros(places),
        np.zeros(places), np.zeros((count, most + 1, most), np.int32),
        np.zeros((count, 2, most), np.float32), np.zeros(places, np.float32),
        np.zeros((count, most_hours + 1)), np.zeros((count, hours, most)),
        np.ones((count, hours, COUNT_LIMITS, most)),
        np.zeros((count, max(len(one) for one in replayed), most)),
        tuple(bins_of(one) for one in scenarios),
    )  # fmt: skip
    for i, (one, bins) in enumerate(zip(scenarios, tables.bin_tables, strict=True)):
        _fill_network(tables.networks[i], one, bins)
        _fill_places(tables, i, one, bins)
        _fill_deposits(tables, i, one, bins)
        tables.replayed[i, : len(replayed[i]), : one.num_bins] = replayed[i]
    return tables


def bins_of(one: TruckScenario) -> BinTable:
    """The bins of a scenario, with its inflows."""
    bins = bin_table(one.bins)
    inflow = bins.inflow_l_per_h * one.inflow_factor
    inflow.flags.writeable = False
    return bins._replace(inflow_l_per_h=inflow)


def _replayed(one: TruckScenario, bins: BinTable) -> Floats:
    """What was thrown in until each hour of a replay; zeros of one hour where there is none."""
    if isinstance(one.deposits, ReplayedEmptyings):
        return replayed_volumes_l(one.deposits, bins, one.shift_start_hour)
    return np.zeros((1, one.num_bins))


def _fill_network(network: np.void, one: TruckScenario, bins: BinTable) -> None:
    values: dict[str, Any] = {
        "num_hours": one.num_hours,
        "profile_hours": len(_factors(one)),
        "predictor": PREDICTORS.index(one.predictor),
        "horizon": one.num_days * DAY_MS,
        "shift": milliseconds(one.shift_length_s),
        "service": milliseconds(one.service_s),
        "unload": milliseconds(one.unload_s),
        "period": 0.0 if one.report_period_s == "never" else milliseconds(one.report_period_s),
        "delay": milliseconds(one.report_delay_s),
        "delivery": one.delivery_probability,
        "truck_capacity": one.truck_capacity_l,
        "daily_l": 24.0 * float(bins.inflow_l_per_h.sum()),
    }
    law = one.deposits
    if isinstance(law, ReplayedEmptyings):
        values["num_starts"] = law.num_days - one.num_days + 1
    else:
        values["deposit_shape"] = law.deposit_shape
        values["deposit_scale"] = law.deposit_mean_l / law.deposit_shape
    same = (
        "num_bins", "num_trucks", "num_candidates", "initial_fill_max", "candidate_fill",
        "cost_per_km", "penalty_per_l", "cost_per_stop", "agreed_share", "co2_kg_per_km",
    )  # fmt: skip
    for name, value in (values | {name: getattr(one, name) for name in same}).items():
        network[name] = value


def depot_of(one: TruckScenario, bins: BinTable) -> tuple[float, float]:
    """Coordinates of the depot in metres."""
    if one.depot == "median":
        return float(np.median(bins.x_m)), float(np.median(bins.y_m))
    return one.depot.x_m, one.depot.y_m


def _fill_places(tables: Tables, i: int, one: TruckScenario, bins: BinTable) -> None:
    count = one.num_bins
    x_m, y_m = depot_of(one, bins)
    names = (*bins.names, "depot")
    metres = distances_m(one.roads, np.append(bins.x_m, x_m), np.append(bins.y_m, y_m), names)
    travel = np.rint(metres / one.speed_m_per_s * MS_PER_S)
    tables.distance[i, : count + 1, : count + 1] = metres
    tables.travel[i, : count + 1, : count + 1] = travel
    seen = travel / max(float(travel.max()), 1.0)
    tables.seen_travel[i, : count + 1, : count + 1] = seen
    tables.order[i, : count + 1, :count] = np.argsort(travel[:, :count], axis=1, kind="stable")
    inflow, capacity = bins.inflow_l_per_h, bins.capacity_l
    daily = 24.0 * inflow / capacity
    tables.seen_bins[i, :, :count] = daily / (daily + 1.0), seen[count, :count]
    fixed = milliseconds(one.service_s) + travel[:count, count] + milliseconds(one.unload_s)
    columns = tables.bins[i, :, :count]
    columns[CAPACITY], columns[INVERSE_CAPACITY] = capacity, 1.0 / capacity
    columns[INFLOW], columns[SENSOR_LIMIT] = inflow, capacity * one.sensor_full_share
    columns[ROUND_TRIP], columns[FILL_TIME] = fixed, capacity / inflow * HOUR_MS
    _check_bins(one, bins, travel[count, :count] + fixed)


def _check_bins(one: TruckScenario, bins: BinTable, round_trip: Floats) -> None:
    """Refuses bins that no truck could ever serve."""
    largest, farthest = int(bins.capacity_l.argmax()), int(round_trip.argmax())
    if bins.capacity_l[largest] > one.truck_capacity_l:
        raise ConfigError(
            f"the bin {bins.names[largest]!r} holds {bins.capacity_l[largest]:g} l and a truck "
            f"{one.truck_capacity_l:g} l: raise `truck_capacity_l`"
        )
    if round_trip[farthest] > milliseconds(one.shift_length_s):
        raise ConfigError(
            f"to serve the bin {bins.names[farthest]!r} and to unload takes "
            f"{round_trip[farthest] / MS_PER_S:.0f} s and a shift {one.shift_length_s:g} s: "
            "lengthen the shift, or move the depot"
        )


def _factors(one: TruckScenario) -> Floats:
    """The profile of the inflow, from the first hour of an episode on; of a replay a flat one."""
    if isinstance(one.deposits, ReplayedEmptyings):
        return np.ones(HOURS_A_DAY)
    return np.roll(np.array(one.deposits.profile), -one.shift_start_hour)


def _fill_deposits(tables: Tables, i: int, one: TruckScenario, bins: BinTable) -> None:
    factors, law = _factors(one), one.deposits
    hours, count = len(factors), one.num_bins
    repeated = np.resize(factors, one.num_hours)
    tables.profile[i, 1 : one.num_hours + 1] = np.cumsum(repeated)
    if isinstance(law, ReplayedEmptyings):
        return
    means = factors[:, None] * bins.inflow_l_per_h / law.deposit_mean_l
    hour, most = divmod(int(means.argmax()), count)
    if means[hour, most] > MAX_DEPOSITS_AN_HOUR:
        raise ConfigError(
            f"the bin {bins.names[most]!r} gets {means[hour, most]:.0f} deposits in its busiest "
            f"hour; at most {MAX_DEPOSITS_AN_HOUR:g} are simulated: raise `deposit_mean_l`"
        )
    tables.means[i, :hours, :count] = means
    term = reached = np.exp(-means)
    for k in range(COUNT_LIMITS):
        tables.limits[i, :hours, k, :count] = reached
        term = term * (means / (k + 1))
        reached = reached + term
    tables.networks[i]["are_few"] = law.deposit_shape == 1
    tables.networks[i]["factors"][:hours] = _factors_of(tables.limits[i, :hours, :, :count])


def _factors_of(limits: Floats) -> NDArray[np.int64]:
    """How many deposits a bin are cheapest drawn side by side in each hour, more of them alone.

    Args:
        limits: of a scenario (see `Tables`); shape (hours, limits, bins).

    Returns:
        Numbers from 0 on; -1 where all are drawn alone; shape (hours,).
    """
    alone = 1.0 - limits.mean(axis=2)
    best = (np.arange(limits.shape[1]) + _COST_ALONE * alone).argmin(axis=1)
    is_seldom = alone[np.arange(len(best)), best] <= _SELDOM
    numbers: NDArray[np.int64] = np.where(is_seldom, best, -1)
    return numbers
