"""Observation of the agent: one list of fields makes the space, the docs and the compiled code.

Every value lies in [0, 1]. Fields of a slice come one after the other in the order of the slices.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import TICKS_PER_SECOND
from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.core.forms import Field, full_names
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import NetworkTables

ActionName = Literal["slice", "slot"]

VALUES_PER_POSITION = 3
# Typed, for Numba compiles a function anew for each literal number that it is called with.
_BEGINNING: Integer = np.int64(0)


FIELDS = (
    Field("free", "resource", "share of the capacity that is free"),
    Field("in_service", "slice", "requests in service over the most that fit alone"),
    Field("queue_length", "slice", "waiting requests over the queue limit"),
    Field(
        "head_patience",
        "slice",
        "patience left to the oldest waiting request, over the mean patience; where patience is "
        "exponential nobody knows it, and it is the probability of having waited this long, "
        "exp(-age / mean); 0 if nobody waits",
    ),
    Field("admissible", "slice", "1 if a request waits and fits, the action mask as seen"),
    Field(
        "time_of_day", "network", "time within the day over its length (scenarios that have one)"
    ),
    Field("position_slice", "position", "(index of the slice + 1) / slices, 0 if empty (`slot`)"),
    Field("position_age", "position", "1 - patience left, as above; 0 if empty (`slot`)"),
    Field("position_valid", "position", "1 if a request waits here (`slot`)"),
)
"""The groups in order. The three of a position stand together: slice, age, valid, slice, age, …"""


def field_names(scenario: AdmissionScenario, action: ActionName = "slice") -> tuple[str, ...]:
    """The full name of every observed value, in order.

    Args:
        scenario: gives the names of slices and resources, and whether there is a time of day.
        action: the form of the action; `slot` adds three values a queue position.

    Returns:
        One name for each entry of the observation.
    """
    keys = {"resource": scenario.resource_names, "slice": scenario.slice_names}
    per = (*keys, *(() if scenario.period_s is None else ("network",)))
    names = list(full_names((field for field in FIELDS if field.per in per), keys))
    if action == "slot":
        positions = sum(max(one.queue_limit, 1) for one in scenario.slices)
        groups = [field.name for field in FIELDS if field.per == "position"]
        names += [f"{group}/{j}" for j in range(positions) for group in groups]
    return tuple(names)


@cache
def _lens_dtype(slices: int, resources: int) -> np.dtype[np.void]:
    return np.dtype(
        [
            ("free", "f8", (resources,)),
            ("in_service", "f8", (slices,)),
            ("queue_length", "f8", (slices,)),
            ("patience", "f8", (slices,)),
            ("slice_number", "f8"),
            ("period", "f8"),
        ],
        align=True,
    )


def build_lenses(tables: NetworkTables) -> NDArray[np.void]:
    """Per scenario, the factors that scale counts and ticks into [0, 1].

    Args:
        tables: the scenarios.

    Returns:
        Records with one factor a resource (`free`) or slice; shape (scenarios,).
    """
    slices, resources = tables.networks["demand"].shape[1:]
    lenses = np.zeros(len(tables.networks), _lens_dtype(slices, resources))
    for lens, network in zip(lenses, tables.networks, strict=True):
        k, s = int(network["num_resources"]), int(network["num_slices"])
        lens["free"][:k] = 1.0 / network["capacity"][:k]
        lens["in_service"][:s] = 1.0 / network["most_in_service"][:s]
        lens["queue_length"][:s] = 1.0 / np.maximum(network["queue_limit"][:s], 1)
        lens["patience"][:s] = 1.0 / (network["mean_patience_s"][:s] * TICKS_PER_SECOND)
        lens["slice_number"] = 1.0 / s
        lens["period"] = 1.0 / network["period"] if network["period"] else 0.0
    return lenses


@inlined
def observe(
    network: Record,
    lens: Record,
    row: Record,
    queue: Records,
    observation: NDArray[np.float32],
    mask: NDArray[np.int8],
    by_slot: bool,
) -> None:
    """Writes what the agent sees of one running network, and which actions it may take.

    Args:
        network: record of the scenario.
        lens: its scale factors.
        row: the running network.
        queue: its waiting requests.
        observation: written; shape (fields,).
        mask: written; 1 = allowed, the last action is to wait; shape (actions,).
        by_slot: whether an action names a queue position and not a slice.
    """
    # Values for which there is room but no resource are overwritten by those of the slices: up to
    # three in small networks, and in large ones too few slices mean that there are many resources.
    _write_scaled(observation, _BEGINNING, row.free, lens.free)
    at = network.num_resources
    if network.num_slices == row.in_service.shape[0]:
        _observe_all_slices(network, lens, row, observation, mask, by_slot, at)
    else:
        _observe_slices(network, lens, row, observation, mask, by_slot, at)
    at += 4 * network.num_slices
    if network.period > 0:
        moment = (row.now + row.trace_offset + network.trace_first) % network.period
        observation[at] = moment * lens.period
        at += 1
    if by_slot:
        _observe_positions(network, lens, row, queue, observation, mask, at)


@inlined
def _write_scaled(
    observation: NDArray[np.float32],
    at: int,
    amounts: NDArray[np.int64],
    factors: NDArray[np.float64],
) -> None:
    """Four products at a time, all read before one is written.

    A write might change what is read next, for all that the compiler knows, and then it reads
    everything again: a step takes a twentieth longer.
    """
    for i in range(0, amounts.shape[0], layout.LANES):
        first = amounts[i] * factors[i]
        second = amounts[i + 1] * factors[i + 1]
        third = amounts[i + 2] * factors[i + 2]
        fourth = amounts[i + 3] * factors[i + 3]
        observation[at + i] = first
        observation[at + i + 1] = second
        observation[at + i + 2] = third
        observation[at + i + 3] = fourth


@inlined
def _observe_all_slices(
    network: Record,
    lens: Record,
    row: Record,
    observation: NDArray[np.float32],
    mask: NDArray[np.int8],
    by_slot: bool,
    at: int,
) -> None:
    """`_observe_slices` where there are as many as there is room for."""
    room = row.in_service.shape[0]
    _write_scaled(observation, at, row.in_service, lens.in_service)
    _write_scaled(observation, at + room, row.queue_length, lens.queue_length)
    at += 2 * room
    admissible = row.waiting & row.fitting
    for s in range(0, room, layout.LANES):
        first = _head_patience(network, lens, row, s)
        second = _head_patience(network, lens, row, s + 1)
        third = _head_patience(network, lens, row, s + 2)
        fourth = _head_patience(network, lens, row, s + 3)
        observation[at + s] = first
        observation[at + s + 1] = second
        observation[at + s + 2] = third
        observation[at + s + 3] = fourth
    at += room
    for s in range(room):
        allowed = admissible >> s & 1
        observation[at + s] = allowed
        if not by_slot:
            mask[s] = allowed


@compiled
def _observe_slices(
    network: Record,
    lens: Record,
    row: Record,
    observation: NDArray[np.float32],
    mask: NDArray[np.int8],
    by_slot: bool,
    at: int,
) -> None:
    slices = network.num_slices
    admissible = row.waiting & row.fitting
    for s in range(slices):
        allowed = admissible >> s & 1
        observation[at + s] = row.in_service[s] * lens.in_service[s]
        observation[at + slices + s] = row.queue_length[s] * lens.queue_length[s]
        observation[at + 2 * slices + s] = _head_patience(network, lens, row, s)
        observation[at + 3 * slices + s] = allowed
        if not by_slot:
            mask[s] = allowed


@inlined
def _head_patience(network: Record, lens: Record, row: Record, s: int) -> float:
    left = patience_left(network.patience_law, (row.now - row.oldest[s]) * lens.patience[s])
    return left if row.waiting >> s & 1 else 0.0


@inlined
def patience_left(law: int, age: float) -> float:
    """Share of patience left, or the chance to have lasted; `age` is in mean patiences."""
    if law == layout.PATIENCE_EXPONENTIAL:
        return math.exp(-age)
    return max(1.0 - age, 0.0)


@compiled
def _observe_positions(
    network: Record,
    lens: Record,
    row: Record,
    queue: Records,
    observation: NDArray[np.float32],
    mask: NDArray[np.int8],
    at: int,
) -> None:
    admissible = row.waiting & row.fitting
    j = 0
    for s in range(network.num_slices):
        allowed = admissible >> s & 1
        start, head, ring = network.queue_start[s], row.queue_head[s], network.queue_mask[s]
        for place in range(max(network.queue_limit[s], 1)):
            valid = place < row.queue_length[s]
            number, age = 0.0, 0.0
            if valid:
                ticks = row.now - queue[start + ((head + place) & ring)].arrival
                age = 1.0 - patience_left(network.patience_law, ticks * lens.patience[s])
                number = (s + 1) * lens.slice_number
            observation[at] = number
            observation[at + 1] = age
            observation[at + 2] = valid
            mask[j] = valid and allowed
            at += VALUES_PER_POSITION
            j += 1
