"""Measured series of sensors: a reference in a scenario, and checked readers.

=============  ========================================================================
format         file
=============  ========================================================================
`series`       CSV with the columns source, time_s, value; times of a source rise
`beijing`      hourly.parquet of the UCI Beijing Multi-Site Air Quality data (Chen 2017,
               10.24432/C5RK5G, CC BY 4.0): time, station and one column a quantity
`campusiot`    frames.parquet made of the CampusIoT LoRaWAN data (Donsez, Alphand, Albarel,
               10.18709/perscido.2023.06.ds395, ODbL 1.0): time, dev, lost_before and one
               column a quantity
=============  ========================================================================

**Time** becomes slots: the value of a slot is interpolated in a straight line between the two
measurements around it. **Missing values** are thus filled from their neighbours; a gap that is
longer than the reference allows is refused, with its beginning, rather than filled. **Losses**: a
slot is lost if it lies between two received frames and the counter of the later one has jumped.
Of two frames of `campusiot` with the same time (eight in 58,751) the first that has a value counts.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.errors import ConfigError, TraceError, bad_trace, unknown_name
from twin_gym.files.reading import found_file
from twin_gym.scenario.base import MAX_TIME_S, Duration, FrozenModel
from twin_gym.scenario.parquet import read_columns
from twin_gym.scenario.tables import read_rows
from twin_gym.scenario.traces import Moment, Trace

Floats = NDArray[np.float64]

_MOST = 1e9  # largest measured value of any kind
_PARQUET = {"beijing": ("time", "station"), "campusiot": ("time", "dev")}


class SeriesFile(FrozenModel):
    """A reference to a file of series: which quantity, and which part of it is replayed.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
        format: `series`, `beijing` or `campusiot` (see the module).
        column: the quantity; ignored for `series`, whose only one is `value`.
        first_s: start of the window, in seconds since the first measurement of the source.
        last_s: end of the window.
        longest_gap_s: longest time between two measurements that is filled.
    """

    path: Annotated[str, Field(strict=True, min_length=1, max_length=4096)]
    format: Literal["series", "beijing", "campusiot"] = "series"
    column: Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,31}$")] = "value"
    first_s: Moment = 0.0
    last_s: Duration
    longest_gap_s: Duration = 172_800.0

    @model_validator(mode="after")
    def _window(self) -> SeriesFile:
        if self.first_s >= self.last_s:
            raise ConfigError(
                f"the window must end after it begins, got first_s={self.first_s:g}, "
                f"last_s={self.last_s:g}"
            )
        return self

    def locate(self) -> Path:
        """The file.

        Raises:
            TraceError: if it is not there, with what to set.
        """
        return Trace(path=self.path, last_s=self.last_s).locate()


class Measurements(NamedTuple):
    """The measurements of one sensor, in order of time; all arrays are of one length.

    Attributes:
        lines: where each stands; the header, or the names of the columns, is line 1.
        times_s: of any clock that does not stand still.
        values: NaN where one is missing.
        lost_before: frames of the source that were lost just before each.
    """

    lines: NDArray[np.int64]
    times_s: Floats
    values: Floats
    lost_before: Floats

    def at(self, places: NDArray[Any]) -> Measurements:
        """Some of them."""
        return Measurements(*(column[places] for column in self))


@dataclass(frozen=True, eq=False)
class SensorSeries:
    """One sensor, slot by slot; the arrays are read-only.

    Attributes:
        source: its name.
        values: in the unit of the file; shape (slots,).
        is_lost: whether the frame of a slot was lost; shape (slots,).
        filled_share: slots that have no measurement within half a slot.
    """

    source: str
    values: NDArray[np.float64]
    is_lost: NDArray[np.bool_]
    filled_share: float


def load_series(
    file: SeriesFile, sources: Sequence[str], slot_s: float
) -> tuple[SensorSeries, ...]:
    """The series that a reference stands for, on a grid of slots.

    Args:
        file: path, format, quantity and window.
        sources: names of the series wanted, in order.
        slot_s: step of the grid.

    Returns:
        One `SensorSeries` a source.

    Raises:
        TraceError: if the file is not there or breaks its format (with the line), if a source is
            unknown, or has a gap in the window that is too long.
        MissingExtraError: if the file is Parquet and pyarrow is not installed.
    """
    path = file.locate().resolve()
    state = found_file(path, "trace file", TraceError)
    by_source = _read(path, (state.st_mtime_ns, state.st_size), file.format, file.column)
    series = []
    for source in sources:
        if source not in by_source:
            raise TraceError(f"{path}: {unknown_name('source', source, by_source)}")
        series.append(_on_grid(path, source, by_source[source], file, slot_s))
    return tuple(series)


@functools.lru_cache(maxsize=4)
def _read(
    path: Path,
    version: tuple[int, int],  # only part of the key
    file_format: str,
    column: str,
) -> dict[str, Measurements]:
    """All measurements by source, in order of time."""
    if file_format == "series":
        names, rows = _from_csv(path)
    else:
        names, rows = _from_parquet(path, file_format, column)
    if not len(names):
        raise TraceError(f"{path} holds no measurement: check that it is the right file")
    measurements = {}
    for source in np.unique(names).tolist():
        inside = rows.at(np.flatnonzero(names == source))
        if file_format == "campusiot":
            inside = _without_doubles(inside)
        _check_rising(path, source, inside)
        measurements[source] = inside
    return measurements


def _check_rising(path: Path, source: str, rows: Measurements) -> None:
    falls = np.flatnonzero(np.diff(rows.times_s) <= 0.0)
    if falls.size:
        k = int(falls[0])
        raise bad_trace(
            path,
            int(rows.lines[k + 1]),
            f"the times of a source must rise, got {rows.times_s[k + 1]:.10g} s after "
            f"{rows.times_s[k]:.10g} s of {source!r}: sort the file, remove doubles",
        )


def _without_doubles(rows: Measurements) -> Measurements:
    """Of those with one time the first that has a value, or the first of all."""
    order = np.lexsort((np.isnan(rows.values), rows.times_s))
    _, firsts = np.unique(rows.times_s[order], return_index=True)
    return rows.at(order[firsts])


def _from_csv(path: Path) -> tuple[NDArray[np.str_], Measurements]:
    names, numbers = [], []
    for row in read_rows(path, ("source", "time_s", "value")):
        names.append(row.text("source"))
        time_s = row.number("time_s", low=0.0, high=MAX_TIME_S)
        numbers.append((row.line, time_s, row.number("value", low=-_MOST, high=_MOST)))
    lines, times_s, values = np.array(numbers, np.float64).reshape(-1, 3).T
    rows = Measurements(lines.astype(np.int64), times_s, values, np.zeros(len(names)))
    return np.array(names, np.str_), rows


def _from_parquet(
    path: Path, file_format: str, column: str
) -> tuple[NDArray[np.str_], Measurements]:
    time, source = _PARQUET[file_format]
    columns = [time, source, column]
    if file_format == "campusiot":
        columns.append("lost_before")
    table = read_columns(path, columns, "reading series stored as Parquet")
    times_s = _seconds(path, time, table[time])
    values = _numbers(path, column, table[column])
    bad = np.flatnonzero(np.isinf(values) | (np.abs(values) > _MOST))
    if bad.size:
        k = int(bad[0])
        raise bad_trace(path, k + 2, f"`{column}` must be finite, got {values[k]:g}")
    lost = np.zeros(len(values))
    if "lost_before" in table:
        lost = np.nan_to_num(_numbers(path, "lost_before", table["lost_before"]))
    names = np.array([str(name) for name in table[source]], np.str_)
    # Sources stand in the file as they please; only the times of one source have an order.
    order = np.lexsort((times_s, names))
    rows = Measurements(np.arange(len(values)) + 2, times_s, values, lost)
    return names[order], rows.at(order)


def _seconds(path: Path, column: str, values: NDArray[Any]) -> Floats:
    if values.dtype.kind != "M":
        raise TraceError(f"{path}: `{column}` must hold moments, got {values.dtype}")
    missing = np.flatnonzero(np.isnat(values))
    if missing.size:
        raise bad_trace(path, int(missing[0]) + 2, f"`{column}` is missing: remove the row")
    seconds: Floats = values.astype("datetime64[ns]").astype(np.int64) / 1e9
    return seconds


def _numbers(path: Path, column: str, values: NDArray[Any]) -> Floats:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise TraceError(f"{path}: `{column}` must hold numbers, got {values.dtype}") from None


def _on_grid(
    path: Path, source: str, rows: Measurements, file: SeriesFile, slot_s: float
) -> SensorSeries:
    start_s = float(rows.times_s[0])
    count = int((file.last_s - file.first_s) / slot_s * (1 + 1e-12)) + 1
    grid_s: Floats = np.arange(count, dtype=np.float64) * slot_s + (start_s + file.first_s)
    kept = rows.at(np.flatnonzero(~np.isnan(rows.values)))
    times_s = kept.times_s
    if not times_s.size:
        raise TraceError(f"{path}: {source!r} has no {file.column} at all: take another column")
    after = np.searchsorted(times_s, grid_s)
    if after[-1] >= len(times_s) or times_s[0] > grid_s[0]:
        raise TraceError(
            f"{path}: the window of {source!r} is {file.first_s:g} s to {file.last_s:g} s and its "
            f"values last from {times_s[0] - start_s:g} s to {times_s[-1] - start_s:g} s: "
            "move the window"
        )
    _check_gaps(path, source, kept.at(np.arange(max(int(after[0]) - 1, 0), after[-1] + 1)), file)
    before = np.maximum(after - 1, 0)
    distance = np.minimum(np.abs(grid_s - times_s[before]), np.abs(times_s[after] - grid_s))
    series = SensorSeries(
        source,
        np.interp(grid_s, times_s, kept.values),
        _lost_slots(rows, grid_s),
        float((distance > slot_s / 2).mean()),
    )
    series.values.flags.writeable = False
    series.is_lost.flags.writeable = False
    return series


def _check_gaps(path: Path, source: str, used: Measurements, file: SeriesFile) -> None:
    gaps_s = np.diff(used.times_s)
    if gaps_s.size and gaps_s.max() > file.longest_gap_s:
        raise bad_trace(
            path,
            int(used.lines[gaps_s.argmax()]),
            f"{source!r} has no {file.column} for {gaps_s.max():g} s after this one and at most "
            f"{file.longest_gap_s:g} s are filled: move the window or raise `longest_gap_s`",
        )


def _lost_slots(rows: Measurements, grid_s: Floats) -> NDArray[np.bool_]:
    """Slots whose nearest frame, of those received and those that the counter misses, is missing.

    The frames that were lost between two received ones are taken to have been sent at equal
    intervals between them.
    """
    times_s, lost = rows.times_s, rows.lost_before
    if len(times_s) == 1:
        return np.zeros(len(grid_s), np.bool_)
    after = np.clip(np.searchsorted(times_s, grid_s), 1, len(times_s) - 1)
    step_s = (times_s[after] - times_s[after - 1]) / (lost[after] + 1.0)
    place = np.rint((grid_s - times_s[after - 1]) / step_s)
    is_lost: NDArray[np.bool_] = (place >= 1) & (place <= lost[after])
    return is_lost
