"""Invariants of slice admission, for every network and sequence of decisions."""

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.strategies import admission_scenarios
from twin_gym.core import batch as batching
from twin_gym.core.forms import form_named
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.tables import service_places

NUM_ROWS = 6
STEPS = 90
LOST = ("blocked", "expired", "declined")

drawn_scenarios = admission_scenarios(max_slices=6, max_resources=5).filter(
    lambda one: service_places(one) <= 5000
)
forms = st.sampled_from(["slice", "slot"])
choosers = st.sampled_from(["any", "allowed", "eager", "patient"])
seeds = st.integers(0, 2**63)


def begun(scenario, form, seed):
    """A batch at its first decisions."""
    batch = AdmissionBatch(NUM_ROWS, BatchSettings(scenario, form))
    everyone = np.ones(NUM_ROWS, np.bool_)
    batch.seed(np.uint64(seed) + np.arange(NUM_ROWS, dtype=np.uint64), everyone)
    batch.begin(everyone)
    return batch


def chosen_actions(batch, chooser, rng):
    """Any action, allowed ones, an admission wherever one is allowed, or hardly ever one."""
    if chooser == "any":
        return rng.integers(0, batch.num_actions, batch.num_rows)
    wishes = rng.random(batch.masks.shape) * batch.masks
    wishes[:, -1] *= {"eager": 1e-9, "patient": 5.0}.get(chooser, 1.0)
    return wishes.argmax(axis=1)


def assert_state_is_sound(batch, scenario):
    """Checks the state at a decision."""
    rows, network = batch._rows, batch.tables.networks[0]
    s, k = len(scenario.slices), len(scenario.capacity)
    in_service, queue_length = rows["in_service"][:, :s], rows["queue_length"][:, :s]
    demand = network["demand"][:s, :k]
    gone = sum(rows[name][:, :s] for name in ("admitted", *LOST))
    assert np.array_equal(rows["offered"][:, :s], gone + queue_length), "a request got lost"
    assert (rows["free"][:, :k] >= 0).all(), "more in use than there is"
    used = in_service @ demand
    assert np.array_equal(rows["free"][:, :k], network["capacity"][:k] - used)
    assert (in_service >= 0).all()
    assert (in_service <= rows["admitted"][:, :s]).all()
    assert (in_service <= network["most_in_service"][:s]).all()
    assert np.array_equal(rows["num_in_service"], in_service.sum(axis=1))
    share = (used / network["capacity"][:k]).mean(axis=1)
    assert np.allclose(rows["carried_share"], share, rtol=1e-9, atol=1e-9)
    limits = network["queue_limit"][:s]
    assert (queue_length <= np.maximum(limits, 1)).all(), "a queue is over its limit"
    pending = rows["pending"][:, None] == np.arange(s)
    assert np.array_equal(queue_length[:, limits == 0], pending[:, limits == 0].astype(int))
    fits = (rows["free"][:, None, :k] >= demand).all(axis=2)
    bits = 1 << np.arange(s)
    assert np.array_equal(rows["fitting"] & (bits.sum()), (fits * bits).sum(axis=1))
    assert np.array_equal(rows["waiting"], ((queue_length > 0) * bits).sum(axis=1))
    assert (rows["now"] <= network["horizon"]).all()


def assert_waiting_is_sound(batch, scenario):
    """Nobody waits longer than patience allows; queues are in order of arrival."""
    for i in range(batch.num_rows):
        for one, ages in zip(scenario.slices, batch.waiting(i), strict=True):
            assert ages == sorted(ages, reverse=True)
            if scenario.patience_law == "deterministic" and one.queue_limit > 0:
                assert all(0 <= age <= one.mean_patience_s + 1e-9 for age in ages)


def assert_seen_is_sound(batch, scenario, form):
    """The observation lies in its space, and the mask is what fits and waits."""
    space = form_named(ACTION_FORMS, form).observation_space(scenario)
    assert all(observation in space for observation in batch.observations)
    rows, s = batch._rows, len(scenario.slices)
    admissible = (rows["waiting"] & rows["fitting"])[:, None] >> np.arange(s) & 1
    assert (batch.masks[:, -1] == 1).all()
    if form == "slice":
        assert np.array_equal(batch.masks[:, :-1], admissible)
    else:
        widths = np.maximum(batch.tables.networks[0]["queue_limit"][:s], 1)
        place = np.concatenate([np.arange(width) for width in widths])
        owner = np.repeat(np.arange(s), widths)
        allowed = admissible[:, owner] & (place < rows["queue_length"][:, owner])
        assert np.array_equal(batch.masks[:, :-1], allowed)
    running = rows["is_over"] == 0
    assert (batch.masks[running, :-1].sum(axis=1) > 0).all(), "a decision with nothing to decide"


@given(drawn_scenarios, forms, choosers, seeds)
@settings(max_examples=60)
def test_invariants_hold_at_every_decision(scenario, form, chooser, seed):
    """Conservation, capacity, queues, masks and the space of observations."""
    batch = begun(scenario, form, seed)
    rng = np.random.default_rng(seed)
    for _ in range(STEPS):
        assert_state_is_sound(batch, scenario)
        assert_seen_is_sound(batch, scenario, form)
        assert_waiting_is_sound(batch, scenario)
        batch.advance(chosen_actions(batch, chooser, rng), batching.AUTORESET_NEXT_STEP)


