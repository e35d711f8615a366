"""What-if training and its study: fits, the worlds of agents, and the page."""

import dataclasses
import importlib
import json
import os
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from typer.testing import CliRunner

from agents.models import build
from agents.transfer import TransferMatrix
from benchmarks.experiments.what_if_training import measuring, networks, page, trainings
from benchmarks.experiments.what_if_training import twins as making
from benchmarks.experiments.what_if_training.measuring import LATER, TUNED, CaseResult, columns
from benchmarks.experiments.what_if_training.networks import (
    drawn_requests,
    fitted,
    phases,
    seen_case,
    service_case,
    unforeseen_case,
)
from benchmarks.experiments.what_if_training.trainings import (
    HINDSIGHT,
    HISTORY,
    LABELS,
    ONE,
    Plan,
    settings,
    sources,
    trained,
)
from benchmarks.experiments.what_if_training.twins import FAMILIES, RANDOMISED, twins, write
from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, world_seeds
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios import HistoricalGenerator

QUICK_FAMILIES = [family for family in FAMILIES if family != "gan"]
TINY = Plan(seeds=1, steps=4_096, num_twins=3, worlds=2, held_out=3)
SMALL_AGENT = ("a2c", {"n_envs": 32, "n_steps": 16, "net_arch": (8, 8)})
IMMERSIVE, UBIQUITOUS = "slices.immersive.arrival_rate_hz", "slices.ubiquitous.arrival_rate_hz"


@pytest.fixture(scope="module")
def case():
    """`shift`, of which no swap has been seen."""
    return unforeseen_case()


@pytest.fixture
def no_gan(monkeypatch):
    """The GAN's place is taken by a generator that needs no training."""
    usual = making.generator

    def quick(case, family, seed):
        return HistoricalGenerator() if family == "gan" else usual(case, family, seed)

    monkeypatch.setattr(making, "generator", quick)


def shortened(case, horizon_s=5.0):
    """The same with short episodes."""
    base, later = (one.replace(horizon_s=horizon_s) for one in (case.base, case.later))
    space = dataclasses.replace(case.lived.space, base=base)
    lived = dataclasses.replace(case.lived, space=space)
    return dataclasses.replace(case, base=base, history=base, later=later, lived=lived)


def values(case, path):
    """One parameter of the windows."""
    return np.exp(case.lived.points[:, case.lived.space.paths.index(path)])


def test_phases_are_the_two_halves_of_shift():
    """Rates 0.6 and 3.0 a second before the swap, 3.0 and 0.6 after, and nothing else differs."""
    before, after = phases()
    assert [one.arrival_rate_hz for one in before.slices] == pytest.approx([0.6, 2.4, 6.0, 3.0])
    assert [one.arrival_rate_hz for one in after.slices] == pytest.approx([3.0, 2.4, 6.0, 0.6])
    shift = load("shift")
    for network in (before, after):
        assert network.capacity == shift.capacity
        for one, own in zip(network.slices, shift.slices, strict=True):
            same = {"arrival": own.arrival, "arrival_rate_hz": own.arrival_rate_hz}
            assert one.replace(**same) == own


def test_drawn_requests_follow_the_networks_one_after_the_other():
    """Poisson counts within five standard deviations, in order, with the holding times' means."""
    before, after = phases()
    trace = drawn_requests([before, after], 400.0, np.random.default_rng(3))
    assert (np.diff(trace.arrival_s) >= 0).all()
    assert trace.duration_s == 800.0
    for first_s, network in ((0.0, before), (400.0, after)):
        inside = (trace.arrival_s >= first_s) & (trace.arrival_s < first_s + 400.0)
        for one in network.slices:
            mine = inside & (trace.slice_names == one.name)
            expected = 400.0 * one.arrival_rate_hz
            assert abs(mine.sum() - expected) < 5 * np.sqrt(expected)
            held = trace.holding_s[mine].mean()
            assert abs(held / one.mean_holding_time_s - 1) < 5 / np.sqrt(expected)


