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
    ("kind",): ["edge_caching/EdgeCaching-v0"],
    ("kind", "caching"): ["without it: fields and", "there"],
    ("list", "--environment", "EdgeCaching"): ["caching-small", "lru"],
    ("describe", "EdgeCaching"): ["Discrete(9)", "Known answers"],
    ("describe", "caching-small"): [
        "zipf_exponent", "A bound is in edge_caching/benchmarks/bound.py", "edge_caching/view.py",
    ],
    ("rollout", "-s", "caching-small", "-p", "all", "--seeds", "2"): ["lfu", "hit ratio"],
    ("what-if", "-s", "caching-small", "--set", "zipf_exponent=1.2", "--worlds", "2"): [
        "zipf_exponent=1.2", "hit_ratio",
    ],
    ("record", "-s", "caching-small", "--store", "caching.db"): ["caching-small under lru"],
}  # fmt: skip
"""Commands, and words that they say."""

END = "=== end ==="
IN_ONE_PROCESS = f"""
import sys
from twin_gym.cli import app
for command in sys.argv[1:]:
    app(command.split(), standalone_mode=False)
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


def run_tests(folder, name, path):
    """The tests of an environment, with every warning an error."""
    options = ("-q", "-W", "error", "-p", "no:cacheprovider", "--rootdir", str(path))
    return run(
        folder, "-m", "pytest", "-c", os.devnull, *options, path / f"test_{name}.py", path=path
    )


@pytest.mark.slow
def test_example_passes_its_own_tests(tmp_path):
    """Gymnasium's checker, those of twin_gym, masks, learners, twins and the known answer."""
    assert " passed" in run_tests(tmp_path, "edge_caching", EXAMPLE)


@pytest.mark.slow
def test_example_trains_and_asks(tmp_path):
    """As its docstring promises."""
    said = run(tmp_path, EXAMPLE / "train.py", "--steps", "2048", "--worlds", "2")
    for words in ("MaskablePPO", "60.41 % hits", "twice the places: +"):
        assert words in said


@pytest.mark.slow
def test_every_command_knows_it(tmp_path):
    """The variable of the environment names a package that is not installed."""
    said = run(tmp_path, "-c", IN_ONE_PROCESS, *map(" ".join, COMMANDS), kinds="edge_caching:KIND")
    told = dict(zip(COMMANDS, said.split(END), strict=False))
    for command, words in COMMANDS.items():
        for word in words:
            assert word in told[command]


@pytest.mark.slow
def test_trainings_of_the_repository_know_it(tmp_path):
    """`agents.train` takes its presets, its default policy and its time unit."""
    few = ("--steps", "512", "--decisions", "500", "--out", tmp_path)
    command = ("-m", "agents.train", "a2c-twin", "--scenario", "caching-small", *few)
    assert "earns 0." in run(ROOT, *command, kinds="edge_caching")


@pytest.mark.slow
def test_board_has_its_rows(tmp_path):
    """Track, anchors and bound are found in its package."""
    chosen = ("--agents", "lru,lfu", "--tracks", "caching-small", "--seeds", "2")
    folder = ("--jobs", "1", "--out", tmp_path / "results")
    run(ROOT, "-m", "benchmarks", "run", *chosen, *folder, kinds="edge_caching")
    page = ("--results", tmp_path / "results", "--out", tmp_path, "--family", "validation")
    run(ROOT, "-m", "benchmarks", "leaderboard", *page, kinds="edge_caching")
    told = (tmp_path / "LEADERBOARD.md").read_text("utf-8")
    assert "## Edge caching" in told
    assert "| lfu | rule | 8" in told


@pytest.mark.slow
def test_copy_passes_its_tests_as_it_is_made(tmp_path):
    """Another name inside and out, beside the first one in the same process."""
    write("my_network", tmp_path)
    texts = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(re.search(r"edge[_ -]?caching", text, re.IGNORECASE) for text in texts)
    assert " passed" in run_tests(tmp_path, "my_network", tmp_path)
    both = f"{tmp_path}{os.pathsep}{EXAMPLE}"
    kinds = "my_network,edge_caching"
    said = run(tmp_path, "-c", IN_ONE_PROCESS, "list scenarios", kinds=kinds, path=both)
    assert "my-network-small" in said
    assert "caching-small" in said


@pytest.mark.slow
def test_copy_passes_the_contract_suite_as_it_is_made(tmp_path):
    """By the command in CONTRIBUTING.md: all that is asked of it passes, and nothing is skipped."""
    command = ("-m", "pytest", "tests/contract", "--env", "my_network")
    assert f"python {' '.join(command)}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    write("my_network", tmp_path)
    options = ("-q", "-p", "no:cacheprovider", "--hypothesis-profile=quick")
    said = run(ROOT, *command, *options, kinds="my_network", path=tmp_path).splitlines()[-1]
    passed = re.fullmatch(r"(\d+) passed, \d+ deselected in .*", said)
    assert passed, said
    assert int(passed[1]) > 120


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
