"""`twin-gym scenario generate`: every generator end to end, what is written, told and refused."""

import json
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from twin_gym.cli import app, generate_command
from twin_gym.cli.backtest import run_backtest
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load
from twin_gym.scenario.toml import to_toml
from twin_gym.twins.history import open_store, record_run
from twin_gym.twins.scenarios import (
    HistoricalGenerator,
    HybridGenerator,
    ParameterHistory,
    ParameterSpace,
)
from twin_gym.twins.scenarios.generator import PointGenerator

BASE = load("tic-small-45")
GENERATE = ["scenario", "generate"]
TWO = ["--parameter", "num_sensors", "--parameter", "burst_fraction"]
LLM_VARIABLES = ("TWIN_GYM_LLM_MODEL", "TWIN_GYM_LLM_URL", "TWIN_GYM_LLM_KEY")


def result_of(*arguments):
    """Runs the command at 80 columns; returns the result."""
    return CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(map(str, arguments)))


def run(*arguments, code=0):
    """Runs the command; returns its output: results, or errors where it fails."""
    result = result_of(*arguments)
    assert result.exit_code == code, result.output
    assert max(map(len, result.stdout.splitlines()), default=0) <= 80 or "--json" in arguments
    return result.stdout if code == 0 else result.stderr


def cells(said, first):
    """The row of a table that begins with a word."""
    return next(line.split() for line in said.splitlines() if line.split()[:1] == [first])


def read(folder):
    """All twins of a folder, by their names."""
    return {path.stem: load(path) for path in folder.iterdir()}


