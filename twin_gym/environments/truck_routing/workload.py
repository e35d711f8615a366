"""The random draws: what is thrown into every bin, how full it begins, and which reports arrive.

What is thrown in until each hour is drawn once an episode, into a table; between the hours it grows
evenly. All of it is a pure function of the world, whatever trucks do.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer, Record, compiled, inlined
from twin_gym.core.draws import natural_log, uniform
from twin_gym.environments.truck_routing import layout

Floats = NDArray[np.float64]

# Typed, for Numba compiles a function anew for each literal number that it is called with.
_COUNT: Integer = np.int64(0)
_SIZE: Integer = np.int64(1)
_INITIAL: Integer = np.int64(2)
_OFFSET: Integer = np.int64(3)
_DELIVERY: Integer = np.int64(4)
_START: Integer = np.int64(5)

_FIRST: Integer = np.int64(0)
_BIN_ROOM: Integer = np.int64(2**11)
_SIZE_ROOM: Integer = np.int64(2**17)
_MOST_DEPOSITS = 1_000
_NEGLIGIBLE = 1e-17
_FACTORS = 15  # a product of one more uniform draws than this is far from underflow


@inlined
def initial_l(network: Record, capacity: float, world: np.uint64, number: int) -> float:
    """Content of a bin at the beginning, in litres."""
    share: float = uniform(world, _INITIAL, number) * network.initial_fill_max
    return share * capacity


@inlined
def offset_ms(network: Record, world: np.uint64, number: int) -> float:
    """Time of the first report of a bin: evenly within a period, after the beginning."""
    period: float = network.period
    return float(math.ceil(uniform(world, _OFFSET, number) * period))


@inlined
def is_delivered(network: Record, world: np.uint64, number: int, report: int) -> bool:
    """Whether report number `report` of a bin arrives."""
    probability: float = network.delivery
    return uniform(world, _DELIVERY, report * _BIN_ROOM + number) <= probability


@compiled
def count_reports(network: Record, world: np.uint64, time: float) -> tuple[Integer, Integer]:
    """Reports of all bins that have arrived, or would have, and those that arrived.

    Args:
        network: record of the scenario.
        world: the key of the world.
        time: ms.

    Returns:
        Reports that were measured `network.delay` before the time or earlier, and how many of them
        were delivered.
    """
    sent: Integer = np.int64(0)
    came: Integer = np.int64(0)
    if network.period <= 0.0:
        return sent, came
    for i in range(network.num_bins):
        measured = offset_ms(network, world, i) + network.delay
        report: Integer = np.int64(0)
        while measured <= time:
            came += np.int64(is_delivered(network, world, i, report))
            report += 1
            measured += network.period
        sent += report
    return sent, came


@inlined
def start_hour(network: Record, world: np.uint64) -> Integer:
    """The hour of the replay with which the episode begins; 0 where nothing is replayed."""
    drawn = np.int64(uniform(world, _START, _FIRST) * network.num_starts)
    return 24 * min(drawn, max(network.num_starts - 1, _FIRST))


@compiled
def deposited_l(
    network: Record, mean: float, none: float, world: np.uint64, number: int, hour: int
) -> float:
    """What is thrown into a bin in an hour: a Poisson number of Erlang deposits.

    The number is found by inversion; the sizes together are the logarithm of a product of uniform
    draws.

    Args:
        network: record of the scenario.
        mean: deposits in that hour on average.
        none: probability that there is none.
        world: the key of the world.
        number: of the bin.
        hour: of the episode.

    Returns:
        Litres.
    """
    place = hour * _BIN_ROOM + number
    target = uniform(world, _COUNT, place)
    deposits: Integer = np.int64(0)
    term, reached = none, none
    while target > reached and deposits < _MOST_DEPOSITS:
        deposits += 1
        term *= mean / deposits
        reached += term
        if term < _NEGLIGIBLE and deposits > mean:
            break
    total, product = 0.0, 1.0
    first = place * _SIZE_ROOM
    for k in range(deposits * network.deposit_shape):
        product *= uniform(world, _SIZE, first + k)
        if k & _FACTORS == _FACTORS:
            total -= natural_log(product)
            product = 1.0
    litres: float = (total - natural_log(product)) * network.deposit_scale
    return litres


@inlined
def _factor(world: np.uint64, place: int, k: int, is_there: bool) -> float:
    """The factor of deposit k of an hour in the product of its sizes; 1 if there are fewer."""
    drawn = uniform(world, _SIZE, place * _SIZE_ROOM + k)
    return drawn if is_there else 1.0


@inlined
def _few_deposits(
    network: Record, limits: Floats, world: np.uint64, hour: int, targets: Floats, litres: Floats
) -> None:
    """What `deposited_l` gives for all bins, where none has many exponential deposits.

    It has no branches, so that several bins are drawn side by side.

    Args:
        network: record of the scenario.
        limits: see `layout.Tables`; of this hour of the profile, shape (limits, bins).
        world: the key of the world.
        hour: of the episode.
        targets: written; the draws of the numbers. Above the last limit, the litres are not those
            of all deposits.
        litres: written.
    """
    none, one, two, three = limits[0], limits[1], limits[2], limits[3]
    scale = network.deposit_scale
    for i in range(network.num_bins):
        place = hour * _BIN_ROOM + i
        target = uniform(world, _COUNT, place)
        product = _factor(world, place, 0, target > none[i])
        product *= _factor(world, place, 1, target > one[i])
        product *= _factor(world, place, 2, target > two[i])
        targets[i] = target if target > three[i] else 0.0
        litres[i] = (0.0 - natural_log(product)) * scale


@compiled
def draw_volumes(
    network: Record, means: Floats, limits: Floats, replayed: Floats, world: np.uint64,
    start: int, volumes: Floats, scratch: Floats,
) -> None:  # fmt: skip
    """Writes what is thrown into each bin until each hour, and into all of them.

    Args:
        network: record of the scenario.
        means: see `layout.Tables`; of this scenario, as what follows.
        limits: likewise.
        replayed: likewise.
        world: the key of the world.
        start: hour of the replay with which the episode begins.
        volumes: written; litres, shape (hours + 1, bins + 1 or more): column N has the sum.
        scratch: shape (bins,).
    """
    count = network.num_bins
    for i in range(count + 1):
        volumes[0, i] = 0.0
    for hour in range(network.num_hours):
        before, after = volumes[hour], volumes[hour + 1]
        part = hour % network.profile_hours
        if network.num_starts > 0:
            for i in range(count):
                after[i] = replayed[start + hour + 1, i] - replayed[start + hour, i]
        elif network.are_few:
            _few_deposits(network, limits[part], world, hour, scratch, after)
            for i in range(count):
                if scratch[i] > 0.0:
                    none = limits[part, 0, i]
                    after[i] = deposited_l(network, means[part, i], none, world, i, hour)
        else:
            for i in range(count):
                none = limits[part, 0, i]
                after[i] = deposited_l(network, means[part, i], none, world, i, hour)
        total = 0.0
        for i in range(count):
            total += after[i]
            after[i] += before[i]
        after[count] = before[count] + total


@inlined
def volume_l(volumes: Floats, last_hour: int, number: int, time: float) -> float:
    """What was thrown into a bin until a time, evenly within each hour.

    Args:
        volumes: see `draw_volumes`.
        last_hour: hours of the episode less one.
        number: of the bin; N: all of them.
        time: ms.

    Returns:
        Litres.
    """
    hours = time / layout.HOUR_MS
    hour: Integer = min(np.int64(hours), last_hour)
    before: float = volumes[hour, number]
    after: float = volumes[hour + 1, number]
    share: float = hours - hour
    return before + share * (after - before)


@inlined
def profile_hours(profile: Floats, last_hour: int, time: float) -> float:
    """Hours since the beginning, weighted by the profile of the inflow.

    Args:
        profile: cumulative; shape (hours + 1,).
        last_hour: hours of the episode less one.
        time: ms.
    """
    hours = time / layout.HOUR_MS
    hour: Integer = min(np.int64(hours), last_hour)
    begun: float = profile[hour] + (hours - hour) * (profile[hour + 1] - profile[hour])
    return begun
