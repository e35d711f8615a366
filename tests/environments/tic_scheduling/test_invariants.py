"""Invariants of tiny instant communication at every step, for all scenarios and actions."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.tic_scheduling.strategies import tic_scenarios
from twin_gym.environments.tic_scheduling import layout
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv

seeds = st.integers(0, 2**40)


def stepped(scenario, action, seed, steps):
    """An environment of two rows, yielded after every step with what the step gave."""
    env = TicSchedulingVectorEnv(2, scenario, action=action, autoreset_mode="NextStep")
    rng = np.random.default_rng(seed)
    observations, infos = env.reset(seed=seed)
    yield env, observations, np.zeros(2), infos
    for _ in range(steps):
        if action == "weights":
            actions = rng.random((2, 4)).astype(np.float32)
        else:
            actions = rng.integers(0, env.single_action_space.n, 2)
        observations, rewards, _, truncated, infos = env.step(actions)
        yield env, observations, rewards, infos
        if truncated.all():
            break


def check_counts(env):
    """Every message is delivered, lost or waits; buffers, deadlines and gateways are kept to."""
    for i in range(env.num_envs):
        row, scenario = env.batch.row(i), env.batch.scenario_of(i)
        slot = int(env.batch.heads["slot"][i])
        resolved = row["delivered"] + row["expired"] + row["dropped"]
        messages = np.concatenate(env.batch.waiting(i))
        waiting = np.bincount(messages[:, 2], minlength=2)
        assert np.array_equal(row["offered"], resolved + waiting)
        assert row["queued"] == len(messages)
        fills = env.batch.arrays["fills"][i]
        counted = np.bincount(2 * messages[:, 1] + messages[:, 2], minlength=len(fills))
        assert np.array_equal(fills, counted)
        assert fills.max() <= scenario.buffer_messages
        deadlines = np.array((scenario.deadline_slots, scenario.answer_deadline_slots))
        age = slot - messages[:, 0]
        assert (age >= 0).all()
        assert (age < deadlines[messages[:, 2]]).all()
        assert row["attempts"] <= (slot + 1) * scenario.grants * scenario.num_gateways
        assert row["delivered"].sum() <= row["attempts"]
        assert row["offered"][1] <= row["delivered"][0] * scenario.answers
        gateways = env.batch.topology_of(i).gateway_of
        for gateway, mine in enumerate(env.batch.waiting(i)):
            assert (gateways[mine[:, 1]] == gateway).all()
        assert env.batch.arrays["latencies"][i].sum() == row["delivered"].sum()


@given(tic_scenarios(), seeds)
@settings(max_examples=40)
def test_messages_are_kept_count_of_by_weights(scenario, seed):
    """Counts add up; observations and weights stay where they belong; frames pass."""
    for env, observations, rewards, infos in stepped(scenario, "weights", seed, 30):
        check_counts(env)
        assert ((observations >= 0) & (observations <= 1)).all()
        assert np.allclose(env.batch.arrays["rows"]["weights"].sum(axis=1), 1.0)
        assert np.array_equal(rewards, infos["on_time"] + infos["expired"] + infos["dropped"])
        assert ((infos["cost"] >= 0) & (infos["cost"] <= 1)).all()


@given(tic_scenarios(max_sensors=6, num_gateways=1), seeds)
@settings(max_examples=40)
def test_messages_are_kept_count_of_by_picks(scenario, seed):
    """The mask allows the queues that have messages and have not failed, and none."""
    for env, observations, _, infos in stepped(scenario, "pick", seed, 60):
        check_counts(env)
        assert ((observations >= 0) & (observations <= 1)).all()
        queues = 2 * scenario.num_sensors
        fills = env.batch.arrays["fills"][:, :queues]
        failed = env.batch.arrays["rows"]["failed"][:, :queues]
        assert np.array_equal(infos["action_mask"][:, :-1], (fills > 0) & (failed == 0))
        assert (infos["action_mask"][:, -1] == 1).all()


@given(tic_scenarios(), seeds)
@settings(max_examples=25)
def test_traffic_is_what_the_scenario_says(scenario, seed):
    """Each burst has its sensors, none twice; background messages come at most one a slot."""
    from twin_gym.environments.tic_scheduling.layout import build_tables
    from twin_gym.environments.tic_scheduling.world import World

    world = World(build_tables([scenario]).networks[0], seed)
    period, jitter = scenario.burst_period_slots, scenario.burst_jitter_slots
    for burst, (slot, sensors) in zip(range(6), world.bursts(), strict=False):
        assert 0 <= slot - burst * period <= jitter
        assert len(sensors) == len(set(sensors)) == scenario.burst_sensors
    pairs = [pair for _, pair in zip(range(200), world.background(), strict=False)]
    assert pairs == sorted(set(pairs))
    assert all(0 <= sensor < scenario.num_sensors for _, sensor in pairs)


def test_a_message_is_an_integer_that_sorts():
    """Older first, then the smaller sensor, then uplink."""
    messages = [(slot, s, d) for slot in (0, 7, 9_999_999) for s in (0, 9_999) for d in (0, 1)]
    packed = [(slot << int(layout.QUEUE_BITS)) + 2 * s + d for slot, s, d in messages]
    assert packed == sorted(set(packed))
    unpacked = [(p >> 15, (p & int(layout.QUEUE_MASK)) >> 1, p & 1) for p in packed]
    assert unpacked == messages
