"""Which cells are run, what is seen of them, and what happens when something goes wrong."""

import contextlib
import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.cell import Cell, run_cell
from benchmarks.protocol import Track
from benchmarks.runner import ledger
from benchmarks.runner.board import FAILURE, INTERRUPTED, SUCCESS, run_board
from benchmarks.runner.display import Display
from benchmarks.runner.engine_base import FAILURE_FILE
from benchmarks.runner.local import LocalEngine
from benchmarks.runner.plan import plan, selection_of
from benchmarks.store import Store
from benchmarks.submissions.supervisor import descendants
from tests.benchmarks.processes import alive
from tests.benchmarks.runner_cases import (
    ASKED,
    CELLS,
    InProcess,
    Troubled,
    fake,
    run_fake,
    without_times,
)
from twin_gym.errors import ConfigError

ROOT = Path(__file__).parents[2]
QUICK = "service-calibrated"
ON_TEST_WORLDS = replace(ASKED, family="test")


def silent() -> Console:
    """Writes to a string, without a terminal."""
    return Console(file=io.StringIO(), width=200)


def text_of(console: Console) -> str:
    """The text that a console wrote."""
    return console.file.getvalue()


# Which cells


def test_the_plan_leaves_out_what_is_done():
    """And nothing else."""
    done = {cell: fake(cell) for cell in CELLS[:5]}
    made = plan(ASKED, done)
    assert set(made.todo) == set(CELLS[5:])
    assert set(made.done) == set(CELLS[:5])


def test_long_cells_come_first():
    """As long as they took before, else as long as they may take; a test does not train again."""
    asked = selection_of("density,random,a2c", "teletraffic-small,contention", 2, 0, "validation")
    begin = plan(asked, {})
    assert [cell.agent for cell in begin.todo[:4]] == ["a2c"] * 4
    seconds = [begin.seconds[cell] for cell in begin.todo]
    assert seconds == sorted(seconds, reverse=True)
    slow = Cell("teletraffic-small", "density", 0)
    after = plan(asked, {slow: fake(slow, seconds=1e6)})
    assert after.todo[0] == Cell("teletraffic-small", "density", 1)
    tested = plan(replace(asked, family="test"), {slow: fake(slow, seconds=1e6)})
    assert tested.todo[-1].agent == "density"


