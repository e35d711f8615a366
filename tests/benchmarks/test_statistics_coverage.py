"""Do 95 % intervals hold the truth 95 times in 100? Simulated, before and after the widening.

Measured (2,000 samples a case, 400 resamples; standard error 0.5 %), coverage in per cent as plain
percentiles and as corrected by `benchmarks.statistics.resampling.widening`:

    mean, 10 seeds, trainings differ    91.5  95.5
    mean, 10 seeds, worlds as much      95.9  94.2
    mean, 10 seeds, worlds alone        98.5  93.9
    mean, 10 seeds, one world           90.5  95.0
    mean, 5 seeds, trainings differ     85.7  94.7
    mean, 3 seeds, trainings differ     73.9  94.3
    mean, scenarios side by side       100.0  95.1
    mean, three unlike tracks           87.8  93.8
    mean, lognormal trainings           81.3  85.9
    IQM, 10 seeds, trainings differ     94.4  96.7
    IQM, 10 seeds, worlds alone         98.7  94.7
    IQM, 5 seeds, trainings differ      90.0  96.2
    improvement 0.50, 10 seeds          93.0  95.9
    improvement 0.76, 10 seeds          92.1  94.2
    improvement 0.76, 5 seeds           93.9  95.5
    improvement 0.92, 10 seeds          93.4  94.0
    improvement 0.98, 10 seeds         100.0 100.0
    improvement 0.69, common worlds     92.5  95.3
    improvement 0.76, worlds apart      93.0  94.5
    pairs won 0.80, 10 seeds            98.9  94.8
    pairs won 0.99, 10 seeds           100.0  99.5
    profile 0.50, 10 seeds              95.6  95.6
    profile 0.80, 10 seeds              99.4  99.4
    profile 0.99, 10 seeds             100.0 100.0

What is left: a long tail of trainings is still covered too seldom, as it is by every interval that
reads the spread from ten values. Shares near 0 or 1 are on the safe side.
"""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from benchmarks.statistics import (
    Interval,
    compare,
    iqm_score,
    mean_score,
    performance_profile,
    probability_of_improvement,
)

RESAMPLES = 200
TAKE = 400
# For an interval that covers exactly 95 %, the chance of a false alarm is below 1e-4 a case and
# side (binomial: 40 misses or more, or fewer than 5, where 20 are due), and the seed is fixed.
# Finer faults are for the hand-worked cases in the other files.
LOWEST, HIGHEST = 0.90, 0.99


def coverage(
    sample: Callable[[np.random.Generator], object],
    interval_of: Callable[..., Interval],
    truth: float,
    *,
    widened: bool,
    take: int = TAKE,
    resamples: int = RESAMPLES,
) -> float:
    """Share of samples whose interval has the truth in it."""
    rng = np.random.default_rng(1)
    hits = 0
    for seed in range(take):
        interval = interval_of(sample(rng), seed=seed, resamples=resamples, widened=widened)
        hits += interval.low <= truth <= interval.high
    return hits / take


def normal(num_seeds: int, num_worlds: int, *, seeds: float, worlds: float):
    """Scores of normal trainings on normal worlds, with their standard deviations; mean 0."""

    def sample(rng):
        trained = seeds * rng.normal(size=(num_seeds, 1))
        return trained + worlds * rng.normal(size=(num_seeds, num_worlds))

    return sample


def three_tracks(rng):
    """Tracks with other levels, spreads and numbers of seeds and worlds; mean 0."""
    return {
        "a": normal(10, 8, seeds=1.0, worlds=1.0)(rng),
        "b": normal(6, 4, seeds=3.0, worlds=1.0)(rng) + 10.0,
        "c": normal(4, 16, seeds=0.5, worlds=1.0)(rng) - 10.0,
    }


def scenarios_side_by_side(rng):
    """Four scenarios of eight worlds in one row, 20 points apart; mean 0."""
    return normal(10, 32, seeds=1.0, worlds=1.0)(rng) + np.repeat([-30, -10, 10, 30], 8)


def lognormal_seeds(rng):
    """A long tail of good trainings; mean exp(1/2)."""
    return np.exp(rng.normal(size=(10, 1))) + 0.5 * rng.normal(size=(10, 8))


def two_agents(num_seeds: int, lead: float, common: float = 0.0):
    """Two agents, the first ahead by a lead, and what worlds do to both alike."""

    def sample(rng):
        worlds = common * rng.normal(size=(num_seeds, 1))
        x, y = rng.normal(size=(2, num_seeds, 1))
        return lead + x + worlds, y + worlds

    return sample


def chance_of(lead: float, common: float = 0.0) -> float:
    """P(X > Y) of runs on worlds of their own, of `two_agents`."""
    return float(stats.norm.cdf(lead / np.sqrt(2.0 * (1.0 + common**2))))


def improvement(pair, **settings) -> Interval:
    return probability_of_improvement(*pair, **settings)


def improvement_apart(pair, **settings) -> Interval:
    return probability_of_improvement(*pair, common_worlds=False, **settings)


def successes(num_seeds: int, num_worlds: int, share: float):
    """Scores above or below those of a second agent with a given chance."""

    def sample(rng):
        won = rng.random((num_seeds, num_worlds)) < share
        return won.astype(float), np.full((num_seeds, num_worlds), 0.5)

    return sample


def point_of_profile(pair, **settings) -> Interval:
    profile = performance_profile(pair[0], [0.5], **settings)
    return Interval(float(profile.share[0]), float(profile.low[0]), float(profile.high[0]))


