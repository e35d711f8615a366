"""One network for all candidates, and amounts: what is drawn, and what is the same as what."""

import numpy as np
import pytest
import torch
from stable_baselines3 import A2C

from twin_gym.errors import ConfigError
from twin_gym.sb3 import (
    AmountsActorCriticPolicy,
    MaskedActorCriticPolicy,
    ModelPolicy,
    SemiMarkovMaskablePPO,
    SharedActorCriticPolicy,
    SharedMaskablePolicy,
    SharedScorer,
    actor_critic_for,
    actor_layers,
    make_vec_env,
    masked_policy_kwargs,
    score_name,
    shared_policy_kwargs,
)
from twin_gym.scenario.loading import load
from twin_gym.twins import FlatNetwork, PlainNetwork
from twin_gym.twins.decision_space import DecisionSpace

TIC, SYNC = "twin_gym/TicScheduling-v0", "twin_gym/RightTimeSync-v0"
TRUCK = "twin_gym/TruckRouting-v0"


@pytest.fixture
def scorer():
    """Three candidates with two fields each and one in common, far from even."""
    torch.manual_seed(0)
    made = SharedScorer(((0, 3), (1, 4), (2, 5)), (6,), (3, 4, 5), width=4)
    with torch.no_grad():
        made.score.weight.mul_(20.0)
        made.nobody.fill_(0.3)
    return made


@pytest.fixture
def pick_env():
    """Queues of twelve sensors."""
    return make_vec_env(TIC, 3, seed=0, scenario="tic-pick", action="pick")


def states(count=40, fields=7):
    """Observations that no network need give."""
    seen = np.random.default_rng(1).random((count, fields)).astype(np.float32)
    seen[::2, 3] = 0.0  # the first candidate may not be picked
    return torch.as_tensor(seen)


def test_what_may_not_be_picked_is_out_of_reach(scorer):
    """Where its mask column is 0, and only there; nobody can always be chosen."""
    logits = scorer(states()).detach()
    assert (logits[::2, 0] < -1e7).all()
    assert (logits[1::2] > -1e3).all()
    assert (logits[:, 3] == 0.3).all()


def test_layers_give_the_same_scores(scorer):
    """The small network for each candidate is a large one on the whole observation."""
    layers = scorer.as_layers(7)
    network = FlatNetwork(7, 4, (12, 12))
    network.load_state_dict(layers)
    seen = states()
    allowed = torch.cat([seen[:, 3:6] > 0.0, torch.ones(len(seen), 1, dtype=torch.bool)], dim=1)
    one, other = scorer(seen).detach(), network(seen).detach()
    torch.testing.assert_close(one[allowed], other[allowed], rtol=1e-4, atol=1e-5)
    assert float(one[allowed].std()) > 0.1


def test_like_candidates_are_told_apart_by_their_own_numbers_alone(scorer):
    """Exchanged fields exchange the scores, once those numbers are nothing."""
    with torch.no_grad():
        scorer.own.zero_()
    seen = states(10)[1::2]
    swapped = seen[:, [1, 0, 2, 4, 3, 5, 6]]
    torch.testing.assert_close(scorer(seen)[:, [1, 0, 2, 3]], scorer(swapped))


@pytest.mark.parametrize(
    ("env_id", "scenario", "action"),
    [
        (TIC, "tic-pick", "pick"),
        (SYNC, "sync-small", "pick"),
        (TRUCK, "truck-grid-20", "pick"),
        (TRUCK, "truck-grid-20", "nearest"),
    ],
    ids=["tic", "sync", "truck", "truck nearest"],
)
def test_nothing_disallowed_is_drawn(env_id, scenario, action):
    """In a rollout, though the mask is only read from the observation, in each form."""
    env = make_vec_env(env_id, 4, seed=0, scenario=scenario, action=action)
    kwargs = shared_policy_kwargs(load(scenario), action=action)
    model = A2C(SharedActorCriticPolicy, env, n_steps=16, policy_kwargs=kwargs, device="cpu")
    observations = env.reset()
    for _ in range(40):
        actions, _ = model.predict(observations, deterministic=False)
        masks = env.action_masks()
        assert masks[np.arange(4), actions].all()
        observations, *_ = env.step(actions)
    assert masks.shape[1] == model.action_space.n


def test_frozen_policy_and_saved_layers_decide_alike(pick_env):
    """In NumPy, by the small network and by the large one, as the model does."""
    kwargs = shared_policy_kwargs(load("tic-pick"))
    model = SemiMarkovMaskablePPO(
        SharedMaskablePolicy, pick_env, n_steps=32, batch_size=96, policy_kwargs=kwargs, seed=0,
        learning_rate=0.01,
    ).learn(192)  # fmt: skip
    rng = np.random.default_rng(0)
    seen = rng.random((200, pick_env.observation_space.shape[0])).astype(np.float32)
    masks = np.ones((200, pick_env.action_space.n), np.int8)
    policy = ModelPolicy(model)
    chosen = policy.actions(seen, masks)
    np.testing.assert_array_equal(policy.frozen().actions(seen, masks), chosen)
    plain = PlainNetwork({name: value.numpy() for name, value in actor_layers(model).items()})
    np.testing.assert_array_equal(plain(seen).argmax(axis=1), chosen)
    assert len(set(chosen)) > 2


