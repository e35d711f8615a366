"""Advantages in simulated time: against a hand computation, the definition, and SB3's own."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from stable_baselines3.common.buffers import RolloutBuffer

from tests.learning.cases import SMALL, make_env
from twin_gym.sb3 import SemiMarkovA2C, credit_times_s
from twin_gym.sb3.semi_markov import (
    DISCOUNT_HOLDING_TIMES,
    TRACE_HOLDING_TIMES,
    RewardCentre,
    SemiMarkovRolloutBuffer,
    semi_markov_advantages,
)


def column(*values):
    """A rollout of one row."""
    return np.array(values, np.float32)[:, None]


def by_definition(rewards, values, ends, discounts, traces):
    """A_t = sum over k >= t of delta_k times the traces from t to k - 1, within an episode."""
    steps, rows = rewards.shape
    advantages = np.zeros((steps, rows))
    for row in range(rows):
        for t in range(steps):
            weight = 1.0
            for k in range(t, steps):
                goes_on = 1.0 - ends[k, row]
                ahead = discounts[k, row] * values[k + 1, row] * goes_on
                advantages[t, row] += weight * (rewards[k, row] + ahead - values[k, row])
                if not goes_on:
                    break
                weight *= traces[k, row]
    return advantages


def test_worked_by_hand():
    """Three steps, the second one ends an episode."""
    advantages, returns = semi_markov_advantages(
        rewards=column(1.0, 2.0, 3.0),
        values=column(0.5, 1.0, 2.0, 4.0),
        ends=column(0.0, 1.0, 0.0),
        discounts=column(0.5, 0.9, 0.25),
        traces=column(0.1, 0.9, 0.2),
    )
    # delta = (1 + 0.5 * 1 - 0.5, 2 - 1, 3 + 0.25 * 4 - 2) = (1, 1, 2)
    assert advantages[:, 0] == pytest.approx([1.0 + 0.1 * 1.0, 1.0, 2.0])
    assert returns[:, 0] == pytest.approx([1.6, 2.0, 4.0])


@settings(max_examples=60)
@given(
    st.integers(1, 12),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.2, 1.0]),
)
def test_equal_to_the_definition(steps, rows, seed, end_share):
    """On random rollouts, with episodes that end anywhere."""
    rng = np.random.default_rng(seed)
    rewards = rng.normal(size=(steps, rows)).astype(np.float32)
    values = rng.normal(size=(steps + 1, rows)).astype(np.float32)
    ends = (rng.random((steps, rows)) < end_share).astype(np.float32)
    discounts = rng.random((steps, rows)).astype(np.float32)
    traces = discounts * rng.random((steps, rows)).astype(np.float32)
    arrays = (rewards, values, ends, discounts, traces)
    advantages, returns = semi_markov_advantages(*arrays)
    assert advantages == pytest.approx(by_definition(*arrays), abs=1e-4)
    assert returns == pytest.approx(advantages + values[:-1], abs=1e-5)


def filled(buffer_class, *, elapsed_s, rng, steps=10, rows=3, **kwargs):
    """A buffer after a rollout of random numbers, and what it computed."""
    env = make_env(rows)
    buffer = buffer_class(steps, env.observation_space, env.action_space, n_envs=rows, **kwargs)
    if buffer_class is SemiMarkovRolloutBuffer:
        buffer.clock = env
        buffer.centre = RewardCentre(rate_per_s=0.0, step_size=0.0)  # takes nothing off
        buffer.discount_time_s, buffer.trace_time_s = 10.0, 4.0
    for step in range(steps):
        env.elapsed_s = elapsed_s[step]
        buffer.add(
            np.zeros((rows, *env.observation_space.shape)),
            np.zeros((rows, 1)),
            rng.normal(size=rows),
            (rng.random(rows) < 0.2).astype(np.float32),
            torch.as_tensor(rng.normal(size=rows)),
            torch.zeros(rows),
        )
    last = torch.as_tensor(rng.normal(size=rows))
    buffer.compute_returns_and_advantage(last, rng.random(rows) < 0.5)
    return buffer


def test_constant_steps_give_the_advantages_of_sb3():
    """Where every step takes equally long, it is the usual estimator with gamma and lambda."""
    elapsed_s = np.full((10, 3), 0.7)
    ours = filled(SemiMarkovRolloutBuffer, elapsed_s=elapsed_s, rng=np.random.default_rng(0))
    theirs = filled(
        RolloutBuffer,
        elapsed_s=elapsed_s,
        rng=np.random.default_rng(0),
        gamma=np.exp(-0.07),
        gae_lambda=np.exp(-0.7 / 4.0),
    )
    assert ours.advantages == pytest.approx(theirs.advantages, abs=1e-5)
    assert ours.returns == pytest.approx(theirs.returns, abs=1e-5)


def test_steps_of_no_time_share_their_credit():
    """Nothing decays over decisions of one instant: the advantage is the plain sum."""
    elapsed_s = np.zeros((10, 3))
    buffer = filled(SemiMarkovRolloutBuffer, elapsed_s=elapsed_s, rng=np.random.default_rng(1))
    plain = filled(
        RolloutBuffer, elapsed_s=elapsed_s, rng=np.random.default_rng(1), gamma=1.0, gae_lambda=1.0
    )
    assert buffer.advantages == pytest.approx(plain.advantages, abs=1e-5)


def test_buffer_keeps_the_elapsed_times():
    """Those of the rollout's steps, each in its row; the next rollout has its own."""
    env = make_env(2)
    model = SemiMarkovA2C("MlpPolicy", env, n_steps=16, seed=0)
    seen = []

    def watch(local, _):
        seen.append(local["self"].env.elapsed_s.copy())
        return True

    model.learn(64, callback=watch)
    assert np.array_equal(model.rollout_buffer.elapsed_s, seen[-16:])
    assert np.any(model.rollout_buffer.elapsed_s)


def test_centred_rewards_worked_by_hand():
    """The first rollout gives the average, later ones a share of it; seconds weigh, not steps."""
    centre = RewardCentre(step_size=0.5)
    elapsed_s = np.array([[0.0], [1.0], [3.0]])
    centred = centre.apply(column(2.0, 2.0, 4.0), elapsed_s)
    assert centre.rate_per_s == 2.0  # 8 in 4 seconds
    assert centred[:, 0] == pytest.approx([2.0, 0.0, -2.0])
    centre.apply(column(0.0, 0.0, 0.0), elapsed_s)
    assert centre.rate_per_s == 1.0
    assert centre.apply(column(5.0), np.zeros((1, 1)))[0, 0] == 5.0  # no time, no average
    assert centre.rate_per_s == 1.0


def test_usual_times():
    """In mean holding times, and that of the small network is a second."""
    assert credit_times_s(SMALL) == pytest.approx((DISCOUNT_HOLDING_TIMES, TRACE_HOLDING_TIMES))
