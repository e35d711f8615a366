"""The command line, as its user meets it: at 80 columns, with mistakes."""

import json
import os
import subprocess
import sys
import tomllib

import pytest
from typer.testing import CliRunner

from twin_gym import __version__
from twin_gym.cli import app
from twin_gym.environments.kinds import kinds
from twin_gym.policies import evaluate, make_policy, policies_of, world_seeds
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, names


def run(*arguments, code=0):
    """Runs the command and checks its exit code; returns its standard output."""
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    if code == 0:
        assert max(map(len, result.stdout.splitlines()), default=0) <= 80
        return result.stdout
    return result.stderr


@pytest.mark.parametrize(
    "command", [[], ["list"], ["describe"], ["rollout"], ["what-if"], ["reservation-search"]]
)
def test_help_is_for_80_columns(command):
    """Every command explains itself, and no sentence of the overview is cut off."""
    said = run(*command, "--help")
    assert "Usage" in said
    assert "..." not in said.replace("[ARGS]...", "")


def test_no_arguments_give_the_help():
    """And the exit code of a request that was not understood."""
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "rollout" in result.output


def test_version_is_said():
    """That of the package."""
    assert run("--version").strip() == f"twin-gym {__version__}"


def test_list_has_every_name():
    """All environments, scenarios and policies; with an argument only those."""
    said = run("list")
    rules = [name for policies in kinds() for name in policies_of(policies.name)]
    for name in (*(one.id for one in kinds()), *names(), *rules):
        assert name in said
    only = run("list", "policies")
    assert "density" in only
    assert "contention" not in only


@pytest.mark.parametrize("name", names("admission"))
def test_every_scenario_is_described(name):
    """With its slices, resources, digest and bound, without any data at hand."""
    said, scenario = run("describe", name), load(name)
    for word in (scenario.digest, *scenario.slice_names, *scenario.resource_names):
        assert word in said
    assert "No policy earns more than" in said or "No upper bound: " in said


def test_contention_is_described_with_its_known_bound():
    """29.06 a second in the long run."""
    assert "29.06 a second in the long run" in run("describe", "contention")


def test_scenario_files_are_described(tmp_path):
    """A path does as well as a name."""
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(load("mild").replace(name="mine")), "utf-8")
    assert "mine" in run("describe", str(path))


@pytest.mark.parametrize(
    "name", ["twin_gym/SliceAdmission-v0", "SliceAdmission-v0", "SliceAdmission"]
)
def test_environment_is_described(name):
    """Spaces, every field, rewards and infos."""
    said = run("describe", name)
    for word in ("Discrete(5)", "Box(0.0, 1.0, (19,), float32)", "head_patience", "Reward", "Info"):
        assert word in said


@pytest.mark.parametrize("name", policies_of("admission"))
def test_every_policy_is_described(name):
    """Its rule, and how to try it."""
    assert f"--policy {name}" in " ".join(run("describe", name).split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["describe", "contntion"], "did you mean 'contention'?"),
        (["describe", "densty"], "did you mean 'density'?"),
        (["describe", "SliceAdmision"], "did you mean 'twin_gym/SliceAdmission-v0'?"),
        (["describe", "nowhere.toml"], "there is no scenario file"),
        (["rollout", "--scenario", "mld"], "did you mean 'mild'?"),
        (["rollout", "--policy", "fifi"], "did you mean 'fifo'?"),
        (["rollout", "--policy", "optimum"], "patience"),
        (["rollout", "--scenario", "teletraffic-small", "-p", "reservation"], "reservation-search"),
        (["rollout", "--render", "picture.jpg"], "ends in .png"),
        (["rollout", "--render", "no/such/folder/x.png"], "no folder"),
        (["reservation-search", "--budget", "5"], "budget"),
    ],
)
def test_mistakes_are_answered_in_one_line(arguments, said):
    """Exit code 2, the nearest name or what is allowed, and no traceback."""
    answer = run(*arguments, code=2)
    assert said in answer
    assert answer.startswith("twin-gym: ")
    assert answer.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lst"], "list"),
        (["rollout", "--plicy", "fifo"], "--policy"),
        (["rollout", "--seeds", "0"], "--seeds"),
        (["rollout", "--family", "test"], "train"),
        (["list", "scenario"], "scenarios"),
    ],
)
def test_wrong_usage_names_what_is_allowed(arguments, said):
    """Exit code 2, and a hint."""
    answer = run(*arguments, code=2)
    assert said in answer
    assert "Traceback" not in answer


