"""Taps that lose messages: how wrong the observation gets, and which decisions change."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments.blocks import Values
from benchmarks.experiments.hierarchy.episodes import Episode, decided
from twin_gym.policies import Policy
from twin_gym.twins.hierarchy import ServiceTracker, messages_heard

COUNTS, OBSERVATION, WRONG = "counts", "observation", "wrong"
IMPOSSIBLE, BY_POLICY, BY_TWIN = "impossible", "by_policy", "by_twin"


def tap_values(real: Episode, policy: Policy, twin: Policy, loss: float, seed: int = 0) -> Values:
    """What a control plane behind a lossy tap would see and decide in the states of an episode.

    Args:
        real: the episode.
        policy: that decided in it.
        twin: of that policy.
        loss: probability that the tap loses a message.
        seed: of the losses.

    Returns:
        Means over decisions: requests in the wrong place; absolute error of an observed field;
        share of observations with an error; of decisions of the policy that the network could not
        carry out; and of decisions of policy and twin that change.
    """
    is_heard = messages_heard(real.log, loss, seed)
    truth, tap = (ServiceTracker(len(real.log.slices)) for _ in range(2))
    num_read, counts, seen, masks = 0, [], [], []
    for place in real.places.tolist():
        for number in range(num_read, place):
            truth.take(real.log[number])
            if is_heard[number]:
                tap.take(real.log[number])
        num_read = place
        tap.state.now_ns = truth.state.now_ns  # the control plane has a clock of its own
        counts.append(np.abs(np.subtract(truth.state.counts, tap.state.counts)).sum())
        observation, mask = real.view.observe(tap.state)
        seen.append(observation)
        masks.append(mask)
    observations, allowed = np.array(seen), np.array(masks)
    error = np.abs(observations - real.observations)
    chosen = decided(policy, observations, allowed)
    by_twin = decided(twin, observations, allowed), decided(twin, real.observations, real.masks)
    is_possible = real.masks[np.arange(len(chosen)), chosen] == 1
    return {
        COUNTS: [float(np.mean(counts))],
        OBSERVATION: [float(error.mean())],
        WRONG: [float((error > 0).any(axis=1).mean())],
        IMPOSSIBLE: [float(1.0 - is_possible.mean())],
        BY_POLICY: [float((chosen != real.actions).mean())],
        BY_TWIN: [float((by_twin[0] != by_twin[1]).mean())],
    }
