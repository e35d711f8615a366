"""The picture of truck routing, painted with Pillow (an extra: import this file late)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import (
    BACKGROUND,
    COLOURS,
    EMPTY,
    FAINT,
    HEIGHT,
    INK,
    MARGIN,
    WIDTH,
    Canvas,
    Colour,
)
from twin_gym.core.drawing import shortened
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S
from twin_gym.environments.truck_routing.snapshot import PictureState, StreetMap

Floats = NDArray[np.float64]

FILL_COLOURS: tuple[Colour, ...] = (
    (196, 216, 232), (158, 190, 217), (118, 161, 200), (79, 130, 180), (44, 99, 157),
    (22, 68, 128), (10, 40, 94),
)  # fmt: skip
"""From empty to nearly full."""

FULL = COLOURS[5]
_TRUCKS = tuple(COLOURS[k] for k in (2, 3, 1, 8, 12, 15, 10, 14))
_STREET: Colour = (221, 222, 225)
_PAD = 14.0
_RIGHT_END, _FOOT = float(WIDTH - MARGIN), 408.0

_WIDE = 1.8
"""Width of the places over their height from which on the map takes the whole width."""

_MANY_STREETS = 200
_HALVING_S = 2 * HOUR_S
"""Age at which the dot of a bin has lost half of what it may lose."""

_RING, _DOT, _SMALLEST = 0.76, 0.62, 0.4
"""Over the radius: inner edge of the ring, a fresh dot; over a fresh dot: the oldest one."""


class _Places(NamedTuple):
    """Where the parts of the picture are, in pixels.

    Attributes:
        box: left, top, right and bottom of the map.
        trucks: left, top and right of the list of trucks.
        most_trucks: for which there is room in the list.
        legend: left and top of the legend.
    """

    box: tuple[float, float, float, float]
    trucks: tuple[float, float, float]
    most_trucks: int
    legend: tuple[float, float]


_BESIDE = _Places((20.0, 80.0, 480.0, _FOOT), (500.0, 92.0, _RIGHT_END), 5, (500.0, 304.0))
_BELOW = _Places((20.0, 80.0, _RIGHT_END, 302.0), (20.0, 314.0, 440.0), 3, (500.0, 318.0))


def paint(snapshot: PictureState) -> NDArray[np.uint8]:
    """Paints a network: a map of bins and trucks, the trucks' loads, and a legend.

    The inner dot of a bin has the colour of the fill that the twin predicts and is the smaller the
    older the reading; the ring around it has the colour of the true fill.

    Args:
        snapshot: what to show.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas(_streets(snapshot.street_map))
    left = f"{snapshot.clock}, {snapshot.left_s / HOUR_S:.1f} h of it left"
    right = f"{snapshot.distance_km:,.1f} km driven, {snapshot.stops:,} stops"
    main = f"overflow {snapshot.overflow_l:,.0f} l"
    canvas.head((snapshot.scenario.name, left), (main, right), snapshot.progress)
    at = _on_canvas(snapshot.street_map)
    _paint_routes(canvas, snapshot, at)
    _paint_bins(canvas, snapshot, at[:-1])
    _paint_depot(canvas, *at[-1].tolist())
    _paint_trucks(canvas, snapshot, at)
    places = _places_of(snapshot.street_map)
    _paint_loads(canvas, snapshot, places)
    _paint_legend(canvas, *places.legend)
    return canvas.pixels()


def _places_of(street_map: StreetMap) -> _Places:
    """The map has the trucks and the legend beside it, or below where it is wide."""
    width_m, height_m = np.ptp(street_map.places_m, axis=0).tolist()
    return _BELOW if width_m > _WIDE * height_m else _BESIDE


@lru_cache(maxsize=8)
def _on_canvas(street_map: StreetMap) -> Floats:
    """The places in pixels; shape (bins + 1, 2)."""
    return _pixels(street_map, street_map.places_m)