def test_agents_and_tracks_that_cannot_be_run_are_skipped_with_the_reason(monkeypatch, tmp_path):
    """An agent that takes no part, a trace that is absent: no error."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    asked = selection_of("optimum,density", "mild,service-trace", 1, 0, "validation")
    monkeypatch.setattr(
        Track, "unavailable", lambda track: "no trace" if track.name == "service-trace" else None
    )
    console = silent()
    store = Store(tmp_path)
    assert run_board(asked, store, InProcess(folder=tmp_path / "x"), console) == SUCCESS
    assert [cell.agent for cell in store.current()] == ["density"]
    assert "skipped: all on service-trace: no trace" in text_of(console)
    assert "skipped: optimum on mild: the exact optimal policy" in text_of(console)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dnsity", "mild", 1, 0), "did you mean 'density'"),
        (("density", "mildd", 1, 0), "did you mean 'mild'"),
        (("density", "mild", 5, 998), "seeds of a board are 0 to 999"),
        ((" ,", "mild", 1, 0), "no name is given"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(words, said):
    """Before anything is run."""
    with pytest.raises(ConfigError, match=said):
        selection_of(*words, "validation")


def test_names_are_read_once_each_and_all_is_everything():
    """In the order given."""
    assert selection_of("fifo,density,fifo", "mild", 1, 0, "test").agents == ("fifo", "density")
    assert "contention" in selection_of("fifo", "all", 1, 0, "test").tracks


# What becomes of them


def test_a_run_is_kept_whole_and_not_done_twice(tmp_path):
    """The second run finds everything done; with `again` it does it anew."""
    store, engine = Store(tmp_path), InProcess(folder=tmp_path / "x")
    assert run_board(ASKED, store, engine, silent()) == SUCCESS
    assert store.current() == {cell: fake(cell) for cell in CELLS}
    assert len(engine.cells) == len(CELLS)
    content = store.path.read_bytes()
    assert run_board(ASKED, store, engine, silent()) == SUCCESS
    assert len(engine.cells) == len(CELLS)
    assert run_board(ASKED, store, engine, silent(), again=True) == SUCCESS
    assert len(engine.cells) == 2 * len(CELLS)
    assert store.path.read_bytes() == content


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path):
    """With the exit code that shells give."""

    class Interrupted(InProcess):
        def run(self, cells, listener):
            super().run(cells[:3], listener)
            raise KeyboardInterrupt

    console, store = silent(), Store(tmp_path)
    assert run_board(ASKED, store, Interrupted(folder=tmp_path / "x"), console) == INTERRUPTED
    assert "the same command goes on" in text_of(console)
    assert len(store.current()) == 3


def test_a_result_that_the_store_refuses_is_a_failure(tmp_path):
    """Here one of another version of its track."""

    def other(cell, folder, on_stage):
        return replace(fake(cell), track_digest="1" * 16)

    console = silent()
    assert run_board(ASKED, Store(tmp_path), InProcess(other), console) == FAILURE
    assert "another version of the track" in text_of(console)


@pytest.mark.slow
def test_trouble_of_some_cells_does_not_stop_the_others(tmp_path):
    """Errors, exit() and kills are reported with their reason; a single kill is made good."""
    asked = selection_of("random,fifo,density,max-revenue,a2c,clone", "mild", 1, 0, "validation")
    function = Troubled("random", "fifo", "density", dying_once="max-revenue", dying="a2c")
    store, console = Store(tmp_path), silent()
    code = run_board(asked, store, LocalEngine(function, store.folder_of, 2), console)
    assert code == FAILURE
    assert {cell.agent for cell in store.current()} == {"max-revenue", "clone"}
    end = text_of(console).rpartition("cells run")[2]
    for line in (
        "failed: random on mild, seed 0: not with me",
        "failed: fifo on mild, seed 0: ZeroDivisionError: by nothing",
        "failed: density on mild, seed 0: SystemExit: 3",
        "failed: a2c on mild, seed 0: its process died 2 times (killed by SIGKILL)",
    ):
        assert line in end
    trace = store.folder_of(Cell("mild", "fifo", 0)) / FAILURE_FILE
    assert "ZeroDivisionError" in trace.read_text()
    assert run_board(asked, store, LocalEngine(run_fake, store.folder_of, 1), silent()) == SUCCESS
    assert len(store.current()) == 6
    assert not trace.exists()
    assert (trace.parent / "threads.txt").read_text() == "1"


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_with_the_very_same_file(tmp_path):
    """Killed while starting and after one more cell, then by Ctrl-C: the fourth run ends it."""
    command = [sys.executable, "-m", "tests.benchmarks.runner_cases", str(tmp_path / "killed")]
    store = Store(tmp_path / "killed")
    for num_kept, by, code in (
        (0, signal.SIGKILL, -signal.SIGKILL),
        (1, signal.SIGKILL, -signal.SIGKILL),
        (2, signal.SIGINT, INTERRUPTED),
        (None, None, SUCCESS),
    ):
        before = set(store.current())
        words = [] if by is None else ["held"]
        with subprocess.Popen(
            [*command, *words], cwd=ROOT, text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            announced = list(itertools.islice(process.stdout, num_kept))
            if by == signal.SIGKILL:
                process.kill()
            elif by is not None:
                os.killpg(process.pid, by)  # as a terminal does: workers hear it too
            announced += process.stdout.readlines()  # ends when no worker is left that could write
            errors = process.stderr.read()
        assert process.returncode == code, errors
        assert "Traceback" not in errors
        after = set(store.current())
        assert before <= after
        # A kill may come after a line was written and before it was told.
        assert len(announced) <= len(after - before) <= len(announced) + 1
    whole = Store(tmp_path / "whole")
    run_board(ASKED, whole, InProcess(folder=tmp_path / "x"), silent())
    assert store.path.read_bytes() == whole.path.read_bytes()


@pytest.mark.slow
def test_workers_go_with_a_run_that_is_killed(tmp_path):
    """Even in the middle of a cell that never ends: the next run would meet them in its folder."""
    words = [sys.executable, "-m", "tests.benchmarks.runner_cases", str(tmp_path), "endless"]
    with subprocess.Popen(
        words, cwd=ROOT, text=True, start_new_session=True, stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout.readline() == "begun\n"
            process.kill()
            process.communicate(timeout=60)  # until nobody is left that could write
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 2])
def test_workers_that_still_import_go_with_a_run_that_is_killed(part, tmp_path):
    """At once, whatever they were importing: they watch before they import."""
    words = [sys.executable, "-m", "tests.benchmarks.runner_cases", str(tmp_path), "endless"]
    with subprocess.Popen(
        words, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL
    ) as process:
        try:
            deadline_s = time.monotonic() + 60.0
            while len(workers := descendants(process.pid)) < 2:
                assert time.monotonic() < deadline_s
                time.sleep(0.01)
            time.sleep(0.15 * part)
            process.kill()
            process.wait()
            killed_s = time.monotonic()
            while alive(workers):
                assert time.monotonic() < killed_s + 1.5
                time.sleep(0.01)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


# The ledger


def uses(folder: Path) -> list[dict]:
    """Lines of the ledger."""
    path = folder / ledger.USES_FILE
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_use_of_the_test_worlds_is_written_down_before_it_begins(tmp_path):
    """A run on validation worlds is not; neither is a test with nothing left to test."""
    store, seen = Store(tmp_path), []

    def looking(cell, folder, on_stage):
        seen.append(len(uses(tmp_path)))
        return fake(cell)

    run_board(ASKED, store, InProcess(looking), silent())
    assert not uses(tmp_path)
    assert set(seen) == {0}
    seen.clear()
    run_board(ON_TEST_WORLDS, store, InProcess(looking), silent(), why="first look")
    assert set(seen) == {1}
    run_board(ON_TEST_WORLDS, store, InProcess(looking), silent(), why="nothing is missing")
    more = replace(ON_TEST_WORLDS, seeds=range(4))
    run_board(more, store, InProcess(looking), silent(), why="another seed")
    assert [line["why"] for line in uses(tmp_path)] == ["first look", "another seed"]
    assert uses(tmp_path)[1]["seeds"] == [0, 1, 2, 3]
    assert uses(tmp_path)[1]["cells"] == 6
    assert len(store.current()) == len(CELLS) + 24


def test_the_ledger_says_what_ran_and_not_where(tmp_path):
    """Protocol, agents, tracks, commit and versions; no host and no path."""
    run_board(ON_TEST_WORLDS, Store(tmp_path), InProcess(), silent(), why="look")
    (line,) = uses(tmp_path)
    assert line["agents"] == ["random", "fifo", "density"]
    assert line["versions"].keys() >= {"numpy", "torch", "twin-gym"}
    assert line["time_utc"].endswith("+00:00")
    text = json.dumps(line)
    assert os.uname().nodename not in text.replace('"test', "")
    assert str(tmp_path) not in text
    assert str(ROOT) not in text


def test_commit_and_changes_of_a_checkout_are_told(tmp_path):
    """Published results are no change; where there is no git, nothing is said."""
    assert ledger.commit_of(tmp_path / "none") == (None, None)

    def git(*words):
        subprocess.run(
            ["git", "-C", tmp_path, "-c", "user.name=x", "-c", "user.email=x@y", *words],
            check=True,
            capture_output=True,
        )

    git("init")
    (tmp_path / "code.py").write_text("1\n")
    git("add", "code.py")
    git("commit", "-m", "one")
    commit, dirty = ledger.commit_of(tmp_path)
    assert (len(commit), dirty) == (40, False)
    results = tmp_path / "benchmarks" / "results"
    results.mkdir(parents=True)
    (results / "results.jsonl").write_text("new\n")
    assert ledger.commit_of(tmp_path) == (commit, False)
    (tmp_path / "code.py").write_text("2\n")
    assert ledger.commit_of(tmp_path) == (commit, True)


# What is seen


def test_time_left_follows_the_weights_of_the_cells():
    """A cell of 30 s half tested and one of 10 s done are 25 of 40 s."""
    now_s = 0.0
    long, short = CELLS[:2]
    display = Display(silent(), {long: 30.0, short: 10.0}, lambda: now_s)
    display.stage(long, "starting", 0.0)
    display.stage(short, "starting", 0.0)
    assert "time left unknown" in display.line()
    now_s = 25.0
    display.stage(long, "testing", 0.5)
    display.end(short)
    assert display.share == pytest.approx(25 / 40)
    assert display.line().startswith("1 of 2 cells, 15 s left (mild random seed 0: testing 50%")


def test_training_is_the_larger_part_of_a_cell_that_trains():
    """The share never goes back when the testing begins; it does when a cell is begun anew."""
    display = Display(silent(), {CELLS[0]: 1.0})
    shares = []
    for what, share in (("starting", 0), ("training", 0.5), ("training", 1), ("testing", 0.5)):
        display.stage(CELLS[0], what, share)
        shares.append(display.share)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(0.95)
    display.stage(CELLS[0], "starting", 0.0)
    assert display.share == 0.0


def test_without_a_terminal_a_line_is_written_now_and_then():
    """Not at every tick."""
    now_s = 0.0
    console = silent()
    display = Display(console, {CELLS[0]: 1.0}, lambda: now_s)
    for now_s in range(60):  # noqa: B007 - the display reads it
        display.tick()
    assert text_of(console).count("0 of 1 cells") == 3


def test_a_terminal_shows_a_bar_for_each_running_cell_and_one_for_all():
    """With stage and share."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with Display(console, {CELLS[0]: 1.0, CELLS[1]: 1.0}) as display:
        display.stage(CELLS[0], "training", 0.5)
        display.stage(CELLS[1], "testing", 0.25)
    shown = text_of(console)
    for part in ("all cells", "0/2", "mild random seed 0", "training", "45 %", "25 %"):
        assert part in shown


