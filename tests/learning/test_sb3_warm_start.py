"""A twin becomes the initial actor, whole or not at all."""

import dataclasses

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C
from stable_baselines3.common.torch_layers import FlattenExtractor
from stable_baselines3.common.vec_env import VecNormalize

from tests.learning.cases import (
    ID,
    SMALL,
    are_equal,
    make_env,
    make_model,
    make_slot_model,
    make_twin,
    parameters,
)
from twin_gym.errors import ConfigError
from twin_gym.sb3 import (
    ModelPolicy,
    SemiMarkovA2C,
    SemiMarkovMaskablePPO,
    SemiMarkovPPO,
    actor_parameters,
    make_vec_env,
    masked_policy_kwargs,
    slot_policy_kwargs,
    warm_start,
)
from twin_gym.twins import PolicyTwin, QueueLayout, SliceNetwork


def plain(algorithm, env=None, **kwargs):
    """A model with SB3's own policy."""
    return algorithm("MlpPolicy", make_env() if env is None else env, n_steps=16, seed=0, **kwargs)


MODELS = {
    "masked A2C": make_model,
    "A2C": lambda: plain(A2C),
    "PPO": lambda: plain(SemiMarkovPPO, batch_size=64),
    "MaskablePPO": lambda: plain(SemiMarkovMaskablePPO, batch_size=64),
    "slot": make_slot_model,
}


@pytest.fixture(params=list(MODELS))
def model(request):
    """Every kind of model that a twin can begin."""
    return MODELS[request.param]()


@pytest.fixture
def fitting(model, request):
    """The twin of the model's form of action."""
    is_slot = model.get_env().batch.arguments["action"] == "slot"
    return request.getfixturevalue("slot_twin" if is_slot else "twin")


def states(env, twin, num_steps=60):
    """Observations and masks that the twin meets."""
    seen = [(env.reset(), env.action_masks())]
    for _ in range(num_steps):
        observations, *_ = env.step(twin.actions(*seen[-1]))
        seen.append((observations, env.action_masks()))
    observations, masks = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return observations, masks


def test_actor_is_the_twin(model, fitting):
    """Greedily it decides as the twin does, and its probabilities are the twin's."""
    observations, masks = states(model.get_env(), fitting)
    before = ModelPolicy(model).actions(observations, masks)
    warm_start(model, fitting)
    after = ModelPolicy(model).actions(observations, masks)
    assert np.array_equal(after, fitting.actions(observations, masks))
    assert not np.array_equal(before, after)


def test_masked_probabilities_are_the_twins(twin):
    """The whole distribution, not its mode alone."""
    model = make_model()
    observations, masks = states(model.get_env(), twin)
    warm_start(model, twin)
    probabilities = model.policy.get_distribution(torch.as_tensor(observations)).distribution.probs
    expected = np.exp(twin.log_probabilities(observations, masks))
    assert probabilities.detach().numpy() == pytest.approx(expected, abs=1e-6)


def test_critic_is_left_alone(model, fitting):
    """Loaded and untouched parameters are all there are, and the report names them."""
    before = parameters(model)
    done = warm_start(model, fitting)
    after = parameters(model)
    assert {*done.loaded, *done.untouched} == set(before)
    assert not {*done.loaded} & {*done.untouched}
    assert all("value_net" in name for name in done.untouched)
    assert all(torch.equal(before[name], after[name]) for name in done.untouched)
    assert not any(torch.equal(before[name], after[name]) for name in done.loaded)
    assert {tuple(after[name].shape) == shape for name, shape in done.loaded.items()} == {True}
    weights = {id(value) for value in actor_parameters(model, fitting)}
    names = [name for name, value in model.policy.named_parameters() if id(value) in weights]
    assert sorted(names) == sorted(done.loaded)


def test_report_says_what_was_done(twin):
    """For a log: the twin, how much was loaded, the temperature, what was left."""
    report = str(warm_start(make_model(), twin, temperature=2.0))
    count = sum(value.numel() for value in twin.network.parameters())
    assert report.startswith(f"warm start from {twin.name}: loaded 6 tensors ({count} parameters: ")
    assert "action_net.bias" in report
    assert "temperature 2;" in report
    assert "left alone: mlp_extractor.value_net.0.weight" in report


def test_learns_on_from_the_twin(model, fitting):
    """The optimiser holds the parameters that were set: training moves them."""
    warm_start(model, fitting)
    begun = parameters(model)
    model.learn(128)
    assert not are_equal(parameters(model), begun)


