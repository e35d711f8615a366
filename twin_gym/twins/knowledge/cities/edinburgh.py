"""Edinburgh: real bins, what was found in them, and the roads that they stand in.

Fill levels and positions: City of Edinburgh Council, Open Government Licence v3.0; roads: OS Open
Roads, OGL v3.0. Fill is seen at an emptying only, so that `found_level` is told with its age and
`filling_level` is not known. In the source a level of 1 means "80 % full". The data have no
gateways, and say of no truck where it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from twin_gym.scenario.tables import read_rows
from twin_gym.twins.knowledge.cities.city import CITY, City, service
from twin_gym.twins.knowledge.cities.data_files import (
    locate,
    moment,
    place,
    quantity,
    seconds,
    until,
)
from twin_gym.twins.knowledge.stores.base import Entity, RelationEvent
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.model import Value

FOLDER = "edinburgh_waste"
_WASTE = service("waste")
_PER_CENT = 100.0


def read_edinburgh(folder: str | Path = FOLDER, at_s: float | None = None) -> City:
    """The city of Edinburgh, June and July 2016.

    Args:
        folder: of bins.csv, collections.csv and road_edges.csv; absolute, or relative to the
            directory named by TWIN_GYM_DATA.
        at_s: time up to which emptyings count, in seconds since the first; None: all.

    Returns:
        Bins `bin/<site>` and lanes `lane/<node>-<node>`.

    Raises:
        TraceError: if a file is not there or breaks its format, with the line.
    """
    lanes, lane_of = _lanes(locate(folder, "road_edges.csv"))
    bins, located = [], []
    for row in read_rows(
        locate(folder, "bins.csv"),
        ("site_id", "site_name", "lat", "lon", "road_node", "capacity_l"),
    ):
        told: dict[str, Value] = {"name": row.text("site_name"), **place(row, "lat", "lon")}
        if row.cells["capacity_l"].strip():
            told["capacity_l"] = quantity(row, "capacity_l")
        node, identity = row.text("road_node"), f"bin/{row.text('site_id')}"
        bins.append(Entity(identity, "WasteContainer", told))
        if node not in lane_of:
            raise row.error(f"`road_node` {node!r:.40} is at no end of a road")
        located.append(RelationEvent(0.0, identity, "located_in", lane_of[node]))
    readings, now_s = _readings(locate(folder, "collections.csv"), {one.id for one in bins}, at_s)
    entities = (
        Entity(CITY, "SmartCity", {"name": "Edinburgh"}),
        Entity(_WASTE, "Service", {"name": "waste"}),
        *lanes,
        *bins,
    )
    serving = [RelationEvent(0.0, one.id, "serves_in", _WASTE) for one in bins]
    relations = (RelationEvent(0.0, _WASTE, "in", CITY), *located, *serving)
    return City("Edinburgh", entities, relations, tuple(readings), now_s)


def _lanes(path: Path) -> tuple[list[Entity], dict[str, str]]:
    """The roads, and the first road at each node."""
    lanes: dict[str, Entity] = {}
    lane_of: dict[str, str] = {}
    for row in read_rows(path, ("u", "v", "length_m", "road_function")):
        ends = row.text("u"), row.text("v")
        identity = f"lane/{ends[0]}-{ends[1]}"
        told: dict[str, Value] = {
            "length_m": quantity(row, "length_m"),
            "road_class": row.text("road_function"),
        }
        lanes.setdefault(identity, Entity(identity, "RoadSegment", told))
        for end in ends:
            lane_of.setdefault(end, identity)
    return list(lanes.values()), lane_of


def _readings(path: Path, bins: set[str], at_s: float | None) -> tuple[Iterator[Event], float]:
    rows = list(read_rows(path, ("site_id", "collected_at", "fill_before_pct")))
    times_s = seconds(np.array([moment(row, "collected_at") for row in rows]), path)
    now_s = until(at_s, float(times_s.max()))

    def events() -> Iterator[Event]:
        for row, time_s in zip(rows, times_s.tolist(), strict=True):
            identity = f"bin/{row.text('site_id')}"
            level = row.number("fill_before_pct", low=0.0, high=_PER_CENT) / _PER_CENT
            if identity in bins and time_s <= now_s:
                yield Event(time_s, identity, "found_level", level)

    return events(), now_s
