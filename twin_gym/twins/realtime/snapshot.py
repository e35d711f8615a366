"""The state of a graph of twins at one time, as an immutable value."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.plain import number, plain, shown
from twin_gym.twins.plain import text as text_of
from twin_gym.twins.realtime.model import Value

FORMAT = "twin_gym snapshot 1"
MAX_JSON_BYTES = 256 * 2**20

Edge = tuple[str, str, str, tuple[tuple[str, Value], ...]]


class Known(NamedTuple):
    """A value with its time.

    Attributes:
        time_s: time at which it was true.
        value: the value.
    """

    time_s: float
    value: Value


class TwinState(NamedTuple):
    """The known values of a twin.

    Attributes:
        interface: name of its interface.
        known: values by name, sorted.
    """

    interface: str
    known: tuple[tuple[str, Known], ...]


@dataclass(frozen=True)
class Snapshot:
    """An immutable graph of twins at one time; equal if all values are equal.

    Attributes:
        time_s: time of the snapshot.
        twins: states by id, sorted.
        relationships: source, name, target and properties, sorted.
    """

    time_s: float
    twins: tuple[tuple[str, TwinState], ...]
    relationships: tuple[Edge, ...]

    @cached_property
    def _by_id(self) -> dict[str, dict[str, Known]]:
        return {twin: dict(state.known) for twin, state in self.twins}

    def value(self, twin: str, name: str) -> Value | None:
        """The value of a property; None if it was never set.

        Raises:
            UnknownNameError: if there was no such twin.
        """
        known = self._of(twin).get(text_of(name, "the name of a property"))
        return None if known is None else known.value

    def age_s(self, twin: str, name: str) -> float:
        """The age of a value in seconds; infinite if it was never set.

        Raises:
            UnknownNameError: if there was no such twin.
        """
        known = self._of(twin).get(text_of(name, "the name of a property"))
        return float("inf") if known is None else self.time_s - known.time_s

    @property
    def digest(self) -> str:
        """Hash of the snapshot as sixteen hexadecimal digits."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The snapshot as JSON; equal snapshots give equal text.

        Raises:
            ConfigError: if a value is neither a finite number nor a text.
        """
        document = {
            "format": FORMAT,
            "time_s": self.time_s,
            "twins": {
                twin: [state.interface, {name: list(known) for name, known in state.known}]
                for twin, state in self.twins
            },
            "relationships": [[*edge[:3], dict(edge[3])] for edge in self.relationships],
        }
        try:
            return json.dumps(
                document, sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigError(f"the snapshot has something that is no value: {error}") from None

    @classmethod
    def parsed(cls, text: str | bytes) -> Snapshot:
        """Parses JSON text and validates its form; `graph_from_json` also validates its content.

        Args:
            text: JSON text from `to_json`.

        Returns:
            The snapshot.

        Raises:
            ConfigError: if it is too long, not JSON, or of another form.
        """
        if not isinstance(text, str | bytes):
            raise ConfigError(f"a snapshot is read from its JSON text, got {shown(text)}")
        if len(text) > MAX_JSON_BYTES:
            raise ConfigError(f"a snapshot has at most {MAX_JSON_BYTES:,} bytes, got {len(text):,}")
        try:
            document = json.loads(text)
            if document["format"] != FORMAT or len(document) != len(_KEYS):
                raise ConfigError(f"it is not of the format {FORMAT!r}")
            twins = [
                (twin, TwinState(_named(interface), tuple(sorted(_all_known(known)))))
                for twin, (interface, known) in document["twins"].items()
            ]
            edges: list[Any] = [
                (source, name, target, tuple(sorted(properties.items())))
                for source, name, target, properties in document["relationships"]
            ]
            if not all(isinstance(part, str) for edge in edges for part in edge[:3]):
                raise ConfigError("relationships are between twins by their names")
            time_s = number(document["time_s"], "`time_s` of a snapshot")
            return cls(time_s, tuple(sorted(twins)), tuple(sorted(edges)))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"the text is no snapshot: {error!s:.200}") from None

    def _of(self, twin: str) -> dict[str, Known]:
        checked = text_of(twin, "the id of a twin")
        if checked not in self._by_id:
            raise unknown_name("twin", checked, list(self._by_id)[:20])
        return self._by_id[checked]


_KEYS = ("format", "time_s", "twins", "relationships")


def _all_known(known: dict[str, Any]) -> list[tuple[str, Known]]:
    return [
        (name, Known(number(time_s, f"the time of {shown(name)}"), value))
        for name, (time_s, value) in known.items()
    ]


def _named(interface: Any) -> str:  # noqa: ANN401 - parsed JSON
    return text_of(interface, "the kind of a twin")
