"""Generated cities with the topologies of the GenTwin paper: sensors, gateways, services.

Duran et al., 2025, DOI 10.1109/TCCN.2025.3527719, Table III (250 sensors, 50 gateways, 2 or 3
services) and Table IV (30, 100 and 250 sensors). The paper says "300 nodes and 580 unique
relations"; a connection a sensor, a service a sensor and a service a gateway are 550, and a
relation a service to the city 2 or 3 more. The rest is not explained there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import entry_point
from twin_gym.core.draws import uniform
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.knowledge.cities.city import CITY, City, service
from twin_gym.twins.knowledge.stores.base import Entity, RelationEvent
from twin_gym.twins.plain import number, shown, whole
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.model import Value

KINDS = {
    "air-quality": ("AirQualityObserved",),
    "waste": ("WasteContainer", "Vehicle"),
    "transportation": ("RoadSegment", "Vehicle"),
}
"""Kinds of the sensors of each service, in turn."""

READINGS: dict[str, tuple[str, float, float]] = {
    "AirQualityObserved": ("pm25_ug_per_m3", 2.0, 100.0),
    "WasteContainer": ("filling_level", 0.0, 1.0),
    "Vehicle": ("load_l", 0.0, 10_000.0),
    "RoadSegment": ("vehicles_per_h", 0.0, 1_800.0),
}
"""What a sensor of each kind measures: property, least and most."""

CAPACITY_L = {"WasteContainer": 480.0, "Vehicle": 10_000.0}

_X, _Y, _VALUE, _PHASE = range(4)
"""Streams of draws."""

_ASSIGNMENTS = ("balanced", "nearest")
_MOST_SENSORS, _MOST_SEED = 500_000, 2**63 - 1


@dataclass(frozen=True)
class CityPlan:
    """The size and shape of a generated city.

    Attributes:
        sensors: number of sensors.
        gateways: number of gateways.
        services: names of services, of `KINDS`; gateways work for them in turn.
        assignment: whether every gateway has as many sensors as any other, give or take one, or
            each sensor has the nearest gateway.
        side_m: side of the square in which all stand, in metres.
        period_s: seconds between the readings of a sensor.

    Raises:
        ConfigError: if a number is out of range, or a service unknown.
    """

    sensors: int = 250
    gateways: int = 50
    services: tuple[str, ...] = ("air-quality", "waste", "transportation")
    assignment: Literal["balanced", "nearest"] = "balanced"
    side_m: float = 5_000.0
    period_s: float = 2.0

    def __post_init__(self) -> None:
        whole(self.sensors, "`sensors` of a city", 1, _MOST_SENSORS)
        whole(self.gateways, "`gateways` of a city", 1, self.sensors)
        number(self.side_m, "`side_m` of a city", 1.0, 1e6)
        number(self.period_s, "`period_s` of a city", 1e-3, 1e6)
        if not self.services or len({*self.services}) < len(self.services):
            raise ConfigError(f"services are one or more, each once; got {shown(self.services)}")
        for name in self.services:
            if name not in KINDS:
                raise unknown_name("service", name, KINDS)
        if self.assignment not in _ASSIGNMENTS:
            raise ConfigError(
                f"`assignment` is one of {_ASSIGNMENTS}, got {shown(self.assignment)}"
            )


SMALL = CityPlan(sensors=30, gateways=6)
MEDIUM = CityPlan(sensors=100, gateways=20)
LARGE = CityPlan()


def generate_city(plan: CityPlan = LARGE, seed: int = 0) -> City:
    """A city of a plan; positions and readings are a pure function of the seed.

    Args:
        plan: its size and shape.
        seed: 0 or more.

    Returns:
        The city. Sensors are `sensor/0` on, whatever their kind, gateways `gateway/0` on.

    Example:
        >>> city = generate_city()
        >>> len(city.entities), len(city.relations)
        (304, 553)
    """
    world = np.uint64(whole(seed, "the seed of a city", 0, _MOST_SEED))
    count = plan.sensors + plan.gateways
    draws = np.empty((4, count))
    draw_city(world, draws)
    gateway_of = _gateways_of(plan, draws)
    services = plan.services
    service_of = [services[gateway % len(services)] for gateway in range(plan.gateways)]
    kinds = list(_kinds(gateway_of, service_of))
    places = draws[:2].T * plan.side_m
    entities = [
        Entity(CITY, "SmartCity", {"name": "generated"}),
        *(Entity(service(name), "Service", {"name": name}) for name in services),
        *(
            Entity(f"gateway/{j}", "Gateway", _place(places[plan.sensors + j]))
            for j in range(plan.gateways)
        ),
        *(_sensor(i, kind, places[i]) for i, kind in enumerate(kinds)),
    ]
    ages_s = (1.0 - draws[_PHASE]) * plan.period_s
    times_s = plan.period_s - ages_s
    relations = [RelationEvent(0.0, service(name), "in", CITY) for name in services]
    for j, name in enumerate(service_of):
        relations.append(RelationEvent(0.0, f"gateway/{j}", "serves_in", service(name)))
    for i, j in enumerate(gateway_of.tolist()):
        sensor, then_s = f"sensor/{i}", float(times_s[i])
        relations.append(RelationEvent(then_s, sensor, "connected_to", f"gateway/{j}"))
        relations.append(RelationEvent(then_s, sensor, "serves_in", service(service_of[j])))
    readings = tuple(_readings(kinds, times_s, draws[_VALUE]))
    return City("generated", tuple(entities), tuple(relations), readings, plan.period_s)


def _gateways_of(plan: CityPlan, draws: NDArray[np.float64]) -> NDArray[np.int64]:
    count = plan.sensors
    if plan.assignment == "balanced":
        return np.arange(count) * plan.gateways // count
    places = draws[:2].T
    found = np.empty(count, np.int64)
    for i in range(count):
        squares = ((places[count:] - places[i]) ** 2).sum(axis=1)
        found[i] = int(squares.argmin())
    return found


def _kinds(gateway_of: NDArray[np.int64], service_of: list[str]) -> Iterator[str]:
    """The kinds of a service, in turn."""
    before: dict[str, int] = {}
    for gateway in gateway_of.tolist():
        name = service_of[gateway]
        turn = before.get(name, 0)
        before[name] = turn + 1
        yield KINDS[name][turn % len(KINDS[name])]


def _place(place: NDArray[np.float64]) -> dict[str, Value]:
    return {"x_m": round(float(place[0]), 1), "y_m": round(float(place[1]), 1)}


def _sensor(index: int, kind: str, place: NDArray[np.float64]) -> Entity:
    capacity = {"capacity_l": CAPACITY_L[kind]} if kind in CAPACITY_L else {}
    return Entity(f"sensor/{index}", kind, {**_place(place), **capacity})


def _readings(
    kinds: list[str], times_s: NDArray[np.float64], draws: NDArray[np.float64]
) -> Iterator[Event]:
    for i, kind in enumerate(kinds):
        name, least, most = READINGS[kind]
        value = round(least + (most - least) * float(draws[i]), 3)
        time_s = math.floor(float(times_s[i]) * 1e9) / 1e9
        yield Event(time_s, f"sensor/{i}", name, value)
        yield Event(time_s, f"sensor/{i}", "presence", True)


@entry_point
def draw_city(world: np.uint64, draws: NDArray[np.float64]) -> None:
    """Writes the draws of each stream.

    Args:
        world: seed of the city.
        draws: output, in (0, 1]; shape (streams, entities).
    """
    for stream in range(draws.shape[0]):
        for i in range(draws.shape[1]):
            draws[stream, i] = uniform(world, stream, i)
