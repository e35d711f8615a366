"""The summary as Markdown, for those who read the repository: a front page, and every table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.leaderboard.formatting import (
    NONE,
    ROOM,
    costs,
    counted,
    difference,
    digits_for,
    environment_name,
    number,
    p_value,
    reading,
    share_with_interval,
    to_learn,
    with_interval,
)
from benchmarks.leaderboard.room import room_of
from benchmarks.leaderboard.summary import AgentPage, Overall, Row, Summary, TrackPage

PAGE = "leaderboard.html"
_TRACK_HEADS = (
    "agent", "kind", "score", "IQM", "earned a second", "less the reference", "verdict", "seeds",
    "steps", "time", "core time", "parameters",
)  # fmt: skip


def front_page(summary: Summary, page: str, tables: str) -> str:
    """What each track leaves to win, and where all tables are.

    Args:
        summary: what it shows.
        page: where the HTML page lies, from the file that this becomes.
        tables: where the tables lie, likewise (see `as_markdown`).

    Returns:
        Text that ends with a newline.
    """
    parts = [*_head(summary, page)]
    parts.append(
        f"Every agent of every track, with costs and the commands that give the rows again: "
        f"[{tables}]({tables})."
    )
    parts.append(ROOM)
    for environment in summary.environments:
        parts.append(f"## {environment_name(environment)}")
        parts.append(f"`{environment}`")
        parts.append(_room_table(summary.tracks_of(environment)))
    if summary.untouched:
        parts.append("## Tracks without results")
        parts.append(_list(f"`{one.name}`: {escaped(one.reason)}" for one in summary.untouched))
    return "\n\n".join(parts) + "\n"


def as_markdown(summary: Summary, page: str = PAGE) -> str:
    """The whole board.

    Args:
        summary: what it shows.
        page: where the HTML page lies, from the file that this becomes.

    Returns:
        Text that ends with a newline.
    """
    parts = [*_head(summary, page)]
    for environment in summary.environments:
        parts.append(f"## {environment_name(environment)}")
        parts.append(f"`{environment}`")
        parts += _rooms(summary.tracks_of(environment))
        for table in summary.overall_of(environment):
            parts += _overall(table)
        for track in summary.tracks_of(environment):
            parts += _track(track)
    parts += _agents(summary.agents)
    if summary.untouched:
        parts.append("## Tracks without results")
        parts.append(_list(f"`{one.name}`: {escaped(one.reason)}" for one in summary.untouched))
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Text that neither HTML nor Markdown takes for anything but text, on one line."""
    for character in "\\`*_[]|#~":
        text = text.replace(character, "\\" + character)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return " ".join(text.split())


def _head(summary: Summary, page: str) -> Iterator[str]:
    about = summary.about
    yield "# Leaderboard"
    if about.family != "test":
        yield f"**A preview on {about.family} worlds; these are not the scores of the board.**"
    facts = [f"protocol: {about.protocol}", f"worlds: {about.family}"]
    facts += [f"commit: {about.commit}"] if about.commit else []
    facts += [f"date: {about.date}"] if about.date else []
    facts += [f"uses of the test worlds: {about.uses}"] if about.uses else []
    facts += [f"left out, of former versions of tracks: {about.stale}"] if about.stale else []
    facts += [f"machine: {about.machine}"] if about.machine else []
    facts.append("versions: " + ", ".join(f"{name} {version}" for name, version in about.versions))
    yield _list(escaped(one) for one in facts)
    yield reading(about)
    yield f"The same as a page to sort and to filter, with curves: [{page}]({page})."


def _rooms(pages: Sequence[TrackPage]) -> Iterator[str]:
    """A line a track: who leads, and how much is left."""
    yield "### What is left to win"
    yield ROOM
    yield _room_table(pages)


def _room_table(pages: Sequence[TrackPage]) -> str:
    rows = []
    for room in map(room_of, pages):
        left = with_interval(room.left) + ("" if room.is_proven else " (best known)")
        rows.append((escaped(room.track), _named(room.rule), _named(room.learner), left,
                     room.verdict))  # fmt: skip
    return _table(("track", "best rule", "best learner", "left", "in front"), rows)


