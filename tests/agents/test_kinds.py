"""Trainings on every kind of scenario: built, run, kept, and the same after a kill."""

import itertools
from functools import partial

import numpy as np
import pytest

from agents import twin
from agents.actor import load_actor, save_actor
from agents.defaults import defaults_of, kind_of, settings_for
from agents.models import build
from agents.settings import AGENTS, PPO_NAMES, WITH_TWIN, TrainSettings, whole_rollouts
from agents.training import train, trained_policy
from agents.twin import logged_policy, make_twin
from tests.agents.cases import Killed, are_equal, are_same_curves
from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import indicators, make_vec_env
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load
from twin_gym.twins import GanSettings, record, train_generator

SHORT = {
    "access": ("access-small-70", {"horizon_s": 1.2}, None),
    "tic": ("tic-small-70", {"horizon_s": 0.02}, None),
    "tic-pick": ("tic-pick", {"horizon_s": 0.01}, "pick"),
    "sync": ("sync-small", {"horizon_s": 60.0}, None),
    "sync-rounds": ("sync-rounds", {"horizon_s": 1200.0}, "rounds"),
    "truck": ("truck-grid-20", {"horizon_s": 86_400.0}, "pick"),
    "truck-nearest": ("truck-grid-20", {"horizon_s": 86_400.0}, "nearest"),
}
TINY = {
    "n_envs": 4, "n_steps": 8, "total_timesteps": 64, "leg_steps": 32, "net_arch": (8, 8),
    "num_decisions": 60, "synthetic_share": 0.2,
}  # fmt: skip
BRIEF_GAN = GanSettings(num_steps=50)
QUICK = {"evaluate_every": 32, "num_worlds": 2}
OF_AMOUNTS = {"tic", "sync-rounds"}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """By case, the file of a scenario with short episodes."""
    folder = tmp_path_factory.mktemp("scenarios")
    for case, (preset, changes, _) in SHORT.items():
        scenario = load(preset).replace(**changes)
        (folder / f"{case}.toml").write_text(to_toml(scenario))
    return {case: str(folder / f"{case}.toml") for case in SHORT}


def settings(files, case, agent, **changes):
    """Settings of a training of two rollouts."""
    given = TINY | ({"action": SHORT[case][2]} if SHORT[case][2] else {})
    if case == "access":
        given["default_policy"] = "none"  # no level was tuned for so short an episode
    given |= changes
    return settings_for(agent, files[case], **given)


@pytest.mark.parametrize(
    ("case", "agent"), list(itertools.product(SHORT, ["a2c", "ppo", "maskable-ppo"]))
)
def test_every_agent_learns_on_every_kind(files, case, agent, tmp_path):
    """Two rollouts change the actor, and what is saved of it decides the same in every state."""
    run_settings = settings(files, case, agent)
    if case in OF_AMOUNTS and agent == "maskable-ppo":
        with pytest.raises(ConfigError, match="train `ppo`"):
            train(run_settings, **QUICK)
        return
    before = build(run_settings).model.policy.state_dict()
    model, curve = train(run_settings, **QUICK)
    moved = [x for x, value in model.policy.state_dict().items() if not value.equal(before[x])]
    assert any(name.startswith("action_net") for name in moved)
    assert curve.column("step") == [0.0, 32.0, 64.0]
    assert np.isfinite(curve.column("return_per_s")).all()
    assert np.isfinite(curve.column("online_return_per_s")[1:]).all()
    save_actor(model, run_settings, tmp_path)
    actor, scenario = load_actor(tmp_path), load(files[case])
    actor.check_fits(scenario)
    policy = trained_policy(model, run_settings)
    states = np.random.default_rng(0).random((50, len(actor.field_names))).astype(np.float32)
    space = model.action_space
    masks = np.ones((50, 0 if case in OF_AMOUNTS else int(space.n)), np.int8)
    chosen = actor.actions(states, masks)
    np.testing.assert_array_equal(chosen, policy.actions(states, masks))
    if case in OF_AMOUNTS:
        assert (chosen >= space.low).all()
        assert (chosen <= space.high).all()


@pytest.mark.parametrize("case", list(SHORT))
def test_curve_is_scored_by_the_return_a_second(files, case):
    """Of the greedy policy, on the validation worlds, as `evaluate` gives it."""
    run_settings = settings(files, case, "a2c", total_timesteps=32)
    model, curve = train(run_settings, **QUICK)
    scenario = load(files[case])
    seeds = world_seeds("validation", 2)
    evaluation = evaluate(
        trained_policy(model, run_settings), scenario, seeds, action=run_settings.action
    )
    expected = evaluation.returns.mean() / scenario.horizon_s
    assert curve.points[-1]["return_per_s"] == pytest.approx(expected)
    values = indicators(evaluation, [scenario])
    assert values["return_per_s"].mean() == pytest.approx(expected)
    assert values.keys() == {"return_per_s", *evaluation.kpi}


