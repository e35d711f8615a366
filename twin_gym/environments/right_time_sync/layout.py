"""How right-time synchronisation lies in memory: tables of a scenario, and a row's counters.

Every law of an entity is told by the same two numbers: by which factor a deviation from the mean
shrinks in a slot (`decay`, 1 for a random walk) and the variance that a slot adds (`noise`). Of a
two-state entity with values -1/2 and +1/2, they are the correlation of neighbouring slots and what
is left of the variance 1/4.

So the variance of a value that was last known `a` slots ago is `settled` (1 - decay^(2 a)) +
`growth` a: of a walk the first term is 0, of all others the second one. An entity that was never
heard of has 0 in the place of decay^a, and `settled` is then the variance it begins with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.right_time_sync.replayed import SeriesPool
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.errors import TraceError

GAUSSIAN, TWO_STATE, REPLAYED = 0, 1, 2

NOTHING_LEFT = 1e-100
"""A deviation that has shrunk to this share is taken as gone."""

NETWORK = np.dtype(
    [
        ("num_entities", "i8"),
        ("num_slots", "i8"),
        ("num_levels", "i8"),  # of the bridges that the values are made of
        ("round_size", "i8"),
        ("delay_slots", "i8"),
        ("budget", "i8"),  # -1: no limit
        ("inspection_slots", "i8"),
        ("is_synchronised", "i8"),
        ("has_replay", "i8"),
        ("is_trend", "i8"),
        ("num_offsets", "i8"),  # moments of the replayed series at which an episode can begin
        ("update_cost", "f8"),
        ("energy_j", "f8"),
        ("tolerance", "f8"),
        ("agreed_share", "f8"),
        ("slot_s", "f8"),
        ("planned_rate", "f8"),  # planned updates a slot
    ],
    align=True,
)
"""A scenario: everything that does not change while it runs."""

ENTITY = np.dtype(
    [
        ("law", "i8"),
        ("initial_sd", "f8"),
        ("series", "i8"),  # row of the replayed values
        ("has_losses", "i8"),  # whether those of the series decide what is delivered
        ("delivery", "f8"),  # probability for an update that is alone in its slot
    ],
    align=True,
)
"""An entity: what is read when it is updated."""

ROW = np.dtype(
    [
        ("updates", "i8"),
        ("delivered", "i8"),
        ("known", "i8"),  # entities of which the twin has a value
        ("budget_left", "i8"),  # -1: no limit
        ("offset", "i8"),  # slot of the replayed series with which the episode began
        ("age_now", "i8"),  # sum of the ages of all entities
        ("age_sum", "i8"),  # of those sums, over the ends of all slots
        ("peak_sum", "i8"),  # of the ages at which entities were told of
        ("peaks", "i8"),
        ("inspections", "i8"),
        ("accurate", "i8"),  # entities found accurate, over all inspections
        ("last_accurate", "i8"),
        ("beyond_sum", "i8"),  # entities beyond the tolerance, over all slots
        ("error_sum", "f8"),
        ("step_error", "f8"),
        ("step_beyond", "i8"),
        ("step_updates", "i8"),
    ],
    align=True,
)
"""A running network: its counters."""

LAW_FIELDS = (
    "decay",  # factor of a slot
    "settled",  # variance of a value of which nothing is known any more
    "growth",  # variance that a slot adds where it is never settled: of a walk
    "hold",  # 1: the last value is held; 0: the mean that the process has is taken
    "weight",  # share of the mean error; they sum to 1
)
"""Parameters of the laws of a scenario, each an array of one number an entity."""

DECAY, SETTLED, GROWTH, HOLD, WEIGHT = range(len(LAW_FIELDS))
NUM_FIELDS = len(LAW_FIELDS)

TWIN_FIELDS = (
    "born",  # slot at which the value was true; of an entity never heard of, 0
    "value",  # last delivered; 0 of an entity never heard of
    "shrunk",  # decay to the power of the age; 0 of an entity never heard of
    "error",  # squared, at the end of the last slot: expected or realised
    "slope",  # a slot; 0 unless the predictor is `trend` and two values are known
    "is_known",  # whether the twin has a value
    "squares",  # sum of the squared changes between delivered values
    "spans",  # sum of the slots between them
)
"""State of the twin of a row, each an array of one number an entity."""

BORN, VALUE, SHRUNK, ERROR, SLOPE, IS_KNOWN, SQUARES, SPANS = range(len(TWIN_FIELDS))

SEEN_FIELDS = (
    "rate",  # of the changes, as far as they were delivered, in [0, 1]
    "change",  # the last one delivered, in [0, 1]
)
"""Observed features of an entity besides its age, each an array of one number an entity."""

RATE, CHANGE = range(len(SEEN_FIELDS))


class Law(NamedTuple):
    """An entity's law in slots."""

    law: int
    decay: float
    noise: float
    initial_sd: float


