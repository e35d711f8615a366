"""A training with a guard: one budget, the best actor in the end, and the same after a kill."""

from pathlib import Path

import numpy as np
import pytest

from agents.defaults import settings_for
from agents.guard import planned
from agents.models import build
from agents.trained import train_agent
from agents.training import train, trained_policy
from tests.agents.cases import QUICK, TINY, Killed, are_equal, are_same_curves
from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Some looks in short episodes: two legs, of which the budget ends the second."""
    path = tmp_path_factory.mktemp("scenario") / "short.toml"
    path.write_text(to_toml(load("contention").replace(horizon_s=1.0)))
    return TINY.with_(
        scenario=str(path), total_timesteps=832, leg_steps=96, learning_rate=0.05,
        guard_looks=6, guard_worlds=2, guard_share=0.5, anneal=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(settings):
    """The training without a stop."""
    return train(settings, **QUICK)


def test_budget_is_of_training_and_looks(settings, whole):
    """Both together stay within `total_timesteps`, and use most of it."""
    model, curve = whole
    used = model.num_timesteps + curve.guard_steps
    assert 0 < curve.guard_steps < used <= settings.total_timesteps
    assert used > 0.7 * settings.total_timesteps
    assert model.num_timesteps > settings.leg_steps


def test_curve_is_of_both(settings, whole):
    """The incumbent's indicators, the learner's beside them, and what looks have cost."""
    model, curve = whole
    last = curve.points[-1]
    assert last["step"] == model.num_timesteps
    assert curve.points[0]["learner_revenue_rate"] == curve.points[0]["revenue_rate"]
    assert curve.column("guard_steps") == sorted(curve.column("guard_steps"))
    policy = trained_policy(model, settings)
    scenario = load(settings.scenario).replace(horizon_s=QUICK["evaluation_horizon_s"])
    expected = evaluate(policy, scenario, world_seeds("validation", 2))
    assert last["revenue_rate"] == pytest.approx(expected.mean())
    assert np.isfinite(curve.column("online_revenue_rate")[1:-1]).all()


def test_model_ends_as_the_best_in_the_guard_worlds(settings, whole):
    """No worse there than it began."""
    worlds = world_seeds("guard", settings.guard_worlds)
    ends, begins = (
        evaluate(trained_policy(model, settings), settings.scenario, worlds).returns.mean()
        for model in (whole[0], build(settings).model)
    )
    assert ends >= begins


def test_steps_of_an_agent_are_all_of_them(settings, whole):
    """What is reported as its cost has those of looks in it."""
    agent = train_agent(settings, **QUICK)
    assert agent.steps == whole[0].num_timesteps + whole[1].guard_steps
    assert are_same_curves(type(whole[1])(agent.points), whole[1])


def test_finished_training_is_only_read(settings, whole, tmp_path):
    """Its guard is over, at steps that end no leg."""
    train(settings, folder=tmp_path, **QUICK)
    assert len(list(tmp_path.glob("guard-*"))) == 1
    model, curve = train(
        settings, folder=tmp_path, on_progress=lambda *_: pytest.fail("it trained"), **QUICK
    )
    assert are_equal(model, whole[0])
    assert are_same_curves(curve, whole[1])


def test_killed_training_ends_as_if_it_had_not_been(settings, whole, tmp_path, monkeypatch):
    """Whichever file it was about to put in place."""
    places = []
    real = Path.replace

    def counted(path, target):
        places.append(Path(target).name)
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted)
        train(settings, folder=tmp_path / "whole", **QUICK)
    kinds = [name.split("-")[0].split(".")[0] for name in places]
    assert kinds[:4] == ["settings", "curve", "guard", "model"]
    for at in (3, 4, 6, 7):  # guard and model of the first leg, the same of the second
        left = [at]

        def killing(path, target, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(path, target)

        folder = tmp_path / str(at)
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", killing)
            with pytest.raises(Killed):
                train(settings, folder=folder, **QUICK)
        model, curve = train(settings, folder=folder, **QUICK)
        assert are_equal(model, whole[0]), at
        assert are_same_curves(curve, whole[1]), at


@pytest.mark.parametrize(
    ("preset", "action", "total", "most"),
    [
        ("contention", None, 98_304, 0.2), ("tic-pick", "pick", 65_536, 0.2),
        ("sync-beijing-calibrated", None, 65_536, 0.2), ("access-large-45", None, 65_536, 0.2),
        ("access-beta-30000", None, 65_536, 0.2), ("truck-grid-20", None, 131_072, 0.05),
    ],
)  # fmt: skip
def test_looks_take_the_share_that_they_are_given(preset, action, total, most):
    """Episodes are shortened for it, or there are fewer looks and worlds."""
    agent = "maskable-ppo-twin" if form_of(load(preset).kind, action).is_masked else "ppo-twin"
    settings = settings_for(agent, preset, action=action, total_timesteps=total, leg_steps=total)
    looks = planned(settings)
    scenario = load(preset)
    if looks.horizon_s is not None:
        scenario = scenario.replace(horizon_s=looks.horizon_s)
    policy = make_policy(settings.default_policy, load(preset), action)
    each = evaluate(policy, scenario, world_seeds("guard", looks.worlds), action=action).steps.sum()
    assert (looks.count + 1) * each <= 1.05 * most * total
    assert looks.count >= 1
    assert looks.count * looks.every_steps <= total


def test_training_too_short_for_a_guard_is_refused():
    """With what to do; those from a twin have none by default where they are short."""
    settings = settings_for("ppo-twin", "access-beta-30000", total_timesteps=2_048, leg_steps=2_048)
    assert settings.guard_looks == 0
    with pytest.raises(ConfigError, match="take more of them, or `guard_looks` 0"):
        planned(settings.with_(guard_looks=3))
