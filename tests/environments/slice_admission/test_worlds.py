"""The world depends on its seed alone: not on decisions, neighbours, threads or engines."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.strategies import admission_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.env import SliceAdmissionEnv
from twin_gym.environments.slice_admission.tables import build_tables, service_places
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.environments.slice_admission.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies import world_seeds
from twin_gym.scenario.loading import load
from twin_gym.testing.equality import first_difference, untouched_global_state

PRESETS = ("contention", "burst", "shift", "service-calibrated", "teletraffic-erlang-a")


def short(preset, decisions=40.0):
    """A preset with an episode of some dozen decisions."""
    scenario = load(preset)
    rate_hz = sum(one.arrival_rate_hz for one in scenario.slices)
    return scenario.replace(horizon_s=min(scenario.horizon_s, decisions / rate_hz))


def roll_out(env, seed, steps, reset_options=None):
    """Observations, rewards, ends and infos of all rows under fixed actions that differ by row."""
    told = [env.reset(seed=seed, options=reset_options)]
    for step in range(steps):
        actions = (np.arange(env.num_envs) * 3 + step * 7) % env.single_action_space.n
        told.append(env.step(actions))
    return told


def lanes_of(told, first, last):
    """The rows first <= i < last of all that was told (nested arrays)."""
    if isinstance(told, dict):
        return {key: lanes_of(value, first, last) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [lanes_of(one, first, last) for one in told]
    return told[first:last]


def without_empty_finals(told):
    """Final infos are there if any row ended; leave out those where none of the rows kept did."""
    kept = []
    for *arrays, infos in told:
        drop = [
            key
            for key in infos
            if key.strip("_") in ("final_obs", "final_info", "kpi")
            and not infos["_" + key.strip("_")].any()
        ]
        kept.append([*arrays, {key: infos[key] for key in infos if key not in drop}])
    return kept


def offered_and_arrivals(scenario, seed, wish):
    """Requests offered in each slice over an episode in which the wished slice comes first."""
    batch = AdmissionBatch(1, BatchSettings(scenario))
    everyone = np.ones(1, np.bool_)
    batch.seed(np.array([seed], np.uint64), everyone)
    batch.begin(everyone)
    while not batch.outcomes["truncated"][0]:
        order = np.roll(np.arange(batch.num_actions), -wish)
        allowed = order[batch.masks[0][order] == 1]
        batch.advance(allowed[:1].astype(np.int64), batching.AUTORESET_DISABLED)
    return batch.row(0)["offered"][: len(scenario.slices)].tolist()


@pytest.mark.parametrize("preset", PRESETS)
def test_requests_do_not_depend_on_decisions(preset):
    """Whatever is admitted, the same number of requests comes in each slice."""
    scenario = short(preset, 150.0)
    counts = [offered_and_arrivals(scenario, 7, wish) for wish in range(len(scenario.slices) + 1)]
    assert all(count == counts[0] for count in counts)
    world = World(build_tables([scenario]), 7)
    horizon = int(world.network["horizon"])
    for s, count in enumerate(counts[0]):
        arrivals = []
        for tick in world.arrivals(s):
            if tick >= horizon:
                break
            arrivals.append(tick)
        assert len(arrivals) == count


@given(
    admission_scenarios().filter(lambda one: service_places(one) <= 5000),
    st.integers(0, 2**63),
)
@settings(max_examples=40)
def test_requests_of_drawn_networks_do_not_depend_on_decisions(scenario, seed):
    """The same for every law of arrival."""
    waits, admits = (offered_and_arrivals(scenario, seed, w) for w in (len(scenario.slices), 0))
    assert waits == admits


def test_request_is_the_same_request_in_every_world_of_its_seed():
    """Draws are functions of (seed, episode, stream, index): any order, any number of times."""
    tables = build_tables([load("contention")])
    one, other = World(tables, 5), World(tables, 5)
    backwards = [other.holding_ticks(2, k) for k in reversed(range(50))][::-1]
    assert [one.holding_ticks(2, k) for k in range(50)] == backwards
    assert [one.holding_ticks(2, k) for k in range(50)] == backwards
    for different in (World(tables, 6), World(tables, 5, episode=1)):
        assert not set(backwards) & {different.holding_ticks(2, k) for k in range(50)}


def test_streams_of_a_world_share_no_draws():
    """Slices and purposes do not repeat one another's numbers."""
    same = load("contention").slices[0]
    scenario = load("contention").replace(
        slices=tuple(same.replace(name=name) for name in "abcd"), patience_law="exponential"
    )
    world = World(build_tables([scenario]), 3)
    seen = []
    for s in range(4):
        seen += [world.holding_ticks(s, k) / same.mean_holding_time_s for k in range(100)]
        seen += [world.patience_ticks(s, k) / same.mean_patience_s for k in range(100)]
        arrivals = [tick for tick, _ in zip(world.arrivals(s), range(101), strict=False)]
        seen += [gap * same.arrival_rate_hz for gap in np.diff([0, *arrivals])]
    assert len(np.unique(np.round(seen, -3))) > 0.999 * len(seen)


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
@pytest.mark.parametrize("action", ["slice", "slot"])
def test_threads_do_not_matter(mode, action):
    """One thread or three: the same to the last bit, infos and final infos included."""
    told = [
        roll_out(
            SliceAdmissionVectorEnv(
                7, short("burst"), action=action, autoreset_mode=mode, num_threads=threads
            ),
            11,
            120,
        )
        for threads in (1, 3, 7, 16)
    ]
    for other in told[1:]:
        assert first_difference(told[0], other, "roll-out") is None


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
def test_number_of_rows_does_not_matter(mode):
    """The first rows of nine are the rows of two, and of one."""
    scenarios = [short("contention"), short("contention", 20.0)]
    told = [
        roll_out(SliceAdmissionVectorEnv(rows, scenarios, autoreset_mode=mode), 4, 150)
        for rows in (9, 2, 1)
    ]
    for rows, fewer in zip((2, 1), told[1:], strict=True):
        first = without_empty_finals(lanes_of(told[0][1:], 0, rows))
        found = first_difference(first, without_empty_finals(lanes_of(fewer[1:], 0, rows)), "x")
        assert found is None


