"""Slice admission: resources, slices, and the service of each."""

from __future__ import annotations

import numpy as np

from twin_gym.core.clock import to_seconds
from twin_gym.environments.slice_admission import layout
from twin_gym.environments.slice_admission.batch import AdmissionBatch
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.base import AMOUNT_RESOLUTION
from twin_gym.twins.realtime.adapters.base import NETWORK, Adapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph
from twin_gym.twins.realtime.model import Value

_LOSSES = ("blocked", "expired", "declined")


class AdmissionAdapter(Adapter[AdmissionBatch]):
    """A sliced network: `resource/radio`, `slice/immersive`, `service/immersive` and so on."""

    scenario: AdmissionScenario

    @property
    def now_s(self) -> float:
        """The moment of the present decision."""
        return to_seconds(self.batch.row(self.row)["now"])

    @property
    def episode(self) -> str:
        """Seed and number of the episode."""
        row = self.batch.row(self.row)
        return f"{int(row['seed'])}/{int(row['episode'])}"

    def build(self, graph: TwinGraph) -> None:
        """Adds the twins of the scenario."""
        one = self.scenario
        network_twin(graph, one)
        for name, amount in one.capacity.items():
            graph.add_twin(f"resource/{name}", "Resource", {"capacity": amount})
            graph.relate(NETWORK, "has_resource", f"resource/{name}")
        for part in one.slices:
            graph.add_twin(f"slice/{part.name}", "Slice", {"queue_limit": part.queue_limit})
            graph.relate(NETWORK, "has_slice", f"slice/{part.name}")
            for resource, amount in part.demand.items():
                graph.relate(
                    f"slice/{part.name}", "uses", f"resource/{resource}", {"amount": amount}
                )
            agreed: dict[str, Value] = {
                "revenue": part.revenue,
                "mean_holding_time_s": part.mean_holding_time_s,
                "mean_patience_s": part.mean_patience_s,
            }
            if part.agreed_loss_ratio is not None:
                agreed["agreed_loss_ratio"] = part.agreed_loss_ratio
            graph.add_twin(f"service/{part.name}", "Service", agreed)
            graph.relate(f"slice/{part.name}", "offers", f"service/{part.name}")

    def measure(self) -> list[Event]:
        """Free resources; of each slice what is served and waits, and its counters."""
        now_s, row, one = self.now_s, self.batch.row(self.row), self.scenario
        free = row["free"].tolist()
        events = [
            Event(now_s, f"resource/{name}", "free", free[i] * AMOUNT_RESOLUTION)
            for i, name in enumerate(one.resource_names)
        ]
        lost = sum(row[name] for name in _LOSSES).tolist()
        ages_s, served_s = self.batch.waiting(self.row), self._served_s(row)
        for s, name in enumerate(one.slice_names):
            events += (
                Event(now_s, f"slice/{name}", "in_service", int(row["in_service"][s])),
                Event(now_s, f"slice/{name}", "queue_length", int(row["queue_length"][s])),
                Event(now_s, f"slice/{name}", "head_age_s", ages_s[s][0] if ages_s[s] else 0.0),
                Event(now_s, f"service/{name}", "offered", int(row["offered"][s])),
                Event(now_s, f"service/{name}", "served", int(row["admitted"][s])),
                Event(now_s, f"service/{name}", "lost", lost[s]),
                Event(now_s, f"service/{name}", "expired", int(row["expired"][s])),
            )
            if served_s is not None:
                events.append(Event(now_s, f"service/{name}", "served_s", served_s[s]))
        return events

    def _served_s(self, row: np.void) -> list[float] | None:
        """By slice, seconds of service so far; None but in the kernel: others keep no departures.

        A row books all the service of a request when it is admitted: what is still to come is
        taken off again, for nobody knows that yet.
        """
        if self.batch.settings.engine != "kernel":
            return None
        horizon = self.batch.tables.networks["horizon"][row["network"]]
        departures = self.batch.arrays["departures"][self.row, : row["num_in_service"]]
        rest = np.minimum(departures >> layout.TICK_SHIFT, horizon) - row["now"]
        ticks = row["busy"].copy()
        np.subtract.at(ticks, departures & layout.SLICE_MASK, rest)
        return [to_seconds(one) for one in ticks.tolist()]


ADAPTER = AdmissionAdapter
"""The telemetry adapter of this environment for the real-time twin."""
