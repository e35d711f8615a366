"""Tracks of slice admission: one scenario each, a log alone, and networks of other rates."""

from __future__ import annotations

from benchmarks.environments.slice_admission import what_if
from benchmarks.protocol import LoggedData, Track

_ENVIRONMENT, _OBJECTIVE = "twin_gym/SliceAdmission-v0", "revenue"
_LONGEST, _LONG, _SHORT = 262_144, 98_304, 32_768
"""Steps to learn; 0 on the tracks with one slice, where to admit all is optimal and anchors and
rules are checked against formulas."""

_TELETRAFFIC = {
    "teletraffic-small": "Two classes on 5 units, no waiting.",
    "teletraffic-medium": "Two classes on 10 units, no waiting.",
    "teletraffic-heavy": "Two classes on 10 units under heavy load, no waiting.",
}
_KNOWN = {
    "teletraffic-erlang-5-10": "Erlang B at 5 Erlang: to admit all is optimal.",
    "teletraffic-erlang-8-10": "Erlang B at 8 Erlang: to admit all is optimal.",
    "teletraffic-erlang-10-10": "Erlang B at 10 Erlang: to admit all is optimal.",
    "teletraffic-erlang-a": "Erlang A: waiting and impatience.",
}
_SLICED = {
    "mild": "Control: hardly any headroom over a greedy rule.",
    "contention": "The headline: more is offered than fits, and reservation pays.",
    "burst": "The loads of contention, in bursts.",
    "shift": "The rates of two slices swap half-way, unannounced.",
    "service-calibrated": "Daily profiles and heavy tails fitted to a real trace.",
    "service-trace": "Replay of a month of real service requests.",
}
_BY_THE_CLOCK = {
    "tidal": "A dear class comes by day alone: what to keep free depends on the hour.",
    "alternating": "Two dear classes take turns on two resources, by the hour.",
}
"""The optimum by the clock earns 7 to 16 % more than any static reservation. On `alternating` bid
prices that rise with use do without a clock and lose 1 %; on `tidal` no static rule does."""

TRACKS = (
    *(
        Track(name, title, (name,), (name,), steps, environment=_ENVIRONMENT, objective=_OBJECTIVE)
        for group, steps in (
            (_TELETRAFFIC, _SHORT),
            (_KNOWN, 0),
            (_SLICED, _LONG),
            (_BY_THE_CLOCK, _LONGEST),
        )
        for name, title in group.items()
    ),
    Track(
        "offline",
        "Learn from 100,000 logged decisions of density, three in ten drawn at random.",
        ("contention",),
        ("contention",),
        0,
        environment=_ENVIRONMENT,
        objective=_OBJECTIVE,
        data=LoggedData("density", 0.3, 100_000),
    ),
    what_if.TRACK,
)
