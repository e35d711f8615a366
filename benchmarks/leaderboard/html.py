"""The summary as one page that works from a disk: no network, no file beside it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.leaderboard import formatting, pictures
from benchmarks.leaderboard.pictures import Axis
from benchmarks.leaderboard.room import room_of
from benchmarks.leaderboard.summary import AgentPage, Overall, Row, Summary, TrackPage

TEMPLATES = Path(__file__).with_name("templates")
_PAGE, _STYLE, _SCRIPT = "page.html.j2", "style.css", "script.js"
SHADES = 10

SORTS = {
    "score": "score",
    "iqm": "IQM",
    "earned": "earned a second",
    "difference": "difference",
    "steps": "steps",
    "seconds": "time",
    "core": "core time",
    "parameters": "parameters",
    "agent": "name",
}
"""The keys by which rows can be sorted: the word in the address, and its label."""


def as_html(summary: Summary) -> str:
    """The whole board.

    What comes from results is escaped by the template engine; the policy in the page's head allows
    no script and no style but the page's own, and no connection at all.

    Args:
        summary: what it shows.

    Returns:
        A document; the same for the same summary.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (_own(name) for name in (_STYLE, _SCRIPT))
    text = environment.get_template(_PAGE).render(
        board=summary,
        style=Markup(style),
        script=Markup(script),
        policy=_policy(style, script),
        kinds=_kinds(summary),
        sorts=SORTS,
        w=formatting,
        room_of=room_of,
        p=pictures,
        axis_of_track=axis_of_track,
        axis_of_agent=axis_of_agent,
        axis_of_means=axis_of_means,
        shade=shade,
        sort_values=sort_values,
    )
    return _without_blank_lines(text) + "\n"


def axis_of_track(page: TrackPage) -> Axis:
    """One scale for all rows of a track."""
    return Axis.over([row.score for row in page.rows] + [page.random_score])


def axis_of_agent(page: AgentPage) -> Axis:
    """One scale for all tracks of an agent."""
    return Axis.over(entry.row.score for entry in page.entries)


def axis_of_means(table: Overall) -> Axis:
    """One wide scale for a table over tracks."""
    return Axis.over((row.mean for row in table.rows), pictures.WIDE)


def shade(score: float) -> int:
    """The shade of a score: 0 for random and less, 10 for the bound and more.

    Example:
        >>> shade(-3.0), shade(54.0), shade(101.0)
        (0, 5, 10)
    """
    return int(max(0.0, min(100.0, score)) / 100.0 * SHADES)


def sort_values(row: Row) -> dict[str, Any]:
    """Numbers that rows are sorted by, in full; those that a row lacks are left out."""
    values: dict[str, Any] = {
        "score": row.score.estimate,
        "iqm": row.iqm.estimate,
        "earned": row.earned_per_s.estimate,
        "steps": row.cost.steps,
        "seconds": row.cost.seconds,
        "core": row.cost.core_seconds,
        "parameters": row.cost.parameters,
    }
    if row.versus is not None:
        values["difference"] = row.versus.difference.estimate
    elif row.is_reference:
        values["difference"] = 0.0
    return values


def _kinds(summary: Summary) -> list[str]:
    """Kinds on the board, in the order of the shapes."""
    there = {one.kind for one in summary.agents}
    return [kind for kind in pictures.SHAPES if kind in there]


def _own(name: str) -> str:
    """A file of the page as it stands between its tags; its hash is of exactly this text."""
    return _without_blank_lines((TEMPLATES / name).read_text("utf-8"))


def _without_blank_lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n") if line.strip())


def _policy(style: str, script: str) -> Markup:
    """The content security policy: only scripts and styles with these hashes."""
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in (("style", style), ("script", script))
    }
    parts = ["default-src 'none'", "base-uri 'none'", "form-action 'none'"]
    parts += [f"{name}-src 'sha256-{value}'" for name, value in hashes.items()]
    return Markup("; ".join(parts))