# Name: sample, interval, truth.
CASES = {
    "mean, 10 seeds, trainings differ": (normal(10, 8, seeds=1.0, worlds=0.5), mean_score, 0.0),
    "mean, 10 seeds, worlds as much": (normal(10, 8, seeds=1.0, worlds=2.8), mean_score, 0.0),
    "mean, 10 seeds, worlds alone": (normal(10, 8, seeds=0.0, worlds=1.0), mean_score, 0.0),
    "mean, 10 seeds, one world": (normal(10, 1, seeds=1.0, worlds=0.0), mean_score, 0.0),
    "mean, 5 seeds, trainings differ": (normal(5, 8, seeds=1.0, worlds=0.5), mean_score, 0.0),
    "mean, 3 seeds, trainings differ": (normal(3, 8, seeds=1.0, worlds=0.5), mean_score, 0.0),
    "mean, scenarios side by side": (scenarios_side_by_side, mean_score, 0.0),
    "mean, three unlike tracks": (three_tracks, mean_score, 0.0),
    "mean, lognormal trainings": (lognormal_seeds, mean_score, float(np.exp(0.5))),
    "IQM, 10 seeds, trainings differ": (normal(10, 8, seeds=1.0, worlds=0.5), iqm_score, 0.0),
    "IQM, 10 seeds, worlds alone": (normal(10, 8, seeds=0.0, worlds=1.0), iqm_score, 0.0),
    "IQM, 5 seeds, trainings differ": (normal(5, 8, seeds=1.0, worlds=0.5), iqm_score, 0.0),
    "improvement 0.50, 10 seeds": (two_agents(10, 0.0), improvement, 0.5),
    "improvement 0.76, 10 seeds": (two_agents(10, 1.0), improvement, chance_of(1.0)),
    "improvement 0.76, 5 seeds": (two_agents(5, 1.0), improvement, chance_of(1.0)),
    "improvement 0.92, 10 seeds": (two_agents(10, 2.0), improvement, chance_of(2.0)),
    "improvement 0.98, 10 seeds": (two_agents(10, 3.0), improvement, chance_of(3.0)),
    "improvement 0.69, common worlds": (
        two_agents(10, 1.0, 1.0),
        improvement,
        chance_of(1.0, 1.0),
    ),
    "improvement 0.76, worlds apart": (two_agents(10, 1.0), improvement_apart, chance_of(1.0)),
    "profile 0.50, 10 seeds": (successes(10, 1, 0.5), point_of_profile, 0.5),
    "profile 0.80, 10 seeds": (successes(10, 1, 0.8), point_of_profile, 0.8),
    "profile 0.99, 10 seeds": (successes(10, 1, 0.99), point_of_profile, 0.99),
}
# The truth is the mean, to which few draws of a long tail say little; every interval fails here.
SKEWED = "mean, lognormal trainings"
# Near certainty, and where a share has few possible values, no interval can be exact.
AT_LEAST = ("improvement", "profile", "IQM")


@pytest.mark.parametrize("name", [name for name in CASES if name != SKEWED])
def test_corrected_intervals_hold_the_truth_as_often_as_they_say(name) -> None:
    """95 % within the limits; shares and the interquartile mean may be on the safe side."""
    sample, interval_of, truth = CASES[name]
    share = coverage(sample, interval_of, truth, widened=True)
    assert share > LOWEST
    if not name.startswith(AT_LEAST):
        assert share < HIGHEST


def test_plain_percentiles_of_few_seeds_hold_the_truth_too_seldom() -> None:
    """Why they are widened: 10 seeds cover 90 %, 5 cover 82 %.

    In theory P(|t_9| < 1.96 sqrt(9/10)) = 0.904 for 10. Of 800 samples, 0.94 or more are covered
    with a chance of 3e-4.
    """
    ten, five = (normal(num, 1, seeds=1.0, worlds=0.0) for num in (10, 5))
    assert coverage(ten, mean_score, 0.0, widened=False, take=800) < 0.94
    assert coverage(five, mean_score, 0.0, widened=False) < 0.89


def test_plain_percentiles_of_many_worlds_are_too_wide() -> None:
    """The other fault: the noise of the worlds counts twice, and the truth is always inside."""
    sample, interval_of, truth = CASES["mean, 10 seeds, worlds alone"]
    assert coverage(sample, interval_of, truth, widened=False) > 0.98


def test_skewed_trainings_are_covered_less_and_that_is_known() -> None:
    """A limit that stands in the documents: lognormal trainings, between 80 and 92 %."""
    sample, interval_of, truth = CASES[SKEWED]
    plain = coverage(sample, interval_of, truth, widened=False)
    corrected = coverage(sample, interval_of, truth, widened=True)
    assert plain < corrected
    assert 0.80 < corrected < 0.92


def test_verdicts_on_agents_alike_are_seldom_wrong() -> None:
    """Five agents alike against one: some verdict "better" or "worse" in at most 5 of 100 boards.

    400 boards; a true rate of 5 % gives more than 9 % with a chance of 1e-3. In truth it is less.
    """
    rng = np.random.default_rng(0)
    wrong = 0
    for seed in range(400):
        reference = normal(8, 4, seeds=1.0, worlds=1.0)(rng)
        pairs = {name: (normal(8, 4, seeds=1.0, worlds=1.0)(rng), reference) for name in "abcde"}
        found = compare(pairs, seed=seed, resamples=100)
        wrong += any(one.verdict in {"better", "worse"} for one in found.values())
    assert wrong / 400 <= 0.09
