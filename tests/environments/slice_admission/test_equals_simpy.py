"""The compiled kernel and the SimPy model are one set of rules: equal to the last bit, always."""

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.strategies import (
    admission_scenarios,
    replayed_scenarios,
    write_requests,
)
from twin_gym.core import batch as batching
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.rules import NO_SLICE
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.tables import service_places
from twin_gym.scenario import Deterministic, Trace

NUM_ROWS = 2
STEPS = 80

# What the kernel alone needs: places in its rings, and the events and phases that come next.
OF_THE_KERNEL = {
    "queue_head", "next_arrival", "next_timeout", "phase", "phase_end", "phase_count", "world",
    "oldest_holding", "following_arrival",
}  # fmt: skip
SHARED = (
    "seed", "episode", "network", "trace_offset", "now", "is_over", "num_in_service", "pending",
    "fitting", "waiting", "carried_share", "free", "in_service", "queue_length", "disallowed",
    "offered", "admitted", "blocked", "expired", "declined", "waited", "busy", "elapsed",
    "revenue", "penalty", "carried", "fairness", "cost",
)  # fmt: skip

modes = st.sampled_from(
    [batching.AUTORESET_DISABLED, batching.AUTORESET_SAME_STEP, batching.AUTORESET_NEXT_STEP]
)
forms = st.sampled_from(["slice", "slot"])
objectives = st.sampled_from(["revenue", "utilisation", "fairness", "vector"])
choosers = st.sampled_from(["any", "allowed", "eager"])
seeds = st.integers(0, 2**64 - 1)


def drawn_scenarios(**sizes):
    """Scenarios with no more requests in service at once than a row has room for."""
    return admission_scenarios(**sizes).filter(lambda one: service_places(one) <= 5000)


def assert_rows_equal(kernel_row, simpy_row, num_slices, num_resources):
    """All that both tell of a running network is equal, floats to the last bit."""
    for name in SHARED:
        mine, theirs = kernel_row[name], simpy_row[name]
        if np.ndim(mine):
            count = num_resources if name == "free" else num_slices
            mine, theirs = mine[:count], theirs[:count]
        assert np.array_equal(mine, theirs), (name, mine, theirs)
    waits = kernel_row["queue_length"] > 0
    assert np.array_equal(kernel_row["oldest"][waits], simpy_row["oldest"][waits])


def shared_bytes(batch):
    """What both engines tell of all rows, as it lies in memory."""
    rows = batch._rows.copy()
    for name in OF_THE_KERNEL:
        rows[name] = 0
    rows["oldest"][rows["queue_length"] == 0] = 0
    return rows.tobytes()


def assert_batches_equal(one, other):
    """Observations, masks, outcomes, records, queues and indicators are equal."""
    assert one.observations.tobytes() == other.observations.tobytes()
    assert np.array_equal(one.masks, other.masks)
    for name in kernel.OUTCOME.names:
        assert np.array_equal(one.outcomes[name], other.outcomes[name]), name
    if shared_bytes(one) != shared_bytes(other):  # quick; the slow way says what differs
        for i in range(one.num_rows):
            sizes = len(one.scenario.slices), len(one.scenario.capacity)
            assert_rows_equal(one.row(i), other.row(i), *sizes)
    for i in np.flatnonzero(one._rows["queue_length"].any(axis=1)):
        assert one.waiting(i) == other.waiting(i)


def assert_kpis_equal(one, other):
    """Every indicator is equal."""
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name]), name


def chosen_actions(batch, chooser, rng):
    """Actions for all rows: any, allowed ones, or an admission wherever one is allowed."""
    if chooser == "any":
        return rng.integers(0, batch.num_actions, batch.num_rows)
    wishes = rng.random(batch.masks.shape) * batch.masks
    if chooser == "eager":
        wishes[:, -1] *= 1e-9
    return wishes.argmax(axis=1)


