"""An episode with all that is compared: its messages, decisions and indicators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from benchmarks.experiments.hierarchy.plan import ID
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario
from twin_gym.twins.hierarchy import SignallingRecorder
from twin_gym.twins.hierarchy.services import ServiceView
from twin_gym.twins.signalling.log import MessageLog


@dataclass(frozen=True, eq=False)
class Episode:
    """One episode of a network.

    Attributes:
        log: its messages.
        places: by decision, how many messages there were; shape (decisions,).
        observations: that the policy got; shape (decisions, fields).
        masks: likewise; shape (decisions, actions).
        actions: that it took; shape (decisions,).
        kpis: by name, at the end.
        view: the rules, which rebuild an observation from what messages tell.
    """

    log: MessageLog
    places: NDArray[np.int64]
    observations: NDArray[np.float32]
    masks: NDArray[np.int8]
    actions: NDArray[np.int64]
    kpis: dict[str, float]
    view: ServiceView


def run_episode(scenario: Scenario, policy: Policy, seed: int, **engine: Any) -> Episode:
    """Runs a policy through one episode.

    Args:
        scenario: of the network.
        policy: decides.
        seed: of the world.
        engine: `engine` and `twin` of the environment; none: the real network.

    Returns:
        The episode.
    """
    env = SignallingRecorder(gymnasium.make(ID, scenario=scenario, **engine))
    policy.reset(seed)
    observation, info = env.reset(seed=seed)
    rows: list[tuple[int, NDArray[np.float32], NDArray[np.int8], int]] = []
    is_over = False
    while not is_over:
        mask = info["action_mask"]
        action = int(policy.actions(observation[None], mask[None])[0])
        rows.append((env.num_messages, observation.copy(), mask.copy(), action))
        observation, _, _, is_over, info = env.step(action)
    batch = env.unwrapped.batch  # type: ignore[attr-defined]
    kpis = dict(zip(batch.kpi_names(), batch.kpi_table(np.array([0]))[0].tolist(), strict=True))
    places, observations, masks, actions = (np.array(one) for one in zip(*rows, strict=True))
    return Episode(env.log, places, observations, masks, actions, kpis, env.world.view())


def decided(policy: Policy, observations: NDArray[Any], masks: NDArray[Any]) -> NDArray[np.int64]:
    """What a policy decides on each observation; shape (decisions,)."""
    policy.reset(0)
    chosen = [policy.actions(o[None], m[None])[0] for o, m in zip(observations, masks, strict=True)]
    return np.array(chosen, np.int64)
