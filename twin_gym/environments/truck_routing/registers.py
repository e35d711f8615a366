"""Registers of bins: a reference in a scenario and a checked reader.

===========  ==========================================================================
format       file
===========  ==========================================================================
`bins`       CSV with the columns name, x_m, y_m, capacity_l and, where no emptyings are
             named, inflow_l_per_h
`edinburgh`  bins.csv made of the City of Edinburgh Council's register and "Litter bin
             sensor data": site_id, easting, northing, capacity_l
===========  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.emptyings import (
    EmptyingFile,
    inflows_by_moments,
    read_emptyings,
)
from twin_gym.errors import ConfigError, TraceError
from twin_gym.scenario.base import FrozenModel
from twin_gym.scenario.tables import read_rows

MAX_BINS = 2_000
MAX_COORDINATE_M = 1e8
MIN_CAPACITY_L, MAX_CAPACITY_L = 0.1, 1e6
MIN_INFLOW_L_PER_H, MAX_INFLOW_L_PER_H = 1e-6, 1e5

Floats = NDArray[np.float64]

_COLUMNS = {
    "bins": ("name", "x_m", "y_m", "capacity_l"),
    "edinburgh": ("site_id", "easting", "northing", "capacity_l"),
}


class BinFile(FrozenModel):
    """A reference to a register of bins, and which of them are taken.

    Attributes:
        file: the register.
        format: `bins` or `edinburgh` (see the module).
        emptyings: inflows are fitted to these; None: the register says them.
        count: how many bins are taken.
        chosen: `first`: the first ones of the file; `nearest`: those nearest to the median
            coordinates of all; `evenly`: at equal steps through the file. They stay in its order.
    """

    law: Literal["file"] = "file"
    file: DataFile
    format: Literal["bins", "edinburgh"] = "bins"
    emptyings: EmptyingFile | None = None
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_BINS)]
    chosen: Literal["first", "nearest", "evenly"] = "first"

    @model_validator(mode="after")
    def _has_inflows(self) -> BinFile:
        if self.format == "edinburgh" and self.emptyings is None:
            raise ConfigError(
                "a register of the format `edinburgh` says no inflows: name a file of `emptyings`"
            )
        return self


class BinTable(NamedTuple):
    """The bins of a scenario as read-only arrays of shape (bins,).

    Attributes:
        names: how tables and errors call them.
        x_m: eastings.
        y_m: northings.
        capacity_l: contents at which nothing more fits in.
        inflow_l_per_h: what is thrown in on average.
    """

    names: tuple[str, ...]
    x_m: Floats
    y_m: Floats
    capacity_l: Floats
    inflow_l_per_h: Floats


class _Entry(NamedTuple):
    """A row of a register: where it stands, and its cells."""

    line: int
    name: str
    x_m: float
    y_m: float
    capacity_l: float
    inflow_l_per_h: float


def read_bins(bins: BinFile) -> BinTable:
    """The bins that a reference stands for.

    Args:
        bins: file, format and choice.

    Returns:
        `bins.count` bins.

    Raises:
        TraceError: if a file is not there or breaks its format (with the line), the register has
            too few bins, or a bin has no emptyings.
    """
    path = bins.file.locate()
    entries = list(_entries(path, bins))
    if len(entries) < bins.count:
        raise TraceError(
            f"{path} has {len(entries)} bins and {bins.count} are asked for: lower `count`"
        )
    if bins.chosen == "nearest":
        entries = _nearest(entries, bins.count)
    elif bins.chosen == "evenly":
        entries = [entries[k * len(entries) // bins.count] for k in range(bins.count)]
    entries = entries[: bins.count]
    columns = np.array([entry[2:] for entry in entries]).T
    _check_metres(path, columns[0], columns[1])
    if bins.emptyings is not None:
        columns[3] = _fitted(path, entries, columns[2], bins.emptyings)
    return frozen_table(tuple(entry.name for entry in entries), *columns)


def frozen_table(names: tuple[str, ...], *columns: Floats) -> BinTable:
    """A table of read-only arrays.

    Args:
        names: of the bins.
        *columns: the other fields of `BinTable`, each of shape (bins,).
    """
    arrays = [np.array(column, np.float64) for column in columns]
    for array in arrays:
        array.flags.writeable = False
    return BinTable(names, *arrays)


def _entries(path: Path, bins: BinFile) -> Iterator[_Entry]:
    name, x_m, y_m, capacity_l = _COLUMNS[bins.format]
    says_inflows = bins.emptyings is None
    columns = (*_COLUMNS[bins.format], *(("inflow_l_per_h",) if says_inflows else ()))
    lines: dict[str, int] = {}
    for row in read_rows(path, columns):
        label = row.text(name)
        if label in lines:
            raise row.error(f"the bin {label!r} stands on line {lines[label]} too: remove one")
        lines[label] = row.line
        yield _Entry(
            row.line,
            label,
            row.number(x_m, low=-MAX_COORDINATE_M, high=MAX_COORDINATE_M),
            row.number(y_m, low=-MAX_COORDINATE_M, high=MAX_COORDINATE_M),
            row.number(capacity_l, low=MIN_CAPACITY_L, high=MAX_CAPACITY_L),
            row.number("inflow_l_per_h", low=MIN_INFLOW_L_PER_H, high=MAX_INFLOW_L_PER_H)
            if says_inflows
            else 0.0,
        )


def _check_metres(path: Path, x_m: Floats, y_m: Floats) -> None:
    """Refuses bins that stand within a metre of one another, but not at one place: degrees."""
    extent_m = max(float(np.ptp(x_m)), float(np.ptp(y_m)))
    if 0.0 < extent_m < 1.0:
        raise TraceError(
            f"{path}: all bins stand within {extent_m:.2g} m: give their coordinates in metres, "
            "not in degrees"
        )


def _nearest(entries: list[_Entry], count: int) -> list[_Entry]:
    """Those nearest to the median coordinates; of equally near ones the first in the file."""
    places = np.array([(entry.x_m, entry.y_m) for entry in entries])
    squares = ((places - np.median(places, axis=0)) ** 2).sum(axis=1)
    chosen = np.sort(np.argsort(squares, kind="stable")[:count])
    return [entries[k] for k in chosen]


def _fitted(path: Path, entries: list[_Entry], capacity_l: Floats, file: EmptyingFile) -> Floats:
    by_bin = read_emptyings(file)
    missing = next((entry for entry in entries if entry.name not in by_bin), None)
    if missing is not None:
        raise TraceError(
            f"{path}, line {missing.line}: the bin {missing.name!r} has no emptying in "
            f"{file.path}: remove it, or add its emptyings"
        )
    emptyings = [by_bin[entry.name] for entry in entries]
    inflows = inflows_by_moments(emptyings, capacity_l, file.full_share).inflow_l_per_h
    return np.clip(inflows, MIN_INFLOW_L_PER_H, MAX_INFLOW_L_PER_H)
