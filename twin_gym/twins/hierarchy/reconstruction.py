"""How wrong what a lossy or late tap rebuilds is, by the age of what it knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import to_seconds
from twin_gym.errors import ConfigError
from twin_gym.twins.hierarchy.tracker import ServiceTracker
from twin_gym.twins.realtime.events import Event, Link
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message


def reconstruction_errors(
    log: MessageLog,
    ages_s: Sequence[float],
    loss: float = 0.0,
    seed: int = 0,
    num_times: int = 200,
) -> NDArray[np.float64]:
    """Requests that a tap behind a link has in the wrong place, by the age of its knowledge.

    The link loses each message with a probability, and hands the others over when they have an
    age. The counts that come out of them are compared with those of a tap that misses nothing.

    Args:
        log: of one session a UE, as a recorder writes it.
        ages_s: ages of the newest message that the tap can know, in seconds, 0 or more.
        loss: probability that a message is lost.
        seed: of the losses; the same messages are lost at every age.
        num_times: moments at which the counts are compared, evenly spread from the largest age to
            the end of the log.

    Returns:
        For each age, the mean over moments of the differences of the counts in service and in the
        queues, summed over slices; 0 for age 0 without loss.

    Raises:
        ConfigError: if the log is shorter than the largest age, or a number is out of range.
    """
    end_s = to_seconds(int(log.records["time_ns"].max(initial=0)))
    start_s = max(ages_s, default=0.0)
    if start_s >= end_s:
        raise ConfigError(
            f"a log of {end_s:g} s says nothing of the age {start_s:g} s: take smaller ages"
        )
    times_s = np.linspace(start_s, end_s, num_times)
    truth = _counts_behind(log, Link(), times_s)
    links = [Link(loss, age_s, seed=seed) for age_s in ages_s]
    return np.array([
        np.abs(_counts_behind(log, link, times_s) - truth).sum(axis=1).mean() for link in links
    ])  # fmt: skip


def messages_heard(log: MessageLog, loss: float, seed: int = 0) -> NDArray[np.bool_]:
    """Which messages a tap hears that loses each of them with a probability.

    Args:
        log: all of them.
        loss: the probability.
        seed: of the losses.

    Returns:
        Shape (messages,).

    Raises:
        ConfigError: if the probability is out of range.
    """
    link = Link(loss, seed=seed)
    link.send(list(_events(log)), 0.0)
    heard = np.zeros(len(log), np.bool_)
    heard[[int(str(one.event.value)) for one in link.arrived(0.0)]] = True
    return heard


def _counts_behind(log: MessageLog, link: Link, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
    """Counts at moments by the messages that came out of a link; shape (moments, counts)."""
    for time_s, group in groupby(_events(log), lambda event: event.time_s):
        link.send(list(group), time_s)
    tracker = ServiceTracker(len(log.slices))
    rows = []
    for moment_s in times_s.tolist():
        for delivery in link.arrived(moment_s):
            tracker.take(log[int(str(delivery.event.value))])
        rows.append(tracker.state.counts)
    return np.array(rows, np.int64)


def _events(log: MessageLog) -> Iterator[Event]:
    """Every message as an event of its UE, whose value is the place in the log."""
    for place, record in enumerate(log.records):
        message = Message.of(record)
        yield Event(to_seconds(message.time_ns), f"ue/{message.ue}", message.name, place)
