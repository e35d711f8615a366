"""The single form of every environment: what a user may rely on."""

import copy
import inspect
import pickle

import gymnasium
import numpy as np
import pytest

from tests.contract.cases import (
    KINDS,
    case_of,
    every_form,
    every_kind,
    every_masked_form,
    is_ours,
    single,
)
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named, kinds
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names, parse
from twin_gym.testing.equality import first_difference

ALWAYS = {"elapsed_s", "cost", "disallowed_actions", "kpi"}
HEADINGS = (
    "Story", "State", "Action Space", "Observation Space", "Dynamics", "Reward", "Starting State",
    "Episode End", "Info", "Arguments", "Known answers", "References", "Version History",
)  # fmt: skip
OF_OURS_ALONE = {"State", "Dynamics", "Arguments", "Known answers", "References", "Version History"}
"""Headings that other packages may leave out; where they are, they stand in this order."""

REFUSED = [(kind, given, told) for kind in KINDS for given, told in case_of(kind).refused]
UNFIT = [(kind, changes, told) for kind in KINDS for changes, told in case_of(kind).unfit]


def episode(env, seed=0):
    """The result of every step of an episode of sampled actions, the reset first."""
    env.action_space.seed(seed)
    observation, info = env.reset(seed=seed)
    yield observation, None, False, info
    truncated = False
    while not truncated:
        observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert terminated is False
        yield observation, reward, truncated, info


def test_every_id_is_registered():
    """Nothing can silently leave the suite: what is registered is what the table of kinds says."""
    ours = {name for name in gymnasium.registry if name.startswith("twin_gym/")}
    assert ours == {kind.id for kind in kinds() if is_ours(kind.name)}


@every_kind
def test_ids_with_the_name_of_the_package_need_no_import(kind):
    """`twin_gym:` in front of an id imports the package: what RL-Zoo and configurations use."""
    env_id = f"twin_gym:{kind_named(kind).id}"
    observation, _ = gymnasium.make(env_id).reset(seed=3)
    assert np.array_equal(gymnasium.make_vec(env_id, num_envs=2).reset(seed=3)[0][0], observation)


@every_form
def test_info_always_has_the_same_keys(kind, form):
    """One type each; `kpi` in full at the end alone; the time of all steps is the horizon."""
    env = single(kind, form)
    keys = ALWAYS | set(env.unwrapped.batch.COMPONENTS)
    steps = list(episode(env))
    types = {key: type(value) for key, value in steps[0][-1].items()}
    for _, _, truncated, info in steps:
        assert keys <= set(info) == set(types)
        assert {key: type(value) for key, value in info.items()} == types
        assert bool(info["kpi"]) == truncated
    assert sum(info["elapsed_s"] for *_, info in steps) == pytest.approx(
        env.unwrapped.scenario.horizon_s
    )
    assert set(steps[-1][-1]["kpi"]) == set(env.unwrapped.batch.kpis())
    assert all(type(one) is float and np.isfinite(one) for one in steps[-1][-1]["kpi"].values())


@every_form
def test_mask_is_of_the_discrete_actions(kind, form):
    """int8 in info, boolean for sb3-contrib; the last of masked actions is always allowed."""
    env = single(kind, form)
    if not hasattr(env.action_space, "n"):
        env.reset(seed=0)
        with pytest.raises(ConfigError, match="masked"):
            env.unwrapped.action_masks()
        return
    for *_, info in episode(env):
        mask, flags = info["action_mask"], env.unwrapped.action_masks()
        assert (mask.dtype, mask.shape, flags.dtype) == (np.int8, (env.action_space.n,), np.bool_)
        assert np.array_equal(mask, flags)
        assert mask[-1] == 1
        assert form_of(kind, form).is_masked or mask.all()


@every_masked_form
def test_disallowed_action_is_the_last_one_and_counted(kind, form):
    """Bit for bit the same as the last action, except for the counter; anew in each episode."""
    scenario = case_of(kind).scarce(case_of(kind).scenario(form))
    env, other = (single(kind, form, scenario) for _ in range(2))
    last, met = env.action_space.n - 1, 0
    for seed in (5, None):
        _, info = env.reset(seed=seed)
        other.reset(seed=seed)
        count, truncated, step = 0, False, 0
        while not truncated:
            forbidden = np.flatnonzero(info["action_mask"] == 0)
            wish = int(forbidden[0]) if forbidden.size else step % last
            count, step = count + (forbidden.size > 0), step + 1
            observation, reward, _, truncated, info = env.step(wish)
            seen = other.step(last if forbidden.size else wish)
            assert np.array_equal(observation, seen[0])
            assert reward == seen[1]
            mine, theirs = dict(info), dict(seen[-1])
            told = int(forbidden.size > 0) if case_of(kind).counts_steps_alone else count
            assert mine.pop("disallowed_actions") == told
            assert theirs.pop("disallowed_actions") == 0
            assert first_difference(mine, theirs, "info") is None
        met += count
    assert met > 3


