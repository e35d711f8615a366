"""A training: built as asked, the same whether it was killed or not, its curve as defined."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.logger import configure

from agents.models import build
from agents.training import Curve, _extend, _Online, train, trained_policy
from agents.twin import make_twin
from tests.agents.cases import QUICK, TINY, Killed, are_equal, are_same_curves, parameters
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, world_seeds
from twin_gym.sb3 import NativeVecEnv, SemiMarkovA2C, SemiMarkovPPO, actor_parameters, make_vec_env
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load

ALGORITHMS = {
    "a2c": SemiMarkovA2C,
    "a2c-twin": SemiMarkovA2C,
    "a2c-gan-twin": SemiMarkovA2C,
    "maskable-ppo": MaskablePPO,
    "ppo": SemiMarkovPPO,
    "maskable-ppo-twin": MaskablePPO,
    "ppo-twin": SemiMarkovPPO,
}
FROM_TWIN = ["a2c-twin", "ppo-twin", "maskable-ppo-twin"]


@pytest.fixture(scope="module", autouse=True)
def twins():
    """A twin is made once for all settings that make the same one."""
    made = {}

    def cached(settings):
        key = (settings.agent, settings.scenario, settings.seed)
        if key not in made:
            made[key] = make_twin(settings)
        return made[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("agents.models.make_twin", cached)
        yield cached


@pytest.fixture(scope="module")
def whole():
    """`TINY`, trained without a stop."""
    return train(TINY, **QUICK)


@pytest.mark.parametrize("agent", list(ALGORITHMS))
def test_every_agent_is_built(agent):
    """With its algorithm, and with a twin where its name says so."""
    built = build(TINY.with_(agent=agent))
    assert isinstance(built.model, ALGORITHMS[agent])
    assert (built.twin is not None) == (built.started is not None) == agent.endswith("twin")
    if built.twin is not None:
        assert (built.twin.metadata.num_synthetic > 0) == ("gan" in agent)
        assert "action_net.weight" in built.started.loaded
    assert build(TINY.with_(agent=agent), start=False).twin is None


@pytest.mark.parametrize(("agent", "algorithm"), [("a2c", A2C), ("ppo", PPO)])
def test_credit_by_steps_is_the_plain_algorithm(agent, algorithm):
    """With the discount a step that is usual."""
    model = build(TINY.with_(agent=agent, simulated_time=False)).model
    assert type(model) is algorithm
    assert (model.gamma, model.gae_lambda) == (0.99, 0.95)


def test_rewards_stay_as_they_are_where_asked():
    """The average that is taken off is nothing, after a rollout too."""
    model = build(TINY.with_(centre_rewards=False)).model
    model.learn(32)
    assert model.reward_centre.rate_per_s == 0.0
    assert build(TINY).model.reward_centre.rate_per_s is None


def test_clone_is_not_trained():
    """It is the twin itself."""
    with pytest.raises(ConfigError, match="make_twin"):
        train(TINY.with_(agent="clone"), **QUICK)


def test_same_settings_give_the_same_training(whole):
    """Draws before the training change nothing; another seed gives another training."""
    torch.rand(3)
    model, curve = train(TINY, **QUICK)
    assert are_equal(model, whole[0])
    assert are_same_curves(curve, whole[1])
    other, _ = train(TINY.with_(seed=1), **QUICK)
    assert not are_equal(other, whole[0])


def test_a_folder_changes_nothing(whole, tmp_path):
    """Checkpoints are only written; no file is left aside."""
    model, curve = train(TINY, folder=tmp_path, **QUICK)
    assert are_equal(model, whole[0])
    assert are_same_curves(curve, whole[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curve.jsonl", "model.zip", "settings.json"
    ]  # fmt: skip


def test_curve_has_each_point_once(whole):
    """At every evaluation, legs notwithstanding; nothing was earned before the first step."""
    curve = whole[1]
    assert curve.column("step") == [0.0, 32.0, 64.0, 96.0, 128.0]
    assert np.isnan(curve.column("online_revenue_rate")[0])
    assert np.isfinite(curve.column("online_revenue_rate")[1:]).all()


def test_finished_training_is_only_read(whole, tmp_path):
    """No step is done again."""
    train(TINY, folder=tmp_path, **QUICK)
    model, curve = train(
        TINY, folder=tmp_path, on_progress=lambda *_: pytest.fail("it trained"), **QUICK
    )
    assert are_equal(model, whole[0])
    assert are_same_curves(curve, whole[1])


@pytest.mark.parametrize("agent", [*FROM_TWIN, "maskable-ppo"])
def test_stopped_training_ends_as_if_it_had_not_been(agent, tmp_path):
    """Stopped in its second leg: the first is kept, the second is done again."""
    settings = TINY.with_(
        agent=agent, total_timesteps=160, critic_warm_up_steps=32 * agent.endswith("twin")
    )
    model, curve = train(settings, **QUICK)

    def stop(step, score):
        if step > 96:
            raise Killed

    with pytest.raises(Killed):
        train(settings, folder=tmp_path, on_progress=stop, **QUICK)
    begun = []
    again, its_curve = train(
        settings,
        folder=tmp_path,
        on_begin=lambda built, step: begun.append((built.twin, step)),
        **QUICK,
    )
    assert begun == [(None, 64)]
    assert are_equal(again, model)
    assert are_same_curves(its_curve, curve)


class Kills:
    """Stands before everything that changes the disk for good, and kills at one of the calls."""

    def __init__(self, monkeypatch, at=None):
        self.count, self._at = 0, at
        for owner, name in ((Path, "replace"), (os, "fsync")):
            monkeypatch.setattr(owner, name, self._guard(getattr(owner, name)))

    def _guard(self, real):
        def guarded(*args):
            self.count += 1
            if self.count == self._at:
                raise Killed
            return real(*args)

        return guarded


def test_killed_while_it_writes(whole, tmp_path):
    """Training resumes to the same end, whatever was on the disk when it was killed."""
    with pytest.MonkeyPatch.context() as patch:
        kills = Kills(patch)
        train(TINY, folder=tmp_path / "whole", **QUICK)
    assert kills.count == 2 + 2 * 4  # settings; curve and model of two legs
    for at in range(1, kills.count + 1):
        folder = tmp_path / str(at)
        with pytest.MonkeyPatch.context() as patch:
            Kills(patch, at)
            with pytest.raises(Killed):
                train(TINY, folder=folder, **QUICK)
        model, curve = train(TINY, folder=folder, **QUICK)
        assert are_equal(model, whole[0]), at
        assert are_same_curves(curve, whole[1]), at


def test_folder_of_other_settings_is_refused(tmp_path):
    """Before anything in it is touched; a damaged one too."""
    small = TINY.with_(total_timesteps=32, leg_steps=32)
    train(small, folder=tmp_path, **QUICK)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ConfigError, match="other settings"):
        train(small.with_(learning_rate=0.5), folder=tmp_path, **QUICK)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    stored = json.loads(before["settings.json"])
    for wrong in (stored | {"colour": "red"}, {"digest": stored["digest"]}, []):
        (tmp_path / "settings.json").write_text(json.dumps(wrong))
        with pytest.raises(ConfigError, match="holds no settings"):
            train(small, folder=tmp_path, **QUICK)
    (tmp_path / "settings.json").write_text('{"digest": ')
    with pytest.raises(ConfigError, match="holds no settings"):
        train(small, folder=tmp_path, **QUICK)


def test_scenario_that_changed_is_refused(tmp_path):
    """A file of the same name is not the same network."""
    path = tmp_path / "network.toml"
    path.write_text(to_toml(load("mild")))
    settings = TINY.with_(scenario=str(path), total_timesteps=32, leg_steps=32)
    train(settings, folder=tmp_path / "training", **QUICK)
    path.write_text(to_toml(load("contention")))
    with pytest.raises(ConfigError, match="other contents of the scenario"):
        train(settings, folder=tmp_path / "training", **QUICK)


@pytest.mark.parametrize("agent", FROM_TWIN)
def test_critic_warm_up_leaves_the_actor_as_the_twin(agent):
    """Only the critic learns, and the actor learns after it."""
    settings = TINY.with_(agent=agent, total_timesteps=64, critic_warm_up_steps=64)
    before = build(settings)
    model, _ = train(settings, **QUICK)
    frozen = actor_parameters(before.model, before.twin)
    now = actor_parameters(model, before.twin)
    assert frozen
    assert all((one == other).all() for one, other in zip(frozen, now, strict=True))
    assert all(one.requires_grad for one in now)
    moved = [
        name
        for name, value in before.model.policy.state_dict().items()
        if not value.equal(model.policy.state_dict()[name])
    ]
    assert {name.partition(".")[0] for name in moved} == {"mlp_extractor", "value_net"}
    longer, _ = train(settings.with_(total_timesteps=128), **QUICK)
    assert longer.num_timesteps == 128
    after = actor_parameters(longer, before.twin)
    assert not all((one == other).all() for one, other in zip(frozen, after, strict=True))


@pytest.mark.parametrize("agent", FROM_TWIN)
def test_actor_thaws_without_a_jump(agent):
    """Adam keeps nothing of frozen parameters: a first step is at most the rate of then."""
    settings = TINY.with_(
        agent=agent, total_timesteps=96, leg_steps=96, critic_warm_up_steps=64, n_epochs=1,
        batch_size=32, anneal=True,
    )  # fmt: skip
    built = build(settings)
    twin = [one.clone() for one in actor_parameters(built.model, built.twin)]
    moments = []

    def watch(step, score):
        actor = actor_parameters(begun[0], built.twin)
        moments.append(sum(one in begun[0].policy.optimizer.state for one in actor))

    begun = []
    model, _ = train(
        settings, on_begin=lambda new, _: begun.append(new.model), on_progress=watch, **QUICK
    )
    assert moments == [0, 0, 0]  # told before the updates of their rollouts
    actor = actor_parameters(model, built.twin)
    assert {float(model.policy.optimizer.state[one]["step"]) for one in actor} == {1.0}
    with torch.no_grad():
        moved = [float((x - y).abs().max()) for x, y in zip(actor, twin, strict=True)]
    assert 0.0 < max(moved) <= settings.learning_rate / 3.0 + 1e-6  # of three rollouts the last one


def test_critic_may_learn_at_a_rate_of_its_own(tmp_path):
    """Four times the actor's, through annealing, and after a model was read from its file."""
    settings = TINY.with_(agent="a2c", critic_rate_ratio=4.0, anneal=True)
    model, _ = train(settings, folder=tmp_path, **QUICK)
    again, _ = train(settings, folder=tmp_path, **QUICK)
    for one in (model, again):
        actor, critic = one.policy.optimizer.param_groups
        assert critic["lr"] == pytest.approx(4.0 * actor["lr"])
        assert actor["lr"] == pytest.approx(settings.learning_rate / 4.0)
        values = {id(x) for x in one.policy.value_net.parameters()}
        assert values < {id(x) for x in critic["params"]}
    assert are_equal(model, again)


