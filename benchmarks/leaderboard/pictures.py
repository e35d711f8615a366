"""Pictures as inline SVG: intervals between random and bound, profiles, learning curves.

Colours come from classes, so that the page decides on them for light, dark and paper. Kinds of
agents are told apart by the shape of their marks as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from benchmarks.leaderboard.formatting import digits_for, number
from benchmarks.leaderboard.summary import Curve, Measure, Overall

WIDTH, WIDE, HEIGHT = 280.0, 470.0, 24.0
_MARGIN, _COMPRESSED = 9.0, 0.16
_LINEAR_BELOW = -60.0
"""Scores down to here share one scale with 0 to 100; lower ones are drawn on a compressed one."""

SHAPES = {
    "rule": "circle",
    "tuned rule": "diamond",
    "optimum": "star",
    "learned": "square",
    "offline": "triangle",
    "submission": "down",
    "anchor": "bar",
    "seer": "bar",
}
_PATHS = {
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "diamond": "M0-5.2L5.2 0L0 5.2L-5.2 0z",
    "star": "M0-6L1.7-2L6-1.7L2.7 1.2L3.7 5.4L0 3.1L-3.7 5.4L-2.7 1.2L-6-1.7L-1.7-2z",
    "square": "M-3.8-3.8h7.6v7.6h-7.6z",
    "triangle": "M0-5L5 4L-5 4z",
    "down": "M0 5L5-4L-5-4z",
    "bar": "M-1.5-6.5h3v13h-3z",
}


@dataclass(frozen=True)
class Axis:
    """The axis of scores in a picture of intervals.

    Attributes:
        low: lowest score shown, at most 0.
        high: highest score shown, at least 100.
        width: of the picture.
    """

    low: float
    high: float
    width: float = WIDTH

    @classmethod
    def over(cls, measures: Iterable[Measure], width: float = WIDTH) -> Axis:
        """An axis that spans all intervals, 0 and 100."""
        values = [0.0, 100.0]
        for one in measures:
            values += [end for end in (one.estimate, one.low, one.high) if end is not None]
        return cls(min(values), max(values), width)

    @property
    def is_compressed(self) -> bool:
        """Whether scores below 0 have a scale of their own."""
        return self.low < _LINEAR_BELOW

    def x(self, score: float) -> float:
        """Horizontal position of a score."""
        usable = self.width - 2.0 * _MARGIN
        if not self.is_compressed:
            return _MARGIN + usable * (score - self.low) / (self.high - self.low)
        zero = _MARGIN + usable * _COMPRESSED
        if score < 0.0:
            return zero - (zero - _MARGIN) * score / self.low
        return zero + usable * (1.0 - _COMPRESSED) * score / self.high


def symbol(kind: str) -> Markup:
    """The mark of a kind, as it stands in pictures and legends."""
    path = _PATHS[SHAPES.get(kind, "circle")]
    return _svg(
        f'<path class="{kind_class(kind)}" d="{path}" transform="translate(7 7)"/>', 14.0, 14.0
    )


def kind_class(kind: str) -> str:
    """Name of the class that colours a kind.

    Example:
        >>> kind_class("tuned rule")
        'k-tuned-rule'
    """
    known = kind if kind in SHAPES else "submission"
    return "k-" + known.replace(" ", "-")


def interval_picture(measure: Measure, axis: Axis, kind: str) -> Markup:
    """A bar as wide as the interval with a line at the estimate, between random and bound."""
    ends = [None if end is None else axis.x(end) for end in (measure.low, measure.high)]
    return _svg(_guides(axis) + _interval(axis.x(measure.estimate), ends, kind), axis.width, HEIGHT)


def interval_scale(axis: Axis) -> Markup:
    """The scale above a column of intervals."""
    texts = [(0.0, "0" if axis.is_compressed else "0 random"), (100.0, "100 bound")]
    if axis.is_compressed:
        texts.append((axis.low, number(axis.low, 0)))
    return _svg(
        "".join(
            f'<text x="{_n(axis.x(score))}" y="15" text-anchor="{_anchor(axis, score)}">'
            f"{text}</text>"
            for score, text in texts
        ),
        axis.width,
        20.0,
    )


def share_picture(measure: Measure, kind: str) -> Markup:
    """A probability with its interval, and the line of one half."""
    width = 150.0

    def place(share: float | None) -> float | None:
        return None if share is None else _MARGIN + (width - 2.0 * _MARGIN) * share

    lines = "".join(f"M{_n(_MARGIN + (width - 2.0 * _MARGIN) * k / 2)} 2v20" for k in range(3))
    middle = _MARGIN + (width - 2.0 * _MARGIN) * measure.estimate
    bar = _interval(middle, [place(measure.low), place(measure.high)], kind)
    return _svg(f'<path class="guide" d="{lines}"/>{bar}', width, HEIGHT)


@dataclass(frozen=True)
class _Frame:
    """A plot with two axes: what it spans, and where that is drawn."""

    width: float
    height: float
    x_span: tuple[float, float]
    y_span: tuple[float, float]
    left: float = 46.0
    bottom: float = 34.0
    top: float = 10.0
    right: float = 16.0

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x_span[0]) / (self.x_span[1] - self.x_span[0])
        up = (y - self.y_span[0]) / (self.y_span[1] - self.y_span[0])
        return (
            self.left + across * (self.width - self.left - self.right),
            self.height - self.bottom - up * (self.height - self.bottom - self.top),
        )

    def path(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)

    def band(self, xs: Sequence[float], low: Sequence[float], high: Sequence[float]) -> str:
        there = self.path(xs, high)
        back = self.path(tuple(reversed(xs)), tuple(reversed(low)))
        return f"{there}L{back[1:]}z"

    def axes(self, x_ticks: dict[float, str], y_ticks: dict[float, str], x_title: str) -> str:
        parts = []
        for value, text in y_ticks.items():
            x, y = self.at(self.x_span[0], value)
            parts.append(
                f'<path class="guide" d="M{_n(x)} {_n(y)}H{_n(self.width - self.right)}"/>'
                f'<text x="{_n(x - 6)}" y="{_n(y + 4)}" text-anchor="end">{text}</text>'
            )
        for value, text in x_ticks.items():
            x, y = self.at(value, self.y_span[0])
            parts.append(
                f'<path class="tick" d="M{_n(x)} {_n(y)}v4"/>'
                f'<text x="{_n(x)}" y="{_n(y + 16)}" text-anchor="middle">{text}</text>'
            )
        middle = (self.left + self.width - self.right) / 2.0
        return "".join(parts) + (
            f'<text class="title" x="{_n(middle)}" y="{_n(self.height - 3)}" '
            f'text-anchor="middle">{escape(x_title)}</text>'
        )


def profile_picture(table: Overall) -> Markup:
    """Performance profiles of all agents; the band of an agent shows when it is pointed at."""
    first, last = table.thresholds[0], table.thresholds[-1]
    frame = _Frame(640.0, 330.0, (first, last), (0.0, 1.0))
    step = 25.0 if last - first > 60.0 else 10.0  # noqa: PLR2004
    ticks = [step * k for k in range(int(-100 / step), int(last / step) + 1)]
    x_ticks = {one: number(one, 0) for one in ticks if first <= one <= last}
    y_ticks = {k / 4.0: f"{25 * k} %" for k in range(5)}
    parts = [frame.axes(x_ticks, y_ticks, "score")]
    for index, row in enumerate(table.rows):
        line = row.profile
        band = frame.band(*_thinned(table.thresholds, line.low, line.high))
        parts.append(
            f'<g class="line c{index % 8} d{index // 8 % 3}" data-agent="{escape(row.agent)}">'
            f'<path class="band" d="{band}"/>'
            f'<path class="curve" d="{_steps(frame, table.thresholds, line.share)}"/></g>'
        )
    return _svg("".join(parts), frame.width, frame.height, "Performance profiles")


def swatch(index: int) -> Markup:
    """The line of an agent in a legend."""
    inner = f'<g class="line c{index % 8} d{index // 8 % 3}"><path class="curve" d="M1 6H27"/></g>'
    return _svg(inner, 28.0, 12.0)


def bar(share: float) -> Markup:
    """A share as a small bar."""
    part = 34.0 * max(0.0, min(1.0, share))
    rects = (("bar-all", 34.0), ("bar-part", part))
    return _svg(
        "".join(f'<rect class="{one}" width="{_n(x)}" height="7" rx="2"/>' for one, x in rects),
        34.0,
        7.0,
    )


def curve_picture(curve: Curve, kind: str, label: str) -> Markup:
    """A learning curve with its band, and what the finished agent earned where it was tested."""
    values = [*curve.middle, *curve.low, *curve.high]
    if curve.tested_per_s is not None:
        values.append(curve.tested_per_s)
    low, high = min(values), max(values)
    pad = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    first, last = curve.steps[0], max(curve.steps[-1], curve.steps[0] + 1.0)
    frame = _Frame(300.0, 170.0, (first, last), (low - pad, high + pad), left=50.0)
    digits = min(digits_for(high), max(0, digits_for(high - low) - 2)) if high > low else 2
    y_ticks = {one: number(one, digits) for one in dict.fromkeys((low, (low + high) / 2, high))}
    x_ticks = {one: f"{one / 1000:,.0f} k" for one in (first, (first + last) / 2, last)}
    name = kind_class(kind)
    parts = [frame.axes(x_ticks, y_ticks, "environment steps")]
    if curve.low:
        parts.append(
            f'<path class="band {name}" d="{frame.band(curve.steps, curve.low, curve.high)}"/>'
        )
    parts.append(f'<path class="curve {name}" d="{frame.path(curve.steps, curve.middle)}"/>')
    if curve.tested_per_s is not None:
        x, y = frame.at(first, curve.tested_per_s)
        parts.append(f'<path class="tested" d="M{_n(x)} {_n(y)}H{_n(frame.width - frame.right)}"/>')
    return _svg("".join(parts), frame.width, frame.height, label)


def _steps(frame: _Frame, xs: Sequence[float], ys: Sequence[float]) -> str:
    """A line without the points in the middle of level stretches."""
    kept = [
        index
        for index in range(len(xs))
        if index in (0, len(xs) - 1) or not ys[index - 1] == ys[index] == ys[index + 1]
    ]
    return frame.path([xs[index] for index in kept], [ys[index] for index in kept])


def _thinned(
    xs: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> tuple[list[float], list[float], list[float]]:
    """Every third point, which is enough for a band."""
    kept = [*range(0, len(xs) - 1, 3), len(xs) - 1]
    return [xs[k] for k in kept], [low[k] for k in kept], [high[k] for k in kept]


def _interval(middle: float, ends: Sequence[float | None], kind: str) -> str:
    """The colour is that of the kind, whose mark stands beside the name."""
    low, high = ends
    name = kind_class(kind)
    bar = "" if low is None or high is None else f'<path class="ci" d="M{_n(low)} 12H{_n(high)}"/>'
    return f'<g class="{name}">{bar}<path class="mark" d="M{_n(middle)} 4v16"/></g>'


def _guides(axis: Axis) -> str:
    zero, bound = _n(axis.x(0.0)), _n(axis.x(100.0))
    lines = f'<path class="guide" d="M{zero} 0v24M{bound} 0v24M{zero} 12H{bound}"/>'
    if axis.is_compressed:
        lines += f'<path class="break" d="M{_n(axis.x(0.0) - 10)} 15l3-6m1 6l3-6"/>'
    return lines


def _anchor(axis: Axis, score: float) -> str:
    """The text anchor with which words near an edge stay inside."""
    near, x = 40.0, axis.x(score)
    if x > axis.width - near:
        return "end"
    return "start" if x < near else "middle"


def _n(value: float) -> str:
    """A coordinate in as few characters as it needs."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.0", "0")


def _svg(inner: str, width: float, height: float, label: str = "") -> Markup:
    """An SVG element: an image with a label, hidden from screen readers without one."""
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(
        f'<svg viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}" '
        f"{role}>{inner}</svg>"
    )
