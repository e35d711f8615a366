"""The bisimulation distance: closed forms, its bound on values, and twins that drift away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import linprog

from twin_gym.environments.slice_admission.theory.bisimulation import (
    TabularModel,
    admission_model,
    bisimulation_distances,
)
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load


def absorbing(reward: float) -> TabularModel:
    """One state that pays for ever."""
    return TabularModel(np.ones((1, 1, 1)), np.array([[reward]]))


def drawn(seed: int, states: int = 5, actions: int = 2) -> TabularModel:
    """A model at random."""
    rng = np.random.default_rng(seed)
    return TabularModel(
        rng.dirichlet(np.ones(states), (states, actions)), rng.normal(size=(states, actions))
    )


def test_two_states_that_pay_for_ever_differ_by_the_discounted_gap():
    """|r - r'| / (1 - gamma), the only fixed point."""
    distances = bisimulation_distances(absorbing(1.0), absorbing(3.5), 0.9)
    assert distances == pytest.approx(np.array([[25.0]]))


def test_a_coin_between_two_absorbing_states_is_the_known_distance():
    """Paying 1 for ever with probability p or q: gamma |p - q| / (1 - gamma) at the start."""

    def coin(chance: float) -> TabularModel:
        steps = np.zeros((3, 1, 3))
        steps[0, 0] = [0.0, chance, 1.0 - chance]
        steps[1, 0, 1] = steps[2, 0, 2] = 1.0
        return TabularModel(steps, np.array([[0.0], [1.0], [0.0]]))

    distances = bisimulation_distances(coin(0.7), coin(0.4), 0.8)
    assert distances[0, 0] == pytest.approx(0.8 * 0.3 / 0.2)
    assert distances[1, 2] == pytest.approx(1.0 / 0.2)
    assert distances[1, 1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("seed", range(2))
def test_it_is_the_fixed_point_and_bounds_the_values(seed):
    """Distances of models at random: symmetric, and never less than the difference of values."""
    one, other = drawn(seed), drawn(seed + 100)
    distances = bisimulation_distances(one, other, 0.7)
    back = bisimulation_distances(other, one, 0.7)
    assert distances == pytest.approx(back.T, abs=1e-6)
    gap = np.abs(one.best_values(0.7)[:, None] - other.best_values(0.7)[None, :])
    assert (gap <= distances + 1e-6).all()
    assert bisimulation_distances(one, one, 0.7).diagonal() == pytest.approx(0.0, abs=1e-7)


def transport(costs: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """The Wasserstein distance, by a linear program over all pairs."""
    rows, columns = costs.shape
    marginals = [
        *(np.repeat(np.eye(rows)[k], columns) for k in range(rows)),
        *(np.tile(np.eye(columns)[k], rows) for k in range(columns)),
    ]
    solved = linprog(costs.ravel(), A_eq=np.array(marginals), b_eq=np.concatenate([first, second]))
    return float(solved.fun)


def test_distances_of_models_of_other_sizes_satisfy_their_equation():
    """Three states against five: the worst action's gap and transport, under themselves."""
    one, other = drawn(11, states=3), drawn(12, states=5)
    distances = bisimulation_distances(one, other, 0.8)
    assert distances.shape == (3, 5)
    for s, t in np.ndindex(3, 5):
        expected = max(
            abs(one.rewards[s, a] - other.rewards[t, a])
            + 0.8 * transport(distances, one.transitions[s, a], other.transitions[t, a])
            for a in range(2)
        )
        assert distances[s, t] == pytest.approx(expected, abs=1e-6)


def test_the_best_values_are_those_of_the_best_action():
    """One state, pay 1 or 3 for ever."""
    model = TabularModel(np.ones((1, 2, 1)), np.array([[1.0, 3.0]]))
    assert model.best_values(0.9) == pytest.approx([30.0])


def test_the_table_of_two_slices_is_that_of_their_rates():
    """Five units, two slices: 21 states; who is admitted, who goes, and what is earned."""
    model = admission_model(load("teletraffic-small"), 20.0)
    assert len(model.states) == 21
    at = {state: place for place, state in enumerate(model.states)}
    here = at[2, 1]
    expected = {(3, 1): 4.0, (2, 2): 2.0, (1, 1): 2.0, (2, 0): 1.0, (2, 1): 11.0}
    for state, rate_hz in expected.items():
        assert model.transitions[here, 3, at[state]] == pytest.approx(rate_hz / 20.0)
    assert model.rewards[here] == pytest.approx([0.0, 2.0 * 5.0 / 20, 4.0 / 20, 14.0 / 20])
    assert model.transitions[here, 1, at[3, 1]] == 0.0
    full = at[4, 1]
    assert model.rewards[full] == pytest.approx(0.0)
    assert model.transitions[full, 3, full] == pytest.approx(1.0 - 5.0 / 20.0)


def test_what_fits_by_a_fraction_fits():
    """Three calls of 0.1 in a capacity of 0.3, whatever their sum as a float."""
    base = load("teletraffic-erlang-5-10")
    change = {"capacity.units": 0.3, f"slices.{base.slices[0].name}.demand.units": 0.1}
    assert admission_model(changed(base, change), 30.0).states == ((0,), (1,), (2,), (3,))


def test_equal_states_under_other_names_are_at_distance_zero():
    """A permutation of the states is found."""
    one = drawn(7)
    order = np.array([3, 0, 4, 1, 2])
    other = TabularModel(one.transitions[order][:, :, order], one.rewards[order])
    distances = bisimulation_distances(one, other, 0.6)
    assert distances[order, np.arange(5)] == pytest.approx(0.0, abs=1e-7)


def test_a_twin_with_other_rates_is_further_away_the_more_they_differ():
    """A one-slice loss system against twins whose arrivals are 5, 20 and 50 % off."""
    base = changed(load("teletraffic-erlang-5-10"), {"capacity.units": 5.0})
    rate_hz = base.slices[0].arrival_rate_hz
    path = f"slices.{base.slices[0].name}.arrival_rate_hz"
    event_rate_hz = 2 * rate_hz + 5 / base.slices[0].mean_holding_time_s
    model = admission_model(base, event_rate_hz)
    largest = []
    for off in (0.0, 0.05, 0.2, 0.5):
        twin = changed(base, {path: rate_hz * (1.0 + off)})
        other = admission_model(twin, event_rate_hz)
        distances = bisimulation_distances(model, other, 0.95)
        gap = np.abs(model.best_values(0.95) - other.best_values(0.95))
        assert (gap <= distances.diagonal() + 1e-6).all()
        largest.append(distances.diagonal().max())
    assert largest[0] == pytest.approx(0.0, abs=1e-7)
    assert largest == sorted(largest)
    assert largest[3] > 5 * largest[1]


def test_the_table_of_a_loss_system_has_the_erlang_formula_in_it():
    """Its stationary law under "admit all" blocks as Erlang B says: 5 erlang on 10 servers."""
    base = load("teletraffic-erlang-5-10")
    one = base.slices[0]
    model = admission_model(base, one.arrival_rate_hz + 10.0 / one.mean_holding_time_s)
    steps = model.transitions[:, 1]
    law = np.linalg.matrix_power(steps, 4096)[0]
    assert law[-1] == pytest.approx(0.018385, rel=1e-3)


def test_what_is_no_model_or_too_large_is_refused():
    """Probabilities that do not add up, other actions, a discount of 1, a large network."""
    with pytest.raises(ConfigError, match="add up"):
        TabularModel(np.full((2, 1, 2), 0.4), np.zeros((2, 1)))
    with pytest.raises(ConfigError, match="actions"):
        bisimulation_distances(drawn(1), drawn(2, actions=3), 0.5)
    with pytest.raises(ConfigError, match="discount"):
        bisimulation_distances(drawn(1), drawn(2), 1.0)
    with pytest.raises(ConfigError, match="more often"):
        admission_model(load("teletraffic-erlang-5-10"), 1e-3)
    with pytest.raises(TooLargeError):
        admission_model(load("contention"), 1e3)
    with pytest.raises(ConfigError, match="add up"):
        TabularModel(np.array([[[1.5, -0.5]], [[0.0, 1.0]]]), np.zeros((2, 1)))
    with pytest.raises(ConfigError, match="finite"):
        TabularModel(np.ones((1, 1, 1)), np.array([[np.nan]]))
    with pytest.raises(ConfigError, match=r"got \(1, 1, 1\) and \(1, 2\)"):
        TabularModel(np.ones((1, 1, 1)), np.zeros((1, 2)))


def test_models_that_take_too_long_are_refused():
    """More than 64 states, or more than 200,000 transport problems."""
    with pytest.raises(TooLargeError, match="65 by 1 states"):
        bisimulation_distances(drawn(1, 65, 1), absorbing(0.0), 0.5)
    many = TabularModel(np.tile(np.eye(64)[:, None], (1, 50, 1)), np.zeros((64, 50)))
    with pytest.raises(TooLargeError, match="204800 transport problems"):
        bisimulation_distances(many, many, 0.5)
    base = load("teletraffic-erlang-5-10")
    assert len(admission_model(changed(base, {"capacity.units": 63.0}), 100.0).states) == 64
    with pytest.raises(TooLargeError, match="65 states"):
        admission_model(changed(base, {"capacity.units": 64.0}), 100.0)
