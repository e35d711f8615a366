"""Appended events are found again, as of any time; refused ones are not appended."""

import dataclasses
import math
import os
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twins.history.cases import content, decisions, event, graph_at, tic
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.history import Retention, check_store, open_store, read_store

TIMES = st.one_of(st.integers(0, 6).map(float), st.floats(0.0, 6.0))
EVENTS = st.lists(st.tuples(TIMES, st.integers(-3, 3)), max_size=25)


@settings(max_examples=40)
@given(EVENTS, st.integers(1, 4), st.lists(TIMES, min_size=1, max_size=8))
def test_as_of_is_the_last_event_at_or_before(long_store, pairs, cuts, asked):
    """Of two of one time, the one that was appended last; in whatever batches, asked either way."""
    store = long_store
    store.begin_episode(tic(), 0)
    several = [event(time_s, value) for time_s, value in pairs]
    for k in range(cuts):
        store.append(several[k * len(several) // cuts : (k + 1) * len(several) // cuts])
    if not several:
        with pytest.raises(UnknownNameError, match="gateway/0 queue_length"):
            store.value_as_of("gateway/0", "queue_length", 1.0)
        return
    answers = [store.value_as_of("gateway/0", "queue_length", t) for t in asked]
    expected = []
    for t in asked:
        before = [one for one in several if one.time_s <= t]
        latest = max((one.time_s for one in before), default=None)
        same = [one.value for one in before if one.time_s == latest]
        expected.append(same[-1] if same else None)
    assert answers == expected
    channel = store.channel("gateway/0", "queue_length")
    together = store.many_as_of([channel] * len(asked), np.array(asked))
    numbers = [math.nan if one is None else float(one) for one in expected]
    assert np.array_equal(together, numbers, equal_nan=True)
    state = store.state_as_of(asked[0])
    assert state.get(("gateway/0", "queue_length")) == expected[0]


@settings(max_examples=25)
@given(EVENTS, TIMES, TIMES)
def test_series_is_what_was_told_between_two_times(long_store, pairs, start_s, end_s):
    """Both included, in the order of time, and of one time in the order of the appending."""
    store = long_store
    store.begin_episode(tic(), 0)
    store.append([event(0.0, 9, name="x")] + [event(t, v, name="x") for t, v in pairs])
    kept = [(0.0, 9), *pairs]
    series = store.series("gateway/0", "x", start_s, end_s)
    expected = [one for one in sorted(kept, key=lambda one: one[0]) if start_s <= one[0] <= end_s]
    assert series.times_s.tolist() == [t for t, _ in expected]
    assert series.values.tolist() == [v for _, v in expected]
    assert series.values.dtype == np.int64


def test_values_come_back_as_they_were(store):
    """Floats, whole numbers and booleans; whole numbers become floats where a float comes."""
    store.append([event(1, 0.1, name="a"), event(1, 2**53, name="b"), event(1, True, name="c")])
    store.append([event(1, 3, name="d"), event(2, 0.5, name="d")])
    values = [store.value_as_of("gateway/0", name, 1.0) for name in "abcd"]
    assert values == [0.1, 2**53, True, 3.0]
    assert [type(one) for one in values] == [float, int, bool, float]
    assert store.properties() == tuple(("gateway/0", name) for name in "abcd")


def test_store_is_the_same_after_it_was_closed(store):
    """Episodes, telemetry, graphs and decisions; also for one who may only read."""
    store.append(
        [event(1, 2), event(2, 3)],
        snapshots=[graph_at(1.0, 2), graph_at(2.0, 3)],
        decisions=[decisions(3), decisions(2, 3.0, is_end=True)],
    )
    store.begin_episode(tic(), 8)
    store.append([event(1, 5)], decisions=[decisions(4, amounts=2)])
    before = content(store)
    with read_store(store.path, check="all") as beside:  # while the other one is open
        assert content(beside) == before
    store.close()
    with open_store(store.path, check="all") as again:
        assert content(again) == before
        assert again.episode == 2
        assert again.value_as_of("gateway/0", "queue_length", 1.0) == 5
        assert again.value_as_of("gateway/0", "queue_length", 9.0, episode=1) == 3
    first = before[0][0]
    assert (first.seed, first.policy, first.action, first.num_rows) == (7, "edf", "weights", 2)
    assert first.load_scenario() == tic()


def test_graph_is_as_of_its_time(store):
    """The last one taken at or before."""
    graphs = [graph_at(float(t), t) for t in (1, 2, 3)]
    store.append(snapshots=graphs)
    assert store.snapshot_as_of(0.5) is None
    assert store.snapshot_as_of(2.0) == graphs[1]
    assert store.snapshot_as_of(2.9) == graphs[1]
    assert store.last_snapshots(2) == tuple(graphs[1:])


def test_decisions_come_back_to_the_last_bit(store):
    """Whole numbers and amounts."""
    for amounts in (0, 3):
        log = decisions(5, amounts=amounts, is_end=True)
        store.begin_episode(tic(), 1)
        store.append(decisions=[log])
        (stored,) = store.decisions()
        for field in dataclasses.fields(log):
            expected, got = getattr(log, field.name), getattr(stored, field.name)
            assert np.array_equal(expected, got)
            assert getattr(expected, "dtype", bool) == getattr(got, "dtype", bool)


BAD = {
    "a text": [event(1, "open")],
    "not finite": [event(1, math.nan)],
    "time before the start": [event(-1, 1)],
    "time that is none": [event(math.inf, 1)],
    "too large": [event(1, 2**53 + 1)],
    "no name": [event(1, 1, twin="")],
    "another kind": [event(1, 1), event(2, True)],
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_batch_with_something_wrong_is_not_appended_at_all(store, bad):
    """Neither what stands before it, nor graphs and decisions beside it."""
    store.append([event(0, 4)])
    before = content(store)
    good = [event(3, 1, name="other"), event(3, 5)]
    with pytest.raises(ConfigError):
        store.append(good + bad, snapshots=[graph_at(1.0, 2)], decisions=[decisions(2)])
    assert content(store) == before
    assert store.properties() == (("gateway/0", "queue_length"),)
    store.append(good)  # and it goes on
    assert store.value_as_of("gateway/0", "other", 3.0) == 1
    check_store(store._database, store.path)


def test_columns_are_as_good_as_events(store):
    """And channels of another episode, or fractions for whole numbers, are refused."""
    a, b = store.add_channel("gateway/0", "a"), store.add_channel("gateway/0", "b", "long")
    store.append_columns(np.array([b, a, b]), np.array([2.0, 1.0, 1.0]), np.array([5.0, 0.5, 4.0]))
    assert store.value_as_of("gateway/0", "a", 1.5) == 0.5
    assert store.series("gateway/0", "b").values.tolist() == [4, 5]
    before = content(store)
    one = np.ones(1)
    for channels, times_s, values in (
        (np.array([b]), one, one / 2), (np.array([b + 1]), one, one), (np.array([a]), one, one[:0]),
        (np.array([a]), -one, one), (np.array([a]), one, one * np.inf),
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            store.append_columns(channels, times_s, values)
    assert content(store) == before
    for name, kind, said in (("b", "boolean", "is a long"), ("a", "long", "is a double")):
        with pytest.raises(ConfigError, match=said):
            store.add_channel("gateway/0", name, kind)
    store.begin_episode(tic(), 1)
    with pytest.raises(ConfigError, match="no channels of episode 2"):
        store.append_columns(np.array([a]), one, one)


def test_nothing_is_asked_or_appended_before_an_episode(tmp_path):
    """With what to do."""
    with open_store(tmp_path / "s.db") as store:
        for ask in (lambda: store.append([event(1, 1)]), lambda: store.state_as_of(1.0)):
            with pytest.raises(ConfigError, match="no episode"):
                ask()


def test_questions_that_fit_nothing_are_refused(store):
    """Shapes, times that are none."""
    store.append([event(1, 1)])
    for channels, times_s, said in (
        ([1], np.ones(2), "each question"),
        ([1], np.array([math.nan]), "NaN"),
        ([1.5], np.ones(1), "whole"),
        ([99], np.ones(1), "no channel 99"),
    ):
        with pytest.raises(ConfigError, match=said):
            store.many_as_of(channels, times_s)
    with pytest.raises(UnknownNameError, match="did you mean 'gateway/0 queue_length'"):
        store.value_as_of("gateway/0", "queue_lenght", 1.0)


def test_reader_changes_nothing(store):
    """It has no method to, and its connection cannot."""
    store.append([event(1, 1)])
    with read_store(store.path) as reader:
        assert not hasattr(reader, "append")
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader._database.execute("DELETE FROM telemetry")
        store.append([event(2, 2)])  # what is written meanwhile is seen
        assert reader.value_as_of("gateway/0", "queue_length", 9.0) == 2


@settings(max_examples=25)
@given(st.lists(st.tuples(TIMES, st.integers(0, 9)), min_size=1, max_size=40), st.integers(1, 12))
def test_rows_over_the_limit_go_oldest_first(long_store, pairs, limit):
    """Never more than the limit after a batch; what is left is the end of the history."""
    store = long_store
    store.begin_episode(tic(), 0)
    store.retention = Retention(max_rows=limit, max_episodes=1)
    for first in range(0, len(pairs), 7):
        store.append([event(t, v, name=f"p{v % 2}") for t, v in pairs[first : first + 7]])
        kept = [(row[3], int(row[4])) for row in store.telemetry()]
        so_far = sorted(pairs[: first + 7], key=lambda one: one[0])
        assert len(kept) <= limit
        gone = len(so_far) - len(kept)
        if first == 0:
            assert sorted(kept) == sorted(so_far[gone:])
            assert len(kept) >= min(len(so_far), limit - limit // 10)
    check_store(store._database, store.path)
    store.retention = Retention()


def test_oldest_episodes_go_with_all_that_is_theirs(store):
    """In the transaction that begins another one."""
    store.retention = Retention(max_episodes=2)
    for seed in (8, 9, 10):
        store.append([event(1, seed)], snapshots=[graph_at(1.0, 1)], decisions=[decisions(1)])
        store.begin_episode(tic(), seed)
    assert [(one.id, one.seed) for one in store.episodes()] == [(3, 9), (4, 10)]
    assert [row[:3] for row in store.telemetry()] == [(3, "gateway/0", "queue_length")]
    assert len(store.last_snapshots(9)) == 1
    assert store.value_as_of("gateway/0", "queue_length", 1.0, episode=3) == 10
    with pytest.raises(UnknownNameError):
        store.value_as_of("gateway/0", "queue_length", 1.0, episode=2)
    check_store(store._database, store.path)


def test_last_graphs_are_kept(store):
    """The history of a twin: m of them, whatever comes."""
    store.retention = Retention(max_snapshots=3)
    for t in range(1, 8):
        store.append(snapshots=[graph_at(float(t), t)])
        expected = tuple(graph_at(float(k), k) for k in range(max(1, t - 2), t + 1))
        assert store.last_snapshots(99) == expected


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "3"])
def test_limit_that_is_none_is_refused(wrong):
    """By its name."""
    with pytest.raises(ConfigError, match="max_rows"):
        Retention(max_rows=wrong)


def test_store_does_not_grow_over_its_limit(tmp_path):
    """Events over the limit are refused, and earlier ones stay."""
    with open_store(tmp_path / "s.db", max_bytes=300_000) as store:
        store.begin_episode(tic(), 0)
        number = store.add_channel("gateway/0", "a")
        batch = np.full(2_000, number), np.arange(2_000.0), np.arange(2_000.0)
        store.append_columns(*batch)
        for _ in range(4):
            store.append_columns(*batch)
        with pytest.raises(ConfigError, match="max_bytes"):
            store.append_columns(*(np.tile(column, 10) for column in batch))
        check_store(store._database, store.path)
        assert store.value_as_of("gateway/0", "a", 5.0) == 5.0


def test_second_writer_is_told_who_is_in_the_way(store, monkeypatch):
    """It waits for a while, here for none."""
    monkeypatch.setattr("twin_gym.twins.history.connection.BUSY_S", 0.0)
    with open_store(store.path) as second:
        second.episode = 1
        store._database.execute("BEGIN IMMEDIATE")
        with pytest.raises(ConfigError, match="another process is writing"):
            second.append([event(1, 1)])
        store._database.execute("ROLLBACK")
        second.append([event(1, 1)])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"observations": np.zeros((2, 3), np.float32)}, "observations"),
        ({"masks": np.zeros((3, 4), np.int64)}, "masks"),
        ({"actions": np.zeros((3,), np.float32)}, "actions"),
        ({"rewards": np.array([1.0, math.nan])}, "finite"),
        ({"times_s": np.array([1.0, 0.0])}, "never fall"),
    ],
)
def test_decisions_that_do_not_fit_together_are_refused(change, said):
    """Each array by its name."""
    with pytest.raises(ConfigError, match=said):
        dataclasses.replace(decisions(2), **change)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_is_told_to_open_the_store_itself(tmp_path):
    """Writes of a child after its parent had closed the store were lost, and said to be kept."""
    store = open_store(tmp_path / "h.db")
    store.begin_episode(tic(), 0)
    store.append([event(1.0, 1)])
    there, here = os.pipe()
    child = os.fork()
    if not child:
        messages = []
        for ask in (lambda: store.append([event(2.0, 2)]), store.episodes):
            with pytest.raises(ConfigError) as caught:
                ask()
            messages.append("forked: it is another's" if "forked" in str(caught.value) else "other")
        os.write(here, ", ".join(messages).encode())
        os._exit(0)
    os.close(here)
    os.waitpid(child, 0)
    assert os.read(there, 1_000) == b"forked: it is another's, forked: it is another's"
    os.close(there)
    store.append([event(3.0, 3)])
    store.close()
    with read_store(tmp_path / "h.db", check="all") as reader:
        assert [row[3] for row in reader.telemetry()] == [1.0, 3.0]


