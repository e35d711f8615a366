"""Pictures of a running network: text, an array of pixels, or text redrawn in the terminal."""

from __future__ import annotations

import numpy as np

from twin_gym.core.drawing import headline
from twin_gym.environments.tic_scheduling.observation import WEIGHT_NAMES
from twin_gym.environments.tic_scheduling.snapshot import MOST_BINS, PictureState

_BAR_WIDTH = 30
_MOST_GATEWAYS = 8


def as_text(snapshot: PictureState) -> str:
    """A network in plain characters, at most 80 columns wide.

    Args:
        snapshot: what to show.

    Returns:
        Lines, each with a newline: time, deliveries, the fullest gateways, slots left.
    """
    one = snapshot.scenario
    named = zip(WEIGHT_NAMES, snapshot.weights, strict=False)
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in named)
    lines = [
        headline(
            one.name, snapshot.slot / one.num_slots, f"{snapshot.slot * one.slot_s * 1e3:.3f} ms"
        ),
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