def test_a_fitted_network_has_the_rates_and_means_of_the_requests():
    """And all else of the network that it is like."""
    before, _ = phases()
    trace = drawn_requests([before], 400.0, np.random.default_rng(3))
    network = fitted(before, trace, "found")
    mine = trace.slice_names == "hrllc"
    assert network.slices[1].arrival_rate_hz == pytest.approx(mine.sum() / 400.0, rel=1e-4)
    assert network.slices[1].mean_holding_time_s == pytest.approx(
        trace.holding_s[mine].mean(), rel=1e-4
    )
    assert network.slices[1].demand == before.slices[1].demand


def test_who_has_not_seen_the_swap_knows_nothing_of_it(case):
    """All windows are near the rates before it; the network that comes has them swapped."""
    np.testing.assert_allclose(values(case, IMMERSIVE), 0.6, rtol=0.25)
    np.testing.assert_allclose(values(case, UBIQUITOUS), 3.0, rtol=0.1)
    assert case.later.slices[0].arrival_rate_hz == pytest.approx(3.0)


def test_who_has_seen_swaps_stands_just_before_the_next():
    """Windows of both kinds, the last one before the swap."""
    case = seen_case()
    rates = values(case, IMMERSIVE)
    assert rates.min() < 1.0 < 2.5 < rates.max()
    assert rates[-1] < 1.0
    assert case.history == load("shift")


@pytest.mark.skipif(not os.environ.get("TWIN_GYM_DATA"), reason="the trace is not here")
def test_nothing_that_is_fitted_to_the_trace_comes_from_its_later_part(tmp_path, monkeypatch):
    """Without the requests after the split, the past and what is fitted to it are the same."""
    whole = service_case()
    assert whole.history.trace.last_s == whole.later.trace.first_s
    source = Path(os.environ["TWIN_GYM_DATA"]) / networks.TRACE_PATH
    lines = source.read_text("utf-8").splitlines()
    at = lines[0].split(",").index("creation_time")
    split_s = whole.history.trace.last_s
    kept = [lines[0], *(x for x in lines[1:] if float(x.split(",")[at]) < split_s)]
    assert len(kept) < len(lines)
    cut = tmp_path / networks.TRACE_PATH
    cut.parent.mkdir(parents=True)
    cut.write_text("\n".join(kept) + "\n", "utf-8")
    monkeypatch.setenv("TWIN_GYM_DATA", str(tmp_path))
    without = service_case()
    assert without.base == whole.base
    np.testing.assert_array_equal(without.lived.points, whole.lived.points)
    assert len(whole.lived.points) == networks.HISTORY_DAYS
    assert without.history.digest == whole.history.digest


@pytest.mark.parametrize("family", QUICK_FAMILIES)
def test_held_out_twins_are_none_that_agents_train_on(case, family):
    """Other seeds of the generator: no digest in common, nor between trainings; same seed, same."""
    groups = [twins(case, family, seed, 8) for seed in range(5)]
    groups.append(twins(case, family, 0, 8, held_out=True))
    digests = [one.digest for group in groups for one in group]
    assert len(set(digests)) == len(digests) == 48
    assert twins(case, family, 3, 8) == groups[3]
    assert all(one.provenance for group in groups for one in group)


@pytest.mark.slow
def test_twins_of_a_gan_are_held_out_too(case, monkeypatch):
    """Of a training of a few steps."""
    module = importlib.import_module("twin_gym.twins.scenarios.gan_training")
    usual = module.ScenarioGanSettings
    monkeypatch.setattr(module, "ScenarioGanSettings", lambda seed: usual(max_steps=20, seed=seed))
    mine = {one.digest for one in twins(case, "gan", 0, 4)}
    assert mine.isdisjoint(one.digest for one in twins(case, "gan", 0, 4, held_out=True))


def test_an_unknown_family_of_twins_is_refused(case):
    """With the nearest known one."""
    with pytest.raises(UnknownNameError, match="hybrid"):
        twins(case, "hybird", 0, 1)


def test_randomised_networks_spread_as_widely_as_said(case):
    """Log-rates by 0.7 and log-holding times by 0.35, around the base, which they else equal."""
    networks = making.randomised(case.base, 400, np.random.default_rng(0))
    for field, spread in (("arrival_rate_hz", 0.7), ("mean_holding_time_s", 0.35)):
        for place, own in enumerate(case.base.slices):
            logs = np.log([getattr(one.slices[place], field) for one in networks])
            assert abs(logs.mean() - np.log(getattr(own, field))) < 5 * spread / 20
            assert logs.std() == pytest.approx(spread, rel=0.2)
    assert networks[0].slices[0].mean_patience_s == case.base.slices[0].mean_patience_s


