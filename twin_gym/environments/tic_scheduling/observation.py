"""Observation of tiny instant communication: aggregates, or every queue of a small network.

One list of fields a form of action makes the space, the documentation and the code. Every value
lies in [0, 1].
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, Records, inlined
from twin_gym.core.forms import Field, Names, full_names
from twin_gym.environments.tic_scheduling import layout
from twin_gym.environments.tic_scheduling.workload import success_probability

SLACKS = 8
"""Bins of the histogram of remaining slots; the last one holds all that have more."""

WEIGHT_NAMES = ("density", "deadline", "latency", "buffer")

_FILL, _LOAD, _LAST, _WEIGHTS = 2 * SLACKS, 2 * SLACKS + 3, 2 * SLACKS + 6, 2 * SLACKS + 10
_PHASE = _WEIGHTS + layout.NUM_WEIGHTS


_SLACK_KEYS = (*(f"{k}" for k in range(SLACKS - 1)), f"{SLACKS - 1}+")
_A_SLACK, _A_WEIGHT = ", ".join(_SLACK_KEYS), ", ".join(WEIGHT_NAMES)
_PHASE_FIELDS = (
    Field("phase", "network", "where the slot lies in the period of the bursts"),
    Field("time", "network", "share of the episode that is over"),
)
WEIGHTS_FIELDS = (
    Field("uplink_slack", _A_SLACK, "share of waiting messages: up, so many slots left"),
    Field("downlink_slack", _A_SLACK, "the same for messages down"),
    Field("queued", "network", "messages that wait, over the grants of the longer deadline"),
    Field("fill_mean", "network", "messages that wait over all places"),
    Field("fill_max", "network", "messages of the fullest queue over its places"),
    Field("load_mean", "network", "messages of a gateway over its grants of that deadline"),
    Field("load_max", "network", "the largest"),
    Field("load_std", "network", "twice the standard deviation over gateways"),
    Field("lost", "network", "lost over lost and delivered in the last frame"),
    Field("delivered", "network", "delivered over lost and delivered in the last frame"),
    Field("failed", "network", "grants of the last frame that the channel wasted, over those used"),
    Field("used", "network", "grants used in the last frame over its grants"),
    Field("weight", _A_WEIGHT, "the last weights as they were used, on the simplex"),
    *_PHASE_FIELDS,
)
"""The groups where actions are weights, in order; their number does not depend on the network."""

PICK_FIELDS = (
    Field("slack", "queue", "slots left for the oldest message, this one too, over the longer "
          "deadline; 0: none waits"),
    Field("fill", "queue", "messages over places"),
    Field("channel", "sensor", "probability that a transmission succeeds; 0 where not seen"),
    Field("grants", "network", "grants left in this slot over all of a slot"),
    *_PHASE_FIELDS,
)  # fmt: skip
"""The groups where actions pick a queue, in order; a queue is `sensor 0/uplink` or the like."""


def queue_names(num_sensors: int) -> tuple[str, ...]:
    """The queues in the order of the actions: `sensor 0/uplink`, `sensor 0/downlink`, ..."""
    return tuple(
        f"sensor {sensor}/{way}" for sensor in range(num_sensors) for way in ("uplink", "downlink")
    )


def field_names() -> Names:
    """The full name of every observed value where actions are weights, in order."""
    return full_names(WEIGHTS_FIELDS, {_A_SLACK: _SLACK_KEYS, _A_WEIGHT: WEIGHT_NAMES})


def pick_field_names(num_sensors: int) -> Names:
    """The full name of every observed value where actions pick a queue, in order."""
    sensors = (f"sensor {sensor}" for sensor in range(num_sensors))
    return full_names(PICK_FIELDS, {"queue": queue_names(num_sensors), "sensor": sensors})


@inlined
def observe_network(
    network: Record, firsts: NDArray[np.int64], row: Record, messages: NDArray[np.int64],
    waiting: NDArray[np.int64], fills: NDArray[np.int16], slot: int, seen: NDArray[np.float32],
) -> None:  # fmt: skip
    """Writes the aggregates of a network.

    Args:
        network: record of the scenario.
        firsts: where each gateway's stretch of messages begins.
        row: the running network, as what follows (see `tic_scheduling.layout.row_arrays`).
        messages: those that wait.
        waiting: of each gateway.
        fills: of each queue.
        slot: slots that are over.
        seen: written; shape (fields,).
    """
    for k in range(len(seen)):
        seen[k] = 0.0
    fullest = np.int64(0)
    total, squares, largest = 0.0, 0.0, 0.0
    room = 1.0 / (network.grants * network.most_deadline)
    one = np.float32(1.0)
    for gateway in range(network.num_gateways):
        number = waiting[gateway]
        load = min(number * room, 1.0)
        total += load
        squares += load * load
        largest = max(largest, load)
        first = firsts[gateway]
        for place in range(first, first + number):
            message = messages[place]
            queue: Integer = message & layout.QUEUE_MASK
            direction = queue & 1
            age = slot - (message >> layout.QUEUE_BITS)
            remaining = network.deadline[direction] - 1 - age
            seen[direction * SLACKS + min(max(remaining, 0), SLACKS - 1)] += one
            fullest = max(fullest, np.int64(fills[queue]))
    if row.queued > 0:
        share = np.float32(1.0 / row.queued)
        for k in range(2 * SLACKS):
            seen[k] = min(seen[k] * share, one)
    gateways = 1.0 / network.num_gateways
    mean = total * gateways
    seen[_FILL] = min(row.queued * room * gateways, 1.0)
    seen[_FILL + 1] = row.queued / (2.0 * network.num_sensors * network.buffer)
    seen[_FILL + 2] = fullest / network.buffer
    seen[_LOAD] = mean
    seen[_LOAD + 1] = largest
    seen[_LOAD + 2] = min(2.0 * math.sqrt(max(squares * gateways - mean * mean, 0.0)), 1.0)
    _observe_last_frame(network, row, seen)
    for k in range(layout.NUM_WEIGHTS):
        seen[_WEIGHTS + k] = row.weights[k]
    _observe_time(network, slot, seen, _PHASE)


@inlined
def _observe_last_frame(network: Record, row: Record, seen: NDArray[np.float32]) -> None:
    lost = row.step_expired + row.step_dropped
    over = lost + row.step_delivered
    if over > 0:
        seen[_LAST] = lost / over
        seen[_LAST + 1] = row.step_delivered / over
    if row.step_attempts > 0:
        seen[_LAST + 2] = 1.0 - row.step_delivered / row.step_attempts
    grants = network.frame_slots * network.grants * network.num_gateways
    seen[_LAST + 3] = row.step_attempts / grants


@inlined
def _observe_time(network: Record, slot: int, seen: NDArray[np.float32], first: int) -> None:
    seen[first] = (slot % network.burst_period) / network.burst_period
    seen[first + 1] = slot / network.num_slots


@inlined
def observe_queues(
    network: Record, world: np.uint64, row: Record, messages: Records,
    waiting: NDArray[np.int64], fills: NDArray[np.int16], slot: int, seen: NDArray[np.float32],
    mask: NDArray[np.int8],
) -> None:  # fmt: skip
    """Writes every queue of a network of one gateway, and which of them may be picked.

    Args:
        network: record of the scenario.
        world: the key of the world.
        row: the running network, as what follows (see `tic_scheduling.layout.row_arrays`).
        messages: those that wait.
        waiting: of each gateway.
        fills: of each queue.
        slot: the slot whose grants are given.
        seen: written; shape (fields,).
        mask: written; shape (queues + 1,).
    """
    queues = 2 * network.num_sensors
    for queue in range(queues):
        seen[queue] = 0.0
        seen[queues + queue] = fills[queue] / network.buffer
        mask[queue] = np.int8(fills[queue] > 0 and row.failed[queue] == 0)
    mask[queues] = 1
    scale = 1.0 / network.most_deadline
    for place in range(waiting[0]):
        message = messages[place]
        number: Integer = message & layout.QUEUE_MASK
        age = slot - (message >> layout.QUEUE_BITS)
        slack = np.float32((network.deadline[number & 1] - age) * scale)
        if seen[number] == 0.0 or slack < seen[number]:
            seen[number] = slack
    for sensor in range(network.num_sensors):
        seen[2 * queues + sensor] = 0.0
        if network.observable:
            seen[2 * queues + sensor] = success_probability(network, world, sensor, slot)
    first = 2 * queues + network.num_sensors
    seen[first] = 1.0 - row.used / network.grants
    _observe_time(network, slot, seen, first + 1)
