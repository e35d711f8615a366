"""How fast the historical store takes in and answers, on one core.

    python -m benchmarks.history_store             # some minutes
    python -m benchmarks.history_store --quick     # a tenth of the rows, a first idea

Method: telemetry of many properties at rising times, in committed batches (each synced to the
disk), into a new file; then questions drawn evenly over properties and times, each "the last value
at or before this time". Every line is the median of five, each on a store of its own for what
writes. CPU time is the process's; the clock's time is what one waits, disk and other work on the
machine included. `append` takes events, `append_columns` arrays; `value_as_of` answers one
question, `many_as_of` a batch of them.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import output, table
from twin_gym.console.tables import WholeTable
from twin_gym.files.places import check_file, check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario.loading import load
from twin_gym.twins.history import HistoryStore, Retention, open_store
from twin_gym.twins.realtime import Event

RESULT = Path(__file__).parent / "results" / "history_store.json"
REPETITIONS = 5
ROWS, QUICK_ROWS = 500_000, 50_000
NUM_CHANNELS = 1_000
BATCH_ROWS = 20_000
QUESTIONS, QUICK_QUESTIONS = 100_000, 10_000
INGEST_TARGET, AS_OF_TARGET = 200_000, 100_000

app = typer.Typer(add_completion=False)

Columns = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        what: what was measured.
        per_cpu_second: median of five.
        per_second: likewise, by the clock.
        target: what it should be at least; 0 where nothing was asked.
    """

    what: str
    per_cpu_second: float
    per_second: float
    target: int = 0


