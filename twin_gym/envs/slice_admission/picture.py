"""The picture of a running network, painted with Pillow (an extra: import this file late).

It is painted at twice its size and scaled down, which smooths every edge.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from twin_gym.envs.slice_admission.snapshot import Snapshot, compact, shortened

WIDTH, HEIGHT = 720, 420

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

# Okabe and Ito (2008), then the muted scheme of Tol (2021): told apart without red or green cones.
SLICE_COLOURS: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167),
    (86, 180, 233), (213, 94, 0), (240, 228, 66), (90, 90, 90),
    (51, 34, 136), (136, 204, 238), (68, 170, 153), (17, 119, 51),
    (153, 153, 51), (221, 204, 119), (204, 102, 119), (136, 34, 85),
)  # fmt: skip
# Cividis from light to dark: how much of its patience a request has used up.
AGE_COLOURS: tuple[Colour, ...] = (
    (254, 232, 56), (219, 197, 81), (187, 174, 105), (155, 151, 118),
    (124, 123, 120), (87, 93, 109), (44, 63, 107), (0, 32, 76),
)  # fmt: skip

_BACKGROUND: Colour = (250, 250, 248)
_INK: Colour = (35, 38, 45)
_FAINT: Colour = (122, 126, 134)
_EMPTY: Colour = (228, 229, 231)
_SCALE = 2
_MARGIN = 20
_HEAD_HEIGHT = 76
_FOOT_HEIGHT = 30
_LABEL_WIDTH = 104
_QUEUE_LEFT, _QUEUE_WIDTH = 212, 352
_MOST_DOTS = 24
_MOST_DOT_STEP = 18.0


def paint(snapshot: Snapshot) -> NDArray[np.uint8]:
    """Paints a network.

    Args:
        snapshot: what to show.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = _Canvas()
    _paint_head(canvas, snapshot)
    resources = len(snapshot.scenario.capacity)
    step = min(32, 128 // resources)
    bottom = _paint_resources(canvas, snapshot, _HEAD_HEIGHT + 12, step)
    _paint_slices(canvas, snapshot, bottom + 14)
    _paint_foot(canvas, snapshot)
    return canvas.pixels()


class _Canvas:
    """Paints in coordinates of the finished picture."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (WIDTH * _SCALE, HEIGHT * _SCALE), _BACKGROUND)
        self._draw = ImageDraw.Draw(self._image)

    def pixels(self) -> NDArray[np.uint8]:
        return np.array(self._image.reduce(_SCALE), np.uint8)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """A rectangle; nothing if it is thinner than a pixel."""
        x0, y0, x1, y1 = (round(_SCALE * value) for value in (left, top, right, bottom))
        if x1 > x0:
            self._draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill)

    def dot(self, x: float, y: float, radius: float, fill: Colour | None) -> None:
        """A filled circle, or a faint ring for a free place."""
        corners = [_SCALE * value for value in (x - radius, y - radius, x + radius, y + radius)]
        outline = _EMPTY if fill is None else fill
        self._draw.ellipse(corners, fill=fill, outline=outline, width=_SCALE)

    def text(
        self, x: float, y: float, said: str, size: int, fill: Colour = _INK, anchor: str = "lm"
    ) -> None:
        """One line; the anchor is Pillow's (`lm`: x is the left end, y the middle)."""
        at = (_SCALE * x, _SCALE * y)
        self._draw.text(at, said, fill, _font(size * _SCALE), anchor=anchor)


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _paint_head(canvas: _Canvas, snapshot: Snapshot) -> None:
    right = WIDTH - _MARGIN
    canvas.text(_MARGIN, 26, shortened(snapshot.scenario.name, 44), 20)
    time = f"{snapshot.now_s:,.1f} s of {snapshot.scenario.horizon_s:,g} s"
    canvas.text(_MARGIN, 50, time, 13, _FAINT)
    canvas.text(right, 26, f"{snapshot.revenue:,.1f}", 20, anchor="rm")
    rate = f"revenue so far, {snapshot.revenue_rate:.4g} a second"
    canvas.text(right, 50, rate, 13, _FAINT, "rm")
    canvas.box(_MARGIN, 66, right, 70, _EMPTY)
    canvas.box(_MARGIN, 66, _MARGIN + (right - _MARGIN) * snapshot.progress, 70, _INK)


def _paint_resources(canvas: _Canvas, snapshot: Snapshot, top: float, step: float) -> float:
    """One bar a resource, cut into the shares of the slices; gives where the next may begin."""
    left, right = _MARGIN + _LABEL_WIDTH, WIDTH - _MARGIN - 92
    size = 13 if step > 18 else 11  # noqa: PLR2004  pixels
    for k, (resource, capacity) in enumerate(snapshot.scenario.capacity.items()):
        middle = top + step * (k + 0.5)
        half = step * 0.34
        canvas.text(_MARGIN, middle, shortened(resource, 13), size)
        canvas.box(left, middle - half, right, middle + half, _EMPTY)
        at = left
        for s, amount in enumerate(snapshot.held[:, k]):
            width = (right - left) * amount / capacity
            canvas.box(at, middle - half, at + width, middle + half, SLICE_COLOURS[s])
            at += width
        said = f"{compact(snapshot.held[:, k].sum())} of {compact(capacity)}"
        canvas.text(WIDTH - _MARGIN, middle, said, size, _FAINT, "rm")
    return top + step * len(snapshot.scenario.capacity)


def _paint_slices(canvas: _Canvas, snapshot: Snapshot, top: float) -> None:
    """One line a slice: its colour, what is served, who waits, what was admitted and lost."""
    slices = snapshot.scenario.slices
    titles = (
        (190, "serving", "rm"), (_QUEUE_LEFT, "waiting, oldest first", "lm"),
        (WIDTH - 92, "admitted", "rm"), (WIDTH - _MARGIN, "lost", "rm"),
    )  # fmt: skip
    for x, title, anchor in titles:
        canvas.text(x, top + 6, title, 11, _FAINT, anchor)
    step = min(34.0, (HEIGHT - _FOOT_HEIGHT - top - 16) / len(slices))
    size = 13 if step > 18 else 10  # noqa: PLR2004  pixels
    for s, one in enumerate(slices):
        middle = top + 16 + step * (s + 0.5)
        half = min(8.0, step * 0.38)
        canvas.box(_MARGIN, middle - half, _MARGIN + 2 * half, middle + half, SLICE_COLOURS[s])
        canvas.text(_MARGIN + 24, middle, shortened(one.name, 15), size)
        canvas.text(190, middle, str(snapshot.in_service[s]), size, anchor="rm")
        _paint_queue(canvas, middle, half, snapshot, s)
        canvas.text(WIDTH - 92, middle, f"{snapshot.admitted[s]:,}", size, anchor="rm")
        canvas.text(WIDTH - _MARGIN, middle, f"{snapshot.lost[s]:,}", size, anchor="rm")


def _paint_queue(canvas: _Canvas, middle: float, half: float, snapshot: Snapshot, s: int) -> None:
    """A dot a waiting request in the colour of its age, a ring a free place."""
    one, ages = snapshot.scenario.slices[s], snapshot.ages_s[s]
    places = min(max(one.queue_limit, 1), _MOST_DOTS)
    step = min(_MOST_DOT_STEP, _QUEUE_WIDTH / places)
    radius = min(half * 0.85, step * 0.42)
    for place in range(places):
        waits = place < len(ages)
        fill = _age_colour(ages[place] / one.mean_patience_s) if waits else None
        canvas.dot(_QUEUE_LEFT + radius + place * step, middle, radius, fill)
    hidden = len(ages) - places
    if hidden > 0:
        at = _QUEUE_LEFT + places * step + 2
        canvas.text(at, middle, f"+{hidden:,}", 10, _FAINT)


def _paint_foot(canvas: _Canvas, snapshot: Snapshot) -> None:
    y = HEIGHT - 17
    canvas.text(_MARGIN, y, snapshot.news[:72], 11, _FAINT)
    right = WIDTH - _MARGIN
    canvas.text(right, y, "out of patience", 11, _FAINT, "rm")
    left = right - 88 - len(AGE_COLOURS) * 9
    for i, colour in enumerate(AGE_COLOURS):
        canvas.box(left + 9 * i, y - 4, left + 9 * i + 9, y + 4, colour)
    canvas.text(left - 7, y, "just came", 11, _FAINT, "rm")


def _age_colour(age: float) -> Colour:
    """Colour of a request that has used up this share of the mean patience."""
    return AGE_COLOURS[min(int(age * len(AGE_COLOURS)), len(AGE_COLOURS) - 1)]
