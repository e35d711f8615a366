"""Windows of stores that were filled by real runs: estimates against what ran."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy
from twin_gym.scenario.changes import changed, value_at
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, record_run
from twin_gym.twins.realtime import Event, Link, LiveTwin, adapter_of
from twin_gym.twins.scenarios import (
    Criteria,
    HistoricalGenerator,
    HybridGenerator,
    ParameterSpace,
    current_state_from_store,
    history_from_store,
)
from twin_gym.twins.scenarios.estimation.evidence import Average, Rate
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry
from twin_gym.twins.scenarios.estimation.windows import estimator_of

LOSS = 0.2
RUNS = {
    "admission": ("contention", {"horizon_s": 50.0}, "fifo", 0.0, [3]),
    "patience": ("teletraffic-erlang-a", {"horizon_s": 100.0}, "fifo", 0.0, [3]),
    "shift": ("shift", {"horizon_s": 200.0}, "density", 1.0, [3]),
    "tic": ("tic-small-20", {"num_sensors": 20, "num_gateways": 1}, "edf", 1e-3, [3]),
    "access": ("access-medium-45", {"horizon_s": 2.0}, "none", 0.0, [3, 4, 5, 6]),
    "sync": ("sync-small", {"horizon_s": 1500.0, "delay_slots": 2}, "round-robin", 0.0, [3]),
}
WINDOWS_S = {
    "admission": 12.5, "patience": 20.0, "shift": 20.0, "tic": 0.1, "access": 1.5, "sync": 300.0
}  # fmt: skip


def scenario_of(name):
    """The scenario that runs."""
    preset, changes, *_ = RUNS[name]
    return changed(load(preset), changes)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Makes a store of a run, and one that has lost a share of its telemetry; each once."""
    made = {}

    def store_of(name, loss=0.0):
        if (name, loss) not in made:
            path = tmp_path_factory.mktemp("runs") / "store.db"
            store = open_store(path)
            if loss:
                thin(store_of(name), store, loss)
            else:
                _, _, policy, period_s, seeds = RUNS[name]
                for seed in seeds:
                    one = scenario_of(name)
                    record_run(store, make_policy(policy, one), one, seed, period_s=period_s)
            made[name, loss] = store
        return made[name, loss]

    yield store_of
    for store in made.values():
        store.close()


def thin(whole, store, loss):
    """Copies a store without a share of its events, as a lossy link does; told properties stay."""
    events = {}
    for episode, twin, name, time_s, value in whole.telemetry():
        events.setdefault(episode, []).append(Event(time_s, twin, name, value))
    rng = np.random.default_rng(8)
    for one in whole.episodes():
        store.begin_episode(one.load_scenario(), one.seed)
        is_kept = rng.random(len(events[one.id])) >= loss
        kept = [event for event, stays in zip(events[one.id], is_kept, strict=True) if stays]
        last = whole.snapshot_as_of(float("inf"), one.id)
        store.append(kept, snapshots=[last])


def estimates(store, name):
    """By path: evidence of all episodes together, estimate drawn to ten times the truth, truth."""
    one = scenario_of(name)
    several = [
        estimator_of(one.kind)(EpisodeTelemetry(store, episode.id), one, 0.0, float("inf"))
        for episode in store.episodes()
    ]
    by_path = {}
    for path in several[0]:
        evidence = several[0][path].joined([other[path] for other in several[1:]])
        truth = float(value_at(one, path))
        by_path[path] = evidence, evidence.estimate(min(10.0 * truth, 0.9 + truth)), truth
    return by_path


@pytest.fixture(scope="module")
def learned(recorded):
    """Makes the windows of a run and the last of them, of all parameters; each once."""
    made = {}

    def windows_of(name, loss=0.0):
        if (name, loss) not in made:
            store, space = recorded(name, loss), ParameterSpace.of(scenario_of(name))
            window_s = WINDOWS_S[name]
            lived = history_from_store(store, space, window_s)
            made[name, loss] = lived, current_state_from_store(store, space, window_s)
        return made[name, loss]

    return windows_of


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_rates_and_holding_times_of_slices_are_found_again(recorded, loss):
    """Within four standard errors: of n events, or of n exponential times, 1 / sqrt(n) each."""
    counts = []
    for path, (evidence, estimate, truth) in estimates(
        recorded("admission", loss), "admission"
    ).items():
        if "patience" not in path and "queue" not in path:
            count = evidence.events if isinstance(evidence, Rate) else evidence.count
            counts.append(count)
            assert abs(np.log(estimate / truth)) < 4.0 / np.sqrt(count) + 10.0 / count, path
    assert len(counts) == 8
    assert sorted(counts)[2] > 30.0


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_patience_that_all_have_is_found_from_below(recorded, loss):
    """Never above it, and with many requests that expire hardly below."""
    by_path = estimates(recorded("admission", loss), "admission")
    seen = 0
    for name in ("immersive", "hrllc", "ubiquitous"):
        evidence, _, truth = by_path[f"slices.{name}.mean_patience_s"]
        if evidence.count >= 10:
            seen += 1
            assert 0.93 * truth < evidence.total / evidence.count <= truth
    assert seen >= 2


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_exponential_patience_is_found_again(recorded, loss):
    """Within four standard errors of the number of requests that gave up as far as was heard."""
    evidence, estimate, truth = estimates(recorded("patience", loss), "patience")[
        "slices.calls.mean_patience_s"
    ]
    assert evidence.count > (20 if loss else 150)
    assert abs(np.log(estimate / truth)) < 4.0 / np.sqrt(evidence.count) + 10.0 / evidence.count