@every_form
def test_every_step_gives_new_objects(kind, form):
    """A stored observation, info, mask or array of rewards is never written again."""
    env = single(kind, form, objective="vector", disable_env_checker=True)
    kept = [(step, copy.deepcopy(step)) for step in episode(env)]
    for place in (0, -1):
        assert len({id(step[place]) for step, _ in kept}) == len(kept)
    for step, copied in kept:
        assert first_difference(step, copied, "step") is None
        assert not any(
            np.shares_memory(step[0], array) for array in env.unwrapped.batch.arrays.values()
        )


@every_form
def test_reward_is_what_was_asked_for(kind, form):
    """The components are the same for every objective; the reward is one, their sum, or all."""
    plain = [info for *_, info in episode(single(kind, form))]
    for objective, parts in {**case_of(kind).objectives, "vector": None}.items():
        env = single(kind, form, objective=objective, disable_env_checker=True)
        components = env.unwrapped.batch.COMPONENTS
        for (_, reward, _, info), other in zip(episode(env), plain, strict=True):
            assert first_difference(info, other, "info") is None
            if reward is None:
                continue
            if parts is None:
                assert np.array_equal(reward, [info[name] for name in components])
            else:
                assert type(reward) is float
                assert reward == sum(info[name] for name in parts)
            assert np.atleast_1d(reward) in env.unwrapped.reward_space


@every_form
def test_layout_names_what_the_observation_holds(kind, form):
    """A name a value, and a name an action; spaces are those of the preset."""
    for preset in (one for one in names(kind) if case_of(kind).takes(form, load(one))):
        scenario = case_of(kind).shorten(load(preset))
        if case_of(kind).needs_data(scenario):
            continue
        env, described = single(kind, form, scenario), form_of(kind, form)
        listed = described.layout(scenario).names
        assert env.observation_space.shape == (len(listed),)
        assert len(set(listed)) == len(listed)
        actions = described.action_names(scenario)
        size = env.action_space.shape[0] if described.is_continuous else env.action_space.n
        assert len(actions) in (0, size)


@every_kind
def test_docstring_is_the_page_of_the_environment(kind):
    """It has every part in order, and every field that is observed in any form."""
    text = kind_named(kind).facet("env").__doc__ or ""
    places = {heading: text.find(f"## {heading}\n") for heading in HEADINGS}
    missing = {heading for heading, place in places.items() if place < 0}
    assert missing <= (set() if is_ours(kind) else OF_OURS_ALONE)
    there = [place for place in places.values() if place >= 0]
    assert there == sorted(there)
    for form, preset in case_of(kind).presets.items():
        for name in form_of(kind, form).layout(load(preset)).names:
            assert f"`{name.partition('/')[0]}`" in text


@every_kind
def test_arguments_of_both_forms_are_the_same(kind):
    """`make_vec` takes all arguments of `make`."""
    one, many = (kind_named(kind).facet(name) for name in ("env", "vector"))
    own = set(inspect.signature(one.__init__).parameters)
    assert own <= set(inspect.signature(many.__init__).parameters)


@every_form
@pytest.mark.parametrize("again", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])  # noqa: S301
def test_copied_environment_goes_on_alike(kind, form, again):
    """In the middle of an episode, with the worlds of further episodes."""
    env = single(kind, form)
    env.action_space.seed(1)
    env.reset(seed=9)
    for _ in range(5):
        env.step(env.action_space.sample())
    twin, ends = again(env), 0
    while ends < 2:
        action = env.action_space.sample()
        mine, theirs = env.step(action), twin.step(action)
        assert first_difference(mine, theirs, "step") is None
        if mine[3]:
            ends += 1
            assert first_difference(env.reset(), twin.reset(), "reset") is None


@every_form
def test_step_needs_a_running_episode(kind, form):
    """Before the first reset and after the end it is refused in words; closing ends nothing."""
    for env in (single(kind, form), single(kind, form).unwrapped):
        action = env.action_space.sample()
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(action)
        env.reset(seed=0)
        while not env.step(env.action_space.sample())[3]:
            pass
        with pytest.raises(gymnasium.error.ResetNeeded):
            env.step(action)
        env.close()
        env.close()
        env.reset(seed=0)
        env.step(action)


