"""Telemetry of an environment that brings none: its indicators, so far in the episode."""

from __future__ import annotations

from typing import Any

from twin_gym.core.batch import Batch
from twin_gym.core.slotted import SlottedBatch
from twin_gym.environments.kinds import EnvironmentKind
from twin_gym.errors import ConfigError
from twin_gym.twins.realtime.adapters.base import NETWORK, SlottedAdapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph


class KpiAdapter(SlottedAdapter[SlottedBatch]):
    """A twin `indicator/<name>` for each indicator, with its present value."""

    def build(self, graph: TwinGraph) -> None:
        """Adds the network and its indicators."""
        network_twin(graph, self.scenario)
        for name in self.batch.kpi_names():
            graph.add_twin(_id(name), "Indicator")
            graph.relate(NETWORK, "has_indicator", _id(name))

    def measure(self) -> list[Event]:
        """The indicators as they are."""
        now_s = self.now_s
        return [
            Event(now_s, _id(name), "value", float(values[self.row]))
            for name, values in self.batch.kpis().items()
        ]


def adapter_for(kind: EnvironmentKind) -> Any:  # noqa: ANN401 - what makes an adapter
    """A factory of adapters of a row, for a kind without `twin.py`."""

    def made(batch: Batch, row: int) -> KpiAdapter:
        if not isinstance(batch, SlottedBatch):
            raise ConfigError(
                f"environments of the kind {kind.name!r} have no telemetry: write "
                f"{kind.to_write('adapter')}"
            )
        return KpiAdapter(batch, row)

    return made


def _id(name: str) -> str:
    return f"indicator/{name}"