def totals_of_one_episode(batch, chooser, rng, max_steps=4000):
    """Sums of what the steps brought in each row's first episode, resets included."""
    names = ("revenue", "utilisation", "fairness", "elapsed_s", "cost")
    totals = {name: batch.outcomes[name].copy() for name in names}
    running = np.ones(batch.num_rows, np.bool_)
    kpi = {}
    for _ in range(max_steps):
        batch.advance(chosen_actions(batch, chooser, rng), batching.AUTORESET_NEXT_STEP)
        for name in names:
            totals[name][running] += batch.outcomes[name][running]
        ended = running & batch.outcomes["truncated"]
        for name, values in batch.kpis().items():
            kpi.setdefault(name, np.zeros(batch.num_rows))[ended] = values[ended]
        running &= ~ended
        if not running.any():
            return totals, kpi
    raise AssertionError(f"no end in {max_steps} steps")


@given(drawn_scenarios, choosers, seeds)
@settings(max_examples=50)
def test_steps_add_up_to_the_indicators(scenario, chooser, seed):
    """Elapsed seconds to the horizon, rewards to the totals, counters to one another."""
    batch = begun(scenario, "slice", seed)
    totals, kpi = totals_of_one_episode(batch, chooser, np.random.default_rng(seed))
    event(f"anything offered: {bool(kpi['offered'].any())}")
    horizon_s = scenario.horizon_s
    assert np.allclose(totals["elapsed_s"], horizon_s, rtol=1e-9)
    assert np.allclose(totals["revenue"], kpi["revenue_rate"] * horizon_s, rtol=1e-9, atol=1e-7)
    assert np.allclose(totals["utilisation"], kpi["utilisation"] * horizon_s, rtol=1e-6, atol=1e-7)
    harmonic = np.concatenate(([0.0], np.cumsum(1.0 / np.arange(1, 100_000))))
    admitted = [kpi[f"admitted/{name}"].astype(int) for name in scenario.slice_names]
    fair = sum(harmonic[count] for count in admitted) / len(scenario.slices)
    assert np.allclose(totals["fairness"], fair, rtol=1e-9, atol=1e-9)
    for name in ("offered", "admitted", *LOST):
        per_slice = [kpi[f"{name}/{one}"] for one in scenario.slice_names]
        assert np.array_equal(kpi[name], np.sum(per_slice, axis=0))
    still_waiting = kpi["offered"] - kpi["admitted"] - sum(kpi[name] for name in LOST)
    assert (still_waiting >= 0).all()
    lost = sum(kpi[name] for name in LOST)
    assert (totals["cost"] <= lost).all()
    assert np.allclose(kpi["loss_ratio"] * kpi["offered"], lost)
    assert np.allclose(kpi["blocking_probability"] * kpi["offered"], kpi["blocked"])
    for name, values in kpi.items():
        assert np.isfinite(values).all(), name
        if name.split("/")[0] in ("utilisation", "loss_ratio", "blocking_probability", "fairness"):
            assert (values >= 0).all(), name
            assert (values <= 1 + 1e-12).all(), name


@given(drawn_scenarios, forms, seeds)
@settings(max_examples=50)
def test_disallowed_action_is_waiting(scenario, form, seed):
    """Bit for bit the same network, except for the counter."""
    one, other = begun(scenario, form, seed), begun(scenario, form, seed)
    rng = np.random.default_rng(seed)
    wait = one.num_actions - 1
    count = 0
    for _ in range(STEPS // 2):
        wishes = rng.random(one.masks.shape) * (1 - one.masks)
        forbidden = wishes.argmax(axis=1)
        has_one = wishes.max(axis=1) > 0
        admits = rng.random(NUM_ROWS) < 0.3
        allowed = chosen_actions(one, "allowed", rng)
        running = one._rows["is_over"] == 0
        count += int((has_one & ~admits & running).sum())
        mine = np.where(admits, allowed, np.where(has_one, forbidden, wait))
        theirs = np.where(admits, allowed, wait)
        one.advance(mine, batching.AUTORESET_NEXT_STEP)
        other.advance(theirs, batching.AUTORESET_NEXT_STEP)
        for name in one._rows.dtype.names:
            if name != "disallowed":
                assert np.array_equal(one._rows[name], other._rows[name]), name
        assert one.observations.tobytes() == other.observations.tobytes()
        assert np.array_equal(one.masks, other.masks)
        assert (one.outcomes["disallowed_actions"] >= other.outcomes["disallowed_actions"]).all()
        assert not other._rows["disallowed"].any()
    event(f"disallowed actions met: {count > 0}")


@given(drawn_scenarios, seeds)
@settings(max_examples=30)
def test_no_queue_means_no_waiting(scenario, seed):
    """With queue limit 0 in every slice, all wait is zero and nobody expires: a loss system."""
    slices = tuple(one.replace(queue_limit=0) for one in scenario.slices)
    batch = begun(scenario.replace(slices=slices), "slice", seed)
    _, kpi = totals_of_one_episode(batch, "allowed", np.random.default_rng(seed))
    assert not kpi["mean_wait_s"].any()
    assert not kpi["expired"].any()


@given(drawn_scenarios, seeds)
@settings(max_examples=30)
def test_eager_admission_declines_nobody(scenario, seed):
    """Declined are those that fitted and were not admitted; who always admits has none."""
    batch = begun(scenario, "slice", seed)
    _, kpi = totals_of_one_episode(batch, "eager", np.random.default_rng(seed))
    assert not kpi["declined"].any()