@dataclass(frozen=True, eq=False)
class Tables:
    """Scenarios of one size, as arrays.

    Attributes:
        networks: records of `NETWORK`; shape (scenarios,).
        entities: records of `ENTITY`; shape (scenarios, entities).
        laws: the `LAW_FIELDS` of each entity; shape (scenarios, fields, entities).
        bridge: see `bridge_of`; shape (scenarios, entities, levels + 1, 2).
        series: replayed values in ranges around their means; shape (series, slots), never empty.
        lost: whether the frame of a slot was lost; likewise.
        spared: by how many updates share a slot, the probability that the others leave one alone;
            shape (scenarios, updates + 1).
    """

    networks: NDArray[np.void]
    entities: NDArray[np.void]
    laws: NDArray[np.float64]
    bridge: NDArray[np.float64]
    series: NDArray[np.float64]
    lost: NDArray[np.bool_]
    spared: NDArray[np.float64]


def law_of(group: EntityGroup, member: int, slot_s: float) -> Law:
    """The law of one entity, in slots.

    Args:
        group: of the entity; not a replayed one.
        member: its number in the group.
        slot_s: length of a slot.

    Returns:
        See `Law`.
    """
    process, factor = group.process, group.rate_factor(member)
    if isinstance(process, Walk):
        return Law(GAUSSIAN, 1.0, process.variance_rate_hz * factor * slot_s, process.initial_sd)
    if isinstance(process, MeanReverting):
        exponent = slot_s * factor / process.relaxation_s
        noise = -(process.sd**2) * math.expm1(-2.0 * exponent)
        return Law(GAUSSIAN, math.exp(-exponent), noise, process.sd)
    if isinstance(process, TwoState):
        exponent = 2.0 * process.change_rate_hz * factor * slot_s
        return Law(TWO_STATE, math.exp(-exponent), -math.expm1(-2.0 * exponent) / 4.0, 0.5)
    raise TypeError(f"the group {group.name!r} is replayed: its law is its series")


def build_tables(scenarios: Sequence[SyncScenario]) -> Tables:
    """The scenarios as arrays.

    Args:
        scenarios: at least one, all with as many entities.

    Returns:
        See `Tables`.

    Raises:
        TraceError: if series cannot be read, or their windows are shorter than an episode.
    """
    shape = (len(scenarios), scenarios[0].num_entities)
    most_levels = max(num_levels(one.num_slots) for one in scenarios)
    most = max(one.round_size for one in scenarios)
    entities = np.zeros(shape, ENTITY)
    laws = np.zeros((shape[0], NUM_FIELDS, shape[1]))
    bridge = np.zeros((*shape, most_levels + 1, 2))
    spared = np.zeros((len(scenarios), most + 1))
    pool = SeriesPool()
    for n, one in enumerate(scenarios):
        members = [(group, k) for group in one.groups for k in range(group.count)]
        for i, (group, k) in enumerate(members):
            law, entity = _described(one, group, k, pool)
            entities[n, i] = entity
            is_held = one.predictor != "fitted" or law.law == TWO_STATE
            laws[n, :, i] = law.decay, *settled_and_growth(law), is_held, group.weight
            levels = num_levels(one.num_slots)
            bridge[n, i, : levels + 1] = bridge_of(law, levels)
        laws[n, WEIGHT] /= laws[n, WEIGHT].sum()
        others = np.maximum(np.arange(most + 1) - 1.0, 0.0)
        spared[n] = (1.0 - one.load_loss) ** others
    series, lost = pool.arrays()
    networks = _networks(scenarios, entities, pool.lengths)
    return Tables(networks, entities, laws, bridge, series, lost, spared)


def _described(
    scenario: SyncScenario, group: EntityGroup, member: int, pool: SeriesPool
) -> tuple[Law, tuple[int, float, int, bool, float]]:
    """The law of an entity and its record."""
    process, delivery = group.process, scenario.delivery_of(group)
    if not isinstance(process, Replay):
        law = law_of(group, member, scenario.slot_s)
        return law, (law.law, law.initial_sd, -1, False, delivery)
    row = pool.add(process, member, scenario.slot_s)
    decay, noise = pool.fit(row)
    return Law(REPLAYED, decay, noise, 0.0), (REPLAYED, 0.0, row, process.losses, delivery)


