"""A twin with the shared network becomes the initial actor; so does one of amounts at a corner."""

from functools import cache

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO

from tests.learning.cases import are_equal, parameters
from tests.twins.kinds import SeenAmountsPolicy
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy
from twin_gym.sb3 import (
    AmountsActorCriticPolicy,
    ModelPolicy,
    SemiMarkovMaskablePPO,
    SharedActorCriticPolicy,
    SharedMaskablePolicy,
    actor_parameters,
    make_vec_env,
    shared_policy_kwargs,
    warm_start,
)
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, clone, record

PICKS = {"tic-pick": "edf", "sync-small": "oldest-first", "truck-grid-20": "svm-fill"}


@cache
def logged(preset):
    """200 decisions of a rule."""
    scenario = load(preset)
    return record(make_policy(PICKS[preset], scenario, "pick"), scenario, 200, action="pick")


@cache
def twin_of(preset):
    """A hasty twin."""
    settings = CloneSettings(max_epochs=3, min_steps=60)
    return clone(logged(preset), load(preset), settings=settings)


def model_of(preset, algorithm=A2C, policy=SharedActorCriticPolicy, **kwargs):
    """A model with the shared scorer."""
    scenario = load(preset)
    env = make_vec_env(kind_named(scenario.kind).id, 2, scenario=scenario, action="pick", seed=0)
    how = {"n_steps": 8, "seed": 0, "policy_kwargs": shared_policy_kwargs(scenario, action="pick")}
    if algorithm is not A2C:
        how["batch_size"] = 16
    return algorithm(policy, env, **(how | kwargs))


@pytest.mark.parametrize("preset", PICKS)
@pytest.mark.parametrize(
    ("algorithm", "policy"),
    [
        (A2C, SharedActorCriticPolicy),
        (PPO, SharedActorCriticPolicy),
        (SemiMarkovMaskablePPO, SharedMaskablePolicy),
    ],
    ids=["a2c", "ppo", "maskable"],
)
def test_actor_is_the_twin(preset, algorithm, policy):
    """In every logged state, though it did otherwise before; every parameter has its place."""
    model, twin, log = model_of(preset, algorithm, policy), twin_of(preset), logged(preset)
    expected = twin.actions(log.observations, log.masks)
    greedy = ModelPolicy(model)
    assert (greedy.actions(log.observations, log.masks) != expected).any()
    before = parameters(model)
    done = warm_start(model, twin)
    np.testing.assert_array_equal(greedy.actions(log.observations, log.masks), expected)
    np.testing.assert_array_equal(greedy.frozen().actions(log.observations, log.masks), expected)
    after = parameters(model)
    assert {*done.loaded, *done.untouched} == set(before)
    assert len(done.loaded) == len(twin.network.state_dict())
    assert all("value_net" in one for one in done.untouched)
    assert all(torch.equal(before[one], after[one]) for one in done.untouched)
    actor = {id(value) for value in actor_parameters(model, twin)}
    names = {one for one, value in model.policy.named_parameters() if id(value) in actor}
    assert names == set(done.loaded)


def test_temperature_widens_the_draws_around_the_same_decisions():
    """Of all logits, the one of nobody too."""
    model, twin, log = model_of("tic-pick"), twin_of("tic-pick"), logged("tic-pick")
    seen, entropies = torch.as_tensor(log.observations), []
    for temperature in (1.0, 3.0):
        warm_start(model, twin, temperature=temperature)
        logits = model.policy.action_net(seen).detach()
        allowed = torch.from_numpy(log.masks) > 0
        expected = twin.network(seen).detach() / temperature
        torch.testing.assert_close(logits[allowed], expected[allowed], rtol=1e-4, atol=1e-5)
        entropies.append(float(model.policy.get_distribution(seen).entropy().detach().mean()))
    assert entropies[1] > entropies[0]


def test_misfits_are_refused_and_change_nothing():
    """A flat actor, another width, candidates seen by other fields, and a flat twin."""
    twin, scenario = twin_of("tic-pick"), load("tic-pick")
    turned = shared_policy_kwargs(scenario, action="pick")
    turned["scorer"] |= {"columns": turned["scorer"]["columns"][::-1]}
    flat = clone(logged("tic-pick"), scenario, settings=CloneSettings(shared=False, max_epochs=1))
    cases = (
        (model_of("tic-pick", policy="MlpPolicy", policy_kwargs={}), twin, "SharedMaskablePolicy"),
        (
            model_of("tic-pick", policy_kwargs=shared_policy_kwargs(scenario, 8, action="pick")),
            twin,
            r"shared_policy_kwargs\(scenario, 16, action='pick'\)",
        ),
        (model_of("tic-pick", policy_kwargs=turned), twin, "other fields of the candidates"),
        (model_of("tic-pick"), flat, "is missing"),
    )
    for model, other, message in cases:
        before = parameters(model)
        with pytest.raises(ConfigError, match=message):
            warm_start(model, other)
        assert are_equal(parameters(model), before)


def test_warm_started_actor_learns_and_keeps_what_is_frozen():
    """The parameters of the actor move in a rollout, and do not while they are frozen."""
    model, twin = model_of("tic-pick"), twin_of("tic-pick")
    warm_start(model, twin)
    begun = parameters(model)
    frozen = actor_parameters(model, twin)
    for parameter in frozen:
        parameter.requires_grad_(False)
    model.learn(16)
    still = parameters(model)
    assert all(still[name].equal(begun[name]) for name in begun if name.startswith("action_net"))
    for parameter in frozen:
        parameter.requires_grad_(True)
    model.learn(16)
    assert not parameters(model)["action_net.first.weight"].equal(still["action_net.first.weight"])


@pytest.mark.parametrize("rule", ["edf", "density-deadline", "seen"])
def test_actor_of_amounts_is_the_twin(rule):
    """At a corner of the box, inside it, and where it varies."""
    scenario = load("tic-small-70")
    policy = SeenAmountsPolicy(4) if rule == "seen" else make_policy(rule, scenario)
    log = record(policy, scenario, 200)
    twin = clone(log, scenario, settings=CloneSettings(hidden=(16, 16)))
    env = make_vec_env("twin_gym/TicScheduling-v0", 2, scenario=scenario, seed=0)
    kwargs = {"net_arch": [16, 16]}
    model = A2C(AmountsActorCriticPolicy, env, policy_kwargs=kwargs, seed=0, device="cpu")
    warm_start(model, twin, action_std=0.05)
    expected = twin.actions(log.observations, log.masks)
    for greedy in (ModelPolicy(model), ModelPolicy(model).frozen()):
        found = greedy.actions(log.observations, log.masks)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    if rule == "edf":
        assert (expected == log.actions).all(axis=1).mean() > 0.97
