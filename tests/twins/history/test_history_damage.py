"""A store that is another program's, another version's, damaged, or left by a killed process."""

import itertools
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.twins.history.cases import content, decisions, event, graph_at, tic
from twin_gym.errors import ConfigError
from twin_gym.twins.history import Retention, open_store, read_store
from twin_gym.twins.history.schema import TABLES

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A closed store with something of everything, and its content."""
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with open_store(path) as store:
        for seed in (0, 1):
            store.begin_episode(tic(), seed, policy="edf")
            store.append(
                [event(t, t, f"sensor/{k}", "load") for t in range(60) for k in range(10)],
                snapshots=[graph_at(float(t), t) for t in range(3)],
                decisions=[decisions(20), decisions(20, 20.0, amounts=2)],
            )
        return path, content(store)


def damaged(whole, tmp_path, change):
    """A copy of the bytes, changed."""
    data = bytearray(whole[0].read_bytes())
    changed = change(data)
    path = tmp_path / "store.db"
    path.write_bytes(data if changed is None else changed)
    return path


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.8, 0.97])
def test_truncated_store_is_refused(whole, tmp_path, share):
    """When it is opened, for reading or writing, whatever is asked of it later."""
    path = damaged(whole, tmp_path, lambda data: data[: int(len(data) * share)])
    for opened in (read_store, open_store):
        with pytest.raises(ConfigError, match=r"store\.db"):
            opened(path)


@pytest.mark.slow
def test_flipped_bit_is_found_or_harmless(whole, tmp_path):
    """150 bits anywhere: the full check refuses, or all is as it was (unused bytes of pages)."""
    rng = np.random.default_rng(5)
    size = whole[0].stat().st_size
    refused = 0
    for place in rng.integers(0, size, 150).tolist():

        def flip(data, place=place):
            data[place] ^= 1 << int(rng.integers(8))

        path = damaged(whole, tmp_path, flip)
        try:
            with read_store(path, check="all") as store:
                assert content(store) == whole[1], f"byte {place}"
        except ConfigError:
            refused += 1
    assert refused > 20


def test_changed_value_is_found_by_its_sum(whole, tmp_path):
    """SQLite sees nothing wrong with it."""
    for statement in (
        "UPDATE telemetry SET value = value + 1e-9 WHERE channel = 3 AND time_s = 4.0",
        "UPDATE telemetry SET channel = 2 WHERE channel = 3 AND time_s = 4.0",
        "DELETE FROM telemetry WHERE channel = 3 AND time_s = 4.0",
        "INSERT INTO telemetry VALUES (3, 4.5, 99, 1.0)",
        "INSERT INTO telemetry VALUES (999, 4.5, 99, 1.0)",
        "UPDATE episode SET seed = 5 WHERE id = 2",
        "UPDATE episode SET next_number = 3",
        "UPDATE snapshot SET time_s = 1.5 WHERE id = 2",
        "UPDATE decisions SET is_end = 1 WHERE id = 1",
    ):
        path = tmp_path / "store.db"
        shutil.copy(whole[0], path)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement)
        with read_store(path):
            pass
        with pytest.raises(ConfigError, match="damaged"):
            read_store(path, check="all")


def test_flipped_bit_in_a_kind_is_found(whole, tmp_path):
    """It is no key of ours: the place is told, by the check and by every answer."""
    data = whole[0].read_bytes()
    places = [one.start() for one in re.finditer(b"loadlong", data)]
    assert places
    for place in places[:3]:

        def flip(data, place=place):
            data[place + 4] ^= 1

        path = damaged(whole, tmp_path, flip)
        for check in ("all", "pages"):
            with pytest.raises(ConfigError, match="damaged"):
                read_store(path, check=check)
        with read_store(path, check="head") as store:
            for of in (1, 2):
                keys = store.properties(of)
                with suppress(ConfigError):  # the bit is in one of the two
                    store.state_as_of(9.0, of)
                    for key in keys:
                        store.value_as_of(*key, 9.0, of)
                    continue
                with pytest.raises(ConfigError, match=rf"'load' of episode {of} .*kind 'mong'"):
                    store.state_as_of(9.0, of)
                break
            else:
                pytest.fail("nothing was said")


ODD = (None, "x", b"\x00", 1e308, float("inf"), -1, 2**63 - 1)


@pytest.mark.parametrize("table", ["episode", "channel", "telemetry", "snapshot", "decisions"])
def test_value_of_another_type_in_any_column_ends_in_our_error(whole, tmp_path, table):
    """Or changes nothing: read, exported, appended to; with the least check that there is."""
    sql = TABLES[table]
    columns = re.findall(r"^\s+(\w+) (?:INTEGER|TEXT|REAL|BLOB)", sql, re.M)
    loose = re.sub(r" CHECK \(.*?\)\)", "", sql).replace(" STRICT,", "").replace(" STRICT", "")
    loose = re.sub(r"(INTEGER|TEXT|REAL|BLOB)(?! PRIMARY)| NOT NULL", "", loose)
    refused = 0
    for column, value in itertools.product(columns, ODD):
        path = damaged(whole, tmp_path, lambda data: None)
        if not _put(path, table, column, value, (sql, loose)):
            continue
        for check in ("all", "head"):
            try:
                with read_store(path, check=check) as store:
                    read = content(store)
                    assert check == "head" or _is_as_good(read, whole[1], column), (column, value)
            except ConfigError:
                refused += 1
        with suppress(ConfigError), open_store(path, check="head") as store:
            store.retention = Retention(max_rows=900)
            store.append([event(99, 1, "sensor/1", "load")])
    assert refused > len(columns)


def _put(path, table, column, value, schemas):
    """Whether SQLite let a value of any type in: the schema is another one meanwhile."""
    sql, loose = schemas
    change = "UPDATE sqlite_schema SET sql = ? WHERE name = ?"
    wal, delete = "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"
    free = "PRAGMA writable_schema = ON"
    where = f"WHERE {column} = (SELECT max({column}) FROM {table})"  # noqa: S608
    for steps in (
        ((delete, ()), (free, ()), (change, (loose, table))),
        ((f"UPDATE {table} SET {column} = ? {where}", (value,)),),  # noqa: S608
        ((free, ()), (change, (sql, table)), (wal, ())),
    ):
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for statement, given in steps:
                try:
                    database.execute(statement, given)
                except sqlite3.Error:
                    if "UPDATE " + table in statement:
                        return False
                    raise
    return True


def _is_as_good(read, expected, column):
    """Names and numbers that order rows have no sum; all others are as they were."""
    return read == expected or column in ("id", "twin", "property")


IDENTITIES = {
    "newer": ("PRAGMA user_version = 2", "version 2"),
    "older": ("PRAGMA user_version = 0", "version 0"),
    "foreign": ("PRAGMA application_id = 1", "another program"),
    "table gone": ("DROP TABLE snapshot", "snapshot"),
    "table more": ("CREATE TABLE more (x)", "more"),
}


@pytest.mark.parametrize(("statement", "said"), IDENTITIES.values(), ids=IDENTITIES)
def test_store_of_another_version_or_program_is_refused(whole, tmp_path, statement, said):
    """With the reason, and it is left as it is."""
    path = tmp_path / "store.db"
    shutil.copy(whole[0], path)
    with closing(sqlite3.connect(path)) as database:
        database.execute(statement)
        database.commit()
    before = path.read_bytes()
    for opened in (read_store, open_store):
        with pytest.raises(ConfigError, match=said):
            opened(path)
    assert path.read_bytes() == before


def test_what_is_no_store_is_refused(tmp_path):
    """Another file, an empty one, a folder, one that is not there."""
    for name, data in (("text", b"hello" * 9), ("empty", b"")):
        (tmp_path / name).write_bytes(data)
        for opened in (read_store, open_store):
            with pytest.raises(ConfigError, match="no SQLite file"):
                opened(tmp_path / name)
    for opened in (read_store, open_store):
        with pytest.raises(ConfigError, match=r"no (file|store)"):
            opened(tmp_path)
    with pytest.raises(ConfigError, match="no store"):
        read_store(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="make it first"):
        open_store(tmp_path / "no folder" / "store")
    with pytest.raises(ConfigError, match="check of a store"):
        open_store(tmp_path / "store", check="some")
    with pytest.raises(ConfigError, match="max_bytes"):
        open_store(tmp_path / "store", max_bytes=0)
    assert {path.name for path in tmp_path.iterdir()} <= {"text", "empty", "store"}


@pytest.mark.slow
def test_killed_process_loses_no_committed_batch(tmp_path):
    """Twenty times, by SIGKILL at a random moment, creation included; the script says how."""
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, script, tmp_path], capture_output=True, text=True, timeout=240, cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    kills, batches = (int(word) for word in done.stdout.split())
    assert kills == 20
    assert batches > 20
