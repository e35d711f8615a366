"""CampusIoT: real LoRaWAN sensors and the gateways that heard them, around Grenoble.

Donsez, Alphand and Albarel, DOI 10.18709/perscido.2023.06.ds395, ODbL 1.0. A frame may be heard by
many gateways: a sensor is connected to each that ever heard it, and the relation is as old as the
last frame that it heard. Positions of gateways are cut to some 600 m in the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.scenario.parquet import read_columns
from twin_gym.scenario.tables import read_rows
from twin_gym.twins.knowledge.cities.city import CITY, City, service
from twin_gym.twins.knowledge.cities.data_files import locate, of_single, place, seconds, until
from twin_gym.twins.knowledge.stores.base import Entity, RelationEvent
from twin_gym.twins.realtime.events import Event

FOLDER = "campusiot_lorawan"
COLUMNS = {
    "temperature": "temperature_c",
    "humidity": "relative_humidity_pct",
    "pressure": "pressure_hpa",
    "best_rssi": "rssi_dbm",
}
"""Property of each column of the frames."""

_SERVICE = service("environment")
_FEATURE = "the sensors of CampusIoT"


def read_campusiot(folder: str | Path = FOLDER, at_s: float | None = None) -> City:
    """The LoRaWAN sensors of CampusIoT, January 2023 to July 2024.

    Args:
        folder: of gateways.csv, frames.parquet and receptions.parquet; absolute, or relative to the
            directory named by TWIN_GYM_DATA.
        at_s: time up to which frames count, in seconds since the first; None: all.

    Returns:
        Sensors `sensor/<name>` and gateways `gateway/<number>`.

    Raises:
        TraceError: if a file is not there or breaks its format.
        MissingExtraError: if pyarrow is not installed.
    """
    gateways = [
        Entity(f"gateway/{row.text('gw_id')}", "Gateway", place(row, "lat", "lon"))
        for row in read_rows(locate(folder, "gateways.csv"), ("gw_id", "lat", "lon"))
    ]
    path = locate(folder, "frames.parquet")
    frames = read_columns(path, ("frame_id", "dev", "time", *COLUMNS), _FEATURE)
    times_s = seconds(frames["time"], path)
    now_s = until(at_s, float(times_s.max()))
    heard = read_columns(locate(folder, "receptions.parquet"), ("frame_id", "gw_id"), _FEATURE)
    sensors = [f"sensor/{name}" for name in np.unique(frames["dev"]).tolist()]
    entities = (
        Entity(CITY, "SmartCity", {"name": "Grenoble"}),
        Entity(_SERVICE, "Service", {"name": "environment"}),
        *gateways,
        *(Entity(one, "Device") for one in sensors),
    )
    relations = (
        RelationEvent(0.0, _SERVICE, "in", CITY),
        *(RelationEvent(0.0, one.id, "serves_in", _SERVICE) for one in gateways),
        *(RelationEvent(0.0, one, "serves_in", _SERVICE) for one in sensors),
        *_connections(frames, heard, times_s, now_s),
    )
    readings = tuple(_last_values(frames, times_s, now_s))
    return City("Grenoble", entities, relations, readings, now_s)


def _connections(
    frames: dict[str, NDArray[Any]],
    heard: dict[str, NDArray[Any]],
    times_s: NDArray[np.float64],
    now_s: float,
) -> Iterator[RelationEvent]:
    """The last reception of every pair of a sensor and a gateway."""
    order = np.argsort(frames["frame_id"], kind="stable")
    numbers = frames["frame_id"][order]
    places = np.minimum(np.searchsorted(numbers, heard["frame_id"]), len(numbers) - 1)
    is_known = numbers[places] == heard["frame_id"]
    rows = order[places]
    last: dict[tuple[str, int], float] = {}
    for row, gateway in zip(
        rows[is_known].tolist(), heard["gw_id"][is_known].tolist(), strict=True
    ):
        time_s = float(times_s[row])
        key = str(frames["dev"][row]), int(gateway)
        if time_s <= now_s and time_s >= last.get(key, 0.0):
            last[key] = time_s
    for (name, gateway), time_s in sorted(last.items()):
        yield RelationEvent(time_s, f"sensor/{name}", "connected_to", f"gateway/{gateway}")


def _last_values(
    frames: dict[str, NDArray[Any]], times_s: NDArray[np.float64], now_s: float
) -> Iterator[Event]:
    for name in np.unique(frames["dev"]).tolist():
        inside = (frames["dev"] == name) & (times_s <= now_s)
        for column, told in COLUMNS.items():
            values = frames[column].astype(np.float64)
            there = np.flatnonzero(inside & np.isfinite(values))
            if len(there):
                last = int(there[times_s[there].argmax()])
                yield Event(float(times_s[last]), f"sensor/{name}", told, of_single(values[last]))
