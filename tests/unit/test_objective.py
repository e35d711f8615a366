"""The objective of equations (1) to (7): who is prioritised, and what the weights obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import (
    INDICATORS,
    SCENARIO_OBJECTIVES,
    Demand,
    KpiObjective,
    Thresholds,
)

DEMANDS = st.builds(
    Demand,
    num_devices=st.none() | st.integers(0, 2000),
    latency_s=st.none() | st.floats(1e-5, 1.0),
    accuracy=st.none() | st.floats(0.0, 1.0),
)


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        ({}, set()),
        ({"num_devices": 50}, set()),
        ({"num_devices": 51}, {"density", "deadline"}),
        ({"latency_s": 0.9e-3}, set()),
        ({"latency_s": 0.89e-3}, {"latency", "deadline"}),
        ({"accuracy": 0.97}, set()),
        ({"accuracy": 0.98}, {"density", "buffer"}),
        ({"num_devices": 51, "accuracy": 0.98}, {"density", "deadline", "buffer"}),
        ({"num_devices": 51, "latency_s": 0.89e-3}, {"density", "deadline", "latency"}),
    ],
)
def test_the_cases_of_equation_1_are_strict_and_unite(demand, expected):
    """A small network of exactly 50 devices is not prioritised; several cases prioritise all."""
    assert KpiObjective(demand=Demand(**demand)).prioritised == expected


@given(demand=DEMANDS, share=st.floats(0.01, 0.99), seed=st.integers(0, 2**40))
def test_weights_obey_equations_4_6_and_7(demand, share, seed):
    """They add up to one, are positive, and each prioritised one is larger than each other one."""
    objective = KpiObjective(demand=demand, prioritised_share=share)
    weights = objective.weights(seed)
    assert weights.shape == (4,)
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    assert (weights > 0.0).all()
    first = np.array([name in objective.prioritised for name in INDICATORS])
    if first.any() and not first.all():
        assert weights[first].min() > weights[~first].max()


def test_weights_are_drawn_from_the_given_seed():
    """The same seed gives the same weights, another one others; without priorities too."""
    for objective in SCENARIO_OBJECTIVES.values():
        assert (objective.weights(3) == objective.weights(3)).all()
        assert (objective.weights(3) != objective.weights(4)).any()


def test_random_weights_are_even_on_the_simplex():
    """Where nothing is prioritised each weight is a quarter on average, with variance 3/80."""
    drawn = np.array([KpiObjective().weights(seed) for seed in range(4000)])
    assert drawn.mean(0) == pytest.approx(0.25, abs=0.015)
    assert drawn.var(0) == pytest.approx(3 / 80, rel=0.1)


def test_prioritised_indicators_share_four_fifths_and_the_others_the_rest_at_random():
    """By default; of two others each has half of the rest on average, anywhere from nothing on."""
    objective = SCENARIO_OBJECTIVES["high-density"]
    drawn = np.array([objective.weights(seed) for seed in range(2000)])
    assert drawn[:, :2] == pytest.approx(0.4)
    assert drawn[:, 2:].mean(0) == pytest.approx(0.1, abs=0.005)
    assert drawn[:, 2:].std(0) == pytest.approx(0.2 / np.sqrt(12), rel=0.05)


def test_the_scenarios_of_the_paper_prioritise_what_it_says():
    """Nothing, a dense network, an accurate twin."""
    prioritised = {name: one.prioritised for name, one in SCENARIO_OBJECTIVES.items()}
    assert prioritised == {
        "base": set(),
        "high-density": {"density", "deadline"},
        "synchronisation": {"density", "buffer"},
    }


def test_the_value_is_the_weighted_sum():
    """All indicators at their best give 1, and one alone gives its weight."""
    objective = SCENARIO_OBJECTIVES["high-density"]
    assert objective.value(dict.fromkeys(INDICATORS, 1.0), 5) == pytest.approx(1.0)
    alone = {name: float(name == "latency") for name in INDICATORS}
    assert objective.value(alone, 5) == pytest.approx(objective.weights(5)[2])


@pytest.mark.parametrize(
    ("indicators", "words"),
    [
        ({"density": 1.0}, "missing"),
        (dict.fromkeys(INDICATORS, 1.5), "0 to 1"),
        (dict.fromkeys(INDICATORS, -0.5), "0 to 1"),
        (dict.fromkeys(INDICATORS, float("nan")), "0 to 1"),
        ({**dict.fromkeys(INDICATORS, 1.0), "densety": 1.0}, "density"),
    ],
)
def test_values_that_are_none_are_refused(indicators, words):
    """Missing, unknown, out of range or not a number: said with what is allowed."""
    with pytest.raises(ConfigError, match=words):
        KpiObjective().value(indicators, 0)


def test_thresholds_and_demands_are_bounded():
    """Neither takes what is not finite or makes no sense."""
    with pytest.raises(ConfigError):
        Thresholds(latency_s=0.0)
    with pytest.raises(ConfigError):
        Demand(accuracy=1.2)
    with pytest.raises(ConfigError):
        KpiObjective().weights(-1)