def test_windows_of_shift_see_the_swap(learned):
    """The rates of two slices change fivefold half-way, from 1.08 to 5.4 and back; no other."""
    lived, now = learned("shift")
    rates = {
        name: np.exp(lived.points[:, lived.space.paths.index(f"slices.{name}.arrival_rate_hz")])
        for name in ("immersive", "hrllc", "ubiquitous")
    }
    assert rates["immersive"][:5].max() < 0.6 * rates["immersive"][5:].min()
    assert rates["ubiquitous"][5:].max() < 0.6 * rates["ubiquitous"][:5].min()
    assert rates["immersive"][:5].mean() == pytest.approx(0.6, rel=0.35)
    assert rates["immersive"][5:].mean() == pytest.approx(3.0, rel=0.25)
    assert rates["hrllc"][:5].mean() == pytest.approx(rates["hrllc"][5:].mean(), rel=0.3)
    assert now.point[0] == pytest.approx(lived.points[-1, 0], abs=0.1)


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_traffic_and_sizes_of_tic_are_found_again(recorded, loss):
    """Background within four standard errors, the burst to a part of a sensor, sizes exactly."""
    by_path, one = estimates(recorded("tic", loss), "tic"), scenario_of("tic")
    evidence, rate_hz, truth = by_path["background_rate_hz"]
    assert evidence.events > 60
    assert abs(np.log(rate_hz / truth)) < 4.0 / np.sqrt(evidence.events)
    evidence, share, _ = by_path["burst_fraction"]
    assert evidence.count >= 30
    assert share == pytest.approx(one.burst_sensors / one.num_sensors, abs=0.04)
    for path in ("deadline_slots", "buffer_messages", "num_sensors", "num_gateways"):
        assert by_path[path][1] == by_path[path][2]


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_share_of_bad_channels_is_near_what_it_is(recorded, loss):
    """An eighth too low at most, for waiting between tries, and four standard errors of tries."""
    evidence, share, truth = estimates(recorded("tic", loss), "tic")["bad_share"]
    error = 4.0 * np.sqrt(evidence.tries * 0.1) / evidence.delivered
    assert 0.85 * truth - error < share < truth + error
    assert error < 0.7 * truth


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_window_and_burst_of_devices_are_found_again(recorded, loss):
    """The window to a hundredth, the share at once to a twentieth."""
    by_path = estimates(recorded("access", loss), "access")
    assert by_path["num_devices"][1] == 250
    assert by_path["arrivals.window_s"][1] == pytest.approx(1.0, rel=0.05)
    assert by_path["arrivals.fraction"][1] == pytest.approx(0.45, abs=0.05)


def test_window_of_beta_arrivals_is_found_under_barring(tmp_path):
    """The mean wait is taken off: without that it would be a tenth too long."""
    one = changed(load("access-beta-1000"), {"arrivals.window_s": 2.0, "horizon_s": 4.0})
    policy = make_policy("idle-estimator", one)
    with open_store(tmp_path / "store.db") as store:
        record_run(store, policy, one, 3)
        evidence = estimator_of("access")(EpisodeTelemetry(store, 1), one, 0.0, float("inf"))
        early = estimator_of("access")(EpisodeTelemetry(store, 1, 0.8), one, 0.0, 0.8)
    assert evidence["arrivals.window_s"].estimate(9.0) == pytest.approx(2.0, rel=0.06)
    assert early["arrivals.window_s"].is_empty  # they are still asking


@pytest.mark.parametrize("loss", [0.0, LOSS])
def test_processes_and_deliveries_are_found_again(recorded, loss):
    """Within four standard errors; a lost value makes a longer step, and no other law."""
    by_path = estimates(recorded("sync", loss), "sync")
    evidence, rate_hz, truth = by_path["groups.load.process.variance_rate_hz"]
    assert evidence.count > (300 if loss else 400)
    assert (
        abs(np.log(rate_hz / truth)) < 4.0 * np.sqrt(2.0 / evidence.count) + 10.0 / evidence.count
    )
    _, relaxation_s, truth = by_path["groups.temperature.process.relaxation_s"]
    assert relaxation_s == pytest.approx(truth, rel=0.5)
    _, change_hz, truth = by_path["groups.door.process.change_rate_hz"]
    assert change_hz == pytest.approx(truth, rel=0.6)
    evidence, share, truth = by_path["delivery_probability"]
    assert evidence.count > 1_400
    assert share == pytest.approx(truth, abs=4.0 * np.sqrt(0.16 / evidence.count))


