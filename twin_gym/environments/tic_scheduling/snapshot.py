"""The state that a picture of tiny instant communication shows, read off the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.single import RowEnv
from twin_gym.environments.tic_scheduling.batch import TicBatch
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import Topology

MOST_BINS = 10
"""Bars of the histogram of deadlines; the last one holds all that have more slots left."""


@dataclass(frozen=True)
class PictureState:
    """The state of a network at one moment, as pictures show it.

    Attributes:
        scenario: of the running episode.
        topology: where sensors and gateways stand.
        slot: slots that are over.
        queued: messages of each gateway; shape (gateways,).
        fills: fill of the fuller queue of each sensor in [0, 1]; shape (sensors,).
        slack: messages up and down that have so many slots left; shape (2, bins).
        delivered: so far.
        lost: so far.
        weights: in force; none where an agent picks who is next.
    """

    scenario: TicScenario
    topology: Topology
    slot: int
    queued: NDArray[np.int64]
    fills: NDArray[np.float64]
    slack: NDArray[np.int64]
    delivered: int
    lost: int
    weights: tuple[float, ...]


def take_snapshot(env: RowEnv[TicBatch]) -> PictureState:
    """Reads the current state of an environment."""
    batch = env.batch
    scenario: TicScenario = batch.scenario_of(0)
    slot, row = int(batch.heads["slot"][0]), batch.row(0)
    waiting = batch.waiting(0)
    messages = np.concatenate(waiting)
    fills = np.zeros((scenario.num_sensors, 2))
    np.add.at(fills, (messages[:, 1], messages[:, 2]), 1.0 / scenario.buffer_messages)
    bins = min(scenario.most_deadline_slots, MOST_BINS)
    deadlines = np.array((scenario.deadline_slots, scenario.answer_deadline_slots))
    left = deadlines[messages[:, 2]] - (slot - messages[:, 0])
    slack = np.zeros((2, bins), np.int64)
    np.add.at(slack, (messages[:, 2], np.clip(left - 1, 0, bins - 1)), 1)
    lost = int(row["expired"].sum() + row["dropped"].sum())
    weights = () if batch.settings.action == "pick" else tuple(row["weights"].tolist())
    return PictureState(
        scenario, batch.topology_of(0), slot, np.array([len(one) for one in waiting]),
        fills.max(axis=1), slack, int(row["delivered"].sum()), lost,
        weights,
    )  # fmt: skip
