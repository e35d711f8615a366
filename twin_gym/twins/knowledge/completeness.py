"""How complete a twin is while nothing arrives: predictors, and what they leave out.

Reports arrive once a period; then an outage begins. A predictor gives the values of each period of
the outage from those before it. A value counts as complete if it is within a tolerance of the true
one. Entities that join in the outage are in no twin, and no predictor can know of them; those that
leave are still told as if they were there. Both are counted apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.plain import number, shown

Floats = NDArray[np.float64]

PREDICTORS = ("none", "hold", "trend", "fitted")
_LEAST = {"none": 0, "hold": 1, "trend": 2, "fitted": 3}
"""Reports that each of them needs."""


@dataclass(frozen=True)
class Completeness:
    """Values of a twin in an outage, counted over entities and periods.

    Attributes:
        expected: values of entities that the twin knows and that are there.
        complete: those of them that are within the tolerance.
        joined: values of entities that joined in the outage; none of them is in the twin.
        left: values that the twin goes on telling of entities that left.
    """

    expected: int
    complete: int
    joined: int
    left: int

    @property
    def share(self) -> float:
        """Complete values among those expected; 1 if none is."""
        return self.complete / self.expected if self.expected else 1.0

    @property
    def share_of_all(self) -> float:
        """Complete values among those of all entities that are there, joined ones included."""
        total = self.expected + self.joined
        return self.complete / total if total else 1.0


def predict_outage(
    predictor: str, reports: Floats, periods: int, *, is_state: bool = False
) -> Floats:
    """The values that a twin assumes in each period of an outage.

    `none` assumes nothing, `hold` the last report, `trend` a line through the last two reports, and
    `fitted` the mean of a process of first order with the entity's own a and b, by least squares
    over its reports:

        x(t + 1) = a + b x(t),    0 <= b <= 1

    Where b is bounded, a is fitted again.

    Args:
        predictor: one of `PREDICTORS`.
        reports: one a period up to the outage, the last one last; shape (reports, entities).
        periods: length of the outage.
        is_state: whether values are states or names, for which there is no line and no mean: they
            are held.

    Returns:
        Values of the periods 1, 2, ... after the last report; NaN where nothing is assumed. Shape
        (periods, entities).

    Raises:
        ConfigError: if the predictor is unknown, or has too few reports.

    Example:
        >>> reports = np.array([[0.0], [1.0], [2.0]])
        >>> predict_outage("trend", reports, 2).ravel().tolist()
        [3.0, 4.0]
    """
    if predictor not in PREDICTORS:
        raise unknown_name("predictor", predictor, PREDICTORS)
    if reports.shape != (len(reports), reports[:1].size) or len(reports) < _LEAST[predictor]:
        raise ConfigError(
            f"{predictor!r} needs {_LEAST[predictor]} reports or more, one a row; got an array of "
            f"the shape {reports.shape}"
        )
    shape = (periods, reports.shape[1])
    if predictor == "none":
        return np.full(shape, np.nan)
    last = reports[-1]
    if predictor == "hold" or is_state:
        return np.broadcast_to(last, shape).copy()
    ages = np.arange(1, periods + 1, dtype=np.float64)[:, None]
    if predictor == "trend":
        line: Floats = last + ages * (last - reports[-2])
        return line
    offset, factor = _fit(reports)
    return _advance(last, offset, factor, periods)


def _fit(reports: Floats) -> tuple[Floats, Floats]:
    """Offset a and factor b of each entity; b is 1 of one that never changed."""
    before, after = reports[:-1], reports[1:]
    mean_before, mean_after = before.mean(axis=0), after.mean(axis=0)
    spread = ((before - mean_before) ** 2).sum(axis=0)
    common = ((before - mean_before) * (after - mean_after)).sum(axis=0)
    slope = np.divide(common, spread, out=np.ones_like(spread), where=spread > 0.0)
    factor = np.clip(slope, 0.0, 1.0)
    return mean_after - factor * mean_before, factor


def _advance(last: Floats, offset: Floats, factor: Floats, periods: int) -> Floats:
    values = np.empty((periods, len(last)))
    value = last
    for age in range(periods):
        value = offset + factor * value
        values[age] = value
    return values


def completeness(
    assumed: Floats,
    truth: Floats,
    tolerance: float,
    *,
    is_there: NDArray[np.bool_] | None = None,
    is_known: NDArray[np.bool_] | None = None,
) -> Completeness:
    """Counts what a twin has of an outage.

    Args:
        assumed: values in the twin, NaN where it has none; shape (periods, entities).
        truth: the true values; likewise.
        tolerance: 0 for states and names, in the unit of the values.
        is_there: whether each entity is there in each period; None: all are always.
        is_known: whether the twin knew each entity before the outage, shape (entities,); None: all.

    Returns:
        The counts.

    Raises:
        ConfigError: if shapes do not agree, or the tolerance is negative.

    Example:
        >>> counts = completeness(np.array([[1.0, 2.0]]), np.array([[1.04, 2.2]]), 0.05)
        >>> counts.complete, counts.share
        (1, 0.5)
    """
    bound = number(tolerance, "the tolerance", 0.0)
    there = _mask(is_there, truth.shape, "`is_there`")
    known = _mask(is_known, truth.shape[1:], "`is_known`")
    if assumed.shape != truth.shape:
        raise ConfigError(
            f"assumed and true values have one shape, got {assumed.shape} and {truth.shape}"
        )
    expected = there & known
    within = np.abs(assumed - truth) <= bound
    told = known & ~np.isnan(assumed)
    return Completeness(
        expected=int(expected.sum()),
        complete=int((within & expected).sum()),
        joined=int((there & ~known).sum()),
        left=int((told & ~there).sum()),
    )


def _mask(given: NDArray[Any] | None, shape: tuple[int, ...], name: str) -> NDArray[np.bool_]:
    if given is None:
        return np.ones(shape, np.bool_)
    if given.shape != shape or given.dtype != np.bool_:
        raise ConfigError(
            f"{name} has truth values of the shape {shape}, got {shown(given.dtype.name)} of "
            f"{given.shape}"
        )
    return given
