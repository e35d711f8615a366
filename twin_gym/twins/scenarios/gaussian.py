"""Generators based on normal distributions: of the history, and of the next state given it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from twin_gym.errors import ConfigError
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.generator import PointGenerator
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates

Matrix = NDArray[np.float64]

_RIDGE = 1e-9
_BOUND_STEPS = 8


@dataclass(frozen=True)
class Normal:
    """A multivariate normal distribution.

    Attributes:
        mean: shape (parameters,).
        covariance: shape (parameters, parameters).
    """

    mean: Coordinates
    covariance: Matrix

    @classmethod
    def fit(cls, points: Matrix) -> Normal:
        """Mean, and covariance shrunk towards its diagonal.

        The weight of the diagonal is the sum of the variances of the off-diagonal entries divided
        by the sum of their squares, clipped to [0, 1] (Schaefer and Strimmer, Statistical
        Applications in Genetics and Molecular Biology 4(1), 2005, target D).

        Args:
            points: at least three rows; shape (windows, parameters).

        Returns:
            The distribution.
        """
        count = len(points)
        mean = points.mean(0)
        spread = points - mean
        products = spread.T @ spread
        covariance = products / (count - 1)
        squared = (spread**2).T @ spread**2 - products**2 / count
        noise = count / (count - 1) ** 3 * np.maximum(squared, 0.0)
        beside = ~np.eye(len(mean), dtype=np.bool_)
        squares = float((covariance[beside] ** 2).sum())
        weight = min(float(noise[beside].sum()) / squares, 1.0) if squares > 0.0 else 1.0
        return cls(mean, np.where(beside, (1.0 - weight) * covariance, covariance))

    def given(self, values: Coordinates) -> Normal:
        """The conditional distribution given the values of some parameters.

        Args:
            values: known values, NaN for unknown ones; shape (parameters,).

        Returns:
            A distribution in which known parameters have their values and variance 0.
        """
        known = np.isfinite(values)
        if not known.any():
            return self
        gain = _solved(self.covariance[np.ix_(known, known)], self.covariance[known]).T
        gain[known] = np.eye(int(known.sum()))
        mean = self.mean + gain @ (values[known] - self.mean[known])
        covariance = self.covariance - gain @ self.covariance[known]
        covariance[known] = 0.0
        covariance[:, known] = 0.0
        return Normal(mean, _symmetric(covariance))

    def draw(self, count: int, rng: np.random.Generator) -> Matrix:
        """Draws points; shape (count, parameters)."""
        points: Matrix = self.mean + rng.standard_normal((count, len(self.mean))) @ self.root
        return points

    @property
    def root(self) -> Matrix:
        """Matrix that maps a row of standard normals to a deviation; root.T @ root is C."""
        values, vectors = np.linalg.eigh(_symmetric(self.covariance))
        found: Matrix = (vectors * np.sqrt(np.maximum(values, 0.0))).T
        return found


@dataclass(frozen=True)
class Step:
    """First-order autoregression of windows: x' = mean + keep (x - mean) + normal change.

    Attributes:
        law: distribution of the windows.
        keep: autoregression coefficients, 0 to 1; shape (parameters,).
        change: covariance of the normal change.
    """

    law: Normal
    keep: Coordinates
    change: Matrix

    @classmethod
    def fit(cls, points: Matrix) -> Step:
        """Fits the model to successive windows; shape (windows, parameters).

        Each parameter has its own autoregression coefficient; their dependence is in the
        covariance of the changes. A parameter that never changed keeps its last value.
        """
        law = Normal.fit(points)
        before, after = points[:-1] - law.mean, points[1:] - law.mean
        power = (before**2).sum(0)
        slope = np.where(power > 0.0, (before * after).sum(0) / np.maximum(power, _RIDGE), 1.0)
        keep = np.clip(slope, 0.0, 1.0)
        change = Normal.fit(after - keep * before).covariance
        return cls(law, keep, change)

    def state(self, values: Coordinates, windows: NDArray[np.float64]) -> Normal:
        """The law of this window given what was last known of each parameter.

        A Kalman filter (Kalman, Journal of Basic Engineering 82(1), 1960) without noise of
        measurement: it begins with the law of all windows at the oldest value, learns the values
        of that age, steps on to the next younger ones, and so on until now.

        Args:
            values: coordinates, not a number where unknown; shape (parameters,).
            windows: age of each of them, used where it is known; shape (parameters,).

        Returns:
            The law, without a variance of what is known of this window itself.
        """
        law, known = self.law, np.isfinite(values)
        ages = np.unique(windows[known])[::-1]
        for age, younger in zip(ages, np.append(ages[1:], 0.0), strict=False):
            law = law.given(np.where(known & (windows == age), values, np.nan))
            law = self.later(law, age - younger)
        return law

    def later(self, law: Normal, windows: float) -> Normal:
        """The law some windows later, if nothing is heard in between.

        Args:
            law: of a window.
            windows: 0 or more; parts of a window count as such.

        Returns:
            With what of it is left, and the sum of the changes.
        """
        if windows == 0.0:
            return law
        keep = self.keep**windows
        mean = self.law.mean + keep * (law.mean - self.law.mean)
        both = np.outer(self.keep, self.keep)
        is_kept = both > 1.0 - _RIDGE
        sums = np.where(
            is_kept, windows, (1.0 - both**windows) / np.where(is_kept, 1.0, 1.0 - both)
        )
        covariance = keep[:, None] * law.covariance * keep + sums * self.change
        return Normal(mean, _symmetric(covariance))

    def from_state(self, values: Coordinates, windows: NDArray[np.float64]) -> Normal:
        """The law of the next window given what was last known of each parameter.

        Args:
            values: coordinates, not a number where unknown.
            windows: age of each of them, see `state`.

        Returns:
            The law.
        """
        return self.later(self.state(values, windows), 1.0)


def within(law: Normal, bounds: Matrix, count: int, rng: np.random.Generator) -> Matrix:
    """Draws of a law, those out of bounds moved in with what goes together with them.

    Where a draw breaks a bound of a parameter, that parameter is set on the bound, and all others
    are moved by their regression on it: a network of more devices also has what usually comes with
    more devices.

    Args:
        law: to draw from.
        bounds: least and greatest coordinates, possibly infinite; shape (2, parameters).
        count: how many points.
        rng: of the draws.

    Returns:
        Shape (count, parameters), within the bounds.
    """
    points = law.draw(count, rng)
    variances = np.maximum(np.diag(law.covariance), _RIDGE)
    for _ in range(_BOUND_STEPS):
        moved = np.clip(points, bounds[0], bounds[1]) - points
        if not moved.any():
            return points
        for place in np.flatnonzero(moved.any(0)):
            slope = law.covariance[place] / variances[place]
            slope[place] = 1.0
            points = points + moved[:, place : place + 1] * slope
            moved = np.clip(points, bounds[0], bounds[1]) - points
    return np.clip(points, bounds[0], bounds[1])


class HistoricalGenerator(PointGenerator):
    """H: draws from the distribution of all past windows."""

    name = "historical"

    def draw(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> Coordinates:
        """Draws from the distribution of all windows, independent of the current state."""
        law = Normal.fit(history.points)
        return within(law, criteria.bounds(history.space), count, rng)


class HybridGenerator(PointGenerator):
    """H+R: draws from the distribution of the window after the current state."""

    name = "hybrid"

    def draw(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> Coordinates:
        """Draws from the distribution of the next window."""
        if realtime is None:
            raise ConfigError("the hybrid generator needs the current state: give `realtime`")
        law = Step.fit(history.points).from_state(realtime.point, realtime.ages)
        return within(law, criteria.bounds(history.space), count, rng)


def _solved(matrix: Matrix, right: Matrix) -> Matrix:
    """Solves a symmetric system, with the least ridge that makes it positive definite."""
    greatest = max(float(np.diag(matrix).max(initial=0.0)), 1.0)
    for ridge in (_RIDGE, *(greatest * _RIDGE * 10.0**power for power in range(1, 12))):
        try:
            factor = cho_factor(matrix + ridge * np.eye(len(matrix)))
        except LinAlgError:
            continue
        solution: Matrix = cho_solve(factor, right)
        return solution
    raise ConfigError("the covariance of the known parameters is not positive semidefinite")


def _symmetric(matrix: Matrix) -> Matrix:
    return (matrix + matrix.T) / 2.0