@pytest.fixture
def past(tmp_path):
    """A folder with 24 windows of a network whose number of sensors wanders up."""
    folder, rng = tmp_path / "past", np.random.default_rng(0)
    folder.mkdir()
    for k in range(24):
        one = BASE.replace(
            name=f"w-{k}",
            num_sensors=round(40 * 1.1**k * float(np.exp(rng.normal(0.0, 0.05)))),
            burst_fraction=float(rng.uniform(0.4, 0.6)),
        )
        (folder / f"w-{k}.toml").write_text(to_toml(one), "utf-8")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two short episodes of slice admission and one of massive access."""
    path = tmp_path_factory.mktemp("stores") / "history.db"
    short = load("contention").replace(horizon_s=40.0)
    access = load("access-small-45")
    with open_store(path) as made:
        for seed in (1, 2):
            record_run(made, make_policy("density", short), short, seed)
        record_run(made, make_policy("none", access), access, 3)
    return path


@pytest.mark.parametrize("generator", ["historical", "hybrid", "gan"])
def test_twins_are_scenarios_with_their_provenance(past, tmp_path, generator):
    """They load again, differ, and say whence they come; the seed alone decides on them."""
    arguments = [*GENERATE, "--history", past, "-g", generator, *TWO]
    if generator == "gan":
        arguments += ["--steps", "60"]
    folders = [tmp_path / name for name in ("one", "same", "other")]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        run(*arguments, "--count", 3, "--output", folder, "--seed", seed)
    one, same, other = (read(folder) for folder in folders)
    assert set(one) == {"twin-0", "twin-1", "twin-2"}
    assert one == same
    assert len({twins[name].digest for twins in (one, other) for name in one}) == 6
    for name, twin in one.items():
        assert twin.name == name
        assert {twin.replace(num_sensors=9, burst_fraction=0.5).digest} == {
            BASE.replace(num_sensors=9, burst_fraction=0.5).digest
        }
        assert f"generator '{generator}', from 24 files" in twin.provenance
        assert "seed 1 by `twin-gym scenario generate`" in twin.provenance


def test_a_twin_runs_in_a_rollout(past, tmp_path):
    """As any other scenario file."""
    run(*GENERATE, "--history", past, "--output", tmp_path / "twins", "--count", 1, *TWO)
    assert "twin-0" in run("rollout", "-s", tmp_path / "twins" / "twin-0.toml", "--seeds", 2)


def test_the_table_has_history_present_and_twins(past, tmp_path):
    """Means of the files, the last one by its number in the name, and what was written."""
    said = run(*GENERATE, "--history", past, "-o", tmp_path / "a", "--count", 60, *TWO)
    sensors = [load(past / f"w-{k}.toml").num_sensors for k in range(24)]
    twins = [one.num_sensors for one in read(tmp_path / "a").values()]
    _, history, now, mean, _ = cells(said, "num_sensors")
    assert float(history) == pytest.approx(np.mean(sensors), rel=1e-3)
    assert int(now) == sensors[-1] == max(sensors[-2:])
    assert float(mean) == pytest.approx(np.mean(twins), rel=1e-3)
    assert "scenario twins of w-23 by hybrid" in said
    assert "From 24 files." in said
    assert "twin-0.toml to twin-59.toml" in said


def test_hybrid_goes_on_from_now_and_historical_does_not(past, tmp_path):
    """Of a network that grows, twins of what is now are larger than those of all that was."""
    means = {}
    for generator, more in (("hybrid", []), ("historical", ["--no-now"])):
        said = run(
            *GENERATE, "--history", past, "-o", tmp_path / generator, "-g", generator,
            "--count", 40, *TWO, *more,
        )  # fmt: skip
        means[generator] = float(cells(said, "num_sensors")[3])
        assert (cells(said, "num_sensors")[2] == "?") == bool(more)
    assert means["hybrid"] > 1.5 * means["historical"]


def test_history_of_a_store_is_windows_of_its_episodes(store, tmp_path):
    """Of the kind that is asked for; a window is a twentieth of the horizon unless it is said."""
    refused = run(*GENERATE, "--history", store, "-o", tmp_path / "x", code=2)
    assert "of the kinds access, admission" in refused
    assert "--episode" in refused
    chosen = ["--episode", "1", "--episode", "2", "--count", "4"]
    said = run(*GENERATE, "--history", store, "-o", tmp_path / "a", *chosen)
    assert "From 40 windows, 2 s each, of the episodes 1, 2" in said
    assert 1.5 < float(cells(said, "slices.hrllc.arrival_rate_hz")[1]) < 3.5
    assert float(cells(said, "slices.hrllc.arrival_rate_hz")[2]) > 0.0
    twins = read(tmp_path / "a")
    assert len(twins) == 4
    assert all(one.horizon_s == 40.0 for one in twins.values())
    said = run(
        *GENERATE, "--history", store, "-o", tmp_path / "b", "-s", "contention", "--window-s", 4,
        "-g", "historical", "--no-now",
    )  # fmt: skip
    assert "From 20 windows, 4 s each" in said
    assert {one.horizon_s for one in read(tmp_path / "b").values()} == {200.0}
    assert "no episode [9]" in run(
        *GENERATE, "--history", store, "-o", tmp_path / "c", "--episode", 9, code=2
    )


def test_a_gan_is_kept_and_used_again(past, tmp_path):
    """Trained into a folder once; a second run reads it, and other parameters are refused."""
    arguments = [*GENERATE, "--history", past, "-g", "gan", "--gan", tmp_path / "net"]
    first = result_of(*arguments, *TWO, "-o", tmp_path / "a", "--steps", 60)
    assert "GAN trained" in first.stderr
    assert "to those held out" in " ".join(first.stderr.split())
    second = result_of(*arguments, *TWO, "-o", tmp_path / "b")
    assert "GAN read" in second.stderr
    assert read(tmp_path / "a") == read(tmp_path / "b")
    with_steps = run(*arguments, *TWO, "-o", tmp_path / "c", "--steps", 60, code=2)
    assert "leave --steps out" in with_steps
    other = run(*arguments, "--parameter", "num_sensors", "-o", tmp_path / "c", code=2)
    assert "was trained on 2 parameters, and 1 vary here; they differ in burst_fraction" in other
    assert not (tmp_path / "c").exists()
    nowhere = [*GENERATE, "--history", past, "-g", "gan", "--gan", tmp_path / "no" / "net"]
    assert "make it first" in run(*nowhere, "-o", tmp_path / "c", code=2)


def test_a_language_model_is_asked_and_its_refused_answers_are_told(past, tmp_path, monkeypatch):
    """By a scripted endpoint; the key stands in no output and no file."""
    from tests.twins.scenarios.test_llm import KEY, completion, endpoint

    good = {"num_sensors": 80, "burst_fraction": 0.4}

    def script(request, number):
        bad = good | {"burst_fraction": 7}
        return completion({"scenarios": [good, bad] if number == 1 else [good]})

    with endpoint(script) as (client, asked):
        for variable, value in zip(LLM_VARIABLES, ("tiny", client.base_url, KEY), strict=True):
            monkeypatch.setenv(variable, value)
        arguments = [*GENERATE, "--history", past, "-g", "llm", *TWO, "--count", 2]
        result = result_of(*arguments, "-o", tmp_path / "a", "--name", "told")
        assert result.exit_code == 0, result.output
        other = result_of(*arguments, "-o", tmp_path / "b", "--model", "vast")
    assert [one["model"] for one in asked] == ["tiny", "tiny", "vast", "vast"]
    assert asked[0]["authorization"] == f"Bearer {KEY}"
    twins = read(tmp_path / "a")
    assert [twins[f"told-{k}"].num_sensors for k in range(2)] == [80, 80]
    assert "request 1: burst_fraction must be 0 to 1, got 7" in result.stderr
    written = "".join(path.read_text() for path in (tmp_path / "a").iterdir())
    assert KEY not in result.output + other.output + written


def test_nothing_is_written_where_a_generator_fails(past, tmp_path, monkeypatch):
    """A model that answers nothing of use: the reasons, exit code 2, and no folder."""
    from tests.twins.scenarios.test_llm import completion, endpoint

    for variable in LLM_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    arguments = [*GENERATE, "--history", past, "-g", "llm", "-o", tmp_path / "a"]
    assert "TWIN_GYM_LLM_MODEL" in run(*arguments, code=2)
    with endpoint(lambda request, number: completion("a poem [bold]")) as (client, _):
        said = run(*arguments, "--model", "tiny", "--url", client.base_url, code=2)
    assert "request 5: the answer is no JSON" in said
    assert "gave 0 valid scenarios of 8" in said
    assert {path.name for path in tmp_path.iterdir()} == {"past"}


def test_twins_that_another_command_wrote_meanwhile_are_kept(past, tmp_path, monkeypatch):
    """Of two commands on one folder the second is told, and the first has its own."""
    make = generate_command._generated

    def other_first(*given):
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "twin-0.toml").write_text("mine")
        return make(*given)

    monkeypatch.setattr(generate_command, "_generated", other_first)
    assert "'twin-0.toml'" in run(*GENERATE, "--history", past, "-o", tmp_path / "a", *TWO, code=2)
    assert [path.read_text() for path in (tmp_path / "a").iterdir()] == ["mine"]


def test_twins_are_not_overwritten_unless_it_is_asked_for(past, tmp_path):
    """Those of another name stand beside them; older ones that stay are told."""
    arguments = [*GENERATE, "--history", past, "-o", tmp_path / "a", *TWO]
    run(*arguments, "--count", 3)
    before = read(tmp_path / "a")
    assert "'twin-0.toml'" in run(*arguments, "--count", 1, "--seed", 5, code=2)
    assert read(tmp_path / "a") == before
    run(*arguments, "--count", 1, "--name", "twin-b")
    forced = result_of(*arguments, "--count", 1, "--seed", 5, "--force")
    assert forced.exit_code == 0
    assert "2 older twins of this name remain" in forced.stderr
    after = read(tmp_path / "a")
    assert after["twin-0"] != before["twin-0"]
    assert after["twin-1"] == before["twin-1"]
    assert set(after) == {*before, "twin-b-0"}


MISTAKES = {
    "another generator": (["-g", "hybird"], "did you mean 'hybrid'?"),
    "an option of another generator": (["-g", "hybrid", "--gan", "x"], "--gan is an option of"),
    "hybrid without a present": (["--no-now"], "leave --no-now out"),
    "an unknown parameter": (["--parameter", "num_sensrs"], "num_sensrs"),
    "a window of files": (["--window-s", "3"], "each file is a window"),
    "an episode of files": (["--episode", "1"], "each file is a window"),
    "a base of another kind": (["-s", "contention"], "w-0.toml' is of the kind 'tic'"),
    "a store beside files": (["--history", "notes.db"], "one store"),
    "a history that is not there": (["--history", "nowhere"], "no history 'nowhere'"),
    "an empty folder": (["--history", "empty"], "'empty' has no file"),
    "a damaged file": (["--history", "bad.toml"], "bad.toml is not valid TOML"),
    "a file of another kind": (["--history", "other.toml"], "of another kind"),
    "a name with a path": (["--name", "../x"], "name"),
    "a folder in no folder": (["--output", "no/twins"], "make it first"),
    "a file for a folder": (["--output", "notes.db"], "is no folder"),
    "a latency that is none": (["--latency-s", "0"], "latency_s"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_answered_in_one_line_and_leave_nothing(past, tmp_path, monkeypatch, name):
    """Exit code 2, with the file or option at fault."""
    arguments, said = MISTAKES[name]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.db").write_text("shopping list")
    (tmp_path / "bad.toml").write_text("kind = ")
    (tmp_path / "other.toml").write_text(to_toml(load("contention")))
    before = set(tmp_path.rglob("*"))
    answer = run(*GENERATE, "--history", past, "--output", "twins", *arguments, code=2)
    assert (said if name != "a file of another kind" else "a history is of one kind") in answer
    assert answer.startswith("twin-gym: ")
    assert answer.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


def test_files_in_the_order_given_and_too_few_of_them(past, tmp_path):
    """Single files are windows too; three are no history."""
    files = [past / f"w-{k}.toml" for k in (9, 8, 7, 6)]
    given = [part for file in files for part in ("--history", file)]
    said = run(*GENERATE, *given, "-o", tmp_path / "a", *TWO)
    assert "of w-6 by hybrid" in said
    assert "4 windows are too few, it needs 16" in said
    assert "4 windows at least" in run(*GENERATE, *given[:6], "-o", tmp_path / "b", code=2)


def test_json_has_every_twin_and_parameter(past, tmp_path):
    """The same numbers as the files, and nothing else on standard output."""
    said = run(*GENERATE, "--history", past, "-o", tmp_path / "a", *TWO, "--json", "--no-now",
               "-g", "historical")  # fmt: skip
    document, twins = json.loads(said), read(tmp_path / "a")
    assert {one["name"]: one["digest"] for one in document["twins"]} == {
        name: one.digest for name, one in twins.items()
    }
    row = document["parameters"]["num_sensors"]
    sensors = [one.num_sensors for one in twins.values()]
    assert (row["least"], row["most"]) == (min(sensors), max(sensors))
    assert row["deviation"] == pytest.approx(np.std(sensors, ddof=1))
    assert row["now"] is row["age_windows"] is None
    assert document["windows"] == 24
    assert document["foretelling"]["held_out"] == 5
    assert document["foretelling"]["copied"]["exact_copies"] == 0


def test_demands_bound_the_twins_or_it_is_said_that_they_do_not(past, tmp_path):
    """Devices at least; a latency where no deadline varies sets priorities alone."""
    result = result_of(
        *GENERATE, "--history", past, "-o", tmp_path / "a", *TWO, "--devices", 900,
        "--latency-s", 1e-4, "--accuracy", 0.99,
    )  # fmt: skip
    assert min(one.num_sensors for one in read(tmp_path / "a").values()) >= 900
    assert "Prioritised: buffer, deadline, density, latency." in result.stdout
    assert "--latency-s restricts none" in result.stderr
    assert "--devices restricts none" not in result.stderr


@pytest.mark.parametrize(
    ("module", "generator", "extra"), [("torch", "gan", "twins"), ("openai", "llm", "llm")]
)
def test_a_missing_extra_is_named(past, tmp_path, monkeypatch, module, generator, extra):
    """With the command that installs it."""
    for name in [one for one in sys.modules if one.startswith("twin_gym.twins.scenarios.gan")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setenv("TWIN_GYM_LLM_MODEL", "tiny")
    monkeypatch.setenv("TWIN_GYM_LLM_URL", "http://localhost:1/v1")
    said = run(*GENERATE, "--history", past, "-o", tmp_path / "a", "-g", generator, code=2)
    assert f'pip install "twin-gym[{extra}]"' in said
    assert not (tmp_path / "a").exists()


class Copier(PointGenerator):
    """Gives windows of the history back, hardly changed."""

    name = "copier"

    def draw(self, criteria, history, realtime, count, rng):
        chosen = history.points[rng.integers(len(history.points), size=count)]
        return chosen + 1e-6 * rng.standard_normal(chosen.shape)


def wandering(windows):
    """The history of a network that wanders, with a parameter that nobody has heard of."""
    rng, point = np.random.default_rng(7), np.zeros(2)
    space = ParameterSpace.of(BASE, ["num_sensors", "burst_fraction", "bad_share"])
    points = []
    for _ in range(windows):
        point = 0.7 * point + rng.normal(0.0, 0.3, 2)
        points.append([*(np.array([5.0, 0.0]) + point), -2.2])
    return ParameterHistory(space, np.array(points), "a wandering network")


def test_a_copier_is_found_out_and_honest_generators_are_not():
    """By windows that they were not told of; a few windows tell nothing."""
    lived = wandering(120)
    reports = {
        one.name: run_backtest(one, lived, np.random.default_rng(3))
        for one in (Copier(), HistoricalGenerator(), HybridGenerator())
    }
    assert reports["copier"].copied.is_copy
    assert not reports["historical"].copied.is_copy
    assert not reports["hybrid"].copied.is_copy
    assert reports["hybrid"].held_out == 24
    assert reports["hybrid"].distance < 0.2
    assert run_backtest(HybridGenerator(), wandering(15), np.random.default_rng(3)) is None
    assert run_backtest(object(), lived, np.random.default_rng(3)) is None


def test_foretelling_knows_no_window_that_is_held_out():
    """Draws of the history stay the same, whichever window comes last."""
    seen = []

    class Spy(HistoricalGenerator):
        def draw(self, criteria, history, realtime, count, rng):
            seen.append((history.points, realtime.point))
            return super().draw(criteria, history, realtime, count, rng)

    lived = wandering(30)
    run_backtest(Spy(), lived, np.random.default_rng(3))
    assert len(seen) == 6
    for k, (points, state) in enumerate(seen):
        assert np.array_equal(points, lived.points[:24])
        assert np.array_equal(state, lived.points[23 + k])


@pytest.mark.parametrize("command", [[], ["generate"]])
def test_help_is_for_80_columns(command):
    """Every option in a line or two, nothing cut off."""
    said = run("scenario", *command, "--help")
    assert "Usage" in said
    assert "..." not in said.replace("[ARGS]...", "")
