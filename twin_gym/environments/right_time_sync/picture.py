"""The picture of right-time synchronisation, painted with Pillow (an extra: import it late)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import COLOURS, EMPTY, FAINT, HEIGHT, INK, MARGIN, WIDTH, Canvas, Colour
from twin_gym.core.drawing import shortened
from twin_gym.core.single import RowEnv
from twin_gym.environments.right_time_sync.batch import SyncBatch

_LEFT, _RIGHT = 72.0, float(WIDTH - MARGIN)
_TOP, _BOTTOM = 112.0, float(HEIGHT - 66)
_FEWEST_LETTERS = 4
_MUCH = 4.0  # squared tolerances from which on a dot is red


def paint(env: RowEnv[SyncBatch]) -> NDArray[np.uint8]:
    """Paints a twin: each entity is a dot, the higher the older its value, the redder the worse.

    Args:
        env: the single form of the environment.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas()
    _paint_head(canvas, env)
    _paint_entities(canvas, env)
    return canvas.pixels()


def _paint_head(canvas: Canvas, env: RowEnv[SyncBatch]) -> None:
    scenario, row, slot = env.scenario, env.batch.row(0), int(env.batch.heads[0]["slot"])
    time = f"{slot * scenario.slot_s:,.6g} s of {scenario.horizon_s:,.6g} s"
    error = f"rms error {100 * math.sqrt(float(row['step_error'])):.2f} % of the range"
    arrived = f"{row['delivered']:,} of {row['updates']:,} updates arrived"
    canvas.head((scenario.name, time), (error, arrived), slot / scenario.num_slots)


def _paint_entities(canvas: Canvas, env: RowEnv[SyncBatch]) -> None:
    """A dot an entity, group by group from left to right; the higher the older."""
    scenario, twin = env.scenario, env.batch.twin(0)
    count = scenario.num_entities
    shares = twin["age"] / (twin["age"] + count)
    beyond = np.minimum(twin["error"] / (_MUCH * scenario.tolerance**2), 1.0)
    step = (_RIGHT - _LEFT) / count
    size = min(max(0.4 * step, 1.5), 5.0)
    canvas.text(_LEFT, _TOP - 14, "age of the twin's value", 12, FAINT)
    for share, label in ((0.0, "0"), (0.5, "a turn"), (0.75, "3 turns"), (10.0 / 11.0, "10 turns")):
        y = _BOTTOM - (_BOTTOM - _TOP) * share
        canvas.box(_LEFT, y, _RIGHT, y + 1, EMPTY)
        canvas.text(_LEFT - 8, y, label, 11, FAINT, "rm")
    for i, (share, red) in enumerate(zip(shares.tolist(), beyond.tolist(), strict=True)):
        y = _BOTTOM - (_BOTTOM - _TOP) * share
        canvas.dot(_LEFT + step * (i + 0.5), y, size, _mixed(red))
    _paint_groups(canvas, env, step)
    _paint_legend(canvas)


def _paint_groups(canvas: Canvas, env: RowEnv[SyncBatch], step: float) -> None:
    """Names of the groups below their entities, where there is room for them."""
    left = _LEFT
    for group in env.scenario.groups:
        width = step * group.count
        letters = int(width / 7)
        canvas.box(left + 1, _BOTTOM + 8, left + width - 1, _BOTTOM + 10, FAINT)
        if letters >= _FEWEST_LETTERS:
            label = shortened(group.name, letters)
            canvas.text(left + width / 2, _BOTTOM + 19, label, 11, INK, "mm")
        left += width


def _paint_legend(canvas: Canvas) -> None:
    """Paints the legend of the colours of the dots."""
    y = HEIGHT - 16
    canvas.text(_LEFT, y, "error", 12, FAINT)
    for k, label in enumerate(("none", "tolerance", "twice the tolerance")):
        at = _LEFT + 50 + 100 * k
        canvas.dot(at, y, 5, _mixed((0.0, 1.0 / _MUCH, 1.0)[k]))
        canvas.text(at + 11, y, label, 12)


def _mixed(red: float) -> Colour:
    """Blue for 0, red for 1."""
    a, b = COLOURS[0], COLOURS[5]
    mixed = [round(one * (1 - red) + other * red) for one, other in zip(a, b, strict=True)]
    return mixed[0], mixed[1], mixed[2]
