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
def _side_by_side(
    network: Record, limits: Floats, world: np.uint64, hour: int, factors: int, targets: Floats,
    litres: Floats,
) -> None:  # fmt: skip
    """What `deposited_l` gives for all bins, where few have more than some exponential deposits.

    Its loops have no branches, so that several bins are drawn side by side.

    Args:
        network: record of the scenario.
        limits: see `layout.Tables`; of this hour of the profile, shape (limits, bins).
        world: the key of the world.
        hour: of the episode.
        factors: the most deposits whose sizes are drawn.
        targets: written; the draws of the numbers where there are more deposits, and else 0.
        litres: written; where there are more deposits, not those of all.
    """
    first, count, scale = hour * _BIN_ROOM, network.num_bins, network.deposit_scale
    for i in range(count):
        targets[i] = uniform(world, _COUNT, first + i)
        litres[i] = 1.0
    for k in range(factors):
        limit = limits[k]
        for i in range(count):
            drawn = uniform(world, _SIZE, (first + i) * _SIZE_ROOM + k)
            litres[i] *= drawn if targets[i] > limit[i] else 1.0
    limit = limits[factors]
    for i in range(count):
        targets[i] = targets[i] if targets[i] > limit[i] else 0.0
        litres[i] = (0.0 - natural_log(litres[i])) * scale


@inlined
def _one_by_one(
    network: Record, means: Floats, none: Floats, world: np.uint64, hour: int, chosen: Floats,
    litres: Floats,
) -> None:  # fmt: skip
    """Writes what is thrown in an hour into the chosen bins: those whose entry is above 0."""
    for i in range(network.num_bins):
        if chosen[i] > 0.0:
            litres[i] = deposited_l(network, means[i], none[i], world, i, hour)


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
        else:
            factors = network.factors[part]
            if network.are_few and factors >= 0:
                _side_by_side(network, limits[part], world, hour, factors, scratch, after)
            else:
                for i in range(count):
                    scratch[i] = 1.0
            _one_by_one(network, means[part], limits[part, 0], world, hour, scratch, after)
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
