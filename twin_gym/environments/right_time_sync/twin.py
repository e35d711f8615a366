"""Right-time synchronisation: entities, each as old as its last update."""

from __future__ import annotations

import numpy as np

from twin_gym.core.clock import slots_to_seconds
from twin_gym.environments.right_time_sync.batch import SyncBatch
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.twins.realtime.adapters.base import NETWORK, SlottedAdapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph
from twin_gym.twins.realtime.model import Value

_SERVICE = "service/updates"


class SyncAdapter(SlottedAdapter[SyncBatch]):
    """Entities, `entity/<group>/<member>`, and their `service/updates`.

    The environment has a lossy channel of its own and is a twin already: its last delivered values
    are told, with the times at which they were true. The true values stay hidden.
    """

    scenario: SyncScenario

    def build(self, graph: TwinGraph) -> None:
        """Adds the entities and what brings their values."""
        one = self.scenario
        network_twin(graph, one)
        graph.add_twin(_SERVICE, "Service")
        graph.relate(NETWORK, "offers", _SERVICE)
        for name in one.entity_names:
            values: dict[str, Value] = {
                "group": name.partition("/")[0],
                "tolerance": one.tolerance,
            }
            graph.add_twin(f"entity/{name}", "Entity", values)
            graph.relate(NETWORK, "has_entity", f"entity/{name}")

    def measure(self) -> list[Event]:
        """Updates sent and delivered, and the last delivered value of every known entity."""
        now_s, row, one = self.now_s, self.batch.row(self.row), self.scenario
        events = [
            Event(now_s, _SERVICE, "offered", int(row["updates"])),
            Event(now_s, _SERVICE, "served", int(row["delivered"])),
        ]
        twin, names = self.batch.twin(self.row), one.entity_names
        slot = int(self.batch.heads["slot"][self.row])
        for i in np.flatnonzero(twin["is_known"]).tolist():
            time_s = slots_to_seconds(slot - int(twin["age"][i]), one.slot_s)
            events.append(Event(time_s, f"entity/{names[i]}", "value", float(twin["value"][i])))
        return events


ADAPTER = SyncAdapter
"""The telemetry adapter of this environment for the real-time twin."""
