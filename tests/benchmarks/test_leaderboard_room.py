"""What a track leaves to win, and who is in front."""

import dataclasses

import pytest

from benchmarks.contestant import Cost
from benchmarks.leaderboard.room import room_of
from benchmarks.leaderboard.summary import Measure, Row, TrackPage, Versus


def row(agent, kind, score, difference=None):
    """A row; `difference` is the interval of its paired difference from the first row."""
    versus = None
    if difference is not None:
        low, high = difference
        versus = Versus("first", Measure((low + high) / 2.0, low, high), 0.5, "inconclusive")
    measure = Measure(score, score - 1.0, score + 1.0)
    return Row(
        agent, "track", kind, measure, measure, measure, Cost(0, 0.0, 0.0, 0), 5, 1, 2,
        versus is None, versus, "", False,
    )  # fmt: skip


def page(*rows, kind="LP"):
    """The page of a track with these rows, the best first."""
    anchor = type("Anchor", (), {"kind": kind})()
    blank = {field.name: None for field in dataclasses.fields(TrackPage)}
    return TrackPage(**(blank | {"name": "track", "rows": rows, "anchors": (anchor,)}))


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([row("a", "learned", 80.0), row("b", "rule", 70.0, (-12.0, -8.0))], "learner"),
        ([row("a", "learned", 80.0), row("b", "rule", 79.0, (-3.0, 1.0))], "level"),
        ([row("a", "tuned rule", 80.0), row("b", "learned", 70.0, (-12.0, -8.0))], "rule"),
        ([row("a", "tuned rule", 80.0)], "no learner"),
        ([row("a", "learned", 99.9), row("b", "rule", 99.5, (-2.0, 1.0))], "control"),
        ([row("a", "submission", 80.0), row("b", "learned", 70.0, (-12.0, -8.0))], "rule"),
    ],
)
def test_who_is_in_front(rows, verdict):
    """By the paired difference alone; a rule at the bound leaves nothing to learn."""
    assert room_of(page(*rows)).verdict == verdict


def test_best_known_is_no_bound_that_a_rule_can_be_at():
    """Another agent may be better than the best known one."""
    room = room_of(page(row("a", "rule", 99.9), kind="best known"))
    assert (room.verdict, room.is_proven) == ("no learner", False)


def test_room_is_what_the_best_leaves_and_never_negative():
    """Its interval turned round."""
    assert room_of(page(row("a", "rule", 80.0))).left == Measure(20.0, 19.0, 21.0)
    assert room_of(page(row("a", "rule", 100.5))).left == Measure(0.0, 0.0, 0.5)
