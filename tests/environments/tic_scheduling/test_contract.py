"""Tiny instant communication: every preset, both forms of action, what a user may rely on."""

import copy
import functools
import itertools
import os
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.environments.factory import vector_env
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.observation import (
    WEIGHTS_FIELDS,
    field_names,
    pick_fields,
    queue_names,
)
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.scenario.loading import load, names
from twin_gym.testing import check_seeding, check_vector_env

ENV_ID = "twin_gym/TicScheduling-v0"
PRESETS = names("tic")
CASES = [*((name, "weights") for name in PRESETS), ("tic-pick", "pick")]
FORMS = [("tic-small-45", "weights"), ("tic-pick", "pick")]
INFO_KEYS = {"elapsed_s", "cost", "on_time", "expired", "dropped", "disallowed_actions"}

every_case = pytest.mark.parametrize(("preset", "action"), CASES)
every_form = pytest.mark.parametrize(("preset", "action"), FORMS)
every_mode = pytest.mark.parametrize("mode", list(AutoresetMode))


def short(preset):
    """A preset with an episode of a few bursts' length at most; skipped without its data."""
    scenario = load(preset)
    if scenario.channel_trace and not os.environ.get("TWIN_GYM_DATA"):
        pytest.skip(f"{preset} replays real data and TWIN_GYM_DATA is not set")
    return scenario.replace(horizon_s=12 * scenario.frame_slots * scenario.slot_s)


def makers(**settings):
    """What makes the vector form of two rows, and the single one."""
    vector = functools.partial(gymnasium.make_vec, ENV_ID, num_envs=2, **settings)
    settings.pop("autoreset_mode", None)
    single = functools.partial(gymnasium.make, ENV_ID, disable_env_checker=True, **settings)
    return vector, single


def test_id_is_registered():
    """By its kind, with ten presets at least."""
    assert kind_named("tic").id == ENV_ID
    assert ENV_ID in {one.id for one in kinds()}
    assert ENV_ID in gymnasium.registry
    assert len(PRESETS) >= 10


@every_case
def test_gymnasium_s_checker_passes(preset, action):
    """Gymnasium finds no fault, renderers included, and every warning is an error."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped)


@every_case
def test_sb3_s_checker_passes(preset, action):
    """Stable-Baselines3 finds no fault but that it would rather have actions from -1 to 1."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*symmetric and normalized Box action space.*")
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_case
def test_seed_decides_and_nothing_else(preset, action):
    """Equal again with the same seed, other with another one, undisturbed by neighbours."""
    make = functools.partial(gymnasium.make, ENV_ID, scenario=short(preset), action=action)
    check_seeding(make, steps=40)


@every_form
@every_mode
@pytest.mark.parametrize("objective", ["balanced", "vector"])
def test_vector_form_keeps_the_contract(preset, action, mode, objective):
    """The checker of twin_gym.testing, lane by lane against the single form, pickled too."""
    vector, single = makers(
        scenario=short(preset), action=action, objective=objective, autoreset_mode=mode
    )
    check_vector_env(vector, single, steps=45)


@every_case
def test_vector_form_keeps_the_contract_on_every_preset(preset, action):
    """The same in Gymnasium's default mode."""
    check_vector_env(*makers(scenario=short(preset), action=action), steps=30)


@every_form
def test_simpy_engine_keeps_the_contract(preset, action):
    """The slow engine is the same environment, though SimPy's processes cannot be pickled."""
    settings = {"scenario": short(preset), "action": action}
    vector, _ = makers(engine="simpy", **settings)
    _, single = makers(**settings)
    check_vector_env(vector, single, steps=40, pickling=False)
    env = vector()
    env.reset(seed=0)
    with pytest.raises(TypeError, match="use engine='kernel'"):
        pickle.dumps(env)


