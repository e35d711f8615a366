"""Observation of a truck that decides: one list of fields makes the space, the docs and the code.

Every value lies in [0, 1]. The true contents are not among them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, inlined
from twin_gym.core.forms import Field, full_names
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.reports import Running
from twin_gym.environments.truck_routing.scenario import TruckScenario

BIN_FIELDS = (
    Field("allowed", "bin", "1 if the truck may go there, the action mask as seen"),
    Field("predicted", "bin", "fill that the twin predicts, over the capacity"),
    Field("reading", "bin", "last known fill, over the capacity"),
    Field("age", "bin", "a / (a + 1 day), a: age of that reading"),
    Field("inflow", "bin", "r / (r + 1), r: capacities thrown in a day on average"),
    Field("travel", "bin", "time to drive there from here, over the longest of the network"),
    Field("returning", "bin", "time to drive from there to the depot, likewise"),
)
"""The groups of a bin, or of a candidate, in order."""

TRUCK_FIELDS = (
    Field("shift", "truck", "share of the shift that is left"),
    Field("time", "truck", "share of the episode that is over"),
    Field("load", "truck", "load over the capacity"),
    Field("at_depot", "truck", "1 at the depot"),
    Field("mostly_full", "truck", "share of the bins predicted to be 70 % full or more"),
    Field("full", "truck", "share of the bins predicted to be 95 % full or more"),
    Field("others_out", "truck", "share of the other trucks that are not resting"),
)
"""The groups of the truck that decides, in order."""

FIELDS = (*BIN_FIELDS, *TRUCK_FIELDS)
"""The groups in order."""

_NUM_BIN_FIELDS: Integer = np.int64(len(BIN_FIELDS))
_ALLOWED, _PREDICTED, _READING, _AGE, _INFLOW, _TRAVEL, _RETURNING = range(len(BIN_FIELDS))
_MOSTLY_FULL, _FULL = 0.7, 0.95


def field_names(scenario: TruckScenario) -> tuple[str, ...]:
    """The full name of every observed value where an action is a bin, in order."""
    return full_names(FIELDS, {"bin": scenario.place_names[:-1]})


def candidate_names(scenario: TruckScenario) -> tuple[str, ...]:
    """The candidates by number, the nearest first."""
    return tuple(f"candidate {k}" for k in range(scenario.num_candidates))


def candidate_field_names(scenario: TruckScenario) -> tuple[str, ...]:
    """The full name of every observed value where an action is a candidate, in order."""
    return full_names(FIELDS, {"bin": candidate_names(scenario)})


@inlined
def observe_bins(
    running: Running, seen_bins: NDArray[np.float32], seen_travel: NDArray[np.float32],
    observation: NDArray[np.float32], mask: NDArray[np.int8],
) -> None:  # fmt: skip
    """Writes what the twin knows of every bin, and which of them the truck may go to.

    Args:
        running: the running network.
        seen_bins: see `layout.Tables`; of the scenario.
        seen_travel: likewise.
        observation: written; shape (fields,).
        mask: written; 1 = allowed, the last action is the depot; shape (bins + 1,).
    """
    count, row, state = running.network.num_bins, running.row, running.state
    inverse, allowed = running.bins[layout.INVERSE_CAPACITY], running.allowed
    predicted, readings, read_at = (
        state[layout.PREDICTED], state[layout.READING], state[layout.READ_AT]
    )  # fmt: skip
    inflows, returning = seen_bins[0], seen_bins[1]
    ways = seen_travel[row.place[row.truck]]
    for i in range(count):
        mask[i] = allowed[i]
        observation[i] = np.float32(allowed[i])
    mask[count] = 1
    at = count
    for i in range(count):
        observation[at + i] = np.float32(predicted[i] * inverse[i])
    at += count
    for i in range(count):
        observation[at + i] = np.float32(readings[i] * inverse[i])
    at += count
    for i in range(count):
        observation[at + i] = _aged(row.now - read_at[i])
    at += count
    for i in range(count):
        observation[at + i] = inflows[i]
    at += count
    for i in range(count):
        observation[at + i] = ways[i]
    at += count
    for i in range(count):
        observation[at + i] = returning[i]
    _observe_truck(running, observation, at + count)


@inlined
def _aged(age: float) -> np.float32:
    return np.float32(age / (age + layout.DAY_MS))


@inlined
def observe_candidates(
    running: Running, seen_bins: NDArray[np.float32], seen_travel: NDArray[np.float32],
    order: NDArray[np.int32], candidates: NDArray[np.int32], observation: NDArray[np.float32],
    mask: NDArray[np.int8],
) -> None:  # fmt: skip
    """Chooses the candidates, and writes what the twin knows of them.

    Args:
        running: the running network.
        seen_bins: see `layout.Tables`; of the scenario.
        seen_travel: likewise.
        order: likewise.
        candidates: written; the bin of each candidate, -1: none; shape (candidates,).
        observation: written; shape (fields,).
        mask: written; 1 = allowed, the last action is the depot; shape (candidates + 1,).
    """
    network, row, state = running.network, running.row, running.state
    count, place, room = network.num_bins, row.place[row.truck], network.num_candidates
    for k in range(_NUM_BIN_FIELDS * room):
        observation[k] = np.float32(0.0)
    found: Integer = np.int64(0)
    for step in range(count):
        if found == room:
            break
        i: Integer = np.int64(order[place, step])
        fill = state[layout.PREDICTED, i] * running.bins[layout.INVERSE_CAPACITY, i]
        if running.allowed[i] == 0 or fill < network.candidate_fill:
            continue
        candidates[found] = i
        mask[found] = 1
        reading = state[layout.READING, i] * running.bins[layout.INVERSE_CAPACITY, i]
        observation[found] = np.float32(1.0)
        observation[_PREDICTED * room + found] = np.float32(fill)
        observation[_READING * room + found] = np.float32(reading)
        observation[_AGE * room + found] = _aged(row.now - state[layout.READ_AT, i])
        observation[_INFLOW * room + found] = seen_bins[0, i]
        observation[_TRAVEL * room + found] = seen_travel[place, i]
        observation[_RETURNING * room + found] = seen_bins[1, i]
        found += 1
    for k in range(found, room):
        candidates[k] = -1
        mask[k] = 0
    mask[room] = 1
    _observe_truck(running, observation, _NUM_BIN_FIELDS * room)


@inlined
def _observe_truck(running: Running, observation: NDArray[np.float32], at: int) -> None:
    network, row = running.network, running.row
    count, j = network.num_bins, row.truck
    predicted, capacities = running.state[layout.PREDICTED], running.bins[layout.CAPACITY]
    mostly, full = np.int64(0), np.int64(0)
    for i in range(count):
        mostly += np.int64(predicted[i] >= _MOSTLY_FULL * capacities[i])
        full += np.int64(predicted[i] >= _FULL * capacities[i])
    observation[at] = np.float32(max(row.left, 0.0) / network.shift)
    observation[at + 1] = np.float32(row.now / network.horizon)
    observation[at + 2] = np.float32(row.load[j] / network.truck_capacity)
    observation[at + 3] = np.float32(row.place[j] == count)
    observation[at + 4] = np.float32(mostly / count)
    observation[at + 5] = np.float32(full / count)
    observation[at + 6] = np.float32(_others_out(network, row))


@inlined
def _others_out(network: Record, row: Record) -> float:
    """The share of the other trucks that are not resting."""
    out = np.int64(0)
    for j in range(network.num_trucks):
        out += np.int64((j != row.truck) & (row.goal[j] != layout.RESTING))
    share: float = out / max(network.num_trucks - 1, 1)
    return share
