"""Parquet from outside: what it unpacks to is known before it is unpacked."""

import numpy as np
import pytest

from twin_gym.errors import TraceError
from twin_gym.scenario import parquet
from twin_gym.scenario.pages import read_footer
from twin_gym.scenario.parquet import read_columns

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def written(path, table, **how):
    """The table as a file."""
    pq.write_table(pa.table(table), path, **how)
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"compression": "gzip", "data_page_version": "2.0"},
        {"use_dictionary": False, "row_group_size": 700, "compression": "zstd"},
        {"data_page_size": 64, "write_page_checksum": True, "compression": "none"},
    ],
)
def test_columns_are_those_that_were_written(tmp_path, how):
    """Numbers, moments and text, whatever the encoding."""
    count = 3_000
    whole, names = np.arange(count), np.array([f"s{k % 7}" for k in range(count)])
    share = np.where(whole % 3, whole / 7.0, np.nan)
    time = np.datetime64("2024-01-01", "us") + whole
    table = {"whole": whole, "share": share, "time": time, "name": names}
    columns = read_columns(written(tmp_path / "a.parquet", table, **how), list(table), "a test")
    for column, values in table.items():
        assert columns[column].dtype.kind == values.dtype.kind
        np.testing.assert_array_equal(columns[column], values)


@pytest.mark.parametrize(
    ("table", "how", "reason"),
    [
        ({"a": np.zeros(16_000_000)}, {}, "16,000,000 rows or more and at most 1,000,000"),
        ({"a": ["x" * 1_000_000] * 300}, {"use_dictionary": False}, "unpacked bytes or more"),
        ({"a": ["x" * 1_000_000] * 300}, {}, "more than 128 letters"),
        (
            {"a": ["x" * 10_000] * 9_000},
            {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}},
            "encoded as DELTA_BYTE_ARRAY",
        ),
        ({"a": [[1]] * 10}, {}, "must hold single values"),
        ({"b": [1]}, {}, "unknown column 'a'"),
        ({"a": [1], **{f"b{k}": [1] for k in range(5_000)}}, {}, "5,001 columns"),
        ({"a": np.arange(5_000)}, {"row_group_size": 1}, "5,000 groups of rows"),
        ({"a": ["x", None]}, {}, "missing in some rows"),
    ],
    ids=range(9),
)
def test_what_unpacks_to_too_much_is_refused(tmp_path, table, how, reason):
    """Rows, bytes, columns, groups, long text, lists: a small file each."""
    path = written(tmp_path / "bomb.parquet", table, compression="zstd", **how)
    with pytest.raises(TraceError, match=rf"bomb\.parquet.*{reason}"):
        read_columns(path, ["a"], "a test")


def test_a_footer_that_lies_does_not_help(tmp_path, monkeypatch):
    """The heads of the pages are counted, and so is what comes out."""
    path = written(tmp_path / "a.parquet", {"a": np.zeros(100_000)}, use_dictionary=False)
    monkeypatch.setattr(parquet, "MAX_UNPACKED_BYTES", 700_000)
    (chunk,) = read_footer(path.read_bytes()).chunks
    assert parquet._unpacked_by_pages(path, path.read_bytes(), chunk) >= 800_000
    monkeypatch.setattr(parquet, "_check_footer", lambda *_: None)
    with pytest.raises(TraceError, match="unpacked bytes or more"):
        read_columns(path, ["a"], "a test")
    monkeypatch.setattr(parquet, "MAX_TRACE_ROWS", 70_000)
    monkeypatch.setattr(parquet, "MAX_UNPACKED_BYTES", 10**9)
    with pytest.raises(TraceError, match="rows or more"):
        read_columns(path, ["a"], "a test")


def test_damage_is_told_of_as_a_trace(tmp_path):
    """Flipped, zeroed and cut bytes give the values or a TraceError, and nothing else."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=5_000)
    path = written(tmp_path / "a.parquet", {"a": values}, row_group_size=1_000, compression="zstd")
    whole, refused = path.read_bytes(), 0
    for k in range(200):
        body = bytearray(whole)
        for at in len(body) - 1 - rng.integers(len(body) if k % 2 else 400, size=2):
            body[at] = rng.integers(256)
        path.write_bytes(body[: len(body) if k % 5 else rng.integers(len(body))])
        try:
            read_columns(path, ["a"], "a test")
        except TraceError:
            refused += 1
    assert refused > 50