def test_updates_that_spoil_one_another_do_not_hide_the_channel(tmp_path):
    """Rounds of five of which each other spoils one with the probability 0.1."""
    changes = {"load_loss": 0.1, "horizon_s": 300.0, "updates_per_round": 5}
    one = changed(load("sync-small"), changes)
    with open_store(tmp_path / "store.db") as store:
        record_run(store, make_policy("round-robin", one, action="rounds"), one, 3, action="rounds")
        evidence = estimator_of("sync")(EpisodeTelemetry(store, 1), one, 0.0, float("inf"))
        counts = store.state_as_of(float("inf"))
    share = evidence["delivery_probability"].estimate(0.5)
    assert share == pytest.approx(0.8, abs=0.06)
    sent, came = (counts["service/updates", name] for name in ("offered", "served"))
    assert came / sent < 0.65


@pytest.mark.parametrize("name", ["admission", "patience", "tic", "access", "sync"])
@pytest.mark.parametrize("make", [HistoricalGenerator, HybridGenerator])
def test_a_store_becomes_scenarios_that_may_come(learned, name, make):
    """Of every kind, over a lossy link: valid networks near the one that ran."""
    lived, now = learned(name, LOSS)
    assert now.is_known.sum() >= len(now.point) - 4
    scenarios = make().generate(Criteria(name="next"), lived, now, 5, np.random.default_rng(1))
    assert len({one.digest for one in scenarios}) == 5
    assert all(one.kind == scenario_of(name).kind for one in scenarios)
    points = np.array([lived.space.coordinates(one) for one in scenarios])
    truth = lived.space.coordinates(scenario_of(name))
    assert (np.abs(np.median(points, 0) - truth) < 1.5).all()


def test_other_worlds_give_other_windows(tmp_path):
    """And the same world the same ones."""
    one = changed(load("teletraffic-erlang-5-10"), {"horizon_s": 8.0})
    points = []
    for k, seed in enumerate((3, 3, 4)):
        with open_store(tmp_path / f"{k}.db") as store:
            record_run(store, make_policy("fifo", one), one, seed)
            points.append(history_from_store(store, ParameterSpace.of(one), 2.0).points)
    assert np.array_equal(points[0], points[1])
    assert not np.array_equal(points[0], points[2])


def test_nothing_is_learned_over_a_dead_link(tmp_path):
    """Sizes were told with the twins; no window was heard of."""
    one = changed(load("teletraffic-erlang-5-10"), {"horizon_s": 5.0})
    space = ParameterSpace.of(one)
    with open_store(tmp_path / "store.db") as store:
        record_run(store, make_policy("fifo", one), one, 3, link=Link(loss=1.0))
        with pytest.raises(ConfigError, match="0 windows"):
            history_from_store(store, space, 1.0)
        now = current_state_from_store(store, space, 1.0)
    assert now.is_known.tolist() == [path.endswith("queue_limit") for path in space.paths]


def test_time_in_service_is_the_area_under_those_in_service():
    """Never more than was booked at admissions, never falling, and what has ended is in it."""
    limits = {f"slices.{name}.queue_limit": 1 for name in ("immersive", "hrllc")}
    one = changed(load("contention"), {"horizon_s": 6.0, **limits})
    env = vector_env(one, 1)
    twin = LiveTwin(env)
    env.action_space.seed(1)
    env.reset(seed=3)
    served_s, is_over = [], False
    while not is_over:
        twin.observe()
        row = env.batch.row(0)
        names = [f"service/{one}" for one in one.slice_names]
        served_s.append([twin.graph.value(name, "served_s") for name in names])
        assert [twin.graph.value(name, "expired") for name in names] == row["expired"].tolist()
        assert (np.array(served_s[-1]) <= row["busy"] * 1e-9 + 1e-9).all()
        is_empty = row["in_service"] == 0
        is_booked = np.isclose(served_s[-1], row["busy"] * 1e-9, rtol=0.0, atol=1e-9)
        assert (is_booked == is_empty).all()  # what is still to come of it is not told
        _, _, _, truncated, _ = env.step(env.action_space.sample())
        is_over = bool(truncated[0])
    twin.observe()
    end = [twin.graph.value(name, "served_s") for name in names]
    assert end == pytest.approx(env.batch.row(0)["busy"] * 1e-9)
    assert min(env.batch.row(0)[name].sum() for name in ("blocked", "expired")) > 0
    assert (np.diff(np.array([*served_s, end]), axis=0) >= -1e-9).all()
    assert (np.array(served_s[len(served_s) // 2]) > 0.0).any()


def test_time_in_service_is_not_told_by_simpy():
    """It keeps no ends of service that a twin could see: the holding time is then not known."""
    batch = vector_env("contention", 1, engine="simpy").batch
    assert adapter_of(batch)._served_s(batch.row(0)) is None


def test_evidence_of_admission_is_of_the_kinds_that_it_says(recorded):
    """Rates of arrivals, averages of times."""
    by_path = estimates(recorded("admission"), "admission")
    assert isinstance(by_path["slices.hrllc.arrival_rate_hz"][0], Rate)
    assert isinstance(by_path["slices.hrllc.mean_holding_time_s"][0], Average)
