"""Reading the data of real cities: files by path, and times as seconds since the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, TraceError
from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.scenario.tables import Row
from twin_gym.scenario.traces import Trace
from twin_gym.twins.plain import file_path, number, shown
from twin_gym.twins.realtime.model import Value

_NANOSECONDS = 1e9
_MOST = 1e9  # largest measured value of any kind


def locate(folder: str | Path, name: str) -> Path:
    """A file of a data set.

    Args:
        folder: of the data set, absolute or relative to the directory named by TWIN_GYM_DATA.
        name: of the file in it.

    Returns:
        Its path.

    Raises:
        TraceError: if it is not there, with what to set.
    """
    place = file_path(folder, "the folder of a data set") / name
    return Trace(path=str(place), last_s=MAX_TIME_S).locate()


def seconds(times: NDArray[Any], path: Path) -> NDArray[np.float64]:
    """Moments as seconds since the first of them.

    Args:
        times: moments of NumPy, one at least; shape (rows,).
        path: the file, for the error.

    Returns:
        Seconds, 0 or more; shape (rows,).

    Raises:
        TraceError: if there are none, or one is missing.
    """
    if times.dtype.kind != "M" or not len(times) or np.isnat(times).any():
        raise TraceError(f"{path} has no times, or one is missing: get a whole copy of it")
    moments = times.astype("datetime64[ns]").astype(np.int64)
    since: NDArray[np.float64] = (moments - moments.min()) / _NANOSECONDS
    return since


def moment(row: Row, column: str) -> np.datetime64:
    """A cell that holds a moment.

    Args:
        row: the row.
        column: name of the column.

    Returns:
        The moment, of the clock of the file.

    Raises:
        TraceError: if it holds none.
    """
    text = row.text(column)
    try:
        return np.datetime64(text, "s")
    except ValueError:
        raise row.error(f"`{column}` must be a moment such as 2016-06-03 13:23:26") from None


def place(row: Row, latitude: str, longitude: str) -> dict[str, Value]:
    """Where something stands.

    Args:
        row: the row.
        latitude: name of the column, in degrees.
        longitude: likewise.

    Returns:
        Properties of the object model.
    """
    return {
        "latitude_deg": row.number(latitude, low=-90.0, high=90.0),
        "longitude_deg": row.number(longitude, low=-180.0, high=180.0),
    }


def quantity(row: Row, column: str) -> float:
    """A measured number of a cell."""
    return row.number(column, low=-_MOST, high=_MOST)


def of_single(value: float) -> float:
    """A number of a file in single precision, without the digits that it has not.

    Example:
        >>> of_single(6.429999828338623)
        6.43
    """
    return float(f"{value:.7g}")


def until(at_s: float | None, last_s: float) -> float:
    """The time up to which data count.

    Args:
        at_s: as the caller gave it; None: the last of the data.
        last_s: time of the last datum.

    Returns:
        Seconds.

    Raises:
        ConfigError: if it is negative, or after the data.
    """
    if at_s is None:
        return last_s
    found = number(at_s, "`at_s` of a city, in seconds since its first datum,", 0.0)
    if found > last_s:
        raise ConfigError(f"`at_s` is at most {last_s!r} s, the last datum; got {shown(at_s)}")
    return found
