"""The upper bound of tiny instant communication: a policy that knows who asks, and when.

*The relaxation.* Gateways share no sensors, so each is a problem of its own. Let a policy know all
arrivals and the states of all channels beforehand, but not whether a transmission will get through.
With z_it the chance that it sends the uplink message i in slot t, w_it the same for its answer, and
p_it the probability that the channel lets through, x_it = p_it z_it and y_it = p_it w_it are the
chances of a delivery in that slot, for nothing that was decided by then depends on that draw. So
whatever is done is a point of this linear programme, in the mean over what gets through:

    Σ_i (z_it + w_it) <= grants of a slot,
    z_it + Σ_{s < t} x_is <= 1                                        (not sent once it is there)
    w_it + Σ_{s < t} y_is <= Σ_{s <= t - 1 - processing} x_is         (nor before it is asked for)
    Σ_{s >= t} y_is <= Σ_{s >= t - processing - deadline} x_is        (nor when it is too late)

Buffers are left out, which can only help.

*The value.* An episode earns the delivered less the lost ones. With U uplink messages and D and A
deliveries up and down it earns 2 A + D - U and one for each message that is neither delivered nor
lost when the episode ends: an uplink message that is due at the end or later, or the answer to one
that was delivered so late that its answer is. The greatest value of the programme is a bound for
the mean over worlds with these arrivals and channels, and its mean one over all worlds.
(D. B. Brown, J. E. Smith, P. Sun 2010, Information relaxations and duality in stochastic dynamic
programs, with no penalty.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from benchmarks.bounds.bound import Bound, sampled_bound
from twin_gym.core.draws import world_key
from twin_gym.environments.tic_scheduling.layout import build_tables
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.errors import ConfigError, TwinGymError

Floats = NDArray[np.float64]

OBJECTIVE = "balanced"
_PROOF = (
    "benchmarks.environments.tic_scheduling.bound: linear programme that knows who will ask and "
    "the channels"
)
_WORLDS, _SENSORS, _FEWEST_WORLDS = 8, 1_000, 4
_COLUMNS_AT_ONCE = 400
_ROUNDING = 1e-6
"""Relative slack for what the solver calls optimal."""


def bound_of(scenario: TicScenario, action: str | None = None) -> Bound:
    """The mean of what one earns who knows who will ask, in validation worlds."""
    return sampled_bound(scenario, _returns, num_worlds(scenario), _PROOF)


def num_worlds(scenario: TicScenario) -> int:
    """Worlds that the bound is averaged over: fewer of large networks, which take longer."""
    return min(_WORLDS, max(_FEWEST_WORLDS, _SENSORS // scenario.num_sensors))


def _returns(scenario: TicScenario, seeds: list[int]) -> Floats:
    """Returns with the number of messages as control variate, whose mean is known."""
    controlled = []
    for seed in seeds:
        earned, uplinks = informed_return(scenario, seed)
        controlled.append(earned - worth_of_uplink(scenario) * (uplinks - mean_uplinks(scenario)))
    return np.array(controlled)


def informed_return(scenario: TicScenario, seed: int) -> tuple[float, int]:
    """The most that a policy earns in the first episode of a world, knowing who will ask.

    Args:
        scenario: the network.
        seed: of the world, as `reset` takes it; never one of the test family.

    Returns:
        A return of an episode, in the units of the reward: a mean over what gets through; and the
        uplink messages of the world.

    Raises:
        TwinGymError: if the solver fails.
    """
    tables = build_tables([scenario])
    world = World(tables.networks[0], int(world_key(np.uint64(seed), 0)))
    gateway_of = tables.sensors[0]["gateway"]
    messages: dict[int, list[tuple[int, int]]] = {}
    uplinks = world.uplinks(scenario.num_slots)
    for slot, sensor in uplinks:
        messages.setdefault(int(gateway_of[sensor]), []).append((slot, sensor))
    earned = sum(_of_gateway(scenario, world, one) for one in messages.values())
    return earned / scenario.messages_per_frame, len(uplinks)


def mean_uplinks(scenario: TicScenario) -> float:
    """Uplink messages of an episode, mean over worlds.

    Bursts come within their periods, so that their number is the same in every world.

    Raises:
        ConfigError: if the episode ends within a period, where that is not so.
    """
    if scenario.num_slots % scenario.burst_period_slots:
        raise ConfigError(
            f"the horizon of {scenario.name!r} must be a whole number of burst periods of "
            f"{scenario.burst_period_s:g} s, got {scenario.horizon_s:g} s"
        )
    return scenario.uplinks_per_slot * scenario.num_slots


def worth_of_uplink(scenario: TicScenario) -> float:
    """The return that an uplink message adds if both it and its answer are delivered."""
    return (2.0 if scenario.answers else 1.0) / scenario.messages_per_frame


@dataclass(frozen=True)
class _Sent:
    """Transmissions of one message: by slot, a column and the probability that it gets through."""

    columns: dict[int, tuple[int, float]] = field(default_factory=dict)

    def deliveries(self, slots: Iterable[int], sign: float = 1.0) -> list[tuple[int, float]]:
        """Columns with what they count for in the deliveries within some slots."""
        return [(self.columns[t][0], sign * self.columns[t][1]) for t in slots if t in self.columns]


@dataclass
class _Programme:
    """A linear programme as it grows: columns with gains, rows with limits.

    Attributes:
        gains: of the columns, each of which is in [0, 1].
        limits: of the rows: each is at most that.
        entries: (row, column, value).
    """

    gains: list[float] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    entries: list[tuple[int, int, float]] = field(default_factory=list)

    def column(self, gain: float) -> int:
        """A new quantity; gives its number."""
        self.gains.append(gain)
        return len(self.gains) - 1

    def row(self, parts: Iterable[tuple[int, float]], limit: float) -> None:
        """A weighted sum of columns is at most a limit."""
        self.entries += [(len(self.limits), column, value) for column, value in parts]
        self.limits.append(limit)

    def most(self) -> float:
        """The greatest total gain, a little more than less.

        Bursts that have nothing to do with one another are solved apart, which is much faster.
        """
        if not self.gains:
            return 0.0
        rows, columns, values = (np.array(one) for one in zip(*self.entries, strict=True))
        matrix = csr_array((values, (rows, columns)), (len(self.limits), len(self.gains)))
        gains, limits = np.array(self.gains), np.array(self.limits)
        count, part_of_column = connected_components(matrix.T @ matrix, directed=False)
        part_of_row = part_of_column[matrix.indices[matrix.indptr[:-1]]]
        sizes = np.cumsum(np.bincount(part_of_column, minlength=count))
        chunk_of_part = (sizes - 1) // _COLUMNS_AT_ONCE  # many small ones at once
        total = 0.0
        for chunk in np.unique(chunk_of_part):
            mine = chunk_of_part[part_of_column] == chunk
            own = chunk_of_part[part_of_row] == chunk
            total += _solved(gains[mine], matrix[own][:, mine], limits[own])
        return total * (1.0 + _ROUNDING)


def _solved(gains: Floats, matrix: csr_array, limits: Floats) -> float:
    """The greatest gain of columns in [0, 1]."""
    given: Any = matrix  # the stubs of linprog know no sparse arrays
    solution = linprog(-gains, A_ub=given, b_ub=limits, bounds=(0.0, 1.0), method="highs")
    if not solution.success or solution.fun is None:
        raise TwinGymError(f"the linear programme of a world was not solved: {solution.message}")
    return -float(solution.fun)


def _of_gateway(scenario: TicScenario, world: World, messages: list[tuple[int, int]]) -> float:
    """The greatest number of messages that a gateway can deliver."""
    programme = _Programme()
    uses: dict[int, list[int]] = {}
    fixed = -float(len(messages))
    for message in messages:
        may_stay = message[0] + scenario.deadline_slots >= scenario.num_slots
        fixed += may_stay  # that is worth as much as a delivery
        up = _uplink(scenario, world, programme, message, may_stay=may_stay)
        down = _answer(scenario, world, programme, message[1], up)
        for sent in (up, down):
            for slot, (column, _) in sent.columns.items():
                uses.setdefault(slot, []).append(column)
    for columns in uses.values():
        if len(columns) > scenario.grants:
            programme.row([(column, 1.0) for column in columns], float(scenario.grants))
    return programme.most() + fixed


def _uplink(
    scenario: TicScenario,
    world: World,
    programme: _Programme,
    message: tuple[int, int],
    *,
    may_stay: bool,
) -> _Sent:
    """Transmissions of an uplink message, each slot of its deadline."""
    arrival, sensor = message
    answered = 1 + scenario.processing_slots + scenario.answer_deadline_slots
    sent = _Sent()
    for slot in range(arrival, min(arrival + scenario.deadline_slots, scenario.num_slots)):
        gain = (1.0 if scenario.answers else 2.0) - may_stay
        if scenario.answers and slot + answered >= scenario.num_slots:
            gain += 1.0  # its answer may be left over
        probability = world.success_probability(sensor, slot)
        column = programme.column(gain * probability)
        programme.row([(column, 1.0), *sent.deliveries(sent.columns)], 1.0)
        sent.columns[slot] = column, probability
    return sent


def _answer(
    scenario: TicScenario, world: World, programme: _Programme, sensor: int, up: _Sent
) -> _Sent:
    """Transmissions of the answer, none before it can be ready and none when it is too late."""
    sent = _Sent()
    if not scenario.answers or not up.columns:
        return sent
    wait, due = 1 + scenario.processing_slots, scenario.answer_deadline_slots
    first = min(up.columns) + wait
    last = min(max(up.columns) + wait + due, scenario.num_slots)
    for slot in range(first, last):
        probability = world.success_probability(sensor, slot)
        column = programme.column(2.0 * probability)
        asked = up.deliveries([t for t in up.columns if t + wait <= slot], -1.0)
        programme.row([(column, 1.0), *sent.deliveries(sent.columns), *asked], 0.0)
        sent.columns[slot] = column, probability
    for slot in range(first + due, last):
        late = sent.deliveries([t for t in sent.columns if t >= slot])
        asked = up.deliveries([t for t in up.columns if t + wait + due > slot], -1.0)
        programme.row([*late, *asked], 0.0)
    return sent
