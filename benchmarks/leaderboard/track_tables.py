"""The page of a track: rows with intervals, each against the best, and who is not there and why."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestant import Contestant, Cost
from benchmarks.contestants import contestants
from benchmarks.leaderboard.collect import AgentRuns, TrackRuns, command_of
from benchmarks.leaderboard.summary import BOUND_SCORE, Measure, Row, Skipped, TrackPage, Versus
from benchmarks.protocol import BoardFamily, Track
from benchmarks.statistics import Interval, compare, interquartile_mean, iqm_score, mean_score

MIN_SEEDS = 2
"""A single training tells nothing of the spread between trainings."""

UNKNOWN_KIND, SEER = "submission", "seer"
_OUT = "results/reproduced"


@dataclass(frozen=True)
class Settings:
    """The settings of a board.

    Attributes:
        family: of the worlds.
        reference: agent that others are compared with; None: the best of each table.
        smallest_difference: of interest, in points of the score.
        resamples: of each bootstrap.
    """

    family: BoardFamily = "test"
    reference: str | None = None
    smallest_difference: float = 0.5
    resamples: int = 2_000


def track_page(runs: TrackRuns, settings: Settings) -> TrackPage:
    """The page of one track.

    Args:
        runs: its results.
        settings: of the board.

    Returns:
        Rows sorted by score, the best first; equal scores by name. Who sees what is hidden from
        agents stands apart.
    """
    track, anchors = runs.track, runs.anchors
    everyone = sorted(runs.agents, key=lambda name: (-runs.agents[name].scores.mean(), name))
    order = [name for name in everyone if kind_of(name) != SEER]
    reference = reference_of(order, settings)
    compared = _compared({name: runs.agents[name] for name in order}, reference, settings)
    bound = float(np.mean([one.bound_per_s for one in anchors]))
    rows = tuple(
        _row(runs, name, rank, name == reference, compared.get(name), settings)
        for rank, name in enumerate(order, start=1)
    )
    seers = tuple(
        _row(runs, name, 0, False, None, settings) for name in everyone if name not in order
    )
    random, random_score = _random(runs)
    return TrackPage(
        name=track.name,
        title=track.title,
        environment=track.environment,
        objective=track.objective,
        scenarios=len(track.test),
        worlds=track.worlds * len(track.test),
        learner_steps=track.learner_steps,
        log=_log(track),
        anchors=anchors,
        bound_per_s=bound,
        random_per_s=random,
        random_score=random_score,
        reference=reference,
        rows=rows,
        seers=seers,
        skipped=_skipped(runs),
    )


def _log(track: Track) -> str:
    data = track.data
    return "" if data is None else f"{data.num_steps:,} logged decisions of {data.policy}"


def reference_of(order: Sequence[str], settings: Settings) -> str:
    """The agent that others are compared with: the one asked for if it is there, else the best.

    Args:
        order: agents, the best first.
        settings: of the board.

    Returns:
        Its name.
    """
    asked = settings.reference
    return asked if asked is not None and asked in order else order[0]


def measured(
    scores: NDArray[np.float64],
    average: Callable[..., Interval],
    settings: Settings,
) -> Measure:
    """An estimate with its two-stage interval, or without one where there is a single seed.

    Args:
        scores: shape (seeds, worlds).
        average: `mean_score` or `iqm_score`.
        settings: of the board.

    Returns:
        The measure.
    """
    if len(scores) < MIN_SEEDS:
        runs = scores.mean(axis=1)
        middle = runs.mean() if average is mean_score else interquartile_mean(runs)
        return Measure(float(middle))
    return as_measure(average(scores, resamples=settings.resamples))


def as_measure(interval: Interval) -> Measure:
    """An interval as a `Measure` of the summary."""
    return Measure(interval.estimate, interval.low, interval.high)


def kind_of(agent: str) -> str:
    """The kind of an agent; an agent that the project does not know was submitted."""
    known = contestants().get(agent)
    return UNKNOWN_KIND if known is None else known.kind


def common_seeds(one: AgentRuns, other: AgentRuns) -> tuple[int, ...]:
    """Seeds that both were tested with: the same worlds."""
    return tuple(sorted(set(one.seeds) & set(other.seeds)))


def _row(
    runs: TrackRuns,
    name: str,
    rank: int,
    is_reference: bool,
    versus: Versus | None,
    settings: Settings,
) -> Row:
    agent = runs.agents[name]
    score = measured(agent.scores, mean_score, settings)
    proven = all(one.kind != "best known" for one in runs.anchors)
    return Row(
        agent=name,
        track=runs.track.name,
        kind=kind_of(name),
        score=score,
        iqm=measured(agent.scores, iqm_score, settings),
        earned_per_s=_earned(runs, agent, score, settings),
        cost=_mean_cost([one.cost for one in agent.results]),
        seeds=len(agent.results),
        rank=rank,
        field=sum(kind_of(one) != SEER for one in runs.agents),
        is_reference=is_reference,
        versus=versus,
        command=command(name, runs.track.name, agent.seeds, settings.family),
        above_bound=proven and score.low is not None and score.low > BOUND_SCORE,
    )


def command(agent: str, track: str, seeds: Sequence[int], family: BoardFamily) -> str:
    """The command that gives a row again, quoted for a shell.

    Results go to a folder of their own: in that of the board the cells count as done.

    Args:
        agent: of the row.
        track: of the row.
        seeds: of the row.
        family: of its worlds.

    Returns:
        A line.
    """
    first = min(seeds)
    words = ["--agents", agent, "--tracks", track, "--seeds", str(max(seeds) - first + 1)]
    words += ["--first-seed", str(first)] if first > 0 else []
    words += ["--why", "reproduction"] if family == "test" else []
    return f"python -m benchmarks {command_of(family)} {shlex.join(words)} --out {_OUT}"


def _earned(runs: TrackRuns, agent: AgentRuns, score: Measure, settings: Settings) -> Measure:
    """Return a second; on one scenario it is the score on another scale, interval and all."""
    if len(runs.anchors) > 1:
        return measured(agent.earned_per_s, mean_score, settings)
    zero, span = runs.anchors[0].random_per_s, runs.anchors[0].bound_per_s
    ends = (score.estimate, score.low, score.high)
    return Measure(*(one if one is None else zero + one / 100.0 * (span - zero) for one in ends))  # type: ignore[arg-type]


def _mean_cost(costs: Sequence[Cost]) -> Cost:
    return Cost(
        steps=round(np.mean([one.steps for one in costs])),
        seconds=float(np.mean([one.seconds for one in costs])),
        core_seconds=float(np.mean([one.core_seconds for one in costs])),
        parameters=round(np.mean([one.parameters for one in costs])),
    )


def _compared(
    agents: Mapping[str, AgentRuns], reference: str, settings: Settings
) -> dict[str, Versus]:
    """Each agent against the reference on the seeds that both have, corrected for their number."""
    theirs, pairs = agents[reference], {}
    for name, ours in agents.items():
        seeds = common_seeds(ours, theirs)
        if name != reference and len(seeds) >= MIN_SEEDS:
            pairs[name] = ours.of_seeds(seeds), theirs.of_seeds(seeds)
    found = compare(
        pairs, smallest_difference=settings.smallest_difference, resamples=settings.resamples
    )
    return {
        name: Versus(reference, as_measure(one.difference), one.corrected_p, one.verdict)
        for name, one in found.items()
    }


def _random(runs: TrackRuns) -> tuple[Measure, Measure]:
    """The return of the random policy with its measured interval, and the same in points."""
    parts = runs.anchors
    mean = float(np.mean([one.random_per_s for one in parts]))
    # Scenarios are measured on their own: their errors add up in squares.
    half = float(np.sqrt(np.sum([one.random_half_width_per_s**2 for one in parts]))) / len(parts)
    points = [
        100.0 * one.random_half_width_per_s / (one.bound_per_s - one.random_per_s) for one in parts
    ]
    half_points = float(np.sqrt(np.sum(np.square(points)))) / len(parts)
    return Measure(mean, mean - half, mean + half), Measure(0.0, -half_points, half_points)


def _skipped(runs: TrackRuns) -> tuple[Skipped, ...]:
    """The agents that could have taken part; rules of other environments could not."""
    return tuple(
        Skipped(name, runs.track.name, _reason(one, runs))
        for name, one in contestants().items()
        if name not in runs.agents and one.supports_kind(runs.track.kind)
    )


def _reason(contestant: Contestant, runs: TrackRuns) -> str:
    return contestant.reason_not_eligible(runs.track) or "it takes part, but has not been run yet"
