"""Bounds by world and the tightest bound: above every rule, known answers, and the command."""

import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.bounds.__main__ import app, read_rows
from benchmarks.environments.slice_admission.bound import bound_of
from benchmarks.environments.slice_admission.perfect import hindsight_per_s
from benchmarks.environments.slice_admission.replay import replay_bound_per_s
from benchmarks.environments.slice_admission.requests import Requests, realised, tables_of
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import Lognormal, Trace
from twin_gym.scenario.loading import load

RULES = ("density", "max-revenue", "fifo")


def busy(law="deterministic", penalty=0.5, **changes):
    """Two slices on two resources, more offered than fits, holding times with a heavy tail."""
    dear = Slice(
        name="dear",
        demand={"radio": 2.0, "storage": 1.0},
        arrival_rate_hz=1.5,
        mean_holding_time_s=1.0,
        revenue=4.0,
        lost_penalty=penalty,
        mean_patience_s=0.8,
        queue_limit=3,
        holding=Lognormal(sigma=1.2),
    )
    cheap = Slice(
        name="cheap",
        demand={"radio": 1.0, "storage": 2.0},
        arrival_rate_hz=4.0,
        mean_holding_time_s=0.7,
        mean_patience_s=2.0,
        queue_limit=4,
    )
    given = {
        "name": "busy",
        "capacity": {"radio": 4.0, "storage": 5.0},
        "slices": (dear, cheap),
        "horizon_s": 20.0,
        "patience_law": law,
    }
    return AdmissionScenario(**given | changes)


def by_hand(arrival_s, patience_s, holding_s, horizon_s=10.0, revenue=1.0):
    """Requests of one slice for one unit."""
    calls = Slice(
        name="calls",
        demand={"units": 1.0},
        arrival_rate_hz=1.0,
        mean_holding_time_s=1.0,
        revenue=revenue,
        queue_limit=9,
    )
    scenario = AdmissionScenario(
        name="by-hand", capacity={"units": 1.0}, slices=(calls,), horizon_s=horizon_s
    )
    arrays = (np.array(one, dtype=np.float64) for one in (arrival_s, patience_s, holding_s))
    return Requests(scenario, np.zeros(len(arrival_s), dtype=np.int64), *arrays)


@pytest.mark.parametrize("law", ["deterministic", "exponential"])
def test_no_rule_earns_more_in_any_world(law):
    """World by world, whatever the bins: hindsight is a relaxation of what every rule does."""
    scenario = busy(law)
    seeds = world_seeds("validation", 6, first=2**17)
    tables = tables_of(scenario)
    worlds = [realised(tables, seed) for seed in seeds]
    bounds = np.array([[hindsight_per_s(one, bins=bins) for bins in (7, 80)] for one in worlds])
    for name in RULES:
        earned = evaluate(make_policy(name, scenario), scenario, seeds).returns / 20.0
        assert (earned[:, None] <= bounds + 1e-9).all()
    assert bounds[:, 1].mean() < bounds[:, 0].mean()


def test_worlds_are_those_that_are_simulated():
    """As many requests as the environment counts, and those of a queue of none do not wait."""
    scenario = busy()
    alone = busy(slices=(scenario.slices[0], scenario.slices[1].replace(queue_limit=0)))
    (seed,) = world_seeds("validation", 1, first=2**17)
    requests = realised(tables_of(alone), seed)
    evaluation = evaluate(make_policy("fifo", alone), alone, [seed])
    assert len(requests.arrival_s) == evaluation.kpi["offered"][0]
    assert (requests.patience_s == np.where(requests.slice_index == 0, 0.8, 0.0)).all()


@pytest.mark.parametrize(
    ("requests", "most"),
    [
        (([0.0, 1.0], [0.0, 0.0], [2.0, 2.0]), 1.0),  # they overlap, and cannot wait
        (([0.0, 1.0], [0.0, 1.0], [2.0, 2.0]), 2.0),  # the second waits until the first leaves
        (([0.0, 1.0], [0.0, 0.5], [2.0, 2.0]), 1.0),  # it would have to wait a second
        (([0.0, 1.0], [1.8, 1.0], [2.0, 2.0]), 2.0),  # one of them waits
        (([0.0, 9.0], [0.0, 5.0], [9.5, 7.0]), 2.0),  # what is left at the end counts in full
        (([0.0, 0.0], [0.0, 0.0], [20.0, 20.0]), 1.0),  # both want the whole episode
        (([9.9] * 5, [9.0] * 5, [1.0] * 5), 5.0),  # all may be admitted in the last instant
    ],
)
def test_hindsight_by_hand(requests, most):
    """One unit, one unit of revenue each."""
    assert hindsight_per_s(by_hand(*requests), bins=200) == pytest.approx(most / 10.0, abs=1e-6)


def test_penalties_of_those_that_cannot_be_served_are_paid():
    """Two come for one place: one is served, the other costs, unless it still waits at the end."""
    requests = by_hand([0.0, 0.0], [0.0, 0.0], [20.0, 20.0])
    calls = requests.scenario.slices[0].replace(lost_penalty=3.0)
    dear = requests.scenario.replace(slices=(calls,))
    for patience_s, costs in ((0.0, 3.0), (11.0, 0.0)):
        waits = Requests(
            dear,
            requests.slice_index,
            requests.arrival_s,
            np.array([0.0, patience_s]),
            requests.holding_s,
        )
        least = (1.0 if costs else 2.0) - costs
        assert hindsight_per_s(waits, bins=100) == pytest.approx(least / 10.0, abs=1e-6)


