"""Massive access: every preset, both forms of action: what a user may rely on."""

import functools
import inspect
import pickle
import warnings

import gymnasium
import numpy as np
import pytest
import stable_baselines3.common.env_checker as sb3_checker
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from twin_gym.environments.kinds import kind_of_id
from twin_gym.environments.massive_access import kpi
from twin_gym.environments.massive_access.env import MassiveAccessEnv
from twin_gym.environments.massive_access.observation import FIELDS, field_names
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario.loading import load, names
from twin_gym.testing import check_seeding, check_vector_env

ENV_ID = "twin_gym/MassiveAccess-v0"
PRESETS = names("access")
ACTIONS = ("level", "probability")
OBJECTIVES = ("balanced", "throughput", "delay", "vector")
INFO_KEYS = {"elapsed_s", "cost", "throughput", "delay", "disallowed_actions"}
HEADINGS = (
    "Story", "State", "Action Space", "Observation Space", "Dynamics", "Reward", "Starting State",
    "Episode End", "Info", "Arguments", "Known answers", "References", "Version History",
)  # fmt: skip

every_preset = pytest.mark.parametrize("preset", PRESETS)
every_action = pytest.mark.parametrize("action", ACTIONS)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES)
every_mode = pytest.mark.parametrize("mode", list(AutoresetMode))


def short(preset):
    """A preset whose devices all ask within twenty opportunities of thirty."""
    scenario = load(preset)
    devices = min(scenario.num_devices, 2000)
    return scenario.replace(
        horizon_s=0.15, num_devices=devices, arrivals=scenario.arrivals.replace(window_s=0.1)
    )


def ignore_advice():
    """A probability is from 0 to 1; Stable-Baselines3 advises -1 to 1 for every amount."""
    warnings.filterwarnings("ignore", message=".*symmetric and normalized Box action space.*")


def test_presets_are_there():
    """Three sizes with three shares each, and the traffic models of the standard."""
    assert len(PRESETS) == 13
    assert load("access-large-70").burst_devices == 700


@every_action
def test_checkers_pass_on_the_default(action):
    """Gymnasium and Stable-Baselines3 find no fault, and every warning is an error."""
    env = gymnasium.make(ENV_ID, action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=False)
        ignore_advice()
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_preset
@every_action
def test_checkers_pass(preset, action):
    """On every preset."""
    env = gymnasium.make(ENV_ID, scenario=short(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=True)
        ignore_advice()
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_preset
@every_action
def test_seed_decides_and_nothing_else(preset, action):
    """Equal again with the same seed, other with another one, undisturbed by neighbours."""
    make = functools.partial(gymnasium.make, ENV_ID, scenario=short(preset), action=action)
    check_seeding(make, steps=40)


@every_preset
@every_mode
def test_vector_form_keeps_the_contract(preset, mode):
    """The checker of twin_gym.testing, lane by lane against the single form."""
    action = ACTIONS[PRESETS.index(preset) % 2]
    settings = {"scenario": short(preset), "action": action}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, ENV_ID, num_envs=2, autoreset_mode=mode, **settings
        ),
        functools.partial(gymnasium.make, ENV_ID, disable_env_checker=True, **settings),
        steps=45,
    )  # fmt: skip


@every_objective
@every_mode
def test_vector_form_keeps_the_contract_for_every_objective(objective, mode):
    """Vector rewards are rows of components."""
    settings = {"scenario": short("access-small-70"), "objective": objective}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, ENV_ID, num_envs=2, autoreset_mode=mode, **settings
        ),
        lambda: gymnasium.make(ENV_ID, **settings).unwrapped,
        steps=45,
    )  # fmt: skip


def test_simpy_engine_keeps_the_contract():
    """The slow engine is the same environment, though SimPy's processes cannot be pickled."""
    settings = {"scenario": short("access-small-45"), "engine": "simpy"}
    make = functools.partial(gymnasium.make_vec, ENV_ID, num_envs=2, **settings)
    check_vector_env(
        make,
        functools.partial(gymnasium.make, ENV_ID, scenario=short("access-small-45")),  # the kernel
        steps=40,
        pickling=False,
    )
    env = make()
    env.reset(seed=0)
    with pytest.raises(TypeError, match="use engine='kernel'"):
        pickle.dumps(env)


