"""Values that overflow counters, or take for ever, are refused; slightly smaller ones work."""

import numpy as np
import pytest

from tests.environments.slice_admission.strategies import write_requests
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    Replay,
    SyncScenario,
    TwoState,
)
from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.environments.right_time_sync.vector import RightTimeSyncVectorEnv
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.tables import build_tables
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.environments.slice_admission.work import most_arrivals, parts_passed
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario import MMPP, Daily, Deterministic, Schedule, Trace

YEARS_S = 1e8


def network(horizon_s=YEARS_S, patience_law="deterministic", trace=None, **fields):
    """A network of one slice, at most one of whose requests is served at once."""
    values = {"arrival_rate_hz": 1e-3, "mean_holding_time_s": 1.0, **fields}
    return AdmissionScenario(
        name="drawn", capacity={"radio": 1.0}, horizon_s=horizon_s, patience_law=patience_law,
        trace=trace, slices=(Slice(name="calm", demand={"radio": 1.0}, **values),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"arrival_rate_hz": 1e6, "mean_holding_time_s": 1e8, "holding": Deterministic()},
            r"about 1e\+14 events and at most 1e\+09 are simulated: shorten the horizon",
        ),
        (
            {
                "arrival_rate_hz": 1.0, "patience_law": "exponential", "queue_limit": 4096,
                "mean_patience_s": 4096.0,
            },
            r"about 2.57e\+10 events",
        ),
        (
            {"horizon_s": 1.0, "arrival": Schedule(period_s=1e-9, factors=(1.0, 2.0))},
            r"about 1e\+09 parts of profiles .* `period_s`",
        ),
        (
            {"arrival": Daily(period_s=1.0, factors=(0.0, 1.0))},
            r"about 2e\+08 parts of profiles",
        ),
        (
            {"arrival": MMPP(factors=(0.0, 1.0), mean_sojourn_s=(1e-3, 1e-3))},
            r"about 1e\+11 .*phases .* `mean_sojourn_s`",
        ),
        (
            {
                "horizon_s": 1.0, "arrival_rate_hz": 1e6,
                "arrival": MMPP(factors=(0.0, 1.0), mean_sojourn_s=(1e8, 1.0)),
            },
            r"about 1e\+14 events",
        ),
        (
            {"queue_limit": 4096, "mean_patience_s": 1e8},
            r"could wait 4.1e\+11 s .* at most 4.61e\+09 s .* shorten the horizon or the patience",
        ),
        ({"revenue": 1e9, "arrival_rate_hz": 5.0}, r"could bring or cost 5e\+17 .* lower `reven"),
        ({"lost_penalty": 1e9, "arrival_rate_hz": 5.0}, r"could bring or cost 5e\+17"),
    ],
)  # fmt: skip
def test_too_much_for_an_episode_is_refused(fields, said):
    """The error names the excess, the limit, and what to change."""
    with pytest.raises(ConfigError, match=said):
        network(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"arrival_rate_hz": 9.0},
        {"queue_limit": 40, "mean_patience_s": 1e8},
        {"queue_limit": 4096, "mean_patience_s": 60.0},
        {"queue_limit": 4096, "mean_patience_s": 60.0, "patience_law": "exponential"},
        {"arrival": Daily(factors=(1.0,) * 24)},
        {"arrival": MMPP(factors=(0.0, 1.0), mean_sojourn_s=(60.0, 5.0))},
        {"revenue": 1e9, "lost_penalty": 1e9},
        {"horizon_s": 1e-9, "arrival_rate_hz": 1e6, "queue_limit": 4096, "mean_patience_s": 1e8},
    ],
)
def test_long_episodes_that_are_no_trouble_are_built(fields):
    """Three years of a calm network are simulated."""
    SliceAdmissionVectorEnv(1, network(**fields))


def test_longest_waits_are_counted():
    """All wait for years, and are admitted in the end: no sum is negative."""
    env = SliceAdmissionVectorEnv(
        1, network(queue_limit=40, mean_patience_s=1e8), autoreset_mode="Disabled"
    )
    _, infos = env.reset(seed=0)
    is_over = [False]
    while not is_over[0]:
        is_late = env.batch.arrays["rows"]["now"][0] > 9e16
        action = 0 if is_late and infos["action_mask"][0, 0] else 1
        *_, is_over, infos = env.step(np.array([action]))
    kpi = infos["kpi"]
    assert kpi["mean_wait_s"][0] * kpi["admitted"][0] == pytest.approx(40 * 9e7, rel=0.1)


def test_work_of_an_episode_is_what_it_passes_through():
    """By hand: parts that are cut by the horizon, and the busiest beginning."""
    shift = Schedule(period_s=10.0, factors=(1.0, 3.0))
    assert parts_passed(shift, 25.0) == 5.0
    assert most_arrivals(shift, 2.0, 10.0) == 20.0
    assert most_arrivals(shift, 2.0, 2.5) == pytest.approx(2.5)
    assert most_arrivals(shift, 2.0, 17.5) == pytest.approx(20.0 + 5.0 + 7.5)
    bursts = MMPP(factors=(0.0, 4.0), mean_sojourn_s=(3.0, 1.0))
    assert parts_passed(bursts, 8.0) == 4.0
    assert most_arrivals(bursts, 1.0, 8.0) == pytest.approx(8.0 + 4.0)


