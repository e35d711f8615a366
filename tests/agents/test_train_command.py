"""`python -m agents.train`, as its user meets it: help, mistakes, kills, results."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from agents.actor import load_actor
from agents.defaults import settings_for
from agents.models import build
from agents.options import GROUPS
from agents.session import package_versions, run_name
from agents.settings import AGENTS, TrainSettings
from agents.train import app
from agents.training import train
from tests.agents.cases import TINY, are_equal, are_same_curves
from tests.twins.cases import small_network
from twin_gym.files.locks import writing_to
from twin_gym.files.records import read_records
from twin_gym.policies import evaluate, world_seeds
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load
from twin_gym.twins import PolicyTwin

ROOT = Path(__file__).parents[2]
TINY_OPTIONS = (
    "--n-envs", "4", "--n-steps", "8", "--steps", "128", "--leg-steps", "64",
    "--decisions", "60", "--net-arch", "8,8", "--worlds", "3", "--evaluate-every", "64",
)  # fmt: skip


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A file with a small network whose episodes are short."""
    path = tmp_path_factory.mktemp("scenario") / "small.toml"
    path.write_text(to_toml(small_network(horizon_s=4.0)))
    return path


def run(*arguments, code=0):
    """Runs the command; returns what it prints: results, and messages."""
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.stdout, result.stderr


def only_folder(out):
    """The folder of the one training in `out`."""
    (folder,) = (path for path in out.iterdir() if path.is_dir())
    return folder


def test_help_fits_a_screen():
    """Of 80 columns and 40 lines; the other settings have a list of their own."""
    said, _ = run("--help")
    assert max(map(len, said.splitlines())) <= 80
    assert len(said.splitlines()) <= 40
    for option in ("--seeds", "--tensorboard", "--list", "--settings"):
        assert option in said


def test_settings_are_listed_with_their_values_here():
    """By kind of scenario and as given, and nothing is trained."""
    said, _ = run("ppo", "-s", "tic-pick", "--learning-rate", "0.25", "--no-anneal", "--settings")
    lines = {line.split()[0]: line.split()[1] for line in said.splitlines() if line[:2] == "--"}
    usual = settings_for("ppo", "tic-pick")
    assert lines["--n-envs"] == str(usual.n_envs) != str(TrainSettings().n_envs)
    assert (lines["--learning-rate"], lines["--anneal"]) == ("0.25", "False")
    assert usual.anneal


def test_help_comes_without_torch():
    """And so at once."""
    code = "import sys, agents.train; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_agents_are_listed():
    """All of them, and no agent needs to be named."""
    said, _ = run("--list")
    assert all(name in said for name in AGENTS)


def test_every_setting_has_an_option():
    """Shown by `--help`, or listed by `--settings`."""
    command = typer.main.get_command(app)
    listed = [name for group in GROUPS.values() for name in group]
    hidden = {one.name for one in command.params if getattr(one, "hidden", False)}
    shown = {one.name for one in command.params} - hidden
    assert sorted(listed) == sorted(hidden)
    assert {field.name for field in dataclasses.fields(TrainSettings)} <= shown | hidden


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a2c-twn"], "did you mean 'a2c-twin'"),
        (["a2c", "--scenario", "contntion"], "did you mean 'contention'"),
        (["a2c", "--default-policy", "densty"], "did you mean 'density'"),
        (["a2c", "--hidden", "64;64"], "--net-arch takes widths"),
        (["a2c", "--n-envs", "0"], "`n_envs` must be 1"),
        (["a2c", "--annealed", "--spread-rows", "--rows", "0"], "`n_envs` must be 1"),
        (["a2c", "--rollout-steps", "0"], "`n_steps` must be 1"),
        (["a2c", "--entropy-weight", "-1"], "`ent_coef` must be 0"),
        (["a2c", "--steps", "0"], "`total_timesteps` must be positive"),
        (["a2c", "--learning-rate", "-1"], "`learning_rate`"),
        (["a2c", "--critic-warm-up", "4096"], "'a2c' has none"),
        (["a2c", "--seed", "-1"], "`seed` must be 0"),
    ],
)
def test_mistakes_are_answered_in_a_line(arguments, message, tmp_path):
    """Exit code 2, and nothing is written."""
    said, complaint = run(*arguments, "--out", tmp_path / "out", code=2)
    assert not said
    assert message in complaint
    assert not (tmp_path / "out").exists()


