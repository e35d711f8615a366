"""The page of bounds: one table, and how to read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.bounds.bound import FIRST_WORLD

WORLDS = 20
"""Validation worlds of bounds that are sampled."""
POLICY_WORLDS = 64
"""Validation worlds of rules."""
Progress = Callable[[float], None]
"""Told the share that is done."""

_HEAD = f"""# What no policy can earn

Written by `python -m benchmarks.bounds`. Return a simulated second over whole episodes from an
empty network. **Bold**: the tightest bound that is proven without sampling; it is the track's 100.
*Gap*: how much of a bound lies above what the best classical rule earns. That a gap is there does
not mean that a policy could close it. Where worlds are given: mean and 95 % interval over
validation worlds {FIRST_WORLD} and following.

"""


@dataclass(frozen=True)
class Row:
    """A bound, or what a rule earns.

    Attributes:
        scenario: its name.
        digest: of the scenario.
        kind: what it is.
        value_per_s: revenue a second of an episode, penalties subtracted.
        half_width: half of the 95 % interval over worlds; 0 if nothing is sampled.
        is_bound: whether no policy earns more on average (sampled ones: up to their interval).
        is_anchor: whether it is the tightest one that is proven without sampling.
        worlds: validation worlds that it was sampled on; 0: none.
        what: what is proven, in a line.
    """

    scenario: str
    digest: str
    kind: str
    value_per_s: float
    half_width: float
    is_bound: bool
    is_anchor: bool
    worlds: int
    what: str


def as_page(rows: Mapping[str, Sequence[Row]], notes: Sequence[str]) -> str:
    """The page.

    Args:
        rows: by scenario, with one row that is no bound: what is earned.
        notes: what the bounds of each environment are.

    Returns:
        Markdown.
    """
    lines = [
        _HEAD + "\n".join(notes),
        "| scenario | what | a second | 95 % | worlds | gap % | proven by |",
        "|---|---|--:|--:|--:|--:|---|",
    ]
    for entries in rows.values():
        earned = next(one.value_per_s for one in entries if not one.is_bound)
        lines += [_line(one, earned) for one in entries]
    return "\n".join(lines) + "\n"


def _line(row: Row, earned_per_s: float) -> str:
    value = f"{row.value_per_s:.5g}"
    gap = f"{100.0 * (1.0 - earned_per_s / row.value_per_s):.2f}" if row.is_bound else ""
    cells = (
        row.scenario,
        row.kind,
        f"**{value}**" if row.is_anchor else value,
        f"± {row.half_width:.2g}" if row.half_width > 0 else "",
        str(row.worlds or ""),
        gap,
        row.what,
    )
    return "| " + " | ".join(cells) + " |"
