"""The commands `claim` and `verify` of `python -m benchmarks`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from twin_gym.console.printing import output, table
from twin_gym.errors import ConfigError
from twin_gym.files.places import check_folder

if TYPE_CHECKING:  # loaded when a command runs: `--help` is quick
    from benchmarks.submissions.contestant import SubmittedAgent
    from benchmarks.submissions.manifest import Claim
    from benchmarks.submissions.running import Limits
    from benchmarks.submissions.verifying import OnCell, Row

EQUAL, DIFFERENT, EQUAL_IN_SCORE = 0, 1, 3
_LEAST_WHY = 3

Folder = Annotated[Path, typer.Argument(help="Of the submission, with its agent.toml.")]
Memory = Annotated[float, typer.Option(min=0.25, help="GiB of address space of its process.")]
Seconds = Annotated[float, typer.Option(min=1.0, help="That a track and seed may take.")]


def claim(
    folder: Folder,
    tracks: Annotated[
        str, typer.Option(help="Names with commas between; else all of agent.toml.")
    ] = "",
    seeds: Annotated[int, typer.Option(min=2, max=100, help="How many of each track.")] = 10,
    memory_gib: Memory = 8.0,
    cell_seconds: Seconds = 900.0,
) -> None:
    """Run a submission on validation worlds and write what it earns into its agent.toml.

    Code is run on this machine, as you: claim what is yours, and `verify` what is not.
    """
    from benchmarks.submissions.verifying import make_claims

    names = [name.strip() for name in tracks.split(",") if name.strip()]
    console = output()
    limits = _limits(memory_gib, cell_seconds)
    with _progress(console) as tell:
        make_claims(folder, names, seeds, limits, tell, lambda made: _show_claims(made, console))


def _show_claims(made: Sequence[Claim], console: Console) -> None:
    shown_table = table(None, ["track", "score", "95 % interval", "seeds"])
    for one in made:
        interval = f"{one.low:.2f} to {one.high:.2f}"
        shown_table.add_row(one.track, f"{one.score:.2f}", interval, str(len(one.seeds)))
    console.print(shown_table)


def verify(
    folder: Folder,
    run_code: Annotated[
        bool, typer.Option("--run-code", help="Run its code here, as you; read it before.")
    ] = False,
    family: Annotated[
        Literal["validation", "test"],
        typer.Option(help="test: what is verified is then tested, and the use written down."),
    ] = "validation",
    why: Annotated[str, typer.Option(help="What a use of the test worlds is for.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the ledger; else benchmarks/results/board.")
    ] = None,
    memory_gib: Memory = 8.0,
    cell_seconds: Seconds = 900.0,
) -> None:
    """Run what a submission claims again, and compare scores and trajectories.

    Exit code 0: all equal to the last bit. 3: equal in score, where packages or the processor are
    others. 1: something differs, or the agent failed. 2: the folder is refused, its code is not
    agreed to, or something that scores depend on changed while it ran.
    """
    from benchmarks.submissions.contestant import held
    from benchmarks.submissions.verifying import rows_of

    if family == "test" and len(why.strip()) < _LEAST_WHY:
        raise ConfigError("say with --why what this use of the test worlds is for")
    if family == "test" and out is not None:
        check_folder(out)
    console = output()
    with held(folder, _limits(memory_gib, cell_seconds)) as contestant:
        if contestant.manifest.kind == "code":
            _agree(run_code, console)
        _tell_checkout(console)
        with _progress(console) as tell:
            rows = rows_of(contestant, tell)
        code = _show(rows, console)
        if code != DIFFERENT and family == "test":
            _test(contestant, out, why, console)
    raise typer.Exit(code)


def _agree(run_code: bool, console: Console) -> None:
    """Code of others is run where somebody says so, after what it could do was said."""
    from benchmarks.submissions.running import confinement

    if not run_code and not _somebody_is_there():
        raise ConfigError(
            "this submission is code, and `verify` would run it as you on this machine: read it "
            "and add --run-code, or run it in a container (see docs/submitting.md)"
        )
    _say(console, confinement(), "dim")
    if not run_code and not typer.confirm("Run the code of this submission, as you, here?"):
        raise ConfigError("nothing was run: the code of the submission was not agreed to")


def _somebody_is_there() -> bool:
    """Whether a user is at the terminal to answer."""
    return sys.stdin.isatty()


def _tell_checkout(console: Console) -> None:
    """Scores are those of this checkout, so that its changes are said."""
    from benchmarks.runner.ledger import changed_files

    changed = changed_files()
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        what = f"not as in the commit of this checkout: {changed[0]}{more}"
        _say(console, f"{what}; the scores are those of the files as they are", "yellow")


def _show(rows: list[Row], console: Console) -> int:
    """A table, the reasons below it, and the verdict in a sentence."""
    made = table(None, ["track", "seed", "claimed", "found", "equal?"], wrapped=4)
    for row in rows:
        made.add_row(
            row.track,
            "all" if row.seed is None else str(row.seed),
            f"{row.claimed:.4f}",
            "-" if row.measured is None else f"{row.measured:.4f}",
            {"equal": "yes", "equal in score": "in score"}.get(row.verdict, row.verdict),
            end_section=row.seed is None,
        )
    console.print(made)
    for row in rows:
        if row.reason:
            what = "all seeds" if row.seed is None else f"seed {row.seed}"
            _say(console, f"{row.track}, {what}: {row.verdict}: {row.reason}")
    verdicts = {row.verdict for row in rows}
    if verdicts <= {"equal"}:
        _say(console, "reproduced to the last bit", "green")
        return EQUAL
    if verdicts <= {"equal", "equal in score"}:
        _say(console, "reproduced in score, not to the bit", "yellow")
        return EQUAL_IN_SCORE
    _say(console, "not reproduced", "red")
    return DIFFERENT


def _test(contestant: SubmittedAgent, out: Path | None, why: str, console: Console) -> None:
    """Scores on test worlds, kept for the leaderboard; the use is written down beforehand."""
    from benchmarks.cell import Cell
    from benchmarks.runner.ledger import write_down
    from benchmarks.runner.plan import Plan, Selection
    from benchmarks.store import BOARD_FOLDER, Store
    from benchmarks.submissions.ground import unchanged
    from benchmarks.submissions.verifying import mean_of, run
    from benchmarks.tracks import track_named

    store = Store(BOARD_FOLDER if out is None else out)
    made = table(None, ["track", "score on test worlds", "95 % interval", "seeds"])
    try:
        with store.writing() as writer, _progress(console) as tell:
            for one in contestant.manifest.claims:
                seeds = range(len(one.seeds))
                asked = Selection((one.track,), (contestant.name,), seeds, "test")
                todo = tuple(Cell(one.track, contestant.name, seed, "test") for seed in seeds)
                write_down(store.folder, asked, Plan(todo, {}, (), ()), why)
                with unchanged([track_named(one.track)], contestant.files):
                    results = run(contestant, one.track, len(seeds), "test", tell)
                mean = mean_of(results)
                interval = f"{mean.low:.2f} to {mean.high:.2f}"
                made.add_row(one.track, f"{mean.estimate:.2f}", interval, str(len(seeds)))
                writer.forget(todo)  # of what the folder held before
                for result in results:
                    writer.append(result)
    finally:  # what was found is shown where it cannot be kept, too
        if made.row_count:
            console.print(made)


def _limits(memory_gib: float, cell_seconds: float) -> Limits:
    from benchmarks.submissions.running import Limits

    return Limits(memory_bytes=round(memory_gib * 2**30), cell_s=cell_seconds)


@contextmanager
def _progress(console: Console) -> Iterator[OnCell]:
    """Says which cell is run, where somebody looks on."""
    with console.status("checking the folder") as status:
        yield lambda cell: status.update(f"{cell.track}, seed {cell.seed}, {cell.family} worlds")


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
