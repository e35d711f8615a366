"""Massive access: one cell as its base station sees it."""

from __future__ import annotations

from twin_gym.environments.massive_access.batch import AccessBatch
from twin_gym.environments.massive_access.layout import HISTORY
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.twins.realtime.adapters.base import NETWORK, SlottedAdapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph

_CELL, _SERVICE = "cell/0", "service/access"


class AccessAdapter(SlottedAdapter[AccessBatch]):
    """A cell, `cell/0`, and its `service/access`.

    How many devices wait, and who gives up, is hidden from the base station, and so from its twin:
    of the service, only what was served is known.
    """

    scenario: AccessScenario

    def build(self, graph: TwinGraph) -> None:
        """Adds the cell and its service."""
        one = self.scenario
        network_twin(graph, one)
        graph.add_twin(
            _CELL,
            "Cell",
            {
                "devices": one.num_devices,
                "preambles": one.preambles,
                "max_tries": one.max_tries,
                "backoff_s": one.backoff_s,
                "slot_s": one.slot_s,
            },
        )
        graph.add_twin(_SERVICE, "Service")
        graph.relate(NETWORK, "has_cell", _CELL)
        graph.relate(_CELL, "offers", _SERVICE)

    def measure(self) -> list[Event]:
        """The barring probability, and the outcomes of the last opportunity."""
        now_s, row = self.now_s, self.batch.row(self.row)
        last = int(self.batch.heads["slot"][self.row]) - 1
        events = [Event(now_s, _SERVICE, "served", int(row["succeeded"]))]
        if last >= 0:
            place = last % HISTORY
            events += [
                Event(now_s, _CELL, "barring", float(row["barring"])),
                Event(now_s, _CELL, "successes", int(row["success_history"][place])),
                Event(now_s, _CELL, "collisions", int(row["collision_history"][place])),
            ]
        return events


ADAPTER = AccessAdapter
"""The telemetry adapter of this environment for the real-time twin."""
