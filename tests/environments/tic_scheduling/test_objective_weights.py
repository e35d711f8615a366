"""The scheduler whose weights come from an objective."""

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.observation import WEIGHT_NAMES, field_names
from twin_gym.environments.tic_scheduling.policies import ConstantWeights, ObjectiveWeights
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import INDICATORS, SCENARIO_OBJECTIVES, Demand, KpiObjective

BASE, NOTHING = KpiObjective(), np.ones((1, 0), np.int8)


def seen(*times):
    """Observations of rows, 0 but for the share of the episode that is over."""
    observations = np.zeros((len(times), len(field_names())), np.float32)
    observations[:, field_names().index("time")] = times
    return observations


def weights_of(policy, *times):
    """The weights that the policy gives rows at these times."""
    return policy.actions(seen(*times), NOTHING)


def test_weights_are_in_the_order_of_the_action():
    """Density, deadline, latency, buffer: of the objective, and of the scheduler."""
    assert WEIGHT_NAMES == INDICATORS


@pytest.mark.parametrize(
    ("demand", "first"),
    [
        ({"num_devices": 51}, {"density", "deadline"}),
        ({"latency_s": 0.5e-3}, {"latency", "deadline"}),
        ({"accuracy": 0.98}, {"density", "buffer"}),
    ],
)
def test_what_is_asked_decides_who_goes_first(demand, first):
    """A dense, an urgent and an accurate network, by equation (1); the same in every episode."""
    policy = ObjectiveWeights(KpiObjective(demand=Demand(**demand)), seed=2)
    policy.reset(5)
    given = weights_of(policy, 0.0, 0.5, 0.0)
    assert given.shape == (3, 4)
    assert (given == given[0]).all()
    assert {INDICATORS[k] for k in np.argsort(given[0])[-2:]} == first
    assert given[0].sum() == pytest.approx(1.0)
    policy.reset(6)
    assert np.array_equal(weights_of(policy, 0.0, 0.0, 0.0), given)


def test_exactly_fifty_devices_are_not_prioritised():
    """The threshold is strict: the weights are drawn, and differ from episode to episode."""
    at, above = (
        ObjectiveWeights(KpiObjective(demand=Demand(num_devices=number))) for number in (50, 51)
    )
    assert not np.allclose(*weights_of(at, 0.0, 0.0))
    assert np.allclose(*weights_of(above, 0.0, 0.0))


def test_drawn_weights_last_an_episode():
    """They change where a row begins anew, and there alone."""
    policy = ObjectiveWeights(BASE)
    policy.reset(3)
    first = weights_of(policy, 0.0, 0.0)
    assert np.array_equal(weights_of(policy, 0.1, 0.9), first)
    later = weights_of(policy, 0.2, 0.0)
    assert np.array_equal(later[0], first[0])
    assert not np.allclose(later[1], first[1])
    policy.reset(3)
    assert np.array_equal(weights_of(policy, 0.0, 0.0), first)
    assert np.allclose(first.sum(axis=1), 1.0)


def test_drawn_weights_do_not_depend_on_the_other_rows():
    """Row 1 of one seed is row 0 of the next; another seed of the policy draws others."""
    policy = ObjectiveWeights(BASE)
    policy.reset(3)
    together = weights_of(policy, 0.0, 0.0, 0.0)
    policy.reset(4)
    assert np.array_equal(weights_of(policy, 0.0)[0], together[1])
    other = ObjectiveWeights(BASE, seed=1)
    other.reset(3)
    assert not np.allclose(weights_of(other, 0.0, 0.0, 0.0), together)


def test_negative_seed_is_refused():
    """When it is made."""
    with pytest.raises(ConfigError, match="0 or more"):
        ObjectiveWeights(KpiObjective(), seed=-1)


@pytest.mark.parametrize("name", list(SCENARIO_OBJECTIVES))
def test_objectives_of_the_paper_have_names(name):
    """Each is a rule of the weights form, and none of the pick form."""
    scenario = load("tic-pick")
    policy = make_policy(f"objective-{name}", scenario)
    assert policy.name == f"objective-{name}"
    assert policy.objective is SCENARIO_OBJECTIVES[name]
    with pytest.raises(ConfigError, match="action='pick'"):
        make_policy(f"objective-{name}", scenario, "pick")


def test_the_weights_reach_the_scheduler():
    """The same trajectories as constant weights of the same numbers; others with other ones."""
    scenario = load("tic-small-70").replace(horizon_s=0.02)
    objective = SCENARIO_OBJECTIVES["high-density"]
    mine = evaluate(ObjectiveWeights(objective, seed=4), scenario, [1, 2])
    constant = ConstantWeights("same", tuple(objective.weights(4).tolist()))
    assert evaluate(constant, scenario, [1, 2]).trajectory == mine.trajectory
    drawn = [evaluate(ObjectiveWeights(BASE, seed), scenario, [1, 2]) for seed in (0, 0, 1)]
    assert drawn[0].trajectory == drawn[1].trajectory
    assert len({one.trajectory for one in (mine, drawn[0], drawn[2])}) == 3
