"""From results to the summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cell import Result
from benchmarks.contestants import contestants
from benchmarks.leaderboard.collect import AgentRuns, TrackRuns, collect
from benchmarks.leaderboard.overall import overall_tables
from benchmarks.leaderboard.summary import (
    About,
    AgentPage,
    Curve,
    Entry,
    Skipped,
    Summary,
    TrackPage,
    Untouched,
)
from benchmarks.leaderboard.track_tables import SEER, Settings, kind_of, track_page
from benchmarks.protocol import PROTOCOL, Track
from benchmarks.statistics import curve_bands
from benchmarks.tracks import tracks
from twin_gym.errors import UnknownNameError, unknown_name


@dataclass(frozen=True)
class Made:
    """The origin of the results; "" and 0 where it is not known.

    Attributes:
        commit: of the code.
        date: of the latest use of the worlds.
        machine: in words.
        uses: of the test worlds.
        stale: results of former versions of tracks.
    """

    commit: str = ""
    date: str = ""
    machine: str = ""
    uses: int = 0
    stale: int = 0


_CURVE_VALUES = ("revenue_rate", "return_per_s")


def summarise(
    results: Sequence[Result],
    settings: Settings | None = None,
    made: Made | None = None,
) -> Summary:
    """All numbers of the board.

    Args:
        results: of one family.
        settings: of the board.
        made: how the results came about, as far as it is known.

    Returns:
        The same for the same results, to the last bit.

    Raises:
        UnknownNameError: a track or a reference that is not there.
        ConfigError: a result of another version of its track, or a track without anchors.
    """
    settings, made = settings or Settings(), made or Made()
    board = collect(results)
    names = {name for runs in board.values() for name in runs.agents}
    if settings.reference is not None and settings.reference not in names:
        raise _unknown_reference(settings.reference, names)
    pages = tuple(track_page(runs, settings) for runs in board.values())
    return Summary(
        about=About(
            PROTOCOL,
            settings.family,
            made.commit,
            made.date,
            made.uses,
            made.stale,
            made.machine,
            _versions(results),
            settings.resamples,
            settings.smallest_difference,
        ),
        tracks=pages,
        overall=overall_tables(board, settings),
        agents=tuple(
            _agent_page(name, pages, board) for name in _ordered(names) if kind_of(name) != SEER
        ),
        untouched=tuple(
            Untouched(name, track.title, _why_untouched(track))
            for name, track in tracks().items()
            if name not in board
        ),
    )


def _unknown_reference(name: str, known: Iterable[str]) -> UnknownNameError:
    return unknown_name("agent with results", name, known)


def _ordered(names: Iterable[str]) -> list[str]:
    """The project's agents in the order of tables, others by name."""
    place = {name: index for index, name in enumerate(contestants())}
    return sorted(names, key=lambda name: (place.get(name, len(place)), name))


def _versions(results: Iterable[Result]) -> tuple[tuple[str, str], ...]:
    versions: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.versions.items():
            versions.setdefault(name, set()).add(version)
    return tuple((name, ", ".join(sorted(versions[name]))) for name in sorted(versions))


def _agent_page(name: str, pages: Sequence[TrackPage], board: Mapping[str, TrackRuns]) -> AgentPage:
    known = contestants().get(name)
    entries, skipped = [], []
    for page in pages:
        runs = board[page.name]
        skipped += [one for one in page.skipped if one.agent == name]
        if name in runs.agents:
            row = next(row for row in page.rows if row.agent == name)
            agent = runs.agents[name]
            entries.append(Entry(row, _indicators(agent), _curve(agent, runs.track)))
        elif known is None:
            skipped.append(Skipped(name, page.name, "no result was handed in"))
    text = "Submitted; its code or its policy lies with whoever sent it."
    return AgentPage(
        name,
        kind_of(name),
        text if known is None else known.description,
        tuple(entries),
        tuple(skipped),
    )


def _indicators(agent: AgentRuns) -> tuple[tuple[str, float], ...]:
    """Means over the seeds that have the indicator."""
    values: dict[str, list[float]] = {}
    for result in agent.results:
        for name, value in result.kpi.items():
            values.setdefault(name, []).append(value)
    return tuple((name, float(np.mean(each))) for name, each in values.items())


def _curve(agent: AgentRuns, track: Track) -> Curve | None:
    """The points that all seeds share; None where nothing was learned step by step."""
    curves = [{point["step"]: _earned(point) for point in result.curve} for result in agent.results]
    steps = sorted(set.intersection(*(set(one) for one in curves)))
    if not steps:
        return None
    values = np.array([[one[step] for step in steps] for one in curves])
    middle, low, high = (tuple(one.tolist()) for one in curve_bands(values))
    alone = len(curves) == 1
    tested = float(agent.earned_per_s.mean()) if track.train == track.test else None
    return Curve(tuple(steps), middle, () if alone else low, () if alone else high, tested)


def _earned(point: Mapping[str, float]) -> float:
    return next(point[name] for name in _CURVE_VALUES if name in point)


def _why_untouched(track: Track) -> str:
    """Why a track has no result, in words that do not depend on this machine."""
    if track.is_replayed:
        return "replays a real trace, which is not part of the project; no results yet"
    return "no results yet"
