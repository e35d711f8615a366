"""The commands serve every environment: lists by environment, descriptions, comparisons."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from twin_gym.cli import app
from twin_gym.cli.list_command import kind_of, short_name
from twin_gym.cli.view import view_of
from twin_gym.console.printing import with_interval
from twin_gym.core.forms import form_names
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.environments.massive_access.theory import access_bound
from twin_gym.environments.tic_scheduling.bound import most_deliveries
from twin_gym.errors import UnknownNameError
from twin_gym.policies import evaluate, make_policy, policies_of, world_seeds
from twin_gym.scenario.loading import load, names
from twin_gym.scenario.toml import to_toml

KINDS = tuple(kind_names())
QUICK = {"access": "access-small-45", "tic": "tic-small-45", "sync": "sync-small"}

every_kind = pytest.mark.parametrize("kind", KINDS)
every_new_kind = pytest.mark.parametrize("kind", list(QUICK))


def run(*arguments, code=0):
    """Runs the command at 80 columns; returns its output with line breaks as blanks."""
    result = CliRunner(env={"COLUMNS": "80", "TERM": "dumb"}).invoke(app, list(arguments))
    assert result.exit_code == code, result.output
    if code:
        return result.stderr
    assert max(map(len, result.stdout.splitlines()), default=0) <= 80
    return " ".join(result.stdout.split())


@every_kind
def test_list_of_one_environment_has_its_names_and_no_other(kind):
    """Its id, scenarios and policies; the scenarios of the others are left out."""
    said = run("list", "--environment", short_name(kind_named(kind).id)).split()
    assert {kind_named(kind).id, *names(kind), *policies_of(kind)} <= set(said)
    assert not (set(names()) - set(names(kind))) & set(said)


@every_kind
def test_environments_are_called_by_three_names(kind):
    """The id, without the name of the package, and without the version."""
    env_id = kind_named(kind).id
    assert {kind_of(env_id), kind_of(env_id.partition("/")[2]), kind_of(short_name(env_id))} == {
        kind
    }


def test_unknown_environment_is_answered_with_the_nearest():
    """In a list and in a description."""
    assert "'TicScheduling'" in run("list", "-e", "TicSheduling", code=2)
    with pytest.raises(UnknownNameError, match="MassiveAccess"):
        kind_of("MasiveAccess")
    assert "'twin_gym/RightTimeSync-v0'" in run("describe", "RightTimeSinc", code=2)


@every_kind
def test_environment_is_described_with_all_its_forms(kind):
    """The spaces of each form of action, and the sections of its documentation."""
    said = run("describe", short_name(kind_named(kind).id))
    assert kind_named(kind).id in said
    for form in form_names(forms_of(kind)):
        assert f" {form} " in said.partition("Spaces")[2].partition("Action Space")[0]
    for heading in ("Story", "Observation Space", "Dynamics", "Reward", "Info", "Known answers"):
        assert heading in said


@pytest.mark.parametrize("name", [*names("access"), *names("tic"), *names("sync")])
def test_scenario_is_described_without_data(name, monkeypatch):
    """Its environment, digest and description, whatever it takes to run it."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    said, scenario = run("describe", name), load(name)
    for words in (kind_named(scenario.kind).id, scenario.digest, scenario.description):
        assert words in said


def test_access_is_described_by_its_peak_against_the_ceiling():
    """31.1 new devices against 20.05, and what no policy exceeds."""
    said = run("describe", "access-beta-30000")
    assert "at most 20.05 devices on average" in said
    assert "31.1 new ones come, more than that" in said
    bound = access_bound(load("access-beta-30000"))
    assert f"more than {bound.successes:.6g} devices answered" in said
    assert "within that" in run("describe", "access-uniform-30000")
    assert "devices that ask in a burst 700" in run("describe", "access-large-70")


def test_tic_is_described_by_deadline_load_and_matching():
    """Sensors, gateways, deadlines, the load, and the matching's bound of a short first world."""
    said, scenario = run("describe", "tic-large-45"), load("tic-large-45")
    for words in ("sensors 1,000", "gateways 20", "7 slots (0.875 ms)", "4 slots (0.5 ms)"):
        assert words in said
    assert scenario.uplinks_per_slot == pytest.approx(5.625 + 2.5)
    load_of = (5.625 + 2.5) * 2 / (20 * 3 * 0.932)
    assert f"The load is {load_of:.3g}, below 1: queues are stable" in said
    (short_s,) = [part.split(" s ")[0] for part in said.split("In the first ")[1:]]
    slots = round(float(short_s) / scenario.slot_s / scenario.frame_slots) * scenario.frame_slots
    short = scenario.replace(horizon_s=slots * scenario.slot_s)
    assert f"no policy delivers more than {most_deliveries(short, 2**40):,} messages" in said


