"""From validated scenarios to the records and curves that the compiled kernel reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import SECONDS_PER_TICK, TICKS_PER_SECOND
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario import (
    MMPP,
    Daily,
    Deterministic,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    RequestTrace,
    Schedule,
)
from twin_gym.scenario.base import AMOUNT_RESOLUTION

MAX_IN_SERVICE = 65_536
"""Most requests in service at once that a row has room for."""


@dataclass(frozen=True)
class NetworkTables:
    """Scenarios as arrays.

    Attributes:
        scenarios: what the tables were made from.
        networks: one record a scenario; shape (scenarios,).
        curves: rate profiles, phases and quantiles, one after the other.
        trace_arrivals: replayed arrivals in ticks since the start of the window.
        trace_holdings: the holding times that belong to them, in ticks.
        queue_places: places for waiting requests that a row needs.
        service_places: places for requests in service that a row needs.
        num_positions: queue positions of the `slot` action.
    """

    scenarios: tuple[AdmissionScenario, ...]
    networks: NDArray[np.void]
    curves: NDArray[np.float64]
    trace_arrivals: NDArray[np.int64]
    trace_holdings: NDArray[np.int64]
    queue_places: int
    service_places: int
    num_positions: int


def build_tables(scenarios: Sequence[AdmissionScenario]) -> NetworkTables:
    """The arrays for one or several scenarios that share slices, resources and queue limits.

    Args:
        scenarios: at least one.

    Returns:
        The tables.

    Raises:
        ConfigError: if the scenarios differ in what an agent sees of them.
        TooLargeError: if more requests fit at once than a row has room for.
        TraceError: if a trace is missing or not as it must be.
    """
    _check_alike(scenarios)
    builder = _Builder(scenarios)
    for index, scenario in enumerate(scenarios):
        builder.add(index, scenario)
    return builder.tables()


def most_in_service(scenario: AdmissionScenario, one: Slice) -> int:
    """How many requests of one slice alone the network can serve at once."""
    return min(
        _steps(scenario.capacity[resource]) // _steps(amount)
        for resource, amount in one.demand.items()
        if amount > 0
    )


def service_places(scenario: AdmissionScenario) -> int:
    """An upper bound of how many requests the network can serve at once."""
    together = sum(most_in_service(scenario, one) for one in scenario.slices)
    for resource, amount in scenario.capacity.items():
        least = min(_steps(one.demand.get(resource, 0.0)) for one in scenario.slices)
        if least > 0:
            together = min(together, _steps(amount) // least)
    return together


def _steps(amount: float) -> int:
    return round(amount / AMOUNT_RESOLUTION)


def _ticks(duration_s: float) -> int:
    return round(duration_s * TICKS_PER_SECOND)


def _check_alike(scenarios: Sequence[AdmissionScenario]) -> None:
    if not scenarios:
        raise ConfigError("at least one scenario is needed")
    first = scenarios[0]
    for other in scenarios[1:]:
        for what in ("slice_names", "resource_names"):
            if getattr(first, what) != getattr(other, what):
                raise ConfigError(
                    f"scenarios that run side by side need the same {what}: {first.name!r} has "
                    f"{getattr(first, what)}, {other.name!r} has {getattr(other, what)}"
                )
        limits = [[one.queue_limit for one in s.slices] for s in (first, other)]
        if limits[0] != limits[1]:
            raise ConfigError(
                f"scenarios that run side by side need the same queue limits: {first.name!r} has "
                f"{limits[0]}, {other.name!r} has {limits[1]}"
            )
        if (first.period_s is None) != (other.period_s is None):
            raise ConfigError(
                f"either all scenarios have a time of day or none: {first.name!r} and "
                f"{other.name!r} differ"
            )


class _Builder:
    """Fills one record after the other and collects the curves."""

    def __init__(self, scenarios: Sequence[AdmissionScenario]) -> None:
        self._scenarios = tuple(scenarios)
        room = layout.padded_counts(
            max(len(s.slices) for s in scenarios), max(len(s.capacity) for s in scenarios)
        )
        self._networks = np.zeros(len(scenarios), layout.network_dtype(*room))
        self._curves: list[float] = []
        self._arrivals: list[NDArray[np.int64]] = []
        self._holdings: list[NDArray[np.int64]] = []
        self._trace_length = 0
        self._queue_places = 0
        self._num_positions = 0
        self._service_places = 1

    def tables(self) -> NetworkTables:
        empty = np.zeros(1, np.int64)
        return NetworkTables(
            scenarios=self._scenarios,
            networks=self._networks,
            curves=np.array(self._curves or [0.0]),
            trace_arrivals=np.concatenate(self._arrivals) if self._arrivals else empty,
            trace_holdings=np.concatenate(self._holdings) if self._holdings else empty,
            queue_places=self._queue_places,
            service_places=self._service_places,
            num_positions=self._num_positions,
        )

    def add(self, index: int, scenario: AdmissionScenario) -> None:
        network = self._networks[index]
        network["num_slices"] = len(scenario.slices)
        network["num_resources"] = len(scenario.capacity)
        network["horizon"] = _ticks(scenario.horizon_s)
        network["patience_law"] = (
            layout.PATIENCE_EXPONENTIAL
            if scenario.patience_law == "exponential"
            else layout.PATIENCE_DETERMINISTIC
        )
        network["demand"][len(scenario.slices) :] = layout.IMPOSSIBLE
        network["period"] = _ticks(scenario.period_s or 0.0)
        for k, amount in enumerate(scenario.capacity.values()):
            network["capacity"][k] = _steps(amount)
        self._check_room(scenario, int(network["horizon"]))
        self._queue_places = self._num_positions = 0
        for s, one in enumerate(scenario.slices):
            self._add_slice(network, s, scenario, one)
            self._add_arrivals(network, s, one)
            self._add_holding(network, s, one)
        if scenario.trace is not None:
            replayed = load_trace(scenario.trace, scenario.slice_names)
            network["trace_first"] = _ticks(scenario.trace.first_s)
            self._add_trace(network, scenario, replayed)

    def _check_room(self, scenario: AdmissionScenario, horizon: int) -> None:
        places = service_places(scenario)
        if places > MAX_IN_SERVICE:
            raise TooLargeError(
                f"up to {places} requests fit into {scenario.name!r} at once; at most "
                f"{MAX_IN_SERVICE} are simulated: scale demands and capacities together"
            )
        if places * horizon >= 2**62:
            raise TooLargeError(
                f"{places} requests over {scenario.horizon_s:g} s cannot be counted in "
                "nanoseconds: shorten the horizon"
            )
        self._service_places = max(self._service_places, places)

    def _add_slice(self, network: np.void, s: int, scenario: AdmissionScenario, one: Slice) -> None:
        for k, (resource, amount) in enumerate(scenario.capacity.items()):
            network["demand"][s, k] = _steps(one.demand.get(resource, 0.0))
            network["share"][s] += one.demand.get(resource, 0.0) / amount / len(scenario.capacity)
        positions = max(one.queue_limit, 1)
        ring = 1 << (positions - 1).bit_length()
        network["queue_limit"][s] = one.queue_limit
        network["queue_start"][s] = self._queue_places
        network["queue_mask"][s] = ring - 1
        network["position_start"][s] = self._num_positions
        self._queue_places += ring
        self._num_positions += positions
        network["most_in_service"][s] = most_in_service(scenario, one)
        network["mean_patience_s"][s] = one.mean_patience_s
        network["revenue"][s] = one.revenue
        network["lost_penalty"][s] = one.lost_penalty
        agreed = one.agreed_loss_ratio
        network["agreed_loss_ratio"][s] = np.inf if agreed is None else agreed

    def _curve(self, values: Sequence[float]) -> tuple[int, int]:
        start = len(self._curves)
        self._curves.extend(values)
        return start, len(values)

    def _add_arrivals(self, network: np.void, s: int, one: Slice) -> None:
        network["mean_gap_s"][s] = 1.0 / one.arrival_rate_hz
        law = one.arrival
        if isinstance(law, Daily | Schedule):
            network["arrival_law"][s] = layout.ARRIVAL_PROFILE
            rates = [one.arrival_rate_hz * factor for factor in law.relative_rates()]
            network["arrival_table"][s] = self._curve(rates)
            network["bin_ticks"][s] = max(_ticks(law.period_s / len(rates)), 1)
        elif isinstance(law, MMPP):
            network["arrival_law"][s] = layout.ARRIVAL_MMPP
            rates = [one.arrival_rate_hz * factor for factor in law.relative_rates()]
            start, count = self._curve(rates)
            self._curve(law.mean_sojourn_s)
            network["arrival_table"][s] = start, count

    def _add_holding(self, network: np.void, s: int, one: Slice) -> None:
        network["mean_holding_s"][s] = one.mean_holding_time_s
        law = one.holding
        if isinstance(law, Exponential):
            network["holding_law"][s] = layout.HOLDING_EXPONENTIAL
        elif isinstance(law, Deterministic):
            network["holding_law"][s] = layout.HOLDING_DETERMINISTIC
        elif isinstance(law, Lognormal):
            network["holding_law"][s] = layout.HOLDING_LOGNORMAL
            network["holding_shape"][s] = law.sigma
        elif isinstance(law, Pareto):
            network["holding_law"][s] = layout.HOLDING_PARETO
            network["holding_shape"][s] = law.shape
        elif isinstance(law, Empirical):
            network["holding_law"][s] = layout.HOLDING_EMPIRICAL
            network["holding_table"][s] = self._curve(law.relative_quantiles())

    def _add_trace(
        self, network: np.void, scenario: AdmissionScenario, replayed: RequestTrace
    ) -> None:
        network["trace_duration"] = _ticks(replayed.duration_s)
        if network["trace_duration"] < 1:
            raise ConfigError(
                f"the window of the trace of {scenario.name!r} lasts {replayed.duration_s:.3g} s "
                f"and time has steps of {SECONDS_PER_TICK:g} s: lengthen the window"
            )
        turns = 1.0 + scenario.horizon_s / replayed.duration_s
        scenario.check_work(
            [turns * int((replayed.slice_names == name).sum()) for name in scenario.slice_names]
        )
        for s, name in enumerate(scenario.slice_names):
            mine = replayed.slice_names == name
            arrivals = np.rint(replayed.arrival_s[mine] * TICKS_PER_SECOND).astype(np.int64)
            holdings = np.rint(replayed.holding_s[mine] * TICKS_PER_SECOND).astype(np.int64)
            network["arrival_law"][s] = layout.ARRIVAL_TRACE
            network["holding_law"][s] = layout.HOLDING_TRACE
            network["arrival_table"][s] = self._trace_length, arrivals.size
            self._arrivals.append(arrivals)
            self._holdings.append(holdings)
            self._trace_length += arrivals.size