@every_form
@pytest.mark.parametrize("seed", [-1, 1.5, "12", [1], True, float("nan")])
def test_bad_seed_is_refused_and_changes_nothing(kind, form, seed):
    """In words, and the episode goes on."""
    env, other = single(kind, form), single(kind, form)
    env.reset(seed=3)
    other.reset(seed=3)
    with pytest.raises((ConfigError, gymnasium.error.Error), match=r"[Ss]eed"):
        env.reset(seed=seed)
    assert first_difference(env.reset(), other.reset(), "reset") is None


@every_form
def test_bad_action_is_refused_and_changes_nothing(kind, form):
    """Values that are no action, of another shape, out of range or not finite."""
    env = single(kind, form, disable_env_checker=True)
    env.reset(seed=0)
    before = str(env.unwrapped.batch.row(0))
    if form_of(kind, form).is_continuous:
        size, told = env.action_space.shape[0], "actions"
        bad = [np.full(size, one) for one in (np.nan, np.inf, -0.1, 1.1)]
        bad += [np.zeros(size + 1), np.zeros((1, 1, size)), None, "1", 10**20]
    else:
        count = env.action_space.n
        told = f"actions are whole numbers, 0 to {count - 1}, got"
        bad = [-1, count, 10**20, 1.0, np.float32(0.0), "1", None, np.array([1]), float("nan")]
    for action in bad:
        with pytest.raises(ConfigError, match=told):
            env.step(action)
        assert str(env.unwrapped.batch.row(0)) == before


@pytest.mark.parametrize(("kind", "arguments", "message"), REFUSED)
def test_bad_argument_is_refused_at_construction(kind, arguments, message):
    """In both forms, with the value, what is allowed, and the nearest name."""
    for make in (gymnasium.make, gymnasium.make_vec):
        with pytest.raises(ConfigError, match=message):
            make(kind_named(kind).id, **arguments)


@every_kind
def test_bad_argument_that_all_have_is_refused(kind):
    """Scenarios of none, unknown words, and engines and render modes that do not exist."""
    make = kind_named(kind).facet("env")
    for given, told in (
        ({"scenario": []}, "at least one|empty sequence"),
        ({"scenario": [None]}, "got None"),
        ({"scenario": next(iter(names(KINDS[KINDS.index(kind) - 1])))}, f"kind '{kind}'"),
        ({"engine": None}, "kernel, simpy"),
        ({"render_mode": "ascii"}, "render_mode is one of"),
    ):
        with pytest.raises(TwinGymError, match=told):
            make(**given)
    with pytest.raises(TypeError, match="unexpected keyword"):
        gymnasium.make(kind_named(kind).id, scenarios="mild")


@pytest.mark.parametrize(("kind", "changes", "message"), UNFIT)
def test_unfit_scenario_is_refused(kind, changes, message):
    """The error says what is wrong, and what to do."""
    case = case_of(kind)
    values = load(next(iter(case.presets.values()))).as_values() | changes
    with pytest.raises(ConfigError, match=message):
        single(kind, scenario=values)


@every_kind
def test_presets_make_the_round_trip(kind):
    """Through TOML, to an equal scenario of the same digest."""
    for preset in names(kind):
        scenario = load(preset)
        assert parse(to_toml(scenario)) == scenario


@every_form
@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_pictures_show_move_and_change_nothing(kind, form, mode):
    """Text of at most 80 columns; pixels of one shape; the episode is that which is not drawn."""
    env, plain = single(kind, form, render_mode=mode), single(kind, form)
    pictures = []
    for drawn, other in zip(episode(env), episode(plain), strict=True):
        assert first_difference(drawn, other, "step") is None
        pictures.append(env.render())
    if mode == "ansi":
        assert max(len(line) for text in pictures for line in text.splitlines()) <= 80
    else:
        assert {(one.shape, one.dtype) for one in pictures} == {((420, 720, 3), np.dtype("uint8"))}
    assert not np.array_equal(pictures[0], pictures[-1])


@every_kind
def test_human_mode_draws_in_place_at_every_step(kind, capsys):
    """Without being asked: the cursor goes home and the rest is cleared."""
    env = single(kind, render_mode="human")
    env.reset(seed=0)
    assert capsys.readouterr().out
    env.step(env.action_space.sample())
    assert capsys.readouterr().out.startswith("\x1b[H\x1b[J")
    assert env.render() is None
    assert capsys.readouterr().out.startswith("\x1b[H\x1b[J")


@every_kind
def test_rendering_without_a_mode_warns(kind):
    """As Gymnasium's own environments do."""
    env = single(kind, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="render_mode"):
        assert env.render() is None