def test_overloaded_tic_is_called_so(tmp_path):
    """Where more is asked for than grants get through."""
    path = tmp_path / "much.toml"
    much = load("tic-pick").replace(name="much", background_rate_hz=400.0)
    path.write_text(to_toml(much), "utf-8")
    assert "not below 1: queues grow" in run("describe", str(path))


def test_sync_is_described_by_entities_laws_and_relaxation():
    """Groups, the age of a round robin, and the bound of the long run."""
    said = run("describe", "sync-small")
    for words in ("walk 20", "mean-reverting 20", "two-state 10", "37.5 s old on average"):
        assert words in said
    assert "no policy has a smaller error and cost together than 0.0091 a slot" in said
    assert "No bound: " in run("describe", "sync-campusiot")


@every_kind
def test_policy_of_several_environments_is_described_for_each(kind):
    """`random` has a rule of its own everywhere, and each says how to try it."""
    said = run("describe", "random")
    assert f"random for {short_name(kind_named(kind).id)}" in said
    assert said.count("Try it: twin-gym rollout") == len(KINDS)


@every_new_kind
def test_rollout_says_what_evaluate_gives(kind):
    """Without a policy the environment's default one, in its default form; returns included."""
    said = run("rollout", "-s", QUICK[kind], "--seeds", "2", "--json")
    document = json.loads(said)
    name = kind_named(kind).facet("default_policy")
    assert list(document["policies"]) == [name]
    assert document["action"] == forms_of(kind)[0].name
    expected = evaluate(make_policy(name, QUICK[kind]), QUICK[kind], world_seeds("validation", 2))
    summary = document["policies"][name]
    assert summary["return"]["mean"] == pytest.approx(expected.returns.mean())
    assert summary.keys() == {"return", *expected.kpi}
    for kpi, values in expected.kpi.items():
        assert summary[kpi]["mean"] == pytest.approx(values.mean())


@pytest.mark.usefixtures("brief_tables")
@every_new_kind
def test_rollout_compares_all_and_shows_all_of_one(kind):
    """A table of all policies; of one, every indicator."""
    said = run("rollout", "-s", QUICK[kind], "-p", "all", "--seeds", "1")
    for column in view_of(kind).columns:
        assert column.head in said
    assert kind_named(kind).facet("default_policy") in said
    alone = run("rollout", "-s", QUICK[kind], "--seeds", "2")
    scenario = load(QUICK[kind])
    kpi = evaluate(make_policy("random", scenario), scenario, [0]).kpi
    assert all(f" {name} " in alone for name in kpi)


def test_rollout_takes_another_form_of_action():
    """Picks of tic-pick, whose rules are more; a form of another environment is refused."""
    said = run("rollout", "-s", "tic-pick", "--action", "pick", "-p", "max-weight", "--seeds", "1")
    assert "No policy delivers more than" in said
    assert "'pick'" in run("rollout", "-s", "tic-pick", "--action", "pik", code=2)


@every_new_kind
def test_policy_of_another_environment_is_refused(kind):
    """With those that there are."""
    said = run("rollout", "-s", QUICK[kind], "-p", "density", code=2)
    assert "unknown policy 'density'" in said
    assert kind_named(kind).facet("default_policy") in said


@every_new_kind
def test_episode_is_shown(kind, tmp_path):
    """As text at its end, and as a PNG file; an anchor that sees the network is shown it."""
    from PIL import Image

    policy = "genie" if kind == "access" else kind_named(kind).facet("default_policy")
    given = ("rollout", "-s", QUICK[kind], "-p", policy, "--seeds", "1", "--render")
    assert QUICK[kind] in run(*given, "ansi")
    path = tmp_path / "end.png"
    run(*given, str(path))
    with Image.open(path) as picture:
        assert picture.size == (720, 420)


def test_equal_values_keep_their_digits():
    """A mean whose interval has no width is not rounded to a whole number."""
    assert with_interval(np.array([0.25, 0.25])) == "0.25 ± 0"
    assert with_interval(np.array([0.0, 0.0])) == "0 ± 0"
    assert with_interval(np.array([1.0, 2.0, 3.0])) == "2.0 ± 2.5"


def test_entities_of_many_rates_are_not_waited_for():
    """The relaxation of a thousand entities takes half a minute: it is named, not computed."""
    assert load("sync-large").num_entities == 1000
    assert "relaxation_bound` computes it" in run("describe", "sync-large")