@pytest.mark.parametrize(
    ("case", "agent", "share"),
    [("access", "ppo", 1.0), ("tic", "ppo", 1.0), ("tic", "ppo-twin", 0.5)],
)
def test_stopped_training_ends_as_if_it_had_not_been(files, case, agent, share, tmp_path):
    """With rows out of step and rates that fall; stopped in the second of three legs."""
    run_settings = settings(files, case, agent, total_timesteps=96, learner_share=share)
    assert run_settings.staggered
    assert run_settings.anneal
    model, curve = train(run_settings, **QUICK)

    def stop(step, score):
        if step > 32:
            raise Killed

    with pytest.raises(Killed):
        train(run_settings, folder=tmp_path, on_progress=stop, **QUICK)
    again, its_curve = train(run_settings, folder=tmp_path, **QUICK)
    assert are_equal(again, model)
    assert are_same_curves(its_curve, curve)


def test_twin_acts_where_the_learner_does_not(files):
    """What is earned while learning is then nearly the twin's."""
    rates = []
    for share in (1.0, 0.25):
        _, curve = train(
            settings(files, "tic-pick", "maskable-ppo-twin", learner_share=share, temperature=9.0),
            **QUICK,
        )
        rates.append(curve.column("online_return_per_s")[1])
    assert rates[1] > rates[0]


def test_rates_fall_on_one_line_over_all_legs(files):
    """Three legs of one rollout each: whole, two thirds, one third."""
    run_settings = settings(files, "access", "a2c", total_timesteps=96, ent_coef=0.03)
    models, rates = [], []
    model, _ = train(
        run_settings,
        on_begin=lambda built, _: models.append(built.model),
        on_progress=lambda *_: rates.append(models[0].lr_schedule(1.0)),
        **QUICK,
    )
    rates.append(model.lr_schedule(1.0))
    shares = np.array(rates) / run_settings.learning_rate
    np.testing.assert_allclose(shares, [1.0, 1.0, 2.0 / 3.0, 1.0 / 3.0])
    assert model.policy.optimizer.param_groups[0]["lr"] == pytest.approx(rates[-1])
    assert model.ent_coef == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("case", "agent"),
    [
        *((case, "a2c-twin") for case in SHORT),
        *((case, "ppo-twin") for case in ("access", "tic")),
        *((case, "maskable-ppo-twin") for case in ("sync", "tic-pick")),
        *(pytest.param(case, "a2c-gan-twin", marks=pytest.mark.slow) for case in ("tic", "access")),
    ],
)
def test_warm_start_begins_as_its_twin(files, case, agent, monkeypatch):
    """The first point of the curve is what the twin itself earns, however long its GAN learns."""
    monkeypatch.setattr(twin, "train_generator", partial(train_generator, settings=BRIEF_GAN))
    run_settings = settings(files, case, agent, total_timesteps=32)
    _, curve = train(run_settings, **QUICK)
    scenario = load(files[case])
    seeds = world_seeds("validation", 2)
    evaluation = evaluate(make_twin(run_settings), scenario, seeds, action=run_settings.action)
    assert curve.points[0]["return_per_s"] == pytest.approx(
        evaluation.returns.mean() / scenario.horizon_s, rel=1e-6
    )


@pytest.mark.parametrize("case", ["access", "tic"])
def test_twin_of_a_constant_rule_begins_near_its_score(files, case):
    """A fixed level and first-come weights are easy to clone: a log of 60 decisions is enough."""
    run_settings = settings(files, case, "a2c-twin", total_timesteps=32)
    scenario, seeds = load(files[case]), world_seeds("validation", 2)
    default = make_policy(run_settings.default_policy, scenario, run_settings.action)
    _, curve = train(run_settings, **QUICK)
    usual = evaluate(default, scenario, seeds, action=run_settings.action)
    assert curve.points[0]["return_per_s"] == pytest.approx(
        usual.returns.mean() / scenario.horizon_s, rel=0.02
    )


@pytest.mark.parametrize("agent", sorted(set(AGENTS) - PPO_NAMES & WITH_TWIN))
def test_admission_keeps_the_defaults(agent):
    """Its settings are those of `TrainSettings`; trainings from a twin have a guard beside them."""
    looks = 3 if agent in WITH_TWIN else 0
    for scenario in ("contention", "mild"):
        usual = TrainSettings(agent=agent, scenario=scenario, guard_looks=looks)
        assert settings_for(agent, scenario) == usual


