"""The control plane of the hierarchy: a message twin that asks a policy at every decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, missing_extra
from twin_gym.policies.base import Policy
from twin_gym.twins.hierarchy.database import SessionDatabase
from twin_gym.twins.hierarchy.emulation import EmulatedNetwork
from twin_gym.twins.hierarchy.message_twin import (
    AutomatonTwin,
    RespondingTwin,
    load_message_twin,
)
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

    def save(self, folder: str | Path) -> None:
        """Writes both twins into one folder, which `load` and `engine="twin"` read.

        Raises:
            ConfigError: if one of them is no twin that can be saved, such as a policy itself.
        """
        parts = {"message twin": self.message_twin, "policy twin": self.policy_twin}
        for name, part in parts.items():
            if not callable(getattr(part, "save", None)):
                raise ConfigError(
                    f"a {name} of the class {type(part).__name__} cannot be saved: "
                    "clone the policy, or take a twin that has `save`"
                )
        for part in parts.values():
            part.save(folder)  # type: ignore[attr-defined]

    @classmethod
    def load(cls, folder: str | Path) -> ControlPlaneTwin:
        """The control plane in a folder: a message twin, and a policy twin.

        Raises:
            ConfigError: if one of them is not there, or a file is damaged.
            MissingExtraError: if torch is not installed.
        """
        try:
            from twin_gym.twins.policy_twin import METADATA_FILE, PolicyTwin
        except ImportError:
            raise missing_extra("a policy twin", "twins") from None
        message_twin = load_message_twin(folder)
        if not (Path(folder) / METADATA_FILE).exists():
            raise ConfigError(
                f"{str(folder)!r} holds no policy twin, for there is no {METADATA_FILE}: save one "
                "there, or give `ControlPlaneTwin` a policy"
            )
        return cls(message_twin, PolicyTwin.load(folder))
