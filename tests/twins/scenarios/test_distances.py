"""Distances between samples, the power of their test, and copies of history."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.scenarios.distances import Copying, copying, energy_distance, two_sample_test


def drawn(seed: int, count: int = 60, shift: float = 0.0) -> np.ndarray:
    """A sample of a normal law in three dimensions."""
    return np.random.default_rng(seed).standard_normal((count, 3)) * [1.0, 5.0, 0.1] + shift


def test_the_energy_distance_of_normal_laws_is_the_known_one():
    """In one dimension, for a shift d of unit normals: 2E|N(d,2)| - 4/sqrt(pi)."""
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((4000, 1)), rng.standard_normal((4000, 1)) + 1.0
    from scipy.stats import foldnorm

    expected = 2 * foldnorm.mean(1 / np.sqrt(2), scale=np.sqrt(2)) - 4 / np.sqrt(np.pi)
    assert energy_distance(x, y) == pytest.approx(expected, rel=0.1)


def test_equal_laws_pass_as_often_as_the_level_says():
    """Of 200 tests of samples of one law about 5 % have a p-value of at most 5 %."""
    rng = np.random.default_rng(2)
    refused = 0
    for seed in range(200):
        comparison = two_sample_test(
            drawn(2 * seed, 20), drawn(2 * seed + 1, 20), rng, num_permutations=99,
            num_power_draws=1,
        )  # fmt: skip
        refused += comparison.p_value <= 0.05
    assert 2 <= refused <= 20


def test_another_law_is_seen_and_the_power_grows_with_the_samples():
    """A shift of one standard deviation; and what few points cannot see is said."""
    rng = np.random.default_rng(3)
    far = two_sample_test(drawn(1) + np.array([1.0, 5.0, 0.1]), drawn(2), rng)
    assert far.p_value <= 0.01
    few = two_sample_test(drawn(1, 6), drawn(2, 6), rng)
    many = two_sample_test(drawn(1, 200), drawn(2, 200), rng, num_power_draws=40)
    assert few.power < 0.6
    assert many.power > 0.95
    assert many.power > few.power


def test_the_scale_of_a_coordinate_does_not_matter():
    """Seconds or milliseconds give the same answer."""
    scale = np.array([1000.0, 1.0, 1e-3])
    one, other = (
        two_sample_test(first, second, np.random.default_rng(4), num_power_draws=1)
        for first, second in ((drawn(1), drawn(2)), (drawn(1) * scale, drawn(2) * scale))
    )
    assert one.distance == pytest.approx(other.distance)
    assert one.p_value == other.p_value


def test_distances_are_in_standard_deviations_of_the_second_sample():
    """However wide the first one is; the least p-value is one of all divisions."""
    wide, usual = 5.0 * drawn(1, 20, 3.0), drawn(2, 40)
    comparison = two_sample_test(
        wide, usual, np.random.default_rng(5), num_permutations=199, num_power_draws=1
    )
    scale = usual.std(0)
    assert comparison.distance == pytest.approx(energy_distance(wide / scale, usual / scale))
    assert comparison.p_value == 1 / 200


def test_the_power_is_that_of_samples_of_these_sizes_and_of_the_effect():
    """Six points beside 150 see little; no effect is seen as often as the level says."""
    rng = np.random.default_rng(6)
    few = two_sample_test(drawn(1, 6), drawn(2, 150), rng, num_permutations=1)
    assert few.power < 0.75
    none = two_sample_test(drawn(1, 40), drawn(2, 40), rng, num_permutations=1, effect=0.0)
    assert none.power < 0.2
    assert none.effect == 0.0
    far = two_sample_test(drawn(1, 40), drawn(2, 40), rng, num_permutations=1, effect=1.5)
    assert far.power > 0.95


def test_equal_points_are_no_evidence():
    """Where all divisions are alike, the p-value is one."""
    same = np.ones((6, 2))
    comparison = two_sample_test(same, same, np.random.default_rng(7), num_permutations=50)
    assert (comparison.distance, comparison.p_value) == (0.0, 1.0)


def test_the_nearest_neighbour_test_by_hand():
    """History at 0, 10, 20 and 30; what is held out lies 2 away, so that 1 away is close."""
    history = np.array([[0.0], [10.0], [20.0], [30.0]])
    held_out = history + np.array([[2.0], [2.1], [2.2], [2.3]])
    close = history + np.array([[1.0], [1.1], [1.2], [1.3]])
    copies = copying(close, history, held_out)
    assert (copies.share_closer, copies.expected, copies.exact_copies) == (1.0, 0.5, 0)
    assert copies.p_value == pytest.approx(1 / 70)  # of all orders of four and four
    one = copying(np.array([[1.0], [12.5], [23.0], [33.5]]), history, held_out)
    assert one.share_closer == 0.25
    assert one.p_value == pytest.approx(63 / 70)  # 12 of 16 pairs the wrong way round
    scale = np.array([[1e-3]])
    assert copying(close * scale, history * scale, held_out * scale) == copies


def test_a_coordinate_that_never_varies_does_not_drown_the_others():
    """Its rounding is no spread."""
    rng = np.random.default_rng(8)
    steady = np.full((60, 1), 0.1) + 1e-16 * np.arange(60)[:, None]
    history, came = (np.hstack([drawn(seed, 60), steady]) for seed in (1, 2))
    near = np.hstack([drawn(1, 60) + 0.01, steady + 1e-12])
    assert copying(near, history, came).is_copy
    assert two_sample_test(near, history, rng, num_permutations=50).p_value > 0.1


def test_honest_generators_are_seldom_called_copiers_however_many_points_they_draw():
    """The noise of few held-out windows counts."""
    wrong = sum(
        copying(drawn(seed, 160), drawn(seed + 500, 60), drawn(seed + 900, 20)).is_copy
        for seed in range(10, 110)
    )
    assert wrong <= 4


def test_the_unit_of_a_coordinate_does_not_hide_a_copy():
    """Nearness counts in standard deviations of the history."""
    scale = np.array([1000.0, 1.0, 1e-3])
    one = copying(drawn(3), drawn(1), drawn(2))
    assert copying(drawn(3) * scale, drawn(1) * scale, drawn(2) * scale) == one


def test_a_copy_is_an_exact_one_or_what_chance_hardly_gives():
    """One in a hundred is the level."""
    assert Copying(0.6, 0.5, 0.009, 0).is_copy
    assert not Copying(0.6, 0.5, 0.011, 0).is_copy
    assert Copying(0.1, 0.5, 1.0, 1).is_copy


def test_a_generator_that_copies_its_history_is_found_out():
    """Exact copies and copies with a little noise are; honest draws of the law are not."""
    history, held_out = drawn(1, 200), drawn(2, 100)
    rng = np.random.default_rng(5)
    again = history[rng.integers(200, size=60)]
    exact = copying(again, history, held_out)
    assert exact.exact_copies == 60
    assert exact.is_copy
    noisy = copying(again + 0.05 * rng.standard_normal((60, 3)) * [1, 5, 0.1], history, held_out)
    assert noisy.is_copy
    assert noisy.share_closer > 0.8
    wrong = sum(copying(drawn(seed, 60), history, held_out).is_copy for seed in range(10, 40))
    assert wrong <= 4


@pytest.mark.parametrize(
    "pair",
    [
        (drawn(1, 3), drawn(2)),
        (drawn(1), drawn(2)[:, :2]),
        (np.full((5, 3), np.nan), drawn(2)),
    ],
)
def test_samples_that_cannot_be_compared_are_refused(pair):
    """Too few points, other coordinates, or not finite."""
    with pytest.raises(ConfigError):
        energy_distance(*pair)
    with pytest.raises(ConfigError):
        two_sample_test(*pair, np.random.default_rng(0))
    with pytest.raises(ConfigError):
        copying(pair[0], pair[1], pair[1])


def test_sizes_that_take_too_long_are_refused():
    """More than 5,000 points, no permutation, no draw."""
    with pytest.raises(ConfigError, match="5,000 points"):
        energy_distance(np.zeros((5001, 1)), np.zeros((5, 1)))
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="permutations"):
        two_sample_test(drawn(1), drawn(2), rng, num_permutations=0)
    with pytest.raises(ConfigError, match="permutations"):
        two_sample_test(drawn(1), drawn(2), rng, num_power_draws=0)
