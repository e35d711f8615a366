"""The control plane of the hierarchy: a message twin that asks a policy at every decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin_gym.policies.base import Policy
from twin_gym.twins.hierarchy.database import SessionDatabase
from twin_gym.twins.hierarchy.emulation import EmulatedNetwork
from twin_gym.twins.hierarchy.message_twin import AutomatonTwin, RespondingTwin
from twin_gym.twins.hierarchy.services import ServiceWorld
from twin_gym.twins.signalling.log import MessageLog


@dataclass(frozen=True)
class Emulation:
    """An episode of an emulated control plane.

    Attributes:
        log: its messages.
        actions: of the policy, one a decision; shape (decisions,).
        observations: that it got, rebuilt from messages; shape (decisions, fields).
    """

    log: MessageLog
    actions: NDArray[np.int64]
    observations: NDArray[np.float32]


@dataclass
class ControlPlaneTwin:
    """The whole control plane: what it says, what it decides, and which identities it gives.

    Attributes:
        message_twin: says which messages follow.
        policy_twin: a policy, or a twin of one: is asked at every decision, with the observation
            and the mask that messages alone give.
        database: makes the database of an episode.
    """

    message_twin: RespondingTwin
    policy_twin: Policy
    database: Callable[[], SessionDatabase] = field(default=SessionDatabase)

    def emulate(self, world: ServiceWorld, seed: int = 0) -> Emulation:
        """Runs an episode freely: each message follows from those that the twins have sent.

        Args:
            world: of the episode (see `service_world`).
            seed: of the policy's draws.

        Returns:
            Its messages and decisions.
        """
        self.policy_twin.reset(seed)
        network = EmulatedNetwork(world, self.message_twin, self.database())
        actions: list[int] = []
        observations: list[NDArray[np.float32]] = []
        while not network.is_over:
            observation, mask = network.view.observe(network.state)
            action = int(self.policy_twin.actions(observation[None], mask[None])[0])
            observations.append(observation)
            actions.append(action)
            network.decide(action)
        return Emulation(network.log, np.array(actions, np.int64), np.array(observations))

    @classmethod
    def exact(cls, policy: Policy) -> ControlPlaneTwin:
        """The exact automaton, with a policy."""
        return cls(AutomatonTwin(), policy)
