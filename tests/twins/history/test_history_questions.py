"""Questions in any library's numbers, from any thread, beside other processes."""

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twins.history.cases import content, decisions, event, graph_at, tic
from twin_gym.core.clock import slots_to_seconds, to_seconds
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.history import Retention, checking, export_parquet, open_store, read_store
from twin_gym.twins.history.connection import create, plain_error
from twin_gym.twins.realtime import Event, TwinGraph, build_model
from twin_gym.twins.realtime.model import CONTEXT, QUANTITATIVE_TYPES

THREES = [
    np.int64(3), np.uint8(3), np.float16(3), np.float32(3), np.array(3), np.arange(5.0)[3],
    Fraction(3), 3,
]  # fmt: skip
KEY = "gateway/0", "queue_length"


@pytest.mark.parametrize("three", THREES, ids=repr)
def test_three_of_any_type_is_asked_as_three(store, three):
    """Times of every question; nothing of the future, and not nothing."""
    store.append(
        [event(t, t) for t in range(10)], snapshots=[graph_at(float(t), t) for t in (1, 3, 5)]
    )
    assert store.value_as_of(*KEY, three) == 3
    assert store.state_as_of(three) == {KEY: 3}
    assert store.series(*KEY, three).values.tolist() == list(range(3, 10))
    assert store.series(*KEY, 0.0, three).values.tolist() == [0, 1, 2, 3]
    assert store.snapshot_as_of(three) == graph_at(3.0, 3)
    assert store.many_as_of([store.channel(*KEY)], [three]).tolist() == [3.0]


def test_episodes_counts_and_names_of_numpy_are_taken(store):
    """The same answers as with Python's own; written values too."""
    store.append([event(1, 5)], snapshots=[graph_at(1.0, 2)], decisions=[decisions(2)])
    store.begin_episode(tic(), np.int64(4))
    first = np.int64(1)
    assert store.value_as_of(*KEY, 1.0, first) == 5
    assert store.properties(first) == (KEY,)
    assert store.channel(np.str_("gateway/0"), np.str_("queue_length"), first) == 1
    assert len(list(store.decisions(first))) == 1
    assert len(store.last_snapshots(np.int32(9))) == 1
    store.episode = np.uint8(1)
    assert store.episode == 1
    stored = {"a": np.float32(1.5), "b": np.int64(2), "c": np.bool_(True), "d": np.array(2.5)}
    store.append([Event(np.int64(2), np.str_("x"), name, value) for name, value in stored.items()])
    values = [store.value_as_of("x", name, 2.0) for name in stored]
    assert values == [1.5, 2, True, 2.5]
    assert [type(one) for one in values] == [float, int, bool, float]
    assert Retention(max_rows=np.int64(3)) == Retention(max_rows=3)
    assert type(Retention(max_rows=np.int64(3)).max_rows) is int


WRONG = [True, "3", b"3", None, np.nan, np.timedelta64(3, "s"), [3.0], np.ma.masked, 10**400]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda one: type(one).__name__)
def test_what_is_no_time_is_refused_in_words(store, wrong):
    """And is not called damage."""
    store.append([event(1, 1)])
    for ask in (
        lambda: store.value_as_of(*KEY, wrong),
        lambda: store.state_as_of(wrong),
        lambda: store.series(*KEY, wrong),
        lambda: store.series(*KEY, 0.0, wrong),
        lambda: store.snapshot_as_of(wrong),
        lambda: store.many_as_of([1], [wrong]),
        lambda: store.append([Event(wrong, *KEY, 1)]),
        lambda: store.append_columns([1], [wrong], [1]),
    ):
        with pytest.raises(ConfigError, match=r"(?s)^(?!.*damaged).*(number|column|times)"):
            ask()


