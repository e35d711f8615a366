"""The picture of a running network, painted with Pillow (an extra: import this file late)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.canvas import BACKGROUND, COLOURS, EMPTY, FAINT, HEIGHT, INK, Canvas, Colour
from twin_gym.core.drawing import shortened
from twin_gym.environments.tic_scheduling.observation import WEIGHT_NAMES
from twin_gym.environments.tic_scheduling.snapshot import MOST_BINS, PictureState

_IDLE: Colour = (196, 200, 206)
_LINK: Colour = (212, 214, 219)
# Cividis from light to dark: how full a queue is.
FILL_COLOURS: tuple[Colour, ...] = (
    (254, 232, 56), (219, 197, 81), (187, 174, 105), (155, 151, 118), (124, 123, 120),
    (92, 99, 110), (58, 77, 107), (0, 48, 111),
)  # fmt: skip
_UP, _DOWN = COLOURS[:2]
_MAP = (20.0, 46.0, 354.0)
"""Left, top and side of the map."""
_RIGHT_LEFT, _RIGHT_END = 404.0, 700.0


def paint(snapshot: PictureState) -> NDArray[np.uint8]:
    """Paints a network: the map with the fill of each sensor, weights, and deadlines.

    Args:
        snapshot: what to show.

    Returns:
        Pixels; shape (420, 720, 3).
    """
    canvas = Canvas()
    one = snapshot.scenario
    canvas.text(20, 24, shortened(one.name, 40), 18)
    time = f"{snapshot.slot * one.slot_s * 1e3:,.3f} ms of {one.horizon_s * 1e3:,g} ms"
    canvas.text(_RIGHT_END, 24, time, 13, FAINT, "rm")
    _paint_map(canvas, snapshot)
    _paint_weights(canvas, snapshot)
    _paint_slack(canvas, snapshot)
    return canvas.pixels()


def _paint_map(canvas: Canvas, snapshot: PictureState) -> None:
    """Lines from sensors to their gateways; dots in the colour of their fuller queue."""
    topology = snapshot.topology
    everything = np.concatenate((topology.sensors_m, topology.gateways_m))
    low = everything.min(axis=0)
    size = max(float((everything.max(axis=0) - low).max()), 1e-9)
    left, top, side = _MAP
    sensors = (topology.sensors_m - low) / size * (side - 12) + (left + 6, top + 6)
    gateways = (topology.gateways_m - low) / size * (side - 12) + (left + 6, top + 6)
    radius = float(np.clip(60.0 / np.sqrt(len(sensors)), 1.0, 6.0))
    for (x, y), gateway in zip(sensors.tolist(), topology.gateway_of.tolist(), strict=True):
        canvas.line([(x, y), tuple(gateways[gateway].tolist())], _LINK, 0.5)
    for (x, y), fill in zip(sensors.tolist(), snapshot.fills.tolist(), strict=True):
        canvas.dot(x, y, radius, _fill_colour(fill))
    for (x, y), queued in zip(gateways.tolist(), snapshot.queued.tolist(), strict=True):
        label = f"{queued:,}"
        canvas.box(x - 4, y - 4, x + 4, y + 4, INK)
        canvas.box(x + 6, y - 6, x + 8 + 7 * len(label), y + 6, BACKGROUND)
        canvas.text(x + 7, y, label, 11)
    _paint_legend(canvas, left, HEIGHT - 10)


def _paint_legend(canvas: Canvas, left: float, y: float) -> None:
    """Paints the legend of the squares, numbers and colours of the map."""
    canvas.box(left, y - 4, left + 8, y + 4, INK)
    canvas.text(left + 13, y, "gateway, messages that wait", 11, FAINT)
    canvas.dot(left + 192, y, 4, _IDLE)
    canvas.text(left + 201, y, "none", 11, FAINT)
    for k, colour in enumerate(FILL_COLOURS):
        canvas.box(left + 236 + 9 * k, y - 4, left + 245 + 9 * k, y + 4, colour)
    canvas.text(left + 314, y, "full buffer", 11, FAINT)


def _paint_weights(canvas: Canvas, snapshot: PictureState) -> None:
    lost = snapshot.lost / max(snapshot.lost + snapshot.delivered, 1)
    summary = f"delivered {snapshot.delivered:,}   lost {snapshot.lost:,} ({lost:.2%})"
    canvas.text(_RIGHT_LEFT, 58, summary, 13)
    if not snapshot.weights:
        canvas.text(_RIGHT_LEFT, 88, "the agent picks who is next", 12, FAINT)
        return
    for k, (name, weight) in enumerate(zip(WEIGHT_NAMES, snapshot.weights, strict=True)):
        y = 88 + 20 * k
        canvas.text(_RIGHT_LEFT, y, name, 12)
        left, right = _RIGHT_LEFT + 66, _RIGHT_END - 40
        canvas.box(left, y - 5, right, y + 5, EMPTY)
        canvas.box(left, y - 5, left + (right - left) * weight, y + 5, INK)
        canvas.text(_RIGHT_END, y, f"{weight:.2f}", 11, FAINT, "rm")


def _paint_slack(canvas: Canvas, snapshot: PictureState) -> None:
    """Bars: messages up and down by the slots that they have left."""
    top, bottom = 204.0, 372.0
    canvas.text(_RIGHT_LEFT, 184, "messages by slots left", 12)
    canvas.text(_RIGHT_LEFT + 150, 184, "up", 12, _UP)
    canvas.text(_RIGHT_LEFT + 176, 184, "down", 12, _DOWN)
    bins = snapshot.slack.shape[1]
    step = (_RIGHT_END - _RIGHT_LEFT) / bins
    most = max(int(snapshot.slack.max()), 1)
    for k in range(bins):
        for direction, colour in enumerate((_UP, _DOWN)):
            left = _RIGHT_LEFT + step * (k + 0.1 + 0.4 * direction)
            height = (bottom - top) * snapshot.slack[direction, k] / most
            canvas.box(left, bottom - height, left + 0.38 * step, bottom, colour)
        more = "+" if k + 1 == MOST_BINS else ""
        canvas.text(_RIGHT_LEFT + step * (k + 0.5), bottom + 12, f"{k + 1}{more}", 11, FAINT, "mm")
    canvas.box(_RIGHT_LEFT, bottom, _RIGHT_END, bottom + 1, FAINT)
    canvas.text(_RIGHT_END, top - 4, f"{most:,}", 11, FAINT, "rm")


def _fill_colour(fill: float) -> Colour:
    if fill <= 0.0:
        return _IDLE
    return FILL_COLOURS[min(int(fill * len(FILL_COLOURS)), len(FILL_COLOURS) - 1)]
