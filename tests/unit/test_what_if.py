"""What-if questions: the same worlds, paired differences, and what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from twin_gym.cli.app import app
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.what_if import RETURN, paired_difference, what_if
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

WORLDS = world_seeds("validation", 8)
SHORT = changed(load("contention"), {"horizon_s": 60.0})
BRIEF = changed(SHORT, {"horizon_s": 5.0})
BUSY = {"slices.hrllc.arrival_rate_hz": 4.8}


def test_a_change_that_changes_nothing_changes_nothing():
    """Every paired difference is exactly zero, whatever the worlds."""
    answer = what_if("density", SHORT, {"horizon_s": 60.0}, seeds=WORLDS)
    assert answer.by_change
    for one in answer.by_change.values():
        assert one.mean == one.half_width == 0.0
        assert not one.is_clear


def test_the_requests_of_other_slices_are_the_same_ones():
    """More of one slice leaves the offered requests of the others as they were, world by world."""
    by_change = what_if("density", SHORT, BUSY, seeds=WORLDS).by_change
    for name in ("immersive", "massive", "ubiquitous"):
        assert by_change[f"offered/{name}"].mean == by_change[f"offered/{name}"].half_width == 0.0
    assert by_change["offered/hrllc"].mean > 100
    assert by_change["offered/hrllc"].is_clear


def test_differences_are_those_of_two_evaluations():
    """Both sides and their difference are what `evaluate` gives in these worlds."""
    answer = what_if("density", SHORT, BUSY, against="fifo", seeds=WORLDS)
    after = changed(SHORT, BUSY)
    before = evaluate(make_policy("density", SHORT), SHORT, WORLDS)
    then = evaluate(make_policy("density", SHORT), after, WORLDS)
    other = evaluate(make_policy("fifo", SHORT), after, WORLDS)
    gap = then.kpi["loss_ratio"] - before.kpi["loss_ratio"]
    assert answer.by_change["loss_ratio"].mean == pytest.approx(gap.mean(), abs=1e-15)
    gain = (other.returns - then.returns) / 60.0
    assert answer.by_agent[RETURN].mean == pytest.approx(gain.mean(), abs=1e-12)
    assert (answer.agent, answer.against) == ("density", "fifo")


def test_an_interval_covers_the_mean_as_often_as_it_says():
    """Of 2,000 intervals about 95 % hold the true difference."""
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(2000):
        common = rng.normal(0.0, 3.0, 12)
        one = paired_difference(common + rng.normal(0, 1, 12), common + rng.normal(0.5, 1, 12))
        covered += abs(one.mean - 0.5) <= one.half_width
    assert covered / 2000 == pytest.approx(0.95, abs=0.015)


def test_the_same_worlds_save_worlds():
    """A common part of variance 9 beside parts of variance 1 saves ten times the worlds."""
    rng = np.random.default_rng(2)
    common = rng.normal(0.0, 3.0, 200_000)
    one = paired_difference(common + rng.normal(0, 1, 200_000), common + rng.normal(0, 1, 200_000))
    assert one.variance_reduction == pytest.approx(10.0, rel=0.02)


def test_worlds_without_the_indicator_are_left_out():
    """Not a number on either side: the pair is not counted; fewer than two pairs are no answer."""
    nan = float("nan")
    one = paired_difference(np.array([1.0, nan, 3.0]), np.array([2.0, 5.0, 5.0]))
    assert (one.num_worlds, one.before, one.mean) == (2, 2.0, 1.5)
    assert paired_difference(np.array([1.0, nan]), np.array([1.0, 2.0])) is None


def test_policies_stay_as_configured_unless_asked_otherwise():
    """The tuned reservation has no thresholds for the changed network, and so must stay."""
    what_if("reservation", "contention", {"horizon_s": 60.0}, seeds=WORLDS)
    with pytest.raises(ConfigError, match="no tuned reservation"):
        what_if("reservation", "contention", BUSY, seeds=WORLDS, reconfigured=True)


@pytest.mark.parametrize(
    ("base", "change", "words"),
    [
        ("sync-small", load("sync-medium"), "reconfigured=True"),
        ("contention", load("tic-small-45"), "one kind"),
        ("contention", {"horizon": 3.0}, "horizon_s"),
    ],
)
def test_networks_that_an_agent_cannot_run_are_refused(base, change, words):
    """Another kind, other observations, or a path that leads nowhere."""
    agent = "round-robin" if base == "sync-small" else "density"
    with pytest.raises(ConfigError, match=words):
        what_if(agent, base, change, seeds=WORLDS)


def test_a_difference_by_hand():
    """Three worlds: gaps 1, 2 and 3; variances 7/3 and 19/3 on their own and 1 in pairs."""
    one = paired_difference(np.array([1.0, 2.0, 4.0]), np.array([2.0, 4.0, 7.0]))
    assert (one.before, one.after, one.mean) == pytest.approx((7 / 3, 13 / 3, 2.0))
    assert one.half_width == pytest.approx(4.302653 / np.sqrt(3))
    assert one.variance_reduction == pytest.approx(26 / 3)
    assert not one.is_clear


def test_worlds_are_64_of_validation_unless_others_are_given():
    """Those that are open to all and not trained on."""
    answer = what_if("density", BRIEF, BUSY)
    assert answer.seeds == tuple(world_seeds("validation", 64))
    assert answer.by_change[RETURN].num_worlds == 64


def test_returns_are_a_second_of_each_network():
    """Half the horizon: the return of each side, and of either policy, over its own time."""
    answer = what_if("density", BRIEF, {"horizon_s": 2.5}, against="fifo", seeds=WORLDS)
    assert (answer.base, answer.changed) == (BRIEF, changed(BRIEF, {"horizon_s": 2.5}))
    agent, other = make_policy("density", BRIEF), make_policy("fifo", BRIEF)
    before = evaluate(agent, BRIEF, WORLDS).returns / 5.0
    after = evaluate(agent, answer.changed, WORLDS).returns / 2.5
    instead = evaluate(other, answer.changed, WORLDS).returns / 2.5
    assert answer.by_change[RETURN].before == pytest.approx(before.mean())
    assert answer.by_change[RETURN].after == pytest.approx(after.mean())
    assert answer.by_agent[RETURN].before == pytest.approx(after.mean())
    assert answer.by_agent[RETURN].after == pytest.approx(instead.mean())


def test_an_agent_is_a_name_a_policy_or_what_makes_one():
    """With the same answer; it is made for the network as it is, or for both if asked for."""
    made = []

    def maker(scenario):
        made.append(scenario)
        return make_policy("density", scenario)

    answers = [
        repr(what_if(agent, BRIEF, BUSY, seeds=WORLDS[:2]))  # equal also where not a number
        for agent in ("density", make_policy("density", BRIEF), maker)
    ]
    assert answers[0] == answers[1] == answers[2]
    assert made == [BRIEF, BRIEF]
    made.clear()
    what_if(maker, BRIEF, BUSY, seeds=WORLDS[:2], reconfigured=True)
    assert made == [BRIEF, changed(BRIEF, BUSY)]


def test_every_evaluation_tells_how_far_it_is():
    """By its name, in shares that rise."""
    progress: dict[str, list[float]] = {}
    what_if(
        "density", SHORT, BUSY, against="fifo", seeds=WORLDS[:2],
        on_progress=lambda what, share: progress.setdefault(what, []).append(share),
    )  # fmt: skip
    assert list(progress) == ["as it is", "changed", "the other policy"]
    for shares in progress.values():
        assert shares == sorted(shares)
        assert 0.5 < shares[-1] <= 1.0


def test_other_actions_are_refused_in_the_form_that_has_them():
    """Fewer levels of barring are other actions as levels, and the same ones as probabilities."""
    change = {"barring_levels": 8}
    with pytest.raises(ConfigError, match=r"Discrete\(16\).* before"):
        what_if("fixed", "access-small-45", change, seeds=WORLDS[:2])
    answer = what_if("fixed", "access-small-45", change, action="probability", seeds=WORLDS[:2])
    assert np.isfinite(answer.by_change[RETURN].mean)


def test_one_world_is_no_sample():
    """A difference without an interval is no answer."""
    with pytest.raises(ConfigError, match="two worlds"):
        what_if("density", SHORT, BUSY, seeds=WORLDS[:1])


@pytest.mark.parametrize(
    ("base", "agent", "change"),
    [
        ("tic-small-45", "first-come", {"burst_fraction": 0.5, "horizon_s": 0.1}),
        ("access-small-45", "fixed", {"preambles": 40}),
        ("sync-small", "round-robin", {"delivery_probability": 0.7}),
    ],
)
def test_questions_are_asked_of_every_kind(base, agent, change):
    """The return is among the answers for all of them."""
    answer = what_if(agent, base, change, seeds=WORLDS[:2])
    assert np.isfinite(answer.by_change[RETURN].mean)


def ask(*words: str):
    """The command with a short horizon."""
    question = ["what-if", "--scenario", "contention", "--worlds", "4", *words]
    return CliRunner().invoke(app, question)


def test_the_command_prints_a_table_draws_and_keeps(tmp_path):
    """The network it keeps is the one that was asked about, and says so."""
    figure, kept = tmp_path / "answer.png", tmp_path / "busy.toml"
    result = ask(
        "--set", "slices.hrllc.arrival_rate_hz=4.8", "--against", "reservation",
        "--figure", str(figure), "--save", str(kept),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "return_per_s" in result.output
    assert "reservation instead of density" in result.output
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert load(kept).digest == changed(load("contention"), BUSY).digest
    assert "arrival_rate_hz=4.8" in load(kept).provenance
    assert {entry.name for entry in tmp_path.iterdir()} == {"answer.png", "busy.toml"}


def test_the_command_answers_in_json():
    """The same numbers as the function."""
    result = ask("--set", "slices.hrllc.arrival_rate_hz=4.8", "--json")
    document = json.loads(result.stdout)
    expected = what_if("density", "contention", BUSY, seeds=WORLDS[:4])
    mean = document["changed_minus_base"]["loss_ratio"]["mean"]
    assert mean == pytest.approx(expected.by_change["loss_ratio"].mean)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "nothing changes"),
        (("--set", "horizon_s=60", "--to", "mild"), "not with both"),
        (("--set", "horizon_s"), "equals sign"),
        (("--set", "horizon_s=60", "--figure", "x.pdf"), ".png"),
        (("--set", "horizon_s=60", "--save", "no/such/folder/x.toml"), "no folder"),
        (("--set", "horizon_s=60", "--agent", "densty"), "density"),
    ],
)
def test_the_command_refuses_in_one_line(words, message):
    """Exit code 2 and the reason, before anything is computed."""
    result = ask(*words)
    assert result.exit_code == 2
    assert message in result.output
    assert len(result.output.strip().splitlines()) == 1
