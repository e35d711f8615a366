"""The tracks of the board: every environment brings its own as `TRACKS` (see `environments`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from benchmarks.environments import facet
from benchmarks.protocol import Track
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import ConfigError, unknown_name


def tracks() -> Mapping[str, Track]:
    """All tracks by name, in the order of environments and of their tables.

    Raises:
        ConfigError: if two tracks have the same name.
    """
    return _tracks_of(kind_names())


@cache
def _tracks_of(kinds: tuple[str, ...]) -> Mapping[str, Track]:
    by_name: dict[str, Track] = {}
    for kind in kinds:
        for track in facet(kind, "tracks", ()):
            if track.name in by_name:
                raise ConfigError(f"two tracks are called {track.name!r}")
            by_name[track.name] = track
    return by_name


def track_named(name: str) -> Track:
    """A track by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    known = tracks()
    if name not in known:
        raise unknown_name("track", name, known)
    return known[name]
