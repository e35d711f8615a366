"""Telemetry events, and the link that loses and delays them."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import entry_point
from twin_gym.core.draws import uniform, unit_exponential
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.twins.plain import listed, number, shown, text, whole
from twin_gym.twins.realtime.model import Value

LOSS_STREAM, DELAY_STREAM = 0, 1
_NEVER = math.inf
_TIME = "the time, in simulated seconds,"


class Event(NamedTuple):
    """A measured value with the time at which it was true.

    Attributes:
        time_s: simulated seconds since the start of the episode.
        twin: id of the twin.
        property: name of the property or telemetry.
        value: the value.
    """

    time_s: float
    twin: str
    property: str
    value: Value


class Delivery(NamedTuple):
    """An event that was delivered.

    Attributes:
        arrival_s: time of arrival.
        number: number of the event in the order of sending in this episode.
        event: the event.
    """

    arrival_s: float
    number: int
    event: Event


class Link:
    """A link that loses some events and delays the others; events may overtake one another.

    Loss and delay of an event are a pure function of seed, episode, twin, property, and the number
    of the event among those of its property: they do not depend on other events. (Random numbers:
    `twin_gym.core.draws`.)

    Args:
        loss: probability that an event is lost, in [0, 1].
        delay_s: minimum delay.
        jitter_s: mean of the additional exponential delay.
        seed: 0 or more.

    Attributes:
        sent: number of events sent in this episode.
        lost: number of these that were lost.

    Raises:
        ConfigError: if a number is out of range.
    """

    def __init__(
        self, loss: float = 0.0, delay_s: float = 0.0, jitter_s: float = 0.0, seed: int = 0
    ) -> None:
        self.loss = number(loss, "`loss` of a link, a probability,", 0.0, 1.0)
        self.delay_s = number(delay_s, "`delay_s` of a link", 0.0, MAX_TIME_S)
        self.jitter_s = number(jitter_s, "`jitter_s` of a link", 0.0, MAX_TIME_S)
        self.seed = whole(seed, "`seed` of a link")
        self.begin("")

    def begin(self, episode: str) -> None:
        """Starts an episode, with no events in flight.

        Args:
            episode: name of the episode, part of the key of random numbers.
        """
        self._episode = text(episode, "the name of an episode")
        self._keys: dict[tuple[str, str], tuple[int, np.uint64]] = {}
        self._counts: list[int] = []
        self._on_the_way: list[Delivery] = []
        self.sent = self.lost = 0

    @property
    def in_flight(self) -> int:
        """Number of events that were sent and will arrive later."""
        return len(self._on_the_way)

    def send(self, events: Iterable[Event], now_s: float) -> None:
        """Sends events.

        Args:
            events: events, in the order of sending.
            now_s: time of sending.
        """
        several, then = listed(events, "events", Event), number(now_s, _TIME)
        keys = np.empty(len(several), np.uint64)
        counts = np.empty(len(several), np.int64)
        for i, event in enumerate(several):
            place, keys[i] = self._channel(event.twin, event.property)
            counts[i] = self._counts[place]
            self._counts[place] += 1
        delays_s = np.empty(len(several))
        draw_delays(keys, counts, self.loss, self.delay_s, self.jitter_s, delays_s)
        for event, delay_s in zip(several, delays_s.tolist(), strict=True):
            if delay_s < _NEVER:
                heapq.heappush(self._on_the_way, Delivery(then + delay_s, self.sent, event))
            else:
                self.lost += 1
            self.sent += 1

    def arrived(self, now_s: float) -> list[Delivery]:
        """Deliveries since the last call, in the order of arrival.

        Args:
            now_s: simulated seconds since the start of the episode.

        Returns:
            Deliveries with an arrival at or before `now_s`; equal arrivals in the order of sending.
        """
        found, then = [], number(now_s, _TIME)
        while self._on_the_way and self._on_the_way[0].arrival_s <= then:
            found.append(heapq.heappop(self._on_the_way))
        return found

    def _channel(self, twin: str, name: str) -> tuple[int, np.uint64]:
        """Index of the counter and key of the random numbers of a twin's property."""
        if not isinstance(twin, str) or not isinstance(name, str):
            raise ConfigError(f"a twin and a property have names, got {shown((twin, name))}")
        found = self._keys.get((twin, name))
        if found is None:
            text(twin, "the id of a twin")
            text(name, "the name of a property")
            place = len(self._counts)
            self._counts.append(0)
            found = place, channel_key(self.seed, self._episode, twin, name)
            self._keys[twin, name] = found
        return found


def channel_key(seed: int, episode: str, twin: str, name: str) -> np.uint64:
    """The key of the random numbers for the events of one property of one twin.

    Args:
        seed: seed of the link.
        episode: argument of `Link.begin`.
        twin: id of the twin.
        name: name of the property.

    Returns:
        A 64-bit key for `twin_gym.core.draws.uniform`.
    """
    identity = "\x1f".join((str(seed), episode, twin, name))
    return np.uint64(int.from_bytes(hashlib.sha256(identity.encode()).digest()[:8], "little"))


@entry_point
def draw_delays(
    keys: NDArray[np.uint64],
    counts: NDArray[np.int64],
    loss: float,
    delay_s: float,
    jitter_s: float,
    delays_s: NDArray[np.float64],
) -> None:
    """Writes the delay of each event.

    Args:
        keys: see `channel_key`; shape (events,).
        counts: number of each event among those of its property; shape (events,).
        loss: probability of loss.
        delay_s: minimum delay.
        jitter_s: mean of the additional delay.
        delays_s: output, infinite for lost events; shape (events,).
    """
    for i in range(len(keys)):
        delays_s[i] = delay_s
        if loss > 0.0 and uniform(keys[i], LOSS_STREAM, counts[i]) <= loss:
            delays_s[i] = np.inf
        elif jitter_s > 0.0:
            delays_s[i] += jitter_s * unit_exponential(keys[i], DELAY_STREAM, counts[i])
