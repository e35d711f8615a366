"""Readers of request traces: what they give, and what they refuse."""

import os

import numpy as np
import pytest

from tests.environments.slice_admission.strategies import write_requests
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.errors import TraceError
from twin_gym.scenario import Trace, read_requests, tables

NAMES = ("immersive", "hrllc")
HEADER = "arrival_s,slice,holding_s\n"
GOOD = HEADER + "1,hrllc,0.5\n2.5,immersive,3\n2.5,hrllc,1e-3\n9,hrllc,.25\n"


@pytest.fixture
def file(tmp_path):
    """A trace file with the given text, as a function."""

    def write(text, **options):
        path = tmp_path / "requests.csv"
        path.write_text(text, **{"encoding": "utf-8", "newline": ""} | options)
        return path

    return write


def test_requests_of_the_window_are_given(file):
    """Times count from the start of the window, which belongs to it; its end does not."""
    trace = read_requests(file(GOOD), NAMES, 1.0, 9.0)
    np.testing.assert_array_equal(trace.arrival_s, [0.0, 1.5, 1.5])
    np.testing.assert_array_equal(trace.holding_s, [0.5, 3.0, 0.001])
    assert trace.slice_names.tolist() == ["hrllc", "immersive", "hrllc"]
    assert trace.duration_s == 8.0


def test_arrays_are_read_only(file):
    """A trace is shared between environments: nobody may change it."""
    trace = read_requests(file(GOOD), NAMES, 0.0, 10.0)
    for array in (trace.arrival_s, trace.holding_s, trace.slice_names):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,  # byte order mark
        GOOD.rstrip("\n"),  # no line break at the end
        GOOD.replace("\n", "\n\n"),  # blank lines
        GOOD.replace(",", " , "),
        GOOD.replace("hrllc", '"hrllc"'),
        "id,slice,holding_s,arrival_s\n"
        "a,hrllc,0.5,1\nb,immersive,3,2.5\nc,hrllc,1e-3,2.5\nd,hrllc,.25,9\n",
    ],
    ids=range(8),
)
def test_one_table_written_in_several_ways(file, text):
    """Line ends, blanks, quotes, column order and further columns do not matter."""
    trace = read_requests(file(text), NAMES, 0.0, 10.0)
    np.testing.assert_array_equal(trace.arrival_s, [1.0, 2.5, 2.5, 9.0])
    np.testing.assert_array_equal(trace.holding_s, [0.5, 3.0, 0.001, 0.25])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the file is empty: its header must name arrival_s, slice, holding_s"),
        ("\n\n", "the file is empty"),
        (HEADER, "no request from 0 s to 10 s .it holds no request.: move the window"),
        (HEADER + "50,hrllc,1\n60,hrllc,1\n", "holds requests from 50 s to 60 s.: move the window"),
        ("arrival,slice,holding_s\n", "line 1: .*lacks the column `arrival_s`: is 'arrival' meant"),
        ("1,hrllc,0.5\n", "line 1: the header lacks"),
        ("slice,slice,arrival_s,holding_s\n", "line 1: .*names `slice` twice"),
        (HEADER + "1,hrllc\n", "line 2: a row must have 3 cells as the header has, got 2"),
        (HEADER + "1,hrllc,1,1\n", "line 2: a row must have 3 cells"),
        (HEADER + "1;hrllc;1\n", "line 2: a row must have 3 cells"),
        (HEADER + "\n\n1,hrllc,x\n", "line 4: `holding_s` must be a decimal number, got 'x'"),
        (HEADER + "1,hrllc,\n", "line 2: `holding_s` is empty"),
        (HEADER + "1,,5\n", "line 2: `slice` is empty"),
        (HEADER + "1,hrllc,0\n", "line 2: `holding_s` must be positive"),
        (HEADER + "1,hrllc,1e-400\n", "line 2: `holding_s` must be positive"),  # 0 as a float
        (HEADER + "1,hrllc,-1\n", "line 2: `holding_s` must be between 0 and 1e.08, got '-1'"),
        (HEADER + "1,hrllc,1e9\n", "line 2: `holding_s` must be between"),
        (HEADER + "1,hrllc,nan\n", "line 2: `holding_s` must be a decimal number"),
        (HEADER + "1,hrllc,inf\n", "line 2: `holding_s` must be a decimal number"),
        (HEADER + "1,hrllc,1e999\n", "line 2: `holding_s` must be finite"),
        (HEADER + "-2e01803,hrllc,1\n", "line 2: `arrival_s` must be finite, got '-2e01803'"),
        (HEADER + "-1,hrllc,1\n", "line 2: `arrival_s` must be between"),
        (HEADER + "1_0,hrllc,1\n", "line 2: `arrival_s` must be a decimal number"),
        (HEADER + "0x1,hrllc,1\n", "line 2: `arrival_s` must be a decimal number"),
        (HEADER + "\u0661,hrllc,1\n", "line 2: `arrival_s` must be a decimal number"),
        (HEADER + "2021-01-01,hrllc,1\n", "line 2: `arrival_s` must be a decimal number"),
        (HEADER + "2,hrllc,1\n1,hrllc,1\n", "line 3: arrivals must not fall, got 1 after 2: sort"),
        (HEADER + "1,hrlc,1\n", "line 2: unknown slice 'hrlc'; did you mean 'hrllc'"),
        (HEADER + '1,"hrllc,1\n', "line 2: this is no CSV"),  # a quote that never ends
        (HEADER + "1," + "x" * 200_000 + ",1\n", "line 2: this is no CSV"),  # a cell that is huge
        (HEADER + "1,hrl\0lc,1\n", "line 2"),
    ],
    ids=range(31),
)
def test_bad_files_are_refused_with_the_line(file, text, says):
    """Each refusal names the file, the line and what to do."""
    path = file(text)
    with pytest.raises(TraceError, match=says) as caught:
        read_requests(path, NAMES, 0.0, 10.0)
    assert str(caught.value).startswith(str(path))


