"""The best actor of a training is kept: the twin first, a better learner then, no worse one."""

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from sb3_contrib import MaskablePPO, RecurrentPPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecNormalize

from tests.learning.cases import (
    SMALL,
    are_equal,
    make_env,
    make_model,
    make_slot_model,
    parameters,
)
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, world_seeds
from twin_gym.sb3 import (
    EvaluateOnWorlds,
    FrozenActor,
    KeepBest,
    ModelPolicy,
    SemiMarkovMaskablePPO,
    SemiMarkovPPO,
    warm_start,
)
from twin_gym.sb3.guard_worlds import is_better

ROLLOUT = 32  # of `make_model`: 4 rows of 8 steps


class Plain(OnPolicyAlgorithm):
    """An algorithm of a user's own: policy gradient on the advantages, nothing else."""

    def __init__(self, policy, env, **kwargs):
        usual = {
            "learning_rate": 1e-2, "gamma": 0.99, "gae_lambda": 0.9, "ent_coef": 0.0,
            "vf_coef": 0.5, "max_grad_norm": 0.5, "use_sde": False, "sde_sample_freq": -1,
        }  # fmt: skip
        super().__init__(policy, env, **(usual | kwargs))

    def train(self):
        self.policy.set_training_mode(True)
        for batch in self.rollout_buffer.get(batch_size=None):
            values, log_probs, _ = self.policy.evaluate_actions(
                batch.observations, batch.actions.long().flatten()
            )
            loss = -(batch.advantages * log_probs).mean()
            loss = loss + ((batch.returns - values.flatten()) ** 2).mean()
            self.policy.optimizer.zero_grad()
            loss.backward()
            self.policy.optimizer.step()


ALGORITHMS = {
    "A2C": lambda: A2C("MlpPolicy", make_env(), n_steps=8, seed=0),
    "PPO": lambda: PPO("MlpPolicy", make_env(), n_steps=8, batch_size=32, seed=0),
    "MaskablePPO": lambda: MaskablePPO("MlpPolicy", make_env(), n_steps=8, batch_size=32, seed=0),
    "SemiMarkovA2C": make_model,
    "SemiMarkovPPO": lambda: SemiMarkovPPO(
        "MlpPolicy", make_env(), n_steps=8, batch_size=32, seed=0
    ),
    "SemiMarkovMaskablePPO": lambda: SemiMarkovMaskablePPO(
        "MlpPolicy", make_env(), n_steps=8, batch_size=32, seed=0
    ),
    "own": lambda: Plain(ActorCriticPolicy, make_env(), n_steps=8, seed=0),
    "slot": make_slot_model,
}


def spoil(model):
    """Makes the actor wait always, which earns nothing."""
    with torch.no_grad():
        model.policy.action_net.weight.zero_()
        model.policy.action_net.bias.zero_()
        model.policy.action_net.bias[-1] = 10.0


def returns_of(policy, *, first=0, count=4):
    """What a policy earns in guard worlds, and its decisions."""
    evaluation = evaluate(policy, SMALL, world_seeds("guard", count, first=first))
    return evaluation.returns, int(evaluation.steps.sum())


@pytest.fixture
def begun(twin):
    """A model that is the twin, and its guard, after a training of one rollout without learning."""
    model = make_model(learning_rate=0.0)
    warm_start(model, twin)
    guard = KeepBest(10**6, restore=False)
    model.learn(ROLLOUT, callback=guard)
    return model, guard


def test_first_incumbent_is_the_twin(twin):
    """Whatever the learner becomes afterwards."""
    model = make_model(learning_rate=0.5)
    warm_start(model, twin)
    guard = KeepBest(ROLLOUT, margin=1e6)
    model.learn(4 * ROLLOUT, callback=guard)
    observations = np.random.default_rng(0).random((200, model.observation_space.shape[0]))
    observations, masks = observations.astype(np.float32), np.ones((200, 4), np.int8)
    expected = twin.actions(observations, masks)
    assert np.array_equal(guard.incumbent().actions(observations, masks), expected)
    assert not np.array_equal(guard.learner().actions(observations, masks), expected)
    assert np.array_equal(ModelPolicy(model).actions(observations, masks), expected)  # restored
    assert guard.history
    assert not any(look.is_replaced for look in guard.history)