def test_no_arguments_give_the_help():
    """And the exit code of a request that was not understood."""
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 2
    assert "--scenario" in result.output


def test_steps_are_rounded_with_a_note(network, tmp_path):
    """To whole rollouts."""
    _, messages = run(
        "a2c", "-s", network, *TINY_OPTIONS, "--steps", "100", "--out", tmp_path
    )  # fmt: skip
    assert "--total-timesteps 100 is rounded to 96" in messages
    assert read_records(tmp_path / "results.jsonl")[0]["steps"] == 96


def test_training_leaves_a_line_and_an_actor(network, tmp_path):
    """Everything that is needed to do it again, and what it gave; a second call adds nothing."""
    call = ("a2c", "-s", network, *TINY_OPTIONS, "--out", tmp_path, "--tensorboard", tmp_path / "t")
    said, _ = run(*call)
    assert "earns" in said
    text = (tmp_path / "results.jsonl").read_text()
    assert text.count("\n") == 1
    assert "NaN" not in text
    line = json.loads(text)
    settings = TrainSettings.from_stored(line["settings"])
    assert settings == TINY.with_(scenario=str(network))
    assert line["digest"] == settings.digest
    assert line["folder"] == run_name(settings)
    assert line["scenario_digest"] == load(network).digest
    assert (line["steps"], line["resumed_at_step"], line["worlds"]) == (128, 0, 3)
    assert line["seconds"] > 0
    model = build(settings).model
    assert line["num_parameters"] == sum(value.numel() for value in model.policy.parameters())
    assert line["versions"] == package_versions()
    check_indicators(line, load_actor(tmp_path / line["folder"] / "actor"), network)
    assert list((tmp_path / "t" / line["folder"]).glob("events*"))
    said, _ = run(*call)
    assert "finished before" in said
    assert (tmp_path / "results.jsonl").read_text() == text


def check_indicators(line, policy, network):
    """Means and half widths are those of the policy on the validation worlds."""
    evaluation = evaluate(policy, network, world_seeds("validation", 3))
    assert line["kpi"].keys() == evaluation.kpi.keys()
    values = evaluation.kpi["revenue_rate"]
    quantile = 4.302653  # Student's t, two degrees of freedom
    assert line["kpi"]["revenue_rate"]["mean"] == pytest.approx(values.mean())
    assert line["kpi"]["revenue_rate"]["half_width_95"] == pytest.approx(
        quantile * values.std(ddof=1) / math.sqrt(3), rel=1e-5
    )


def test_curve_may_have_shorter_episodes(network, tmp_path):
    """The results have whole ones."""
    run("a2c", "-s", network, *TINY_OPTIONS, "--evaluation-horizon", "1.5", "--out", tmp_path)
    (line,) = read_records(tmp_path / "results.jsonl")
    folder = tmp_path / line["folder"]
    check_indicators(line, load_actor(folder / "actor"), network)
    last = json.loads((folder / "curve.jsonl").read_text().splitlines()[-1])
    short = load(network).replace(horizon_s=1.5)
    evaluation = evaluate(load_actor(folder / "actor"), short, world_seeds("validation", 3))
    assert last["revenue_rate"] == pytest.approx(evaluation.mean("revenue_rate"))


def test_several_seeds_are_several_trainings(network, tmp_path):
    """One line each; where only one is missing, only that one is done."""
    call = ("a2c", "-s", network, *TINY_OPTIONS, "--out", tmp_path, "--seed", "3")
    run(*call)
    said, _ = run(*call, "--seeds", "2")
    assert said.count("finished before") == 1
    assert [line["seed"] for line in read_records(tmp_path / "results.jsonl")] == [3, 4]


def test_clone_is_saved_as_a_twin(network, tmp_path):
    """And judged like the others."""
    run("clone", "-s", network, "--decisions", 60, "--worlds", 3, "--out", tmp_path)
    (line,) = read_records(tmp_path / "results.jsonl")
    twin = PolicyTwin.load(tmp_path / line["folder"] / "twin")
    assert twin.metadata.num_decisions == 60
    assert line["steps"] == 0
    check_indicators(line, twin, network)


