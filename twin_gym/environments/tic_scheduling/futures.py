"""Futures of tiny instant communication as its gateway may imagine them: drawn anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import draws
from twin_gym.core.compiled import Integer, Record, Records, entry_point_over, inlined
from twin_gym.core.draws import mix, uniform
from twin_gym.environments.tic_scheduling import workload
from twin_gym.environments.tic_scheduling.batch import TicBatch
from twin_gym.errors import ConfigError

_STREAM: Integer = np.int64(300)  # apart from those of a world
_FIRST: Integer = np.int64(0)
_MOST_TRIES: Integer = np.int64(2**22)
_MOST_SEEN = 16
_entry_point = entry_point_over(compiling, draws, workload)


def redraw_futures(batch: TicBatch, count: int, words: NDArray[np.uint64]) -> None:
    """Gives rows other futures: nothing of what the world has in store for them is left.

    A gateway knows who waits since when, and the answers that it prepares. Bursts to come,
    background messages and channels are drawn anew. Where the states of the channels are seen, a
    world is drawn until it has the states of this block: the exact conditional law, which takes 2
    to the power of the sensors tries on average.

    Args:
        batch: its first rows are changed.
        count: how many.
        words: names of the worlds to come, one a row; equal words give equal draws.

    Raises:
        ConfigError: if channels are replayed, or the states of more than 16 are seen.
    """
    are_seen = batch.masks is not None and batch.scenario.channel_observable
    for one in batch.scenarios:
        if one.channel_trace is not None or (are_seen and one.num_sensors > _MOST_SEEN):
            raise ConfigError(
                f"the futures of {one.name!r} cannot be drawn anew: no channels may be replayed, "
                f"and the states of at most {_MOST_SEEN} seen"
            )
    arrays = batch.arrays
    worlds = words
    if are_seen:
        worlds = np.zeros(count, np.uint64)
        if not _draw_worlds(arrays["networks"], arrays["heads"], words, worlds, count):
            raise ConfigError(
                f"no future of {batch.scenario.name!r} with the channels as they are was found: "
                "their states are too unlikely; take `channel_observable = false`"
            )
    _redraw_rows(arrays["networks"], arrays["heads"], arrays["rows"], worlds, count)


@_entry_point
def _draw_worlds(
    networks: Records, heads: Records, words: NDArray[np.uint64], worlds: NDArray[np.uint64],
    count: int,
) -> bool:  # fmt: skip
    """Worlds in which the channels are in this block as they are; says if all were found.

    Equal words of rows in the same true world give the same world; neighbours are looked at first.
    """
    for i in range(count):
        head = heads[i]
        stride = 0
        for before in range(i - 1, -1, -1):
            if words[before] == words[i] and heads[before].world == head.world:
                stride = i - before
                break
            if heads[before].world != head.world:
                break
        if stride > 0:
            worlds[i] = worlds[i - stride]
            continue
        world, tries = words[i], _FIRST
        while not _is_alike(networks[head.network], head, world):
            world = mix(world + draws.GOLDEN)
            tries += 1
            if tries > _MOST_TRIES:
                return False
        worlds[i] = world
    return True


@inlined
def _is_alike(network: Record, head: Record, world: np.uint64) -> bool:
    for sensor in range(network.num_sensors):
        drawn = workload.success_probability(network, world, sensor, head.slot)
        if drawn != workload.success_probability(network, head.world, sensor, head.slot):
            return False
    return True


@_entry_point
def _redraw_rows(
    networks: Records, heads: Records, rows: Records, worlds: NDArray[np.uint64], count: int
) -> None:
    """Draws the futures of the first rows anew."""
    for i in range(count):
        head, row = heads[i], rows[i]
        head.world = worlds[i]
        network = networks[head.network]
        # The burst is still to come: late by what is left of the jitter, all as likely.
        first = max(row.burst * network.burst_period, head.slot + 1)
        last = row.burst * network.burst_period + network.burst_jitter
        left = max(last - first, 0) + 1
        row.burst_slot = first + min(
            np.int64(uniform(head.world, _STREAM, _FIRST) * left), left - 1
        )
        # Gaps are geometric: they have no memory.
        gap = workload.background_gap(network, head.world, row.background_count)
        row.background = (head.slot + 1) * network.num_sensors - 1 + gap
        row.background_count += 1
