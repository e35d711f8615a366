"""The picture of truck routing, painted with Pillow (an extra: import it late)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import COLOURS, EMPTY, FAINT, HEIGHT, INK, MARGIN, WIDTH, Canvas, Colour
from twin_gym.core.single import RowEnv
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.render import time_in_words
from twin_gym.environments.truck_routing.snapshot import PictureState, take_snapshot

Floats = NDArray[np.float64]

_TOP, _BOTTOM = 92.0, float(HEIGHT - 44)
_LEFT, _RIGHT = float(MARGIN + 8), float(WIDTH - MARGIN - 8)
_TRUCK, _GREEN, _RED = COLOURS[0], COLOURS[2], COLOURS[5]
_ROAD: Colour = (214, 215, 218)

Projection = Callable[[float, float], tuple[float, float]]


def paint(env: RowEnv[TruckBatch]) -> NDArray[np.uint8]:
    """Paints a map: bins are dots, the redder the fuller; rings are what the twin predicts.

    Args:
        env: the single form of the environment.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas, state = Canvas(), take_snapshot(env)
    _paint_head(canvas, state)
    place_of = _projection(state)
    for ends in state.roads.tolist():
        _paint_road(canvas, [place_of(*ends[:2]), place_of(*ends[2:])])
    _paint_ways(canvas, state, place_of)
    _paint_bins(canvas, state, place_of)
    _paint_depot(canvas, state, place_of)
    _paint_legend(canvas)
    return canvas.pixels()


def _paint_road(canvas: Canvas, ends: list[tuple[float, float]]) -> None:
    """A street, if both of its ends are on the map."""
    if all(_LEFT <= x <= _RIGHT and _TOP <= y <= _BOTTOM for x, y in ends):
        canvas.line(ends, _ROAD, 1.0)


def _projection(state: PictureState) -> Projection:
    """What makes metres a place on the canvas: all bins fit, both axes have one scale."""
    low, high = state.points.min(axis=0), state.points.max(axis=0)
    middle, extent = (low + high) / 2.0, np.maximum(high - low, 1.0)
    scale = min((_RIGHT - _LEFT) / extent[0], (_BOTTOM - _TOP) / extent[1]) * (1.0 - 1e-9)

    def place_of(x_m: float, y_m: float) -> tuple[float, float]:
        x = (_LEFT + _RIGHT) / 2.0 + scale * (x_m - float(middle[0]))
        y = (_TOP + _BOTTOM) / 2.0 - scale * (y_m - float(middle[1]))
        return x, y

    return place_of


def _paint_head(canvas: Canvas, state: PictureState) -> None:
    scenario = state.scenario
    lost = f"{state.overflow_l:,.0f} l lost"
    driven = f"{state.distance_km:,.1f} km, {state.stops:,} stops"
    canvas.head((scenario.name, time_in_words(state)), (lost, driven), state.progress)


def _paint_ways(canvas: Canvas, state: PictureState, place_of: Projection) -> None:
    for truck in state.trucks:
        if truck.goal is not None:
            ends = [place_of(*state.points[place]) for place in (truck.place, truck.goal)]
            canvas.line(ends, _TRUCK, 2.0)


def _paint_bins(canvas: Canvas, state: PictureState, place_of: Projection) -> None:
    size = min(max(60.0 / len(state.fills) ** 0.5, 2.5), 7.0)
    rows = zip(state.points, state.fills.tolist(), state.predicted.tolist(), strict=False)
    for point, fill, predicted in rows:
        x, y = place_of(*point)
        canvas.dot(x, y, size + 2.0, _mixed(predicted))
        canvas.dot(x, y, size, _mixed(fill))


def _paint_depot(canvas: Canvas, state: PictureState, place_of: Projection) -> None:
    x, y = place_of(*state.points[-1])
    canvas.box(x - 6, y - 6, x + 6, y + 6, INK)
    here = state.trucks[state.deciding].place
    x, y = place_of(*state.points[here])
    canvas.box(x - 4, y - 4, x + 4, y + 4, _TRUCK)


def _paint_legend(canvas: Canvas) -> None:
    y = HEIGHT - 18
    for k, (fill, label) in enumerate(((0.0, "empty"), (0.5, "half full"), (1.0, "full"))):
        canvas.dot(MARGIN + 8 + 90 * k, y, 5, _mixed(fill))
        canvas.text(MARGIN + 19 + 90 * k, y, label, 12)
    canvas.text(MARGIN + 290, y, "ring: as predicted; black: depot; blue: truck", 12, FAINT)


def _mixed(fill: float) -> Colour:
    """Grey for an empty bin, green for a half full one, red for a full one."""
    low, high, share = (
        (EMPTY, _GREEN, 2.0 * fill) if fill < 0.5 else (_GREEN, _RED, 2.0 * fill - 1.0)  # noqa: PLR2004
    )
    mixed = [round(one * (1 - share) + other * share) for one, other in zip(low, high, strict=True)]
    return mixed[0], mixed[1], mixed[2]