def test_worse_learner_is_not_adopted(begun):
    """It earns nothing, and the twin stays."""
    model, guard = begun
    before = returns_of(guard.incumbent())[0]
    spoil(model)
    look = guard.look()
    assert (look.learner, look.is_replaced) == (0.0, False)
    assert look.difference == pytest.approx(-before.mean())
    assert np.array_equal(returns_of(guard.incumbent())[0], before)


def test_better_learner_is_adopted(begun):
    """The twin comes second here."""
    model, _ = begun
    good = parameters(model)
    spoil(model)
    guard = KeepBest(10**6, restore=False)
    model.learn(ROLLOUT, callback=guard)
    assert returns_of(guard.incumbent())[0].sum() == 0.0
    model.policy.load_state_dict(good)
    look = guard.look()
    assert look.is_replaced
    assert look.half_width > 0.0
    assert returns_of(guard.incumbent())[0].mean() == look.learner == look.difference > 0.0


def test_unchanged_learner_costs_nothing(begun):
    """Neither one that is the incumbent nor one that was looked at before."""
    model, guard = begun
    spent = guard.steps_spent
    assert guard.look() is None
    spoil(model)
    assert guard.look().steps > 0
    assert guard.look() is None
    assert guard.steps_spent == spent + guard.history[0].steps
    assert len(guard.history) == 1


@pytest.mark.parametrize("name", list(ALGORITHMS))
def test_every_algorithm_is_guarded(name):
    """The incumbent never earns less in its guard worlds, and is what the model is in the end."""
    model = ALGORITHMS[name]()
    guard = KeepBest(2 * ROLLOUT, num_worlds=3, margin=0.0)
    model.learn(6 * ROLLOUT, callback=guard)
    assert [look.step for look in guard.history] == [2 * ROLLOUT, 4 * ROLLOUT, 6 * ROLLOUT]
    action = model.get_env().batch.arguments["action"]
    worlds = world_seeds("guard", 3)
    last = evaluate(ModelPolicy(model), SMALL, worlds, action=action).returns.mean()
    levels = [look.incumbent for look in guard.history] + [last]
    assert levels == sorted(levels)
    assert last == max(levels[0], *(look.learner for look in guard.history))
    assert FrozenActor(model).equals(guard._incumbent)


def test_critic_stays_when_the_incumbent_is_put_back(begun):
    """What the training taught it is not lost; the optimiser stays too."""
    model, guard = begun
    spoil(model)
    with torch.no_grad():
        model.policy.value_net.bias.fill_(7.0)
        model.policy.mlp_extractor.value_net[0].bias.fill_(3.0)
    guard.restore()
    assert (model.policy.value_net.bias == 7.0).all()
    assert (model.policy.mlp_extractor.value_net[0].bias == 3.0).all()
    assert FrozenActor(model).equals(guard._incumbent)


@pytest.mark.parametrize("fresh_worlds", [False, True])
def test_steps_of_looks_are_counted(fresh_worlds):
    """In the same worlds the incumbent plays once; in fresh ones both play at every look."""
    model = make_model(learning_rate=0.05)
    guard = KeepBest(ROLLOUT, fresh_worlds=fresh_worlds, restore=False)
    start = FrozenActor(model)
    model.learn(3 * ROLLOUT, callback=guard)
    firsts = [look.first_world for look in guard.history]
    assert firsts == ([0, 4] if fresh_worlds else [0, 0])
    _, first_cost = returns_of(ModelPolicy(start))
    first_look = guard.history[0].steps - fresh_worlds * first_cost
    assert first_look > 0
    assert guard.steps_spent == sum(look.steps for look in guard.history) + (
        0 if fresh_worlds else first_cost
    )
    mine, _ = returns_of(guard.learner(), first=firsts[-1])
    spent = guard.steps_spent
    look = guard.look()
    _, cost = returns_of(guard.learner(), first=look.first_world)
    if not fresh_worlds:
        assert look.learner == mine.mean()
        assert guard.steps_spent - spent == look.steps == cost
    else:
        assert look.steps > cost


def test_training_is_the_same_with_it_and_without():
    """Until the incumbent is put back: neither parameters nor global states know of it."""
    plain, guarded = make_model().learn(4 * ROLLOUT), make_model()
    guarded.learn(4 * ROLLOUT, callback=KeepBest(ROLLOUT, restore=False))
    assert are_equal(parameters(plain), parameters(guarded))


