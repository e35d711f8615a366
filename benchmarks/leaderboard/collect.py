"""Results of cells put together: arrays of shape (seeds, worlds), by track and agent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.cell import Result
from benchmarks.protocol import Anchors, BoardFamily, Track, anchors_of
from benchmarks.store import RESULTS_FILE, Store
from benchmarks.tracks import track_named, tracks
from twin_gym.errors import ConfigError


@dataclass(frozen=True)
class AgentRuns:
    """All seeds of an agent on a track.

    Attributes:
        agent: its name.
        results: one a seed, seeds rising.
        scores: normalised, shape (seeds, worlds).
        earned_per_s: return a second, shape (seeds, worlds).
    """

    agent: str
    results: tuple[Result, ...]
    scores: NDArray[np.float64]
    earned_per_s: NDArray[np.float64]

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, rising."""
        return tuple(one.cell.seed for one in self.results)

    def of_seeds(self, seeds: Iterable[int]) -> NDArray[np.float64]:
        """Scores of some of the seeds, in the order asked for."""
        return self.scores[[self.seeds.index(seed) for seed in seeds]]


@dataclass(frozen=True)
class TrackRuns:
    """All agents with results on a track.

    Attributes:
        track: the track.
        anchors: of its test scenarios, in their order.
        agents: by name.
    """

    track: Track
    anchors: tuple[Anchors, ...]
    agents: Mapping[str, AgentRuns]


@dataclass(frozen=True)
class Collected:
    """The results of a folder on one family of worlds.

    Attributes:
        results: earned on the tracks as they are.
        stale: how many were earned on former versions of tracks and do not count.
    """

    results: tuple[Result, ...]
    stale: int


def read_results(folder: Path, family: BoardFamily) -> Collected:
    """The results of one family of worlds.

    Args:
        folder: of the board.
        family: which results are wanted.

    Returns:
        Those that count, by track, agent and seed, and how many do not.

    Raises:
        ConfigError: no file, a line that is no result of this protocol, or no result of the family.
    """
    store = Store(folder)
    if not store.path.is_file():
        raise ConfigError(
            f"there is no {RESULTS_FILE} in {str(folder)!r}: run `python -m benchmarks "
            f"{command_of(family)}` first, or name its folder with --results"
        )
    everything = store.read()
    of_family = [one for cell, one in sorted(everything.items()) if cell.family == family]
    current = tuple(one for one in of_family if store.is_current(one))
    if not current:
        others = sorted({cell.family for cell in everything} - {family})
        hint = f" (--family {others[0]} shows those that are there)" if others else ""
        stale = f"; {len(of_family)} of former versions of tracks do not count" if of_family else ""
        raise ConfigError(
            f"{RESULTS_FILE} has no results on {family} worlds{hint}{stale}: run "
            f"`python -m benchmarks {command_of(family)}` first"
        )
    return Collected(current, len(of_family) - len(current))


def command_of(family: BoardFamily) -> str:
    """The command that scores on the worlds of a family."""
    return "test" if family == "test" else "run"


def collect(results: Iterable[Result]) -> dict[str, TrackRuns]:
    """Results by track and agent.

    Args:
        results: of one family; of two of the same cell the later one counts.

    Returns:
        By name of the track, in the order of `tracks()`.

    Raises:
        UnknownNameError: a track that does not exist.
        ConfigError: a result of another version of its track, or a track without anchors.
    """
    cells = {(one.cell.track, one.cell.agent, one.cell.seed): one for one in results}
    by_track: dict[str, dict[str, list[Result]]] = {}
    for (track, agent, _), result in sorted(cells.items()):
        track_named(track)
        by_track.setdefault(track, {}).setdefault(agent, []).append(result)
    return {name: _track_runs(name, by_track[name]) for name in tracks() if name in by_track}


def _track_runs(name: str, agents: Mapping[str, list[Result]]) -> TrackRuns:
    track = track_named(name)
    anchors = tuple(
        anchors_of(one, track.objective, track.action) for one in track.test_scenarios()
    )
    digest = track.digest
    for results in agents.values():
        for result in results:
            if result.track_digest != digest:
                raise ConfigError(
                    f"a result of {result.cell.agent!r} on track {name!r} was earned on another "
                    f"version of it ({result.track_digest}, now {digest}): run the cell again"
                )
    names = [one.name for one in track.test_scenarios()]
    runs = {
        agent: _agent_runs(agent, results, track, dict(zip(names, anchors, strict=True)))
        for agent, results in agents.items()
    }
    return TrackRuns(track, anchors, runs)


def _agent_runs(
    agent: str, results: list[Result], track: Track, anchors: Mapping[str, Anchors]
) -> AgentRuns:
    """The worlds of all scenarios stand in one row, as `Result.scores` has them."""
    scores, earned = [], []
    for result in results:
        _check_worlds(result, track, anchors)
        parts = {name: np.array(result.earned_per_s[name]) for name in anchors}
        earned.append(np.concatenate(list(parts.values())))
        scores.append(
            [anchors[name].normalised(float(one)) for name in anchors for one in parts[name]]
        )
    return AgentRuns(agent, tuple(results), np.array(scores), np.array(earned))


def _check_worlds(result: Result, track: Track, anchors: Mapping[str, Anchors]) -> None:
    num_worlds = {name: len(values) for name, values in result.earned_per_s.items()}
    if num_worlds != dict.fromkeys(anchors, track.worlds):
        cell = result.cell
        raise ConfigError(
            f"the result of {cell.agent!r} on {cell.track!r}, seed {cell.seed}, must have "
            f"{track.worlds} worlds of {', '.join(anchors)}, got {num_worlds}: run the cell again"
        )