def test_rows_of_one_environment_hold_different_twins_at_the_same_time(case):
    """Each episode's world picks one: the same seed the same, and all are met in time."""
    made = twins(case, RANDOMISED, 0, 4)
    env = gymnasium.make_vec(
        "twin_gym/SliceAdmission-v0", num_envs=16, vectorization_mode="vector_entry_point",
        scenario=made,
    )  # fmt: skip
    env.reset(seed=list(range(16)))
    first = [env.batch.scenario_of(row).digest for row in range(16)]
    assert len(set(first)) > 1
    assert set(first) <= {one.digest for one in made}
    env.reset(seed=list(range(16)))
    assert [env.batch.scenario_of(row).digest for row in range(16)] == first
    met = set(first)
    for seed in range(16, 96, 16):
        env.reset(seed=list(range(seed, seed + 16)))
        met |= {env.batch.scenario_of(row).digest for row in range(16)}
    assert met == {one.digest for one in made}
    single = vector_env(made, 1)
    for seed in range(8):
        single.reset(seed=seed)
        assert single.batch.scenario_of(0).digest == first[seed]


def test_a_training_is_on_all_of_its_twins(case, tmp_path):
    """The environment of the model has the very scenarios that were written down."""
    made = twins(case, RANDOMISED, 0, 3)
    chosen = settings(case, write(made, tmp_path), 0, TINY).with_(n_envs=8, n_steps=16)
    env = build(chosen).model.get_env()
    assert [one.digest for one in env.batch.scenarios] == [one.digest for one in made]


def test_credit_is_equally_long_in_seconds_whatever_twin_comes_first(case, tmp_path):
    """Settings count it in the first network's time unit, which differs from twin to twin."""
    made = twins(case, RANDOMISED, 0, 4)
    assert len({one.time_unit_s for one in made}) == 4
    for one in made:
        chosen = settings(case, write([one], tmp_path), 0, TINY)
        seconds = chosen.discount_holding_times * one.time_unit_s
        assert seconds == pytest.approx(4.0 * case.base.time_unit_s)


def test_every_case_has_its_rivals_and_its_hindsight(case):
    """A fitted network that is the history itself is not trained on twice."""
    assert ONE not in sources(case)
    assert sources(seen_case()) == [HISTORY, ONE, *FAMILIES, HINDSIGHT]
    assert trainings.networks(case, HINDSIGHT, 0, TINY) == [case.later]
    assert trainings.networks(case, HISTORY, 0, TINY) == [case.history]


def test_a_training_is_done_once_and_other_twins_are_another(case, tmp_path, monkeypatch):
    """A stored training decides as before; one more twin needs a new training."""
    monkeypatch.setitem(trainings.CHOSEN, "unforeseen", SMALL_AGENT)
    case, worlds = shortened(case), world_seeds("validation", 2)
    first = trained(case, RANDOMISED, 0, TINY, folder=tmp_path)
    one_more = dataclasses.replace(TINY, num_twins=TINY.num_twins + 1)
    trained(case, RANDOMISED, 0, one_more, folder=tmp_path)
    assert len(list((tmp_path / "actors").iterdir())) == 2
    assert len(list((tmp_path / "networks").iterdir())) == one_more.num_twins

    def refuse(*_, **__):
        raise AssertionError("trained again")

    monkeypatch.setattr("agents.trained.train", refuse)
    again = trained(case, RANDOMISED, 0, TINY, folder=tmp_path)
    assert (
        evaluate(again, case.base, worlds).trajectory
        == evaluate(first, case.base, worlds).trajectory
    )


def test_agents_are_tested_on_history_held_out_twins_and_what_came(case, no_gan):
    """No network of a column but history and hindsight is one that was trained on."""
    networks = columns(case, TINY)
    assert next(iter(networks)) == LABELS[HISTORY]
    assert networks[LATER] == [case.later]
    for family in FAMILIES:
        held_out = networks[f"{LABELS[family]}, held out"]
        assert len(held_out) == TINY.held_out


