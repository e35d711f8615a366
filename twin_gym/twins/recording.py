"""Watching the physical network: the default policy runs, and its decisions are logged."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.environments.factory import form_of, vector_env
from twin_gym.errors import ConfigError, TwinGymError
from twin_gym.policies import Policy, unseen_of, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_log import MAX_DECISIONS, DecisionLog

_FIRST_WORLD = 2**39
_STEPS_PER_DECISION = 50


def record(
    policy: Policy,
    scenario: Scenario,
    num_decisions: int,
    *,
    seed: int = 0,
    action: str | None = None,
    num_networks: int = 1,
) -> DecisionLog:
    """Logs the decisions of a policy on the physical network.

    The worlds are of the `train` family, from its second half, so that learners that begin at its
    start do not train in the very worlds that were logged. Every step is a decision, but those in
    which the mask leaves nothing besides waiting.

    Args:
        policy: reset with the seed; for this scenario and form of action.
        scenario: what the physical network is, of any kind.
        num_decisions: how many are logged, at least one a network.
        seed: of the physical worlds; 0 or more.
        action: form of the actions; None: the environment's default.
        num_networks: how many networks are watched side by side, each from its start.

    Returns:
        The log.

    Raises:
        ConfigError: if an argument is out of range.
        TwinGymError: if the network hardly ever has a decision to take.
    """
    if not 1 <= num_networks <= num_decisions <= MAX_DECISIONS or seed < 0:
        raise ConfigError(
            f"a log has 1 to {MAX_DECISIONS:,} decisions, at least one a network, and a seed of 0 "
            f"or more; got {num_decisions} in {num_networks} networks and seed {seed}"
        )
    worlds = world_seeds("train", num_networks, first=_FIRST_WORLD + seed * num_networks)
    form = form_of(scenario.kind, action).name
    policy.reset(seed)
    share, rest = divmod(num_decisions, num_networks)
    wanted = share + (np.arange(num_networks) < rest)
    observations, masks, actions, networks = _watch(policy, scenario, worlds, wanted, form)
    kind = np.float64 if form_of(scenario.kind, form).is_continuous else np.int64
    return DecisionLog(
        observations, masks, actions.astype(kind), networks, scenario.digest, form, policy.name,
        scenario.kind, unseen_of(policy),
    )  # fmt: skip


def _watch(
    policy: Policy,
    scenario: Scenario,
    worlds: list[int],
    wanted: NDArray[np.int64],
    action: str,
) -> list[NDArray[Any]]:
    """Observations, masks, actions and networks of so many decisions a network, network by network.

    Where nothing fits, as at the end of an episode, there is nothing to decide and to log.
    """
    env = vector_env(scenario, len(worlds), action=action, autoreset_mode=AutoresetMode.SAME_STEP)
    observations, infos = env.reset(seed=worlds)
    unmasked = np.ones((len(worlds), 0), np.int8)
    kept: list[tuple[NDArray[Any], ...]] = []
    taken = np.zeros_like(wanted)
    for _ in range((int(wanted.max()) + 1) * _STEPS_PER_DECISION):
        masks = infos.get("action_mask", unmasked)
        actions = policy.actions(observations, masks)
        is_open = masks[:, :-1].any(axis=1) | (masks.shape[1] == 0)
        mine = np.flatnonzero(is_open & (taken < wanted))
        kept.append((observations[mine], masks[mine], actions[mine], mine))
        taken[mine] += 1
        if (taken >= wanted).all():
            arrays = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
            order = np.argsort(arrays[-1], kind="stable")
            return [array[order] for array in arrays]
        observations, _, _, _, infos = env.step(actions)
    raise TwinGymError(
        f"{scenario.name!r} had only {taken.sum()} decisions in {len(kept)} steps: hardly ever is "
        "anything allowed besides waiting; lengthen the horizon, or let more arrive or be sent"
    )
