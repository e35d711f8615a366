"""Measured links: checked readers, and channels that are replayed from them."""

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.env import TicSchedulingEnv
from twin_gym.environments.tic_scheduling.layout import build_tables
from twin_gym.environments.tic_scheduling.links import LinkFile, load_links
from twin_gym.environments.tic_scheduling.world import World
from twin_gym.errors import ConfigError, TraceError
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load, parse
from twin_gym.testing.equality import first_difference

GOOD = """link,block,sent,delivered
a,0,100,90
b,0,10,1
a,1,100,50
b,1,10,10
a,2,50,0
b,2,10,5
"""


@pytest.fixture
def written(tmp_path):
    """Writes a file of links and gives the reference to it."""

    def write(text=GOOD, links=("a", "b"), **fields):
        path = tmp_path / "links.csv"
        path.write_text(text, "utf-8")
        return LinkFile(path=str(path), links=links, **({"num_blocks": 3} | fields))

    return write


def replayed(file, **changes):
    """Five sensors on one gateway whose channels are replayed, a block of two slots."""
    return load("tic-pick").replace(
        num_sensors=5, block_slots=2, channel_trace=file, horizon_s=0.02, **changes
    )


def test_success_is_delivered_over_sent(written):
    """Link by link, in the order in which they are named, from the first block asked for."""
    assert load_links(written()).tolist() == [[0.9, 0.5, 0.0], [0.1, 1.0, 0.5]]
    chosen = written(links=("b",), first_block=1, num_blocks=2)
    assert load_links(chosen).tolist() == [[1.0, 0.5]]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("a,1,100,50", "a,3,100,50", 4, "without a gap: 1 should follow, got 3"),
        ("a,1,100,50", "a,0,100,50", 4, "1 should follow, got 0"),
        ("b,0,10,1", "b,0,10,0.1", 3, "`delivered` is a count, got 0.1: give whole numbers"),
        ("b,0,10,1", "b,0,10,-93", 3, "`delivered` must"),
        ("b,0,10,1", "b,0,10,11", 3, "11 frames were delivered of 10"),
        ("b,0,10,1", "b,0,0,0", 3, "`sent` must"),
        ("a,2,50,0", "a,2,nan,0", 6, "`sent` must"),
        ("a,2,50,0", ",2,50,0", 6, "`link` is empty"),
        ("sent", "rssi_dbm", 1, "lacks the column `sent`"),
    ],
)
def test_bad_files_are_refused_with_the_line(written, old, new, line, reason):
    """Gaps, doubles, shares and levels for counts, more received than sent, nothing sent."""
    with pytest.raises(TraceError, match=f"line {line}: .*{reason}"):
        load_links(written(GOOD.replace(old, new, 1)))


def test_what_is_not_in_the_file_is_refused(written, tmp_path):
    """Another link, more blocks, no file."""
    with pytest.raises(TraceError, match="unknown link 'c'"):
        load_links(written(links=("a", "c")))
    with pytest.raises(TraceError, match="'a' has 3 blocks and 4 are asked for: take fewer"):
        load_links(written(num_blocks=4))
    with pytest.raises(TraceError, match="nowhere"):
        load_links(LinkFile(path=str(tmp_path / "nowhere.csv"), links=("a",), num_blocks=1))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"links": ("a", "a")}, "named twice"),
        ({"links": ()}, "at least 1"),
        ({"num_blocks": 0}, "num_blocks"),
        ({"num_blocks": 513}, "more than 1024 values"),
        ({"format": "rssi"}, "format"),
    ],
)
def test_bad_references_are_refused(fields, message):
    """Before any file is read."""
    with pytest.raises(ConfigError, match=message):
        LinkFile(**({"path": "x.csv", "links": ("a", "b"), "num_blocks": 3} | fields))


def test_missing_trace_is_told_at_construction(monkeypatch, written):
    """When the environment is made, not in a step."""
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    with pytest.raises(TraceError, match="TWIN_GYM_DATA"):
        TicSchedulingEnv("tic-campusiot")


def test_channels_are_those_of_the_trace(written):
    """Sensor k has link k mod 2; all go through the blocks in step, from a start of the world."""
    tables = build_tables([replayed(written())])
    measured = load_links(written())
    starts = set()
    for key in range(30):
        world = World(tables.networks[0], 1000 + key)
        probabilities = [
            [world.success_probability(s, slot) for slot in range(9)] for s in range(5)
        ]
        start = next(b for b in range(3) if measured[0, b] == probabilities[0][0])
        starts.add(start)
        for sensor in range(5):
            for slot in range(9):
                expected = measured[sensor % 2, (start + slot // 2) % 3]
                assert probabilities[sensor][slot] == expected
    assert starts == {0, 1, 2}


def test_share_that_gets_through_is_the_measured_one(written):
    """Four standard errors about it, over blocks, for one sensor and direction."""
    tables = build_tables([replayed(written())])
    world = World(tables.networks[0], 3)
    slots = range(6000)
    through = np.mean([world.gets_through(0, slot) for slot in slots])
    assert through == pytest.approx(np.mean([0.9, 0.5, 0.0]), abs=4 * 0.5 / np.sqrt(6000))


@pytest.mark.parametrize("action", ["weights", "pick"])
def test_kernel_and_simpy_tell_the_same_of_replayed_links(written, action):
    """Observation, reward and info of every step, beside a scenario without links."""
    several = [replayed(written()), replayed(None), replayed(written(links=("b",)))]
    envs = [TicSchedulingEnv(several, action=action, engine=one) for one in ("kernel", "simpy")]
    for seed in range(4):
        (seen, info), (observed, other) = (env.reset(seed=seed) for env in envs)
        for step in range(60):
            assert np.array_equal(seen, observed)
            assert first_difference(info, other, "info") is None
            if action == "pick":
                chosen = int(np.flatnonzero(info["action_mask"])[step % 2 - 1])
            else:
                chosen = np.roll([0.7, 0.2, 0.1, 0.0], step).astype(np.float32)
            seen, reward, _, over, info = envs[0].step(chosen)
            observed, expected, _, _, other = envs[1].step(chosen)
            assert reward == expected
            if over:
                break


def test_scenario_with_links_is_written_and_read(written):
    """As TOML; and a scenario without links has the digest that it always had."""
    scenario = replayed(written())
    assert parse(to_toml(scenario)) == scenario
    assert scenario.digest != replayed(None).digest
    assert load("tic-pick").digest == "a0b949b01e31fcb3"


def test_calibrated_preset_has_the_figures_of_the_fit(data_dir):
    """Two states, below 0.7 and above: shares and means of the measured blocks."""
    file = load("tic-campusiot").channel_trace
    success, fitted = load_links(file), load("tic-campusiot-calibrated")
    assert success.shape == (8, 98)
    is_bad = success < 0.7
    assert fitted.bad_share == round(is_bad.mean(), 3)
    assert fitted.bad_success == round(success[is_bad].mean(), 3)
    assert fitted.good_success == round(success[~is_bad].mean(), 3)


def test_days_without_frames_are_gaps(data_dir):
    """The other sensor was silent for days: it is refused rather than filled."""
    file = load("tic-campusiot").channel_trace
    with pytest.raises(TraceError, match="without a gap"):
        load_links(file.replace(links=("sainteynard_32/0",)))
    with pytest.raises(TraceError, match="unknown link 'sainteynard_34/0'"):
        load_links(file.replace(links=("sainteynard_34/0",)))
