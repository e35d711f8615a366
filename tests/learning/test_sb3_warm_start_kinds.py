"""A twin of every kind of scenario becomes the initial actor; amounts are given a spread."""

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO

from tests.learning.cases import are_equal, make_model, parameters
from tests.twins.kinds import AMOUNTS, DISCRETE, FORMS, default_policy, scenario_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.sb3 import SemiMarkovMaskablePPO, actor_parameters, make_vec_env, warm_start
from twin_gym.twins import CloneSettings, clone, record

WIDTHS = (16, 16)


def model_of(name, algorithm=A2C, **kwargs):
    """A model with SB3's own policy on the environment of a form."""
    scenario = scenario_of(name)
    env = make_vec_env(
        kind_named(scenario.kind).id, 2, scenario=scenario, action=FORMS[name][1], seed=0
    )
    settings = {"n_steps": 8, "seed": 0, "policy_kwargs": {"net_arch": [*WIDTHS]}}
    return algorithm("MlpPolicy", env, **(settings | kwargs))


@pytest.fixture(scope="module", params=list(FORMS))
def name(request):
    """Every form of every kind."""
    return request.param


@pytest.fixture(scope="module")
def logged(name):
    """200 decisions of the default policy."""
    return record(default_policy(name), scenario_of(name), 200, action=FORMS[name][1])


@pytest.fixture(scope="module")
def twin(name, logged):
    """A hasty twin of it."""
    settings = CloneSettings(max_epochs=3, min_steps=60, hidden=WIDTHS, shared=False)
    return clone(logged, scenario_of(name), settings=settings)


@pytest.mark.parametrize("algorithm", [A2C, PPO])
def test_actor_is_the_twin(name, logged, twin, algorithm):
    """Greedily it decides as the twin does in 200 states, and did not before."""
    model = model_of(name, algorithm, **({"batch_size": 16} if algorithm is PPO else {}))
    everything = np.ones_like(logged.masks)
    expected = twin.actions(logged.observations, everything)
    before = model.predict(logged.observations, deterministic=True)[0]
    warm_start(model, twin)
    predicted = model.predict(logged.observations, deterministic=True)[0]
    if twin.metadata.space.is_discrete:
        np.testing.assert_array_equal(predicted, expected)
        assert (before != expected).any()
        return
    assert predicted == pytest.approx(expected, abs=1e-6)
    assert before != pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ["tic pick", "sync pick"])
def test_masked_actor_is_the_twin(name):
    """MaskablePPO with the masks that the log has."""
    log = record(default_policy(name), scenario_of(name), 200, action="pick")
    settings = CloneSettings(max_epochs=3, min_steps=60, hidden=WIDTHS, shared=False)
    twin = clone(log, scenario_of(name), settings=settings)
    model = model_of(name, SemiMarkovMaskablePPO, batch_size=16)
    warm_start(model, twin)
    predicted = model.predict(log.observations, deterministic=True, action_masks=log.masks)[0]
    np.testing.assert_array_equal(predicted, twin.actions(log.observations, log.masks))


def test_report_has_every_parameter(name, twin):
    """Loaded, left alone, or the spread that was set: together they are all there are."""
    model = model_of(name)
    before = parameters(model)
    done = warm_start(model, twin)
    after = parameters(model)
    spread = set() if done.action_std is None else {"log_std"}
    assert {*done.loaded, *done.untouched, *spread} == set(before)
    assert len(done.loaded) + len(done.untouched) + len(spread) == len(before)
    assert all("value_net" in one for one in done.untouched)
    assert all(torch.equal(before[one], after[one]) for one in done.untouched)
    weights = {id(value) for value in actor_parameters(model, twin)}
    names = {one for one, value in model.policy.named_parameters() if id(value) in weights}
    assert names == {*done.loaded, *spread}
    assert ("log_std" in str(done)) == bool(spread)


@pytest.mark.parametrize("name", AMOUNTS)
def test_spread_is_a_share_of_the_range(name):
    """A tenth of it, or what is asked; and the draws have it."""
    scenario, action = scenario_of(name), FORMS[name][1]
    log = record(default_policy(name), scenario, 50, action=action)
    settings = CloneSettings(max_epochs=1, min_steps=10, hidden=WIDTHS, shared=False)
    twin = clone(log, scenario, settings=settings)
    model = model_of(name)
    for asked, expected in ((None, 0.1), (0.03, 0.03)):
        done = warm_start(model, twin, action_std=asked)
        assert done.action_std == expected
        assert f"deviation of {expected:g}" in str(done)
        seen = model.policy.get_distribution(torch.as_tensor(log.observations)).distribution
        assert seen.stddev.detach().numpy() == pytest.approx(expected)
    begun = parameters(model)
    model.learn(32)
    assert not are_equal(parameters(model), begun)
    for wrong in (0.0, -0.1, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="action_std"):
            warm_start(model, twin, action_std=wrong)
    with pytest.raises(ConfigError, match="no temperature"):
        warm_start(model, twin, temperature=2.0)


@pytest.mark.parametrize("name", DISCRETE)
def test_spread_is_for_amounts_alone(name):
    """Discrete actions have a temperature instead, and it widens them."""
    scenario, action = scenario_of(name), FORMS[name][1]
    log = record(default_policy(name), scenario, 50, action=action)
    settings = CloneSettings(max_epochs=3, min_steps=60, hidden=WIDTHS, shared=False)
    twin = clone(log, scenario, settings=settings)
    model = model_of(name)
    with pytest.raises(ConfigError, match="temperature instead"):
        warm_start(model, twin, action_std=0.1)
    entropies = []
    for temperature in (1.0, 3.0):
        warm_start(model, twin, temperature=temperature)
        seen = model.policy.get_distribution(torch.as_tensor(log.observations))
        entropies.append(float(seen.entropy().detach().mean()))
    assert entropies[1] > entropies[0]


def test_misfits_are_refused_and_change_nothing():
    """Another kind, another form, another width, and a spread that depends on the state."""
    name = "tic weights"
    log = record(default_policy(name), scenario_of(name), 50)
    settings = CloneSettings(max_epochs=1, min_steps=10, hidden=WIDTHS, shared=False)
    twin = clone(log, scenario_of(name), settings=settings)
    misfits = (
        (make_model(), "of the kind 'admission'"),
        (model_of("access probability"), "of the kind 'access'"),
        (model_of(name, policy_kwargs={"net_arch": [16]}), "is missing"),
        (model_of(name, use_sde=True), "use_sde must be False"),
    )
    for model, message in misfits:
        before = parameters(model)
        with pytest.raises(ConfigError, match=message):
            warm_start(model, twin)
        assert are_equal(parameters(model), before)
