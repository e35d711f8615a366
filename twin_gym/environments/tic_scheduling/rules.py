"""The rules of tiny instant communication, compiled.

In a slot, in this order: messages whose deadline has passed expire; answers that are ready, burst
messages and background messages arrive, and are dropped where the queue of their sensor and
direction is full; every gateway transmits up to `grants` messages; those that the channel lets
through are delivered at the end of the slot. A message that fails keeps its place. An agent decides
after the arrivals. `tic_scheduling.reference` tells the same rules in SimPy.

An argument that recurs: `slot`, the number of the slot.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.environments.tic_scheduling import layout
from twin_gym.environments.tic_scheduling.workload import (
    asks_in_burst,
    background_gap,
    burst_slot,
    gets_through,
)

Integers = NDArray[np.int64]

_QUEUE_BITS, _QUEUE_MASK, _GONE = layout.QUEUE_BITS, layout.QUEUE_MASK, layout.GONE
_ONE: Integer = np.int64(1)
_ZERO: Integer = np.int64(0)


class Running(NamedTuple):
    """The arrays of a running network that the rules read or write.

    Attributes:
        network: record of the scenario.
        sensors: its records of sensors.
        firsts: where each gateway's stretch of messages begins.
        world: key of the world.
        row: counters; the arrays after it are those of `layout.row_arrays`.
        messages: those that wait.
        waiting: of each gateway.
        fills: messages of each queue.
        answers: sensors whose answer will be ready, a stretch a slot.
        answer_counts: of each stretch.
        latencies: delivered messages that took so many slots.
    """

    network: Record
    sensors: Records
    firsts: Integers
    world: np.uint64
    row: Record
    messages: Integers
    waiting: Integers
    fills: NDArray[np.int16]
    answers: NDArray[np.int32]
    answer_counts: Integers
    latencies: NDArray[np.int32]


@compiled
def begin(running: Running) -> None:
    """Clears everything and brings the arrivals of slot 0."""
    network, world, row = running.network, running.world, running.row
    row.queued = 0
    row.burst = 0
    row.burst_slot = burst_slot(network, world, _ZERO)
    row.background = background_gap(network, world, _ZERO) - 1
    row.background_count = 1
    for direction in range(2):
        row.offered[direction] = 0
        row.delivered[direction] = 0
        row.expired[direction] = 0
        row.dropped[direction] = 0
        row.waited[direction] = 0
    row.attempts = 0
    row.window_start = 0
    row.windows = 0
    row.window_sum = 0
    row.window_squares = 0
    row.used = 0
    for k in range(layout.NUM_WEIGHTS):
        row.weights[k] = 1.0 / layout.NUM_WEIGHTS
    for queue in range(layout.MAX_PICK_QUEUES):
        row.failed[queue] = 0
    running.waiting[:] = 0
    running.fills[:] = 0
    running.answer_counts[:] = 0
    running.latencies[:] = 0
    begin_step(row)
    arrive(running, _ZERO)
    begin_step(row)


@inlined
def begin_step(row: Record) -> None:
    """Clears the outcomes of the last step."""
    row.step_delivered = 0
    row.step_expired = 0
    row.step_dropped = 0
    row.step_attempts = 0


@inlined
def _join(running: Running, slot: int, queue: int) -> None:
    """A message arrives in its queue, or is dropped because the queue is full."""
    row, fills, waiting = running.row, running.fills, running.waiting
    direction = queue & 1
    row.offered[direction] += 1
    if fills[queue] >= running.network.buffer:
        row.dropped[direction] += 1
        row.step_dropped += 1
        return
    fills[queue] += 1
    gateway = running.sensors[queue >> 1].gateway
    running.messages[running.firsts[gateway] + waiting[gateway]] = (slot << _QUEUE_BITS) + queue
    waiting[gateway] += 1
    row.queued += 1


@compiled
def arrive(running: Running, slot: int) -> None:
    """The arrivals of a slot."""
    network, world, row = running.network, running.world, running.row
    bucket = slot % network.ring
    first = bucket * network.most_answers
    for i in range(running.answer_counts[bucket]):
        queue: Integer = 2 * np.int64(running.answers[first + i]) + layout.DOWNLINK
        _join(running, slot, queue)
    running.answer_counts[bucket] = 0
    if slot == row.burst_slot:
        burst: Integer = np.int64(row.burst)
        remaining: Integer = np.int64(network.burst_sensors)
        for sensor in range(network.num_sensors):
            if asks_in_burst(world, burst, sensor, remaining, network.num_sensors - sensor):
                remaining -= 1
                for _ in range(network.burst_messages):
                    _join(running, slot, 2 * sensor)
        row.burst = burst + 1
        row.burst_slot = burst_slot(network, world, burst + _ONE)
    start = slot * network.num_sensors
    while row.background < start + network.num_sensors:
        queue = 2 * (row.background - start)
        _join(running, slot, queue)
        count: Integer = np.int64(row.background_count)
        row.background += background_gap(network, world, count)
        row.background_count = count + 1


@inlined
def _transmit(running: Running, slot: int, place: int) -> bool:
    """One grant for the message at a place; says whether it was delivered."""
    network, row = running.network, running.row
    row.attempts += 1
    row.step_attempts += 1
    message = running.messages[place]
    queue = message & _QUEUE_MASK
    if not gets_through(network, running.world, queue, slot):
        return False
    direction = queue & 1
    latency = slot - (message >> _QUEUE_BITS) + 1
    running.latencies[latency] += 1
    row.waited[direction] += latency
    row.delivered[direction] += 1
    row.step_delivered += 1
    row.queued -= 1
    running.fills[queue] -= 1
    running.messages[place] = _GONE
    if direction == layout.UPLINK and network.answers:
        bucket = slot % network.ring
        running.answers[bucket * network.most_answers + running.answer_counts[bucket]] = queue >> 1
        running.answer_counts[bucket] += 1
    return True


@inlined
def _choose(running: Running, best: Records, slot: int, first: int, number: int) -> None:
    """The messages of largest index, as many as there are grants, sorted into `best`.

    Ties go to the smaller message: the older one, then the smaller sensor, then uplink.
    """
    network, row = running.network, running.row
    kept, grants = np.int64(0), network.grants
    scale, fill_scale = 1.0 / network.most_deadline, 1.0 / network.buffer
    for place in range(first, first + number):
        message = running.messages[place]
        queue = message & _QUEUE_MASK
        age = slot - (message >> _QUEUE_BITS)
        remaining = network.deadline[queue & 1] - 1 - age
        index = (
            row.weights[0] * running.sensors[queue >> 1].density
            + row.weights[1] * (1.0 - remaining * scale)
            + row.weights[2] * (age * scale)
            + row.weights[3] * (running.fills[queue] * fill_scale)
        )
        if kept == grants:
            last = best[kept - 1]
            if index < last.index or (index == last.index and message >= last.message):
                continue
            kept -= 1
        at = kept
        while at > 0 and (
            index > best[at - 1].index
            or (index == best[at - 1].index and message < best[at - 1].message)
        ):
            best[at].index = best[at - 1].index
            best[at].message = best[at - 1].message
            best[at].place = best[at - 1].place
            at -= 1
        best[at].index = index
        best[at].message = message
        best[at].place = place
        kept += 1


@inlined
def _tidy(running: Running, slot: int, gateway: int) -> None:
    """Closes the gaps that delivered messages have left, and lets those expire that are late.

    Args:
        running: the running network.
        slot: the slot that begins.
        gateway: whose messages.
    """
    network, row, messages = running.network, running.row, running.messages
    first = running.firsts[gateway]
    kept = first
    for place in range(first, first + running.waiting[gateway]):
        message = messages[place]
        if message == _GONE:
            continue
        queue = message & _QUEUE_MASK
        direction = queue & 1
        if slot - (message >> _QUEUE_BITS) >= network.deadline[direction]:
            row.expired[direction] += 1
            row.step_expired += 1
            row.queued -= 1
            running.fills[queue] -= 1
            continue
        messages[kept] = message
        kept += 1
    running.waiting[gateway] = kept - first


@inlined
def serve(running: Running, best: Records, slot: int) -> None:
    """Transmissions and deliveries of all gateways by `row.weights`; then late messages expire."""
    network = running.network
    for gateway in range(network.num_gateways):
        number = running.waiting[gateway]
        if number == 0:
            continue
        first = running.firsts[gateway]
        is_choice = number > network.grants
        if is_choice:
            _choose(running, best, slot, first, number)
        for k in range(min(number, network.grants)):
            place = best[k].place if is_choice else first + k
            _transmit(running, slot, place)
        _tidy(running, slot + 1, gateway)


@inlined
def pick(running: Running, slot: int, queue: int) -> None:
    """One grant of the only gateway for the oldest message of a queue, which has one."""
    row, messages, waiting = running.row, running.messages, running.waiting
    oldest: Integer = np.int64(-1)
    for place in range(waiting[0]):
        is_mine = messages[place] & _QUEUE_MASK == queue
        if is_mine and (oldest < 0 or messages[place] < messages[oldest]):
            oldest = place
    row.used += 1
    if _transmit(running, slot, oldest):
        waiting[0] -= 1
        messages[oldest] = messages[waiting[0]]
    else:
        row.failed[queue] = 1


@inlined
def has_choice(running: Running) -> bool:
    """Whether a grant of this slot and a message whose channel has not failed in it are left."""
    network, row = running.network, running.row
    if row.used >= network.grants:
        return False
    for queue in range(2 * network.num_sensors):
        if running.fills[queue] > 0 and row.failed[queue] == 0:
            return True
    return False


@inlined
def end_picks(running: Running, slot: int) -> None:
    """The slot of the only gateway is over; late messages expire."""
    network, row = running.network, running.row
    row.used = 0
    for queue in range(2 * network.num_sensors):
        row.failed[queue] = 0
    _tidy(running, slot + 1, _ZERO)


@inlined
def end_slot(network: Record, row: Record, slot: int) -> None:
    """Keeps the throughput of each period of the bursts."""
    if (slot + 1) % network.burst_period == 0:
        delivered = row.delivered[0] + row.delivered[1]
        inside = delivered - row.window_start
        row.window_start = delivered
        row.windows += 1
        row.window_sum += inside
        row.window_squares += inside * inside
