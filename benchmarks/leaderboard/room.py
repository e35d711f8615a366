"""The room that a track leaves between the best agent and the bound, and who is in front of it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.leaderboard.summary import BOUND_SCORE, Measure, Row, TrackPage

AT_THE_BOUND = 1.0
"""Points of the score; a rule that is no further from the bound leaves nothing to learn."""

_LEARNED = frozenset({"learned", "offline"})
_BEST_KNOWN = "best known"


@dataclass(frozen=True)
class Room:
    """The room of a track.

    Attributes:
        track: its name.
        rule: the best agent that does not learn, or None.
        learner: the best agent that does, or None.
        left: points of the score between the best agent and the bound, 0 at least. A bound need
            not be within reach: this is the most that can be left, not what is.
        is_proven: whether 100 is proven; otherwise it is the best known.
        verdict: `control` where a rule is within a point of the bound, so that nothing is left to
            learn; otherwise who is in front by the interval of their paired difference: `learner`,
            `rule`, `level` where it holds 0, or `no learner`.
    """

    track: str
    rule: Row | None
    learner: Row | None
    left: Measure
    is_proven: bool
    verdict: str


def room_of(page: TrackPage) -> Room:
    """The room of a track, from its page.

    Args:
        page: with one row at least.

    Returns:
        The room.
    """
    best = page.rows[0].score
    rule = next((row for row in page.rows if row.kind not in _LEARNED), None)
    learner = next((row for row in page.rows if row.kind in _LEARNED), None)
    is_proven = _BEST_KNOWN not in page.kinds
    return Room(
        page.name, rule, learner, _left(best), is_proven, _verdict(rule, learner, is_proven)
    )


def _left(best: Measure) -> Measure:
    low, high = best.low, best.high
    return Measure(
        max(BOUND_SCORE - best.estimate, 0.0),
        None if high is None else max(BOUND_SCORE - high, 0.0),
        None if low is None else max(BOUND_SCORE - low, 0.0),
    )


def _verdict(rule: Row | None, learner: Row | None, is_proven: bool) -> str:
    if is_proven and rule is not None and rule.score.estimate > BOUND_SCORE - AT_THE_BOUND:
        return "control"
    if learner is None:
        return "no learner"
    if rule is None or _is_behind(rule, learner):
        return "learner"
    return "rule" if _is_behind(learner, rule) else "level"


def _is_behind(row: Row, other: Row) -> bool:
    """Whether the interval of the paired difference to the other, the reference, is below 0."""
    if not other.is_reference or row.versus is None:
        return False
    high = row.versus.difference.high
    return high is not None and high < 0.0
