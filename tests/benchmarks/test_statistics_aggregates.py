"""Aggregates over tracks: cases worked by hand, published definitions, and laws they must obey."""

import time
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from benchmarks.statistics import (
    Interval,
    iqm_score,
    mean_score,
    performance_profile,
    probability_of_improvement,
    resampling,
)
from twin_gym.errors import ConfigError

Z = 1.959964
T_ONE = 12.706205  # Student's 97.5 % quantile at one degree of freedom
TWO_TRACKS = {"a": [[1.0, 3.0], [5.0, 7.0]], "b": [[10.0], [20.0], [30.0]]}

FEW = {"resamples": 100}
SINGLE = (mean_score, iqm_score)


def shapes():
    """Numbers of seeds and worlds, small, a single world among them."""
    return st.tuples(st.integers(2, 6), st.integers(1, 5))


def tables(shape=None):
    """Scores of one track, whole and half points so that ties happen and sums are exact."""
    halves = st.integers(-200, 200).map(lambda number: number / 2)
    return arrays(np.float64, shape or shapes(), elements=halves)


def pairs():
    """Scores of two agents on the same worlds."""
    return shapes().flatmap(lambda shape: st.tuples(tables(shape), tables(shape)))


def ends(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high


# Mean and interquartile mean


def test_mean_of_two_tracks_by_hand() -> None:
    """Track a has mean 4 and track b 20; both count the same, though b has more seeds."""
    assert mean_score(TWO_TRACKS, **FEW).estimate == 12.0


def test_interquartile_mean_of_two_tracks_by_hand() -> None:
    """Runs 2, 6, 10, 20, 30: a quarter of five is one on each side, (6 + 10 + 20) / 3 is left."""
    assert iqm_score(TWO_TRACKS, **FEW).estimate == 12.0


def test_interquartile_mean_is_scipys_trimmed_mean() -> None:
    """The published definition: 25 % off each end of the pooled runs."""
    rng = np.random.default_rng(0)
    scores = {"a": rng.normal(size=(7, 3)), "b": rng.normal(3.0, size=(10, 4))}
    runs = np.concatenate([per_track.mean(axis=1) for per_track in scores.values()])
    assert iqm_score(scores, **FEW).estimate == pytest.approx(stats.trim_mean(runs, 0.25))


def test_percentiles_of_two_seeds_by_hand() -> None:
    """Resamples of 0 and 1 have means 0, 1/2, 1 in shares 1/4, 1/2, 1/4: the ends are 0 and 1."""
    assert ends(mean_score([[0.0], [1.0]], widened=False)) == (0.0, 0.5, 1.0)


def test_widened_interval_of_two_seeds_by_hand() -> None:
    """Factor sqrt(n / (n - 1)) t / z = sqrt(2) * 12.706 / 1.960 = 9.168 on a distance of 1/2."""
    half = 0.5 * np.sqrt(2.0) * T_ONE / Z
    score = mean_score([[0.0], [1.0]])
    assert ends(score) == pytest.approx((0.5 - half, 0.5, 0.5 + half), rel=1e-5)


def test_widening_of_nested_scores_by_hand() -> None:
    """Noise of the worlds, which resampling counts twice, is taken out again.

    Seeds (0, 2) and (4, 6): means 1 and 5, s^2 = 8, variance s^2 / 2 = 4. The bootstrap variance is
    (s^2 / 2 + w / J) / 2 with w = 1 and J = 2, so (4 + 0.5) / 2 = 2.25.
    """
    part = resampling.nested_part(np.array([[0.0, 2.0], [4.0, 6.0]]), 1.0)
    assert (part.variance, part.bootstrap_variance, part.freedom) == (4.0, 2.25, 1)
    assert resampling.widening([part]) == pytest.approx(T_ONE / Z * np.sqrt(4.0 / 2.25), rel=1e-5)


def test_two_tracks_share_their_degrees_of_freedom() -> None:
    """Two parts of variance 1 with 5 degrees each: (1 + 1)^2 / (1/5 + 1/5) = 10 degrees."""
    one = resampling.Part(1.0, 1.0, 5)
    expected = stats.t.ppf(0.975, 10) / Z
    assert resampling.widening([one, one]) == pytest.approx(expected, rel=1e-5)


def test_part_of_a_track_is_weighted_squared() -> None:
    """Units 0 and 2: s^2 = 2, variance 1, of the bootstrap 1/2; a weight of 1/2 quarters them."""
    assert resampling.part(np.array([0.0, 2.0]), 0.5) == resampling.Part(0.25, 0.125, 1)


def test_interval_is_stretched_to_an_estimate_outside_of_the_percentiles() -> None:
    """Of all resamples at 0 and an estimate of 5 the interval is [0, 5]."""
    assert ends(resampling.bootstrap_interval(5.0, np.zeros(100), 1.0)) == (0.0, 5.0, 5.0)
    assert ends(resampling.bootstrap_interval(-5.0, np.zeros(100), 1.0)) == (-5.0, -5.0, 0.0)


def test_outer_runs_do_not_count_in_the_resamples_either() -> None:
    """One run of 20 at a million: more than five times in a resample is 3 in 10,000."""
    scores = np.append(np.zeros(19), 1e6)[:, None]
    assert ends(iqm_score(scores, widened=False)) == (0.0, 0.0, 0.0)


def test_unseen_share_of_several_tracks_by_hand() -> None:
    """Two tracks of 10 seeds: 1 - 0.025^(1/20); of 10 and 4 seeds: 1 - 0.025^(1/8)."""
    assert resampling.unseen_share([10, 10]) == pytest.approx(0.1684, abs=1e-4)
    assert resampling.unseen_share([10, 4]) == pytest.approx(0.3694, abs=1e-4)


def test_two_stage_resamples_have_the_variance_of_theory() -> None:
    """The same two seeds: variance 2.25 of the mean; 40,000 resamples, four standard errors 2 %."""
    scores = np.array([[0.0, 2.0], [4.0, 6.0]])
    runs = resampling.resampled_runs(scores, 40_000, np.random.default_rng(0))
    assert runs.mean(axis=1).var() == pytest.approx(2.25, rel=0.03)
    assert set(np.unique(runs)) == {0.0, 1.0, 2.0, 4.0, 5.0, 6.0}


def test_worlds_are_drawn_within_their_own_seed() -> None:
    """No resampled run mixes the worlds of two seeds, nor those of two tracks."""
    scores = np.repeat([[1.0], [10.0], [100.0]], 4, axis=1)
    runs = resampling.resampled_runs(scores, 200, np.random.default_rng(0))
    assert set(np.unique(runs)) == {1.0, 10.0, 100.0}


def test_tracks_are_resampled_each_on_its_own() -> None:
    """Tracks that differ by 1,000 points leave an interval as narrow as each has noise."""
    rng = np.random.default_rng(0)
    noise = {"a": rng.normal(size=(10, 4)), "b": rng.normal(size=(10, 4))}
    apart = {"a": noise["a"], "b": noise["b"] + 1_000.0}
    plain, moved = mean_score(noise), mean_score(apart)
    assert moved.high - moved.low == pytest.approx(plain.high - plain.low, rel=1e-9)


def test_single_world_equals_scipys_percentile_bootstrap() -> None:
    """With one world a seed and no widening it is the plain bootstrap, made by others."""
    values = np.random.default_rng(5).normal(size=20)
    ours = mean_score(values[:, None], widened=False)
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(0)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


@pytest.mark.parametrize("aggregate", SINGLE)
def test_equal_scores_have_an_interval_without_width(aggregate) -> None:
    """All ties: a deterministic agent on worlds that are all alike."""
    assert ends(aggregate(np.full((5, 3), 7.0))) == (7.0, 7.0, 7.0)


def test_seeds_that_agree_while_worlds_differ_keep_the_plain_percentiles() -> None:
    """One block of worlds given five times: no spread between seeds to correct by."""
    scores = np.tile([0.1, 0.2, 0.6], (5, 1))
    score = mean_score(scores)
    assert score == mean_score(scores, widened=False)
    assert score.low < score.estimate < score.high


# Profile


def test_performance_profile_by_hand() -> None:
    """Runs 2, 6 and 10, 20, 30: shares above 5, 6 (strictly) and 15, averaged over two tracks."""
    profile = performance_profile(TWO_TRACKS, [5.0, 6.0, 15.0])
    assert profile.share.tolist() == pytest.approx([(1 / 2 + 1) / 2, (0 + 1) / 2, (0 + 2 / 3) / 2])


def test_bands_of_the_profile_by_hand() -> None:
    """Runs 0 and 1, between them 1/2: resamples give 0, 1/2, 1, hence all of [0, 1]."""
    profile = performance_profile([[0.0], [1.0]], [0.5], widened=False)
    assert (profile.low[0], profile.share[0], profile.high[0]) == (0.0, 0.5, 1.0)


def test_plain_bands_of_the_profile_are_binomial_quantiles() -> None:
    """6 of 20 runs above: a resample's count is binomial (20, 0.3), with quantiles 2 and 10."""
    scores = np.repeat([1.0, 0.0], [6, 14])[:, None]
    profile = performance_profile(scores, [0.5], widened=False)
    expected = stats.binom.ppf([0.025, 0.975], 20, 0.3) / 20
    assert [profile.low[0], profile.high[0]] == pytest.approx(expected.tolist())


def test_wide_bands_of_the_profile_by_hand() -> None:
    """The distances from 0.3 to 2/20 and 10/20 are multiplied by sqrt(20 / 19) t_19 / z."""
    scores = np.repeat([1.0, 0.0], [6, 14])[:, None]
    profile = performance_profile(scores, [0.5])
    factor = np.sqrt(20 / 19) * stats.t.ppf(0.975, 19) / Z
    assert profile.low[0] == pytest.approx(0.3 - 0.2 * factor, rel=1e-4)
    assert profile.high[0] == pytest.approx(0.3 + 0.2 * factor, rel=1e-4)


def test_profile_beyond_all_runs_says_what_ten_seeds_leave_open() -> None:
    """No failure in 10: up to 1 - 0.025^(1/10) = 0.3085 of all runs may fail."""
    profile = performance_profile(np.arange(10.0)[:, None], [-1.0, 99.0])
    assert profile.share.tolist() == [1.0, 0.0]
    assert [profile.low[0], profile.high[1]] == pytest.approx([1 - 0.3085, 0.3085], abs=1e-4)
    assert (profile.high[0], profile.low[1]) == (1.0, 0.0)


@given(tables(), st.integers(0, 5))
@settings(max_examples=30)
def test_profile_never_rises_and_lies_in_its_bands(scores, seed) -> None:
    """The share of runs above a threshold falls as the threshold rises, for all scores."""
    levels = np.linspace(-101.0, 101.0, 9)
    profile = performance_profile(scores, levels, seed=seed, **FEW)
    assert (np.diff(profile.share) <= 0).all()
    assert (profile.low >= 0).all()
    assert (profile.low <= profile.share).all()
    assert (profile.share <= profile.high).all()
    assert (profile.high <= 1).all()
    assert (profile.share[0], profile.share[-1]) == (1.0, 0.0)


# Probability of improvement


def test_probability_of_improvement_by_hand() -> None:
    """2 ties with 2; 3 beats 2, ties with 3; 5 beats all: (1/2 + 3/2 + 3) of 9 pairs."""
    probability = probability_of_improvement([[2.0], [3.0], [5.0]], [[2.0], [3.0], [4.0]], **FEW)
    assert probability.estimate == pytest.approx(5 / 9)


def test_probability_of_improvement_averages_over_tracks() -> None:
    """Track a: won always; track b: 1 of 4 pairs; (1 + 1/4) / 2."""
    x = {"a": [[5.0], [6.0]], "b": [[1.0], [3.0]]}
    y = {"b": [[2.0], [4.0]], "a": [[1.0], [2.0]]}
    assert probability_of_improvement(x, y, **FEW).estimate == 0.625


def test_probability_of_improvement_is_mann_whitneys_u() -> None:
    """U / (m n) of scipy, with ties and other numbers of seeds."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(0, 8, 9).astype(float), rng.integers(2, 9, 6).astype(float)
    probability = probability_of_improvement(x[:, None], y[:, None], common_worlds=False, **FEW)
    assert probability.estimate == pytest.approx(stats.mannwhitneyu(x, y).statistic / 54)


def test_certain_wins_of_ten_seeds_leave_something_open() -> None:
    """Ten of ten: the probability may be as low as 0.025^(1/10) = 0.6915."""
    ours = np.arange(10.0)[:, None]
    found = probability_of_improvement(ours + 50.0, ours)
    assert ends(found) == pytest.approx((0.6915, 1.0, 1.0), abs=1e-4)
    lost = probability_of_improvement(ours, ours + 50.0)
    assert ends(lost) == pytest.approx((0.0, 0.0, 0.3085), abs=1e-4)


def test_resampled_pairs_stay_together_where_worlds_are_common() -> None:
    """Common effects cancel: the interval is narrower than that of unpaired agents."""
    rng = np.random.default_rng(1)
    common = rng.normal(0.0, 5.0, size=(12, 1))
    x, y = common + rng.normal(size=(12, 1)), common + rng.normal(size=(12, 1))
    together = probability_of_improvement(x, y)
    apart = probability_of_improvement(x, y, common_worlds=False)
    assert together.estimate == apart.estimate
    assert together.high - together.low < 0.6 * (apart.high - apart.low)


def test_runs_drawn_together_are_one_sample_of_pairs() -> None:
    """Ten pairs have nine degrees of freedom, not eighteen: the factor is sqrt(10 / 9) t_9 / z."""
    x, y = np.random.default_rng(1).normal(size=(2, 10, 1))
    plain = probability_of_improvement(x, y, widened=False)
    widened = probability_of_improvement(x, y)
    ratio = (widened.estimate - widened.low) / (plain.estimate - plain.low)
    assert widened.low > 0.0
    assert ratio == pytest.approx(np.sqrt(10 / 9) * stats.t.ppf(0.975, 9) / Z, rel=1e-5)


def test_draws_of_the_probability_of_improvement_are_those_of_its_definition() -> None:
    """Two seeds each, all 16 resamples of runs: U by counting equals the draws' distribution."""
    x, y = np.array([0.0, 2.0]), np.array([1.0, 3.0])
    exact = [
        np.mean([x[i] > y[j] for i in rows for j in columns])
        for rows in product(range(2), repeat=2)
        for columns in product(range(2), repeat=2)
    ]
    probability = probability_of_improvement(
        x[:, None], y[:, None], common_worlds=False, widened=False, resamples=20_000
    )
    low, high = np.quantile(np.repeat(exact, 1000), [0.025, 0.975])
    assert (probability.low, probability.high) == (low, high)


@given(pairs(), st.integers(0, 5))
@settings(max_examples=40)
def test_improvements_of_either_agent_add_up_to_one(pair, seed) -> None:
    """P(x > y) + P(y > x) = 1, ties being half each, and the intervals mirror each other."""
    x, y = pair
    of = probability_of_improvement
    forth, back = of(x, y, seed=seed, **FEW), of(y, x, seed=seed, **FEW)
    assert forth.estimate + back.estimate == pytest.approx(1.0)
    assert forth.low + back.high == pytest.approx(1.0, abs=1e-9)
    assert 0.0 <= forth.low <= forth.estimate <= forth.high <= 1.0


# Laws of all


@given(tables(), st.integers(-50, 50), st.integers(0, 5), st.sampled_from(SINGLE))
@settings(max_examples=40)
def test_shifted_scores_shift_estimate_and_interval(scores, shift, seed, aggregate) -> None:
    """Points added to every score are added to the result."""
    before = np.array(ends(aggregate(scores, seed=seed, **FEW)))
    after = np.array(ends(aggregate(scores + shift, seed=seed, **FEW)))
    assert after == pytest.approx(before + shift, abs=1e-6)


@given(tables(), st.sampled_from([0.25, 2.0, 1e-6, 1e6]), st.sampled_from(SINGLE))
@settings(max_examples=40)
def test_scaled_scores_scale_estimate_and_interval(scores, scale, aggregate) -> None:
    """Another unit of the score is another unit of the result."""
    before = np.array(ends(aggregate(scores, **FEW)))
    after = np.array(ends(aggregate(scores * scale, **FEW)))
    assert after == pytest.approx(before * scale, rel=1e-6, abs=1e-6 * scale)


@given(tables(), st.randoms(use_true_random=False), st.sampled_from(SINGLE))
@settings(max_examples=40)
def test_estimates_know_no_order(scores, shuffler, aggregate) -> None:
    """Seeds in another order, and worlds within a seed, are the same results."""
    order = list(range(len(scores)))
    shuffler.shuffle(order)
    moved = np.roll(scores[order], 1, axis=1)
    before, after = aggregate(scores, **FEW), aggregate(moved, **FEW)
    assert after.estimate == pytest.approx(before.estimate, abs=1e-9)


@given(tables(), st.integers(0, 5), st.booleans(), st.sampled_from(SINGLE))
@settings(max_examples=40)
def test_intervals_hold_their_estimate(scores, seed, widened, aggregate) -> None:
    """And plain percentiles never leave the range of the scores."""
    low, middle, high = ends(aggregate(scores, seed=seed, widened=widened, **FEW))
    assert low <= middle <= high
    if not widened:
        assert scores.min() <= low + 1e-9
        assert high - 1e-9 <= scores.max()


def results(seed):
    """All results with one seed, as plain numbers."""
    rng = np.random.default_rng(3)
    x, y = ({name: rng.normal(size=(6, 4)) for name in "ab"} for _ in range(2))
    profile = performance_profile(x, [0.0, 0.3], seed=seed)
    improvement = probability_of_improvement(x, y, seed=seed)
    found = [*(of(x, seed=seed) for of in SINGLE), improvement]
    return [*map(ends, found), (*profile.low, *profile.high)]


def test_same_seed_same_intervals() -> None:
    """A number, or a generator in the same state."""
    assert results(1) == results(1)
    assert mean_score([[1.0], [2.0], [4.0]], seed=1) == mean_score(
        [[1.0], [2.0], [4.0]], seed=np.random.default_rng(1)
    )


def test_other_seed_other_intervals_of_the_same_estimates() -> None:
    """The seed is obeyed by each of them; 10,000 resamples leave them close together."""
    for one, other in zip(results(1)[:2], results(2)[:2], strict=True):
        assert one != other
        assert one[1] == other[1]
        assert one == pytest.approx(other, abs=0.1)
    scores, others = np.random.default_rng(0).normal(size=(2, 9, 4))
    few = [
        probability_of_improvement(scores, others, seed=seed, resamples=150) for seed in range(5)
    ]
    assert len({ends(one) for one in few}) > 1
    bands = [performance_profile(scores, [0.1, 0.2], seed=s, resamples=150) for s in range(5)]
    assert len({tuple(np.append(one.low, one.high)) for one in bands}) > 1


def test_order_of_tracks_changes_nothing() -> None:
    """A mapping filled in another order is the same data."""
    rng = np.random.default_rng(0)
    scores = {name: rng.normal(size=(6, 3)) for name in "abc"}
    turned = dict(reversed(scores.items()))
    assert mean_score(scores) == mean_score(turned)
    assert mean_score(turned, seed=1) == mean_score(scores, seed=1) != mean_score(scores)


def test_tracks_have_draws_of_their_own() -> None:
    """The same array twice: were the draws the same, averaging would not narrow the interval."""
    scores = np.random.default_rng(0).normal(size=(8, 4))
    one = mean_score(scores, widened=False)
    two = mean_score({"a": scores, "b": scores}, widened=False)
    assert two.high - two.low == pytest.approx((one.high - one.low) / np.sqrt(2.0), rel=0.05)


def test_memory_in_chunks_gives_the_same_intervals(monkeypatch) -> None:
    """How much is held at a time is no part of the result."""
    whole = results(1)
    monkeypatch.setattr(resampling, "CHUNK_ENTRIES", 1_001)
    assert results(1) == whole


def test_global_generator_stays_untouched() -> None:
    """Nothing is drawn from, or seeded in, numpy's global state."""
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    results(1)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_ten_thousand_resamples_take_well_below_half_a_second() -> None:
    """Of 10 seeds and 32 worlds, best of three; 0.06 s were measured."""
    scores = np.random.default_rng(0).normal(size=(10, 32))
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        mean_score(scores)
        taken.append(time.perf_counter() - start)
    assert min(taken) < 0.5


# What is refused


BAD = [
    ([[1.0, np.nan], [2.0, 3.0]], r"finite, got nan at \(seed, world\) \(0, 1\)"),
    ([[1.0, 2.0], [np.inf, 3.0]], r"finite, got inf at \(seed, world\) \(1, 0\)"),
    ([[1.0, 2.0]], "at least 2 seeds, got 1"),  # one training has no spread between trainings
    ([1.0, 2.0], r"shape \(seeds, worlds\).*got \(2,\)"),
    ([[[1.0]], [[2.0]]], r"shape \(seeds, worlds\).*got \(2, 1, 1\)"),
    ([[], []], r"at least one world, got \(2, 0\)"),
    ([[1.0], [2.0, 3.0]], "array of numbers"),  # worlds differ in number from seed to seed
    ([["x"], ["y"]], "array of numbers"),
    ({}, "at least one"),
]


@pytest.mark.parametrize(("scores", "message"), BAD)
def test_bad_scores_are_refused_with_their_fault(scores, message) -> None:
    """Every function says what is wrong and where."""
    for call in (
        lambda: mean_score(scores),
        lambda: iqm_score(scores),
        lambda: performance_profile(scores, [0.0]),
        lambda: probability_of_improvement(scores, scores),
    ):
        with pytest.raises(ConfigError, match=message):
            call()


def test_bad_track_is_named() -> None:
    """Which of many tracks is at fault."""
    with pytest.raises(ConfigError, match="scores of hard must be finite"):
        mean_score({"easy": [[1.0], [2.0]], "hard": [[1.0], [np.nan]]})


@pytest.mark.parametrize("levels", [[], [[1.0]], [np.nan], 3.0])
def test_bad_thresholds_are_refused(levels) -> None:
    """None, a table, not a number, a single number without a list."""
    with pytest.raises(ConfigError, match="`thresholds`"):
        performance_profile([[1.0], [2.0]], levels)


def test_too_few_resamples_are_refused() -> None:
    """Ten resamples have no outer fortieths."""
    with pytest.raises(ConfigError, match="`resamples` must be >= 100, got 10"):
        mean_score([[1.0], [2.0]], resamples=10)


def test_pairs_of_other_shapes_or_tracks_are_refused() -> None:
    """Entry by entry needs the same entries; runs apart need the same tracks only."""
    x, y = np.zeros((3, 2)), np.zeros((4, 2))
    with pytest.raises(ConfigError, match="one shape"):
        probability_of_improvement(x, y)
    with pytest.raises(ConfigError, match="same tracks"):
        probability_of_improvement({"a": x}, {"b": x})
    assert probability_of_improvement(x, y, common_worlds=False).estimate == 0.5