def _named(row: Row | None) -> str:
    return NONE if row is None else f"{escaped(row.agent)} {with_interval(row.score)}"


def _overall(table: Overall) -> Iterator[str]:
    yield f"### Over {counted(len(table.tracks), 'track')}"
    yield ", ".join(f"`{name}`" for name in table.tracks) + (
        f". Improvement: how likely a run beats one of {escaped(table.reference)} on a track drawn "
        "at random."
    )
    rows = [
        (
            escaped(row.agent),
            row.kind,
            with_interval(row.mean),
            with_interval(row.iqm),
            NONE if row.improvement is None else share_with_interval(row.improvement),
        )
        for row in table.rows
    ]
    yield _table(("agent", "kind", "mean score", "IQM", "improvement"), rows)
    if table.absent:
        yield "Not compared here, as they lack results on some of these tracks: " + (
            ", ".join(f"{escaped(name)} ({missing})" for name, missing in table.absent) + "."
        )


def _track(page: TrackPage) -> Iterator[str]:
    digits = digits_for(page.bound_per_s)
    yield f"### {page.name}"
    yield (
        f"{escaped(page.title)} {counted(page.worlds, 'world')} a seed. "
        f"To learn: {to_learn(page)}. Reference: {escaped(page.reference)}."
    )
    rows = [_bound_cells(page, digits)]
    rows += [_cells(row, digits) for row in page.seers]
    rows += [_cells(row, digits) for row in page.rows]
    random_score, random = with_interval(page.random_score), page.random_per_s
    blank = [""] * (len(_TRACK_HEADS) - 5)
    rows.append(("*random*", "anchor", random_score, "", with_interval(random, digits), *blank))
    yield _table(_TRACK_HEADS, rows)
    yield from _bounds(page)
    if page.seers:
        names = ", ".join(escaped(row.agent) for row in page.seers)
        yield f"Not ranked, for it sees what is hidden from agents: {names}."
    if page.skipped:
        yield "Not here:"
        yield _list(f"{escaped(one.agent)}: {escaped(one.reason)}" for one in page.skipped)
    commands = "\n".join(row.command for row in page.rows)
    yield "<details><summary>Commands that give these rows again</summary>"
    yield f"```\n{commands}\n```"
    yield "</details>"


def _bound_cells(page: TrackPage, digits: int) -> tuple[str, ...]:
    blank = [""] * (len(_TRACK_HEADS) - 5)
    return ("*bound*", "anchor", "100.0", "", number(page.bound_per_s, digits), *blank)


def _bounds(page: TrackPage) -> Iterator[str]:
    """A line for each way the bounds were found."""
    lines = {f"{one.kind}: {one.proof}": None for one in page.anchors}
    yield "Bound: " + "; ".join(escaped(line) for line in lines)


def _cells(row: Row, digits: int) -> tuple[str, ...]:
    versus = row.versus
    return (
        escaped(row.agent),
        row.kind,
        with_interval(row.score) + (" **above the bound**" if row.above_bound else ""),
        number(row.iqm.estimate),
        with_interval(row.earned_per_s, digits),
        difference(row),
        "" if versus is None else f"{versus.verdict} ({p_value(versus.corrected_p)})",
        str(row.seeds),
        *costs(row.cost),
    )


def _agents(agents: Sequence[AgentPage]) -> Iterator[str]:
    yield "## Agents"
    rows = [
        (escaped(one.name), one.kind, escaped(one.description), str(len(one.entries)))
        for one in agents
    ]
    yield _table(("agent", "kind", "what", "tracks"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with numbers right-aligned and words left-aligned."""
    words = {"agent", "kind", "verdict", "what", "track", "best rule", "best learner", "in front"}
    rule = ["---" if head in words else "---:" for head in heads]
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]
    return "\n".join(lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {one}" for one in items)