def test_other_kinds_have_defaults_of_their_own():
    """A default policy that exists there, whole rollouts, and what is given is kept."""
    cases = (
        ("access-large-70", None), ("tic-pick", "pick"), ("sync-small", None),
        ("truck-grid-20", "pick"), ("truck-grid-20", "nearest"),
    )  # fmt: skip
    for preset, form in cases:
        scenario = load(preset)
        defaults = settings_for("ppo", preset, n_envs=24, action=form)
        make_policy(defaults_of(scenario, "ppo", form)["default_policy"], scenario, form)
        assert defaults.n_envs == 24
        assert defaults.total_timesteps % (24 * defaults.n_steps) == 0
        assert defaults.shared == (form in {"pick", "nearest"} or scenario.kind == "sync")
        assert defaults.anneal


def test_what_is_logged_for_a_twin_is_what_the_kind_says():
    """Other agents keep what runs today; candidates are scored by one network in both."""
    cases = {
        ("sync-small", "pick"): ("oldest-first", "round-robin"),
        ("tic-pick", "pick"): ("edf", "first-come"),
        ("tic-small-70", "weights"): ("edf", "first-come"),
        ("truck-grid-20", "pick"): ("svm-fill", "schedule"),
        ("truck-edinburgh-calibrated", "pick"): ("nearest-full", "schedule"),
        ("access-large-70", "level"): ("fixed", "fixed"),
    }
    for (preset, form), (logged, today) in cases.items():
        for agent in ("a2c-twin", "clone"):
            of_twin = settings_for(agent, preset, action=form)
            assert of_twin.default_policy == logged
            assert of_twin.shared == (form == "pick")
        assert settings_for("ppo", preset, action=form).default_policy == today


def test_twins_that_pick_are_faithful_and_their_learners_explore():
    """Like candidates are told apart where labels are smoothed little; a temperature does more."""
    chosen = settings_for("maskable-ppo-twin", "tic-pick", action="pick", num_decisions=2000)
    scenario = load("tic-pick")
    log = record(logged_policy(chosen, scenario), scenario, 1000, seed=1, action="pick")
    foretold = make_twin(chosen).actions(log.observations, log.masks) == log.actions
    assert foretold.mean() >= 0.95
    for agent in ("maskable-ppo-twin", "a2c-twin", "a2c-gan-twin"):
        assert settings_for(agent, "tic-pick", action="pick").temperature > 1.0
    assert settings_for("ppo-twin", "tic-small-70").temperature == 1.0  # amounts have none


def test_twins_go_over_their_log_as_often_as_their_kind_needs():
    """Smoothed much, those of many entities are faithful then; what is given is kept."""
    chosen = settings_for("maskable-ppo-twin", "truck-grid-20", action="pick")
    assert (chosen.clone_epochs, chosen.smoothing, chosen.temperature) == (60, 0.02, 3.5)
    for agent in ("maskable-ppo-twin", "a2c-twin", "clone"):
        chosen = settings_for(agent, "sync-small")
        assert (chosen.clone_epochs, chosen.smoothing, chosen.temperature) == (60, 0.5, 1.0)
    assert settings_for("clone", "sync-small", clone_epochs=5).clone_epochs == 5
    assert settings_for("maskable-ppo", "sync-small").clone_epochs == 20


@pytest.mark.parametrize(
    ("scenario", "smoothing", "rollout", "epochs"),
    [
        ("contention", 0.6, (32, 64), 4),
        ("service-calibrated", 0.6, (64, 32), 6),
        ("access-large-45", 0.2, (32, 64), 4),
        ("tic-small-70", 0.2, (32, 64), 4),
        ("sync-small", 0.5, (32, 32), 4),
        ("truck-grid-20", 0.02, (32, 64), 4),
    ],
)
def test_ppo_from_a_twin_has_settings_of_its_kind(scenario, smoothing, rollout, epochs):
    """Many small steps, rates that fall, and a critic that has learned before the actor moves."""
    agent = "maskable-ppo-twin" if form_of(load(scenario).kind, None).is_masked else "ppo-twin"
    chosen = settings_for(agent, scenario)
    assert (chosen.smoothing, chosen.n_epochs) == (smoothing, epochs)
    assert (chosen.n_envs, chosen.n_steps) == rollout
    assert (chosen.batch_size, chosen.anneal) == (256, True)
    assert chosen.critic_warm_up_steps == 8192


