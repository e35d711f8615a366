"""Every environment, in its three forms: what client libraries ask of them."""

import copy
import functools
import itertools
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import DummyVecEnv

from tests.contract.cases import KINDS, batch_of, case_of, every_kind, every_mode, single, vector
from twin_gym.core.kpi import Kpi, kpi_of
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.sb3 import make_vec_env
from twin_gym.scenario.objective import KpiObjective
from twin_gym.testing import check_vector_env

FOREIGN = {"minari_autoseed": False, "stable_baselines3_note": 1}
EARNED = {
    "of_the_scenario": {"objective": KpiObjective(), "objective_seed": 3},
    "vector": {"objective": "vector"},
}
NO_COUNTS = (True, np.True_, 2.0, np.float64(2.0), "2", None, [2], np.array([2]))


def native(kind, n_envs=3, **kwargs):
    """The form for Stable-Baselines3."""
    return make_vec_env(kind_named(kind).id, n_envs, scenario=case_of(kind).scenario(), **kwargs)


def episode(env, seed=1):
    """The infos of an episode of drawn actions, that of the reset first."""
    env.action_space.seed(0)
    infos, over = [env.reset(seed=seed)[1]], False
    while not over:
        *_, over, info = env.step(env.action_space.sample())
        infos.append(info)
    return infos


def any_actions(env):
    """One action a row, drawn from a seed."""
    env.action_space.seed(0)
    return env.action_space.sample()


# --- options of reset --------------------------------------------------------------------------


@every_kind
def test_options_of_other_libraries_pass(kind):
    """Minari's switch reaches every form and changes nothing."""
    plain, given = single(kind), single(kind)
    assert np.array_equal(plain.reset(seed=3)[0], given.reset(seed=3, options=FOREIGN)[0])
    rows, same = vector(kind), vector(kind)
    rows.reset(seed=3)
    same.reset(seed=3)
    mask = np.array([True, False, True])
    one = rows.reset(options={"reset_mask": mask})[0]
    other = same.reset(options={"reset_mask": mask, **FOREIGN})[0]
    assert np.array_equal(one, other)
    env = native(kind, seed=3)
    env.set_options(FOREIGN)
    assert np.array_equal(env.reset(), native(kind, seed=3).reset())


@every_kind
@pytest.mark.parametrize("key", ["reset_maks", "scenario", "seed", "minari", "autoseed", 3])
def test_other_options_are_refused(kind, key):
    """An option that is ignored would be another experiment than the one that was meant."""
    for env in (single(kind), vector(kind)):
        with pytest.raises(ConfigError, match=f"{key!r}.*Leave it out"):
            env.reset(seed=0, options={key: 1})
    for options in ({key: 1}, [{}, {key: 1}, {}]):
        with pytest.raises(ConfigError, match=f"{key!r}.*Leave it out"):
            native(kind).set_options(options)


def test_misspelt_option_is_answered_by_the_nearest_one():
    """Of the vector form, which has one; the single form has none."""
    with pytest.raises(ConfigError, match="did you mean 'reset_mask'"):
        vector("tic").reset(options={"reset_maks": np.ones(3, bool)})
    with pytest.raises(ConfigError, match="knows no options, got 'reset_mask'"):
        single("tic").reset(options={"reset_mask": np.ones(1, bool)})
    with pytest.raises(ConfigError, match="are a dict or None"):
        single("tic").reset(options=["minari_autoseed"])


def test_refused_reset_changes_nothing():
    """Neither the seed nor the worlds to come."""
    env, other = single("sync"), single("sync")
    env.reset(seed=1)
    other.reset(seed=1)
    with pytest.raises(ConfigError, match="option"):
        env.reset(seed=9, options={"load": 2})
    assert env.unwrapped.np_random_seed == other.unwrapped.np_random_seed == 1
    assert np.array_equal(env.reset()[0], other.reset()[0])


# --- rewards that are vectors -------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("objective", ["vector", None])
def test_reward_space_is_that_of_one_row_in_both_forms(kind, objective):
    """As MO-Gymnasium's wrappers ask: the space of one row, and how many numbers it has."""
    given = {} if objective is None else {"objective": objective}
    one, rows = single(kind, disable_env_checker=True, **given).unwrapped, vector(kind, **given)
    assert rows.reward_space == one.reward_space
    assert rows.reward_dim == one.reward_dim == one.reward_space.shape[0]
    rows.reset(seed=0)
    rewards = rows.step(any_actions(rows))[1]
    assert rewards.shape == ((3, one.reward_dim) if objective else (3,))
    assert all(np.atleast_1d(reward) in rows.reward_space for reward in rewards)


