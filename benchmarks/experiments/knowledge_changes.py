"""Changes of a city, second by second, and a what-if question that is answered from its graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from twin_gym.twins.knowledge import KnowledgeGraph
from twin_gym.twins.knowledge.cities import City
from twin_gym.twins.knowledge.cities.generated import READINGS
from twin_gym.twins.realtime.events import Event

STEP = 0.1
"""Standard deviation of a change of a reading, in its range; it is reflected at the ends."""

TURNING = 0.02
"""Probability that a sensor that changes also comes back or leaves."""


class Impact(NamedTuple):
    """What an answer says would be lost with a gateway.

    Attributes:
        readings: value of each sensor that would be cut off, by id, in its range.
        ages_s: of the values.
    """

    readings: Mapping[str, float]
    ages_s: tuple[float, ...]


class Changes:
    """The true state of the sensors of a city, which changes.

    Args:
        city: at the beginning.
        update_rate: share of the sensors that change in a second, in (0, 1].
        seed: of the changes.

    Attributes:
        truth: reading of each sensor in its range, by id.
        is_there: whether each sensor is there.
    """

    def __init__(self, city: City, update_rate: float, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 3])
        kinds = {one.id: one.kind for one in city.entities if one.kind in READINGS}
        self._kinds = kinds
        self._names = list(kinds)
        self._count = round(update_rate * len(kinds))
        self.truth = {
            one.twin: in_range(kinds[one.twin], float(one.value))
            for one in city.readings
            if one.property == READINGS[kinds[one.twin]][0]
        }
        self.is_there = dict.fromkeys(kinds, True)

    def second(self, now_s: float) -> list[Event]:
        """The changes of the second up to now, in the order of their times."""
        rng = self._rng
        events = []
        chosen = rng.choice(len(self._names), self._count, replace=False).tolist()
        times = now_s - np.sort(rng.random(self._count))[::-1]
        for i, time_s in zip(chosen, times.tolist(), strict=True):
            name = self._names[i]
            share = abs(self.truth[name] + float(rng.normal(0.0, STEP)))
            self.truth[name] = min(share, 2.0 - share)
            told, least, most = READINGS[self._kinds[name]]
            events.append(Event(time_s, name, told, least + (most - least) * self.truth[name]))
            if rng.random() < TURNING:
                self.is_there[name] = not self.is_there[name]
                events.append(Event(time_s, name, "presence", self.is_there[name]))
        return events


def in_range(kind: str, value: float) -> float:
    """A reading as a share of the range of its kind.

    Example:
        >>> in_range("Vehicle", 2500.0)
        0.25
    """
    _, least, most = READINGS[kind]
    return (value - least) / (most - least)


def impact_of(graph: KnowledgeGraph, gateway: str) -> Impact:
    """What if a gateway fails: its sensors, and what they last said.

    Args:
        graph: that answers.
        gateway: id of the gateway.

    Returns:
        The answer, with the age of each reading.
    """
    readings, ages = {}, []
    for relation in graph.relations(gateway, "connected_to", incoming=True):
        kind = graph.kind(relation.source)
        if kind is None:
            continue
        fact = graph.fact(relation.source, READINGS[kind.kind][0])
        if isinstance(fact.value, float | int):
            readings[relation.source] = in_range(kind.kind, float(fact.value))
            ages.append(fact.age_s)
    return Impact(readings, tuple(ages))


def outdated(update_rate: float, seconds: int) -> float:
    """The probability that a reading has changed in so many seconds: 1 - (1 - u)^d.

    Example:
        >>> outdated(0.5, 2)
        0.75
    """
    return 1.0 - (1.0 - update_rate) ** seconds


def queue_wait(updates_hz: float, service_s: float) -> float:
    """Mean wait of a question behind single updates, M/D/1: rho s / (2 (1 - rho)).

    Args:
        updates_hz: updates a second.
        service_s: time that one takes, s; rho is the product of both.

    Returns:
        Seconds; infinite if updates take all the time.

    Source: Pollaczek and Khinchine; Kleinrock, Queueing Systems, volume 1, 1975, section 5.6.

    Example:
        >>> queue_wait(50.0, 0.01)
        0.005
    """
    load = updates_hz * service_s
    return load * service_s / (2.0 * (1.0 - load)) if load < 1.0 else float("inf")
