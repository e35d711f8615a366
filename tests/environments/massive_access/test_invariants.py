"""Massive access: what no sequence of barring probabilities can break, whatever the scenario."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.massive_access.strategies import access_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.massive_access.batch import AccessBatch, BatchSettings

NUM_ROWS = 4

seeds = st.integers(0, 2**63)


def begun(scenario, seed, action="probability"):
    """A batch at its first opportunities."""
    batch = AccessBatch(NUM_ROWS, BatchSettings(scenario, action))
    everyone = np.ones(NUM_ROWS, np.bool_)
    batch.seed(np.uint64(seed) + np.arange(NUM_ROWS, dtype=np.uint64), everyone)
    batch.begin(everyone)
    return batch


def chosen(rng):
    """Any probabilities, the corners among them."""
    drawn = rng.random((NUM_ROWS, 1)) * 1.5
    return np.where(drawn > 1.0, np.round(drawn - 0.75), drawn)


def assert_state_is_sound(batch, scenario):
    """Checks the state at a decision."""
    rows, slots = batch.arrays["rows"], batch.heads["slot"]
    gone = rows["succeeded"] + rows["lost"]
    assert np.array_equal(rows["num_arrived"], gone + rows["num_waiting"]), "a device got lost"
    assert (rows["num_arrived"] <= scenario.num_devices).all()
    assert np.array_equal(rows["succeeded"], rows["used"] - rows["collided"])
    assert not rows["uses"].any()
    assert all(observation in batch.observation_space for observation in batch.observations)
    for row in range(NUM_ROWS):
        waiting = batch.waiting(row)
        numbers = batch.arrays["devices"][row, : scenario.num_devices]["number"]
        later = numbers[rows["num_arrived"][row] :]
        alive = np.concatenate((waiting["number"], later))
        assert len(np.unique(alive)) == len(alive), "a device is there twice"
        assert (waiting["tries"] < scenario.max_tries).all()
        assert (waiting["joined"] < slots[row]).all()
        assert (waiting["ready"] <= slots[row] + max(scenario.backoff_s / scenario.slot_s, 1)).all()


@given(access_scenarios(), seeds)
@settings(max_examples=40)
def test_invariants_hold_at_every_opportunity(scenario, seed):
    """Conservation of devices, tries within their limit, observations within their space."""
    batch, rng = begun(scenario, seed), np.random.default_rng(seed)
    for _ in range(40):
        assert_state_is_sound(batch, scenario)
        batch.advance(chosen(rng), batching.AUTORESET_NEXT_STEP)


@given(access_scenarios(), seeds)
@settings(max_examples=30)
def test_steps_add_up_to_the_indicators(scenario, seed):
    """Rewards to successes and waiting, costs to losses, delays to their mean and quantile."""
    batch, rng = begun(scenario, seed), np.random.default_rng(seed)
    throughput, delay, cost = np.zeros((3, NUM_ROWS))
    for _ in range(scenario.num_opportunities):
        batch.advance(chosen(rng), batching.AUTORESET_DISABLED)
        throughput += batch.outcomes["throughput"]
        delay += batch.outcomes["delay"]
        cost += batch.outcomes["cost"]
    assert batch.outcomes["truncated"].all()
    kpi = batch.kpis()
    assert np.array_equal(kpi["offered"], np.full(NUM_ROWS, scenario.num_devices))
    assert np.array_equal(kpi["succeeded"] + kpi["lost"] + kpi["unresolved"], kpi["offered"])
    assert np.allclose(throughput * scenario.best_expected_successes, kpi["succeeded"])
    assert np.array_equal(cost, kpi["lost"])
    assert (delay >= -scenario.num_devices / scenario.best_expected_successes - 1e-9).all()
    for row in range(NUM_ROWS):
        counts = batch.arrays["delays"][row, : scenario.num_opportunities]
        delays = np.repeat(np.arange(len(counts)), counts) * scenario.slot_s
        assert len(delays) == kpi["succeeded"][row]
        if len(delays):
            assert np.isclose(kpi["mean_delay_s"][row], delays.mean())
            expected = np.quantile(delays, 0.95, method="inverted_cdf")
            assert np.isclose(kpi["p95_delay_s"][row], expected)
    for name, values in kpi.items():
        assert np.isfinite(values).all(), name
        assert (values >= 0).all(), name


@given(access_scenarios(), seeds)
@settings(max_examples=20)
def test_nobody_passes_a_probability_of_zero(scenario, seed):
    """All who ask wait, and nothing is sent."""
    batch = begun(scenario, seed)
    for _ in range(scenario.num_opportunities):
        batch.advance(np.zeros((NUM_ROWS, 1)), batching.AUTORESET_DISABLED)
    assert (batch.kpis()["unresolved"] == scenario.num_devices).all()
    assert not batch.arrays["rows"]["attempts"].any()
