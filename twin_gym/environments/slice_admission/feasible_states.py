"""States that a network can be in when there is something to decide, drawn over all of them.

The generator of a GAN "takes a random sample of the entire state space" (Tao et al., IEEE Wireless
Communications 31(4), 2024, section IV-A). It must only see states that are possible: what is in
service fits, queues keep their limits, nobody has waited longer than they would, and a request
waits that fits. The states are laid out as rows of the simulator, and the environment's own code
says what an agent sees of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import TICKS_PER_SECOND
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.observation import ActionName, build_lenses, field_names
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import NetworkTables, build_tables
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.twins.decision_space import only_admission

_SWEEPS = 20
_MAX_ROUNDS = 1000
_MAX_PLACES = 2**22  # waiting places drawn at once

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class FeasibleStates:
    """States with a decision to take.

    Attributes:
        observations: what an agent sees; shape (states, fields), float32.
        masks: 1 = allowed; shape (states, actions), int8.
        in_service: requests in service; shape (states, slices).
        waiting: waiting requests; shape (states, slices).
    """

    observations: NDArray[np.float32]
    masks: NDArray[np.int8]
    in_service: Counts
    waiting: Counts

    def __len__(self) -> int:
        return len(self.observations)


def draw_feasible_states(
    scenario: AdmissionScenario,
    count: int,
    rng: np.random.Generator,
    *,
    action: ActionName = "slice",
) -> FeasibleStates:
    """States drawn over the whole feasible state space, however rarely a network is there.

    Counts in service are uniform over all counts within the capacities (Gibbs sampling from the
    empty network), queue lengths uniform up to their limits, the moment uniform within the
    horizon, ages uniform up to the patience, or exponential where patience is. Where the limit is
    0, at most one request is there, which has just arrived and fits. Draws with nothing to decide
    are rejected.

    Args:
        scenario: the network.
        count: how many states, at least one.
        rng: where they are drawn from.
        action: form of the actions.

    Returns:
        The states.

    Raises:
        ConfigError: if the count is not positive, or the scenario is of another kind.
        TooLargeError: if more requests fit at once than a row of the simulator has room for.
        TwinGymError: if hardly any state of the scenario has something to decide.
    """
    if count < 1:
        raise ConfigError(f"at least one state is drawn, got {count!r}")
    tables = build_tables([only_admission(scenario, "drawing states over all feasible ones")])
    most = max(1, min(count, _MAX_PLACES // tables.queue_places))
    parts: list[FeasibleStates] = []
    for _ in range(_MAX_ROUNDS + count // most):
        parts.append(_draw_some(tables, most, rng, action))
        if sum(map(len, parts)) >= count:
            return _first(parts, count)
    raise TwinGymError(
        f"only {sum(map(len, parts))} of {most * len(parts):,} states drawn for {scenario.name!r} "
        "have something to decide: raise its capacities or queue limits"
    )


def draw_in_service(tables: NetworkTables, count: int, rng: np.random.Generator) -> Counts:
    """Counts of requests in service, uniform over all that the capacities allow.

    Each sweep draws one slice after the other anew, evenly over what the others leave room for.

    Args:
        tables: of one scenario.
        count: how many networks.
        rng: where they are drawn from.

    Returns:
        Shape (count, slices).
    """
    capacity, demand = _amounts(tables)
    counts = np.zeros((count, len(demand)), np.int64)
    used = np.zeros((count, len(capacity)), np.int64)
    for _ in range(_SWEEPS):
        for s in rng.permutation(len(demand)):
            needed = demand[s] > 0
            others = used - counts[:, s, None] * demand[s]
            room = ((capacity - others)[:, needed] // demand[s][needed]).min(axis=1)
            counts[:, s] = rng.integers(0, room, endpoint=True)
            used = others + counts[:, s, None] * demand[s]
    return counts


def _draw_some(
    tables: NetworkTables, count: int, rng: np.random.Generator, action: ActionName
) -> FeasibleStates:
    network = tables.networks[0]
    capacity, demand = _amounts(tables)
    num_slices = len(demand)
    rows = np.zeros(count, layout.row_dtype(*tables.networks["demand"].shape[1:]))
    in_service = draw_in_service(tables, count, rng)
    free = capacity - in_service @ demand
    fits = np.logical_and.reduce(free[:, None, :] >= demand, axis=2)
    waiting = _draw_waiting(network["queue_limit"][:num_slices], fits, rng)
    rows["free"][:, : len(capacity)] = free
    rows["in_service"][:, :num_slices] = in_service
    rows["queue_length"][:, :num_slices] = waiting
    bits = 1 << np.arange(num_slices)
    rows["fitting"] = fits @ bits
    rows["waiting"] = (waiting > 0) @ bits
    rows["now"] = rng.integers(0, network["horizon"], count)
    if network["trace_duration"] > 0:
        rows["trace_offset"] = rng.integers(0, network["trace_duration"], count)
    queues = _draw_queues(tables, rows, rng)
    observations, masks = _observe(tables, rows, queues, action)
    chosen = (fits & (waiting > 0)).any(axis=1)
    return FeasibleStates(observations[chosen], masks[chosen], in_service[chosen], waiting[chosen])


def _amounts(tables: NetworkTables) -> tuple[Counts, Counts]:
    """Capacities (resources,) and demands (slices, resources), in whole steps."""
    network = tables.networks[0]
    slices, resources = int(network["num_slices"]), int(network["num_resources"])
    return network["capacity"][:resources], network["demand"][:slices, :resources]


def _draw_waiting(limits: Counts, fits: NDArray[np.bool_], rng: np.random.Generator) -> Counts:
    """Queue lengths; of the slices without a queue, at most one has a request that fits."""
    waiting = rng.integers(0, limits, fits.shape, endpoint=True)
    queueless = np.flatnonzero(limits == 0)
    if len(queueless):
        arrived = np.append(queueless, len(limits))[rng.integers(0, len(queueless) + 1, len(fits))]
        is_there = (arrived[:, None] == np.arange(len(limits))) & fits
        waiting = np.where(limits == 0, is_there, waiting).astype(np.int64)
    return waiting


def _draw_queues(
    tables: NetworkTables, rows: NDArray[np.void], rng: np.random.Generator
) -> NDArray[np.void]:
    """When the waiting requests came, the oldest of each slice first."""
    network = tables.networks[0]
    queues = np.zeros((len(rows), tables.queue_places), layout.QUEUE_ENTRY)
    for s in range(int(network["num_slices"])):
        limit = int(network["queue_limit"][s])
        start, places = int(network["queue_start"][s]), max(limit, 1)
        ages = np.zeros((len(rows), places), np.int64)
        if limit > 0:
            ages = _draw_ages(network, s, rows["now"], rng.random(ages.shape))
        ages[np.arange(places) >= rows["queue_length"][:, s, None]] = -1
        arrivals = rows["now"][:, None] + np.sort(-ages, axis=1)
        queues["arrival"][:, start : start + places] = arrivals
        rows["oldest"][:, s] = arrivals[:, 0]
    return queues


def _draw_ages(network: np.void, s: int, now: Counts, drawn: NDArray[np.float64]) -> Counts:
    """Ticks that requests have waited, less than their patience and not since before the start."""
    patience = float(network["mean_patience_s"][s]) * TICKS_PER_SECOND
    if network["patience_law"] == layout.PATIENCE_EXPONENTIAL:
        ages = np.minimum(-np.log1p(-drawn) * patience, now[:, None])
    else:
        ages = drawn * np.minimum(patience, now + 1.0)[:, None]
    return np.floor(ages).astype(np.int64)


def _observe(
    tables: NetworkTables, rows: NDArray[np.void], queues: NDArray[np.void], action: ActionName
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    by_slot = action == "slot"
    choices = tables.num_positions if by_slot else int(tables.networks[0]["num_slices"])
    fields = len(field_names(tables.scenarios[0], action))
    observations = np.zeros((len(rows), fields), np.float32)
    masks = np.ones((len(rows), choices + 1), np.int8)
    kernel.observe_rows(
        tables.networks, build_lenses(tables), rows, queues, observations, masks,
        np.zeros(len(rows), kernel.OUTCOME), np.ones(len(rows), np.bool_), by_slot, 0,
    )  # fmt: skip
    return observations, masks


def _first(parts: list[FeasibleStates], count: int) -> FeasibleStates:
    names = ("observations", "masks", "in_service", "waiting")
    return FeasibleStates(
        *(np.concatenate([getattr(part, name) for part in parts])[:count] for name in names)
    )