def test_mistakes_outside_the_window_count_too(file):
    """A file is checked as a whole; only slices that are not replayed may be unknown."""
    path = file(GOOD + "20,other,1\n")
    assert len(read_requests(path, NAMES, 0.0, 10.0).arrival_s) == 4
    with pytest.raises(TraceError, match="line 6: unknown slice 'other'"):
        read_requests(path, NAMES, 0.0, 30.0)
    with pytest.raises(TraceError, match="line 6: `holding_s` must be a decimal number"):
        read_requests(file(GOOD + "20,hrllc,x\n"), NAMES, 0.0, 10.0)


def test_files_that_cannot_be_read_are_refused(file, tmp_path, monkeypatch):
    """Missing, not text, too large, too many rows."""
    with pytest.raises(TraceError, match="there is no trace file"):
        read_requests(tmp_path / "none.csv", NAMES, 0.0, 10.0)
    with pytest.raises(TraceError, match="there is no trace file"):
        read_requests(tmp_path, NAMES, 0.0, 10.0)
    with pytest.raises(TraceError, match="not UTF-8"):
        read_requests(file(GOOD, encoding="utf-16"), NAMES, 0.0, 10.0)
    monkeypatch.setattr(tables, "MAX_TRACE_ROWS", 3)
    with pytest.raises(TraceError, match="line 5: at most 3 rows are read: cut out"):
        read_requests(file(GOOD), NAMES, 0.0, 10.0)
    monkeypatch.setattr(tables, "MAX_TRACE_BYTES", 20)
    with pytest.raises(TraceError, match="at most 20 are read: cut out the part"):
        read_requests(file(GOOD), NAMES, 0.0, 10.0)


def test_relative_paths_are_found_in_the_data_directory(file, monkeypatch):
    """TWIN_GYM_DATA names it; without it the error says so."""
    path = file(GOOD)
    trace = Trace(path=path.name, last_s=10.0)
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    with pytest.raises(TraceError, match="TWIN_GYM_DATA is not set: set it, or give an absolute"):
        load_trace(trace, NAMES)
    monkeypatch.setenv("TWIN_GYM_DATA", str(path.parent / "elsewhere"))
    with pytest.raises(TraceError, match=r"no trace file .*requests\.csv': check the path or TWIN"):
        load_trace(trace, NAMES)
    monkeypatch.setenv("TWIN_GYM_DATA", str(path.parent))
    assert len(load_trace(trace, NAMES).arrival_s) == 4


def test_a_changed_file_is_read_again(file):
    """The same object while the file is unchanged, a new one once it has changed."""
    path = file(GOOD)
    trace = Trace(path=str(path), last_s=10.0)
    first = load_trace(trace, NAMES)
    assert load_trace(trace, list(NAMES)) is first
    assert load_trace(trace.replace(last_s=5.0), NAMES) is not first
    write_requests(path, [(3.0, "hrllc", 2.0)])
    os.utime(path, ns=(1, 1))
    assert load_trace(trace, NAMES).arrival_s.tolist() == [3.0]


def test_a_refused_file_is_not_remembered(file):
    """Once it is mended it is read."""
    path = file(HEADER + "1,hrllc,x\n")
    trace = Trace(path=str(path), last_s=10.0)
    with pytest.raises(TraceError):
        load_trace(trace, NAMES)
    file(GOOD)
    assert len(load_trace(trace, NAMES).arrival_s) == 4