def test_warm_start_says_what_it_loaded(network, tmp_path):
    """And leaves the twin that it began with."""
    _, messages = run("a2c-twin", "-s", network, *TINY_OPTIONS, "--out", tmp_path)
    flat = " ".join(messages.split())
    assert "warm start from twin-of-density-60: loaded 6 tensors" in flat
    assert "left alone: mlp_extractor.value_net.0.weight" in flat
    assert PolicyTwin.load(only_folder(tmp_path) / "twin").metadata.default_policy == "density"


def test_interrupt_says_what_to_do(network, tmp_path, monkeypatch):
    """No traceback, and the exit code that shells give."""

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("agents.trained.train", interrupted)
    _, messages = run("a2c", "-s", network, *TINY_OPTIONS, "--out", tmp_path, code=130)
    assert "the same command goes on" in messages


def test_a_second_command_on_a_training_is_refused_and_others_keep_their_own(tmp_path):
    """By the number of the first; trainings of other seeds may run beside it."""
    arguments = ["a2c", "--out", str(tmp_path), "--scenario", "teletraffic-erlang-5-10",
                 "--worlds", "2", "--evaluation-horizon", "5", *TINY_OPTIONS]  # fmt: skip
    assert CliRunner().invoke(app, [*arguments, "--seed", "3"]).exit_code == 0
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    with writing_to(folder):
        refused = CliRunner().invoke(app, [*arguments, "--seed", "3"])
        assert CliRunner().invoke(app, [*arguments, "--seed", "4"]).exit_code == 0
    assert refused.exit_code == 2
    assert f"process {os.getpid()} is writing to" in refused.stderr
    assert CliRunner().invoke(app, [*arguments, "--seed", "3"]).exit_code == 0
    assert [line["seed"] for line in read_records(tmp_path / "results.jsonl")] == [3, 4]


def test_a_training_leaves_nothing_in_the_folder_of_temporary_files(tmp_path, monkeypatch):
    """Stable-Baselines3 would leave an empty folder a leg."""
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    train(TINY)
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("option", ["--out", "--tensorboard"])
def test_a_place_of_a_training_is_looked_at_first(option, tmp_path):
    """A file, a place under a file, and a name that is too long, before anything is trained."""
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/x", "n" * 300):
        out = [] if option == "--out" else ["--out", str(tmp_path / "out")]
        done = CliRunner().invoke(app, ["a2c", *out, option, str(tmp_path / place)])
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def start_and_kill(command, out, delay_s):
    """Starts the command, waits until it has one checkpoint more, and a bit, and kills it."""
    before = [path.stat().st_mtime_ns for path in out.glob("*/model.zip")]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while [path.stat().st_mtime_ns for path in out.glob("*/model.zip")] == before:
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(delay_s)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return process.returncode


@pytest.mark.slow
def test_killed_training_goes_on_to_the_same_end(network, tmp_path):
    """SIGKILL at two moments of 64 legs, then the same command once more."""
    options = (
        "maskable-ppo", "-s", network, *TINY_OPTIONS, "--steps", "2048", "--leg-steps", "32",
        "--out", tmp_path,
    )  # fmt: skip
    command = [sys.executable, "-m", "agents.train", *map(str, options)]
    moments = np.random.default_rng(5).uniform(0.0, 0.1, size=2)
    assert [start_and_kill(command, tmp_path, moment) for moment in moments] == [-9, -9]
    assert not (tmp_path / "results.jsonl").exists()
    _, messages = run(*options)
    assert "goes on from step" in messages
    (line,) = read_records(tmp_path / "results.jsonl")
    assert 0 < line["resumed_at_step"] < line["steps"] == 2048
    settings = TINY.with_(
        agent="maskable-ppo", scenario=str(network), total_timesteps=2048, leg_steps=32
    )
    how = {"evaluate_every": 64, "num_worlds": 3}
    killed = train(settings, folder=only_folder(tmp_path), **how)
    whole = train(settings, **how)
    assert are_equal(killed[0], whole[0])
    assert are_same_curves(killed[1], whole[1])
