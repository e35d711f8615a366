"""Slice admission, every preset, both forms of action: what a user may rely on."""

import functools
import inspect
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
from twin_gym.environments.kinds import kind_of_id, kinds
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.errors import ConfigError, TwinGymError, UnknownNameError
from twin_gym.scenario.loading import load, names
from twin_gym.testing import check_seeding, check_vector_env
from twin_gym.testing.equality import first_difference

IDS = ["twin_gym/SliceAdmission-v0"]
PRESETS = names("admission")
ACTIONS = ("slice", "slot")
OBJECTIVES = ("revenue", "utilisation", "fairness", "vector")
INFO_KEYS = {
    "action_mask", "elapsed_s", "cost", "revenue", "utilisation", "fairness", "disallowed_actions",
}  # fmt: skip

every_id = pytest.mark.parametrize("env_id", IDS)
every_preset = pytest.mark.parametrize("preset", PRESETS)
every_action = pytest.mark.parametrize("action", ACTIONS)
every_objective = pytest.mark.parametrize("objective", OBJECTIVES)
every_mode = pytest.mark.parametrize("mode", list(AutoresetMode))


def scenario_of(preset):
    """A preset as it is; skipped, with the reason, where the data that it replays is not here."""
    scenario = load(preset)
    if scenario.trace is not None and not os.environ.get("TWIN_GYM_DATA"):
        pytest.skip(f"{preset} replays real data and TWIN_GYM_DATA is not set")
    return scenario


def short(preset):
    """A preset with an episode of some dozen decisions."""
    scenario = scenario_of(preset)
    rate_hz = sum(one.arrival_rate_hz for one in scenario.slices)
    return scenario.replace(horizon_s=min(scenario.horizon_s, 15.0 / rate_hz))


def can_render(env_id):
    """Whether the environment's renderer is there; without, its render checks are left out."""
    try:
        env = gymnasium.make(env_id, render_mode="ansi")
        env.reset(seed=0)
        env.render()
    except ImportError:
        return False
    return True


def test_every_id_is_registered():
    """Nothing can silently leave the suite: what is registered is what is listed here."""
    ours = {name for name in gymnasium.registry if name.startswith("twin_gym/")}
    assert ours == {one.id for one in kinds()}
    assert len(PRESETS) >= 13


@every_id
@every_preset
@every_action
def test_gymnasium_s_checker_passes(env_id, preset, action):
    """Gymnasium finds no fault, and every warning is an error."""
    env = gymnasium.make(env_id, scenario=scenario_of(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(env.unwrapped, skip_render_check=not can_render(env_id))


@every_id
@every_preset
@every_action
def test_sb3_s_checker_passes(env_id, preset, action):
    """Stable-Baselines3 finds no fault, and every warning is an error."""
    env = gymnasium.make(env_id, scenario=scenario_of(preset), action=action)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sb3_checker.check_env(env, warn=True, skip_render_check=True)


@every_id
@every_preset
@every_action
def test_seed_decides_and_nothing_else(env_id, preset, action):
    """Equal again with the same seed, other with another one, undisturbed by neighbours."""
    make = functools.partial(gymnasium.make, env_id, scenario=short(preset), action=action)
    check_seeding(make, steps=40)


@every_id
@every_objective
def test_seed_decides_for_every_objective(env_id, objective):
    """Rewards obey the seed too, whatever they are made of."""
    make = functools.partial(gymnasium.make, env_id, scenario=short("mild"), objective=objective)
    check_seeding(lambda: make().unwrapped, steps=40)


@every_id
@every_preset
@every_action
@every_mode
def test_vector_form_keeps_the_contract(env_id, preset, action, mode):
    """The checker of twin_gym.testing, lane by lane against the single form."""
    settings = {"scenario": short(preset), "action": action}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, env_id, num_envs=2, autoreset_mode=mode, **settings
        ),
        functools.partial(gymnasium.make, env_id, disable_env_checker=True, **settings),
        steps=45,
    )  # fmt: skip


@every_id
@every_objective
@every_mode
def test_vector_form_keeps_the_contract_for_every_objective(env_id, objective, mode):
    """Vector rewards are rows of components."""
    settings = {"scenario": short("contention"), "objective": objective}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, env_id, num_envs=2, autoreset_mode=mode, **settings
        ),
        lambda: gymnasium.make(env_id, **settings).unwrapped,
        steps=45,
    )  # fmt: skip