@pytest.mark.parametrize("budget", [1000, 1060, 1500])
def test_budget_is_of_training_and_looks_together(budget):
    """It is not exceeded, and no more is left than a rollout and a look would take."""
    model = make_model()
    guard = KeepBest(4 * ROLLOUT, num_worlds=8, horizon_s=2.0, budget_steps=budget)
    model.learn(10**6, callback=guard)
    used = model.num_timesteps + guard.steps_spent
    assert guard.is_over
    assert budget - ROLLOUT - guard._dearest < used <= budget
    assert guard.history[-1].step >= model.num_timesteps - 4  # nothing was learned since
    assert FrozenActor(model).equals(guard._incumbent)


def test_leg_of_a_budget_is_no_end():
    """Nothing is looked at or put back where the budget is not used up."""
    model = make_model(learning_rate=0.1)
    guard = KeepBest(10**6, budget_steps=10**5)
    model.learn(2 * ROLLOUT, callback=guard)
    assert not guard.is_over
    assert not guard.history
    assert not FrozenActor(model).equals(guard._incumbent)


def test_budget_without_room_is_refused():
    """Before the first step of the training."""
    model = make_model()
    with pytest.raises(ConfigError, match="no room"):
        model.learn(64, callback=KeepBest(32, budget_steps=40))
    assert model.num_timesteps == 0


@pytest.mark.parametrize("fresh_worlds", [False, True])
def test_resumed_guard_is_the_same(fresh_worlds, tmp_path):
    """A file at half time, and another instance: the same looks, the same incumbent, to a bit."""

    def guard_of():
        return KeepBest(ROLLOUT, num_worlds=3, fresh_worlds=fresh_worlds, budget_steps=10**6)

    whole, first, second = make_model(), guard_of(), guard_of()
    for _ in range(2):
        whole.learn(3 * ROLLOUT, callback=first, reset_num_timesteps=False)
    parts, before = make_model(), guard_of()  # which seeds the draws anew
    parts.learn(3 * ROLLOUT, callback=before, reset_num_timesteps=False)
    before.save(tmp_path / "guard.safetensors")
    second.load(tmp_path / "guard.safetensors")
    assert second.steps_spent == before.steps_spent
    assert second.state_dict().numbers == before.state_dict().numbers
    parts.learn(3 * ROLLOUT, callback=second, reset_num_timesteps=False)
    assert [look.step for look in second.history] == [32, 64, 96, 128, 160]
    assert second.history == first.history
    assert second.state_dict().numbers == first.state_dict().numbers
    assert second._incumbent.equals(first._incumbent)
    assert [path.name for path in tmp_path.iterdir()] == ["guard.safetensors"]


def test_killed_training_has_its_incumbent_on_the_disk(tmp_path):
    """Written after every look, and read where a training goes on, not where one begins."""
    path = tmp_path / "new" / "guard.safetensors"
    model = make_model()
    guard = KeepBest(ROLLOUT, num_worlds=2, path=path, restore=False)
    model.learn(3 * ROLLOUT, callback=guard)
    other = KeepBest(ROLLOUT, num_worlds=2, path=path, restore=False)
    model.learn(ROLLOUT, callback=other, reset_num_timesteps=False)
    assert other.history[: len(guard.history)] == guard.history
    assert other.steps_spent > guard.steps_spent
    anew = KeepBest(10**6, num_worlds=2, path=path, restore=False)
    make_model().learn(ROLLOUT, callback=anew)
    assert anew.history == []


