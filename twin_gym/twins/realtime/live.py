"""The real-time twin of a running environment: it watches, and never touches."""

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
    """A graph of twins that is told, over a link, what is measured in a running environment.

    Call `observe` after every reset and step. The twin begins anew with every episode. It reads the
    rows behind the environment and changes nothing in them: a run with a twin and one without are
    the same.

    Args:
        env: the single or vector form of any environment, or its batch.
        row: which network of a vector.
        link: what events go over; None: nothing is lost or late.
        period_s: simulated seconds from one measurement to the next; 0: at every call of `observe`.
        only_changes: whether a value is sent only where it is another one than was sent last.

    Attributes:
        graph: what is known; see `TwinGraph` for the queries.
        link: see above.

    Raises:
        ConfigError: if the environment is none of twin_gym, or an argument is out of range.
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
        """Simulated seconds since the start of the episode, when `observe` was called last."""
        return self.graph.now_s

    def observe(self) -> list[Delivery]:
        """Measures if it is time to, sends, and takes in what has arrived by now.

        Returns:
            What has arrived since the last call, taken or late, in the order of arrival.
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
        """Without what was sent already, or says what was said already."""
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