@every_kind
def test_vector_form_has_what_gymnasiums_has(kind):
    """Attributes of `gymnasium.vector.VectorEnv`, and the mode that TorchRL looks for."""
    env, one = vector(kind, autoreset_mode="SameStep"), single(kind)
    assert env.autoreset_mode is env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert env.single_observation_space == one.observation_space
    assert env.single_action_space == one.action_space
    assert env.unwrapped is env
    assert env.spec.id == kind_named(kind).id
    assert env.render_mode is None
    env.reset(seed=np.int64(5))
    assert env.np_random_seed == 5
    assert not env.closed
    env.close()
    assert env.closed
    env.close()


@every_kind
def test_sb3_refuses_rewards_that_are_vectors(kind):
    """In words, before anything is trained."""
    with pytest.raises(ConfigError, match="one number as reward"):
        native(kind, objective="vector")


# --- nobody's writing reaches anybody else ------------------------------------------------------


def containers(value):
    """All dicts, lists and arrays in an info, that one included."""
    if isinstance(value, dict | list):
        yield value
        for one in value.values() if isinstance(value, dict) else value:
            yield from containers(one)
    elif isinstance(value, np.ndarray):
        yield value


def spoil(value):
    """Writes into everything in an info that can be written."""
    for one in list(containers(value)):
        if isinstance(one, np.ndarray):
            if one.flags.writeable and one.dtype != object:
                one[...] = 77
        elif isinstance(one, dict):
            one["mine"] = 1


def share(one, other):
    """Whether two infos have a container or memory in common."""
    return any(
        a is b
        or (isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and np.shares_memory(a, b))
        for a, b in itertools.product(containers(one), containers(other))
    )


@every_kind
def test_infos_of_sb3_are_one_a_row_and_step(kind):
    """Callbacks may write into infos, over ends of episodes and at resets too."""
    env, plain = native(kind, seed=2), native(kind, seed=2)
    assert np.array_equal(env.reset(), plain.reset())
    env.reset_infos[0]["mine"] = 1
    assert env.reset_infos == [{"mine": 1}, {}, {}]
    kept, ends = [], 0
    rng = np.random.default_rng(0)
    while ends < 6:
        actions = np.array([env.action_space.sample() for _ in range(3)])
        mine, theirs = env.step(actions), plain.step(actions)
        assert [str(info) for info in mine[3]] == [str(info) for info in theirs[3]]
        assert all(np.array_equal(a, b) for a, b in zip(mine[:3], theirs[:3], strict=True))
        ends += mine[2].sum()
        assert not any(share(a, b) for a, b in itertools.combinations(mine[3], 2))
        assert not any(share(a, b) for a, b in itertools.product(mine[3], kept[-6:]))
        for info in mine[3]:
            spoil(info)
        mine[int(rng.integers(2)) * 2][...] = 1
        kept += mine[3]
    env.reset()
    assert env.reset_infos == [{}, {}, {}]


@every_kind
def test_infos_of_the_single_form_are_new_ones(kind):
    """Values written into one info, whole arrays and indicators too, are not in the next."""
    env, plain = single(kind), single(kind)
    env.action_space.seed(1)
    for seed in (1, None):
        mine, theirs = env.reset(seed=seed), plain.reset(seed=seed)
        over, kept = False, []
        while not over:
            assert np.array_equal(mine[0], theirs[0])
            assert str(mine[-1]) == str(theirs[-1])
            assert not any(share(mine[-1], info) for info in kept[-4:])
            kept.append(mine[-1])
            spoil(mine[-1])
            mine[0][...] = 7
            action = env.action_space.sample()
            mine, theirs = env.step(action), plain.step(action)
            over = mine[3]
        spoil(mine[-1])


