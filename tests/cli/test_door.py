"""Errors are one line and an exit code; earlier results are on standard output."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import twin_gym.cli.reservation_search as searching
import twin_gym.cli.rollout_command as rolling
import twin_gym.cli.what_if_command as asking
from twin_gym.cli import app
from twin_gym.cli.generate_command import GenerateOptions
from twin_gym.cli.provenance import MOST_LETTERS, with_provenance
from twin_gym.console.error_reporting import deliver
from twin_gym.scenario.loading import load
from twin_gym.scenario.toml import to_toml

ROOT = Path(__file__).parents[2]
TWIN_GYM = [sys.executable, "-c", "from twin_gym.cli import app; app()"]
SHORT = load("teletraffic-small").replace(horizon_s=20.0)
HAS_FULL_DISK = Path("/dev/full").exists()


def run(*arguments, code, **environment):
    """A command in a process of its own: its two outputs as bytes."""
    done = subprocess.run(
        [*TWIN_GYM, *map(str, arguments)], check=False, capture_output=True, cwd=ROOT,
        env=os.environ | environment,
    )  # fmt: skip
    assert done.returncode == code, (done.stdout, done.stderr)
    return done.stdout, done.stderr


def refused(*arguments):
    """The line of a request that is refused, from within this process."""
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == 2, done.output
    assert isinstance(done.exception, SystemExit)
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture
def network(tmp_path):
    """A short network as a file."""
    path = tmp_path / "short.toml"
    path.write_text(to_toml(SHORT), "utf-8")
    return path


@pytest.fixture
def nothing_runs(monkeypatch):
    """Makes every long operation fail the test."""

    def run_nothing(*_, **__):
        pytest.fail("it ran before the place was looked at")

    for module, name in (
        (asking, "what_if"), (rolling, "evaluate"), (rolling, "show_episode"),
        (searching, "search_reservation"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, run_nothing)


COMMANDS = {
    "--save": (["what-if", "--set", "horizon_s=10"], ".toml"),
    "--figure": (["what-if", "--set", "horizon_s=10"], ".png"),
    "--render": (["rollout", "--seeds", "2"], ".png"),
    "--toml": (["reservation-search"], ".toml"),
}


@pytest.mark.parametrize("option", COMMANDS)
def test_a_place_is_looked_at_before_anything_runs(option, network, tmp_path, nothing_runs):
    """No folder, a folder, a name that is too long, a file as folder."""
    command, ending = COMMANDS[option]
    (tmp_path / f"dir{ending}").mkdir()
    for place in ("none/x", "dir", "n" * 300, "short.toml/x", "\udcff" * 300):
        path = tmp_path / f"{place}{ending}"
        assert "twin-gym: " in refused(*command, "--scenario", network, option, path)
    if option != "--toml":
        said = refused(*command, "--scenario", network, option, tmp_path / "x.y")
        assert f"{ending}, got" in said


@pytest.mark.parametrize("option", ["--save", "--toml"])
def test_a_file_that_is_read_is_not_written(option, network, nothing_runs):
    """The network itself, also where it is named in another way."""
    command, _ = COMMANDS[option]
    other = network.parent / "." / network.name
    assert "named twice" in refused(*command, "--scenario", network, option, other)


@pytest.mark.parametrize(
    ("option", "module"), [("--figure", "matplotlib.axes"), ("--render", "PIL")]
)
def test_an_extra_that_is_missing_is_missed_before_anything_runs(
    option, module, network, tmp_path, nothing_runs, monkeypatch
):
    """With what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "twin_gym.cli.difference_figure", raising=False)
    command, ending = COMMANDS[option]
    said = refused(*command, "--scenario", network, option, tmp_path / f"x{ending}")
    assert "pip install" in said


