"""The variance that common worlds save in a comparison, and the coverage of its intervals.

A comparison has one value a world on each side, `before` and `after`, of the same worlds in the
same order. With the same worlds the variance of the mean difference is Var(Y - X) / n; with
unrelated ones it would be (Var X + Var Y) / n. The ratio says how many times more unrelated worlds
the same interval takes (Law, Simulation Modeling and Analysis, 5th ed., 2015, section 11.2). It is
below one where the two sides go against each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmarks.experiments.blocks import Floats
from benchmarks.statistics import Interval
from twin_gym.errors import ConfigError
from twin_gym.policies.intervals import half_width
from twin_gym.policies.what_if import paired_difference

RESAMPLES = 2_000
_QUANTILES = (0.025, 0.975)
_NEGLIGIBLE = 1e-20
"""Share of the sides' variance below which nothing varies between them but rounding."""


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the true difference, and how wide they were.

    Attributes:
        tries: comparisons of a few worlds each.
        paired: of them, those whose interval by the same worlds held it.
        unrelated: those whose interval by unrelated worlds held it.
        squared_widths: mean of the squared widths with unrelated worlds over that with the same.
        squared_errors: mean square of the actual errors with unrelated worlds over that with the
            same: what the widths promise.
    """

    tries: int
    paired: int
    unrelated: int
    squared_widths: float
    squared_errors: float


def reduction(before: Floats, after: Floats) -> float:
    """Variance of the difference with unrelated worlds over that with the same ones.

    Args:
        before: one a world.
        after: in the same worlds.

    Returns:
        Above 0; not a number if the difference does not vary.
    """
    apart, together = _variances(before, after)
    return apart / together if together > _NEGLIGIBLE * apart else float("nan")


def reduction_interval(
    before: Floats, after: Floats, rng: np.random.Generator, *, resamples: int = RESAMPLES
) -> Interval:
    """The reduction with its 95 % interval: percentiles of the bootstrap over worlds.

    Args:
        before: one a world.
        after: in the same worlds.
        rng: draws the worlds.
        resamples: how often.

    Returns:
        All not a number if the difference does not vary.
    """
    estimate = reduction(before, after)
    if np.isnan(estimate):
        return Interval(estimate, estimate, estimate)
    count = len(before)
    counts = rng.multinomial(count, np.full(count, 1.0 / count), size=resamples) / count

    def variances(values: Floats) -> Floats:
        centred = values - values.mean()
        squares: Floats = counts @ centred**2 - (counts @ centred) ** 2
        return squares

    together = variances(after - before)
    apart = variances(before) + variances(after)
    varies = apart > 0.0  # a draw of equal worlds says nothing
    ratios = apart[varies] / np.maximum(together[varies], _NEGLIGIBLE * apart[varies])
    low, high = np.quantile(ratios, _QUANTILES)
    return Interval(estimate, float(low), float(high))


def reductions_of_blocks(before: Floats, after: Floats, worlds: int) -> Floats:
    """The variance reductions that single answers would have shown.

    Args:
        before: one a world.
        after: in the same worlds.
        worlds: of each block.

    Returns:
        One a whole block; not a number where the difference does not vary.
    """
    pairs = zip(_blocks(before, worlds), _blocks(after, worlds), strict=True)
    return np.array([reduction(one, other) for one, other in pairs])


def coverage(before: Floats, after: Floats, worlds: int) -> Coverage:
    """Cuts the worlds into small answers and asks of each whether it holds the truth.

    The true difference is taken from all worlds that the answer has not seen; what is uncertain
    about it is added to the answer's interval, in squares. Unrelated worlds are those of the next
    block on the side after. Their interval is Welch's.

    Args:
        before: one a world.
        after: in the same worlds.
        worlds: of each answer, two or more.

    Returns:
        Counts and ratios over the answers.

    Raises:
        ConfigError: if there are fewer than four blocks of two worlds.
    """
    one, other = _blocks(before, worlds), _blocks(after, worlds)
    tries = len(one)
    if worlds < 2 or tries < 4:  # noqa: PLR2004 - an interval, and worlds beside its two blocks
        raise ConfigError(f"coverage needs four blocks of two worlds, got {tries} of {worlds}")
    held = np.zeros((2, tries), np.bool_)
    widths, errors = np.zeros((2, tries)), np.zeros((2, tries))
    gaps = other - one
    for k in range(tries):
        following = (k + 1) % tries
        unseen = np.delete(gaps, [k, following], axis=0).ravel()
        truth, doubt = float(unseen.mean()), half_width(unseen)
        answers = (_paired(one[k], other[k]), _unrelated(one[k], other[following]))
        for way, (mean, half) in enumerate(answers):
            errors[way, k], widths[way, k] = mean - truth, half
            held[way, k] = abs(mean - truth) <= np.hypot(half, doubt) + 1e-12 * abs(truth)
    return Coverage(
        tries, int(held[0].sum()), int(held[1].sum()),
        _ratio((widths[1] ** 2).mean(), (widths[0] ** 2).mean()),
        _ratio((errors[1] ** 2).mean(), (errors[0] ** 2).mean()),
    )  # fmt: skip


def share_interval(held: int, tries: int) -> Interval:
    """A share with Wilson's 95 % interval (Wilson, Journal of the ASA 22(158), 1927).

    Args:
        held: of the tries.
        tries: one or more, taken as independent.
    """
    interval = stats.binomtest(held, tries).proportion_ci(method="wilson")
    return Interval(held / tries, float(interval.low), float(interval.high))


def _paired(before: Floats, after: Floats) -> tuple[float, float]:
    """Difference and half-width as `twin-gym what-if` tells them."""
    difference = paired_difference(before, after)
    if difference is None:
        raise ConfigError("an indicator has no value in some worlds")
    return difference.mean, difference.half_width


def _unrelated(before: Floats, after: Floats) -> tuple[float, float]:
    """Difference and half-width of two samples (Welch)."""
    one, other = before.var(ddof=1) / len(before), after.var(ddof=1) / len(after)
    mean = float(after.mean() - before.mean())
    if one + other == 0.0:
        return mean, 0.0
    freedom = (one + other) ** 2 / (one**2 / (len(before) - 1) + other**2 / (len(after) - 1))
    return mean, float(stats.t.ppf(_QUANTILES[1], freedom) * np.sqrt(one + other))


def _variances(before: Floats, after: Floats) -> tuple[float, float]:
    """Variances of the difference with unrelated and with the same worlds."""
    apart = float(before.var(ddof=1) + after.var(ddof=1))
    return apart, float((after - before).var(ddof=1))


def _blocks(values: Floats, worlds: int) -> Floats:
    """Shape (whole blocks, worlds)."""
    whole: Floats = values[: len(values) // worlds * worlds].reshape(-1, worlds)
    return whole


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0.0 else float("nan")
