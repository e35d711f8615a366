"""The tracks of the board: every module of this folder brings its own as `TRACKS`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache

from benchmarks.protocol import Track
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import ConfigError, unknown_name


@cache
def tracks() -> Mapping[str, Track]:
    """All tracks by name, in the order of environments, then of the files and their tables.

    Raises:
        ConfigError: if two tracks have the same name.
    """
    found: dict[str, Track] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda entry: entry.name):
        for track in importlib.import_module(f"{__name__}.{module.name}").TRACKS:
            if track.name in found:
                raise ConfigError(f"two tracks are called {track.name!r}")
            found[track.name] = track
    kinds = list(kind_names())
    return dict(sorted(found.items(), key=lambda entry: kinds.index(entry[1].kind)))


def track_named(name: str) -> Track:
    """A track by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    known = tracks()
    if name not in known:
        raise unknown_name("track", name, known)
    return known[name]