def test_state_of_other_arguments_or_networks_is_refused(tmp_path):
    """A state goes on as it began, or not at all."""
    path = tmp_path / "guard.safetensors"
    model = make_model()
    model.learn(ROLLOUT, callback=KeepBest(ROLLOUT, num_worlds=2, path=path))
    with pytest.raises(ConfigError, match="num_worlds=2"):
        KeepBest(ROLLOUT, num_worlds=3).load(path)
    guard = KeepBest(ROLLOUT, num_worlds=2)
    guard.load(path)
    longer = make_model(make_env(scenario=SMALL.replace(horizon_s=5.0))).learn(ROLLOUT)
    with pytest.raises(ConfigError, match="the same environment"):
        longer.learn(ROLLOUT, callback=guard, reset_num_timesteps=False)
    guard.load(path)
    wider = A2C("MlpPolicy", make_env(), policy_kwargs={"net_arch": [9]}, seed=0).learn(20)
    with pytest.raises(ConfigError, match="other parameters"):
        wider.learn(20, callback=guard, reset_num_timesteps=False)
    content = path.read_bytes()
    for wrong in (b"", content[:-1], content.replace(b"keep best 1", b"keep best 9")):
        path.write_bytes(wrong)
        with pytest.raises(ConfigError, match="holds no state"):
            guard.load(path)
    with pytest.raises(ConfigError, match="there is no state"):
        guard.load(tmp_path / "nothing")


def test_incumbent_is_frozen_with_its_normalisation():
    """Actors that are no plain layers, and statistics of VecNormalize, stay as they were."""
    env = VecNormalize(make_env(), gamma=1.0)
    kwargs = {"activation_fn": torch.nn.ReLU, "share_features_extractor": False}
    model = A2C("MlpPolicy", env, n_steps=8, seed=0, policy_kwargs=kwargs, learning_rate=0.1)
    guard = KeepBest(10**6, restore=False)
    model.learn(2 * ROLLOUT, callback=guard)
    seen = np.random.default_rng(0).random((100, env.observation_space.shape[0]), np.float32)
    masks = np.ones((100, 4), np.int8)
    incumbent, frozen = guard.incumbent(), ModelPolicy(model).frozen()
    chosen = [one.actions(seen, masks) for one in (incumbent, frozen)]
    expected = model.predict(env.normalize_obs(seen), deterministic=True)[0]
    assert np.array_equal(chosen[1], expected)
    assert not np.shares_memory(FrozenActor(model).scale.mean, env.obs_rms.mean)
    model.learn(8 * ROLLOUT, reset_num_timesteps=False)
    env.obs_rms.mean += np.linspace(-2.0, 2.0, seen.shape[1])
    assert not np.array_equal(ModelPolicy(model).actions(seen, masks), chosen[0])
    for one, before in zip((incumbent, frozen), chosen, strict=True):
        assert np.array_equal(one.actions(seen, masks), before)
    guard.restore()
    restored = model.predict(env.normalize_obs(seen), deterministic=True)[0]
    assert np.array_equal(restored, chosen[0])


def test_normalised_guard_is_saved_with_its_statistics(tmp_path):
    """The file gives the same incumbent to the last bit."""
    model = A2C("MlpPolicy", VecNormalize(make_env(), gamma=1.0), n_steps=8, seed=0)
    guard = KeepBest(10**6, restore=False)
    model.learn(ROLLOUT, callback=guard)
    guard.save(tmp_path / "guard")
    other = KeepBest(10**6, restore=False)
    other.load(tmp_path / "guard")
    model.learn(ROLLOUT, callback=other, reset_num_timesteps=False)
    assert other._incumbent.equals(guard._incumbent)
    assert not FrozenActor(model).equals(guard._incumbent)


@pytest.mark.parametrize("of", ["learner", "incumbent", "both"])
def test_curve_is_of_who_is_asked_for(of, tmp_path):
    """Also after the incumbent was put back: the learner is the one that learned."""
    model = make_model(learning_rate=0.5)
    guard = KeepBest(ROLLOUT, num_worlds=2, margin=1e6)
    path = tmp_path / "curve.csv"
    curve = EvaluateOnWorlds(
        ROLLOUT, num_worlds=2, of=of, keep_best=guard, sampled=True, csv_path=path
    )
    model.learn(3 * ROLLOUT, callback=[guard, curve])
    worlds = world_seeds("validation", 2)
    last = curve.history[-1]
    assert last["guard_steps"] == guard.steps_spent > 0
    policies = {
        "learner": {"": guard.learner}, "incumbent": {"": guard.incumbent},
        "both": {"": guard.incumbent, "learner_": guard.learner},
    }[of]  # fmt: skip
    for prefix, policy in policies.items():
        for greedy, name in ((True, "revenue_rate"), (False, "sampled_revenue_rate")):
            expected = evaluate(policy(greedy=greedy), SMALL, worlds).mean()
            assert last[prefix + name] == expected
    assert ("learner_revenue_rate" in last) == (of == "both")
    scores = [line["revenue_rate"] for line in curve.history]
    assert (len(set(scores)) == 1) == (of != "learner")
    if of == "both":
        assert last["learner_revenue_rate"] != last["revenue_rate"]
    assert path.read_text().count("\n") == len(curve.history) + 1


