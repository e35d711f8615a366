"""The telemetry of one stored episode: counters, values and static properties of twins."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import UnknownNameError
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.history.records import Series
from twin_gym.twins.realtime.snapshot import Snapshot

_NOTHING = Series(np.zeros(0), np.zeros(0))


class EpisodeTelemetry:
    """Telemetry of an episode up to a time; every series is read from the store once.

    Args:
        store: the open store.
        episode: number of the episode.
        until_s: later values are ignored.
    """

    def __init__(self, store: HistoryReader, episode: int, until_s: float = float("inf")) -> None:
        self.episode = episode
        self._store = store
        self._until_s = until_s
        self._read: dict[tuple[str, str], Series] = {}
        self._moments: dict[tuple[str, str], Series] = {}

    @cached_property
    def twins(self) -> dict[str, frozenset[str]]:
        """Properties with at least one value, by twin."""
        found: dict[str, set[str]] = {}
        for twin, name in self._store.properties(self.episode):
            found.setdefault(twin, set()).add(name)
        return {twin: frozenset(names) for twin, names in found.items()}

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The last stored snapshot, possibly a later one.

        It is used for static properties only, which are the same in all snapshots.
        """
        found = self._store.snapshot_as_of(self._until_s, self.episode)
        return found or self._store.snapshot_as_of(float("inf"), self.episode)

    @cached_property
    def end_s(self) -> float:
        """Time of the last value; 0 if there are none."""
        state = [
            self.series(twin, name).times_s
            for twin in _some(self.twins)
            for name in self.twins[twin]
        ]
        return max((float(times_s[-1]) for times_s in state if len(times_s)), default=0.0)

    def series(self, twin: str, name: str) -> Series:
        """All values of a property in the order of time, possibly none."""
        key = twin, name
        if key not in self._read:
            try:
                found = self._store.series(twin, name, 0.0, self._until_s, self.episode)
                self._read[key] = Series(found.times_s, found.values.astype(np.float64))
            except UnknownNameError:
                self._read[key] = _NOTHING
        return self._read[key]

    def moments(self, twin: str, name: str) -> Series:
        """Like `series`, with one value for each time: the one that was sent last."""
        key = twin, name
        if key not in self._moments:
            series = self.series(twin, name)
            is_last = _is_last(series)
            self._moments[key] = Series(series.times_s[is_last], series.values[is_last])
        return self._moments[key]

    def told(self, twin: str, name: str) -> float | None:
        """A static property of a twin; None if no stored snapshot has it."""
        if self.snapshot is None or twin not in self._interfaces:
            return None
        value = self.snapshot.value(twin, name)
        return None if value is None else float(value)

    def count(self, interface: str) -> int:
        """Number of twins of an interface; 0 without a stored snapshot."""
        return sum(one == interface for one in self._interfaces.values())

    @cached_property
    def _interfaces(self) -> dict[str, str]:
        """Interfaces by twin; empty without a stored snapshot."""
        if self.snapshot is None:
            return {}
        return {twin: state.interface for twin, state in self.snapshot.twins}

    def growth(self, twin: str, name: str, start_s: float, end_s: float) -> tuple[float, float]:
        """Growth of a counter within a window, and the observed part of the window in seconds.

        Between two received values the counter is interpolated linearly; values lost in between
        are included in the next one. Before the first and after the last value it is unknown.

        Args:
            twin: id of the twin.
            name: name of the counter.
            start_s: start of the window.
            end_s: end of the window.

        Returns:
            Growth and seconds.
        """
        series = self.moments(twin, name)
        if not len(series.times_s):
            return 0.0, 0.0
        first, last = max(start_s, series.times_s[0]), min(end_s, series.times_s[-1])
        if not first < last:
            return 0.0, 0.0
        before, after = counter_at(series, np.array([first, last]))
        return float(after - before), float(last - first)

    def known(
        self, counters: Iterable[tuple[str, str]], start_s: float, end_s: float
    ) -> tuple[float, float]:
        """The part of a window in which the growth of several counters is known.

        Args:
            counters: pairs of twin and name.
            start_s: start of the window.
            end_s: end of the window.

        Returns:
            Start and end; the end is not after the start if there is no such part.
        """
        for twin, name in counters:
            times_s = self.moments(twin, name).times_s
            if not len(times_s):
                return start_s, start_s
            start_s, end_s = max(start_s, float(times_s[0])), min(end_s, float(times_s[-1]))
        return start_s, end_s

    def last_s(self, twin: str, *names: str, end_s: float) -> float:
        """The earliest of the times of the properties' last values; 0 if one has no value."""
        found = end_s
        for name in names:
            times_s = self.series(twin, name).times_s
            place = int(np.searchsorted(times_s, end_s, side="right"))
            found = min(found, float(times_s[place - 1]) if place else 0.0)
        return found


def counter_at(series: Series, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The linearly interpolated values of a counter.

    Args:
        series: values of the counter, not empty, one for each time.
        times_s: times; shape (times,).

    Returns:
        Shape (times,); the first or last value beyond the ends.
    """
    found: NDArray[np.float64] = np.interp(times_s, series.times_s, series.values)
    return found


def _is_last(series: Series) -> NDArray[np.bool_]:
    """Whether each value is the last one of its time."""
    return np.append(np.diff(series.times_s) > 0.0, True)[: len(series.times_s)]


def _some(twins: dict[str, frozenset[str]]) -> list[str]:
    """The twins that determine the end: services, which are few and report often."""
    services = [twin for twin in twins if twin.startswith("service/")]
    return services or list(twins)
