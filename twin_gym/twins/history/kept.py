"""What a store keeps besides telemetry, as values: episodes, series, graphs."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Scenario
from twin_gym.scenario.presets import parse
from twin_gym.twins.history.sums import check_sum
from twin_gym.twins.realtime.graph import graph_from_json
from twin_gym.twins.realtime.snapshot import MAX_JSON_BYTES, Snapshot


class Series(NamedTuple):
    """A property over time.

    Attributes:
        times_s: when each value was true, never falling; shape (events,).
        values: float64, int64 or bool; shape (events,).
    """

    times_s: NDArray[np.float64]
    values: NDArray[Any]


@dataclass(frozen=True)
class Episode:
    """What a stored episode is of.

    Attributes:
        id: its number in the store, never used again.
        kind: of its scenario.
        scenario: name of it.
        digest: of it.
        toml: the scenario as text.
        seed: of its world.
        policy: who decided; empty where nobody said.
        action: form of the actions; likewise.
        num_rows: events of telemetry that are kept.
    """

    id: int
    kind: str
    scenario: str
    digest: str
    toml: str
    seed: int
    policy: str
    action: str
    num_rows: int

    def load_scenario(self) -> Scenario:
        """The scenario, as it was.

        Raises:
            ConfigError: if its text is no scenario of the digest.
        """
        found = parse(self.toml, origin=f"episode {self.id} of a store")
        if found.digest != self.digest:
            raise ConfigError(
                f"episode {self.id} says its scenario is {self.digest}, and its text {found.digest}"
            )
        return found


def packed(snapshot: Snapshot, episode: int) -> tuple[int, float, int, bytes]:
    """A snapshot as a row of the table: episode, time, check sum, compressed text."""
    content = zlib.compress(snapshot.to_json().encode(), 1)
    return episode, snapshot.time_s, check_sum([episode, snapshot.time_s, content]), content


def unpacked(episode: int, time_s: float, total: int, content: bytes) -> Snapshot:
    """A snapshot from a row of the table, checked.

    Args:
        episode: it is of.
        time_s: when it was taken.
        total: check sum.
        content: compressed text.

    Returns:
        The snapshot.

    Raises:
        ConfigError: if it was damaged, is too large, or fits no object model.
    """
    if check_sum([episode, time_s, content]) != total:
        raise ConfigError(f"a snapshot of episode {episode} is damaged")
    inflating = zlib.decompressobj()
    try:
        text = inflating.decompress(content, MAX_JSON_BYTES)
    except zlib.error as error:
        raise ConfigError(f"a snapshot of episode {episode} is damaged: {error}") from None
    if not inflating.eof:
        raise ConfigError(f"a snapshot of episode {episode} has over {MAX_JSON_BYTES:,} bytes")
    return graph_from_json(text).snapshot()