@every_form
def test_info_always_has_the_same_keys(preset, action):
    """At reset and at every step, `kpi` with something in it at the end; plain numbers."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), action=action)
    keys = INFO_KEYS | {"kpi"} | ({"action_mask"} if action == "pick" else set())
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    truncated = False
    while not truncated:
        assert set(info) == keys
        assert not info["kpi"]
        _, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert not terminated
        assert reward == info["on_time"] + info["expired"] + info["dropped"]
    assert set(info) == keys
    assert info["kpi"]
    assert all(type(value) is float for value in info["kpi"].values())


@every_form
def test_spec_round_trip(preset, action):
    """A spec that was written as JSON makes the same environment."""
    env = gymnasium.make(ENV_ID, scenario=preset, action=action)
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert np.array_equal(env.reset(seed=4)[0], again.reset(seed=4)[0])


@every_form
def test_copied_environment_goes_on_alike(preset, action):
    """In the middle of an episode."""
    env = TicSchedulingEnv(short(preset), action=action)
    env.reset(seed=2)
    env.action_space.seed(1)
    actions = [env.action_space.sample() for _ in range(10)]
    for one in actions[:5]:
        env.step(one)
    other = copy.deepcopy(env)
    for one in actions[5:]:
        mine, theirs = env.step(one), other.step(one)
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1:4] == theirs[1:4]


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        ({"scenario": "tic-smal-45"}, UnknownNameError, "tic-small-45"),
        ({"scenario": "contention"}, ConfigError, "kind 'tic'"),
        ({"scenario": 7}, ConfigError, "TicScenario"),
        ({"scenario": []}, ConfigError, "at least one"),
        ({"action": "weight"}, UnknownNameError, "weights"),
        ({"action": "pick"}, ConfigError, "one gateway"),
        ({"objective": "revenue"}, UnknownNameError, "balanced"),
        ({"engine": "simpi"}, UnknownNameError, "simpy"),
        ({"render_mode": "ascii"}, ConfigError, "render_mode"),
    ],
)
def test_bad_arguments_say_what_to_do(arguments, error, told):
    """What is wrong and what is allowed."""
    with pytest.raises(error, match=told):
        TicSchedulingEnv(**arguments)


def test_picks_need_the_same_sensors():
    """An action means the same in all scenarios."""
    one = load("tic-pick")
    with pytest.raises(ConfigError, match="same number of sensors"):
        TicSchedulingEnv([one, one.replace(num_sensors=5)], action="pick")
    TicSchedulingEnv([one, one.replace(burst_fraction=0.7)], action="pick")


@pytest.mark.parametrize(
    "bad", [np.full((2, 4), np.nan), np.full((2, 4), 1.5), np.zeros((2, 3)), np.zeros(2, int)]
)
def test_bad_weights_are_refused(bad):
    """Not finite, out of range, of another shape."""
    env = TicSchedulingVectorEnv(2, short("tic-small-45"))
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="actions"):
        env.step(bad)


@pytest.mark.parametrize("bad", [25, -1, 1.5, None])
def test_bad_picks_are_refused(bad):
    """Twelve sensors have 24 queues; 24 is none."""
    env = TicSchedulingEnv("tic-pick", action="pick")
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="0 to 24"):
        env.step(bad)


def test_disallowed_pick_is_none_and_counted():
    """It leaves the slot unused and is told in info."""
    env, other = (TicSchedulingEnv("tic-pick", action="pick") for _ in range(2))
    _, info = env.reset(seed=0)
    other.reset(seed=0)
    for _ in range(50):
        empty = int(np.flatnonzero(info["action_mask"] == 0)[0])
        observation, _, _, _, info = env.step(empty)
        assert info["disallowed_actions"] == 1
        assert info["elapsed_s"] == env.scenario.slot_s
        expected, *_, told = other.step(24)
        assert np.array_equal(observation, expected)
        assert told["disallowed_actions"] == 0
        if not (info["action_mask"] == 0).any():
            break


def test_several_picks_of_a_slot_take_no_time():
    """As many decisions at one instant as there are grants, then a slot has passed."""
    scenario = load("tic-pick").replace(grants=3, burst_fraction=1.0)
    env = TicSchedulingEnv(scenario, action="pick")
    _, info = env.reset(seed=0)
    elapsed = []
    for _ in range(200):
        *_, info = env.step(int(info["action_mask"].argmax()))
        elapsed.append(info["elapsed_s"])
    slots = [len(list(group)) for slot, group in itertools.groupby(elapsed) if slot == 0.0]
    assert set(elapsed) == {0.0, scenario.slot_s}
    assert max(slots) == 2


def test_field_names_are_those_of_the_observation():
    """The documented groups have one name a value, and the docstring has them all."""
    env = TicSchedulingEnv()
    assert env.observation_space.shape == (len(field_names()),)
    for field in (*WEIGHTS_FIELDS, *pick_fields(1)):
        assert f"`{field.name}`" in TicSchedulingEnv.__doc__
    picks = TicSchedulingEnv("tic-pick", action="pick")
    assert picks.observation_space.shape == (len(field_names(pick_fields(12))),)
    assert len(queue_names(12)) == picks.action_space.n - 1


def test_observation_does_not_depend_on_the_size():
    """One policy for networks of 50 and of 1,000 sensors."""
    env = TicSchedulingVectorEnv(8, ["tic-small-45", "tic-large-45"])
    observations, _ = env.reset(seed=0)
    assert observations.shape == (8, len(field_names()))
    sizes = {env.batch.scenario_of(row).num_sensors for row in range(8)}
    assert sizes == {50, 1000}


def test_topology_is_the_graph_of_the_running_network():
    """Every sensor has one gateway; what waits is told."""
    env = TicSchedulingEnv("tic-medium-70")
    env.reset(seed=1)
    for _ in range(8):
        env.step(np.ones(4, np.float32))
    graph = env.topology()
    sensors = [node for node, told in graph.nodes(data=True) if told["kind"] == "sensor"]
    assert len(sensors) == 250
    assert all(graph.degree(node) == 1 for node in sensors)
    waiting = sum(graph.nodes[node]["queued"] for node in sensors)
    assert waiting == env.batch.row(0)["queued"]
    assert waiting == sum(graph.nodes[f"gateway {g}"]["queued"] for g in range(8))


def test_vector_env_of_a_scenario_is_this_one():
    """`vector_env` finds the environment by the kind of the scenario."""
    assert isinstance(vector_env("tic-small-20", 2), TicSchedulingVectorEnv)