def run_both(scenarios, form, objective, autoreset, seed, chooser, steps=STEPS):
    """Carries the same decisions to both engines and compares after each; counts the ends."""
    engines = [
        AdmissionBatch(NUM_ROWS, BatchSettings(scenarios, form, objective, engine))
        for engine in ("kernel", "simpy")
    ]
    mine, theirs = engines
    everyone = np.ones(NUM_ROWS, np.bool_)
    row_seeds = (np.uint64(seed) + np.arange(NUM_ROWS, dtype=np.uint64)).astype(np.uint64)
    for batch in engines:
        batch.seed(row_seeds, everyone)
        batch.begin(everyone)
    assert_batches_equal(mine, theirs)
    rng = np.random.default_rng(seed)
    ends = 0
    for _ in range(steps):
        actions = chosen_actions(mine, chooser, rng)
        any_over = [batch.advance(actions, autoreset) for batch in engines]
        assert any_over[0] == any_over[1]
        assert_batches_equal(mine, theirs)
        ended = mine.outcomes["truncated"].copy()
        if not ended.any():
            continue
        ends += int(ended.sum())
        if autoreset == batching.AUTORESET_SAME_STEP:
            assert np.array_equal(mine.final_observations[ended], theirs.final_observations[ended])
            assert np.array_equal(mine.final_masks(ended), theirs.final_masks(ended))
            assert_kpis_equal(mine.final_kpis(ended), theirs.final_kpis(ended))
        else:
            assert_kpis_equal(mine.kpis(), theirs.kpis())
        if autoreset == batching.AUTORESET_DISABLED:
            for batch in engines:
                batch.begin(ended)
            assert_batches_equal(mine, theirs)
    return ends


def test_every_entry_of_a_row_is_looked_at():
    """A new entry of the record must be compared too, or be named as one of the kernel's own."""
    batch = AdmissionBatch(1, BatchSettings("teletraffic-small"))
    assert set(batch.row(0).dtype.names) == {*SHARED, "oldest"} | OF_THE_KERNEL


@given(drawn_scenarios(), forms, objectives, modes, seeds, choosers)
@settings(max_examples=90)
def test_kernel_equals_simpy(scenario, form, objective, autoreset, seed, chooser):
    """Every law of arrival, holding and patience, every form of action, any decisions."""
    ends = run_both(scenario, form, objective, autoreset, seed, chooser)
    event(f"episodes that ended: {min(ends, 3)}")
    event(f"patience: {scenario.patience_law}")


@given(drawn_scenarios(max_slices=16, max_resources=8), forms, modes, seeds)
@settings(max_examples=15)
def test_kernel_equals_simpy_in_large_networks(scenario, form, autoreset, seed):
    """Up to 16 slices and 8 resources: the records with the larger room."""
    event(f"more than 4 slices: {len(scenario.slices) > 4}")
    run_both(scenario, form, "vector", autoreset, seed, "any", steps=40)


@pytest.fixture(scope="module")
def trace_folder(tmp_path_factory):
    """Where drawn traces are written."""
    return tmp_path_factory.mktemp("traces")


@given(st.data(), forms, modes, seeds, choosers)
@settings(max_examples=30)
def test_kernel_equals_simpy_on_replayed_traces(trace_folder, data, form, autoreset, seed, chooser):
    """Arrivals and holding times out of a file, some of them at the same moment."""
    scenario = data.draw(replayed_scenarios(trace_folder))
    assume(service_places(scenario) <= 5000)
    run_both(scenario, form, "revenue", autoreset, seed, chooser)


@given(drawn_scenarios(max_slices=3), st.data(), forms, modes, seeds)
@settings(max_examples=15)
def test_kernel_equals_simpy_over_several_scenarios(scenario, data, form, autoreset, seed):
    """Each episode draws one of several networks: both engines draw the same one."""
    factors = data.draw(st.lists(st.floats(0.25, 4.0), min_size=1, max_size=3))
    others = [
        scenario.replace(
            horizon_s=scenario.horizon_s * min(factor, 1.0),
            slices=tuple(
                one.replace(arrival_rate_hz=one.arrival_rate_hz * factor) for one in scenario.slices
            ),
        )
        for factor in factors
    ]
    run_both([scenario, *others], form, "fairness", autoreset, seed, "allowed")


def tied_scenario(patience_s, holding_s, queue_limit, trace):
    """Two slices on one unit whose arrivals, departures and timeouts fall on whole seconds."""
    return AdmissionScenario(
        name="tied",
        capacity={"units": 2.0},
        slices=tuple(
            Slice(
                name=name, demand={"units": demand}, arrival_rate_hz=1.0,
                mean_holding_time_s=holding_s, mean_patience_s=patience_s,
                queue_limit=queue_limit, lost_penalty=0.25, agreed_loss_ratio=0.1,
                revenue=demand,
            )
            for name, demand in (("one", 1.0), ("two", 2.0))
        ),
        horizon_s=40.0,
        trace=trace,
    )  # fmt: skip


