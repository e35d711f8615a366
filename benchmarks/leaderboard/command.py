"""`python -m benchmarks leaderboard`: the results of the board as Markdown and as a page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from benchmarks.runner.ledger import USES_FILE
from benchmarks.store import BOARD_FOLDER
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import output
from twin_gym.errors import ConfigError, missing_extra
from twin_gym.files.places import check_file
from twin_gym.files.sealed import read_sealed
from twin_gym.files.whole import write_text

FRONT_FILE, TABLES_FILE, HTML_FILE = "LEADERBOARD.md", "leaderboard.md", "leaderboard.html"
_COMMIT_DIGITS = 10


def leaderboard(
    results: Annotated[Path, typer.Option(help="Folder of the results.")] = BOARD_FOLDER,
    out: Annotated[Path, typer.Option(help=f"Folder of {FRONT_FILE}.")] = Path(),
    family: Annotated[
        Literal["validation", "test"], typer.Option(help="validation: a preview of what was run.")
    ] = "test",
    reference: Annotated[
        str | None, typer.Option(help="Agent that all are compared with; else the best of each.")
    ] = None,
    smallest_difference: Annotated[
        float, typer.Option(min=0.0, help="Of interest, in points of the score.")
    ] = 0.5,
    resamples: Annotated[int, typer.Option(min=100, help="Of each bootstrap.")] = 2_000,
) -> None:
    """Write the leaderboard: LEADERBOARD.md, and beside the results leaderboard.md and .html.

    The HTML page needs no network and no other file. The machine, the commit and the date that they
    show are those of the runs: the same results give the same files on every machine.
    """
    # Loaded here: the other commands do without them.
    from benchmarks.leaderboard.build_summary import Made, summarise
    from benchmarks.leaderboard.collect import read_results
    from benchmarks.leaderboard.markdown import as_markdown, front_page
    from benchmarks.leaderboard.track_tables import Settings

    try:
        from benchmarks.leaderboard.html import as_html
    except ModuleNotFoundError as error:
        if error.name not in {"jinja2", "markupsafe"}:
            raise
        raise missing_extra("the leaderboard", "board") from error
    page, tables, front = results / HTML_FILE, results / TABLES_FILE, out / FRONT_FILE
    for path in (page, tables, front):
        check_file(path, makes_folder=True)
    collected = read_results(results, family)
    made = Made(
        **(entries_of_ledger(results / USES_FILE) if family == "test" else {}),
        machine="; ".join(sorted({one.machine for one in collected.results} - {""})),
        stale=collected.stale,
    )
    settings = Settings(family, reference, smallest_difference, resamples)
    summary = summarise(collected.results, settings, made)
    deliver(
        lambda: write_text(page, as_html(summary), makes_folder=True),
        lambda: write_text(tables, as_markdown(summary, HTML_FILE), makes_folder=True),
        lambda: write_text(
            front, front_page(summary, _link(page, out), _link(tables, out)), makes_folder=True
        ),
    )
    what = f"{len(summary.agents)} agents on {len(summary.tracks)} tracks"
    output().print(f"{front}, {tables} and {page}: {what}", soft_wrap=True)


def entries_of_ledger(path: Path) -> dict[str, Any]:
    """The entries of the ledger of test worlds that concern the results.

    Args:
        path: of the ledger; it need not exist.

    Returns:
        `commit`: those of all uses that ran a cell, `date`: of the last one, `uses`: how many.

    Raises:
        ConfigError: a line that is no entry of a ledger.
    """
    if not path.is_file():
        return {}
    lines = []
    for number, line in read_sealed(path):
        try:
            entry = json.loads(line)
            lines.append((str(entry["time_utc"]), entry["cells"], _commit(entry)))
            if not (lines[-1][0] + lines[-1][2]).isprintable():
                raise ValueError("texts that cannot be shown")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"{path.name}, line {number}, is no use of test worlds") from None
    ran = [(time, commit) for time, cells, commit in lines if cells]
    return {
        "commit": ", ".join(dict.fromkeys(commit for _, commit in ran)),
        "date": max((time for time, _ in ran), default="")[:10],
        "uses": len(lines),
    }


def _commit(entry: dict[str, Any]) -> str:
    commit = str(entry.get("commit") or "unknown")[:_COMMIT_DIGITS]
    return f"{commit} with changes" if entry.get("dirty") else commit


def _link(page: Path, folder: Path) -> str:
    return Path(os.path.relpath(page.resolve(), folder.resolve())).as_posix()
