"""The vector form of every environment: rows, seeds, threads, resets, and what is refused."""

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.cases import (
    batch_of,
    case_of,
    every_form,
    every_kind,
    every_masked_form_and_engine,
    every_mode,
    single,
    vector,
)
from tests.contract.engines import chosen_actions
from twin_gym.environments.factory import form_of, vector_env
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.testing.equality import first_difference, untouched_global_state

FINALS = ("final_obs", "final_info", "kpi")


def roll_out(env, seed, steps=45, drawn_rows=None):
    """All that actions, other ones in each row, bring; equal for the first rows of more."""
    rng, told = np.random.default_rng(5), [env.reset(seed=seed)]
    for step in range(steps):
        if env.single_action_space.shape:
            size = env.single_action_space.shape[0]
            drawn = rng.random((drawn_rows or env.num_envs, size))[: env.num_envs]
            actions = drawn.astype(np.float32)
        else:
            actions = (np.arange(env.num_envs) * 3 + step * 7) % env.single_action_space.n
        told.append(env.step(actions))
    return told


def first_rows(told, count):
    """Of nested arrays the first rows; without what is only there because other rows ended."""
    if isinstance(told, dict):
        return {
            key: first_rows(value, count)
            for key, value in told.items()
            if key.strip("_") not in FINALS or told["_" + key.strip("_")][:count].any()
        }
    if isinstance(told, list | tuple):
        return [first_rows(one, count) for one in told]
    return told[:count]


@every_kind
def test_vector_env_of_a_scenario_is_that_of_its_kind(kind):
    """`vector_env` finds the environment by the kind of the scenario."""
    made = vector_env(case_of(kind).scenario(), 2)
    assert isinstance(made, kind_named(kind).facet("vector"))
    assert isinstance(vector(kind), type(made))


@every_form
def test_threads_and_engines_do_not_matter(kind, form):
    """One thread or many, and each engine: the same to the last bit, final infos included."""
    others = ({"engine": engine} for engine in batch_of(kind).ENGINES[1:])
    ways = ({}, {"num_threads": 3}, {"num_threads": 16}, *others)
    for mode in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP):
        told = [roll_out(vector(kind, form, num_envs=5, autoreset_mode=mode, **way), 11)
                for way in ways]  # fmt: skip
        for other in told[1:]:
            assert first_difference(told[0], other, "roll-out") is None


@every_form
@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_number_of_rows_does_not_matter(kind, form, mode):
    """The first rows of nine are the rows of two, and of one; over several scenarios, too."""
    one = case_of(kind).scenario(form)
    scenarios = [one, case_of(kind).together(one)]
    nine, two, alone = (
        roll_out(vector(kind, form, scenarios, rows, autoreset_mode=mode), 4, drawn_rows=9)
        for rows in (9, 2, 1)
    )
    for fewer, rows in ((two, 2), (alone, 1)):
        expected, found = first_rows(nine, rows), first_rows(fewer, rows)
        assert first_difference(expected[1:], found[1:], "roll-out") is None


@every_kind
def test_rows_of_several_scenarios_draw_all_of_them(kind):
    """Each episode of each row runs the scenario that its world draws, as the single form does."""
    one = case_of(kind).scenario()
    scenarios = [one, case_of(kind).together(one)]
    env = vector(kind, scenario=scenarios, num_envs=20)
    env.reset(seed=3)
    drawn = [env.batch.scenario_of(row) for row in range(20)]
    assert {scenario.digest for scenario in drawn} == {scenario.digest for scenario in scenarios}
    alone = single(kind, scenario=scenarios).unwrapped
    for row in range(5):
        alone.reset(seed=3 + row)
        assert alone.scenario == drawn[row]


@every_form
def test_other_seeds_and_episodes_are_other_worlds(kind, form):
    """No two rows of two seeds, nor two episodes of a row, are told the same."""
    seen = []
    for seed in (0, 100):
        env, begun = vector(kind, form, objective="vector"), np.zeros(3, int)
        steps, rows = roll_out(env, seed, 120), [[] for _ in range(3)]
        for step in steps[1:]:
            for row in range(3):
                rows[row].append((step[0][row].tobytes(), step[1][row].tobytes()))
                if step[3][row] and begun[row] < 2:
                    seen.append(tuple(rows[row]))
                    rows[row], begun[row] = [], begun[row] + 1
        assert (begun == 2).all()
    assert len(set(seen)) == 12


@every_kind
def test_seeds_are_counted_up_or_given_one_by_one(kind):
    """A row's seed is its own, of NumPy or of Python."""
    env = vector(kind, objective="vector")

    def seen(seed):
        return np.stack([step[0] for step in roll_out(env, seed, 25)[:1]])

    counted = seen(5)
    assert np.array_equal(counted, seen([7, 5, 6])[:, [1, 2, 0]])
    for same in (np.array([5, 6, 7]), np.int64(5)):
        assert np.array_equal(counted, seen(same))


@every_kind
def test_unseeded_environments_differ(kind):
    """Without a seed each gets its worlds from the system's entropy, not from global state."""
    with untouched_global_state():
        told = [str(roll_out(vector(kind), None, 40)) for _ in range(2)]
    assert told[0] != told[1]