def simultaneous_kinds(batch):
    """How often the next events of different kinds of a row fall on one moment."""
    row = batch.row(0)
    count = len(batch.scenario.slices)
    arrivals = set((row["next_arrival"][:count] >> 6).tolist())
    timeouts = set((row["next_timeout"][:count] >> 6).tolist())
    departures = set((batch._departures[0][: row["num_in_service"]] >> 6).tolist())
    return [
        bool(arrivals & timeouts), bool(arrivals & departures), bool(timeouts & departures),
        len(arrivals) < count,
    ]  # fmt: skip


@pytest.mark.parametrize("queue_limit", [0, 1, 3])
@pytest.mark.parametrize("chooser", ["any", "allowed", "eager"])
def test_simultaneous_events_come_in_the_same_order(tmp_path, queue_limit, chooser):
    """Departures, timeouts and arrivals of both slices on one moment: ties, and many of them."""
    path = tmp_path / "tied.csv"
    rows = [(float(second), name, 2.0) for second in range(40) for name in ("two", "one", "one")]
    write_requests(path, rows)
    scenario = tied_scenario(1.0, 2.0, queue_limit, Trace(path=str(path), last_s=40.0))
    for seed in range(2):
        run_both(scenario, "slot", "revenue", batching.AUTORESET_NEXT_STEP, seed, chooser)


def test_ties_of_every_kind_are_met(tmp_path):
    """The test above would be worth nothing if its events never fell on one moment."""
    path = tmp_path / "tied.csv"
    rows = [(float(second), name, 2.0) for second in range(40) for name in ("two", "one", "one")]
    write_requests(path, rows)
    batch = AdmissionBatch(
        1, BatchSettings(tied_scenario(1.0, 2.0, 3, Trace(path=str(path), last_s=40.0)))
    )
    everyone = np.ones(1, np.bool_)
    batch.seed(np.zeros(1, np.uint64), everyone)
    batch.begin(everyone)
    rng = np.random.default_rng(0)
    met = np.zeros(4, int)
    for _ in range(200):
        batch.advance(chosen_actions(batch, "allowed", rng), batching.AUTORESET_NEXT_STEP)
        met += simultaneous_kinds(batch)
    assert (met > 5).all(), met


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 2, 4]), modes, seeds)
@settings(max_examples=15)
def test_equal_patience_and_holding_times_tie(patience, holding, queue_limit, autoreset, seed):
    """Deterministic laws in whole quarters of a second: timeouts on departures, all the time."""
    scenario = tied_scenario(patience / 4, holding / 4, queue_limit, None)
    slices = tuple(
        one.replace(holding=Deterministic(), arrival_rate_hz=8.0) for one in scenario.slices
    )
    run_both(scenario.replace(slices=slices), "slice", "revenue", autoreset, seed, "any")


@pytest.mark.parametrize("preset", ["contention", "burst", "shift", "teletraffic-erlang-a"])
@pytest.mark.parametrize("form", ["slice", "slot"])
def test_kernel_equals_simpy_on_presets(preset, form):
    """The networks that results are shown on."""
    ends = run_both(preset, form, "revenue", batching.AUTORESET_SAME_STEP, 11, "any", steps=150)
    assert ends == 0


def test_kernel_equals_simpy_to_the_end_of_a_preset():
    """A whole episode of a preset, its indicators included."""
    small = AdmissionBatch(1, BatchSettings("mild")).scenario.replace(horizon_s=20.0)
    assert run_both(small, "slice", "vector", batching.AUTORESET_SAME_STEP, 5, "allowed", 900) >= 2


def test_order_of_the_observed_slices_is_the_order_of_the_actions():
    """`slice_and_place` reads an action as its documentation says; both engines ask it."""
    network = AdmissionBatch(1, BatchSettings("contention")).tables.networks[0]
    assert kernel.slice_and_place(network, 2, False) == (2, 0)
    assert kernel.slice_and_place(network, 4, False) == (NO_SLICE, 0)
    assert kernel.slice_and_place(network, 17, True) == (1, 1)
    assert kernel.slice_and_place(network, 64, True) == (NO_SLICE, 0)
