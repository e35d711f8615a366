"""The rules of massive access, compiled: one function carries one network over one opportunity.

In an opportunity, in this order: devices join that have asked since the last one; everyone who
waits, whose backoff is over and who passes the barring sends a preamble; a preamble that one device
sent is answered and the device is done; whoever shared one has collided, gives up if it was the
last try, and else backs off. A device that is barred tries again at the next opportunity: there is
no timer. `massive_access.reference` tells the same rules in SimPy.

An argument that recurs: `slot`, the number of the opportunity.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, Records, compiled, inlined
from twin_gym.environments.massive_access import layout
from twin_gym.environments.massive_access.workload import (
    backoff_drawn,
    barring_draw,
    joining_opportunity,
    preamble_drawn,
)

_PREAMBLE_MASK = (1 << layout.SENDER_SHIFT) - 1


class Running(NamedTuple):
    """A running network: what every rule looks at or changes.

    Attributes:
        network: record of the scenario.
        world: key of the world.
        row: counters.
        devices: those that wait, then those that have not asked yet (see `layout`).
        senders: scratch of one entry a device.
        delays: devices that have succeeded after having waited so many opportunities.
    """

    network: Record
    world: np.uint64
    row: Record
    devices: Records
    senders: NDArray[np.int32]
    delays: NDArray[np.int32]


@compiled
def begin(running: Running) -> None:
    """Lays down the devices in the order in which they will ask, and clears all counters."""
    network, world, devices = running.network, running.world, running.devices
    senders, delays = running.senders, running.delays
    for slot in range(network.num_opportunities):
        delays[slot] = 0
    # A counting sort by the first opportunity; `delays` counts and `senders` remembers meanwhile.
    for device in range(network.num_devices):
        slot = joining_opportunity(network, world, device)
        senders[device] = slot
        delays[slot] += 1
    first = 0
    for slot in range(network.num_opportunities):
        number = delays[slot]
        delays[slot] = first
        first += number
    for number in range(network.num_devices):
        slot = senders[number]
        device = devices[delays[slot]]
        delays[slot] += 1
        device.number = number
        device.joined = slot
        device.ready = slot
        device.tries = 0
    for slot in range(network.num_opportunities):
        delays[slot] = 0
    _clear(running.row)


@inlined
def _clear(row: Record) -> None:
    row.num_waiting = 0
    row.num_arrived = 0
    row.succeeded = 0
    row.lost = 0
    row.attempts = 0
    row.used = 0
    row.collided = 0
    row.waited = 0
    row.last_success = -1
    row.barring = 1.0
    row.barred = 0.0
    row.step_successes = 0
    row.step_lost = 0
    for i in range(layout.HISTORY):
        row.success_history[i] = 0
        row.collision_history[i] = 0
    for preamble in range(row.uses.shape[0]):
        row.uses[preamble] = 0


@inlined
def run_opportunity(running: Running, slot: int, barring: float) -> None:
    """One opportunity under a barring probability.

    Args:
        running: the running network.
        slot: number of the opportunity.
        barring: with which probability a device may try; in [0, 1].
    """
    row = running.row
    _join(running, slot)
    num_senders = _send(running, slot, barring)
    collisions = _count(running, num_senders)
    _answer(running, slot, num_senders)
    place = slot & (layout.HISTORY - 1)
    row.success_history[place] = row.step_successes
    row.collision_history[place] = collisions
    row.barring = barring
    row.barred += barring


@inlined
def _join(running: Running, slot: int) -> None:
    """Those who have asked leave their places in the order of arrival and join who waits."""
    network, row, devices = running.network, running.row, running.devices
    arrived, waiting = row.num_arrived, row.num_waiting
    while arrived < network.num_devices and devices[arrived].joined == slot:
        if waiting != arrived:
            devices[waiting] = devices[arrived]
        waiting += 1
        arrived += 1
    row.num_arrived = arrived
    row.num_waiting = waiting


@inlined
def _send(running: Running, slot: int, barring: float) -> Integer:
    """Everyone who may send does; gives how many."""
    world, devices = running.world, running.devices
    num_senders = np.int64(0)
    is_open = barring >= 1.0
    for k in range(running.row.num_waiting):
        device = devices[k]
        if device.ready > slot:
            continue
        number: Integer = np.int64(device.number)
        if is_open or barring_draw(world, number, slot) <= barring:
            tries: Integer = np.int64(device.tries)
            preamble = preamble_drawn(running.network, world, number, tries)
            running.senders[num_senders] = (k << layout.SENDER_SHIFT) + preamble
            num_senders += 1
    return num_senders


@inlined
def _count(running: Running, num_senders: int) -> Integer:
    """Counts the senders of each preamble; gives how many preambles have several."""
    row, senders = running.row, running.senders
    used, collided = np.int64(0), np.int64(0)
    for i in range(num_senders):
        preamble = senders[i] & _PREAMBLE_MASK
        uses = row.uses[preamble]
        row.uses[preamble] = uses + 1
        used += np.int64(uses == 0)
        collided += np.int64(uses == 1)
    row.attempts += num_senders
    row.used += used
    row.collided += collided
    row.step_successes = used - collided
    return collided


@inlined
def _answer(running: Running, slot: int, num_senders: int) -> None:
    """Who was alone is done; who was not backs off or gives up.

    From the last sender to the first, so that the last device can take the place of one that
    leaves: it has been looked at already, or did not send.
    """
    network, row = running.network, running.row
    devices, senders = running.devices, running.senders
    waiting, lost = row.num_waiting, np.int64(0)
    for i in range(num_senders - 1, -1, -1):
        k, preamble = senders[i] >> layout.SENDER_SHIFT, senders[i] & _PREAMBLE_MASK
        device = devices[k]
        if row.uses[preamble] == 1:
            delay = np.int64(slot - device.joined)
            running.delays[delay] += 1
            row.waited += delay
        else:
            number: Integer = np.int64(device.number)
            tries: Integer = np.int64(device.tries) + 1
            device.tries = tries
            if tries < network.max_tries:
                device.ready = slot + backoff_drawn(network, running.world, number, tries)
                continue
            lost += 1
        waiting -= 1
        devices[k] = devices[waiting]
    for i in range(num_senders):
        row.uses[senders[i] & _PREAMBLE_MASK] = 0
    row.num_waiting = waiting
    row.step_lost = lost
    row.lost += lost
    row.succeeded += row.step_successes
    if row.step_successes > 0:
        row.last_success = slot


@compiled
def num_ready(network: Record, row: Record, devices: Records, slot: int) -> Integer:
    """Devices that would send in this opportunity if nobody was barred; nothing is changed."""
    ready = np.int64(0)
    for k in range(row.num_waiting):
        ready += np.int64(devices[k].ready <= slot)
    arrived = row.num_arrived
    while arrived < network.num_devices and devices[arrived].joined == slot:
        ready += 1
        arrived += 1
    return ready
