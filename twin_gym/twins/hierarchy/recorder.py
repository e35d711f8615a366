"""A wrapper that tells the episode of an environment as signalling."""

from __future__ import annotations

from pathlib import Path
from typing import Any, SupportsFloat

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from twin_gym.errors import ConfigError
from twin_gym.twins.hierarchy.procedures import ProcedureWriter
from twin_gym.twins.hierarchy.services import (
    HasLog,
    ServiceFollower,
    ServiceWorld,
    service_kind,
)
from twin_gym.twins.signalling.log import MessageLog

Step = tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]


class SignallingRecorder(gymnasium.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """The same environment, and every event of its episode as a procedure of N1, N2 and N4.

    Nothing of the trajectory changes. The events between two decisions are those of the SimPy
    telling of the same world, which runs beside the environment. With `engine="twin"` the messages
    are those of the emulated control plane.

    Args:
        env: single form of an environment whose events are procedures.

    Raises:
        ConfigError: at the first reset, if they are not.

    Example:
        >>> import gymnasium as gym
        >>> import twin_gym
        >>> env = SignallingRecorder(gym.make("twin_gym/SliceAdmission-v0", scenario="contention"))
        >>> _ = env.reset(seed=7)
        >>> env.log[0].name
        'UplinkNASTransport[UL NAS transport[PDU session establishment request]]'
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._world: ServiceWorld | None = None
        self._follower: ServiceFollower | None = None
        self._emulation: HasLog | None = None
        self._writer = ProcedureWriter(())

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begins an episode, and its log."""
        result = self.env.reset(seed=seed, options=options)
        kind, batch = service_kind(self.env), self.env.unwrapped.batch  # type: ignore[attr-defined]
        self._world, self._emulation = kind.world(batch), kind.emulation(batch)
        self._writer = ProcedureWriter(self._world.view().slices)
        self._follower = None if self._emulation else self._world.follow()
        if self._follower is not None:
            self._write(self._follower)
        return result

    def step(self, action: Any) -> Step:  # noqa: ANN401 - as the environment has it
        """Carries out one decision, and writes what happens until the next one."""
        result = self.env.step(action)
        if self._follower is not None:
            self._follower.decide(int(action))
            self._write(self._follower)
        return result

    @property
    def world(self) -> ServiceWorld:
        """The world of the episode.

        Raises:
            ConfigError: before the first reset.
        """
        if self._world is None:
            raise ConfigError("no episode has begun: call `reset` before the log is asked for")
        return self._world

    @property
    def num_messages(self) -> int:
        """How many messages the log has so far."""
        found = self._writer if self._emulation is None else self._emulation
        return len(found.messages)

    @property
    def log(self) -> MessageLog:
        """The messages of the episode so far.

        Raises:
            ConfigError: before the first reset.
        """
        world = self.world
        if self._emulation is not None:
            return self._emulation.log
        slices = tuple(one.s_nssai for one in world.view().slices)
        return MessageLog.of(
            self._writer.messages, slices=slices, scenario=world.name, seed=world.seed
        )

    def to_pcap(self, path: str | Path) -> None:
        """Writes the episode so far as a capture.

        Raises:
            MissingExtraError: if the extra `signalling` is not installed.
        """
        self.log.to_pcap(path)

    def _write(self, follower: ServiceFollower) -> None:
        for event in follower.events():
            self._writer.write(event)
