"""The page on submissions says what is so, and its example is accepted."""

import re
import shlex
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer.main
from typer.testing import CliRunner

from benchmarks.__main__ import app
from benchmarks.submissions import checking, commands, verifying
from benchmarks.submissions.checking import opened
from benchmarks.submissions.contents import TEXT
from benchmarks.submissions.contestant import as_contestant
from benchmarks.submissions.manifest import MAX_MANIFEST_BYTES, Manifest, read_manifest
from benchmarks.submissions.running import Limits
from benchmarks.tracks import track_named
from twin_gym.policies import evaluate, make_policy

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "submission"
PAGE = (ROOT / "docs" / "submitting.md").read_text("utf-8")
CONSOLES = re.findall(r"^```console\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
COMMANDS = re.findall(r"python -m benchmarks (\w+)(.*)", "".join(CONSOLES))


def test_example_is_accepted():
    """Every track that it names takes it."""
    contestant = as_contestant(EXAMPLE)
    assert [
        contestant.reason_not_eligible(track_named(name)) for name in contestant.manifest.tracks
    ] == [None, None]


def test_example_does_what_it_says(tmp_path):
    """In its process, the same as the rule of the package."""
    track = track_named("mild")
    fitted = as_contestant(EXAMPLE).fit(track, 0, tmp_path, print)
    short = track.test_scenarios()[0].replace(horizon_s=10.0)
    here = evaluate(make_policy("density", short), short, [0, 1])
    there = evaluate(fitted.policy_for(short), short, [0, 1])
    assert np.array_equal(here.returns, there.returns)
    assert here.trajectory == there.trajectory


def test_agent_toml_of_the_page_is_read():
    """As it stands."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert read_manifest(text.encode()).name == "my-agent"


def test_keys_of_the_table_are_those_of_the_model():
    """None is missing but those that explain themselves."""
    table = PAGE.partition("| key | what |")[2].partition("\n\n")[0]
    keys = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert Manifest.model_fields.keys() - keys == {"format", "authors", "description", "licence"}
    assert keys <= Manifest.model_fields.keys()


def test_commands_of_the_page_exist():
    """With each of their options."""
    known = typer.main.get_command(app).commands
    assert {name for name, _ in COMMANDS} == {"claim", "verify"}
    for name, rest in COMMANDS:
        options = {option for one in known[name].params for option in one.opts}
        assert set(re.findall(r"--[\w-]+", rest)) <= options


def words_of(command):
    """The words of a command of the page, over all of its lines."""
    (found,) = re.findall(rf"^{command} (?:.*\\\n)*.*$", PAGE, re.MULTILINE)
    return shlex.split(found.replace("\\\n", " "))


def after(words, option):
    """The words that follow each use of an option."""
    return [words[k + 1] for k, word in enumerate(words) if word == option]


def test_container_is_closed_and_its_parts_exist():
    """It is not run here: each path, option and module of its commands is looked at."""
    words = words_of("docker run")
    for option, value in {
        "--network": "none", "--cap-drop": "ALL", "--security-opt": "no-new-privileges",
        "--user": "65534:65534", "--memory-swap": "12g", "--memory": "12g", "--pids-limit": "64",
    }.items():  # fmt: skip
        assert after(words, option) == [value]
    assert "--read-only" in words
    assert {"--privileged", "--cap-add", "--pid", "--ipc"}.isdisjoint(words)
    assert after(words, "-v") == ["$PWD/my-agent:/agent:ro"]
    (tmpfs,) = after(words, "--tmpfs")
    homes = dict(one.split("=") for one in after(words, "-e"))
    assert homes.keys() == {"HOME", "NUMBA_CACHE_DIR"}
    assert all(place.startswith(tmpfs.partition(":")[0]) for place in homes.values())
    assert int(Limits().memory_bytes) < 12 * 2**30
    ran = words[words.index("twin-gym-verify") + 1 :]
    assert ran == ["python", "-m", "benchmarks", "verify", "/agent", "--run-code"]
    assert CliRunner().invoke(app, [ran[3], "--help"]).exit_code == 0


def test_image_of_the_container_is_made_of_what_is_there():
    """Files, extras and the version of Python."""
    words = words_of("docker build")
    assert after(words, "--tag") == ["twin-gym-verify"]
    (file,) = after(words, "--file")
    lines = (ROOT / file).read_text("utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    copied = [name for line in lines if line.startswith("COPY") for name in line.split()[1:-1]]
    assert {"twin_gym", "agents", "benchmarks", "constraints.txt", project["readme"]} <= {*copied}
    assert all((ROOT / name).exists() for name in copied)
    (installed,) = [line for line in lines if line.startswith("RUN")]
    extras = re.findall(r"\[(.*)\]", installed)[0].split(",")
    assert set(extras) <= project["optional-dependencies"].keys()
    assert "FROM python:3.11-slim" in lines
    assert project["requires-python"] == ">=3.11"
    assert lines[-1] == f"USER {after(words_of('docker run'), '--user')[0]}"


@pytest.mark.parametrize(
    "said",
    [
        f"{checking.MAX_FILES} files",
        f"{checking.MAX_DEPTH} levels",
        f"{checking.MAX_FILE_BYTES // 2**20} MiB a file",
        f"{checking.MAX_TOTAL_BYTES // 2**20} MiB in all",
        f"{MAX_MANIFEST_BYTES // 2**10} KiB of `agent.toml`",
        f"{Limits().answer_s:g} s an answer",
        f"({Limits().start_s:g} s to begin)",
        f"{Limits().cell_s:g} s a track and seed",
        f"{Limits().memory_bytes // 2**30} GiB of address space",
        f"files of {Limits().file_bytes // 2**20} MiB",
        f"{Limits().open_files}\nopen files",
        f"{Limits().processes} processes",
        f"within {verifying.SCORE_TOLERANCE:g} point",
        f"| {commands.EQUAL_IN_SCORE} | reproduced in score",
        f"| {commands.DIFFERENT} | something differs",
        ", ".join(f"`{one}`" for one in (".py", ".toml", ".json", ".csv", ".txt", ".md")),
    ],
)
def test_numbers_of_the_page_are_those_of_the_code(said):
    """Limits, codes and kinds of files."""
    assert said in PAGE
    assert set(TEXT) == {".py", ".toml", ".json", ".csv", ".txt", ".md"}


def test_example_is_copied_whole():
    """Nothing of it is left out."""
    with opened(EXAMPLE) as found:
        assert {one.name for one in found.files.iterdir()} == {"agent.toml", "agent.py"}