def test_mask_is_found_where_the_environment_shows_it(pick_env):
    """Columns above 0 are what is allowed, on states of a rollout."""
    env = pick_env
    columns = masked_policy_kwargs(load("tic-pick"))["mask_columns"]
    observations, rng = env.reset(), np.random.default_rng(0)
    for _ in range(50):
        masks = env.action_masks()
        np.testing.assert_array_equal(observations[:, columns] > 0.0, masks[:, :-1])
        observations, *_ = env.step((rng.random(masks.shape) * masks).argmax(axis=1))


def test_policies_suit_the_environments(pick_env):
    """Amounts, a mask that is shown, none."""
    assert actor_critic_for(pick_env)[0] is MaskedActorCriticPolicy
    weights = make_vec_env(TIC, 2, scenario="tic-small-70")
    assert actor_critic_for(weights)[0] is AmountsActorCriticPolicy
    access = make_vec_env("twin_gym/MassiveAccess-v0", 2, scenario="access-small-70")
    assert actor_critic_for(access)[1] == {"net_arch": [64, 64]}
    with pytest.raises(ConfigError, match="shows no mask"):
        masked_policy_kwargs(load("access-small-70"))
    with pytest.raises(ConfigError, match="nothing is picked"):
        shared_policy_kwargs(load("access-small-70"))
    with pytest.raises(ConfigError, match="nothing is picked"):
        shared_policy_kwargs(load("tic-small-70"), action="weights")


def test_amounts_begin_in_the_middle_of_the_box():
    """With the spread that was asked for; draws are cut to the box, greedy ones are the mean."""
    env = make_vec_env(TIC, 2, scenario="tic-small-70")
    kwargs = {"net_arch": [8], "initial_std": 0.1}
    model = A2C(AmountsActorCriticPolicy, env, policy_kwargs=kwargs, seed=0, device="cpu")
    seen = np.random.default_rng(0).random((500, env.observation_space.shape[0]))
    masks = np.ones((500, 0), np.int8)
    greedy = ModelPolicy(model).actions(seen.astype(np.float32), masks)
    np.testing.assert_allclose(greedy, 0.5, atol=0.05)
    drawn = ModelPolicy(model, greedy=False).actions(seen.astype(np.float32), masks)
    assert drawn.std() == pytest.approx(0.1, rel=0.1)
    with torch.no_grad():
        model.policy.action_net.bias.fill_(1.5)
    for policy in (ModelPolicy(model), ModelPolicy(model, greedy=False)):
        assert policy.actions(seen.astype(np.float32), masks).max() == 1.0


def test_amounts_need_a_box(pick_env):
    """And a positive spread."""
    with pytest.raises(ConfigError, match="bounded box"):
        A2C(AmountsActorCriticPolicy, pick_env, device="cpu")
    env = make_vec_env(TIC, 2, scenario="tic-small-70")
    with pytest.raises(ConfigError, match="initial_std must be positive"):
        A2C(AmountsActorCriticPolicy, env, policy_kwargs={"initial_std": 0.0}, device="cpu")


def test_scores_have_the_names_of_their_kinds():
    """Revenue is earned in admission alone."""
    assert [score_name(kind) for kind in ("admission", "tic")] == ["revenue_rate", "return_per_s"]


def test_candidates_see_their_own_fields():
    """By the names of the fields, each queue or entity its own, and the mask where it is shown."""
    tic, sync = load("tic-pick"), load("sync-small")
    for scenario, own in ((tic, ("slack", "fill", "channel")), (sync, ("age", "rate", "change"))):
        space = DecisionSpace.of(scenario, "pick")
        names, scorer = space.field_names, shared_policy_kwargs(scenario)["scorer"]
        for candidate, columns in zip(space.action_names[:-1], scorer["columns"], strict=True):
            sensor = candidate.partition("/")[0]
            keys = (candidate, candidate, sensor if scenario is tic else candidate)
            expected = [f"{name}/{key}" for name, key in zip(own, keys, strict=True)]
            assert [names[column] for column in columns] == expected
        masked = [names[column] for column in scorer["mask_columns"]]
        queues = [f"fill/{queue}" for queue in space.action_names[:-1]]
        assert masked == (queues if scenario is tic else ["budget"] * 50)
        assert masked_policy_kwargs(scenario)["mask_columns"] == scorer["mask_columns"]
        assert [names[column] for column in scorer["common"]] == (
            ["grants", "phase", "time"] if scenario is tic else ["budget", "time"]
        )
