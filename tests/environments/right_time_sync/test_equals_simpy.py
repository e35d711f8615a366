"""Right-time synchronisation: kernel and SimPy model are equal to the last bit, always."""

import os

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.environments.right_time_sync.strategies import sync_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.right_time_sync import layout, rows
from twin_gym.environments.right_time_sync.batch import BatchSettings, SyncBatch
from twin_gym.environments.right_time_sync.scenario import EntityGroup, Replay, SyncScenario, Walk
from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.scenario.loading import load

NUM_ROWS = 2

modes = st.sampled_from(
    [batching.AUTORESET_DISABLED, batching.AUTORESET_SAME_STEP, batching.AUTORESET_NEXT_STEP]
)
forms = st.sampled_from(["pick", "rounds"])
errors = st.sampled_from(["expected", "realised"])
objectives = st.sampled_from(["balanced", "error", "updates", "vector"])
seeds = st.integers(0, 2**64 - 1)


def assert_batches_equal(one, other):
    """Observations, masks, outcomes, heads, counters, twins, ways and indicators are equal."""
    assert one.observations.tobytes() == other.observations.tobytes()
    assert (one.masks is None) == (other.masks is None)
    assert one.masks is None or np.array_equal(one.masks, other.masks)
    for name in rows.OUTCOME.names:
        assert np.array_equal(one.outcomes[name], other.outcomes[name]), name
    for name in one.heads.dtype.names:
        assert np.array_equal(one.heads[name], other.heads[name]), name
    for i in range(one.num_rows):
        for name in layout.ROW.names:
            assert np.array_equal(one.row(i)[name], other.row(i)[name]), name
        theirs = other.twin(i)
        for name, values in one.twin(i).items():
            assert np.array_equal(values, theirs[name]), name
        period = int(one.tables.networks[one.heads["network"][i]]["delay_slots"]) + 1
        assert np.array_equal(one.arrays["on_way"][i, :period], other.arrays["on_way"][i, :period])
    for name, values in one.kpis().items():
        assert np.array_equal(values, other.kpis()[name]), name


def chosen_actions(batch, rng):
    """Any entity or nobody; any scores, with many equal ones and zeros among them."""
    if batch.masks is not None:
        return rng.integers(0, batch.action_space.n, batch.num_rows)
    drawn = rng.random((batch.num_rows, *batch.action_space.shape))
    corners = rng.integers(0, 4, drawn.shape)
    return np.where(corners == 0, 0.0, np.where(corners == 1, 0.5, drawn))


def run_both(scenarios, form, objective, error, autoreset, seed, steps):
    """Carries the same decisions to both engines and compares after each; counts the ends."""
    mine, theirs = engines = [
        SyncBatch(NUM_ROWS, BatchSettings(scenarios, form, objective, engine, error=error))
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
        assert np.array_equal(
            mine.final_kpi_table(at, same_step)[1], theirs.final_kpi_table(at, same_step)[1]
        )
        if same_step:
            assert np.array_equal(mine.final_observations[ended], theirs.final_observations[ended])
        if autoreset == batching.AUTORESET_DISABLED:
            for batch in engines:
                batch.begin(ended)
            assert_batches_equal(mine, theirs)
    return ends, mine


@given(sync_scenarios(), forms, objectives, errors, modes, seeds)
@settings(max_examples=100)
def test_kernel_equals_simpy(scenario, form, objective, error, autoreset, seed):
    """Every law and predictor, delays, losses and budgets, any decisions, more than an episode."""
    steps = min(scenario.num_slots + 6, 40)
    ends, batch = run_both(scenario, form, objective, error, autoreset, seed, steps)
    event(f"episodes that ended: {min(ends, 3)}")
    event(f"anything delivered: {bool(batch.kpis()['delivered'].any())}")


@given(sync_scenarios(num_entities=4), sync_scenarios(num_entities=4), forms, errors, modes, seeds)
@settings(max_examples=20)
def test_kernel_equals_simpy_over_several_scenarios(one, other, form, error, autoreset, seed):
    """Each episode draws one of several: other processes, delays, rounds and horizons."""
    run_both([one, other], form, "balanced", error, autoreset, seed, 30)


@pytest.mark.parametrize("preset", ["sync-small", "sync-rounds"])
@pytest.mark.parametrize("form", ["pick", "rounds"])
def test_kernel_equals_simpy_on_presets(preset, form):
    """What results are shown on, past the first end."""
    scenario = load(preset)
    short = scenario.replace(horizon_s=12 * scenario.slot_s)
    ends, _ = run_both(short, form, "vector", "expected", batching.AUTORESET_SAME_STEP, 11, 13)
    assert ends == 2


@pytest.mark.parametrize("predictor", ["hold", "trend", "fitted"])
@pytest.mark.parametrize("form", ["pick", "rounds"])
def test_kernel_equals_simpy_on_replayed_series(tmp_path, predictor, form):
    """Series of different lengths beside a walk: the same moment, values and errors in both."""
    rng = np.random.default_rng(5)
    path = tmp_path / "series.csv"
    lines = ["source,time_s,value"]
    for source, slots in (("a", 60), ("b", 50)):
        values = rng.normal(size=slots).cumsum()
        lines += [f"{source},{2.0 * k},{value:.6f}" for k, value in enumerate(values)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    file = SeriesFile(path=str(path), last_s=95.0)
    replayed = Replay(file=file, sources=("a", "b"), low=-10.0, high=10.0)
    scenario = SyncScenario(
        name="measured", horizon_s=20.0, predictor=predictor, inspection_slots=3,
        groups=(
            EntityGroup(name="walk", count=1, process=Walk(variance_rate_hz=0.01)),
            EntityGroup(name="series", count=2, process=replayed),
        ),
    )  # fmt: skip
    for error in ("expected", "realised"):
        run_both(scenario, form, "balanced", error, batching.AUTORESET_NEXT_STEP, 3, 44)


@pytest.mark.parametrize("preset", ["sync-beijing", "sync-campusiot"])
def test_kernel_equals_simpy_on_measured_presets(preset):
    """The same with real values and real losses, where they are here."""
    if not os.environ.get("TWIN_GYM_DATA"):
        pytest.skip("the data is not here: set TWIN_GYM_DATA")
    scenario = load(preset)
    run_both(scenario, "pick", "balanced", "expected", batching.AUTORESET_NEXT_STEP, 3, 60)
