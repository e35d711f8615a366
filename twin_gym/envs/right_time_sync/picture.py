"""The picture of right-time synchronisation, painted with Pillow (an extra: import it late)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.envs.canvas import COLOURS, EMPTY, FAINT, HEIGHT, INK, WIDTH, Canvas
from twin_gym.envs.drawing import shortened
from twin_gym.envs.right_time_sync.render import Drawable

_MARGIN = 20
_TOP, _BOTTOM = 96, HEIGHT - 46
_FEW = 100  # entities that can be drawn large
_RED = COLOURS[5]


def paint(env: Drawable) -> NDArray[np.uint8]:
    """Paints a twin as a star: each entity is a dot, the farther out the older its value.

    A dot is as red as its error is large; the ring marks one turn through all entities.

    Args:
        env: the single form of the environment.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas()
    _paint_head(canvas, env)
    _paint_star(canvas, env)
    return canvas.pixels()


def _paint_head(canvas: Canvas, env: Drawable) -> None:
    scenario, row = env.scenario, env.batch.row(0)
    right, slot = WIDTH - _MARGIN, int(env.batch.heads[0]["slot"])
    canvas.text(_MARGIN, 26, shortened(scenario.name, 44), 20)
    now = f"{slot * scenario.slot_s:,.6g} s of {scenario.horizon_s:,.6g} s"
    canvas.text(_MARGIN, 50, now, 13, FAINT)
    error = math.sqrt(float(row["step_error"]))
    canvas.text(right, 26, f"rms error {100 * error:.2f} % of the range", 20, anchor="rm")
    told = f"{row['delivered']:,} of {row['updates']:,} updates arrived"
    canvas.text(right, 50, told, 13, FAINT, "rm")
    canvas.box(_MARGIN, 66, right, 70, EMPTY)
    canvas.box(_MARGIN, 66, _MARGIN + (right - _MARGIN) * slot / scenario.num_slots, 70, INK)


def _paint_star(canvas: Canvas, env: Drawable) -> None:
    scenario, twin = env.scenario, env.batch.twin(0)
    x, y = WIDTH / 2, (_TOP + _BOTTOM) / 2
    radius = (_BOTTOM - _TOP) / 2
    count = scenario.num_entities
    shares = twin["age"] / (twin["age"] + count)
    beyond = np.minimum(twin["error"] / (4 * scenario.tolerance**2), 1.0)
    size = 5.0 if count <= _FEW else 2.5
    canvas.dot(x, y, radius / 2, None)
    first = 0
    for g, group in enumerate(scenario.groups):
        colour = COLOURS[g % 4]
        for i in range(first, first + group.count):
            angle = 2 * math.pi * i / count
            reach = radius * (0.1 + 0.9 * float(shares[i]))
            at = (x + 1.8 * reach * math.cos(angle), y + reach * math.sin(angle))
            red = float(beyond[i])
            mixed = tuple(
                round(a * (1 - red) + b * red) for a, b in zip(colour, _RED, strict=True)
            )  # fmt: skip
            canvas.dot(*at, size, (mixed[0], mixed[1], mixed[2]))
        first += group.count
        place = _MARGIN + g % 6 * 114
        canvas.box(place, HEIGHT - 28, place + 10, HEIGHT - 18, colour)
        canvas.text(place + 15, HEIGHT - 23, shortened(group.name, 14), 12)
