"""Pictures of a running network: text, an array of pixels, or text redrawn in the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.drawing import drawn, shortened
from twin_gym.environments.tic_scheduling.batch import TicBatch
from twin_gym.environments.tic_scheduling.observation import WEIGHT_NAMES
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import Topology

_BAR_WIDTH = 30
_PROGRESS_WIDTH = 20
_MOST_GATEWAYS = 8
MOST_BINS = 10
"""Bars of the histogram of deadlines; the last one holds all that have more slots left."""


class Drawable(Protocol):
    """What pictures need of an environment."""

    render_mode: str | None

    @property
    def batch(self) -> TicBatch:
        """Its only row."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """What pictures show.

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


def take_snapshot(env: Drawable) -> Snapshot:
    """What there is to see of an environment now."""
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
    return Snapshot(
        scenario, batch.topology_of(0), slot, np.array([len(one) for one in waiting]),
        fills.max(axis=1), slack, int(row["delivered"].sum()), lost,
        weights,
    )  # fmt: skip


def draw(env: Drawable) -> NDArray[np.uint8] | str | None:
    """Draws a network as the environment's `render_mode` says.

    Args:
        env: the single form of the environment.

    Returns:
        `ansi`: text of at most 80 columns. `rgb_array`: pixels, shape (420, 720, 3), uint8.
        `human`: None; the text is redrawn in place on standard output. None: None, with a warning.

    Raises:
        MissingExtraError: for `rgb_array` if Pillow is not installed.
    """
    return drawn(env.render_mode, lambda: as_text(take_snapshot(env)), lambda: _pixels(env))


def _pixels(env: Drawable) -> NDArray[np.uint8]:
    from twin_gym.environments.tic_scheduling.picture import paint

    return paint(take_snapshot(env))


def as_text(snapshot: Snapshot) -> str:
    """A network in plain characters, at most 80 columns wide.

    Args:
        snapshot: what to show.

    Returns:
        Lines, each with a newline: time, deliveries, the fullest gateways, slots left.
    """
    one = snapshot.scenario
    done = round(snapshot.slot / one.num_slots * _PROGRESS_WIDTH)
    bar = "=" * done + " " * (_PROGRESS_WIDTH - done)
    named = zip(WEIGHT_NAMES, snapshot.weights, strict=False)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in named)
    lines = [
        f"{shortened(one.name, 26):<26}  [{bar}] {snapshot.slot * one.slot_s * 1e3:.3f} ms",
        f"delivered {snapshot.delivered:,}, lost {snapshot.lost:,}",
        f"weights  {weights}" if weights else "the agent picks who is next",
        "",
        f"gateways by messages that wait ({snapshot.queued.sum()} in all)",
    ]
    room = one.grants * one.most_deadline_slots
    order = np.argsort(-snapshot.queued, kind="stable")
    for gateway in order[:_MOST_GATEWAYS].tolist():
        lines.append(f"  gateway {gateway:<4} {_bar(int(snapshot.queued[gateway]), room)}")
    lines += ["", "slots left       up                              down"]
    most = max(int(snapshot.slack.max()), 1)
    for left, (up, down) in enumerate(snapshot.slack.T.tolist(), 1):
        more = "+" if left == MOST_BINS else " "
        up_bar, down_bar = ("#" * round(22 * count / most) for count in (up, down))
        lines.append(f"  {left:>4}{more} {up:>7} {up_bar:<22} {down:>7} {down_bar}")
    return "\n".join([*lines, ""])


def _bar(count: int, room: int) -> str:
    filled = min(round(count / room * _BAR_WIDTH), _BAR_WIDTH)
    return f"[{'#' * filled:<{_BAR_WIDTH}}] {count}"