@every_id
@every_mode
def test_simpy_engine_keeps_the_contract(env_id, mode):
    """The slow engine is the same environment, though SimPy's processes cannot be pickled."""
    settings = {"scenario": short("burst"), "engine": "simpy"}
    check_vector_env(
        functools.partial(
            gymnasium.make_vec, env_id, num_envs=2, autoreset_mode=mode, **settings
        ),
        functools.partial(gymnasium.make, env_id, scenario=short("burst")),  # by the kernel
        steps=40,
        pickling=False,
    )  # fmt: skip
    env = gymnasium.make_vec(env_id, num_envs=2, **settings)
    env.reset(seed=0)
    with pytest.raises(TypeError, match="use engine='kernel'"):
        pickle.dumps(env)


@every_id
def test_ids_with_the_name_of_the_package_need_no_import(env_id):
    """`twin_gym:` in front of an id imports the package: what RL-Zoo and configurations use."""
    env = gymnasium.make(f"twin_gym:{env_id}")
    observation, _ = env.reset(seed=3)
    lanes = gymnasium.make_vec(f"twin_gym:{env_id}", num_envs=2)
    assert np.array_equal(lanes.reset(seed=3)[0][0], observation)
    assert lanes.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP


@every_id
@every_action
def test_info_always_has_the_same_keys(env_id, action):
    """At reset and at every step, `kpi` with something in it at the end; one type each."""
    env = gymnasium.make(env_id, scenario=short("contention"), action=action)
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    types = {key: type(value) for key, value in info.items()}
    truncated = False
    while not truncated:
        assert set(info) == INFO_KEYS | {"kpi"}
        assert not info["kpi"]
        assert {key: type(value) for key, value in info.items()} == types
        assert info["action_mask"].dtype == np.int8
        assert info["action_mask"].shape == (env.action_space.n,)
        assert info["action_mask"][-1] == 1
        assert np.array_equal(info["action_mask"], env.unwrapped.action_masks())
        assert env.unwrapped.action_masks().dtype == np.bool_
        _, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert terminated is False
    assert set(info) == INFO_KEYS | {"kpi"}
    assert all(type(value) is float and np.isfinite(value) for value in info["kpi"].values())


@every_id
def test_kpi_names_are_flat(env_id):
    """Per slice `name/slice`, per resource `utilisation/resource`, else over all."""
    scenario = short("contention")
    env = gymnasium.make(env_id, scenario=scenario)
    env.reset(seed=0)
    truncated = False
    while not truncated:
        *_, truncated, info = env.step(env.action_space.n - 1)
    per_slice = (
        "offered", "admitted", "blocked", "expired", "declined", "mean_wait_s", "loss_ratio",
        "blocking_probability",
    )  # fmt: skip
    wanted = {*per_slice, "revenue_rate", "utilisation", "fairness"}
    wanted |= {f"{name}/{one}" for name in per_slice for one in scenario.slice_names}
    wanted |= {f"utilisation/{resource}" for resource in scenario.resource_names}
    assert set(info["kpi"]) == wanted


@every_id
def test_every_step_gives_new_objects(env_id):
    """A stored observation, info, mask or array of rewards is never written again."""
    env = gymnasium.make(env_id, scenario=short("contention"), objective="vector").unwrapped
    observation, info = env.reset(seed=0)
    kept = [(observation, observation.copy(), info, {**info}, info["action_mask"].copy())]
    rewards = []
    truncated = False
    for step in itertools.count():
        observation, reward, _, truncated, info = env.step(step % env.action_space.n)
        rewards.append((reward, reward.copy()))
        kept.append((observation, observation.copy(), info, {**info}, info["action_mask"].copy()))
        if truncated:
            break
    assert len({id(entry[0]) for entry in kept}) == len(kept)
    assert len({id(entry[2]) for entry in kept}) == len(kept)
    for observation, copied, info, same, mask in kept:
        assert np.array_equal(observation, copied)
        assert info == same or info.keys() == same.keys()
        assert np.array_equal(info["action_mask"], mask)
        assert not np.shares_memory(observation, env.batch.observations)
    assert all(np.array_equal(reward, copied) for reward, copied in rewards)


@every_id
def test_disallowed_action_waits_and_is_counted(env_id):
    """Bit for bit the same as waiting, except for the counter in info."""
    scenario = short("contention")
    env, other = (gymnasium.make(env_id, scenario=scenario) for _ in range(2))
    _, info = env.reset(seed=5)
    other.reset(seed=5)
    wait, count, truncated = env.action_space.n - 1, 0, False
    while not truncated:
        disallowed = np.flatnonzero(info["action_mask"] == 0)
        action = int(disallowed[0]) if disallowed.size else wait
        count += disallowed.size > 0
        observation, reward, _, truncated, info = env.step(action)
        waited, waited_reward, _, _, waited_info = other.step(wait)
        assert np.array_equal(observation, waited)
        assert reward == waited_reward
        assert info.pop("disallowed_actions") == count
        assert waited_info.pop("disallowed_actions") == 0
        assert first_difference(info, waited_info, "info") is None
    assert count > 3


