"""Right-time synchronisation: every preset, both forms of action: what a user may rely on."""

import functools
import inspect
import os
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from twin_gym.environments.kinds import kinds
from twin_gym.environments.right_time_sync import kpi
from twin_gym.environments.right_time_sync.env import RightTimeSyncEnv
from twin_gym.environments.right_time_sync.observation import FIELDS, field_names
from twin_gym.errors import ConfigError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names, parse
from twin_gym.testing import check_seeding, check_vector_env

ENV_ID = "twin_gym/RightTimeSync-v0"
PRESETS = names("sync")
ACTIONS = ("pick", "rounds")
OBJECTIVES = ("balanced", "error", "updates", "vector")
INFO_KEYS = {"elapsed_s", "cost", "error", "updates", "disallowed_actions"}

every_preset = pytest.mark.parametrize("preset", PRESETS)
every_action = pytest.mark.parametrize("action", ACTIONS)
every_mode = pytest.mark.parametrize("mode", list(AutoresetMode))


def short(preset):
    """A preset with an episode of a dozen slots; skipped where its data is not here."""
    scenario = load(preset)
    replayed = any(group.process.law == "replay" for group in scenario.groups)
    if replayed and not os.environ.get("TWIN_GYM_DATA"):
        pytest.skip(f"{preset} replays real data and TWIN_GYM_DATA is not set")
    return scenario.replace(horizon_s=12 * scenario.slot_s)


def test_id_is_registered():
    """Under its name, with both forms."""
    assert ENV_ID in {one.id for one in kinds()}
    assert {"sync-small", "sync-medium", "sync-large", "sync-rounds"} <= set(PRESETS)


@every_preset
@every_action
def test_checkers_pass(preset, action):
    """Gymnasium and Stable-Baselines3 find no fault, and every warning is an error."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*symmetric and normalized Box action space.*")
        check_env(env.unwrapped, skip_render_check=True)
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_preset
@every_action
def test_seed_decides_and_nothing_else(preset, action):
    """Equal again with the same seed, other with another one, undisturbed by neighbours."""
    make = functools.partial(gymnasium.make, ENV_ID, scenario=short(preset), action=action)
    check_seeding(make, steps=30)


@every_mode
@every_action
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_vector_form_keeps_the_contract(action, objective, mode):
    """The checker of twin_gym.testing, lane by lane against the single form."""
    settings = {"scenario": short("sync-small"), "action": action, "objective": objective}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, ENV_ID, num_envs=2, autoreset_mode=mode, **settings
        ),
        lambda: gymnasium.make(ENV_ID, **settings).unwrapped,
        steps=30,
    )  # fmt: skip


@every_action
@pytest.mark.parametrize("error", ["expected", "realised"])
def test_budget_is_kept_and_masks_say_so(action, error):
    """An update beyond the budget is not sent; picking one is counted and changes nothing else."""
    scenario = short("sync-small").replace(update_budget=4)
    env = gymnasium.make(ENV_ID, scenario=scenario, action=action, error=error)
    _, info = env.reset(seed=1)
    truncated, disallowed = False, 0
    while not truncated:
        if action == "pick":
            disallowed += info["action_mask"][3] == 0
            chosen = 3
        else:
            chosen = np.ones(50, np.float32)
        _, _, _, truncated, info = env.step(chosen)
        assert set(info) >= INFO_KEYS
    assert info["kpi"]["updates"] == 4.0
    assert tuple(info["kpi"]) == kpi.NAMES
    assert info["disallowed_actions"] == disallowed == (8 if action == "pick" else 0)
    if action == "pick":
        assert info["action_mask"].tolist() == [0] * 50 + [1]


@pytest.mark.parametrize("engine", ["kernel", "simpy"])
def test_disallowed_picks_are_counted_anew_in_each_episode(engine):
    """Also where the next episode begins in the step that ends the last one."""
    scenario = short("sync-small").replace(update_budget=0, horizon_s=5.0)
    mode = AutoresetMode.SAME_STEP
    given = {"scenario": scenario, "action": "pick", "engine": engine, "autoreset_mode": mode}
    env = gymnasium.make_vec(ENV_ID, num_envs=2, **given)
    env.reset(seed=1)
    counts, slots = [], round(5.0 / scenario.slot_s)
    for _ in range(3 * slots):
        _, _, _, truncated, infos = env.step(np.array([3, 3]))
        told = infos["final_info"] if truncated.any() else infos
        counts.append(int(told["disallowed_actions"][0]))
    assert counts == 3 * list(range(1, slots + 1))


@every_preset
def test_scenario_and_spec_make_the_round_trip(preset):
    """A scenario through TOML; the environment through its spec; fields have names."""
    scenario = load(preset)
    assert parse(to_toml(scenario)) == scenario
    env = gymnasium.make(ENV_ID, scenario=short(preset))
    assert env.observation_space.shape == (len(set(field_names(scenario))),)
    again = gymnasium.make(env.spec)
    assert np.array_equal(env.reset(seed=4)[0], again.reset(seed=4)[0])


def test_pickled_environment_goes_on_alike():
    """In the middle of an episode."""
    env = RightTimeSyncEnv(short("sync-small"))
    env.reset(seed=2)
    env.step(3)
    other = pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes
    for action in (5, 50, 3):
        assert np.array_equal(env.step(action)[0], other.step(action)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scenario": "sync-smal"}, "did you mean 'sync-small'"),
        ({"scenario": "contention"}, "of the kind 'sync' is needed"),
        ({"scenario": []}, "empty sequence"),
        ({"scenario": 7}, "got 7"),
        ({"scenario": ["sync-small", "sync-medium"]}, "as many entities"),
        ({"action": "picks"}, "did you mean 'pick'"),
        ({"objective": "erro"}, "did you mean 'error'"),
        ({"error": "real"}, "Known: expected, realised"),
        ({"engine": "kernl"}, "did you mean 'kernel'"),
    ],
)
@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_bad_argument_is_refused_at_construction(arguments, message, make):
    """With the value, what is allowed, and the nearest name."""
    with pytest.raises(ConfigError, match=message):
        make(ENV_ID, **arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"horizon_s": 0.5}, "whole number of slots"),
        ({"horizon_s": 1e7}, "shorten the horizon"),
        ({"updates_per_round": 51}, "ask for fewer"),
        ({"delivery_probability": 0.0}, "greater than 0"),
        ({"slot_s": 1e4, "horizon_s": 1e5}, "lower `variance_rate_hz`"),
    ],
)
def test_scenario_that_does_not_fit_is_refused(changes, message):
    """In words that say what to do."""
    with pytest.raises(ConfigError, match=message):
        load("sync-small").replace(**changes)


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
@pytest.mark.parametrize("preset", ["sync-small", "sync-rounds"])
def test_every_picture_is_drawn(preset, mode):
    """Text of at most 80 columns; pixels of one size."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), render_mode=mode)
    env.reset(seed=1)
    env.step(0)
    picture = env.render()
    if mode == "ansi":
        assert max(map(len, picture.splitlines())) <= 80
    else:
        assert picture.shape == (420, 720, 3)
        assert len(np.unique(picture)) > 3
    assert len(env.unwrapped.topology()) == 1 + len(env.unwrapped.scenario.groups) + (
        env.unwrapped.scenario.num_entities
    )


def test_docstring_has_its_headings():
    """What the others have; every observed group is in its table."""
    text = inspect.getdoc(RightTimeSyncEnv)
    for heading in ("Story", "Action Space", "Reward", "Known answers", "Version History"):
        assert f"## {heading}" in text
    assert all(f"| `{field.name}` |" in text for field in FIELDS)
