"""What an environment that admits services tells the hierarchy of itself; no environment is named.

An environment brings the facet `signalling`, a `ServiceKind`: a *view* of one scenario, which turns
what a control plane counts into observation and mask, and a *world*, whose requests come whatever
is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.kinds import FIVE_QIS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message, SNssai

Change = Literal["arrival", "admitted", "blocked", "declined", "expired", "departure"]


@dataclass(frozen=True, slots=True)
class ServiceEvent:
    """One event of a network that admits services.

    Attributes:
        time_ns: since the beginning of the episode.
        change: what happens to the request.
        s: its slice, from 0.
        number: of the request within its slice, from 0.
    """

    time_ns: int
    change: Change
    s: int
    number: int


@dataclass(frozen=True, slots=True)
class SliceIdentity:
    """How messages name a slice.

    Attributes:
        s_nssai: its identity.
        five_qi: 5QI with which its sessions begin, one of `FIVE_QIS`.
    """

    s_nssai: SNssai
    five_qi: int

    @property
    def five_qi_code(self) -> int:
        """Place of the 5QI in `FIVE_QIS`."""
        return FIVE_QIS.index(self.five_qi)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request without an answer: when it came, and the UE that sent it."""

    arrival_ns: int
    ue: int


@dataclass
class ServiceState:
    """What a control plane counts.

    Attributes:
        waiting: by slice, requests without an answer, the oldest first.
        in_service: by slice, sessions that hold resources.
        now_ns: time of the newest message.
    """

    waiting: list[list[WaitingRequest]]
    in_service: list[int]
    now_ns: int = 0

    @classmethod
    def empty(cls, num_slices: int) -> ServiceState:
        """The state of a network without requests."""
        return cls([[] for _ in range(num_slices)], [0] * num_slices)

    @property
    def counts(self) -> list[int]:
        """Sessions by slice, then waiting requests by slice."""
        return [*self.in_service, *(len(queue) for queue in self.waiting)]


class ServiceView(Protocol):
    """What the control plane of one scenario knows: its rules and what its policy sees.

    Attributes:
        slices: identities, in the order of the scenario.
        clock_ns: time of the operator's clock at the beginning of the log.
    """

    slices: tuple[SliceIdentity, ...]
    clock_ns: int

    def fits(self, state: ServiceState, s: int) -> bool:
        """Whether what a request of slice s needs is free."""
        ...

    def queue_limit(self, s: int) -> int:
        """Requests of slice s that may go on waiting after the decision at their arrival."""
        ...

    def request_of(self, action: int) -> tuple[int, int] | None:
        """Slice and place in its queue that an action names; None to wait."""
        ...

    def observe(self, state: ServiceState) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """Observation and mask of the policy, as the environment would give them."""
        ...


class ServiceFollower(Protocol):
    """The events of an episode, decision by decision."""

    def events(self) -> Sequence[ServiceEvent]:
        """Events since the last call, in their order."""
        ...

    def decide(self, action: int) -> None:
        """Carries out the action that the environment got."""
        ...


class ServiceWorld(Protocol):
    """The world of one episode.

    Attributes:
        name: of the scenario.
        seed: of the episode.
        horizon_ns: length of the episode.
    """

    name: str
    seed: int
    horizon_ns: int

    def view(self) -> ServiceView:
        """What the control plane of its scenario knows."""
        ...

    def follow(self) -> ServiceFollower:
        """The episode told from its beginning."""
        ...

    def arrivals_ns(self, s: int) -> Iterator[int]:
        """When the requests of slice s come, in order."""
        ...

    def holding_ns(self, s: int, number: int) -> int:
        """How long a request is served."""
        ...

    def patience_ns(self, s: int, number: int) -> int:
        """How long a request waits."""
        ...


class HasLog(Protocol):
    """A network that writes a log.

    Attributes:
        messages: all so far.
    """

    messages: list[Message]

    @property
    def log(self) -> MessageLog:
        """The messages so far."""
        ...


class ServiceKind(Protocol):
    """The facet `signalling` of an environment."""

    def world(self, batch: Any) -> ServiceWorld:  # noqa: ANN401 - each environment has its own rows
        """The world of the running episode of row 0."""
        ...

    def emulation(self, batch: Any) -> HasLog | None:  # noqa: ANN401 - as above
        """The network of row 0 if its control plane is emulated, None otherwise."""
        ...


@dataclass(frozen=True)
class Admissible:
    """Which waiting requests fit.

    Attributes:
        view: rules of the scenario.
        state: what is counted.
    """

    view: ServiceView
    state: ServiceState = field(repr=False)

    def slice(self, s: int) -> bool:
        """Whether a request of slice s waits and fits."""
        return bool(self.state.waiting[s]) and self.view.fits(self.state, s)

    def any(self) -> bool:
        """Whether there is a decision to take."""
        return any(self.slice(s) for s in range(len(self.state.waiting)))


def service_world(env: Any) -> ServiceWorld:  # noqa: ANN401 - any form of any environment
    """The world of the episode that an environment runs.

    Args:
        env: single form of an environment, reset; wrapped or not.

    Raises:
        ConfigError: if its events are no procedures.
    """
    return service_kind(env).world(env.unwrapped.batch)


def service_kind(env: Any) -> ServiceKind:  # noqa: ANN401 - any form of any environment
    """The facet `signalling` of an environment.

    Raises:
        ConfigError: if its events are no procedures.
    """
    inner = env.unwrapped
    scenario = getattr(inner, "scenario", None)
    kind = kind_named(scenario.kind) if scenario is not None else None
    if kind is None or not kind.has("signalling"):
        raise ConfigError(
            f"{type(inner).__name__} tells no signalling: choose an environment whose kind brings "
            "the facet `signalling`"
        )
    facet: ServiceKind = kind.facet("signalling")
    return facet