def test_misuse_says_what_it_is(store):
    """Another thread, a closed store, wrong types: nobody throws a sound store away."""
    store.append([event(1, 1)])
    said = []

    def note(ask):
        with pytest.raises(ConfigError) as caught:
            ask()
        said.append(str(caught.value))

    for ask in (
        lambda: store.value_as_of(*KEY, 1.0),
        lambda: list(store.telemetry()),
        lambda: store.append([event(2, 1)]),
        store.close,
    ):
        thread = threading.Thread(target=note, args=(ask,))
        thread.start()
        thread.join()
    assert all("thread that opened it" in one for one in said[:4])
    for ask in (
        lambda: store.append([Event(1.0, b"a", "b", 1.0)]),
        lambda: store.begin_episode(tic(), 1, policy=b"edf"),
        lambda: store.begin_episode("tic-small-45", 1),
        lambda: store.begin_episode(tic(), 1.5),
        lambda: store.append([(1.0, "a")]),
        lambda: store.append(event(1, 1)),
        lambda: store.append(snapshots=["{}"]),
        lambda: store.value_as_of(b"gateway/0", "queue_length", 1.0),
        lambda: store.value_as_of("\ud800", "queue_length", 1.0),
        lambda: store.last_snapshots("1"),
        lambda: store.state_as_of(1.0, 10**30),
        lambda: setattr(store, "episode", 1.5),
        lambda: open_store(store.path, retention=3),
    ):
        note(ask)
    store.close()
    store.close()
    for ask in (
        store.episodes,
        lambda: list(store.telemetry()),
        lambda: store.append([event(1, 1)]),
    ):
        note(ask)
    assert all("was closed: open it again" in one for one in said[-3:])
    assert not [one for one in said if "damaged" in one]
    read_store(store.path, check="all").close()


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("database is locked", "read_store"),
        ("database or disk is full", "Retention"),
        ("attempt to write a readonly database", "reading alone"),
        ("unable to open database file", "folder"),
        ("disk I/O error", "ulimit"),
        ("too many SQL variables", "not called damaged"),
        ("database disk image is malformed", "it is damaged"),
    ],
)
def test_advice_is_of_the_kind_of_the_error(tmp_path, words, advice):
    """And damaged is said of damage alone."""
    said = str(plain_error(tmp_path / "h.db", sqlite3.OperationalError(words)))
    assert advice in said
    assert ("it is damaged" in said) == ("malformed" in words)


def test_graph_that_could_not_be_read_again_is_refused(store):
    """Of another object model: it would be called damaged later."""
    model = build_model(
        [
            {
                "@context": [CONTEXT, QUANTITATIVE_TYPES],
                "@id": "dtmi:twin_gym:A;1",
                "@type": "Interface",
            }
        ]
    )
    graph = TwinGraph(model)
    graph.add_twin("a", "A")
    with pytest.raises(ConfigError, match="model of all"):
        store.append(snapshots=[graph.snapshot()])


def test_what_others_change_is_seen(store):
    """A channel that became one of fractions, an episode that was dropped: not remembered."""
    store.append([event(1, 1)])
    with read_store(store.path) as reader, open_store(store.path) as other:
        assert reader.value_as_of(*KEY, 9.0) == 1
        other.append([event(2, 2.5)])
        assert reader.value_as_of(*KEY, 9.0) == 2.5
        assert reader.series(*KEY).values.tolist() == [1.0, 2.5]
        assert store.value_as_of(*KEY, 9.0) == 2.5
        store.append([event(3, 3)])
        other.retention = Retention(max_episodes=1)
        other.begin_episode(tic(), 1)
        with pytest.raises(UnknownNameError):
            reader.value_as_of(*KEY, 9.0)
        for more in ({"events": [event(4, 1)]}, {"snapshots": [graph_at(1.0, 1)]}):
            with pytest.raises(ConfigError, match="not kept any more"):
                store.append(**more)
    read_store(store.path, check="all").close()


def test_sound_store_beside_a_writer_is_never_called_damaged(store, monkeypatch):
    """Commits of a writer between two statements of a check are not in the check's view."""
    store.append([event(1, 1)])
    counted = checking._counted

    def between(database, episodes):
        store.append([event(2, 2)], snapshots=[graph_at(1.0, 1)])
        return counted(database, episodes)

    monkeypatch.setattr(checking, "_counted", between)
    with read_store(store.path, check="all") as reader:
        assert reader.value_as_of(*KEY, 9.0) == 2


