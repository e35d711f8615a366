"""The base class of adapters, which read one row of a batch and never change it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from twin_gym.core.batch import Batch
from twin_gym.core.clock import slots_to_seconds
from twin_gym.core.slotted import SlottedBatch
from twin_gym.scenario import Scenario
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph

BatchType = TypeVar("BatchType", bound=Batch)
SlottedType = TypeVar("SlottedType", bound=SlottedBatch)

NETWORK = "network"
"""Id of the twin with which every graph begins."""


class Adapter(ABC, Generic[BatchType]):
    """Describes the twins of one row of a batch, and measures their current values.

    Args:
        batch: the batch.
        row: index of the row.
    """

    def __init__(self, batch: BatchType, row: int) -> None:
        self.batch = batch
        self.row = row

    @property
    def scenario(self) -> Any:  # noqa: ANN401 - each environment has its own kind
        """The scenario of the running episode."""
        return self.batch.scenario_of(self.row)

    @property
    @abstractmethod
    def now_s(self) -> float:
        """Simulated seconds since the start of the episode."""

    @property
    @abstractmethod
    def episode(self) -> str:
        """Name of the running episode: seed and number."""

    @abstractmethod
    def build(self, graph: TwinGraph) -> None:
        """Adds all twins of the episode, with relationships and static properties."""

    @abstractmethod
    def measure(self) -> list[Event]:
        """All current measurements, each with the time at which it was true."""


class SlottedAdapter(Adapter[SlottedType]):
    """Base class of adapters for slotted environments."""

    @property
    def now_s(self) -> float:
        """End of the last slot, in seconds."""
        return slots_to_seconds(int(self.batch.heads["slot"][self.row]), self.scenario.slot_s)

    @property
    def episode(self) -> str:
        """Seed and number of the episode."""
        head = self.batch.heads[self.row]
        return f"{int(head['seed'])}/{int(head['episode'])}"


def network_twin(graph: TwinGraph, scenario: Scenario) -> None:
    """Adds the twin of the whole network.

    Args:
        graph: an empty graph.
        scenario: the running scenario.
    """
    graph.add_twin(
        NETWORK,
        "Network",
        {
            "kind": scenario.kind,
            "scenario": scenario.name,
            "scenario_digest": scenario.digest,
            "horizon_s": scenario.horizon_s,
        },
    )