def num_levels(num_slots: int) -> int:
    """Halvings until a bridge over so many slots has reached single slots."""
    return max(num_slots - 1, 0).bit_length()


def bridge_of(law: Law, levels: int) -> NDArray[np.float64]:
    """How a value between two known ones is drawn, by level: over 2^levels slots first.

    The last entry is for the end of the whole stretch given its beginning: factor and standard
    deviation, or the probability that a two-state value differs.

    A value h slots from either neighbour, of a process with factor c and variance v over h slots,
    is normal around c / (1 + c^2) times their sum, with variance v / (1 + c^2): Bayes' rule for
    the chain left, middle, right. Of a two-state chain that differs after h slots with probability
    p, the middle differs from two equal neighbours with probability p^2 / (p^2 + (1 - p)^2), and
    from either of two unequal ones with probability 1/2.

    Args:
        law: of the entity.
        levels: of the bridge.

    Returns:
        Shape (levels + 1, 2).
    """
    table = np.zeros((levels + 1, 2))
    factor = law.decay ** (2**levels)
    if law.law == TWO_STATE:
        table[levels, 0] = 0.5 * (1.0 - factor)
    else:
        table[levels] = factor, math.sqrt(variance_after(law.decay, law.noise, 2**levels))
    for level in range(levels):
        half = 2 ** (levels - level - 1)
        factor = law.decay**half
        if law.law == TWO_STATE:
            differs = 0.5 * (1.0 - factor)
            table[level, 0] = differs**2 / (differs**2 + (1.0 - differs) ** 2)
            continue
        variance = variance_after(law.decay, law.noise, half)
        table[level, 0] = factor / (1.0 + factor**2)
        table[level, 1] = math.sqrt(variance / (1.0 + factor**2))
    return table


def settled_and_growth(law: Law) -> tuple[float, float]:
    """The two terms of the variance of a value by age (see the top of this file).

    Args:
        law: of the entity.

    Returns:
        Variance of a value of which nothing is known, and what a slot adds to a walk.
    """
    if law.law == REPLAYED:
        return 0.0, 0.0  # its errors are never expected ones
    return law.initial_sd**2, law.noise if law.decay == 1.0 else 0.0


def variance_after(decay: float, noise: float, slots: int) -> float:
    """Variance of a value given what it was so many slots before."""
    if decay == 1.0:
        return noise * slots
    log_square = 2.0 * math.log(decay) if decay > 0.0 else -math.inf
    return noise * math.expm1(slots * log_square) / math.expm1(log_square)


def _networks(
    scenarios: Sequence[SyncScenario],
    entities: NDArray[np.void],
    lengths: Sequence[int],
) -> NDArray[np.void]:
    networks = np.zeros(len(scenarios), NETWORK)
    for network, one, inside in zip(networks, scenarios, entities, strict=True):
        period_s = one.planned_period_s or one.num_entities * one.slot_s
        network["num_entities"], network["num_slots"] = one.num_entities, one.num_slots
        network["num_levels"] = num_levels(one.num_slots)
        network["round_size"] = one.round_size
        network["delay_slots"], network["inspection_slots"] = one.delay_slots, one.inspection_slots
        network["budget"] = -1 if one.update_budget is None else one.update_budget
        network["is_synchronised"] = one.initial == "synchronised"
        network["is_trend"] = one.predictor == "trend"
        network["update_cost"], network["energy_j"] = one.update_cost, one.energy_per_update_j
        network["tolerance"], network["agreed_share"] = one.tolerance, one.agreed_share
        network["slot_s"] = one.slot_s
        network["planned_rate"] = one.num_entities * one.slot_s / period_s
        used = [lengths[row] for row in inside["series"] if row >= 0]
        if not used:
            continue
        network["has_replay"] = 1
        network["num_offsets"] = min(used) - one.num_slots
        if network["num_offsets"] < 1:
            raise TraceError(
                f"an episode of {one.name!r} has {one.num_slots} slots and its shortest series "
                f"{min(used)}: lengthen the window by {1 - network['num_offsets']} slots or more, "
                "or shorten the horizon"
            )
    return networks