@every_id
@every_objective
def test_reward_is_the_component_that_was_asked_for(env_id, objective):
    """The components in info are the same for every objective, and the reward is one, or all."""
    env = gymnasium.make(env_id, scenario=short("contention"), objective=objective).unwrapped
    plain = gymnasium.make(env_id, scenario=short("contention")).unwrapped
    env.action_space.seed(1)
    env.reset(seed=1)
    plain.reset(seed=1)
    truncated = False
    while not truncated:
        action = env.action_space.sample()
        _, reward, _, truncated, info = env.step(action)
        *_, plain_info = plain.step(action)
        components = [info[name] for name in ("revenue", "utilisation", "fairness")]
        assert components == [plain_info[n] for n in ("revenue", "utilisation", "fairness")]
        if objective == "vector":
            assert np.array_equal(reward, components)
            assert reward in env.reward_space
        else:
            assert type(reward) is float
            assert reward == info[objective]
            assert np.array([reward]) in env.reward_space


@every_id
@every_action
def test_observation_has_a_name_a_value(env_id, action):
    """`field_names` names what the space holds."""
    for preset in ("contention", "service-calibrated", "teletraffic-erlang-a"):
        env = gymnasium.make(env_id, scenario=preset, action=action)
        listed = field_names(load(preset), action)
        assert env.observation_space.shape == (len(listed),)
        assert len(set(listed)) == len(listed)


BAD_ARGUMENTS = [
    ({"scenario": "contntion"}, "did you mean 'contention'"),
    ({"scenario": []}, "empty sequence"),
    ({"scenario": 7}, "got 7"),
    ({"scenario": ["mild", 7]}, "got 7"),
    ({"scenario": ["mild", "teletraffic-small"]}, "need the same slice_names"),
    ({"action": "slots"}, "did you mean 'slot'"),
    ({"objective": "revenues"}, "did you mean 'revenue'"),
    ({"engine": "kernl"}, "did you mean 'kernel'"),
    ({"engine": None}, "Known: kernel, simpy"),
]


@every_id
@pytest.mark.parametrize(("arguments", "message"), BAD_ARGUMENTS)
@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
def test_bad_argument_is_refused_at_construction(env_id, arguments, message, make):
    """With the value, what is allowed, and the nearest name."""
    with pytest.raises(ConfigError, match=message):
        make(env_id, **arguments)


@every_id
def test_bad_argument_of_one_form_is_refused(env_id):
    """Render modes of the single form; rows, threads and autoreset modes of the vector form."""
    with pytest.raises(TwinGymError, match="render_mode is one of"):
        gymnasium.make(env_id, disable_env_checker=True).unwrapped.__class__(render_mode="x")
    with pytest.raises(TypeError, match="unexpected keyword"):
        gymnasium.make(env_id, scenarios="mild")
    make = functools.partial(gymnasium.make_vec, env_id)
    for count in (0, -1, 2.5, "3", 10**7):
        with pytest.raises(ConfigError, match="number of rows"):
            make(num_envs=count)
    for count in (0, 1.5, 1000):
        with pytest.raises(ConfigError, match="num_threads is a whole number, 1 to 256"):
            make(num_envs=2, num_threads=count)
    with pytest.raises(UnknownNameError, match="did you mean 'SameStep'"):
        make(num_envs=2, autoreset_mode="same_step")


@every_id
@pytest.mark.parametrize(
    "action", [-1, 5, 10**20, 1.0, np.float32(0.0), "1", None, np.array([1]), float("nan")]
)
def test_bad_action_is_refused(env_id, action):
    """A number that is no action, or no whole number, changes nothing."""
    env = gymnasium.make(env_id, disable_env_checker=True)
    env.reset(seed=0)
    before = env.unwrapped.batch.row(0)
    with pytest.raises(ConfigError, match="actions are whole numbers, 0 to 4, got"):
        env.step(action)
    assert env.unwrapped.batch.row(0) == before


@every_id
def test_whole_numbers_of_any_type_are_actions(env_id):
    """Python's, NumPy's, and arrays without a dimension, as sb3 and torch give them."""
    env = gymnasium.make(env_id, disable_env_checker=True)
    env.reset(seed=0)
    for action in (4, np.int64(4), np.int32(4), np.uint8(4), np.array(4)):
        env.step(action)