@pytest.mark.parametrize("agent", FROM_TWIN)
def test_leg_of_warming_up_alone_can_be_the_last_that_was_kept(agent, tmp_path):
    """An optimiser that knows nothing of the actor is read back as it was."""
    settings = TINY.with_(agent=agent, total_timesteps=128, critic_warm_up_steps=64, anneal=True)
    model, _ = train(settings, **QUICK)

    def stop(step, score):
        if step > 64:
            raise Killed

    with pytest.raises(Killed):
        train(settings, folder=tmp_path, on_progress=stop, **QUICK)
    again, _ = train(settings, folder=tmp_path, **QUICK)
    assert are_equal(again, model)


def test_warm_start_begins_with_the_decisions_of_the_twin(twins):
    """The first point of the curve is the twin's own."""
    settings = TINY.with_(agent="a2c-twin", total_timesteps=32, leg_steps=32)
    _, curve = train(settings, **QUICK)
    scenario = load(settings.scenario).replace(horizon_s=QUICK["evaluation_horizon_s"])
    evaluation = evaluate(twins(settings), scenario, world_seeds("validation", 2))
    assert curve.points[0]["revenue_rate"] == evaluation.mean("revenue_rate")


def test_online_rate_by_hand():
    """Three rollouts of two decisions in two rows: 12 in 2 s, 6 in 3 s, 0 in 4 s."""
    env = make_vec_env("twin_gym/SliceAdmission-v0", 2, reward_scale=7.0)
    online = _Online(judge=None, on_progress=None, score="revenue_rate")
    online.model = build(TINY).model
    online.model.env = env
    rollouts = [
        ([[1.0, 2.0], [4.0, 5.0]], [[0.5, 0.5], [0.0, 1.0]]),
        ([[6.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]),
        ([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]),
    ]
    for number, (rewards, seconds) in enumerate(rollouts, start=1):
        online.on_rollout_start()
        for reward, second in zip(rewards, seconds, strict=True):
            env.rewards, env.elapsed_s = np.array(reward), np.array(second)
            online._on_step()
        online.num_timesteps = 4 * number
        online.on_rollout_end()
    curve = Curve()
    _extend(curve, [{"step": 0.0}, {"step": 4.0}, {"step": 12.0}], online)
    rates = curve.column("online_revenue_rate")
    assert np.isnan(rates[0])
    assert rates[1:] == [12.0 / 2.0, 6.0 / 7.0]


def test_online_rate_is_what_the_rows_earned(monkeypatch):
    """All that passed through the environment, unscaled, each second of each row once."""
    earned, seconds = [], []
    real = NativeVecEnv.step_wait

    def watched(env):
        collected = real(env)
        earned.append(float(collected[1].sum()) / env.reward_scale)
        seconds.append(float(env.elapsed_s.sum()))
        return collected

    monkeypatch.setattr(NativeVecEnv, "step_wait", watched)
    _, curve = train(TINY, **QUICK)
    each = TINY.n_steps
    for index, rate in enumerate(curve.column("online_revenue_rate")[1:]):
        part = slice(index * each, (index + 1) * each)
        assert rate == pytest.approx(sum(earned[part]) / sum(seconds[part]), rel=1e-5)


def test_trained_policy_has_the_name_of_its_agent(whole):
    """Tables call it so."""
    assert trained_policy(whole[0], TINY).name == "a2c"


def test_logger_can_be_given(tmp_path):
    """A hook before the first step is the place for it, and changes nothing."""
    settings = TINY.with_(total_timesteps=64)

    def begin(built, step):
        assert step == 0
        built.model.set_logger(configure(str(tmp_path), ["json"]))

    logged, _ = train(settings, on_begin=begin, **QUICK)
    logged.logger.close()
    plain, _ = train(settings, **QUICK)
    assert are_equal(logged, plain)
    lines = [json.loads(x) for x in (tmp_path / "progress.json").read_text().splitlines()]
    assert any("validation/revenue_rate" in line for line in lines)


def test_parameters_of_the_helpers_see_the_optimiser(whole):
    """The comparison of these tests is not of the weights alone."""
    assert any(name.endswith("/exp_avg") for name in parameters(whole[0]))
