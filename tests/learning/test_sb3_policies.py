"""Policies that read the mask: nothing disallowed is drawn, and parameters are MlpPolicy's."""

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.env_checker import check_env

from tests.learning.cases import (
    SMALL,
    are_equal,
    make_env,
    make_model,
    make_slot_model,
    parameters,
)
from twin_gym.errors import ConfigError
from twin_gym.sb3 import (
    AmountsActorCriticPolicy,
    MaskedActorCriticPolicy,
    ModelPolicy,
    SemiMarkovA2C,
    make_vec_env,
    masked_policy_kwargs,
)


@pytest.fixture(params=[make_model, make_slot_model], ids=["slice", "slot"])
def model(request):
    """A trained model of both forms of the action, with logits far from even."""
    made = request.param()
    with torch.no_grad():
        for name, value in made.policy.named_parameters():
            if name.startswith("action_net"):
                value += 0.5 * torch.randn(value.shape, generator=torch.Generator().manual_seed(0))
    return made


def states(env, num_steps=60):
    """Observations and masks of a rollout of random allowed actions."""
    rng = np.random.default_rng(0)
    seen = [(env.reset(), env.action_masks())]
    for _ in range(num_steps):
        masks = env.action_masks()
        observations, *_ = env.step((rng.random(masks.shape) * masks).argmax(axis=1))
        seen.append((observations, env.action_masks()))
    observations, masks = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    return observations, masks


def test_nothing_disallowed_is_chosen(model):
    """Neither drawn nor greedily, though the unmasked logits would."""
    observations, masks = states(model.get_env())
    rows = np.arange(len(masks))
    assert masks.sum() < masks.size
    for deterministic in (True, False, False):
        actions, _ = model.predict(observations, deterministic=deterministic)
        assert masks[rows, actions].all()
    assert len(np.unique(actions)) > 2


def test_probabilities_are_zero_where_disallowed(model):
    """So entropy and log-probabilities are those of the allowed actions; gradients are finite."""
    observations, masks = states(model.get_env())
    distribution = model.policy.get_distribution(torch.as_tensor(observations)).distribution
    probabilities = distribution.probs
    assert not probabilities[torch.as_tensor(~masks)].any()
    allowed = torch.where(torch.as_tensor(masks), probabilities, torch.ones(()))
    entropy = -(probabilities * allowed.log()).sum(1)
    assert torch.allclose(distribution.entropy(), entropy, atol=1e-5)
    distribution.entropy().sum().backward()
    assert all(
        torch.isfinite(value.grad).all()
        for value in model.policy.parameters()
        if value.grad is not None
    )


def test_forward_evaluate_and_predict_agree(model):
    """The three ways in which SB3 asks a policy give the same values and log-probabilities."""
    observations = torch.as_tensor(states(model.get_env())[0])
    with torch.no_grad():
        actions, values, logs = model.policy(observations)
        again, same, _ = model.policy.evaluate_actions(observations, actions)
        assert torch.allclose(values, again)
        assert torch.allclose(logs, same)
        assert torch.allclose(values, model.policy.predict_values(observations))


def test_model_policy_decides_as_the_model(model):
    """Greedily it is `predict`; drawn, it is seeded and leaves torch's state alone."""
    observations, masks = states(model.get_env())
    greedy = ModelPolicy(model).actions(observations, masks)
    assert np.array_equal(greedy, model.predict(observations, deterministic=True)[0])
    sampled = ModelPolicy(model, greedy=False, name="mine")
    before = torch.get_rng_state()
    drawn = []
    for seed in (1, 1, 2):
        sampled.reset(seed)
        drawn.append(sampled.actions(observations, masks))
        assert masks[np.arange(len(masks)), drawn[-1]].all()
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert torch.equal(before, torch.get_rng_state())
    assert (sampled.name, ModelPolicy(model).name) == ("mine", "SemiMarkovA2C")


def test_drawn_rows_do_not_depend_on_their_number(model):
    """Of actions and of amounts: row i draws the same beside any number of rows."""
    amounts = make_vec_env("twin_gym/TicScheduling-v0", 2, scenario="tic-small-70")
    for one in (model, A2C(AmountsActorCriticPolicy, amounts, n_steps=8, seed=0, device="cpu")):
        width = one.observation_space.shape[0]
        seen = np.random.default_rng(0).random((64, width)).astype(np.float32)
        masks = np.ones((64, getattr(one.action_space, "n", 0)), np.int8)
        few, many = ModelPolicy(one, greedy=False), ModelPolicy(one, greedy=False)
        drawn = []
        for _ in range(3):
            drawn.append(many.actions(seen, masks))
            beside = few.actions(seen[:5], masks[:5])
            np.testing.assert_allclose(beside, drawn[-1][:5], atol=1e-5)  # torch rounds by rows
        assert (drawn[0] != drawn[1]).any()


def test_parameters_are_those_of_mlp_policy():
    """Names, shapes and, from one seed, values: a masked model differs in the mask alone."""
    masked = make_model(n_steps=8)
    plain = SemiMarkovA2C("MlpPolicy", make_env(), n_steps=8, seed=0)
    assert are_equal(parameters(masked), parameters(plain))
    observations = torch.as_tensor(states(make_env())[0])
    assert torch.equal(
        masked.policy.predict_values(observations), plain.policy.predict_values(observations)
    )


@pytest.mark.parametrize("algorithm", [A2C, PPO])
def test_plain_algorithms_take_the_policies(algorithm, tmp_path):
    """The masked policy is no matter of the semi-Markov classes; it is saved and loaded."""
    kwargs = masked_policy_kwargs(SMALL, (16,))
    model = algorithm(
        MaskedActorCriticPolicy, make_env(), n_steps=16, seed=0, policy_kwargs=kwargs
    ).learn(128)
    model.save(tmp_path / "model")
    loaded = algorithm.load(tmp_path / "model", env=make_env())
    assert are_equal(parameters(loaded), parameters(model))
    assert loaded.policy.mask_columns == kwargs["mask_columns"]
    assert model.get_env().venv.batch.outcomes["disallowed_actions"].sum() == 0


def test_slot_model_is_saved_and_learns_on(tmp_path):
    """Its layout goes along."""
    model = make_slot_model().learn(64)
    model.save(tmp_path / "model")
    loaded = SemiMarkovA2C.load(tmp_path / "model", env=make_env(action="slot"))
    assert are_equal(parameters(loaded), parameters(model))
    loaded.learn(64, reset_num_timesteps=False)
    assert not are_equal(parameters(loaded), parameters(model))


def test_columns_of_another_form_are_refused():
    """The masked policy is for slices; slots have a network of their own."""
    with pytest.raises(ConfigError, match="masked_policy_kwargs"):
        SemiMarkovA2C(
            MaskedActorCriticPolicy,
            make_env(action="slot"),
            policy_kwargs=masked_policy_kwargs(SMALL),
        )


def test_single_environment_passes_the_checker_of_sb3():
    """Scripts that build a DummyVecEnv of their own work, too."""
    import gymnasium

    check_env(gymnasium.make("twin_gym/SliceAdmission-v0", scenario=SMALL).unwrapped)