@pytest.mark.parametrize("option", ["--save", "--figure", "--render"])
def test_a_place_that_is_gone_at_the_end_costs_no_answer(option, network, tmp_path, monkeypatch):
    """The folder vanishes while worlds are run: the answer is printed, the failure is a line."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for module, name in ((asking, "what_if"), (rolling, "evaluate")):
        real = getattr(module, name)

        def vanish(*given, real=real, **more):
            if folder.exists():
                folder.rmdir()
            return real(*given, **more)

        monkeypatch.setattr(module, name, vanish)
    command, ending = COMMANDS[option]
    done = CliRunner().invoke(
        app, [*command, "--scenario", str(network), option, str(folder / f"x{ending}"), "--json"]
        + (["--worlds", "2"] if command[0] == "what-if" else []),
    )  # fmt: skip
    assert done.exit_code == 2
    assert json.loads(done.stdout)["worlds"] == 2
    (line,) = done.stderr.splitlines()
    assert "No such file or directory" in line


def test_a_long_provenance_is_cut_and_not_lost(tmp_path):
    """New provenance is kept in full; the digest stays."""
    long = SHORT.replace(provenance="x" * MOST_LETTERS)
    path, kept = tmp_path / "long.toml", tmp_path / "kept.toml"
    path.write_text(to_toml(long), "utf-8")
    arguments = ["what-if", "--scenario", path, "--set", "horizon_s=10", "--worlds", "2"]
    done = CliRunner().invoke(app, [*map(str, arguments), "--save", str(kept)])
    assert done.exit_code == 0, done.output
    assert load(kept).provenance.startswith(f"{path} with horizon_s=10.\nxxx")
    assert load(kept).provenance.endswith(" (cut)")
    for one in (with_provenance(long, after="end."), with_provenance(long, before="y" * 20_000)):
        assert len(one.provenance) == MOST_LETTERS
        assert one.digest == SHORT.digest
    assert with_provenance(long, after="end.").provenance.endswith("x (cut)\nend.")
    assert with_provenance(SHORT, after="end.").provenance == f"{SHORT.provenance}\nend."


@pytest.mark.parametrize("encoding", ["ascii", "koi8-r", "cp1252"])
def test_signs_that_an_encoding_lacks_are_written_in_plain_letters(encoding, network):
    """No digit is lost, and the run is not."""
    command = ["rollout", "--scenario", network, "--seeds", "2"]
    plain = CliRunner().invoke(app, list(map(str, command))).stdout
    said, _ = run(*command, code=0, PYTHONIOENCODING=encoding)
    text = said.decode(encoding)
    for number in (word for word in plain.split() if word[0].isdigit()):
        assert number in text
    assert "±" in text or "+-" in text
    run("describe", "nämlich…", code=2, PYTHONIOENCODING=encoding)


@pytest.mark.skipif(not HAS_FULL_DISK, reason="needs /dev/full")
@pytest.mark.parametrize("command", [["list"], ["--help"], ["--version"], ["what-if"]])
def test_a_full_disk_is_one_line(command, network, tmp_path):
    """As standard output; what was asked to be kept is kept."""
    kept = tmp_path / "kept.toml"
    if command == ["what-if"]:
        command = [*command, "--scenario", network, "--set", "horizon_s=9", "--worlds", "2",
                   "--save", kept]  # fmt: skip
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*TWIN_GYM, *map(str, command)], check=False, stdout=full, stderr=subprocess.PIPE,
            cwd=ROOT,
        )  # fmt: skip
    lines = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert lines[-1].startswith("twin-gym: ")
    assert "No space left" in lines[-1]
    assert not [line for line in lines if "Traceback" in line or "Exception ignored" in line]
    assert kept.exists() == (len(command) > 1)


@pytest.mark.parametrize("command", ["list", "describe RightTimeSync", "--help"])
def test_a_closed_pipe_ends_quietly(command):
    """`| head -1` and the like."""
    shell = f"{sys.executable} -c 'from twin_gym.cli import app; app()' {command} | head -c 1"
    done = subprocess.run(["/bin/sh", "-c", shell], check=False, capture_output=True, cwd=ROOT)
    assert len(done.stdout) == 1
    assert done.stderr == b""


def test_what_is_asked_to_be_kept_is_kept_behind_a_closed_pipe(network, tmp_path):
    """The reader of the answer is gone, and the file is there."""
    reading, writing = os.pipe()
    os.close(reading)
    kept = tmp_path / "kept.toml"
    command = ["what-if", "--scenario", network, "--set", "horizon_s=9", "--worlds", "2"]
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [*TWIN_GYM, *map(str, command), "--save", str(kept)], check=False, stdout=closed,
            stderr=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert load(kept).horizon_s == 9.0


NAMES = [
    b"n" * 305, b"n" * 305 + b".toml", b"line\nbreak.toml", b"-dash.toml", b"\xff\xfe.toml",
    "\N{GRINNING FACE}.toml".encode(), b"dir.toml", b"binary.toml", b"empty.toml", b"loop.toml",
    b"\x1b[2J.toml",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_odd_names_and_files_end_in_one_line(name, tmp_path):
    """As a scenario to describe, to ask about, and as a history."""
    (tmp_path / "dir.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "empty.toml").write_bytes(b"")
    (tmp_path / "loop.toml").symlink_to("loop.toml")
    path = os.fsdecode(name)
    if not name.startswith((b"n", b"-")):
        path = str(tmp_path / path)
    refused("describe", "--", path)
    refused("what-if", f"--scenario={path}", "--set", "horizon_s=9")
    refused("rollout", f"--scenario={path}")
    refused("what-if", f"--to={path}")
    refused("scenario", "generate", f"--history={path}", "--output", tmp_path / "out")


def test_data_that_cannot_be_had_end_in_one_line(tmp_path, monkeypatch):
    """TWIN_GYM_DATA may be anything."""
    (tmp_path / "file").write_text("x")
    for place in ("", "none", str(tmp_path / "file"), "n" * 5000, "\udcff", "\n"):
        monkeypatch.setenv("TWIN_GYM_DATA", place)
        refused("rollout", "--scenario", "service-trace", "--seeds", "2")


def test_every_step_is_taken_and_every_failure_said(capsys):
    """The first one is raised, the others are lines."""
    taken = []

    def fail(text):
        taken.append(text)
        raise OSError(text)

    with pytest.raises(OSError, match="one"):
        deliver(lambda: fail("one"), lambda: taken.append("two"), lambda: fail("three"))
    assert taken == ["one", "two", "three"]
    assert capsys.readouterr().err == "twin-gym: three\n"


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    """The door answers for what a user can mend, and hides no bug."""
    monkeypatch.setattr("twin_gym.cli.list_command.show_lists", lambda *_: 1 / 0)
    done = CliRunner().invoke(app, ["list"])
    assert isinstance(done.exception, ZeroDivisionError)


def test_too_little_memory_is_one_line(monkeypatch):
    """A question too large for the machine."""

    def ask(*_):
        raise MemoryError("Unable to allocate 3 TiB")

    monkeypatch.setattr("twin_gym.cli.list_command.show_lists", ask)
    assert "not enough memory: Unable" in refused("list")


def test_orders_name_a_folder_that_can_be_written(tmp_path, network):
    """Before anything is generated."""
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "a" / "b", tmp_path / ("n" * 300)):
        refused("scenario", "generate", "--history", network, "--output", place)
    assert GenerateOptions((), tmp_path).count == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["record"], "Missing option '--store'; see"),
        (["--no\x1b[31m"], "No such option: --no"),
        (["\x1b[31m[red]"], "No such command"),
        (["rollout", "--seeds"], "Option '--seeds' requires an argument"),
        (["rollout", "--seeds", "x\u202e"], "Invalid value for '--seeds'"),
    ],
)
def test_mistakes_in_options_are_one_line(arguments, said):
    """No frame and no usage around it, and nothing that steers the terminal."""
    line = refused(*arguments)
    assert line.startswith("twin-gym: ")
    assert said in line
    assert line.isprintable()
