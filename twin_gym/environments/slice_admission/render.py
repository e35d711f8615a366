"""Pictures of a running network: text, an array of pixels, or text redrawn in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.drawing import compact, headline, shortened
from twin_gym.environments.slice_admission.snapshot import PictureState

_MARKS = "123456789abcdefg"
_BAR_WIDTH = 40
_QUEUE_WIDTH = 16
_NAME_WIDTH = 14


def as_text(snapshot: PictureState) -> str:
    """A network in plain characters, at most 80 columns wide.

    Args:
        snapshot: what to show.

    Returns:
        Lines, each with a newline. In the bars of the resources each slice has its own mark.
    """
    lines = [*_head(snapshot), "", *_resources(snapshot), "", *_slices(snapshot), ""]
    return "\n".join([*lines, f"last: {snapshot.news}"[:80], ""])


def _head(snapshot: PictureState) -> list[str]:
    time = f"{snapshot.now_s:.2f} of {snapshot.scenario.horizon_s:g} s"
    revenue = f"{snapshot.revenue:,.6g} ({snapshot.revenue_rate:.4g} a second)"
    return [
        headline(snapshot.scenario.name, snapshot.progress, time),
        f"revenue so far  {revenue}",
    ]


def _resources(snapshot: PictureState) -> list[str]:
    lines = []
    for k, (resource, capacity) in enumerate(snapshot.scenario.capacity.items()):
        held = snapshot.held[:, k]
        bar = _stacked(held / capacity)
        amounts = f"{compact(held.sum())} of {compact(capacity)}"
        name = shortened(resource, _NAME_WIDTH)
        lines.append(f"{name:<{_NAME_WIDTH}} [{bar}] {amounts}")
    return lines


def _stacked(shares: NDArray[np.float64]) -> str:
    """The shares side by side, each in the mark of its slice."""
    edges = np.rint(np.concatenate(([0.0], np.cumsum(shares))) * _BAR_WIDTH).astype(int)
    parts = [mark * int(n) for mark, n in zip(_MARKS, np.diff(edges), strict=False)]
    return "".join(parts)[:_BAR_WIDTH].ljust(_BAR_WIDTH, ".")


def _slices(snapshot: PictureState) -> list[str]:
    lines = [
        f"  {'slice':<{_NAME_WIDTH}} {'serving':>7}  {'waiting':<{_QUEUE_WIDTH + 9}}"
        f"{'admitted':>9} {'lost':>7}"
    ]
    for s, one in enumerate(snapshot.scenario.slices):
        ages = snapshot.ages_s[s]
        limit = max(one.queue_limit, 1)
        places = min(limit, _QUEUE_WIDTH)
        bar = _queue(ages, one.mean_patience_s, places)
        name = shortened(one.name, _NAME_WIDTH)
        lines.append(
            f"{_MARKS[s]} {name:<{_NAME_WIDTH}} {snapshot.in_service[s]:>7}  "
            f"{bar:<{_QUEUE_WIDTH}} {len(ages):>3}/{limit:<4}{snapshot.admitted[s]:>9} "
            f"{snapshot.lost[s]:>7}"
        )
    return lines


def _queue(ages_s: Sequence[float], patience_s: float, places: int) -> str:
    """One character a waiting request, oldest first: ! has used up half of its patience."""
    marks = ["!" if 2 * age >= patience_s else "o" for age in ages_s[:places]]
    return "".join(marks).ljust(places, ".")
