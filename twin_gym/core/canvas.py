"""The canvas of all painted pictures: Pillow is an extra, import this file late.

Pictures are painted at twice their size and scaled down, which smooths every edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from twin_gym.core.drawing import shortened

WIDTH, HEIGHT = 720, 420
MARGIN = 20

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = tuple[int, int, int]

# Okabe and Ito (2008), then the muted scheme of Tol (2021): told apart without red or green cones.
COLOURS: tuple[Colour, ...] = (
    (0, 114, 178), (230, 159, 0), (0, 158, 115), (204, 121, 167),
    (86, 180, 233), (213, 94, 0), (240, 228, 66), (90, 90, 90),
    (51, 34, 136), (136, 204, 238), (68, 170, 153), (17, 119, 51),
    (153, 153, 51), (221, 204, 119), (204, 102, 119), (136, 34, 85),
)  # fmt: skip
BACKGROUND: Colour = (250, 250, 248)
INK: Colour = (35, 38, 45)
FAINT: Colour = (122, 126, 134)
EMPTY: Colour = (228, 229, 231)
_SCALE = 2


class Canvas:
    """Paints in coordinates of the finished picture: `WIDTH` times `HEIGHT` pixels.

    Args:
        below: a canvas that is painted over, and stays as it is; None: an empty one.
    """

    def __init__(self, below: Canvas | None = None) -> None:
        size = WIDTH * _SCALE, HEIGHT * _SCALE
        empty = Image.new("RGB", size, BACKGROUND)
        self._image = empty if below is None else below.copy_of_image()
        self._draw = ImageDraw.Draw(self._image)

    def copy_of_image(self) -> Image.Image:
        """What is painted so far, at twice the size."""
        return self._image.copy()

    def pixels(self) -> NDArray[np.uint8]:
        """The painted pixels; shape (HEIGHT, WIDTH, 3)."""
        return np.array(self._image.reduce(_SCALE), np.uint8)

    def head(self, left: tuple[str, str], right: tuple[str, str], progress: float) -> None:
        """Paints the head: two lines on each side, and a progress bar.

        Args:
            left: the scenario, and the time.
            right: the main figure, and what is to be said of it.
            progress: share of the episode that is over.
        """
        end = WIDTH - MARGIN
        self.text(MARGIN, 26, shortened(left[0], 44), 20)
        self.text(MARGIN, 50, left[1], 13, FAINT)
        self.text(end, 26, right[0], 20, anchor="rm")
        self.text(end, 50, right[1], 13, FAINT, "rm")
        self.box(MARGIN, 66, end, 70, EMPTY)
        self.box(MARGIN, 66, MARGIN + (end - MARGIN) * progress, 70, INK)

    def box(self, left: float, top: float, right: float, bottom: float, fill: Colour) -> None:
        """A rectangle; nothing if it is thinner than a pixel."""
        x0, y0, x1, y1 = (round(_SCALE * value) for value in (left, top, right, bottom))
        if x1 > x0 and y1 > y0:
            self._draw.rectangle((x0, y0, x1 - 1, y1 - 1), fill)

    def dot(self, x: float, y: float, radius: float, fill: Colour | None) -> None:
        """A filled circle, or a faint ring for a free place."""
        corners = [_SCALE * value for value in (x - radius, y - radius, x + radius, y + radius)]
        outline = EMPTY if fill is None else fill
        self._draw.ellipse(corners, fill=fill, outline=outline, width=_SCALE)

    def line(self, points: Sequence[tuple[float, float]], fill: Colour, width: float = 1.5) -> None:
        """A line from point to point; nothing if there are fewer than two."""
        scaled = [(_SCALE * x, _SCALE * y) for x, y in points]
        if len(scaled) > 1:
            self._draw.line(scaled, fill, round(_SCALE * width), joint="curve")

    def text(
        self, x: float, y: float, said: str, size: int, fill: Colour = INK, anchor: str = "lm"
    ) -> None:
        """One line; the anchor is Pillow's (`lm`: x is the left end, y the middle)."""
        at = (_SCALE * x, _SCALE * y)
        self._draw.text(at, said, fill, _font(size * _SCALE), anchor=anchor)


@cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)