def test_rollout_says_what_evaluate_gives():
    """JSON with the same means, for each policy in the same worlds."""
    said = run("rollout", "-p", "density", "-p", "random", "--seeds", "3", "--first", "5", "--json")
    document = json.loads(said)
    assert document["digest"] == load("contention").digest
    for name in ("density", "random"):
        policy = make_policy(name, "contention")
        expected = evaluate(policy, "contention", world_seeds("validation", 3, first=5))
        summary = document["policies"][name]
        assert summary.keys() == {"return", *expected.kpi}
        for kpi, values in expected.kpi.items():
            assert summary[kpi]["mean"] == pytest.approx(values.mean())


def test_rollout_prints_slices_and_resources_of_one_policy():
    """Several policies are compared in one table, one is shown in full."""
    said = run("rollout", "--seeds", "2", "--family", "train", "--action", "slot")
    for word in (
        *load("contention").slice_names,
        "computing",
        "density",
        "±",
        "train worlds 0 to 1",
    ):
        assert word in said
    assert "No policy earns more than 29.14 a second" in said


@pytest.mark.usefixtures("brief_tables")
def test_rollout_of_all_takes_those_that_can_be_made():
    """`optimum` in a small scenario, and not `reservation`, for which nothing was tuned."""
    said = run("rollout", "-s", "teletraffic-small", "-p", "all", "--seeds", "2")
    assert "optimum" in said
    assert "reservation" not in said


def test_single_world_has_no_interval():
    """Neither in the table nor, as null, in JSON."""
    assert "±" not in run("rollout", "--seeds", "1")
    document = json.loads(run("rollout", "--seeds", "1", "--json"))
    assert document["policies"]["density"]["revenue_rate"]["half_width_95"] is None


def test_rollout_shows_the_last_text_picture_where_there_is_no_terminal():
    """An episode at its horizon."""
    assert "200.00 of 200 s" in run("rollout", "--seeds", "1", "--render", "ansi")


def test_rollout_writes_a_picture(tmp_path):
    """A PNG file of the first world at its horizon."""
    from PIL import Image

    path = tmp_path / "end.png"
    run("rollout", "--seeds", "1", "--render", str(path))
    with Image.open(path) as picture:
        assert picture.size == (720, 420)


def test_reservation_search_adds_an_entry(tmp_path):
    """Rounds, thresholds and scores, and the same in a file that `reservations.toml` could be."""
    path = tmp_path / "found.toml"
    search = ("reservation-search", "--worlds", "2", "--budget", "300", "--toml", str(path))
    said = run(*search)
    assert "all tenths" in said
    assert "ubiquitous" in said
    (entry,) = tomllib.loads(path.read_text("utf-8"))["reservation"]
    assert entry["digest"] == load("contention").digest
    assert entry["fresh_score"] > 20
    assert "--worlds 2" in entry["found_by"]


def test_unwritable_file_is_refused(tmp_path):
    """Before the search and not after it."""
    path = tmp_path / "no" / "found.toml"
    answer = run(
        "reservation-search", "--worlds", "2", "--budget", "2", "--toml", str(path), code=2
    )
    assert "no folder" in answer


def test_import_is_light():
    """No torch, no compiler and no simulator before a command needs them."""
    code = (
        "import sys, twin_gym.cli;"
        "print([name for name in ('torch', 'numba', 'scipy', 'pydantic') if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"


def test_no_command_needs_torch():
    """Even the ones that run policies."""
    code = (
        "import sys; from typer.testing import CliRunner; from twin_gym.cli import app;"
        "assert CliRunner().invoke(app, ['rollout', '--seeds', '1']).exit_code == 0;"
        "print('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "False"