@every_action
def test_info_always_has_the_same_keys(action):
    """At reset and at every step, `kpi` with something in it at the end; one type each."""
    env = gymnasium.make(ENV_ID, scenario=short("access-large-70"), action=action)
    keys = INFO_KEYS | {"kpi"} | ({"action_mask"} if action == "level" else set())
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    types = {key: type(value) for key, value in info.items()}
    truncated = False
    while not truncated:
        assert set(info) == keys
        assert not info["kpi"]
        assert {key: type(value) for key, value in info.items()} == types
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert terminated is False
        assert info["elapsed_s"] == 0.005
    assert set(info) == keys
    assert set(info["kpi"]) == set(kpi.NAMES)
    assert all(type(value) is float and np.isfinite(value) for value in info["kpi"].values())


def test_levels_are_all_allowed_and_probabilities_have_no_mask():
    """No level is ever forbidden; where the action is an amount, asking for a mask is an error."""
    env = gymnasium.make(ENV_ID, scenario=short("access-small-20"))
    _, info = env.reset(seed=0)
    assert info["action_mask"].tolist() == [1] * 16
    assert env.unwrapped.action_masks().all()
    other = gymnasium.make(ENV_ID, scenario=short("access-small-20"), action="probability")
    other.reset(seed=0)
    with pytest.raises(ConfigError, match="none is masked"):
        other.unwrapped.action_masks()


def test_a_level_is_its_probability():
    """Both forms of action are one environment: the level's probability gives the same."""
    scenario = short("access-large-70")
    levels = gymnasium.make(ENV_ID, scenario=scenario)
    # The vector form: its actions may be float64, which a level's probability is.
    vector = gymnasium.make_vec(ENV_ID, num_envs=1, scenario=scenario, action="probability")
    observation, _ = levels.reset(seed=3)
    other, _ = vector.reset(seed=3)
    for step in range(30):
        assert np.array_equal(observation, other[0])
        level = step * 5 % 16
        observation, reward, *_ = levels.step(level)
        wanted = np.array([[scenario.barring_probabilities[level]]])
        other, rewards, *_ = vector.step(wanted)
        assert reward == rewards[0]


@every_objective
def test_reward_is_the_component_that_was_asked_for(objective):
    """The components are the same for every objective; `balanced` is their sum."""
    env = gymnasium.make(ENV_ID, scenario=short("access-large-70"), objective=objective).unwrapped
    env.action_space.seed(1)
    env.reset(seed=1)
    truncated, total = False, np.zeros(2)
    while not truncated:
        _, reward, _, truncated, info = env.step(env.action_space.sample())
        components = np.array([info["throughput"], info["delay"]])
        total += components
        if objective == "vector":
            assert np.array_equal(reward, components)
            assert reward in env.reward_space
        elif objective == "balanced":
            assert reward == info["throughput"] + info["delay"]
        else:
            assert reward == info[objective]
    best = env.scenario.best_expected_successes
    assert total[0] == pytest.approx(info["kpi"]["succeeded"] / best)
    assert total[1] < 0


