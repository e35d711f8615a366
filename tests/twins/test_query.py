"""Asking a policy: labels are its decisions, states are others than those of a log."""

import numpy as np
import pytest

from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import RolloutPolicy, make_policy
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, clone, query, record

CASES = [
    ("contention", "density", None, "visited"),
    ("contention", "reservation", "slot", "feasible"),
    ("contention", "reservation", None, "feasible"),
    ("tic-pick", "edf", "pick", "visited"),
    ("sync-small", "oldest-first", None, "visited"),
]


@pytest.mark.parametrize(("preset", "name", "form", "states"), CASES)
def test_labels_are_the_decisions_of_the_policy(preset, name, form, states):
    """Another policy of the same make answers the same in every state."""
    scenario = load(preset)
    form = "slice" if form == "slot" else form  # `reservation` is tuned for it
    log = query(make_policy(name, scenario, form), scenario, 300, 3, action=form, states=states)
    policy = make_policy(name, scenario, form)
    policy.reset(0)
    assert len(log) == 300
    assert log.policy == name
    assert log.actions.tolist() == policy.actions(log.observations, log.masks).tolist()


def test_queries_differ_by_seed_alone():
    """The same seed asks in the same states, another one in others."""
    scenario, policy = load("contention"), make_policy("density", "contention")
    for states in ("visited", "feasible"):
        first, again, other = (
            query(policy, scenario, 100, seed, states=states).observations for seed in (1, 1, 2)
        )
        np.testing.assert_array_equal(first, again)
        assert (first != other).any()


def test_perturbed_states_are_others_than_those_of_the_log():
    """With every decision drawn, `fifo` is asked in networks that are less full."""
    scenario, policy = load("contention"), make_policy("fifo", "contention")
    logged = record(policy, scenario, 2_000, num_networks=8).observations
    asked = query(policy, scenario, 2_000, random_share=1.0).observations
    assert asked[:, 0].mean() > logged[:, 0].mean() + 0.02  # the free share of the radio


def test_clone_learns_from_queries_alone_and_beside_a_log():
    """Asked over all feasible states, it decides nearly as the policy does in any of them."""
    scenario, policy = load("contention"), make_policy("density", "contention")
    fresh = query(policy, scenario, 1_000, 9, states="feasible")
    asked = query(policy, scenario, 1_000, 1, states="feasible")
    alone = clone(asked, scenario, settings=CloneSettings())
    log = record(policy, scenario, 50)
    both = clone(log, scenario, synthetic=asked)
    for twin in (alone, both):
        answers = twin.actions(fresh.observations, fresh.masks)
        assert (answers == fresh.actions).mean() > 0.93


@pytest.mark.parametrize(
    ("preset", "name", "form"),
    [
        ("contention", "random", None),
        ("access-small-45", "genie", None),
    ],
)
def test_policy_that_uses_more_than_the_state_is_refused(preset, name, form):
    """Chance and hidden state."""
    with pytest.raises(ConfigError, match="function of observation and mask"):
        query(make_policy(name, preset, form), load(preset), 50, action=form)


@pytest.mark.parametrize("states", ["visited", "feasible"])
def test_policy_with_memory_is_refused(states):
    """Every second call it waits."""

    class Hesitant:
        name = "hesitant"

        def __init__(self):
            self._rule, self._calls = make_policy("density", "contention"), 0

        def reset(self, seed):
            self._calls = 0

        def actions(self, observations, masks):
            self._calls += 1
            usual = self._rule.actions(observations, masks)
            return usual if self._calls % 2 else np.full_like(usual, 4)

    with pytest.raises(ConfigError, match="'hesitant' answers otherwise"):
        query(Hesitant(), load("contention"), 50, states=states)


def test_rollout_is_refused():
    """It copies what is hidden."""
    rollout = RolloutPolicy(make_policy("density", "contention"), lookahead_s=1.0)
    with pytest.raises(ConfigError, match="hidden from agents"):
        query(rollout, load("contention"), 50)


def test_arguments_out_of_range_are_refused():
    """No states, a share that is none, an unknown choice, amounts, and states nobody can draw."""
    scenario, policy = load("contention"), make_policy("density", "contention")
    for arguments in ({"count": 0}, {"count": 5, "random_share": 1.5}, {"count": 5, "seed": -1}):
        with pytest.raises(ConfigError):
            query(policy, scenario, **arguments)
    with pytest.raises(UnknownNameError, match="visited"):
        query(policy, scenario, 5, states="vissited")
    with pytest.raises(ConfigError, match="discrete"):
        query(make_policy("edf", "tic-small-45"), load("tic-small-45"), 5)
    with pytest.raises(ConfigError, match="cannot draw feasible states"):
        query(make_policy("edf", "tic-pick", "pick"), load("tic-pick"), 5, action="pick",
              states="feasible")  # fmt: skip