@every_kind
@every_mode
def test_what_the_vector_form_gives_may_be_written_into(kind, mode):
    """With `copy`, as it is by default: later steps do not see it."""
    env, plain = vector(kind, autoreset_mode=mode), vector(kind, autoreset_mode=mode)
    env.reset(seed=1)
    plain.reset(seed=1)
    env.action_space.seed(0)
    over = np.zeros(3, bool)
    for _ in range(150):
        actions = env.action_space.sample()
        if mode is AutoresetMode.DISABLED and over.any():
            mine, theirs = (e.reset(options={"reset_mask": over}) for e in (env, plain))
            over = np.zeros(3, bool)
        else:
            mine, theirs = env.step(actions), plain.step(actions)
            over = theirs[3].copy()
        assert str(mine[-1]) == str(theirs[-1])
        assert all(np.array_equal(a, b) for a, b in zip(mine[:-1], theirs[:-1], strict=True))
        spoil(mine[-1])
        for one in mine[:-1]:
            one[...] = 1


@every_kind
@pytest.mark.parametrize("copy", [True, False])
def test_terminated_is_never_what_somebody_wrote(kind, copy):
    """Also without copies: the environment does not keep the array."""
    env = vector(kind, copy=copy)
    env.reset(seed=0)
    env.step(any_actions(env))[2][...] = True
    assert not env.step(any_actions(env))[2].any()


@every_kind
def test_spaces_of_two_environments_are_two(kind):
    """Seeding one leaves the draws of the other alone."""
    for make in (single, vector, native):
        one, other, same = make(kind), make(kind), make(kind)
        other.action_space.seed(5)
        same.action_space.seed(5)
        one.action_space.seed(6)
        assert np.array_equal(other.action_space.sample(), same.action_space.sample())


# --- numbers of NumPy ---------------------------------------------------------------------------


@every_kind
@pytest.mark.parametrize("three", [np.int64(3), np.uint8(3), np.array(3)])
def test_counts_may_be_numpys(kind, three):
    """Rows, threads, seeds and limits: the same as Python's own."""
    env = vector(kind, num_envs=three, num_threads=three, max_episode_steps=three)
    plain = vector(kind, num_threads=3, max_episode_steps=3)
    assert (type(env.num_envs), type(env.max_episode_steps)) == (int, int)
    assert np.array_equal(env.reset(seed=three)[0], plain.reset(seed=3)[0])
    assert env.np_random_seed == 3
    seeds = np.array([3, 4, 5], np.uint32)
    assert np.array_equal(env.reset(seed=seeds)[0], plain.reset(seed=3)[0])
    for actions in (any_actions(env), any_actions(env).tolist()):
        env.step(actions)
    assert np.array_equal(single(kind).reset(seed=three)[0], single(kind).reset(seed=3)[0])
    assert np.array_equal(native(kind, three, seed=three).reset(), native(kind, seed=3).reset())


@every_kind
@pytest.mark.parametrize("count", NO_COUNTS)
def test_what_is_no_whole_number_is_refused(kind, count):
    """Truth values and floats are no counts, whatever their value; the sentence names the value."""
    for name in ("num_envs", "num_threads", "max_episode_steps"):
        if name != "max_episode_steps" or count is not None:
            with pytest.raises(ConfigError, match="whole number"):
                vector(kind, **{name: count})
    if count is not None:
        with pytest.raises(ConfigError, match=r"[Ss]eed"):
            vector(kind).reset(seed=count)
        with pytest.raises(ConfigError, match=r"[Ss]eed"):
            single(kind).reset(seed=count)
        with pytest.raises(ConfigError, match=r"[Ss]eed"):
            native(kind, seed=count)
    env = single(kind)
    env.reset(seed=0)
    with pytest.raises(ConfigError, match="actions"):
        env.step(count)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not forms_of(kind)[0].is_continuous])
@pytest.mark.parametrize("action", [np.int32(2), np.uint8(2), np.array(2), 2])
def test_discrete_actions_may_be_numpys(kind, action):
    """Scalars, arrays without a dimension and Python's integers are one action."""
    env, plain = single(kind), single(kind)
    env.reset(seed=0)
    plain.reset(seed=0)
    assert np.array_equal(env.step(action)[0], plain.step(2)[0])


# --- a limit on the steps -----------------------------------------------------------------------


@every_kind
@every_mode
@pytest.mark.parametrize("limit", [1, 5])
def test_limit_on_the_steps_is_that_of_make(kind, mode, limit):
    """Row by row what `gym.make` does with the same argument, over many episodes."""
    check_vector_env(
        functools.partial(vector, kind, autoreset_mode=mode, max_episode_steps=limit),
        functools.partial(_limited_by_gymnasium, kind, limit),
        steps=6 * limit + 10,
    )