def _pixels(street_map: StreetMap, points_m: Floats) -> Floats:
    """Points of the plane in pixels, all places inside the map; shape (points, 2)."""
    left, top, right, bottom = _places_of(street_map).box
    low, high = street_map.places_m.min(axis=0), street_map.places_m.max(axis=0)
    room = np.array((right - left, bottom - top)) - 2 * _PAD
    scale = float((room / np.maximum(high - low, 1.0)).min())
    middle = np.array((left + right, top + bottom)) / 2
    pixels: Floats = middle + (points_m - (low + high) / 2) * scale * (1.0, -1.0)
    return pixels


@lru_cache(maxsize=8)
def _streets(street_map: StreetMap) -> Canvas:
    """The map without anything that moves; painted once."""
    canvas, (left, top, right, bottom) = Canvas(), _places_of(street_map).box
    ends = _pixels(street_map, street_map.streets_m.reshape(-1, 2)).reshape(-1, 2, 2)
    low, high = ends.min(axis=1), ends.max(axis=1)
    is_near = ((low < (right, bottom)) & (high > (left, top))).all(axis=1)
    width = 1.0 if len(ends) > _MANY_STREETS else 2.0
    for one in ends[is_near].tolist():
        canvas.line([(x, y) for x, y in one], _STREET, width)
    canvas.box(0, 0, WIDTH, top, BACKGROUND)
    canvas.box(0, bottom, WIDTH, HEIGHT, BACKGROUND)
    canvas.box(0, 0, left, HEIGHT, BACKGROUND)
    canvas.box(right, 0, WIDTH, HEIGHT, BACKGROUND)
    return canvas


def _paint_routes(canvas: Canvas, snapshot: PictureState, at: Floats) -> None:
    """What each truck has driven in this shift, and thinner where it goes."""
    for j, truck in enumerate(snapshot.trucks):
        colour = _TRUCKS[j % len(_TRUCKS)]
        canvas.line([_point(at, place) for place in truck.route], _pale(colour, 0.35), 2.5)
        canvas.line([_point(at, truck.place), _point(at, truck.goal)], colour, 1.5)


def _paint_bins(canvas: Canvas, snapshot: PictureState, at: Floats) -> None:
    """All bins, full ones over empty ones."""
    radius = float(np.clip(48.0 / np.sqrt(len(at)), 3.5, 9.0))
    shown = zip(
        at.tolist(), snapshot.predicted.tolist(), snapshot.true.tolist(),
        snapshot.age_s.tolist(), strict=True,
    )  # fmt: skip
    for (x, y), predicted, true, age_s in sorted(shown, key=lambda one: one[2]):
        _paint_bin(canvas, x, y, radius, fill_colour(true), fill_colour(predicted), age_s)


def _paint_bin(
    canvas: Canvas, x: float, y: float, radius: float, ring: Colour, dot: Colour, age_s: float
) -> None:
    """A dot for what is predicted, the smaller the older, in a ring for what is true."""
    canvas.dot(x, y, radius + 0.5, BACKGROUND)
    canvas.dot(x, y, radius, ring)
    canvas.dot(x, y, radius * _RING, BACKGROUND)
    size = _SMALLEST + (1.0 - _SMALLEST) * 0.5 ** (age_s / _HALVING_S)
    canvas.dot(x, y, radius * _DOT * size, dot)


def _paint_depot(canvas: Canvas, x: float, y: float) -> None:
    canvas.box(x - 6, y - 6, x + 6, y + 6, INK)
    canvas.box(x - 3, y - 3, x + 3, y + 3, BACKGROUND)


def _paint_trucks(canvas: Canvas, snapshot: PictureState, at: Floats) -> None:
    """Each truck above the place where it is, or was last; several at one place side by side."""
    beside: dict[int, int] = {}
    for j, truck in enumerate(snapshot.trucks):
        x, y = _point(at, truck.place)
        x += 15 * beside.get(truck.place, 0)
        beside[truck.place] = beside.get(truck.place, 0) + 1
        _paint_truck(canvas, x, max(y - 15, _places_of(snapshot.street_map).box[1]), j)