def test_rows_of_several_scenarios_are_single_environments():
    """Each episode of each row runs the scenario that its world draws, and all get their turn."""
    base = short("contention")
    scenarios = [base.replace(horizon_s=base.horizon_s * factor) for factor in (1.0, 0.5, 0.25)]
    env = SliceAdmissionVectorEnv(6, scenarios)
    singles = [SliceAdmissionEnv(scenarios) for _ in range(6)]
    observations, _ = env.reset(seed=20)
    drawn = set()
    for row, single in enumerate(singles):
        assert np.array_equal(single.reset(seed=20 + row)[0], observations[row])
    over = np.zeros(6, bool)
    for _ in range(200):
        observations, rewards, _, truncated, infos = env.step(np.full(6, 1))
        for row, single in enumerate(singles):
            if over[row]:
                observation, info = single.reset()
            else:
                observation, reward, _, ended, info = single.step(1)
                assert (reward, ended) == (rewards[row], truncated[row])
            assert np.array_equal(observation, observations[row])
            assert info["elapsed_s"] == infos["elapsed_s"][row]
            drawn.add(single.scenario.horizon_s)
        over = truncated
    assert drawn == {one.horizon_s for one in scenarios}


def test_engines_give_the_same_environment():
    """The whole vector environment, infos included, from the kernel and from SimPy."""
    told = [
        roll_out(
            SliceAdmissionVectorEnv(
                2, short("shift", 20.0), engine=engine, autoreset_mode="SameStep"
            ),
            3,
            60,
        )
        for engine in ("kernel", "simpy")
    ]
    assert first_difference(told[0], told[1], "roll-out") is None


def test_sequence_of_seeds_gives_each_row_its_own():
    """A row's seed is its own, given one by one or counted up from one number."""
    env = SliceAdmissionVectorEnv(3, short("mild"))
    counted, _ = env.reset(seed=5)
    listed, _ = env.reset(seed=[7, 5, 6])
    assert np.array_equal(counted, listed[[1, 2, 0]])
    array, _ = env.reset(seed=np.array([5, 6, 7]))
    assert np.array_equal(counted, array)
    numpy_integer, _ = env.reset(seed=np.int64(5))
    assert np.array_equal(counted, numpy_integer)


def test_reset_of_some_rows_leaves_the_others():
    """With seeds or without, `reset_mask` touches the rows that it names."""
    env = SliceAdmissionVectorEnv(4, short("mild"), autoreset_mode="Disabled")
    before, _ = env.reset(seed=1)
    for _ in range(5):
        before = env.step(np.full(4, 4))[0]
    mask = np.array([False, True, False, True])
    after, _ = env.reset(seed=100, options={"reset_mask": mask})
    assert np.array_equal(before[~mask], after[~mask])
    fresh, _ = SliceAdmissionVectorEnv(4, short("mild")).reset(seed=100)
    assert np.array_equal(after[mask], fresh[mask])


def test_unseeded_environments_differ():
    """Without a seed each environment gets its worlds from the system's entropy."""
    make = (lambda: SliceAdmissionEnv("mild"), lambda: SliceAdmissionVectorEnv(1, "mild"))
    for one in make:
        first, second = (one().reset()[1]["elapsed_s"] for _ in range(2))
        assert first != second


def test_episodes_of_a_seed_differ():
    """reset() goes on to the next world, and the worlds of two seeds do not meet."""
    env = SliceAdmissionEnv("mild")
    seen = []
    for seed in (0, 1, 2):
        seen.append(env.reset(seed=seed)[1]["elapsed_s"])
        seen += [env.reset()[1]["elapsed_s"] for _ in range(5)]
    assert len(set(seen)) == len(seen)


def test_global_random_state_is_left_alone():
    """Nothing reads or moves Python's or NumPy's global generators, unseeded or not."""
    with untouched_global_state():
        for seed in (None, 3):
            roll_out(SliceAdmissionVectorEnv(2, short("burst")), seed, 40)


def test_families_of_worlds_share_none():
    """Training, validation and test worlds are apart, and a family gives the same ones again."""
    families = [set(world_seeds(family, 1000)) for family in ("train", "validation", "test")]
    assert not families[0] & families[1]
    assert not families[1] & families[2]
    assert not families[0] & families[2]
    assert world_seeds("test", 3, first=5) == world_seeds("test", 8)[5:]
    with pytest.raises(ConfigError, match="family of worlds"):
        world_seeds("tests", 3)
