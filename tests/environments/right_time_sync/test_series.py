"""Readers of measured series: what is read, filled and lost, and what is refused."""

import numpy as np
import pytest

from twin_gym.environments.right_time_sync.env import RightTimeSyncEnv
from twin_gym.environments.right_time_sync.scenario import EntityGroup, Replay, SyncScenario
from twin_gym.environments.right_time_sync.series import SeriesFile, load_series
from twin_gym.errors import TraceError

HEAD = "source,time_s,value"


def written(tmp_path, *lines, head=HEAD):
    """A file of series."""
    path = tmp_path / "series.csv"
    path.write_text("\n".join([head, *lines]) + "\n", "utf-8")
    return path


def reference(path, **fields):
    """A reference to it, the first twenty seconds."""
    return SeriesFile(**({"path": str(path), "last_s": 20.0} | fields))


RAMP = [f"a,{5 * k},{k}" for k in range(7)]


def test_values_are_interpolated_and_windows_kept(tmp_path):
    """A straight line between two measurements; times count from the first one of the source."""
    path = written(tmp_path, *RAMP, "b,100,1", "b,110,3", "b,140,0")
    a, b = load_series(reference(path, first_s=10.0), ("a", "b"), 2.5)
    assert np.allclose(a.values, [2.0, 2.5, 3.0, 3.5, 4.0])
    assert np.allclose(b.values, [3.0, 2.75, 2.5, 2.25, 2.0])
    assert not a.is_lost.any()
    assert a.filled_share == pytest.approx(0.4)
    assert b.filled_share == pytest.approx(0.8)
    with pytest.raises(ValueError, match="read-only"):
        a.values[0] = 1.0


@pytest.mark.parametrize(
    ("lines", "fields", "message"),
    [
        (["a,0,1", "a,5,x"], {}, r"line 3.*number"),
        (["a,0,1", "a,5,nan"], {}, "line 3.*decimal number"),
        (["a,0,1", "a,inf,2"], {}, "line 3"),
        (["a,-1,1", "a,5,2"], {}, "line 2"),
        (["a,0,1", "a,5,2e9"], {}, "line 3"),
        (["a,5,1", "a,0,2"], {}, "line 3.*must rise"),
        (["a,0,1", "b,7,1", "a,0,2"], {}, "line 4.*remove doubles"),
        (["a,0,1", "a,15,1", "a,40,2"], {"longest_gap_s": 20.0}, "line 3.*25 s.*longest_gap_s"),
        (["a,0,1", "a,9,2"], {}, "move the window"),
        (["b,0,1", "b,30,2"], {}, "source 'a'"),
        ([], {}, "holds no measurement"),
    ],
)
def test_bad_files_are_refused_with_the_line(tmp_path, lines, fields, message):
    """Numbers, order, gaps, windows and names."""
    path = written(tmp_path, *lines)
    with pytest.raises(TraceError, match=message):
        load_series(reference(path, **fields), ("a",), 2.5)


def test_file_that_is_not_there_is_refused():
    """With where it was looked for."""
    with pytest.raises(TraceError, match="nowhere"):
        load_series(reference("/nowhere/series.csv"), ("a",), 2.5)


def test_other_columns_are_refused(tmp_path):
    """Times in another unit have another name."""
    path = written(tmp_path, "a,0,1", "a,1,2", head="source,time_ms,value")
    with pytest.raises(TraceError, match="time_s"):
        load_series(reference(path), ("a",), 2.5)


def test_series_shorter_than_an_episode_are_refused(tmp_path):
    """With how much longer the window must be."""
    file = reference(written(tmp_path, *RAMP))
    process = Replay(file=file, sources=("a",), low=0.0, high=10.0)
    scenario = SyncScenario(
        name="short",
        horizon_s=25.0,
        groups=(EntityGroup(name="ramp", count=1, process=process),),
    )
    with pytest.raises(TraceError, match="by 5 slots or more"):
        RightTimeSyncEnv(scenario)


def parquet(tmp_path, **columns):
    """Frames as Parquet."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet as pq

    path = tmp_path / "frames.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def moments(*seconds):
    """Moments so long after some day."""
    return np.datetime64("2024-01-01T00:00:00", "ns") + np.array(seconds) * np.timedelta64(1, "s")


def test_losses_lie_where_the_counter_jumped(tmp_path):
    """Two frames missing between 10 s and 40 s were sent at 20 s and 30 s; doubles count once."""
    path = parquet(
        tmp_path, dev=["x"] * 5, time=moments(50, 0, 10, 10, 40),
        temperature=[5.0, 0, np.nan, 1, 4], lost_before=[0.0, np.nan, 7, 0, 2],
    )  # fmt: skip
    file = reference(path, format="campusiot", column="temperature", last_s=45.0)
    (series,) = load_series(file, ("x",), 5.0)
    assert np.allclose(series.values, np.arange(10.0) / 2.0)
    lost = np.flatnonzero(series.is_lost) * 5.0
    assert {20.0, 30.0} <= set(lost)
    assert not {0.0, 5.0, 10.0, 40.0, 45.0} & set(lost)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"time": np.array([0.0, 60.0])}, "`time` must hold moments"),
        ({"pm25": np.array([1.0, np.inf])}, "line 3.*finite"),
        ({"pm25": ["a", "b"]}, "`pm25` must hold numbers"),
        ({"time": moments(60, 60)}, "must rise"),
        ({"pm25": np.array([np.nan, np.nan])}, "no pm25 at all"),
    ],
)
def test_bad_parquet_is_refused(tmp_path, columns, message):
    """Times without a date, values that are none, doubles."""
    good = {"station": ["s", "s"], "time": moments(0, 60), "pm25": np.array([1.0, 2.0])}
    path = parquet(tmp_path, **(good | columns))
    file = reference(path, format="beijing", column="pm25", last_s=50.0)
    with pytest.raises(TraceError, match=message):
        load_series(file, ("s",), 10.0)


def test_unknown_column_and_other_formats_are_refused(tmp_path):
    """With the nearest name; a CSV file is no Parquet."""
    path = parquet(tmp_path, station=["s"], time=moments(0), pm25=np.array([1.0]))
    file = reference(path, format="beijing", column="pm2", last_s=50.0)
    with pytest.raises(TraceError, match="did you mean 'pm25'"):
        load_series(file, ("s",), 10.0)
    with pytest.raises(TraceError, match="no Parquet file"):
        load_series(reference(written(tmp_path, *RAMP), format="beijing"), ("a",), 2.5)