def _paint_truck(canvas: Canvas, x: float, y: float, j: int) -> None:
    canvas.box(x - 8, y - 7, x + 8, y + 7, BACKGROUND)
    canvas.box(x - 7, y - 6, x + 7, y + 6, _TRUCKS[j % len(_TRUCKS)])
    canvas.text(x, y, str(j), 11, BACKGROUND, "mm")


def _paint_loads(canvas: Canvas, snapshot: PictureState, places: _Places) -> None:
    """A line a truck: where it is or goes, and how full it is."""
    left, top, right = places.trucks
    canvas.text(left, top, "trucks", 12, FAINT)
    canvas.text(right, top, f"load of {snapshot.scenario.truck_capacity_l:,.0f} l", 12, FAINT, "rm")
    for j, truck in enumerate(snapshot.trucks[: places.most_trucks]):
        y = top + 19.0 + 28.0 * j
        _paint_truck(canvas, left + 7, y, j)
        said = snapshot.place_name(truck.goal)
        said = f"to {said}" if truck.goal != truck.place else f"at {said}"
        canvas.text(left + 22, y, shortened(said, 20), 12)
        canvas.text(right, y, f"{truck.load_l:,.0f}", 12, INK, "rm")
        share = min(truck.load_l / snapshot.scenario.truck_capacity_l, 1.0)
        width = right - left - 22
        canvas.box(left + 22, y + 9, right, y + 14, EMPTY)
        canvas.box(left + 22, y + 9, left + 22 + width * share, y + 14, _TRUCKS[j % len(_TRUCKS)])
    hidden = len(snapshot.trucks) - places.most_trucks
    if hidden > 0:
        canvas.text(left + 60, top, f"and {hidden} more", 12, FAINT)


def _paint_legend(canvas: Canvas, left: float, top: float) -> None:
    """The colours of fills, and what dot and ring of a bin stand for."""
    canvas.text(left, top, "empty", 11, FAINT)
    for k, colour in enumerate((*FILL_COLOURS, FULL)):
        canvas.box(left + 40 + 14 * k, top - 5, left + 53 + 14 * k, top + 5, colour)
    canvas.text(left + 157, top, "full", 11, FAINT)
    y = top + 22
    _paint_bin(canvas, left + 9, y, 9, BACKGROUND, FILL_COLOURS[4], 0.0)
    canvas.text(left + 24, y, "dot: predicted,", 11, FAINT)
    _paint_bin(canvas, left + 112, y, 9, BACKGROUND, FILL_COLOURS[4], DAY_S)
    canvas.text(left + 121, y, "read long ago", 11, FAINT)
    _paint_bin(canvas, left + 9, y + 22, 9, FULL, BACKGROUND, 0.0)
    canvas.text(left + 24, y + 22, "ring: true", 11, FAINT)
    _paint_depot(canvas, left + 112, y + 22)
    canvas.text(left + 124, y + 22, "depot", 11, FAINT)
    canvas.line([(left, y + 44), (left + 18, y + 44)], _pale(_TRUCKS[0], 0.35), 2.5)
    canvas.text(left + 24, y + 44, "driven in this shift", 11, FAINT)


def fill_colour(fill: float) -> Colour:
    """Colour of a fill as a share of the capacity; a bin that is full has one of its own."""
    if fill >= 1.0:
        return FULL
    return FILL_COLOURS[max(int(fill * len(FILL_COLOURS)), 0)]


def _point(at: Floats, place: int) -> tuple[float, float]:
    x, y = at[place].tolist()
    return x, y


def _pale(colour: Colour, share: float) -> Colour:
    """A colour mixed with so much of the background."""
    mixed = [
        round(one * (1 - share) + other * share)
        for one, other in zip(colour, BACKGROUND, strict=True)
    ]
    return mixed[0], mixed[1], mixed[2]
