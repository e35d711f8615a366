"""The display of a run: progress bars in a terminal, otherwise a line from time to time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID

from benchmarks.cell import Cell
from twin_gym.console.sanitising import LiteralColumn

SECONDS_BETWEEN_LINES = 15.0
_TRAINED = 0.9  # of a cell that trains, when it begins to be tested
_LEAST_SHARE = 0.01  # before it, no time left is told


@dataclass
class _Running:
    """A cell that is being run."""

    began_s: float
    task: TaskID
    what: str = "starting"
    share: float = 0.0
    trains: bool = False

    def update(self, what: str, share: float) -> None:
        """Shares of training and testing become one of the whole cell."""
        self.what = what
        if what == "training":
            self.trains = True
            self.share = _TRAINED * share
        elif self.trains:
            self.share = _TRAINED + (1 - _TRAINED) * share
        else:
            self.share = share


class Display:
    """Bars of the whole and of each running cell, with the time left; a context."""

    def __init__(
        self,
        console: Console,
        seconds: Mapping[Cell, float],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begins to show.

        Args:
            console: where; without a terminal, lines are written instead of bars.
            seconds: the cells, and how long each is expected to take: weights of the whole.
            clock_s: tells the time.
        """
        self._console = console
        self._seconds = seconds
        self._clock_s = clock_s
        self._began_s = self._last_line_s = clock_s()
        self._running: dict[Cell, _Running] = {}
        self._ended = 0
        self._ended_weight = 0.0
        self._bars = Progress(
            LiteralColumn("{task.description:38}"),
            LiteralColumn("{task.fields[what]:>12}"),
            BarColumn(bar_width=24),
            LiteralColumn("{task.percentage:>3.0f} %"),
            LiteralColumn("{task.fields[left]:>12}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._whole = self._bars.add_task("all cells", total=1.0, what="", left="")

    def __enter__(self) -> Display:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def stage(self, cell: Cell, what: str, share: float) -> None:
        """A cell is being run; "starting" begins it anew."""
        if what == "starting":
            self._drop(cell)
        if cell not in self._running:
            task = self._bars.add_task(_name(cell), total=1.0, what=what, left="")
            self._running[cell] = _Running(self._clock_s(), task)
        one = self._running[cell]
        one.update(what, share)
        left = in_words(_left_s(self._clock_s() - one.began_s, one.share))
        self._bars.update(one.task, completed=one.share, what=what, left=left)
        self._update_whole()

    def end(self, cell: Cell) -> None:
        """A cell is over."""
        self._drop(cell)
        self._ended += 1
        self._ended_weight += self._seconds.get(cell, 0.0)
        self._update_whole()

    def say(self, text: str, style: str = "") -> None:
        """Writes a line above the bars."""
        self._console.print(text, style=style, markup=False, highlight=False)

    def tick(self) -> None:
        """Writes a line where there are no bars and the last one is long ago."""
        now_s = self._clock_s()
        if self._console.is_terminal or now_s - self._last_line_s < SECONDS_BETWEEN_LINES:
            return
        self._last_line_s = now_s
        self.say(self.line())

    def line(self) -> str:
        """The state of the run in one line."""
        running = "; ".join(
            f"{_name(cell)}: {one.what} {one.share:.0%}" for cell, one in self._running.items()
        )
        left = in_words(_left_s(self._clock_s() - self._began_s, self.share))
        return f"{self._ended} of {len(self._seconds)} cells, {left or 'time left unknown'}" + (
            f" ({running})" if running else ""
        )

    @property
    def share(self) -> float:
        """Of the expected time of all cells, what is behind us."""
        total = sum(self._seconds.values())
        running = sum(
            one.share * self._seconds.get(cell, 0.0) for cell, one in self._running.items()
        )
        return (self._ended_weight + running) / total if total > 0 else 1.0

    def _drop(self, cell: Cell) -> None:
        one = self._running.pop(cell, None)
        if one is not None:
            self._bars.remove_task(one.task)

    def _update_whole(self) -> None:
        left = in_words(_left_s(self._clock_s() - self._began_s, self.share))
        count = f"{self._ended}/{len(self._seconds)}"
        self._bars.update(self._whole, completed=self.share, what=count, left=left)


def in_words(seconds: float | None) -> str:
    """A time that is left, such as `2 min left`; "" where it is not known."""
    if seconds is None:
        return ""
    for unit, name in ((3600.0, "h"), (60.0, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name} left"
    return f"{seconds:.0f} s left"


def _left_s(spent_s: float, share: float) -> float | None:
    return None if share < _LEAST_SHARE else spent_s * (1 - share) / share


def _name(cell: Cell) -> str:
    return f"{cell.track} {cell.agent} seed {cell.seed}"
