"""Tiny instant communication: the compiled kernel and the SimPy model are equal to the last bit."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.environments.tic_scheduling.strategies import tic_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.tic_scheduling import layout, rows
from twin_gym.environments.tic_scheduling.batch import BatchSettings, TicBatch
from twin_gym.scenario.loading import load

NUM_ROWS = 2
# What the kernel keeps to know what the world brings next: SimPy's processes know it themselves.
OF_THE_KERNEL = {"burst", "burst_slot", "background", "background_count"}

modes = st.sampled_from(
    [batching.AUTORESET_DISABLED, batching.AUTORESET_SAME_STEP, batching.AUTORESET_NEXT_STEP]
)
seeds = st.integers(0, 2**64 - 1)
any_network = tic_scenarios()
one_gateway = tic_scenarios(max_sensors=6, num_gateways=1, max_frames=20)


def assert_batches_equal(one, other):
    """Observations, masks, outcomes, heads, counters, messages and indicators are equal."""
    assert one.observations.tobytes() == other.observations.tobytes()
    if one.masks is not None:
        assert np.array_equal(one.masks, other.masks)
    for name in rows.OUTCOME.names:
        assert np.array_equal(one.outcomes[name], other.outcomes[name]), name
    for name in one.heads.dtype.names:
        assert np.array_equal(one.heads[name], other.heads[name]), name
    for i in range(one.num_rows):
        for name in sorted(set(layout.ROW.names) - OF_THE_KERNEL):
            assert np.array_equal(one.row(i)[name], other.row(i)[name]), name
        for mine, theirs in zip(one.waiting(i), other.waiting(i), strict=True):
            assert np.array_equal(mine, theirs)
        assert answers_of(one, i) == answers_of(other, i)
    for name in ("waiting", "fills", "latencies"):
        assert np.array_equal(one.arrays[name], other.arrays[name]), name
    assert_kpis_equal(one.kpis(), other.kpis())


def answers_of(batch, index):
    """The sensors whose answers will be ready, by place in the ring."""
    network = batch.tables.networks[batch.heads["network"][index]]
    answers, counts = batch.arrays["answers"][index], batch.arrays["answer_counts"][index]
    firsts = range(0, int(network["ring"] * network["most_answers"]), int(network["most_answers"]))
    return [sorted(answers[f : f + n].tolist()) for f, n in zip(firsts, counts, strict=False)]


def assert_kpis_equal(one, other):
    """Every indicator is equal."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


def chosen_actions(batch, rng):
    """Weights with corners, among them all zero; or queues, now and then disallowed ones."""
    if batch.masks is None:
        drawn = rng.random((batch.num_rows, layout.NUM_WEIGHTS))
        return drawn * rng.integers(0, 2, drawn.shape)
    actions = rng.integers(0, batch.action_space.n, batch.num_rows)
    for i, mask in enumerate(batch.masks):
        queues = np.flatnonzero(mask[:-1])
        if rng.random() < 0.8 and len(queues):
            actions[i] = rng.choice(queues)
    return actions


def run_both(scenarios, form, autoreset, seed, steps):
    """Carries the same decisions to both engines and compares after each; counts the ends."""
    mine, theirs = engines = [
        TicBatch(NUM_ROWS, BatchSettings(scenarios, form, "vector", engine))
        for engine in ("kernel", "simpy")
    ]
    everyone = np.ones(NUM_ROWS, np.bool_)
    row_seeds = (np.uint64(seed) + np.arange(NUM_ROWS, dtype=np.uint64)).astype(np.uint64)
    for batch in engines:
        batch.seed(row_seeds, everyone)
        batch.begin(everyone)
    assert_batches_equal(mine, theirs)
    rng = np.random.default_rng(seed)
    ends = 0
    for _ in range(steps):
        actions = mine.checked_actions(chosen_actions(mine, rng))
        any_over = [batch.advance(actions, autoreset) for batch in engines]
        assert any_over[0] == any_over[1]
        assert_batches_equal(mine, theirs)
        ended = mine.outcomes["truncated"].copy()
        if not ended.any():
            continue
        ends += int(ended.sum())
        at = np.flatnonzero(ended)
        same_step = autoreset == batching.AUTORESET_SAME_STEP
        names, values = mine.final_kpi_table(at, same_step)
        assert names == theirs.kpi_names()
        assert np.array_equal(values, theirs.final_kpi_table(at, same_step)[1])
        if same_step:
            assert np.array_equal(mine.final_observations[ended], theirs.final_observations[ended])
        if autoreset == batching.AUTORESET_DISABLED:
            for batch in engines:
                batch.begin(ended)
            assert_batches_equal(mine, theirs)
    return ends, mine


@given(any_network, modes, seeds)
@settings(max_examples=60)
def test_kernel_equals_simpy_by_weights(scenario, autoreset, seed):
    """Every kind of traffic, channel and deadline, any weights, more than an episode."""
    ends, batch = run_both(scenario, "weights", autoreset, seed, 25)
    event(f"episodes that ended: {min(ends, 3)}")
    event(f"expired: {bool(batch.kpis()['expired'].any())}")
    event(f"dropped: {bool(batch.kpis()['dropped'].any())}")


@given(one_gateway, modes, seeds)
@settings(max_examples=60)
def test_kernel_equals_simpy_by_picks(scenario, autoreset, seed):
    """Grant by grant, disallowed picks too."""
    run_both(scenario, "pick", autoreset, seed, 60)


@given(any_network, any_network, modes, seeds)
@settings(max_examples=15)
def test_kernel_equals_simpy_over_several_scenarios(one, other, autoreset, seed):
    """Each episode draws one of several networks of different sizes: both engines the same one."""
    run_both([one, other], "weights", autoreset, seed, 30)


@pytest.mark.parametrize(
    ("preset", "form"),
    [("tic-small-70", "weights"), ("tic-medium-45", "weights"), ("tic-pick", "pick")],
)
def test_kernel_equals_simpy_on_presets(preset, form):
    """The networks that results are shown on, for some bursts."""
    scenario = load(preset).replace(horizon_s=0.02)
    ends, batch = run_both(scenario, form, batching.AUTORESET_NEXT_STEP, 11, 60)
    assert ends == (2 if form == "weights" else 0)
    assert batch.masks is None or (batch.kpis()["delivered"] > 10).all()