@pytest.mark.parametrize(
    ("kind", "objective"),
    [
        (kind, objective)
        for kind in KINDS
        for objective in EARNED
        if objective == "vector" or batch_of(kind).HAS_READER
    ],
)
def test_limit_holds_whatever_is_earned(kind, objective):
    """Rewards of the first step after a cut are those of a new episode; with threads, too."""
    given = EARNED[objective]
    for mode in AutoresetMode:
        check_vector_env(
            functools.partial(
                vector, kind, autoreset_mode=mode, max_episode_steps=4, num_threads=2, **given
            ),
            functools.partial(_limited_by_gymnasium, kind, 4, **given),
            steps=25,
        )


def _limited_by_gymnasium(kind, limit, **given):
    """The single form under Gymnasium's `TimeLimit`, with the indicators asked for at its end."""
    env = single(kind, max_episode_steps=limit, disable_env_checker=True, **given)

    class AskingForKpi(gymnasium.Wrapper):
        def step(self, action):
            *result, truncated, info = super().step(action)
            if truncated:
                info["kpi"] = self.unwrapped.kpi()
            return *result, truncated, info

    return AskingForKpi(env)


@every_kind
@every_mode
def test_limit_beyond_the_horizon_changes_nothing(kind, mode):
    """Nor does -1, which is Gymnasium's word for none."""
    rows = [
        vector(kind, autoreset_mode=mode, **given)
        for given in ({}, {"max_episode_steps": 10**6}, {"max_episode_steps": -1})
    ]
    for env in rows:
        env.reset(seed=4)
    rows[0].action_space.seed(0)
    ends, over = 0, np.zeros(3, bool)
    while ends < 5:
        if mode is AutoresetMode.DISABLED and over.any():
            told = [env.reset(options={"reset_mask": over}) for env in rows]
            over = np.zeros(3, bool)
        else:
            actions = rows[0].action_space.sample()
            told = [env.step(actions) for env in rows]
            over = told[0][3]
            ends += over.sum()
        assert str(told[0]) == str(told[1]) == str(told[2])


def test_limit_and_horizon_together():
    """Where some rows end by the one and some by the other, each begins its next episode once."""
    lengths = [len(episode(single("admission"), seed)) - 1 for seed in range(40)]
    limit = int(np.median(lengths))
    assert min(lengths) < limit < max(lengths)
    for mode in AutoresetMode:
        check_vector_env(
            functools.partial(
                vector, "admission", num_envs=4, autoreset_mode=mode, max_episode_steps=limit
            ),
            functools.partial(_limited_by_gymnasium, "admission", limit),
            steps=8 * limit,
        )


@every_kind
def test_limit_reaches_stable_baselines3(kind):
    """Episodes of that length, with return and indicators; spread rows would be longer."""
    env = native(kind, seed=0, max_episode_steps=4)
    env.reset()
    for step in range(1, 9):
        _, _, dones, infos = env.step(np.array([env.action_space.sample() for _ in range(3)]))
        assert dones.all() == (step % 4 == 0)
    assert all(info["episode"]["l"] == 4 and info["kpi"] for info in infos)
    with pytest.raises(ConfigError, match="max_episode_steps ends before"):
        native(kind, max_episode_steps=4, spread_rows=True)


@every_kind
@pytest.mark.parametrize("limit", [0, -2, 1.5])
def test_limit_that_is_none_is_refused(kind, limit):
    """Before a row is made a step."""
    with pytest.raises(ConfigError, match="max_episode_steps is a whole number, 1 or more"):
        vector(kind, max_episode_steps=limit)


@every_kind
def test_registered_limit_holds_in_the_vector_form(kind):
    """As users register environments of their own on the entry points."""
    name = f"Limited{kind}-v0"
    registered = gymnasium.spec(kind_named(kind).id)
    gymnasium.register(
        name,
        entry_point=registered.entry_point,
        vector_entry_point=registered.vector_entry_point,
        max_episode_steps=3,
        kwargs={"scenario": case_of(kind).scenario()},
    )
    try:
        env = gymnasium.make_vec(name, num_envs=2)
        env.reset(seed=0)
        assert [env.step(any_actions(env))[3].all() for _ in range(3)] == [False, False, True]
    finally:
        del gymnasium.registry[name]