def test_trace_that_repeats_for_ever_is_refused(tmp_path):
    """A window shorter than a nanosecond, and one that is gone through a billion times."""
    write_requests(tmp_path / "r.csv", [(0.0, "calm", 1.0), (1e-4, "calm", 1.0)])
    path = str(tmp_path / "r.csv")
    short = network(trace=Trace(path=path, last_s=1e-3))
    with pytest.raises(TooLargeError, match=r"about 2e\+11 events"):
        build_tables([short])
    nothing = Trace(path=path, first_s=1e-4, last_s=float(np.nextafter(1e-4, 1.0)))
    with pytest.raises(ConfigError, match="time has steps of 1e-09 s: lengthen the window"):
        build_tables([network(trace=nothing)])
    build_tables([network(trace=Trace(path=path, last_s=1.0))])


def test_least_tolerance_gives_numbers():
    """Its square is compared with that of a change, also where nothing has changed."""
    group = EntityGroup(name="g", count=2, process=TwoState(change_rate_hz=1e-6))
    fields = {"name": "t", "horizon_s": 50.0, "delivery_probability": 1.0, "groups": (group,)}
    env = RightTimeSyncVectorEnv(2, SyncScenario(tolerance=1e-9, **fields))
    env.reset(seed=0)
    for k in range(20):
        assert env.step(np.full(2, k % 2))[0] in env.observation_space
    with pytest.raises(
        ConfigError, match=r"tolerance: must be greater than or equal to 0\.000000001"
    ):
        SyncScenario(tolerance=1e-163, **fields)


def test_replayed_values_far_beyond_their_range_are_refused(tmp_path):
    """A range in the wrong unit, and windows that do not fit into memory."""
    path = tmp_path / "s.csv"
    path.write_text("source,time_s,value\n" + "".join(f"a,{k},{k % 7}\n" for k in range(99)))

    def replayed(high, slot_s):
        file = SeriesFile(path=str(path), last_s=90.0)
        process = Replay(file=file, sources=("a",), low=0.0, high=high)
        group = EntityGroup(name="g", count=1, process=process)
        return SyncScenario(name="t", horizon_s=8 * slot_s, slot_s=slot_s, groups=(group,))

    RightTimeSyncVectorEnv(1, replayed(7.0, 1.0))
    with pytest.raises(ConfigError, match=r"at most 1e\+06 ranges are simulated; set `low` and"):
        RightTimeSyncVectorEnv(1, replayed(1e-300, 1.0))
    with pytest.raises(ConfigError, match=r"hold 9e\+10 values, .* at most 50000000 are kept"):
        replayed(7.0, 1e-9)


def sensors(**fields):
    """One sensor, ten milliseconds."""
    values = {"num_sensors": 1, "num_gateways": 1, "horizon_s": 0.01, "burst_fraction": 0.0}
    return TicScenario(name="t", **(values | fields))


def test_least_background_gives_numbers():
    """Rewards are counted in the messages of a frame."""
    env = TicSchedulingVectorEnv(1, sensors(background_rate_hz=1e-6))
    env.reset(seed=0)
    for _ in range(5):
        assert np.isfinite(env.step(np.full((1, 4), 0.5, np.float32))[1]).all()
    with pytest.raises(ConfigError, match="background_rate_hz is 0 or 1e-09 at least, got 1e-308"):
        sensors(background_rate_hz=1e-308)
    with pytest.raises(ConfigError, match="a frame brings 2e-18 messages on average"):
        sensors(
            background_rate_hz=1e-9, slot_s=1e-9, frame_slots=1, burst_period_s=1e-9,
            burst_jitter_s=0.0, horizon_s=1e-8,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"horizon_s": 1e7, "slot_s": 1.0, "num_sensors": 10_000, "background_rate_hz": 1.0},
            r"about 2e\+11 messages and at most 1e\+09 are simulated: shorten the horizon",
        ),
        (
            {
                "horizon_s": 10_000.0, "slot_s": 1.0, "frame_slots": 10_000, "num_sensors": 10_000,
                "background_rate_hz": 1e-3, "deadline_slots": 100_000, "buffer_messages": 100,
            },
            r"a frame of 't' may look at .* at most 1e\+09 are simulated: shorten the frames",
        ),
    ],
)  # fmt: skip
def test_frames_and_episodes_of_billions_are_refused(fields, said):
    """Messages of an episode, and looks of a frame."""
    bursts = {"burst_period_s": 10.0, "burst_jitter_s": 0.0}
    with pytest.raises(ConfigError, match=said):
        sensors(**bursts, **fields)