# The commands


def test_status_shows_what_is_done_and_what_is_missing(tmp_path):
    """By track and agent, with the seeds."""
    some = [cell for cell in CELLS if cell.agent != "random"][:-2]
    store = Store(tmp_path)
    with store.writing() as writer:
        for cell in some:
            writer.append(fake(cell))
    words = "--agents random,fifo,density --tracks mild,contention --seeds 3 --out"
    shown = CliRunner().invoke(app, ["status", *words.split(), str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    rows = [" ".join(line.replace("│", " ").split()) for line in shown.output.splitlines()]
    assert "mild random 0/3 0/3" in rows
    assert "fifo 3/3 0/3" in rows
    assert "density 1/3 0/3 run 1-2" in rows


def test_status_is_a_row_for_each_track_unless_agents_are_asked_for(tmp_path):
    """`--all` names the agents."""
    store = Store(tmp_path)
    with store.writing() as writer:
        writer.append(fake(Cell("mild", "density", 0)))
    words = ["status", "--seeds", "1", "--out", str(tmp_path)]
    shown = CliRunner().invoke(app, words).output
    (mild,) = [line.split() for line in shown.splitlines() if line.startswith("mild ")]
    assert mild[2:] == [f"1/{mild[1]}", f"0/{mild[1]}"]
    assert "density" not in shown
    assert len(shown.splitlines()) < 50
    everything = CliRunner().invoke(app, [*words, "--all"]).output
    assert "density" in everything
    assert "skipped: density on " in everything


def test_unknown_names_end_the_command_with_the_nearest_one(tmp_path):
    """In one line, with the exit code of a refused request."""
    words = ["run", "--agents", "densty", "--out", str(tmp_path)]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "did you mean 'density'?" in done.stderr


def test_a_test_without_a_reason_is_refused(tmp_path):
    """The ledger is for people."""
    words = ["test", "--why", " ", "--out", str(tmp_path)]
    assert "--why" in CliRunner().invoke(app, words).stderr


@pytest.mark.slow
def test_real_cells_are_run_then_tested_by_the_commands(tmp_path):
    """In processes as in this one, to the last bit; on other worlds, with a line in the ledger."""
    common = ["--tracks", QUICK, "--seeds", "1", "--out", str(tmp_path)]
    words = ["run", "--agents", "density,random", "--jobs", "2", *common]
    command = [sys.executable, "-m", "benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == SUCCESS, done.stderr
    assert "0 failed" in done.stdout
    words = ["test", "--agents", "density", "--why", "a test of the command", "--jobs", "1"]
    tested = CliRunner().invoke(app, [*words, *common])
    assert tested.exit_code == SUCCESS, tested.output
    assert "0 failed" in tested.stdout
    records = Store(tmp_path).current()
    cell = Cell(QUICK, "random", 0)
    assert without_times(records[cell]) == without_times(run_cell(cell, tmp_path / "alone"))
    first, second = (records[Cell(QUICK, "density", 0, x)] for x in ("validation", "test"))
    assert first.earned_per_s != second.earned_per_s
    assert len(records) == 3
    assert len(uses(tmp_path)) == 1
