"""The most messages that any policy delivers in time in a given world."""

from __future__ import annotations

import numpy as np

from twin_gym.core.draws import world_key
from twin_gym.environments.tic_scheduling.layout import build_tables
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.theory import most_by_matching, most_with_answers
from twin_gym.environments.tic_scheduling.world import World


def most_deliveries(scenario: TicScenario, seed: int, episode: int = 0) -> int:
    """A bound on the deliveries of an episode, by a matching that knows arrivals and channels.

    Buffers are left out: what they drop can only be less. See `tic_scheduling.theory` for the
    proof where messages ask for answers.

    Args:
        scenario: the network.
        seed: of the row, as `reset` takes it.
        episode: the how-manieth of that seed.

    Returns:
        A number that `delivered` of the episode cannot exceed.
    """
    tables = build_tables([scenario])
    world = World(tables.networks[0], int(world_key(np.uint64(seed), episode)))
    messages: list[list[tuple[int, int]]] = [[] for _ in range(scenario.num_gateways)]
    for slot, sensor in world.uplinks(scenario.num_slots):
        messages[int(tables.sensors[0]["gateway"][sensor])].append((slot, sensor))
    return sum(_of_gateway(scenario, world, one) for one in messages)


def _of_gateway(scenario: TicScenario, world: World, messages: list[tuple[int, int]]) -> int:
    usable: list[list[int]] = []
    answer_usable: list[list[int]] = []
    for slot, sensor in messages:
        up = _open(world, 2 * sensor, slot, slot + scenario.deadline_slots, scenario.num_slots)
        usable.append(up)
        if not scenario.answers or not up:
            answer_usable.append([])
            continue
        ready = up[0] + 1 + scenario.processing_slots
        due = up[-1] + 1 + scenario.processing_slots + scenario.answer_deadline_slots
        answer_usable.append(_open(world, 2 * sensor + 1, ready, due, scenario.num_slots))
    if not scenario.answers:
        return most_by_matching(usable, scenario.grants)
    return most_with_answers(usable, answer_usable, scenario.grants)


def _open(world: World, queue: int, first: int, end: int, horizon: int) -> list[int]:
    """Slots in which the channel lets a queue through."""
    return [slot for slot in range(first, min(end, horizon)) if world.gets_through(queue, slot)]
