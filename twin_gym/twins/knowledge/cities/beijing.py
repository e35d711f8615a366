"""Beijing: twelve real air-quality stations, hour by hour.

UCI Beijing Multi-Site Air Quality (Chen 2017, DOI 10.24432/C5RK5G), CC BY 4.0. A value that is
missing leaves the one before it, which is then older. The data have no gateways.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import TraceError
from twin_gym.scenario.parquet import read_columns
from twin_gym.scenario.tables import read_rows
from twin_gym.twins.knowledge.cities.city import CITY, City, service
from twin_gym.twins.knowledge.cities.data_files import locate, of_single, place, seconds, until
from twin_gym.twins.knowledge.stores.base import Entity, RelationEvent
from twin_gym.twins.realtime.events import Event

FOLDER = "beijing_air"
COLUMNS = {
    "pm25": "pm25_ug_per_m3",
    "pm10": "pm10_ug_per_m3",
    "no2": "no2_ug_per_m3",
    "so2": "so2_ug_per_m3",
    "co": "co_ug_per_m3",
    "o3": "o3_ug_per_m3",
    "temp": "temperature_c",
}
"""Property of each column."""

_AIR = service("air-quality")


def read_beijing(folder: str | Path = FOLDER, at_s: float | None = None) -> City:
    """The stations of Beijing, March 2015 to February 2017.

    Args:
        folder: of stations.csv and hourly.parquet; absolute, or relative to the directory named by
            TWIN_GYM_DATA.
        at_s: time up to which measurements count, in seconds since the first; None: all.

    Returns:
        Stations `station/<name>`, each with its last value of every quantity.

    Raises:
        TraceError: if a file is not there or breaks its format.
        MissingExtraError: if pyarrow is not installed.
    """
    stations = [
        Entity(f"station/{row.text('station')}", "AirQualityObserved",
               {"name": row.text("station"), **place(row, "lat", "lon")})
        for row in read_rows(locate(folder, "stations.csv"), ("station", "lat", "lon"))
    ]  # fmt: skip
    path = locate(folder, "hourly.parquet")
    columns = read_columns(path, ("time", "station", *COLUMNS), "the stations of Beijing")
    times_s = seconds(columns["time"], path)
    now_s = until(at_s, float(times_s.max()))
    known = {one.id for one in stations}
    strange = {f"station/{name}" for name in np.unique(columns["station"]).tolist()} - known
    if strange:
        raise TraceError(f"{path}: stations.csv has no {', '.join(sorted(strange))}: add them")
    entities = (
        Entity(CITY, "SmartCity", {"name": "Beijing"}),
        Entity(_AIR, "Service", {"name": "air quality"}),
        *stations,
    )
    serving = (RelationEvent(0.0, one.id, "serves_in", _AIR) for one in stations)
    relations = (RelationEvent(0.0, _AIR, "in", CITY), *serving)
    readings = tuple(_last_values(columns, times_s, now_s))
    return City("Beijing", entities, relations, readings, now_s)


def _last_values(
    columns: dict[str, NDArray[Any]], times_s: NDArray[np.float64], now_s: float
) -> Iterator[Event]:
    """The last value of each quantity of each station that is there at the time."""
    for station in np.unique(columns["station"]).tolist():
        inside = (columns["station"] == station) & (times_s <= now_s)
        for column, name in COLUMNS.items():
            values = columns[column].astype(np.float64)
            there = np.flatnonzero(inside & np.isfinite(values))
            if len(there):
                last = int(there[times_s[there].argmax()])
                yield Event(
                    float(times_s[last]), f"station/{station}", name, of_single(values[last])
                )