@pytest.mark.parametrize("kind", ["masked A2C", "slot"])
def test_temperature_widens_and_keeps_the_order(kind, request):
    """Entropy rises with it; the greedy decisions stay; 0 to infinity, both out."""
    model = MODELS[kind]()
    fitting = request.getfixturevalue("slot_twin" if kind == "slot" else "twin")
    observations, masks = states(model.get_env(), fitting)
    entropies = []
    for temperature in (0.5, 1.0, 2.0, 8.0):
        warm_start(model, fitting, temperature=temperature)
        seen = model.policy.get_distribution(torch.as_tensor(observations))
        entropies.append(float(seen.entropy().detach().mean()))
        widened = np.exp(fitting.log_probabilities(observations, masks).astype(float) / temperature)
        widened *= masks
        expected = widened / widened.sum(axis=1, keepdims=True)
        assert seen.distribution.probs.detach().numpy() == pytest.approx(expected, abs=1e-5)
        chosen = model.predict(observations, deterministic=True)[0]
        assert (chosen == fitting.actions(observations, masks)).mean() > 0.999  # ties apart
    assert entropies == sorted(entropies)
    assert entropies[-1] > entropies[0] + 0.05
    for wrong in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(ConfigError, match="temperature"):
            warm_start(model, fitting, temperature=wrong)


def misspelt(twin):
    """A twin one of whose parameters has another name."""

    class Misspelt(SliceNetwork):
        def state_dict(self, *args, **kwargs):
            state = super().state_dict(*args, **kwargs)
            state["action_nett.bias"] = state.pop("action_net.bias")
            return state

    network = Misspelt(len(twin.metadata.field_names), 4, twin.metadata.hidden)
    return PolicyTwin(network, twin.metadata)


class OtherExtractor(FlattenExtractor):
    """Features that are not the observation."""

    def forward(self, observations):
        return -super().forward(observations)


def masked(hidden, **kwargs):
    """A masked model with other arguments of its policy."""
    return make_model(policy_kwargs=masked_policy_kwargs(SMALL, hidden) | kwargs)


MISFITS = {
    "wider": (lambda: masked((64, 32)), r"policy_net\.2\.weight is \(32, 64\), not \(64, 64\)"),
    "deeper": (lambda: masked((64, 64, 64)), r"policy_net\.4\.weight is not in the twin"),
    "shallower": (lambda: masked((64,)), r"policy_net\.2\.weight is missing"),
    "other activation": (lambda: masked((64, 64), activation_fn=torch.nn.ReLU), "ReLU, not Tanh"),
    "other features": (
        lambda: masked((64, 64), features_extractor_class=OtherExtractor),
        "OtherExtractor",
    ),
    "normalised observations": (
        lambda: plain(SemiMarkovA2C, VecNormalize(make_env(), gamma=1.0)),
        "norm_obs=False",
    ),
    "other scenario": (
        lambda: plain(A2C, make_vec_env(ID, 2, scenario="contention")),
        "sees other fields",
    ),
    "other form": (make_slot_model, "action='slice'"),
}


@pytest.mark.parametrize("name", list(MISFITS))
def test_misfit_is_refused_and_changes_nothing(name, twin):
    """With the parameter at fault, and what to build the model with."""
    build, message = MISFITS[name]
    model = build()
    before = parameters(model)
    with pytest.raises(ConfigError, match=message):
        warm_start(model, twin)
    assert are_equal(parameters(model), before)


def test_misspelt_parameter_is_refused(twin):
    """SB3's partial loading would have left it out without a word."""
    model = make_model()
    before = parameters(model)
    with pytest.raises(ConfigError, match=r"action_nett\.bias is missing.*action_net\.bias is not"):
        warm_start(model, misspelt(twin))
    assert are_equal(parameters(model), before)


def test_model_without_an_environment_is_refused(twin, tmp_path):
    """Nobody could say whether the twin fits it."""
    make_model().save(tmp_path / "model")
    with pytest.raises(ConfigError, match="set_env"):
        warm_start(SemiMarkovA2C.load(tmp_path / "model"), twin)


def test_other_widths_fit_where_both_have_them():
    """The advice of the message above, taken."""
    small = make_twin(hidden=(16,))
    model = masked(small.metadata.hidden)
    assert len(warm_start(model, small).loaded) == 4


def test_slot_twin_fits_longer_queues(slot_twin):
    """One set of weights for any queue limits."""
    longer = SMALL.replace(
        slices=tuple(one.replace(queue_limit=9) for one in SMALL.slices), name="longer"
    )
    env = make_env(scenario=longer, action="slot")
    kwargs = slot_policy_kwargs(longer)
    assert dataclasses.asdict(kwargs["layout"]) == dataclasses.asdict(QueueLayout.of(SMALL))
    model = make_slot_model()
    other = type(model)(type(model.policy), env, n_steps=8, seed=0, policy_kwargs=kwargs)
    warm_start(other, slot_twin)
    observations, masks = states(env, slot_twin)
    assert np.array_equal(
        ModelPolicy(other).actions(observations, masks), slot_twin.actions(observations, masks)
    )
