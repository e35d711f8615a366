"""One run of the board from the plan to the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rich.console import Console

from benchmarks.cell import Cell, Result
from benchmarks.runner.display import Display
from benchmarks.runner.engine_base import FAILURE_FILE, Engine
from benchmarks.runner.ledger import write_down
from benchmarks.runner.plan import Plan, Selection, Skipped, plan
from benchmarks.store import CELLS_FOLDER, Store, Writer
from twin_gym.errors import ConfigError

SUCCESS, FAILURE, INTERRUPTED = 0, 1, 130


@dataclass
class Recorder:
    """Keeps every result at once, remembers what failed, and passes all on to the display."""

    writer: Writer
    display: Display
    failures: dict[Cell, str] = field(default_factory=dict)

    def stage(self, cell: Cell, what: str, share: float) -> None:
        """See `Listener`."""
        self.display.stage(cell, what, share)

    def done(self, result: Result) -> None:
        """Adds it to the store; one that the store refuses is a failure."""
        try:
            self.writer.append(result)
        except ConfigError as error:
            self.failed(result.cell, str(error))
            return
        self.display.end(result.cell)

    def failed(self, cell: Cell, reason: str) -> None:
        """Says so at once; it is said again at the end."""
        self.failures[cell] = reason
        self.display.say(_failure(cell, reason), style="red")
        self.display.end(cell)

    def tick(self) -> None:
        """See `Listener`."""
        self.display.tick()


def run_board(
    asked: Selection,
    store: Store,
    engine: Engine,
    console: Console,
    *,
    why: str = "",
    again: bool = False,
) -> int:
    """Runs what is wanted and not done, and says what became of it.

    Cells on test worlds are written into the ledger of the store before the first one is run.

    Args:
        asked: the cells.
        store: of the results.
        engine: who runs them.
        console: where it is shown.
        why: the reason for a use of the test worlds.
        again: whether results that are there are removed first.

    Returns:
        The exit code: 0, 1 if a cell failed, 130 after Ctrl-C.

    Raises:
        ConfigError: if another process is writing to the store.
    """
    with store.writing() as writer:
        if again:
            writer.forget(
                cell for t in asked.tracks for a in asked.agents for cell in asked.cells(t, a)
            )
        planned = plan(asked, store.current())
        _tell_plan(planned, console)
        if not planned.todo:
            writer.tidy()
            return SUCCESS
        if asked.family != "validation":
            write_down(store.folder, asked, planned, why)
        with Display(console, planned.seconds) as display:
            recorder = Recorder(writer, display)
            try:
                engine.run(planned.todo, recorder)
            except KeyboardInterrupt:
                display.say(
                    "stopped; every cell that was finished is kept, and the same command goes on "
                    "with the rest",
                    style="yellow",
                )
                return INTERRUPTED
        writer.tidy()
    return _tell_end(planned, recorder.failures, store, console)


def _tell_plan(planned: Plan, console: Console) -> None:
    for line in skipped_lines(planned.skipped):
        _say(console, f"skipped: {line}", "dim")
    _say(console, f"{len(planned.todo)} cells to run, {len(planned.done)} done before")


def skipped_lines(skipped: Sequence[Skipped]) -> list[str]:
    """The skipped tracks with reasons; an agent's tracks with one reason share a line."""
    tracks: dict[tuple[str, str], list[str]] = {}
    for one in skipped:
        reason = one.reason.partition("\n")[0]
        for name in (f"{one.track!r}", one.track):  # reasons that differ in the track alone
            reason = reason.replace(name, "the scenario")
        tracks.setdefault((one.agent, reason), []).append(one.track)
    return [f"{agent} on {', '.join(names)}: {reason}" for (agent, reason), names in tracks.items()]


def _tell_end(planned: Plan, failures: dict[Cell, str], store: Store, console: Console) -> int:
    count = len(planned.todo) - len(failures)
    _say(console, f"{count} cells run, {len(failures)} failed; results in {store.path}")
    for cell, reason in sorted(failures.items()):
        _say(console, _failure(cell, reason), "red")
    if failures:
        where = store.folder / CELLS_FOLDER
        _say(console, f"tracebacks: {where}/<track>/<agent>/<seed>/{FAILURE_FILE}")
        return FAILURE
    return SUCCESS


def _failure(cell: Cell, reason: str) -> str:
    return f"failed: {cell.agent} on {cell.track}, seed {cell.seed}: {reason}"


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
