"""The experiments themselves: quick runs, and figures whose answers are known."""

import json
from importlib import import_module

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import access_barring, blocks, right_time, tic_loss, tic_throughput
from benchmarks.experiments.blocks import Measured, measure_all, worlds_of
from twin_gym.environments.massive_access.theory import expected_successes
from twin_gym.policies import evaluate, make_policy
from twin_gym.scenario.loading import load

EXPERIMENTS = ("tic_throughput", "tic_loss", "access_barring", "right_time", "waste_learners")


@pytest.mark.slow
@pytest.mark.usefixtures("brief_plans")
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_quick_run_writes_its_page_and_goes_on_where_it_was(name, tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    module = import_module(f"benchmarks.experiments.{name}")
    kept = str(tmp_path / "kept.jsonl")
    options = ["--quick", "--out", str(tmp_path), "--kept", kept]
    result = CliRunner().invoke(module.app, options, catch_exceptions=False)
    assert result.exit_code == 0
    page = (tmp_path / f"{name}.md").read_text()
    assert page.startswith("# ")
    assert "nan" not in page.lower().split()
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert json.loads((tmp_path / f"{name}.json").read_text())

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(blocks, "evaluate", refuse)
    for bound in ("least_loss", "relaxation_bound", "most_earned"):
        monkeypatch.setattr(module, bound, refuse, raising=False)
    assert CliRunner().invoke(module.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / f"{name}.md").read_text() == page


def measured(label="a", x=0.0, scenario="s", **values):
    """Something measured in as many blocks as there are values."""
    return Measured(label, scenario, x, {name: np.array(one) for name, one in values.items()})


def test_gains_of_a_policy_are_the_ones_computed_by_hand():
    """Stability 0.9 over 0.8, half the variation, as much throughput, retention of 0.9 over 0.5."""
    base, better = tic_throughput.EACH_FRAME, tic_throughput.PRIORITISED
    points = {}
    for size in tic_throughput.PAPER_SIZES:
        common = {"throughput_bps": [2e6, 3e6], "offered/uplink": [100.0, 100.0]}
        delivered = 100.0 if size == "large" else 200.0
        points[base, size, 70] = measured(
            throughput_stability=[0.8, 0.8], delivered=[delivered] * 2, **common
        )
        delivered = 180.0 if size == "large" else 200.0
        points[better, size, 70] = measured(
            throughput_stability=[0.9, 0.9], delivered=[delivered] * 2, **common
        )
    gains = tic_throughput.readings(points, better, base, 70)
    expected = {"stability": 0.125, "variation": 0.5, "retention": 0.8, "throughput": 0.0}
    for name, gain in expected.items():
        np.testing.assert_allclose(gains[name], [gain, gain], atol=1e-12)


def test_weights_drawn_once_stay_for_the_episode():
    """They differ between rows and seeds, and lie on the simplex."""
    policy = tic_throughput.WeightsDrawnOnce()
    seen, masks = np.zeros((5, 3), np.float32), np.ones((5, 0), np.int8)
    policy.reset(7)
    first = policy.actions(seen, masks)
    np.testing.assert_array_equal(policy.actions(seen, masks), first)
    np.testing.assert_allclose(first.sum(axis=1), 1.0, atol=1e-6)
    assert len(np.unique(first[:, 0])) == 5
    policy.reset(8)
    assert (policy.actions(seen, masks) != first).any()


@pytest.mark.parametrize("answers", [True, False])
def test_no_policy_loses_less_than_the_least_loss(answers):
    """In each world of a crowded network, and the bound says something there."""
    network = load("tic-small-70").replace(horizon_s=0.1, answers=answers)
    seeds = worlds_of(0, 4)
    least = np.array([tic_loss.least_loss(network, seed) for seed in seeds])
    for name in ("edf", "density-deadline", "random"):
        evaluation = evaluate(make_policy(name, network), network, seeds)
        assert (evaluation.kpi["loss_ratio"] >= least).all()
    assert least.max() > 0.0


def test_genie_lets_more_in_than_the_best_constant_which_beats_none():
    """Where 2,000 devices ask, 70 % of them at once; and the tuned constant is a good one."""
    cells = access_barring.cells(2, 2, {"70": (2_000,)})
    share = {
        one.label: one.values["access_success_probability"].mean() for one in measure_all(cells)
    }
    assert share[access_barring.GENIE] >= share[access_barring.FIXED] - 0.01
    assert share[access_barring.FIXED] > share[access_barring.NONE] + 0.3
    assert share[access_barring.GENIE] > 0.98


def test_one_opportunity_serves_as_many_as_the_formula_says():
    """Within five standard errors at every number of devices (a false alarm in 10,000)."""
    for one in measure_all(access_barring.singleton_cells(5, 100)):
        formula = expected_successes(one.x)
        values = one.values["succeeded"]
        spread = 3.0 / np.sqrt(500)  # the standard deviation of singletons is below 3
        assert abs(values.mean() - formula) < 5 * spread


def test_thinned_policy_sends_in_its_share_of_the_slots():
    """Evenly spaced, a quarter is the fourth of every four slots, from each reset on."""

    class Always:
        name = "always"

        def reset(self, seed):
            self.seed = seed

        def actions(self, observations, masks):
            return np.zeros(len(observations), np.int64)

    policy = right_time.Thinned(Always(), 0.25, nobody=9)
    policy.reset(3)
    chosen = [int(policy.actions(np.zeros((1, 2)), np.ones((1, 10)))[0]) for _ in range(14)]
    assert chosen == [9, 9, 9, 0] * 3 + [9, 9]
    policy.reset(3)
    begun = [int(policy.actions(np.zeros((1, 2)), np.ones((1, 10)))[0]) for _ in range(4)]
    assert begun == [9, 9, 9, 0]


def test_round_robin_comes_to_all_however_seldom_it_may_send():
    """Six entities and every second slot: the turn moves on with each update, not each slot."""
    policy = right_time.Thinned(right_time.InTurn(6), 0.5, nobody=6)
    policy.reset(0)
    chosen = [int(policy.actions(np.zeros((1, 2)), np.ones((1, 7)))[0]) for _ in range(14)]
    assert chosen == [6, 0, 6, 1, 6, 2, 6, 3, 6, 4, 6, 5, 6, 0]
    policy.reset(0)
    assert [int(policy.actions(np.zeros((1, 2)), np.ones((1, 7)))[0]) for _ in range(2)] == [6, 0]


def test_updates_needed_lie_between_the_points_of_a_curve():
    """Half-way in accuracy is half-way in updates; what no point reaches takes for ever."""
    points = [
        measured(updates=[10.0, 10.0], scenario_accuracy=[0.2, 0.2]),
        measured(updates=[30.0, 30.0], scenario_accuracy=[0.6, 0.3]),
    ]
    needed = right_time.updates_needed(points, np.array([0.4, 0.4]))
    assert needed.tolist() == [20.0, np.inf]
    assert right_time.updates_needed(points, np.array([0.1, 0.1])).tolist() == [10.0, 10.0]


def test_network_without_its_data_is_left_out(monkeypatch):
    """A synthetic one is always there."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    assert right_time.is_there(right_time.network("sync-small"))
    assert not right_time.is_there(right_time.network("sync-beijing"))
