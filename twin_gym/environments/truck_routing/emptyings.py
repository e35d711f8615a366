"""Recorded emptyings of bins: a reference in a scenario, a checked reader, and what they tell.

============  =========================================================================
format        file
============  =========================================================================
`emptyings`   CSV with the columns bin, time_s, fill: seconds since a midnight, and the
              reading of the fill sensor just before the emptying, 0 to 1
`edinburgh`   collections.csv made of the City of Edinburgh Council's "Litter bin sensor
              data" (2016; Open Government Licence v3.0): site_id, collected_at,
              fill_before_pct; times count from the midnight before the first row
============  =========================================================================

The times of one bin rise. The fill is known at the emptyings alone, and a sensor shows at most 1.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.errors import TraceError, bad_trace, shown
from twin_gym.files.reading import found_file
from twin_gym.scenario.base import MAX_TIME_S
from twin_gym.scenario.tables import Row, read_rows

Floats = NDArray[np.float64]

HOUR_S = 3600.0
DAY_S = 86_400.0


class EmptyingFile(DataFile):
    """A reference to a file of emptyings.

    Attributes:
        path: absolute, or relative to the directory named by TWIN_GYM_DATA.
        format: `emptyings` or `edinburgh` (see the module).
        full_share: content over capacity at which the sensor shows 1.
    """

    format: Literal["emptyings", "edinburgh"] = "emptyings"
    full_share: Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)] = 1.0


class Emptyings(NamedTuple):
    """The emptyings of one bin in order of time; arrays of shape (emptyings,).

    Attributes:
        times_s: since the midnight from which the file counts.
        fills: what the sensor showed just before, 0 to 1.
    """

    times_s: Floats
    fills: Floats


class Inflows(NamedTuple):
    """What emptyings tell of the deposits.

    Attributes:
        inflow_l_per_h: of each bin; shape (bins,).
        dispersion_l: variance of what is thrown in over its mean, the same for all bins; NaN where
            no bin was emptied three times. A Poisson process of Gamma deposits has
            deposit_mean_l * (1 + 1 / deposit_shape).
    """

    inflow_l_per_h: Floats
    dispersion_l: float


def read_emptyings(file: EmptyingFile) -> dict[str, Emptyings]:
    """All emptyings of a file, by bin.

    Args:
        file: path and format.

    Returns:
        The bins in the order of their first rows.

    Raises:
        TraceError: if the file is not there or breaks its format, with the line.
    """
    path = file.locate().resolve()
    state = found_file(path, "trace file", TraceError)
    return _read(path, (state.st_mtime_ns, state.st_size), file.format)


@functools.lru_cache(maxsize=4)
def _read(
    path: Path,
    version: tuple[int, int],  # only part of the key
    file_format: str,
) -> dict[str, Emptyings]:
    rows: dict[str, list[tuple[float, float]]] = {}
    parsed = _edinburgh_rows(path) if file_format == "edinburgh" else _plain_rows(path)
    for row, name, time_s, fill in parsed:
        of_bin = rows.setdefault(name, [])
        if of_bin and time_s <= of_bin[-1][0]:
            raise row.error(
                f"the times of a bin must rise, got {time_s:.10g} s after {of_bin[-1][0]:.10g} s "
                f"of {name!r}: sort the file, remove doubles"
            )
        of_bin.append((time_s, fill))
    if not rows:
        raise TraceError(f"{path} holds no emptying: check that it is the right file")
    return {name: Emptyings(*_columns(of_bin)) for name, of_bin in rows.items()}


def _columns(rows: Sequence[tuple[float, float]]) -> Iterator[Floats]:
    for column in np.array(rows, np.float64).T:
        column.flags.writeable = False
        yield column


def _plain_rows(path: Path) -> Iterator[tuple[Row, str, float, float]]:
    for row in read_rows(path, ("bin", "time_s", "fill")):
        time_s = row.number("time_s", low=0.0, high=MAX_TIME_S)
        yield row, row.text("bin"), time_s, row.number("fill", low=0.0, high=1.0)


def _edinburgh_rows(path: Path) -> Iterator[tuple[Row, str, float, float]]:
    midnight: datetime | None = None
    for row in read_rows(path, ("site_id", "collected_at", "fill_before_pct")):
        moment = _moment(row)
        if midnight is None:
            midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        time_s = (moment - midnight).total_seconds()
        if not 0.0 <= time_s <= MAX_TIME_S:
            raise row.error(
                f"`collected_at` must be no earlier than the day of the first row and at most "
                f"{MAX_TIME_S:g} s later, got {shown(row.text('collected_at'))}: sort the file"
            )
        fill_pct = row.number("fill_before_pct", low=0.0, high=100.0)
        yield row, row.text("site_id"), time_s, fill_pct / 100.0


def _moment(row: Row) -> datetime:
    text = row.text("collected_at")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None:
        raise bad_trace(
            row.path,
            row.line,
            "`collected_at` must be a local time such as 2016-06-03 13:23:26 with no zone, "
            f"got {shown(text)}",
        )
    return moment


def inflows_by_moments(
    emptyings: Sequence[Emptyings], capacity_l: Floats, full_share: float
) -> Inflows:
    """Inflow of each bin and the dispersion of deposits, by the method of moments.

    With X litres found after T hours since the emptying before, the inflow is the sum of X over
    that of T, and the dispersion the sum of (X - inflow T)^2 over that of X, all bins together,
    with one degree of freedom less for each bin. Both hold whatever made the crew come (Wald's
    first and second identity: the time of an emptying may depend on the fill, but not on the
    future). A full bin counts as 1, so that inflows of bins that ran over are too low.

    A bin that was emptied once only has no whole interval: what was found then counts over the
    time from the first emptying of any bin to the last.

    Args:
        emptyings: of each bin, one or more.
        capacity_l: of each bin; shape (bins,).
        full_share: content over capacity at which the sensor shows 1.

    Returns:
        See `Inflows`.

    Source:
        A. Wald, On cumulative sums of random variables, Annals of Mathematical Statistics 15(3),
        1944, for the identities.

    Example:
        >>> twice = Emptyings(np.array([0.0, 36_000.0]), np.array([1.0, 0.5]))
        >>> inflows_by_moments([twice], np.array([100.0]), 0.8).inflow_l_per_h
        array([4.])
    """
    begin_s = min(one.times_s[0] for one in emptyings)
    end_s = max(one.times_s[-1] for one in emptyings)
    inflow = np.zeros(len(emptyings))
    squares = litres = 0.0
    for k, one in enumerate(emptyings):
        found_l = one.fills * full_share * capacity_l[k]
        if len(found_l) == 1:
            inflow[k] = found_l[0] * HOUR_S / max(end_s - begin_s, HOUR_S)
            continue
        hours, found_l = np.diff(one.times_s) / HOUR_S, found_l[1:]
        inflow[k] = found_l.sum() / hours.sum()
        squares += float(((found_l - inflow[k] * hours) ** 2).sum())
        litres += float(found_l.sum()) * (1.0 - 1.0 / len(found_l))
    return Inflows(inflow, squares / litres if litres else float("nan"))
