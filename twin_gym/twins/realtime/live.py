"""The real-time twin of a running environment, which it reads and never changes."""

from __future__ import annotations

import math
from typing import Any

from twin_gym.core.batch import Batch
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.twins.plain import number, shown
from twin_gym.twins.realtime.adapters import adapter_of
from twin_gym.twins.realtime.events import Delivery, Event, Link
from twin_gym.twins.realtime.graph import TwinGraph

_ROUNDING = 1e-6  # of a period: what a decimal fraction may be off as a float


class LiveTwin:
    """A graph of twins that receives measurements of a running environment over a link.

    Call `observe` after every reset and step. Every episode starts with a new graph. The twin only
    reads the rows behind the environment: a run with a twin is the same as a run without.

    Args:
        env: a single or vector environment of twin_gym, or its batch.
        row: index of the network in a vector environment.
        link: the telemetry link; None: a link without loss and delay.
        period_s: simulated seconds between measurements; 0: at every call of `observe`.
        only_changes: whether a value is sent only if it differs from the last one sent.

    Attributes:
        graph: the current state; see `TwinGraph` for queries.
        link: the telemetry link.

    Raises:
        ConfigError: if the environment is not one of twin_gym, or an argument is out of range.
    """

    def __init__(
        self,
        env: Any,  # noqa: ANN401 - Gymnasium's wrappers, vectors, batches
        *,
        row: int = 0,
        link: Link | None = None,
        period_s: float = 0.0,
        only_changes: bool = False,
    ) -> None:
        every_s = number(period_s, "`period_s` of a twin", 0.0, MAX_TIME_S)
        self._adapter = adapter_of(_batch_of(env), row)
        self.link = Link() if link is None else link
        self.graph = TwinGraph()
        self._period_s, self._only_changes = every_s, only_changes
        self._episode, self._next_s = "", 0.0
        self._sent: dict[tuple[str, str], Event] = {}

    @property
    def now_s(self) -> float:
        """Simulated seconds since the start of the episode at the last call of `observe`."""
        return self.graph.now_s

    def observe(self) -> list[Delivery]:
        """Measures and sends if a measurement is due, and processes arrived events.

        Returns:
            Deliveries since the last call, late ones included, in the order of arrival.
        """
        adapter = self._adapter
        if adapter.episode != self._episode:
            self._begin(adapter.episode)
        now_s = adapter.now_s
        self.graph.advance(now_s)
        if now_s >= self._next_s - _ROUNDING * self._period_s:
            self.link.send(self._news(adapter.measure()), now_s)
            if self._period_s > 0.0:
                periods = math.floor(now_s / self._period_s + _ROUNDING)
                self._next_s = (periods + 1) * self._period_s
        deliveries = self.link.arrived(now_s)
        for delivery in deliveries:
            self.graph.take(delivery.event, delivery.number)
        return deliveries

    def _begin(self, episode: str) -> None:
        self._episode, self._next_s = episode, 0.0
        self._sent = {}
        self.link.begin(episode)
        self.graph = TwinGraph()
        self._adapter.build(self.graph)

    def _news(self, events: list[Event]) -> list[Event]:
        """Without events that were sent already or repeat the last value sent."""
        found = []
        for event in events:
            key = event.twin, event.property
            before = self._sent.get(key)
            if before is None or self._is_news(event, before):
                found.append(event)
                self._sent[key] = event
        return found

    def _is_news(self, event: Event, before: Event) -> bool:
        is_later = event.time_s != before.time_s and not self._only_changes
        return is_later or event.value != before.value


def _batch_of(env: Any) -> Batch:  # noqa: ANN401
    """The rows behind an environment of any form."""
    for one in (env, getattr(env, "unwrapped", None)):
        found = getattr(one, "batch", one)
        if isinstance(found, Batch):
            return found
    raise ConfigError(f"a twin watches an environment of twin_gym, got {shown(env)}")
