"""Support vector machines of truck routing: what they tell, how they are fitted and kept."""

import builtins
import json

import numpy as np
import pytest

from twin_gym.environments.truck_routing.bins import DrawnBins
from twin_gym.environments.truck_routing.policies import svm, svm_fitting
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.policies import evaluate, make_policy, world_seeds


def town(**changes):
    """Twelve bins that take two days to fill."""
    bins = DrawnBins(count=12, seed=3, width_m=2e3, height_m=2e3, median_inflow_l_per_h=4.5)
    return TruckScenario(name="town", horizon_s=3 * DAY_S, bins=bins).replace(**changes)


@pytest.fixture(scope="module")
def examples():
    """Bins of four worlds, and what became of them."""
    return svm_fitting.fill_examples(town(), world_seeds("train", 4))


@pytest.fixture(scope="module")
def decisions():
    """Stops of a planner in two worlds."""
    return svm_fitting.route_examples(town(), world_seeds("train", 2))


def test_machine_of_bins_tells_what_overflows(examples):
    """In other worlds, 70 of a hundred on either side, 80 on average; guessing has 50."""
    machine = svm_fitting.fit_fill(examples)
    others = svm_fitting.fill_examples(town(), world_seeds("validation", 4))
    assert 0.1 < others.needs.mean() < 0.9
    told = svm_fitting.fill_accuracy(machine, others)
    assert min(told) > 0.7
    assert np.mean(told) > 0.8


def test_kept_machine_scores_as_scikit_learn_does():
    """Its numbers alone give the decision function, with the features shifted and scaled."""
    from sklearn.svm import SVC

    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, len(svm.FILL_FEATURES)))
    fitted = SVC(C=3.0, gamma=0.3).fit(features, features[:, 0] * features[:, 1] > 0.1)
    machine = svm.FillMachine(
        mean=(1.0, 2.0, 3.0, 4.0, 5.0), scale=(1.0, 0.5, 2.0, 1.0, 3.0), gamma=0.3,
        intercept=float(fitted.intercept_[0]), weights=tuple(fitted.dual_coef_[0].tolist()),
        vectors=tuple(tuple(one) for one in fitted.support_vectors_.tolist()),
    )  # fmt: skip
    shifted = features * np.array(machine.scale) + np.array(machine.mean)
    np.testing.assert_allclose(machine.scores(shifted), fitted.decision_function(features))


def test_ranking_imitates_the_planner(decisions):
    """More often than the nearest bin would; the same examples give the same weights."""
    machine = svm_fitting.fit_route(decisions)
    assert machine == svm_fitting.fit_route(decisions)
    nearest = svm.ROUTE_FEATURES.index("travel")
    by_way = np.mean([int(one.bins[:, nearest].argmin()) == one.chosen for one in decisions])
    assert svm_fitting.route_accuracy(machine, decisions) > by_way + 0.05


def test_machines_of_the_package_are_whole():
    """They are made again from their numbers, and back."""
    numbers = svm.fitted()
    fill, route = svm.fill_machine(numbers["fill"]), svm.route_machine(numbers["route"])
    assert json.loads(json.dumps(svm.to_json(fill))) == numbers["fill"]
    assert json.loads(json.dumps(svm.to_json(route))) == numbers["route"]
    assert numbers["vectors"] == len(fill.weights) <= svm_fitting.NUM_EXAMPLES


def test_machines_beat_random_where_they_were_not_fitted():
    """A town of none of the training scenarios."""
    seeds = world_seeds("validation", 4)
    of = {
        name: evaluate(make_policy(name, town()), town(), seeds).returns.mean()
        for name in ("random", "svm-fill", "svm-route")
    }
    assert of["svm-fill"] > of["random"]
    assert of["svm-route"] > of["random"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [({"weights": (1.0, 2.0)}, "features"), ({"gamma": float("nan")}, "not finite"),
     ({"vectors": 3}, "not the numbers"), ({"mean": "abc"}, "not the numbers"),
     ({"scale": (0.0,) * 5}, "above 0")],
)  # fmt: skip
def test_faulty_machines_are_refused(changes, match):
    """With what they lack."""
    with pytest.raises(ConfigError, match=match):
        svm.fill_machine({**svm.fitted()["fill"], **changes})


def test_faulty_rankings_are_refused():
    """With what they lack."""
    with pytest.raises(ConfigError, match="has 12 weights, got 1"):
        svm.route_machine({"weights": [1.0]})
    with pytest.raises(ConfigError, match="not the numbers"):
        svm.route_machine({"bins": [1.0]})


def test_missing_scikit_learn_is_named(monkeypatch, examples, decisions):
    """The error has the command that installs it; what is fitted already needs none."""
    real = builtins.__import__

    def without(name, *rest, **named):
        if name.partition(".")[0] == "sklearn":
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    for fit, given in ((svm_fitting.fit_fill, examples), (svm_fitting.fit_route, decisions)):
        with pytest.raises(MissingExtraError, match=r"twin-gym\[routing\]"):
            fit(given)
    assert make_policy("svm-fill", town()).name == "svm-fill"