def telemetry(rows: int) -> Columns:
    """Channels (0 on), times and values, as sensors tell them: all of them, time after time."""
    rng = np.random.default_rng(0)
    channels = np.arange(rows, dtype=np.int64) % NUM_CHANNELS
    times_s = (np.arange(rows) // NUM_CHANNELS) * 0.01 + rng.uniform(0.0, 0.005, rows)
    return channels, times_s, rng.normal(size=rows)


def names() -> list[tuple[str, str]]:
    """Twins and properties of the channels."""
    return [(f"sensor/{i // 2}", "uplink_queue" if i % 2 else "load") for i in range(NUM_CHANNELS)]


def fresh(folder: Path, retention: Retention | None = None) -> tuple[HistoryStore, list[int]]:
    """A new store with an episode, and its channels."""
    path = folder / f"store-{time.monotonic_ns()}"
    store = open_store(path, retention=retention)
    store.begin_episode(load("tic-large-45"), 0)
    return store, [store.add_channel(twin, name) for twin, name in names()]


def ingest_columns(store: HistoryStore, ids: list[int], columns: Columns) -> None:
    """All rows, batch by batch, as arrays."""
    channels, times_s, values = columns
    known = np.array(ids)[channels]
    for first in range(0, len(known), BATCH_ROWS):
        part = slice(first, first + BATCH_ROWS)
        store.append_columns(known[part], times_s[part], values[part])


def ingest_events(store: HistoryStore, events: list[Event]) -> None:
    """All rows, batch by batch, as events."""
    for first in range(0, len(events), BATCH_ROWS):
        store.append(events[first : first + BATCH_ROWS])


def measured(
    what: str, count: int, prepare: Callable[[], Callable[[], object]], target: int = 0
) -> Line:
    """The median of five runs, each prepared out of sight."""
    cpu_s, wall_s = [], []
    for _ in range(REPETITIONS):
        run = prepare()
        clock, cpu = time.perf_counter(), time.process_time()
        run()
        cpu_s.append(time.process_time() - cpu)
        wall_s.append(time.perf_counter() - clock)
    cpu_median, wall_median = statistics.median(cpu_s), statistics.median(wall_s)
    return Line(what, count / cpu_median, count / wall_median, target)


def ingest_lines(folder: Path, columns: Columns) -> list[Line]:
    """Measures the rate of writing, in rows a second."""
    rows = len(columns[0])
    events = [
        Event(time_s, *name, value)
        for time_s, name, value in zip(
            columns[1].tolist(), [names()[c] for c in range(NUM_CHANNELS)] * (rows // NUM_CHANNELS),
            columns[2].tolist(), strict=True,
        )
    ]  # fmt: skip

    def as_columns(retention: Retention | None = None) -> Callable[[], object]:
        store, ids = fresh(folder, retention)
        return lambda: ingest_columns(store, ids, columns)

    def as_events() -> Callable[[], object]:
        store, _ = fresh(folder)
        return lambda: ingest_events(store, events)

    bounded = Retention(max_rows=max(rows // 2, 1))
    return [
        measured("append_columns, rows", rows, as_columns, INGEST_TARGET),
        measured("append, events", rows, as_events, INGEST_TARGET),
        measured("append_columns, half is kept, rows", rows, lambda: as_columns(bounded)),
    ]


def as_of_lines(folder: Path, columns: Columns, questions: int) -> list[Line]:
    """Measures the rate of queries, in answers a second."""
    store, ids = fresh(folder)
    ingest_columns(store, ids, columns)
    rng = np.random.default_rng(1)
    which = rng.integers(0, NUM_CHANNELS, questions)
    times_s = rng.uniform(0.0, columns[1].max(), questions)
    asked = [(*names()[c], t) for c, t in zip(which.tolist(), times_s.tolist(), strict=True)]
    ordered = sorted(asked)
    channels = np.array(ids)[which]

    def one_by_one(of: list[tuple[str, str, float]]) -> None:
        for twin, name, time_s in of:
            store.value_as_of(twin, name, time_s)

    answers = [store.value_as_of(*one) for one in asked]
    together = store.many_as_of(channels, times_s)
    same = [np.nan if one is None else float(one) for one in answers]
    if not np.array_equal(together, same, equal_nan=True):
        raise SystemExit("value_as_of and many_as_of differ: the store is wrong")
    few = max(questions // 2_000, 1)
    return [
        measured(
            "value_as_of, in order", questions, lambda: lambda: one_by_one(ordered), AS_OF_TARGET
        ),
        measured(
            "value_as_of, anywhere", questions, lambda: lambda: one_by_one(asked), AS_OF_TARGET
        ),
        measured(
            "many_as_of", questions, lambda: lambda: store.many_as_of(channels, times_s),
            AS_OF_TARGET,
        ),
        measured(
            "state_as_of, values", few * NUM_CHANNELS,
            lambda: lambda: [store.state_as_of(t) for t in times_s[:few].tolist()],
        ),
    ]  # fmt: skip


def lines_table(lines: list[Line]) -> WholeTable:
    """The lines for a terminal."""
    heads = ["what", "per CPU second", "per second of the clock", "asked"]
    made = table("historical store, one core, median of five", heads)
    for one in lines:
        target = f"{one.target:,}" if one.target else ""
        made.add_row(one.what, f"{one.per_cpu_second:,.0f}", f"{one.per_second:,.0f}", target)
    return made


@app.command(cls=ErrorReportingCommand)
def main(
    quick: Annotated[bool, typer.Option(help="a tenth of the rows and questions")] = False,
    output_file: Annotated[
        Path, typer.Option("--output", help="where the JSON result goes")
    ] = RESULT,
    folder: Annotated[Path | None, typer.Option(help="where the stores are made")] = None,
) -> None:
    """How fast the historical store takes in and answers, on one core."""
    check_file(output_file, [".json"], makes_folder=True)
    if folder is not None:
        check_folder(folder, with_parents=False)
    columns = telemetry(QUICK_ROWS if quick else ROWS)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        lines = ingest_lines(Path(place), columns)
        lines += as_of_lines(Path(place), columns, QUICK_QUESTIONS if quick else QUESTIONS)
    output().print(lines_table(lines))
    machine = {
        "machine": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "rows": len(columns[0]),
        "channels": NUM_CHANNELS,
        "batch_rows": BATCH_ROWS,
    }
    result = {"method": "median of five", **machine, "lines": [asdict(one) for one in lines]}
    write_text(output_file, json.dumps(result, indent=2) + "\n", makes_folder=True)


if __name__ == "__main__":
    app()
