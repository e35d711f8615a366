"""Tables over tracks: agents are compared over tracks that all of them took part in, no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.leaderboard.collect import AgentRuns, TrackRuns
from benchmarks.leaderboard.summary import Line, Measure, Overall, OverallRow
from benchmarks.leaderboard.track_tables import (
    MIN_SEEDS,
    SEER,
    Settings,
    as_measure,
    common_seeds,
    kind_of,
    reference_of,
)
from benchmarks.statistics import (
    iqm_score,
    mean_score,
    performance_profile,
    probability_of_improvement,
)

MAX_TABLES = 4
_LOWEST_THRESHOLD, _STEP, _FINEST = -50.0, 10.0, 121
_Board = Mapping[str, TrackRuns]


def overall_tables(board: _Board, settings: Settings) -> tuple[Overall, ...]:
    """Tables by environment, in the order of their tracks.

    A point of the score is not worth the same in two environments, so that no mean is taken over
    both.

    Args:
        board: results by track.
        settings: of the board.

    Returns:
        What `_tables` gives for each environment.
    """
    environments = dict.fromkeys(runs.track.environment for runs in board.values())
    return tuple(
        table
        for environment in environments
        for table in _tables(
            {name: one for name, one in board.items() if one.track.environment == environment},
            settings,
        )
    )


def _tables(board: _Board, settings: Settings) -> tuple[Overall, ...]:
    """One table for each set of tracks that at least one agent took part in, the largest first.

    An agent stands in every table whose tracks it has all of, with at least two seeds each. So a
    mean is never set beside a mean over other tracks.

    Args:
        board: results by track.
        settings: of the board.

    Returns:
        At most four tables, each of at least two agents and two tracks.
    """
    took_part = _took_part(board)
    sets = sorted(set(took_part.values()), key=lambda names: (-len(names), sorted(names)))
    tables = []
    for names in sets:
        agents = [name for name, had in took_part.items() if names <= had]
        if len(names) > 1 and len(agents) > 1:
            ordered = [name for name in board if name in names]
            tables.append(_table(board, ordered, agents, took_part, settings))
    return tuple(tables[:MAX_TABLES])


def _took_part(board: _Board) -> dict[str, frozenset[str]]:
    """Tracks by agent, those with enough seeds for an interval."""
    tracks_of: dict[str, set[str]] = {}
    for name, runs in board.items():
        for agent, one in runs.agents.items():
            if len(one.results) >= MIN_SEEDS and kind_of(agent) != SEER:
                tracks_of.setdefault(agent, set()).add(name)
    return {agent: frozenset(names) for agent, names in sorted(tracks_of.items())}


def _table(
    board: _Board,
    names: Sequence[str],
    agents: Sequence[str],
    took_part: Mapping[str, frozenset[str]],
    settings: Settings,
) -> Overall:
    scores = {agent: {name: board[name].agents[agent].scores for name in names} for agent in agents}
    means = {
        agent: float(np.mean([one.mean() for one in scores[agent].values()])) for agent in agents
    }
    order = sorted(agents, key=lambda agent: (-means[agent], agent))
    reference = reference_of(order, settings)
    thresholds = _thresholds(scores)
    rows = [
        OverallRow(
            agent=agent,
            kind=kind_of(agent),
            mean=as_measure(mean_score(scores[agent], resamples=settings.resamples)),
            iqm=as_measure(iqm_score(scores[agent], resamples=settings.resamples)),
            improvement=_improvement(board, names, agent, reference, settings),
            profile=_profile(scores[agent], thresholds, settings),
            elsewhere=tuple(
                name for name in board if name in took_part[agent] and name not in names
            ),
        )
        for agent in order
    ]
    absent = tuple(
        (agent, len(set(names) - had)) for agent, had in took_part.items() if agent not in agents
    )
    return Overall(
        board[names[0]].track.environment,
        tuple(names),
        reference,
        tuple(rows),
        tuple(float(one) for one in thresholds),
        absent,
    )


def _improvement(
    board: _Board, names: Sequence[str], agent: str, reference: str, settings: Settings
) -> Measure | None:
    """Probability of improvement; None where a track has too few common seeds."""
    if agent == reference:
        return None
    ours: dict[str, NDArray[np.float64]] = {}
    theirs: dict[str, NDArray[np.float64]] = {}
    for name in names:
        one, other = _pair(board[name].agents, agent, reference)
        if len(one) < MIN_SEEDS:
            return None
        ours[name], theirs[name] = one, other
    return as_measure(probability_of_improvement(ours, theirs, resamples=settings.resamples))


def _pair(
    agents: Mapping[str, AgentRuns], one: str, other: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    seeds = common_seeds(agents[one], agents[other])
    return agents[one].of_seeds(seeds), agents[other].of_seeds(seeds)


def _thresholds(scores: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Thresholds from where all runs are above (at least -50) to where none is."""
    runs = np.concatenate([one.mean(axis=1) for each in scores.values() for one in each.values()])
    low = max(_LOWEST_THRESHOLD, _STEP * np.floor(min(runs.min(), 0.0) / _STEP))
    high = max(100.0, float(np.ceil(runs.max())))
    return np.linspace(low, high, _FINEST)


def _profile(
    scores: Mapping[str, NDArray[np.float64]], thresholds: NDArray[np.float64], settings: Settings
) -> Line:
    profile = performance_profile(scores, thresholds, resamples=settings.resamples)
    return Line(
        tuple(profile.share.tolist()), tuple(profile.low.tolist()), tuple(profile.high.tolist())
    )