def test_sampled_curve_needs_no_guard():
    """Drawn actions beside greedy ones."""
    curve = EvaluateOnWorlds(10**6, num_worlds=2, sampled=True)
    model = make_model().learn(ROLLOUT, callback=curve)
    drawn = evaluate(ModelPolicy(model, greedy=False), SMALL, world_seeds("validation", 2))
    assert curve.history[-1]["sampled_revenue_rate"] == drawn.mean()
    assert "guard_steps" not in curve.history[-1]


def test_incumbent_is_asked_for_in_order():
    """A guard must know of it, and stand before."""
    with pytest.raises(ConfigError, match="needs keep_best"):
        EvaluateOnWorlds(8, of="incumbent")
    with pytest.raises(ConfigError, match="did you mean 'learner'"):
        EvaluateOnWorlds(8, of="learners")
    guard = KeepBest(ROLLOUT)
    curve = EvaluateOnWorlds(ROLLOUT, num_worlds=1, of="incumbent", keep_best=guard)
    with pytest.raises(ConfigError, match="before an EvaluateOnWorlds"):
        make_model().learn(ROLLOUT, callback=[curve, guard])
    for early in (guard.incumbent, guard.look, guard.restore, guard.state_dict):
        with pytest.raises(ConfigError, match=r"before a training|give KeepBest"):
            early()


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"every_steps": 0}, "must be positive"),
        ({"every_steps": 8, "num_worlds": 0}, "must be positive"),
        ({"every_steps": 8, "margin": -0.1}, "margin"),
        ({"every_steps": 8, "margin": float("nan")}, "margin"),
        ({"every_steps": 8, "num_worlds": 1}, "no standard error"),
        ({"every_steps": 8, "budget_steps": 0}, "budget_steps"),
    ],
)
def test_bad_numbers_are_refused(kwargs, message):
    """At construction."""
    with pytest.raises(ConfigError, match=message):
        KeepBest(**kwargs)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: DQN("MlpPolicy", make_env(1), buffer_size=10), "DQN is none"),
        (lambda: RecurrentPPO("MlpLstmPolicy", make_env(1), n_steps=8, batch_size=8), "a memory"),
        (lambda: A2C("MlpPolicy", "CartPole-v1"), "make_vec_env"),
    ],
)
def test_other_models_are_refused(model, message):
    """Before their first step."""
    with pytest.raises(ConfigError, match=message):
        model().learn(8, callback=KeepBest(8))


def test_one_world_decides_by_itself():
    """Without a standard error, where it is asked for so."""
    guard = KeepBest(ROLLOUT, num_worlds=1, margin=0.0)
    make_model(learning_rate=0.1).learn(2 * ROLLOUT, callback=guard)
    assert all(look.half_width is None for look in guard.history)
    assert all(look.is_replaced == (look.difference > 0.0) for look in guard.history)


FINITE = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


@given(st.lists(FINITE, min_size=1, max_size=8), st.floats(0.0, 10.0))
def test_better_is_one_way_and_harder_with_the_margin(values, margin):
    """Never both ways, only with a positive mean, and whatever holds at a margin holds below it."""
    differences = np.array(values)
    forth, back = is_better(differences, margin), is_better(-differences, margin)
    assert not (forth and back)
    if forth:
        assert differences.mean() > 0.0
        assert is_better(differences, margin / 2.0)


@given(FINITE, st.integers(1, 8), st.floats(0.0, 10.0))
def test_equal_differences_need_no_error(value, count, margin):
    """All the same: the sign decides."""
    assume(abs(value) > 1e-3 or value == 0.0)
    assert is_better(np.full(count, value), margin) == (value > 0.0)


def test_margin_by_hand():
    """Differences of 1 and 3: their mean is 2 and its standard error 1."""
    assert is_better(np.array([1.0, 3.0]), 1.99)
    assert not is_better(np.array([1.0, 3.0]), 2.01)
