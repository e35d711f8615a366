"""Cities as what experiments on knowledge graphs are measured on."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar, Literal

from benchmarks.experiments.blocks import Cell
from twin_gym.scenario import Scenario
from twin_gym.twins.knowledge import MemoryStore, Topology, topology_of
from twin_gym.twins.knowledge.cities import CityPlan, generate_city


class CityScenario(Scenario):
    """A generated city; its seed is that of the world.

    Attributes:
        sensors: number of sensors.
        gateways: number of gateways.
        assignment: of sensors to gateways, see `CityPlan`.
        period_s: seconds between the readings of a sensor.
    """

    kind: ClassVar[str] = "city"

    sensors: int = 250
    gateways: int = 50
    assignment: Literal["balanced", "nearest"] = "balanced"
    period_s: float = 2.0

    @property
    def plan(self) -> CityPlan:
        """The size and shape of the city."""
        return CityPlan(
            sensors=self.sensors, gateways=self.gateways, assignment=self.assignment,
            period_s=self.period_s,
        )  # fmt: skip


def city_of(cell: Cell) -> CityScenario:
    """The scenario of a cell on a city.

    Raises:
        TypeError: if it is another one.
    """
    if not isinstance(cell.scenario, CityScenario):
        raise TypeError(f"this is an experiment on cities, got {cell.scenario.kind!r}")
    return cell.scenario


@lru_cache(maxsize=64)
def graph_of(plan: CityPlan, seed: int) -> tuple[MemoryStore, Topology]:
    """The knowledge graph of a city and its topology."""
    graph = generate_city(plan, seed).graph()
    return graph, topology_of(graph)