@pytest.mark.parametrize("scenario", ["tidal", "alternating"])
def test_where_a_slice_comes_at_some_hours_networks_are_staggered(scenario):
    """In step, each rollout shows one hour alone; other admission presets stay as they are."""
    for agent in ("a2c", "a2c-twin", "maskable-ppo", "maskable-ppo-twin"):
        chosen, other = settings_for(agent, scenario), settings_for(agent, "service-calibrated")
        assert (chosen.staggered, chosen.anneal, other.staggered) == (True, True, False)
        assert chosen.discount_holding_times > other.discount_holding_times
        assert chosen.trace_holding_times > other.trace_holding_times
    ppo = settings_for("maskable-ppo", scenario)
    assert (ppo.n_envs, ppo.n_steps, ppo.batch_size) == (32, 128, 256)


def test_warm_up_is_a_quarter_of_a_short_training_at_most():
    """In whole rollouts, none where there is no room for one; what is given is kept."""
    few = {"n_envs": 4, "n_steps": 8, "leg_steps": 64}
    steps = {
        total: settings_for(
            "ppo-twin", "access-small-70", **few, total_timesteps=total
        ).critic_warm_up_steps
        for total in (64, 128, 160, 512)
    }
    assert steps == {64: 0, 128: 0, 160: 0, 512: 0}
    few["leg_steps"] = 512
    given = settings_for("ppo-twin", "access-small-70", **few, critic_warm_up_steps=96)
    assert given.critic_warm_up_steps == 96
    chosen = settings_for("ppo-twin", "access-small-70", **few, total_timesteps=448)
    assert chosen.critic_warm_up_steps == whole_rollouts(96, 32)


def test_credit_of_access_is_counted_in_opportunities():
    """Three and one, however long the scenario's time unit is."""
    for preset in ("access-large-70", "access-beta-30000"):
        scenario = load(preset)
        model = build(settings_for("ppo", preset, n_envs=2, n_steps=4)).model
        assert model.discount_time_s == pytest.approx(3.0 * scenario.slot_s)
        assert model.trace_time_s == pytest.approx(1.0 * scenario.slot_s)


def test_what_cannot_be_trained_is_refused(files):
    """Mixed kinds; candidates where there are none; a twin of who remembers what is not shown."""
    with pytest.raises(ConfigError, match=r"one kind, got .* of 'tic', .* of 'sync'"):
        kind_of((files["tic"], files["sync"]))
    with pytest.raises(ConfigError, match="of one kind"):
        settings_for("a2c", files["tic"], more_scenarios=(files["sync"],))
    with pytest.raises(ConfigError, match="leave `shared` False"):
        build(settings(files, "access", "a2c", shared=True))
    with pytest.raises(ConfigError, match="leave `shared` False"):
        make_twin(settings(files, "tic", "a2c-twin", shared=True))
    with pytest.raises(ConfigError, match="whose turn it is, which its observations do not show"):
        make_twin(settings(files, "tic-pick", "a2c-twin", default_policy="round-robin"))


def test_actor_of_another_kind_is_refused(files, tmp_path):
    """With the kind, or with what differs in what it sees or does."""
    run_settings = settings(files, "access", "a2c")
    save_actor(build(run_settings).model, run_settings, tmp_path)
    actor = load_actor(tmp_path)
    with pytest.raises(ConfigError, match=r"of the kind 'access', and .* of the kind 'sync'"):
        actor.check_fits(load("sync-small"))
    other = load("access-small-70").replace(barring_levels=8)
    with pytest.raises(ConfigError, match="other actions"):
        actor.check_fits(other)


def test_rows_that_are_spread_are_at_different_points_of_their_episodes():
    """Row i of n is at i/n; without it all are at the beginning; the same seed gives the same."""
    kwargs = {"scenario": "access-small-70", "seed": 5}
    together = make_vec_env("twin_gym/MassiveAccess-v0", 4, **kwargs)
    assert (together.reset()[:, -1] == 0.0).all()
    spread, again = (
        make_vec_env("twin_gym/MassiveAccess-v0", 4, staggered=True, **kwargs) for _ in range(2)
    )
    seen = spread.reset()
    np.testing.assert_allclose(seen[:, -1], [0.0, 0.25, 0.5, 0.75], atol=0.01)
    np.testing.assert_array_equal(seen, again.reset())
    actions = np.zeros(4, np.int64)
    lengths = {}
    for _ in range(300):
        _, _, dones, infos = spread.step(actions)
        lengths |= {row: infos[row]["episode"]["l"] for row in np.flatnonzero(dones)}
    assert lengths == dict.fromkeys(range(4), 300)
