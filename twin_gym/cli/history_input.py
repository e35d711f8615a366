"""Reads the history of a network from a historical store or from scenario files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins.history import HistoryReader, read_store
from twin_gym.twins.scenarios import (
    CurrentState,
    ParameterHistory,
    ParameterSpace,
    current_state_from_store,
    history_from_store,
)

_WINDOWS_A_HORIZON = 20
_ENDING = ".toml"


@dataclass(frozen=True)
class HistoryOptions:
    """The part of a history to read.

    Attributes:
        scenario: name or path of the base scenario; None: the last one of the history.
        parameters: paths of the parameters that may vary; None: all default ones.
        window_s: length of the windows of a store; None: a twentieth of the base's horizon.
        episodes: episodes of a store; None: all.
        uses_now: whether to read the current state.
    """

    scenario: str | None = None
    parameters: Sequence[str] | None = None
    window_s: float | None = None
    episodes: Sequence[int] | None = None
    uses_now: bool = True


@dataclass(frozen=True)
class GeneratorInputs:
    """Inputs of a generator.

    Attributes:
        history: parameters in past windows.
        now: the current state; None: not requested.
        window_s: length of the windows; None: each file is a window.
    """

    history: ParameterHistory
    now: CurrentState | None
    window_s: float | None


def read_history(paths: Sequence[Path], options: HistoryOptions) -> GeneratorInputs:
    """Reads a store, TOML files, or folders of them.

    Args:
        paths: one store; or files and folders in the order of time. The files of a folder are in
            the order of their names, with numbers in names compared by value.
        options: the part to read.

    Returns:
        History and current state. With files, the last file is the current state.

    Raises:
        ConfigError: if a file is missing, invalid, or of another kind than the others.
    """
    for path in paths:
        if not path.exists():
            raise ConfigError(f"there is no history {str(path)!r}")
    stores = [path for path in paths if path.is_file() and path.suffix != _ENDING]
    if not stores:
        return _of_files([file for path in paths for file in _files_of(path)], options)
    if len(paths) > 1:
        raise ConfigError(
            f"a history is one store, or files that end in {_ENDING}; got {str(stores[0])!r} and "
            "other paths"
        )
    with read_store(stores[0]) as store, store.one_moment():
        return _of_store(store, options)


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(path.glob(f"*{_ENDING}"), key=_natural)
    if not files:
        raise ConfigError(f"folder {str(path)!r} has no file that ends in {_ENDING}")
    return files


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts 10 after 9."""
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _of_files(files: Sequence[Path], options: HistoryOptions) -> GeneratorInputs:
    if options.window_s is not None or options.episodes is not None:
        raise ConfigError(
            "--window-s and --episode apply to stores only: with files, each file is a window"
        )
    scenarios = [load(file) for file in files]
    base = scenarios[-1] if options.scenario is None else load(options.scenario)
    space = ParameterSpace.of(base, options.parameters)
    for file, one in zip(files, scenarios, strict=True):
        if one.kind != base.kind:
            raise ConfigError(
                f"{str(file)!r} is of the kind {one.kind!r}, and {base.name!r} of {base.kind!r}: a "
                "history is of one kind"
            )
        try:
            space.coordinates(one)
        except ConfigError as error:
            raise ConfigError(f"{str(file)!r} is no network like {base.name!r}: {error}") from None
    history = ParameterHistory.of_scenarios(space, scenarios, f"{len(files)} files")
    now = CurrentState(space, history.points[-1], np.zeros(len(space.parameters)))
    return GeneratorInputs(history, now if options.uses_now else None, None)


def _of_store(store: HistoryReader, options: HistoryOptions) -> GeneratorInputs:
    base = _base_of(store, options) if options.scenario is None else load(options.scenario)
    space = ParameterSpace.of(base, options.parameters)
    window_s = options.window_s or base.horizon_s / _WINDOWS_A_HORIZON
    history = history_from_store(store, space, window_s, episodes=options.episodes)
    last = None if options.episodes is None else options.episodes[-1]
    now = (
        current_state_from_store(store, space, window_s, episode=last) if options.uses_now else None
    )
    return GeneratorInputs(history, now, window_s)


def _base_of(store: HistoryReader, options: HistoryOptions) -> Scenario:
    """The scenario of the last episode; all episodes must be of one kind."""
    kept = {one.id: one for one in store.episodes()}
    asked = list(kept) if options.episodes is None else list(options.episodes)
    missing = [one for one in asked if one not in kept]
    if missing or not asked:
        raise ConfigError(
            f"store {str(store.path)!r} has no episode {missing or 'yet'}; it has {list(kept)[:20]}"
        )
    kinds = sorted({kept[one].kind for one in asked})
    if len(kinds) > 1:
        raise ConfigError(
            f"store {str(store.path)!r} has episodes of the kinds {', '.join(kinds)}, and a "
            "history is of one kind: choose with --scenario or --episode"
        )
    return kept[asked[-1]].load_scenario()
