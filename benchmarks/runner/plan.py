"""The cells of a run, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from benchmarks.cell import Cell, Result
from benchmarks.contestant import Contestant
from benchmarks.contestants import contestant_named, contestants
from benchmarks.environments import facet
from benchmarks.protocol import MAX_SEEDS, BoardFamily, Track
from benchmarks.tracks import track_named, tracks
from twin_gym.errors import ConfigError

EVERYTHING = "all"

# Only for order and time left, where no result of the same agent and track says better.
_SECONDS_A_CELL, _SECONDS_AN_EVENT, _SECONDS_A_STEP = 0.3, 4e-6, 1e-4


@dataclass(frozen=True)
class Selection:
    """The selection that the user asked for.

    Attributes:
        tracks: by name.
        agents: by name.
        seeds: of every agent and track.
        family: of the worlds.
    """

    tracks: tuple[str, ...]
    agents: tuple[str, ...]
    seeds: range
    family: BoardFamily

    def cells(self, track: str, agent: str) -> list[Cell]:
        """Those of one agent on one track."""
        return [Cell(track, agent, seed, self.family) for seed in self.seeds]


@dataclass(frozen=True)
class Skipped:
    """An agent on a track that is not run, and why.

    Attributes:
        track: its name.
        agent: its name; "all" where the track cannot be run here.
        reason: in a sentence.
    """

    track: str
    agent: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """The cells to run, and those that are skipped.

    Attributes:
        todo: the cells, the longest first, so that all processes end at about the same time.
        seconds: how long each is expected to take.
        done: those of the wanted ones that have a result.
        skipped: what is not run.
    """

    todo: tuple[Cell, ...]
    seconds: Mapping[Cell, float]
    done: tuple[Cell, ...]
    skipped: tuple[Skipped, ...]


def selection_of(
    agents: str, track_names: str, seeds: int, first_seed: int, family: BoardFamily
) -> Selection:
    """Reads what was asked for on the command line.

    Args:
        agents: names with commas between them, or "all".
        track_names: likewise.
        seeds: how many.
        first_seed: the first of them.
        family: of the worlds.

    Raises:
        ConfigError: if a name is unknown or a seed is out of range.
    """
    if seeds < 1 or first_seed < 0 or first_seed + seeds > MAX_SEEDS:
        raise ConfigError(
            f"seeds of a board are 0 to {MAX_SEEDS - 1}, got {seeds} from {first_seed}"
        )
    names_of_tracks = _names(track_names, tracks())
    names_of_agents = _names(agents, contestants())
    for name in names_of_tracks:
        track_named(name)
    for name in names_of_agents:
        contestant_named(name)
    return Selection(
        names_of_tracks, names_of_agents, range(first_seed, first_seed + seeds), family
    )


def plan(asked: Selection, results: Mapping[Cell, Result]) -> Plan:
    """The plan for a selection, given the results that count."""
    taking_part, skipped = who_takes_part(asked)
    cells = [cell for track, agent in taking_part for cell in asked.cells(track.name, agent.name)]
    done = tuple(cell for cell in cells if cell in results)
    known = _known_seconds(results)
    guesses = {
        (track.name, agent.name): known.get(
            (track.name, agent.name, asked.family), _guessed_seconds(track, agent)
        )
        for track, agent in taking_part
    }
    seconds = {cell: guesses[cell.track, cell.agent] for cell in cells if cell not in results}
    todo = sorted(seconds, key=lambda cell: (-seconds[cell], cell))
    return Plan(tuple(todo), seconds, done, tuple(skipped))


def who_takes_part(asked: Selection) -> tuple[list[tuple[Track, Contestant]], list[Skipped]]:
    """Tracks with the agents that are run on them, and what is skipped."""
    pairs: list[tuple[Track, Contestant]] = []
    skipped: list[Skipped] = []
    for track in map(track_named, asked.tracks):
        reason = track.unavailable()
        if reason is not None:
            skipped.append(Skipped(track.name, EVERYTHING, reason))
            continue
        for agent in map(contestant_named, asked.agents):
            reason = agent.reason_not_eligible(track)
            if reason is None:
                pairs.append((track, agent))
            else:
                skipped.append(Skipped(track.name, agent.name, reason))
    return pairs, skipped


def _names(text: str, known: Iterable[str]) -> tuple[str, ...]:
    names: Sequence[str] = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ConfigError(f"no name is given: write {EVERYTHING!r}, or names with commas between")
    if EVERYTHING in names:
        names = list(known)
    return tuple(dict.fromkeys(names))


def _known_seconds(results: Mapping[Cell, Result]) -> dict[tuple[str, str, str], float]:
    """Typical seconds of a cell, by track, agent and family.

    A test takes the training that is there: a result on validation worlds tells how long its
    testing lasted.
    """
    times: dict[tuple[str, str, str], list[float]] = {}
    for cell, one in results.items():
        for family in get_args(BoardFamily):
            spent_s = one.test_seconds + (one.cost.seconds if family == "validation" else 0.0)
            times.setdefault((cell.track, cell.agent, family), []).append(spent_s)
    return {key: float(np.median(values)) for key, values in times.items()}


def _guessed_seconds(track: Track, agent: Contestant) -> float:
    events_of = facet(track.kind, "num_events", None)
    events = sum(map(events_of, track.test_scenarios())) * track.worlds if events_of else 0.0
    steps = track.learner_steps if agent.kind in ("learned", "offline") else 0
    return _SECONDS_A_CELL + _SECONDS_AN_EVENT * events + _SECONDS_A_STEP * steps