def test_fee_brings_hindsight_down_and_leaves_a_bound():
    """On average over worlds: above the rules, below hindsight, near or below the fluid bound."""
    scenario = busy(penalty=0.0)
    seeds = world_seeds("validation", 32, first=2**17)
    tables = tables_of(scenario)
    worlds = [realised(tables, seed) for seed in seeds]
    free, charged = (
        np.array([hindsight_per_s(one, fee=fee, bins=40) for one in worlds]) for fee in (0.0, 1.0)
    )
    half = 3.0 * charged.std() / math.sqrt(len(seeds))
    assert charged.mean() + 0.1 < free.mean()
    assert charged.mean() - half <= fluid_bound(scenario, horizon_s=20.0).revenue_rate_per_s
    for name in RULES:
        earned = evaluate(make_policy(name, scenario), scenario, seeds).returns / 20.0
        assert earned.mean() <= charged.mean() + half


@pytest.fixture
def replayed(tmp_path):
    """Ninety requests in thirty seconds, repeated without end, episodes of eight."""
    rng = np.random.default_rng(3)
    rows = [
        f"{at:.3f},{name},{stay:.3f}"
        for at, name, stay in zip(
            np.sort(rng.uniform(0.0, 30.0, 90)),
            rng.choice(["dear", "cheap"], 90),
            rng.exponential(1.0, 90),
            strict=True,
        )
    ]
    path = tmp_path / "requests.csv"
    path.write_text("arrival_s,slice,holding_s\n" + "\n".join(rows) + "\n", "utf-8")
    base = busy(penalty=0.0)
    slices = tuple(Slice(**one.model_dump(exclude={"arrival", "holding"})) for one in base.slices)
    return busy(slices=slices, horizon_s=8.0, trace=Trace(path=str(path), last_s=30.0))


def test_replay_is_bounded_over_all_beginnings(replayed):
    """Finer grids prove more; above every rule; near the mean of hindsight in sampled worlds."""
    coarse, fine = (replay_bound_per_s(replayed, step_s=step_s) for step_s in (3.0, 0.5))
    assert fine < coarse
    seeds = world_seeds("validation", 64, first=2**17)
    for name in RULES:
        earned = evaluate(make_policy(name, replayed), replayed, seeds).returns / 8.0
        assert earned.mean() - 3.0 * earned.std() / 8.0 <= fine
    tables = tables_of(replayed)
    sampled = np.array([hindsight_per_s(realised(tables, seed)) for seed in seeds])
    half = 3.0 * sampled.std() / 8.0
    assert sampled.mean() - half <= fine <= sampled.mean() + half + 0.15 * fine


def test_replay_refuses_what_its_proof_does_not_cover(replayed):
    """No trace, patience that nobody knows, penalties."""
    with pytest.raises(ConfigError, match="replays no trace"):
        replay_bound_per_s(busy())
    with pytest.raises(ConfigError, match="deterministic patience"):
        replay_bound_per_s(replayed.replace(patience_law="exponential"))
    costly = tuple(one.replace(lost_penalty=1.0) for one in replayed.slices)
    with pytest.raises(ConfigError, match="without penalties"):
        replay_bound_per_s(replayed.replace(slices=costly))


def test_tightest_bound_is_of_the_kind_that_the_scenario_allows(replayed):
    """Exact where it is small and memoryless; else the least that is proven."""
    small = bound_of(load("teletraffic-small").replace(horizon_s=100.0))
    assert small.kind == "exact optimum"
    assert 10.33 < small.value_per_s < 10.36
    assert 0.0 < small.half_width < 1e-3
    memoryless = tuple(
        Slice(**one.model_dump(exclude={"holding"})) for one in busy(penalty=0.0).slices
    )
    option = bound_of(busy(slices=memoryless))
    assert option.kind == "option bound"
    assert option.value_per_s < fluid_bound(busy(penalty=0.0), horizon_s=20.0).revenue_rate_per_s
    assert bound_of(busy()).kind == "LP"
    assert bound_of(load("service-calibrated")).kind == "LP"
    assert bound_of(replayed.replace(horizon_s=4.0 * 3600.0)).kind == "perfect information"


def test_command_writes_keeps_and_does_not_repeat(tmp_path):
    """Data and page, whole; a second run finds all of it there."""
    out = tmp_path / "bounds.json"
    arguments = ["--scenario", "teletraffic-small", "--policy-worlds", "2", "--out", str(out)]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0, first.output
    rows = read_rows(out)["teletraffic-small"]
    assert [row.kind for row in rows if row.is_anchor] == ["exact optimum"]
    assert {row.kind for row in rows} >= {"LP", "option bound"}
    assert (
        "| teletraffic-small | exact optimum | **10.328** |" in out.with_suffix(".md").read_text()
    )
    data = json.loads(out.read_text())
    data["teletraffic-small"][0]["what"] = "kept"
    out.write_text(json.dumps(data))
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert read_rows(out)["teletraffic-small"][0].what == "kept"
    unknown = CliRunner().invoke(app, ["--scenario", "nowhere", "--out", str(out)])
    assert (unknown.exit_code, "nowhere" in unknown.stderr) == (2, True)
