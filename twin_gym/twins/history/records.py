"""Records of a store as values: episodes, series and snapshots."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Scenario
from twin_gym.scenario.loading import parse
from twin_gym.twins.history.checksums import check_sum
from twin_gym.twins.plain import listed, number, plain, shown, text, whole
from twin_gym.twins.realtime.graph import graph_from_json
from twin_gym.twins.realtime.snapshot import MAX_JSON_BYTES, Snapshot

MAX_TEXT = 1_000
"""Letters of a name."""

KIND_OF_TYPE: dict[type, str] = {float: "double", int: "long", bool: "boolean"}
"""Of channels."""


class Series(NamedTuple):
    """A property over time.

    Attributes:
        times_s: time of each value, not decreasing; shape (events,).
        values: float64, int64 or bool; shape (events,).
    """

    times_s: NDArray[np.float64]
    values: NDArray[Any]


@dataclass(frozen=True)
class Episode:
    """The description of a stored episode.

    Attributes:
        id: number of the episode, never reused.
        kind: kind of its scenario.
        scenario: name of its scenario.
        digest: digest of its scenario.
        toml: its scenario as TOML.
        seed: seed of its world.
        policy: name of the policy; empty if unknown.
        action: form of the actions; empty if unknown.
        num_rows: number of stored telemetry events.
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


def numbers_asked(episodes: Iterable[int] | None) -> tuple[int, ...] | None:
    """Requested episode numbers, validated; None: all.

    Raises:
        ConfigError: if one is not an integer.
    """
    if episodes is None:
        return None
    return tuple(whole(one, "the number of an episode") for one in listed(episodes, "episodes"))


def event_columns(events: list[Any]) -> tuple[Any, Any, Any, Any] | None:
    """Times, twins, properties and values of events as columns; None if there are none."""
    if not events:
        return None
    try:
        times_s, twins, names, values = zip(*events, strict=True)
    except (TypeError, ValueError):
        raise ConfigError(
            f"events are of a time, a twin, a property and a value; got {shown(events)}"
        ) from None
    if set(map(type, times_s)) != {float}:
        times_s = tuple(
            number(one, "the time of an event, in simulated seconds,") for one in times_s
        )
    if set(map(type, twins)) | set(map(type, names)) != {str}:
        twins = tuple(text(one, "the id of a twin", 1, MAX_TEXT) for one in twins)
        names = tuple(text(one, "the name of a property", 1, MAX_TEXT) for one in names)
    if not set(map(type, values)) <= KIND_OF_TYPE.keys():
        values = tuple(plain(one) for one in values)
    return times_s, twins, names, values


def to_columns(rows: list[tuple[Any, ...]]) -> tuple[NDArray[Any], ...]:
    """Rows of telemetry from the table as columns, checked.

    Args:
        rows: channel, time, number and value of each; one at least.

    Returns:
        The four columns.

    Raises:
        ConfigError: if something in them is not of its type, or not finite.
    """
    wanted = (int, float, int, float)
    found = []
    for column, kind in zip(zip(*rows, strict=True), wanted, strict=True):
        is_right = set(map(type, column)) == {kind}
        array = np.array(column, np.int64 if kind is int else np.float64) if is_right else None
        if array is None or not np.isfinite(array).all():
            strange = next(
                row
                for row in rows
                if tuple(map(type, row)) != wanted or not math.isfinite(row[1] - row[3])
            )
            raise ConfigError(f"a row of telemetry, {shown(strange)}, is not what was written")
        found.append(array)
    return tuple(found)


def packed(snapshot: Snapshot, episode: int) -> tuple[int, float, int, bytes]:
    """A snapshot as a row of the table: episode, time, check sum, compressed text.

    Raises:
        ConfigError: if it could not be read again: it is of another object model.
    """
    document = snapshot.to_json()
    try:
        found = graph_from_json(document)
    except ConfigError as error:
        raise ConfigError(
            f"a store keeps graphs of the model of all environments: {error}"
        ) from None
    content = zlib.compress(document.encode(), 1)
    return episode, found.now_s, check_sum([episode, found.now_s, content]), content


def to_episode(row: tuple[Any, ...]) -> Episode:
    """An episode from a row of the table, checked.

    Args:
        row: the fields of `Episode`, and the check sum of all but the last of them.

    Returns:
        The episode.

    Raises:
        ConfigError: if it was damaged.
    """
    *fields, total = row
    names = Episode.__annotations__
    kinds = [int if kind == "int" else str for kind in names.values()]
    if list(map(type, fields)) != kinds or check_sum(fields[:-1]) != total:
        raise ConfigError(f"episode {shown(fields[0])} is not what was written")
    return Episode(*fields)


def unpacked(row: tuple[Any, ...]) -> Snapshot:
    """A snapshot from a row of the table, checked.

    Args:
        row: episode, time, check sum and compressed text.

    Returns:
        The snapshot.

    Raises:
        ConfigError: if it was damaged, is too large, or fits no object model.
    """
    episode, time_s, total, content = row
    where = f"a snapshot of episode {shown(episode)}"
    if type(content) is not bytes or check_sum([episode, time_s, content]) != total:
        raise ConfigError(f"{where} is not what was written")
    inflating = zlib.decompressobj()
    try:
        document = inflating.decompress(content, MAX_JSON_BYTES)
    except zlib.error as error:
        raise ConfigError(f"{where}: {error}") from None
    if not inflating.eof:
        raise ConfigError(f"{where} has over {MAX_JSON_BYTES:,} bytes")
    return graph_from_json(document).snapshot()