BAD_ARGUMENTS = [
    ({"scenario": "access-beta"}, "did you mean 'access-beta"),
    ({"scenario": "contention"}, "of the kind 'access' is needed"),
    ({"scenario": []}, "empty sequence"),
    ({"scenario": 7}, "got 7"),
    ({"action": "levels"}, "did you mean 'level'"),
    ({"objective": "delays"}, "did you mean 'delay'"),
    ({"engine": "kernl"}, "did you mean 'kernel'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS)
@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_bad_argument_is_refused_at_construction(arguments, message, make):
    """With the value, what is allowed, and the nearest name."""
    with pytest.raises(ConfigError, match=message):
        make(ENV_ID, **arguments)


def test_scenarios_with_other_levels_are_refused_together():
    """An action must mean the same in every episode."""
    one = short("access-small-20")
    with pytest.raises(ConfigError, match="same barring levels"):
        gymnasium.make(ENV_ID, scenario=[one, one.replace(least_barring=0.01)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1, 1.1])
def test_probabilities_out_of_range_are_refused(bad):
    """A probability is finite and from 0 to 1."""
    env = gymnasium.make(
        ENV_ID, scenario=short("access-small-20"), action="probability", disable_env_checker=True
    ).unwrapped
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        env.step(np.array([bad]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_devices": 30_001}, "30000"),
        ({"num_devices": 0}, "greater than or equal to 1"),
        ({"horizon_s": 0.1523}, "whole number of slots"),
        ({"horizon_s": 0.05}, "lengthen the horizon"),
        ({"horizon_s": 1e5}, "at most 200000"),
        ({"preambles": 65}, "64"),
        ({"slot_s": float("nan")}, "slot_s"),
        ({"backoff_s": 1e6}, "shorten it"),
        ({"arrivals": {"law": "beto"}}, "law"),
        ({"least_barring": 1.0}, "less than 1"),
        ({"divices": 3}, "did you mean"),
    ],
)
def test_bad_scenario_is_refused(changes, message):
    """More devices than 30,000, half a slot, arrivals after the end: what is wrong is said."""
    fields = {"name": "x", "horizon_s": 0.15, "num_devices": 50, "arrivals": {"law": "uniform",
              "window_s": 0.1}}  # fmt: skip
    with pytest.raises(TwinGymError, match=message):
        AccessScenario(**(fields | changes))


def test_pickled_environment_goes_on():
    """In the middle of an episode, with the worlds of further episodes."""
    env = gymnasium.make(ENV_ID, scenario=short("access-medium-70"))
    env.reset(seed=9)
    for _ in range(5):
        env.step(2)
    twin = pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes
    for _ in range(60):
        mine, theirs = env.step(4), twin.step(4)
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1:4] == theirs[1:4]
        if mine[3]:
            assert np.array_equal(env.reset()[0], twin.reset()[0])


def test_spec_makes_the_environment_again():
    """A spec through JSON makes the same environment, arguments included."""
    env = gymnasium.make(ENV_ID, scenario="access-small-20", action="probability")
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gymnasium.make(spec)
    assert again.observation_space == env.observation_space
    assert np.array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])


def test_arguments_of_both_forms_are_the_same():
    """What `make` takes, `make_vec` takes too."""
    single, vector = (kind_of_id(ENV_ID).facet(one) for one in ("env", "vector"))
    own = set(inspect.signature(single.__init__).parameters) - {"self"}
    assert own <= set(inspect.signature(vector.__init__).parameters)


def test_docstring_is_the_page_of_the_environment():
    """It has every part in order, and every field that is observed."""
    text = MassiveAccessEnv.__doc__ or ""
    places = [text.find(f"## {heading}\n") for heading in HEADINGS]
    assert -1 not in places
    assert places == sorted(places)
    for field in FIELDS:
        assert f"| `{field.name}` | {field.per} | {field.meaning} |" in text
    assert len(field_names()) == len(set(field_names())) == 27


def test_topology_is_a_star_of_all_devices():
    """The base station in the middle; who waits is marked."""
    env = gymnasium.make(ENV_ID, scenario=short("access-small-70")).unwrapped
    env.reset(seed=0)
    for _ in range(20):
        env.step(15)
    graph = env.topology()
    assert graph.degree["base station"] == 50
    states = [state for node, state in graph.nodes("state") if node != "base station"]
    assert len(states) - states.count("silent") == len(env.batch.waiting(0)) > 0


@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_pictures_show_and_move(mode):
    """Text of at most 80 columns; pixels of one shape; another picture a step later."""
    env = gymnasium.make(ENV_ID, scenario=short("access-large-70"), render_mode=mode).unwrapped
    env.reset(seed=0)
    pictures = [env.render()]
    for _ in range(15):
        env.step(3)
        pictures.append(env.render())
    if mode == "ansi":
        assert max(len(line) for text in pictures for line in text.splitlines()) <= 80
        assert f"answered{env.batch.row(0)['succeeded']:>13}" in pictures[-1]
        assert pictures[0] != pictures[-1]
    else:
        assert {picture.shape for picture in pictures} == {(420, 720, 3)}
        assert (pictures[0] != pictures[-1]).any()
