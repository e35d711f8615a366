"""Massive access: the compiled kernel and the SimPy model are equal to the last bit, always."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.environments.massive_access.strategies import access_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.massive_access import layout, rows
from twin_gym.environments.massive_access.batch import AccessBatch, BatchSettings
from twin_gym.environments.massive_access.scenario import AccessScenario, SimultaneousArrivals
from twin_gym.scenario.loading import load

NUM_ROWS = 2

modes = st.sampled_from(
    [batching.AUTORESET_DISABLED, batching.AUTORESET_SAME_STEP, batching.AUTORESET_NEXT_STEP]
)
forms = st.sampled_from(["level", "probability"])
objectives = st.sampled_from(["balanced", "throughput", "delay", "vector"])
choosers = st.sampled_from(["any", "open", "gentle"])
seeds = st.integers(0, 2**64 - 1)


def assert_batches_equal(one, other):
    """Observations, masks, outcomes, heads, counters, devices, delays and indicators are equal."""
    assert one.observations.tobytes() == other.observations.tobytes()
    for name in rows.OUTCOME.names:
        assert np.array_equal(one.outcomes[name], other.outcomes[name]), name
    for name in one.heads.dtype.names:
        assert np.array_equal(one.heads[name], other.heads[name]), name
    for i in range(one.num_rows):
        for name in layout.ROW.names:
            assert np.array_equal(one.row(i)[name], other.row(i)[name]), name
        assert np.array_equal(one.waiting(i), other.waiting(i))
        devices = int(one.networks[one.heads["network"][i]]["num_devices"])
        arrived = int(one.row(i)["num_arrived"])
        mine, theirs = (batch.arrays["devices"][i, arrived:devices] for batch in (one, other))
        assert np.array_equal(mine, theirs)
        slots = int(one.networks[one.heads["network"][i]]["num_opportunities"])
        mine, theirs = (batch.arrays["delays"][i, :slots] for batch in (one, other))
        assert np.array_equal(mine, theirs)
    assert np.array_equal(one.num_ready(), other.num_ready())
    assert_kpis_equal(one.kpis(), other.kpis())


def assert_kpis_equal(one, other):
    """Every indicator is equal."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


def chosen_actions(batch, chooser, rng):
    """Any level or probability, nobody barred, or only a little barring."""
    if batch.masks is not None:
        most = {"any": batch.action_space.n, "open": 1, "gentle": 4}[chooser]
        return rng.integers(0, most, batch.num_rows)
    drawn = rng.random((batch.num_rows, 1))
    corners = rng.integers(0, 4, drawn.shape)
    drawn = np.where(corners == 0, 0.0, np.where(corners == 1, 1.0, drawn))
    return {"any": drawn, "open": np.ones_like(drawn), "gentle": 0.5 + drawn / 2}[chooser]


def run_both(scenarios, form, objective, autoreset, seed, chooser, steps):
    """Carries the same decisions to both engines and compares after each; counts the ends."""
    mine, theirs = engines = [
        AccessBatch(NUM_ROWS, BatchSettings(scenarios, form, objective, engine))
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
        actions = mine.checked_actions(chosen_actions(mine, chooser, rng))
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


@given(access_scenarios(), forms, objectives, modes, seeds, choosers)
@settings(max_examples=80)
def test_kernel_equals_simpy(scenario, form, objective, autoreset, seed, chooser):
    """Every law of arrival, every form of action, any decisions, more than an episode."""
    steps = min(scenario.num_opportunities + 8, 50)
    ends, batch = run_both(scenario, form, objective, autoreset, seed, chooser, steps)
    event(f"episodes that ended: {min(ends, 3)}")
    event(f"anybody lost: {bool(batch.kpis()['lost'].any())}")


@given(access_scenarios(), access_scenarios(), forms, modes, seeds)
@settings(max_examples=15)
def test_kernel_equals_simpy_over_several_scenarios(one, other, form, autoreset, seed):
    """Each episode draws one of several cells of different sizes: both engines the same one."""
    run_both([one, other], form, "balanced", autoreset, seed, "any", 30)


@pytest.mark.parametrize("preset", ["access-small-70", "access-medium-45", "access-beta-1000"])
@pytest.mark.parametrize("form", ["level", "probability"])
def test_kernel_equals_simpy_on_presets(preset, form):
    """The cells that results are shown on, in the thick of their arrivals."""
    scenario = load(preset)
    law = scenario.arrivals.replace(window_s=0.4)
    crowded = scenario.replace(horizon_s=0.5, arrivals=law)
    ends, _ = run_both(crowded, form, "vector", batching.AUTORESET_SAME_STEP, 11, "any", 101)
    assert ends == 2


def test_collapse_is_the_same_in_both():
    """Hundreds at once, nobody barred: tries run out, and both lose the same devices."""
    scenario = AccessScenario(
        name="crowd", horizon_s=0.4, num_devices=900,
        arrivals=SimultaneousArrivals(window_s=0.05, fraction=1.0),
    )  # fmt: skip
    ends, batch = run_both(
        scenario, "level", "balanced", batching.AUTORESET_DISABLED, 3, "open", 79
    )
    assert ends == 0
    kpi = batch.kpis()
    assert (kpi["lost"] > 450).all()
    assert np.array_equal(kpi["lost"] + kpi["succeeded"] + kpi["unresolved"], kpi["offered"])
