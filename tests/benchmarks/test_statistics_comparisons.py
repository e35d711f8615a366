"""Two agents on common worlds: difference, sign-flip test, Holm's correction and verdict."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks.statistics import (
    Interval,
    compare,
    holm,
    mean_score,
    paired_difference,
    permutation,
    resampling,
    sign_flip_test,
    verdict,
)
from twin_gym.errors import ConfigError

FEW = {"resamples": 100}


def seeds(*differences: float) -> np.ndarray:
    """Scores whose seed-level differences from zero are those named: two worlds, three apart."""
    return np.array(differences)[:, None] + np.array([-1.5, 1.5])


# Difference


def test_paired_difference_by_hand() -> None:
    """Track a: 1, 1, 1, 5, mean 2; track b: -4; their mean is -1."""
    x = {"a": [[1.0, 2.0], [3.0, 9.0]], "b": [[0.0], [2.0]]}
    y = {"b": [[4.0], [6.0]], "a": [[0.0, 1.0], [2.0, 4.0]]}
    assert paired_difference(x, y, **FEW).estimate == -1.0


def test_what_a_world_does_to_both_agents_cancels() -> None:
    """A constant lead in worlds that differ by much has an interval of no width."""
    worlds = np.random.default_rng(0).integers(-500, 500, size=(10, 8)).astype(float)
    difference = paired_difference(worlds + 2.0, worlds)
    assert (difference.low, difference.estimate, difference.high) == (2.0, 2.0, 2.0)
    assert mean_score(worlds).high - mean_score(worlds).low > 50.0


def test_difference_of_two_agents_turns_its_sign_with_them() -> None:
    """x less y is the mirror image of y less x, with the same seed."""
    x, y = np.random.default_rng(0).normal(size=(2, 8, 4))
    forth, back = paired_difference(x, y), paired_difference(y, x)
    assert (forth.low, forth.estimate, forth.high) == pytest.approx(
        (-back.high, -back.estimate, -back.low)
    )


def test_difference_is_the_mean_score_of_differences() -> None:
    """Nothing else is resampled, over many tracks in the same order."""
    rng = np.random.default_rng(0)
    x = {f"track {index}": rng.normal(size=(4, 3)) for index in range(12)}
    y = {name: rng.normal(size=(4, 3)) for name in x}
    apart = {name: x[name] - y[name] for name in x}
    assert paired_difference(x, y, seed=4) == mean_score(apart, seed=4)
    assert paired_difference(x, y, seed=4) != paired_difference(x, y, seed=5)


# Sign-flip test


def test_sign_flip_test_by_hand() -> None:
    """Of 3, -1, 2 (sum 4), eight choices of signs give 6, 4, 2, 0 and their mirror images."""
    outcome = sign_flip_test(seeds(3, -1, 2), seeds(0, 0, 0))
    assert (outcome.p_value, outcome.smallest_p, outcome.num_units, outcome.exact) == (
        0.5,
        0.25,
        3,
        True,
    )


@pytest.mark.parametrize(
    ("num_seeds", "smallest"), [(1, 1.0), (5, 0.0625), (6, 0.03125), (10, 2 / 1024)]
)
def test_smallest_p_value_is_reached_where_all_seeds_agree(num_seeds, smallest) -> None:
    """Two of 2^n choices of signs: with five seeds nothing gets below 0.05."""
    outcome = sign_flip_test(seeds(*range(1, num_seeds + 1)), seeds(*[0] * num_seeds))
    assert outcome.p_value == outcome.smallest_p == smallest


def test_sign_flip_test_agrees_with_scipy() -> None:
    """Exact test of ten differences, an independent implementation."""
    differences = np.random.default_rng(1).normal(0.5, 1.0, size=10)
    theirs = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    ours = sign_flip_test(seeds(*differences), seeds(*[0] * 10))
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert 0.002 < ours.p_value < 1.0


def test_worlds_are_no_units_of_the_test() -> None:
    """Many worlds of three seeds are three units."""
    x = np.random.default_rng(0).normal(3.0, size=(3, 100))
    assert sign_flip_test(x, np.zeros((3, 100))).p_value == 0.25


def test_tracks_weigh_the_same_in_the_test() -> None:
    """Track a: 1; track b: 1, 1, 1, 1: a unit weighs 1/2 against 1/(4 * 2) = 1/8 each.

    The sum 1 is reached where all signs agree: 2 of 32. With b against a the sum is 0, which every
    choice reaches; were all five units alike, it would not be.
    """
    zero = {"a": seeds(0), "b": seeds(0, 0, 0, 0)}
    both = {"a": seeds(1), "b": seeds(1, 1, 1, 1)}
    apart = {"a": seeds(1), "b": seeds(-1, -1, -1, -1)}
    assert sign_flip_test(both, zero).p_value == 2 / 32
    assert sign_flip_test(apart, zero).p_value == 1.0


def test_ties_and_rounding_count_as_reached() -> None:
    """0.1 + 0.2 and 0.3: sums that are equal on paper differ in the last digit.

    Of 0.1, 0.2, -0.3 the sum is 0, so every choice reaches it.
    """
    assert sign_flip_test([[0.1], [0.2], [-0.3]], [[0.0], [0.0], [0.0]]).p_value == 1.0
    # 0.1 + 0.2 + 0.3 in whatever order: two of eight.
    assert sign_flip_test([[0.3], [0.1], [0.2]], [[0.0], [0.0], [0.0]]).p_value == 0.25


def test_agents_alike_have_p_value_one() -> None:
    """No difference in any seed, with few units and with many."""
    for num in (2, 6, 30):
        scores = np.random.default_rng(0).normal(size=(num, 3))
        assert sign_flip_test(scores, scores).p_value == 1.0


def test_fourteen_units_are_counted_and_fifteen_are_drawn() -> None:
    """Beyond 2^14 choices a sample of them, that never says 0."""
    fourteen = sign_flip_test(np.ones((14, 1)), np.zeros((14, 1)))
    fifteen = sign_flip_test(np.ones((15, 1)), np.zeros((15, 1)), resamples=999)
    many = sign_flip_test(np.ones((40, 1)), np.zeros((40, 1)), resamples=999)
    assert (fourteen.exact, fourteen.p_value) == (True, 2 / 2**14)
    assert (fifteen.exact, fifteen.smallest_p) == (False, 0.001)
    assert (many.p_value, many.smallest_p) == (0.001, 0.001)


def test_drawn_signs_agree_with_all_signs(monkeypatch) -> None:
    """Ten units either way; 20,000 draws, four standard errors are 0.009."""
    x = np.random.default_rng(1).normal(0.5, 1.0, size=(10, 1))
    exact = sign_flip_test(x, np.zeros((10, 1)))
    monkeypatch.setattr(permutation, "MAX_EXACT_UNITS", 9)
    drawn = sign_flip_test(x, np.zeros((10, 1)), resamples=20_000)
    assert (exact.exact, drawn.exact) == (True, False)
    assert drawn.p_value == pytest.approx(exact.p_value, abs=0.009)
    # Same seed, same p-value, whatever is held in memory at a time; another seed, another.
    monkeypatch.setattr(resampling, "CHUNK_ENTRIES", 1_001)
    assert sign_flip_test(x, np.zeros((10, 1)), resamples=20_000) == drawn
    assert sign_flip_test(x, np.zeros((10, 1)), resamples=20_000, seed=1) != drawn


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=7))
@settings(max_examples=50)
def test_sign_flip_test_counts_what_its_definition_counts(differences) -> None:
    """Against a plain loop over all signs, in whole numbers, where ties are exact."""
    reached = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True))) >= abs(sum(differences))
        for signs in product((-1, 1), repeat=len(differences))
    ]
    outcome = sign_flip_test(seeds(*differences), seeds(*[0] * len(differences)))
    assert outcome.p_value == np.mean(reached)


# Holm


def test_holms_correction_by_hand() -> None:
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, the last raised."""
    corrected = holm([0.01, 0.04, 0.03, 0.005])
    assert corrected.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holms_correction_of_one_ties_and_large_values() -> None:
    """One is left as it is; ties get the same; nothing passes 1."""
    assert holm([0.04]).tolist() == [0.04]
    assert holm([0.02, 0.02]).tolist() == [0.04, 0.04]
    assert holm([0.9, 0.6, 1.0]).tolist() == [1.0, 1.0, 1.0]


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12))
def test_holms_correction_keeps_the_order_and_lowers_nothing(values) -> None:
    """Monotone, at least as large, at most Bonferroni's, whatever the order they come in."""
    raw, corrected = np.array(values), holm(values)
    order = np.argsort(raw, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    assert (corrected >= raw).all()
    assert (corrected <= np.minimum(raw * len(raw), 1.0)).all()
    assert holm(values[::-1]).tolist() == corrected[::-1].tolist()


@pytest.mark.parametrize("values", [[], [0.5, 1.2], [-0.1], [np.nan], [[0.5]], 0.5])
def test_bad_p_values_are_refused(values) -> None:
    """None, above one, below zero, no number, a table, a single one without a list."""
    with pytest.raises(ConfigError, match="`p_values`"):
        holm(values)


# Verdict


@pytest.mark.parametrize(
    ("low", "high", "p_value", "smallest", "expected"),
    [
        (0.5, 2.0, 0.01, 0.0, "better"),
        (-2.0, -0.5, 0.01, 0.0, "worse"),
        (0.5, 2.0, 0.05, 0.0, "better"),  # at most 0.05
        (0.5, 2.0, 0.06, 0.0, "inconclusive"),  # many comparisons take it back
        (-0.1, 2.0, 0.01, 0.0, "inconclusive"),  # test and interval do not agree
        (-2.0, 0.0, 0.01, 0.0, "inconclusive"),  # zero is not below zero
        (-0.5, 0.9, 0.60, 1.0, "equivalent"),
        (-1.0, 1.0, 0.60, 1.0, "equivalent"),  # the ends belong to it
        (-0.5, 1.1, 0.60, 1.0, "inconclusive"),
        (0.2, 0.4, 0.01, 1.0, "equivalent"),  # certain, and of no interest
        (0.2, 1.4, 0.01, 1.0, "better"),
        (0.0, 0.0, 1.00, 0.0, "equivalent"),  # alike in every world
    ],
)
def test_verdict_table(low, high, p_value, smallest, expected) -> None:
    """Each rule and each of its edges."""
    given = verdict(Interval((low + high) / 2, low, high), p_value, smallest_difference=smallest)
    assert given == expected


def test_bad_arguments_of_a_verdict_are_refused() -> None:
    """A smallest difference below zero or without end, a p-value that is none."""
    one = Interval(0.0, -1.0, 1.0)
    for smallest in (-1.0, np.inf, np.nan):
        with pytest.raises(ConfigError, match="`smallest_difference`"):
            verdict(one, 0.5, smallest_difference=smallest)
    for p_value in (-0.1, 1.1, np.nan):
        with pytest.raises(ConfigError, match="`corrected_p`"):
            verdict(one, p_value)


# Comparisons


def test_identical_agents_differ_by_exactly_zero_and_are_equivalent() -> None:
    """Deterministic rules that decide alike: no width, p-value 1, no smallest difference needed."""
    scores = {"a": np.random.default_rng(0).normal(size=(10, 8)), "b": np.full((3, 1), 0.1)}
    twin = {name: one.copy() for name, one in scores.items()}
    found = compare({"twin": (twin, scores)})
    assert found["twin"].difference == Interval(0.0, 0.0, 0.0)
    assert found["twin"].corrected_p == 1.0
    assert found["twin"].verdict == "equivalent"


def test_comparisons_with_a_reference_are_corrected_together() -> None:
    """Ten seeds all better: p = 2/1024 each, times three for the smallest of three."""
    rng = np.random.default_rng(0)
    worlds = rng.normal(0.0, 10.0, size=(10, 8))
    agents = {
        "much": worlds + rng.normal(5.0, 0.5, size=(10, 8)),
        "less": worlds - rng.normal(5.0, 0.5, size=(10, 8)),
        "noise": worlds + rng.normal(0.0, 0.5, size=(10, 1)),
    }
    found = compare({name: (scores, worlds) for name, scores in agents.items()})
    assert list(found) == ["much", "less", "noise"]
    assert [one.verdict for one in found.values()] == ["better", "worse", "inconclusive"]
    assert found["much"].test.p_value == 2 / 1024
    assert found["much"].corrected_p == found["less"].corrected_p == pytest.approx(6 / 1024)


def test_a_difference_of_no_interest_is_told_as_such() -> None:
    """The first of each pair less the second, corrected for the three of them."""
    scores = np.random.default_rng(0).normal(size=(10, 4))
    pairs = {lead: (scores + lead, scores) for lead in (3.0, 2.0, -1.0)}
    found = compare(pairs, smallest_difference=1.5, **FEW)
    assert list(found) == list(pairs)
    assert [round(one.difference.estimate, 6) for one in found.values()] == [3.0, 2.0, -1.0]
    assert [one.verdict for one in found.values()] == ["better", "better", "equivalent"]
    assert {one.corrected_p for one in found.values()} == {6 / 1024}


def test_same_seed_same_comparisons() -> None:
    """Frozen results that can be told apart and compared as a whole."""
    x, y = np.random.default_rng(0).normal(size=(2, 8, 4))
    assert compare({"pair": (x, y)}, seed=1) == compare({"pair": (x, y)}, seed=1)
    assert compare({"pair": (x, y)}, seed=1) != compare({"pair": (x, y)}, seed=2)


def test_five_seeds_allow_no_verdict_but_equivalence() -> None:
    """The test cannot get below 0.0625, however large the lead."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(100.0, 1.0, size=(5, 8)), rng.normal(size=(5, 8))
    found = compare({"pair": (x, y)})["pair"]
    assert found.difference.low > 90.0
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[1.0], [np.nan]], [[1.0], [2.0]], "finite"),
        ([[1.0], [2.0]], [[1.0], [2.0], [3.0]], "one shape"),
        ({"a": [[1.0], [2.0]]}, {"b": [[1.0], [2.0]]}, "same tracks"),
        ([[1.0]], [[2.0]], "at least 2 seeds"),  # an interval needs two, the test does not
    ],
)
def test_bad_pairs_are_refused(x, y, message) -> None:
    """Values that cannot be compared entry by entry are refused."""
    with pytest.raises(ConfigError, match=message):
        paired_difference(x, y)
    if "seeds" not in message:
        with pytest.raises(ConfigError, match=message):
            sign_flip_test(x, y)


def test_nothing_to_compare_gives_nothing_and_too_few_draws_are_refused() -> None:
    """One agent alone has no comparison."""
    assert compare({}) == {}
    with pytest.raises(ConfigError, match="`resamples`"):
        sign_flip_test([[1.0]], [[2.0]], resamples=5)
