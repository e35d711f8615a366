"""A historical store as a knowledge graph: what was true as of a time of an episode."""

from __future__ import annotations

import math

from twin_gym.errors import ConfigError
from twin_gym.twins.history.reading import HistoryReader
from twin_gym.twins.knowledge.stores.live import TwinView
from twin_gym.twins.plain import number
from twin_gym.twins.realtime.graph import TwinGraph, graph_from_json
from twin_gym.twins.realtime.snapshot import Known


class HistoryGraph(TwinView):
    """The twins of an episode, with the last values that were true at or before a time.

    Twins, relations and static properties are those of the last snapshot at or before that time, or
    else of the last one of all: twins do not come or go within an episode. Values are those of the
    telemetry, late events included, as the historical store answers them.

    Args:
        store: an open store.
        time_s: simulated seconds since the start of the episode; None: its last snapshot.
        episode: number of the episode; None: the default one of the store.

    Raises:
        ConfigError: if the episode has no snapshot, or the store is damaged.
    """

    def __init__(
        self, store: HistoryReader, time_s: float | None = None, episode: int | None = None
    ) -> None:
        self._store = store
        self._episode = store.episode if episode is None else episode
        last = store.snapshot_as_of(math.inf, self._episode)
        if last is None:
            raise ConfigError(
                f"store {str(store.path)!r} has no snapshot of episode {self._episode}, and so "
                "nothing that says which twins there were: record it with `record_run`"
            )
        until = last.time_s if time_s is None else time_s
        self._now_s = number(until, "a time, in simulated seconds,", 0.0)
        if math.isinf(self._now_s):
            self._now_s = last.time_s
        then = store.snapshot_as_of(self._now_s, self._episode)
        self._snapshot = graph_from_json((last if then is None else then).to_json())
        self._measured = set(store.properties(self._episode))

    @property
    def now_s(self) -> float:
        """The time up to which ages count, in seconds."""
        return self._now_s

    @property
    def _graph(self) -> TwinGraph:
        return self._snapshot

    def _known(self, entity: str, name: str) -> Known | None:
        """The later one of telemetry and snapshot, neither of them after the time asked for."""
        found = self._graph.known(entity).get(name)
        if found is not None and found.time_s > self._now_s:
            found = None
        if (entity, name) in self._measured:
            measured = self._store.known_as_of(entity, name, self._now_s, self._episode)
            if measured is not None and (found is None or found.time_s <= measured.time_s):
                return measured
        return found