@every_id
@pytest.mark.parametrize(
    "actions",
    [[0, 5], [-1, 0], [0], [[0, 1]], [0.0, 1.0], 0, [None, 0], np.array([2**63, 0], np.uint64)],
)
def test_bad_actions_are_refused(env_id, actions):
    """The vector form wants one whole number a row, all of them actions."""
    env = gymnasium.make_vec(env_id, num_envs=2)
    env.reset(seed=0)
    before = env.batch.row(0)
    with pytest.raises(ConfigError, match="actions"):
        env.step(actions)
    assert env.batch.row(0) == before


@every_id
def test_step_needs_a_running_episode(env_id):
    """Before the first reset and after the end, a step is refused in words."""
    for wrapped in (True, False):
        env = gymnasium.make(env_id, scenario=short("mild"))
        env = env if wrapped else env.unwrapped
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(0)
        env.reset(seed=0)
        while not env.step(4)[3]:
            pass
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.unwrapped.step(0)
        env.reset()
        env.step(0)


@every_id
def test_vector_step_needs_running_episodes(env_id):
    """Before the first reset, and where autoreset is disabled, after an end."""
    env = gymnasium.make_vec(env_id, num_envs=2, scenario=short("mild"), autoreset_mode="Disabled")
    wait = np.full(2, 4)
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step(wait)
    env.reset(seed=0)
    truncated = np.zeros(2, bool)
    while not truncated.any():
        truncated = env.step(wait)[3]
    with pytest.raises(gymnasium.error.ResetNeeded, match="option reset_mask"):
        env.step(wait)
    env.reset(options={"reset_mask": truncated})
    env.step(wait)


@every_id
@pytest.mark.parametrize("options", [{"reset_maks": np.ones(2, bool)}, {"seed": 3}])
def test_unknown_options_are_refused(env_id, options):
    """A misspelt option is no option."""
    with pytest.raises(ConfigError, match="option"):
        gymnasium.make(env_id).reset(options=options)
    with pytest.raises(ConfigError, match="reset_mask"):
        gymnasium.make_vec(env_id, num_envs=2).reset(options=options)


@every_id
@pytest.mark.parametrize("mask", [[True], [1, 0], np.zeros(2, bool), np.ones((2, 1), bool), None])
def test_bad_reset_mask_is_refused(env_id, mask):
    """It must be boolean, one a row, and choose at least one."""
    env = gymnasium.make_vec(env_id, num_envs=2)
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="reset_mask"):
        env.reset(options={"reset_mask": mask})


@every_id
def test_first_reset_begins_all_rows(env_id):
    """Rows that have never begun could not be stepped."""
    env = gymnasium.make_vec(env_id, num_envs=2)
    with pytest.raises(ConfigError, match="first reset begins all rows"):
        env.reset(seed=0, options={"reset_mask": np.array([True, False])})
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(np.zeros(2, int))


@every_id
@pytest.mark.parametrize("seed", [-1, 1.5, [1], [1, -2], [1, "2"], "12"])
def test_bad_seeds_are_refused(env_id, seed):
    """Seeds are whole numbers, 0 or more, one a row."""
    env = gymnasium.make_vec(env_id, num_envs=2)
    with pytest.raises((ConfigError, gymnasium.error.Error), match=r"[Ss]eed"):
        env.reset(seed=seed)


@every_id
def test_pickled_environment_goes_on(env_id):
    """In the middle of an episode, with the worlds of further episodes."""
    env = gymnasium.make(env_id, scenario=short("burst"))
    env.reset(seed=9)
    for _ in range(5):
        env.step(4)
    twin = pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes
    for _ in range(60):
        mine, theirs = env.step(4), twin.step(4)
        assert np.array_equal(mine[0], theirs[0])
        assert mine[1:4] == theirs[1:4]
        if mine[3]:
            assert np.array_equal(env.reset()[0], twin.reset()[0])


@every_id
def test_spec_makes_the_environment_again(env_id):
    """A spec through JSON makes the same environment, arguments included."""
    env = gymnasium.make(env_id, scenario="mild", action="slot", objective="fairness")
    spec = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    again = gymnasium.make(spec)
    assert again.observation_space == env.observation_space
    assert np.array_equal(again.reset(seed=2)[0], env.reset(seed=2)[0])


@every_id
def test_arguments_of_both_forms_are_the_same(env_id):
    """What `make` takes, `make_vec` takes too."""
    single, vector = (kind_of_id(env_id).facet(one) for one in ("env", "vector"))
    own = set(inspect.signature(single.__init__).parameters)
    assert own <= set(inspect.signature(vector.__init__).parameters)
