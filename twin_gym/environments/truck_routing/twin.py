"""Truck routing: bins as their sensors and emptyings tell of them, and trucks."""

from __future__ import annotations

from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.twins.realtime.adapters.base import NETWORK, Adapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph


class TruckAdapter(Adapter[TruckBatch]):
    """Bins, `bin/<number>`, and trucks, `truck/<number>`.

    The environment has lossy sensors of its own: of a bin, what was reported or found last is told,
    with the time at which it was true. The true contents stay hidden.
    """

    scenario: TruckScenario

    @property
    def now_s(self) -> float:
        """Time of the running decision, in seconds."""
        return float(self.batch.row(self.row)["now"]) / layout.MS_PER_S

    @property
    def episode(self) -> str:
        """Seed and number of the episode."""
        head = self.batch.heads[self.row]
        return f"{int(head['seed'])}/{int(head['episode'])}"

    def build(self, graph: TwinGraph) -> None:
        """Adds the bins and the trucks."""
        one = self.scenario
        network_twin(graph, one)
        bins = self.batch.tables.bin_tables[int(self.batch.heads["network"][self.row])]
        rows = zip(bins.names, bins.capacity_l.tolist(), strict=True)
        for i, (label, capacity_l) in enumerate(rows):
            graph.add_twin(f"bin/{i}", "Bin", {"label": label, "capacity_l": capacity_l})
            graph.relate(NETWORK, "has_bin", f"bin/{i}")
        for j in range(one.num_trucks):
            graph.add_twin(f"truck/{j}", "Truck", {"capacity_l": one.truck_capacity_l})
            graph.relate(NETWORK, "has_truck", f"truck/{j}")

    def measure(self) -> list[Event]:
        """The last known content of every bin of which something is known, and all loads."""
        row, known = self.batch.row(self.row), self.batch.believed(self.row)
        is_read = self.batch.arrays["states"][self.row, layout.IS_READ] > 0.0
        events = [
            Event(time_s, f"bin/{i}", "content_l", litres)
            for i, (time_s, litres) in enumerate(
                zip(known.read_at_s.tolist(), known.reading_l.tolist(), strict=True)
            )
            if is_read[i]
        ]
        for j in range(self.scenario.num_trucks):
            events.append(Event(self.now_s, f"truck/{j}", "load_l", float(row["load"][j])))
        return events


ADAPTER = TruckAdapter
"""What tells the real-time twin of this environment."""
