"""The telemetry of one stored episode, as counters, values and what was told with the twins."""

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
    """What a store has of an episode, up to a time; every series is read once.

    Args:
        store: open.
        episode: its number.
        until_s: what is later is not looked at.
    """

    def __init__(self, store: HistoryReader, episode: int, until_s: float = float("inf")) -> None:
        self.episode = episode
        self._store = store
        self._until_s = until_s
        self._read: dict[tuple[str, str], Series] = {}
        self._moments: dict[tuple[str, str], Series] = {}

    @cached_property
    def twins(self) -> dict[str, frozenset[str]]:
        """By twin, the properties that something was ever told of."""
        found: dict[str, set[str]] = {}
        for twin, name in self._store.properties(self.episode):
            found.setdefault(twin, set()).add(name)
        return {twin: frozenset(names) for twin, names in found.items()}

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The last graph that is kept; of the properties that are told with twins, any would do.

        Those are true from the beginning of the episode, so that it may be a later one than was
        asked for.
        """
        found = self._store.snapshot_as_of(self._until_s, self.episode)
        return found or self._store.snapshot_as_of(float("inf"), self.episode)

    @cached_property
    def end_s(self) -> float:
        """The last time of which anything was heard; 0 if nothing was."""
        state = [
            self.series(twin, name).times_s
            for twin in _some(self.twins)
            for name in self.twins[twin]
        ]
        return max((float(times_s[-1]) for times_s in state if len(times_s)), default=0.0)

    def series(self, twin: str, name: str) -> Series:
        """All values of a property in the order of time; empty if there are none."""
        key = twin, name
        if key not in self._read:
            try:
                found = self._store.series(twin, name, 0.0, self._until_s, self.episode)
                self._read[key] = Series(found.times_s, found.values.astype(np.float64))
            except UnknownNameError:
                self._read[key] = _NOTHING
        return self._read[key]

    def moments(self, twin: str, name: str) -> Series:
        """As `series`, each time once: of the values of one time, the last that was sent."""
        key = twin, name
        if key not in self._moments:
            series = self.series(twin, name)
            is_last = _is_last(series)
            self._moments[key] = Series(series.times_s[is_last], series.values[is_last])
        return self._moments[key]

    def told(self, twin: str, name: str) -> float | None:
        """A property that was told with a twin; None if no graph that has it is kept."""
        if self.snapshot is None or twin not in self._interfaces:
            return None
        value = self.snapshot.value(twin, name)
        return None if value is None else float(value)

    def count(self, interface: str) -> int:
        """Twins of a kind; 0 if no graph is kept."""
        return sum(one == interface for one in self._interfaces.values())

    @cached_property
    def _interfaces(self) -> dict[str, str]:
        """By twin, its kind; none if no graph is kept."""
        if self.snapshot is None:
            return {}
        return {twin: state.interface for twin, state in self.snapshot.twins}

    def growth(self, twin: str, name: str, start_s: float, end_s: float) -> tuple[float, float]:
        """How much a counter grew within a window, and in how many seconds of it this is known.

        Between two values that were heard a counter is taken to have grown evenly: what was lost
        in between is in the next value. Before the first and after the last nothing is known.

        Args:
            twin: whose.
            name: of the counter.
            start_s: of the window.
            end_s: of the window.

        Returns:
            Growth, and seconds.
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
            counters: twins and names.
            start_s: of the window.
            end_s: of the window.

        Returns:
            Beginning and end; the end is not after the beginning if there is no such part.
        """
        for twin, name in counters:
            times_s = self.moments(twin, name).times_s
            if not len(times_s):
                return start_s, start_s
            start_s, end_s = max(start_s, float(times_s[0])), min(end_s, float(times_s[-1]))
        return start_s, end_s

    def last_s(self, twin: str, *names: str, end_s: float) -> float:
        """When the oldest of the last values of some properties was true; 0 if one never was."""
        found = end_s
        for name in names:
            times_s = self.series(twin, name).times_s
            place = int(np.searchsorted(times_s, end_s, side="right"))
            found = min(found, float(times_s[place - 1]) if place else 0.0)
        return found


def counter_at(series: Series, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """A counter, even between the values that were heard.

    Args:
        series: of the counter, not empty; one value a time.
        times_s: shape (times,).

    Returns:
        Shape (times,); beyond the ends, the first or last value.
    """
    found: NDArray[np.float64] = np.interp(times_s, series.times_s, series.values)
    return found


def _is_last(series: Series) -> NDArray[np.bool_]:
    """Which values are the last of their times."""
    return np.append(np.diff(series.times_s) > 0.0, True)[: len(series.times_s)]


def _some(twins: dict[str, frozenset[str]]) -> list[str]:
    """Services are heard of as often as anything, and are few."""
    services = [twin for twin in twins if twin.startswith("service/")]
    return services or list(twins)