@every_kind
def test_reset_of_some_rows_leaves_the_others(kind):
    """With seeds or without, `reset_mask` touches the rows that it names."""
    env = vector(kind, num_envs=4, autoreset_mode="Disabled")
    before = roll_out(env, 1, 5)[-1][0]
    mask = np.array([False, True, False, True])
    after, _ = env.reset(seed=100, options={"reset_mask": mask})
    assert np.array_equal(before[~mask], after[~mask])
    fresh, _ = vector(kind, num_envs=4).reset(seed=100)
    assert np.array_equal(after[mask], fresh[mask])


@every_form
def test_step_needs_running_episodes(kind, form):
    """Before the first reset, and where autoreset is disabled, after an end; not after closing."""
    env = vector(kind, form, num_envs=2, autoreset_mode="Disabled")
    env.action_space.seed(0)
    actions = env.action_space.sample()
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        env.step(actions)
    env.reset(seed=0)
    truncated = np.zeros(2, bool)
    while not truncated.any():
        truncated = env.step(actions)[3]
    with pytest.raises(gymnasium.error.ResetNeeded, match="option reset_mask"):
        env.step(actions)
    env.reset(options={"reset_mask": truncated})
    env.close()
    env.close()
    env.step(actions)


@every_kind
def test_first_reset_begins_all_rows(kind):
    """Rows that have never begun could not be stepped."""
    env = vector(kind, num_envs=2)
    with pytest.raises(ConfigError, match="first reset begins all rows"):
        env.reset(seed=0, options={"reset_mask": np.array([True, False])})
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(env.action_space.sample())


@every_kind
@pytest.mark.parametrize("mask", [[True], [1, 0], np.zeros(2, bool), np.ones((2, 1), bool), None])
def test_bad_reset_mask_is_refused(kind, mask):
    """It must be boolean, one a row, and choose at least one."""
    env = vector(kind, num_envs=2)
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="reset_mask"):
        env.reset(options={"reset_mask": mask})


@every_kind
@pytest.mark.parametrize("seed", [-1, 1.5, [1], [1, -2], [1, "2"], "12", True, [[1, 2]]])
def test_bad_seeds_are_refused(kind, seed):
    """Seeds are whole numbers, 0 or more, one a row; the episodes go on."""
    env, other = vector(kind, num_envs=2), vector(kind, num_envs=2)
    env.reset(seed=3)
    other.reset(seed=3)
    with pytest.raises((ConfigError, gymnasium.error.Error), match=r"[Ss]eed"):
        env.reset(seed=seed)
    assert first_difference(env.reset(), other.reset(), "reset") is None


@every_form
def test_bad_actions_are_refused_and_change_nothing(kind, form):
    """One a row, all of them actions."""
    env = vector(kind, form, num_envs=2)
    env.reset(seed=0)
    before = str(env.batch.row(0))
    if form_of(kind, form).is_continuous:
        size = env.single_action_space.shape[0]
        bad = [np.full((2, size), one) for one in (np.nan, np.inf, -0.1, 1.5)]
        bad += [np.zeros((2, size + 1)), np.zeros((1, size)), np.zeros((3, size)), None, "ab"]
    else:
        count = env.single_action_space.n
        bad = [[0, count], [-1, 0], [0], [[0, 1]], [0.0, 1.0], 0, [None, 0]]
        bad.append(np.array([2**63, 0], np.uint64))
    for actions in bad:
        with pytest.raises(ConfigError, match="actions"):
            env.step(actions)
        assert str(env.batch.row(0)) == before


@every_kind
def test_bad_argument_of_the_vector_form_is_refused(kind):
    """Rows, threads and modes of autoreset."""
    for count in (0, -1, 2.5, "3", 10**7):
        with pytest.raises(ConfigError, match="number of rows"):
            vector(kind, num_envs=count)
    for count in (0, 1.5, 1000):
        with pytest.raises(ConfigError, match="num_threads is a whole number, 1 to 256"):
            vector(kind, num_threads=count)
    with pytest.raises(UnknownNameError, match="did you mean 'SameStep'"):
        vector(kind, autoreset_mode="same_step")


@every_masked_form_and_engine
@every_mode
def test_masks_are_obeyed_and_disallowed_actions_counted(kind, form, mode, engine):
    """Anew in each episode, also where it begins in the step that ends the last one."""
    scenario = case_of(kind).scarce(case_of(kind).scenario(form))
    env = vector(kind, form, scenario, 2, autoreset_mode=mode, engine=engine)
    rng, (_, infos) = np.random.default_rng(0), env.reset(seed=1)
    counts, over, met = np.zeros(2, int), np.zeros(2, bool), 0
    for _ in range(60):
        begins = over if mode is AutoresetMode.NEXT_STEP else np.zeros(2, bool)
        if mode is AutoresetMode.DISABLED and over.any():
            _, infos = env.reset(options={"reset_mask": over})
            counts[over] = 0
        masks = infos["action_mask"]
        assert (masks[:, -1] == 1).all()
        actions = chosen_actions(env, masks, "any", rng)
        bad = (masks[np.arange(2), actions] == 0) & ~begins
        counts = bad.astype(int) if case_of(kind).counts_steps_alone else counts + bad
        counts[begins] = 0
        _, _, _, over, infos = env.step(actions)
        told = infos["disallowed_actions"].copy()
        if mode is AutoresetMode.SAME_STEP and over.any():
            assert not told[over].any()
            told[over] = infos["final_info"]["disallowed_actions"][over]
        assert np.array_equal(told, counts)
        met += bad.sum()
        if mode is AutoresetMode.SAME_STEP:
            counts[over] = 0
    assert met > 3