@every_kind
def test_other_arguments_of_make_are_taken_or_refused_in_words(kind):
    """There is no checker in the vector form, and no picture."""
    vector(kind, disable_env_checker=True)
    with pytest.raises(ConfigError, match="check_vector_env"):
        vector(kind, disable_env_checker=False)
    with pytest.raises(ConfigError, match='vectorization_mode="sync"'):
        vector(kind, render_mode="rgb_array")


# --- indicators in infos ------------------------------------------------------------------------


@every_kind
def test_infos_of_an_episode_are_one_tree_of_arrays(kind):
    """As Minari stacks them: the same keys at every step, and each a column of one type."""
    env = single(kind)
    infos = episode(env)
    assert {tuple(info) for info in infos} == {tuple(infos[0])}
    columns = {name: np.array([info[name] for info in infos]) for name in infos[0]}
    assert all(len(column) == len(infos) for column in columns.values())
    assert object not in {column.dtype for column in columns.values()}
    kpi = columns["kpi"]
    assert kpi.shape == (len(infos), *infos[0]["kpi"].shape)
    for name, value in infos[-1]["kpi"].items():
        assert kpi[name][-1, 0] == value
        assert np.isnan(kpi[name][:-1]).all()


@every_kind
@pytest.mark.filterwarnings("ignore")  # Minari's own, about what a data set should say of itself
def test_minari_records_whole_infos(kind, tmp_path, monkeypatch):
    """Names with a slash, too, beside those without, in its HDF5 files."""
    pytest.importorskip("jax", reason="needs minari[create]")
    minari = pytest.importorskip("minari", reason="needs the extra offline")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = minari.DataCollector(single(kind), record_infos=True)
    infos = episode(env)
    recorded = next(env.create_dataset(f"{kind}-v0").iterate_episodes())
    for name, value in infos[-1]["kpi"].items():
        assert recorded.infos["kpi"][name][-1, 0] == value
    assert len(recorded.infos["kpi"]) == len(infos)


@every_kind
def test_kpi_is_empty_until_the_end(kind):
    """And can be asked for at any time; Gymnasium's limit ends episodes that go on inside."""
    env = single(kind)
    infos = episode(env)
    assert not any(info["kpi"] for info in infos[:-1])
    assert infos[-1]["kpi"] == env.unwrapped.kpi()
    cut = episode(single(kind, max_episode_steps=3))
    assert len(cut) == 4
    assert not cut[-1]["kpi"]


def test_indicators_are_a_dict_and_a_record():
    """Copied, pickled and compared as a dict."""
    empty, full = kpi_of(("a", "a/b")), kpi_of(("a", "a/b"), (1.0, 2.0))
    assert empty == {}
    assert full == {"a": 1.0, "a/b": 2.0}
    for again in (copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))):  # noqa: S301
        for one in (empty, full):
            other = again(one)
            assert (other, type(other), other is one) == (one, Kpi, False)
            assert np.array(other).dtype.names == ("a", "a/b")
    assert np.array([empty, full])["a/b"].tolist() == [[pytest.approx(np.nan, nan_ok=True)], [2.0]]
    assert np.array(Kpi(x=3.0))["x"].tolist() == [3.0]


@every_kind
def test_sync_mode_has_the_indicators_of_the_rows_that_ended(kind):
    """Through Gymnasium's own vector environment, whose flags say which rows have them."""
    env = gymnasium.make_vec(
        kind_named(kind).id,
        num_envs=2,
        vectorization_mode="sync",
        scenario=case_of(kind).scenario(),
    )
    env.reset(seed=0)
    over = np.zeros(2, bool)
    while not over.any():
        *_, over, infos = env.step(any_actions(env))
    assert all(
        (flags == over).all() for name, flags in infos["kpi"].items() if name.startswith("_")
    )
    assert len(infos["kpi"]) == 2 * len(vector(kind).batch.kpi_names())


@every_kind
def test_sb3s_own_vector_environment_takes_the_single_form(kind):
    """It copies every info at every step."""
    env = DummyVecEnv([functools.partial(single, kind)] * 2)
    env.reset()
    over = False
    while not over:
        _, _, dones, infos = env.step([env.action_space.sample() for _ in range(2)])
        over = dones.any()
    assert all(bool(info["kpi"]) == done for info, done in zip(infos, dones, strict=True))
