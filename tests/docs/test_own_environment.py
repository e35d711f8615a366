"""An environment outside twin_gym, and copies of it, have all that its own environments have."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twin_gym.cli.new_environment import write
from twin_gym.errors import ConfigError

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_environment"
COMMANDS = {
    ("twin-gym", "kind"): ["edge_caching/EdgeCaching-v0"],
    ("twin-gym", "kind", "caching"): ["without it: fields and", "there"],
    ("twin-gym", "list", "--environment", "EdgeCaching"): ["caching-small", "lru"],
    ("twin-gym", "describe", "EdgeCaching"): ["Discrete(9)", "Known answers"],
    ("twin-gym", "describe", "caching-small"): [
        "zipf_exponent", "A bound is in edge_caching/benchmarks/bound.py", "edge_caching/view.py",
    ],
    ("twin-gym", "rollout", "-s", "caching-small", "-p", "all", "--seeds", "2"): [
        "lfu", "hit ratio",
    ],
    ("twin-gym", "what-if", "-s", "caching-small", "--set", "zipf_exponent=1.2", "--worlds", "2"): [
        "zipf_exponent=1.2", "hit_ratio",
    ],
    ("twin-gym", "record", "-s", "caching-small", "--store", "caching.db"): [
        "caching-small under lru",
    ],
    ("agents.train", "a2c-twin", "--scenario", "caching-small", "--steps", "512", "--decisions",
     "500", "--out", "trained"): ["earns 0."],
    ("benchmarks", "run", "--agents", "lru,lfu", "--tracks", "caching-small", "--seeds", "2",
     "--jobs", "1", "--out", "results"): [],
    ("benchmarks", "leaderboard", "--results", "results", "--out", ".", "--family",
     "validation"): [],
    (str(EXAMPLE / "train.py"), "--steps", "2048", "--worlds", "2"): [
        "MaskablePPO", "60.41 % hits", "twice the places: +",
    ],
}  # fmt: skip
"""Commands, and words that they say."""

END = "=== end ==="
IN_ONE_PROCESS = f"""
import runpy, sys
for line in sys.argv[1:]:
    program, *arguments = line.split()
    sys.argv = [program, *arguments]
    try:
        if program == "twin-gym":
            from twin_gym.cli import app
            app(arguments, standalone_mode=False)
        elif program.endswith(".py"):
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    print("{END}", flush=True)
"""


def run(folder, *command, kinds="", path=EXAMPLE):
    """A command in a process of its own, which knows a package that is not installed."""
    done = subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=folder,
        env=os.environ
        | {"PYTHONPATH": f"{path}{os.pathsep}{ROOT}", "TWIN_GYM_KINDS": kinds, "COLUMNS": "120"}
        | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_command_knows_it(tmp_path):
    """The variable of the environment names a package that is not installed.

    `agents.train` takes its presets, its default policy and its time unit; of the board, track,
    anchors and bound are found in its package; its own script trains and asks as it promises.
    """
    said = run(tmp_path, "-c", IN_ONE_PROCESS, *map(" ".join, COMMANDS), kinds="edge_caching:KIND")
    told = dict(zip(COMMANDS, said.split(END), strict=False))
    for command, words in COMMANDS.items():
        for word in words:
            assert word in told[command]
    board = (tmp_path / "LEADERBOARD.md").read_text("utf-8")
    assert "## Edge caching" in board
    assert "| lfu | rule | 8" in (tmp_path / "results" / "leaderboard.md").read_text("utf-8")


@pytest.mark.slow
def test_example_and_a_copy_pass_their_own_tests_and_the_contract_suite(tmp_path):
    """By the command in CONTRIBUTING.md, and beside each other; nothing is skipped.

    Their own tests have Gymnasium's checker, those of twin_gym, masks, learners, twins and the
    known answer.
    """
    command = ("-m", "pytest", "tests/contract", "--env", "my_network")
    assert f"python {' '.join(command)}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    write("my_network", tmp_path)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(re.search(r"edge[_ -]?caching", text, re.IGNORECASE) for text in texts)
    own = [tmp_path / "test_my_network.py", EXAMPLE / "test_edge_caching.py"]
    options = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=quick")
    both = {"kinds": "my_network,edge_caching", "path": f"{tmp_path}{os.pathsep}{EXAMPLE}"}
    said = run(ROOT, *command, *own, *options, **both).splitlines()[-1]
    passed = re.fullmatch(r"(\d+) passed, \d+ deselected in .*", said)
    assert passed, said
    assert int(passed[1]) > 155


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("My-Network", "small letters, digits and underscores, such as my_network; got 'My-Net"),
        ("class", "got 'class'"),
        ("../up", "got '../up'"),
        ("numpy", "there is a package or a kind 'numpy' already"),
        ("tic", "there is a package or a kind 'tic' already"),
    ],
)
def test_bad_names_are_refused(tmp_path, name, said):
    """Before anything is written."""
    with pytest.raises(ConfigError, match=said):
        write(name, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("taken", ["my_network", "test_my_network.py"])
def test_what_is_there_is_not_written_over(tmp_path, taken):
    """Neither the package nor its tests."""
    (tmp_path / taken).write_text("mine")
    with pytest.raises(ConfigError, match="is there already: name another package or folder"):
        write("my_network", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_nothing_of_twin_gym_knows_the_example():
    """It is not part of the package, and is found by its name alone."""
    assert importlib.util.find_spec("edge_caching") is None
    names = {path.name for path in (ROOT / "twin_gym").rglob("*.py")
             if "edge_caching" in path.read_text()}  # fmt: skip
    assert names == {"app.py", "new_environment.py"}  # a help text, and who copies it