def made_result(rows, later, bound=30.0):
    """A case with these scores on what came, one a block."""
    scores = np.array(later)[:, None, :]
    return CaseResult(
        "made", "A made case", TransferMatrix(tuple(rows), (LATER,), scores), bound, {"x": 0.5},
        {"x": 1.5}, {"x": 2.0}, "4 windows", "Agent: none",
    )  # fmt: skip


ROWS = [LABELS[HISTORY], LABELS[RANDOMISED], *page.GENERATED, TUNED]


def test_the_verdict_follows_the_numbers():
    """Clearly better than history, no clear difference from randomised, one clearly worse."""
    block = np.array([0.0, 0.1, 0.2])
    later = [10 + block, 12 + 20 * block, 13 + block, 12 + block, 5 + block, 20 + block]
    said = page.verdict(made_result(ROWS, later))
    assert "history alone: better with twins: historical, twins: hybrid; worse with" in said
    assert "against randomised parameters: worse with twins: gan" in said
    assert "(twins: historical) earns clearly less than the static reservation" in said
    level = page.verdict(made_result(ROWS, [10 + block, 10 + block[::-1]] * 3))
    assert "against history alone: no difference that is clear" in level


def test_the_table_has_gains_in_per_cent_of_the_rival():
    """20 against 10 is +100 % and clear; the bound's share and the bound itself stand there."""
    block = np.array([0.0, 0.1, 0.2])
    results = made_result(ROWS, [10 + block, 15 + block, 20 + block, *[10 + block[::-1]] * 3])
    lines = page.main_table(results).splitlines()
    assert "| twins: historical | 20.10 ± 0.25 | 67.0 % | **+99.0 ± 0.0 %** |" in lines[4]
    assert lines[-1] == "| bound | 30.00 | 100 % |  |  |"
    assert "+0.0 ± 4.9 %" in lines[5]


def test_what_is_found_is_the_same_when_read_again():
    """JSON there and back."""
    results = made_result(ROWS, np.arange(18.0).reshape(6, 3))
    again = CaseResult.from_json(results.to_json())
    np.testing.assert_array_equal(again.matrix.scores, results.matrix.scores)
    assert again.matrix.rows == results.matrix.rows
    assert again.to_json() == results.to_json()


def test_an_unknown_case_is_one_line_and_the_exit_code_2():
    """Before anything is trained, with the nearest known one."""
    module = importlib.import_module("benchmarks.experiments.what_if_training.__main__")
    run = CliRunner().invoke(module.app, ["--quick", "--case", "unforseen"])
    assert run.exit_code == 2
    assert "unforeseen" in run.output


def test_steps_are_rounded_to_whole_rollouts(case, tmp_path):
    """Any number can be asked for."""
    paths = write([case.base], tmp_path)
    assert settings(case, paths, 0, Plan(steps=9_000)).total_timesteps == 8_192


def test_the_trace_is_asked_for_where_it_is_missing(monkeypatch):
    """With what to set."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    with pytest.raises(ConfigError, match="TWIN_GYM_DATA"):
        service_case()


@pytest.mark.slow
def test_a_quick_run_writes_its_page_and_goes_on_where_it_was(case, tmp_path, monkeypatch, no_gan):
    """Page, numbers and figure; the second run trains and tests nothing and writes the same."""
    module = importlib.import_module("benchmarks.experiments.what_if_training.__main__")
    monkeypatch.setattr(module, "QUICK", TINY)
    monkeypatch.setattr(measuring, "_SEARCH_EPISODES", 64)
    monkeypatch.setitem(trainings.CHOSEN, "unforeseen", SMALL_AGENT)
    monkeypatch.setitem(module.CASES, "unforeseen", lambda: shortened(case))
    options = ["--quick", "--case", "unforeseen", "--out", str(tmp_path / "out")]
    options += ["--work", str(tmp_path / "work")]
    run = CliRunner().invoke(module.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    written = (tmp_path / "out" / "what_if_training.md").read_text()
    assert LABELS[HISTORY] in written
    assert (tmp_path / "out" / "what_if_training.png").stat().st_size > 10_000
    numbers = json.loads((tmp_path / "out" / "what_if_training.json").read_text())
    assert set(numbers) == {"unforeseen"}

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "transfer_matrix", refuse)
    monkeypatch.setattr(measuring, "trained", refuse)
    assert CliRunner().invoke(module.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "out" / "what_if_training.md").read_text() == written