@pytest.mark.parametrize("happens", ["removed", "moved", "replaced"])
def test_a_store_whose_file_is_another_one_is_refused(happens, tmp_path):
    """Nothing is said to be kept that is not, and the other file stays whole."""
    for name in ("a.db", "b.db"):
        with open_store(tmp_path / name) as one:
            one.begin_episode(tic(), 0)
            one.append([event(1.0, 1)])
    with open_store(tmp_path / "a.db") as store, read_store(tmp_path / "a.db") as reader:
        if happens == "removed":
            (tmp_path / "a.db").unlink()
        elif happens == "moved":
            (tmp_path / "a.db").rename(tmp_path / "c.db")
        else:
            (tmp_path / "b.db").replace(tmp_path / "a.db")
        for ask in (
            lambda: store.append([event(2.0, 2)]), store.episodes,
            reader.episodes, lambda: list(reader.telemetry()),
        ):  # fmt: skip
            with pytest.raises(ConfigError, match="removed, moved or replaced"):
                ask()


def test_a_store_is_the_same_from_another_folder(tmp_path, monkeypatch):
    """A path that does not begin at the root is of the folder in which it was opened."""
    monkeypatch.chdir(tmp_path)
    with open_store("h.db") as store:
        monkeypatch.chdir("/")
        store.begin_episode(tic(), 0)
        assert len(store.episodes()) == 1


_RECORDED = """
import sys
from twin_gym.policies import make_policy
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, record_run

scenario = changed(load("contention"), {"horizon_s": 2.0})
with open_store(sys.argv[1]) as store:
    record_run(store, make_policy("fifo", scenario), scenario, 3, period_s=1.0)
    for row in store.telemetry():
        print(*row)
"""


@pytest.mark.slow
def test_telemetry_has_the_same_order_in_every_process(tmp_path):
    """Python hashes strings differently in each process; the store's channels do not show it."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", _RECORDED, str(tmp_path / f"{seed}.db")],
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    ]
    assert printed[0] == printed[1]
    assert len(printed[0].splitlines()) > 20