def test_answers_of_one_moment_fit_together(store, tmp_path):
    """Within `one_moment`, and in what is exported."""
    store.append([event(1, 1)])
    with read_store(store.path) as reader:
        with reader.one_moment():
            before = content(reader)
            store.append([event(2, 2)])
            store.begin_episode(tic(), 9)
            assert content(reader) == before
        assert len(reader.episodes()) == 2
        telemetry = reader.telemetry

        def slowly():
            yield from telemetry()
            store.begin_episode(tic(), 10)

        reader.telemetry = slowly
        pytest.importorskip("pyarrow")
        export_parquet(reader, tmp_path / "tables")
    import pyarrow.parquet

    assert pyarrow.parquet.read_table(tmp_path / "tables" / "episodes.parquet").num_rows == 2
    with store.one_moment(), pytest.raises(ConfigError, match="one moment"):
        store.append([event(3, 3)])
    store.append([event(3, 3)])


def test_still_store_in_a_closed_folder_is_read_until_it_changes(store, monkeypatch):
    """SQLite itself would go on answering with what was."""
    store.append([event(1, 1)])
    store.close()
    link = sqlite3.connect

    class Shut(sqlite3.Connection):
        """As where no file can be made beside a store."""

        def execute(self, *arguments):
            error = sqlite3.OperationalError("unable to open database file")
            error.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
            raise error

    def refused(place, **given):
        is_plain = place.endswith("mode=ro")
        return link(place, **given | ({"factory": Shut} if is_plain else {}))

    monkeypatch.setattr("twin_gym.twins.history.connection.sqlite3.connect", refused)
    with read_store(store.path, check="all") as reader:
        assert reader.value_as_of(*KEY, 9.0) == 1
        with open_store(store.path) as other:
            other.append([event(2, 2)])
        with pytest.raises(ConfigError, match="written to by another process"):
            reader.value_as_of(*KEY, 9.0)
    with read_store(store.path) as reader:
        assert reader.value_as_of(*KEY, 9.0) == 2


@pytest.mark.parametrize("is_nameless", [True, False])
def test_nothing_is_left_beside_a_new_store(tmp_path, monkeypatch, is_nameless):
    """On any system; and a store that appears meanwhile stays."""
    if not is_nameless:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    with open_store(tmp_path / "store.db") as store:
        store.begin_episode(tic(), 1)
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]
    create(tmp_path / "store.db")
    assert [one.name for one in tmp_path.iterdir()] == ["store.db"]
    with open_store(tmp_path / "store.db", check="all") as store:
        assert len(store.episodes()) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER sqlitex AFTER INSERT ON telemetry BEGIN DELETE FROM telemetry; END",
        "CREATE VIEW sqliteview AS SELECT * FROM telemetry",
        "CREATE TABLE sqliteother (x)",
        "CREATE INDEX SQLiteindex ON telemetry (value)",
    ],
)
def test_whatever_else_a_schema_has_is_refused(store, tmp_path, statement):
    """Also where its name begins as SQLite's own."""
    store.close()
    path = tmp_path / "copy.db"
    shutil.copy(store.path, path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
    with pytest.raises(ConfigError, match=r"(?i)sqlite"):
        read_store(path)


@given(st.integers(0, 10**17))
def test_what_is_written_as_of_a_time_is_found_as_of_it(long_store, ticks):
    """Whole nanoseconds, divided once."""
    time_s = to_seconds(ticks)
    assert time_s == ticks / 1e9
    long_store.begin_episode(tic(), 0)
    long_store.append([event(time_s, 1)])
    assert long_store.value_as_of(*KEY, ticks / 1e9) == 1
    assert long_store.value_as_of(*KEY, Fraction(ticks, 10**9)) == 1
    assert long_store.series(*KEY, ticks / 1e9, ticks / 1e9).times_s.tolist() == [time_s]


@given(st.integers(0, 10**6), st.integers(1, 10**10))
def test_slots_are_at_decimal_times(slots, slot_ticks):
    """Three slots of 0.1 s are 0.3 s."""
    assert slots_to_seconds(slots, slot_ticks / 1e9) == slots * slot_ticks / 1e9
