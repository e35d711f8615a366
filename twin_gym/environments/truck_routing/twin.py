"""Truck routing: bins with what is known of them, trucks, reports and collection."""

from __future__ import annotations

import numpy as np

from twin_gym.environments.truck_routing import layout, workload
from twin_gym.environments.truck_routing.batch import TruckBatch
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.twins.realtime.adapters.base import NETWORK, Adapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph
from twin_gym.twins.realtime.model import Value

REPORTS, COLLECTION = "service/reports", "service/collection"


class TruckAdapter(Adapter[TruckBatch]):
    """Bins, `bin/17`, trucks, `truck/0`, and the services of reports and of collection.

    The environment has a lossy channel of its own and is a twin already: delivered readings are
    told, with the times at which they were true, and what trucks found and left. The true contents
    stay hidden. `service/reports` counts the reports that have arrived (`served`) and that would
    have arrived if none were lost (`offered`); `service/collection` whole litres, those collected
    (`served`) and those that found no room (`lost`), which the reward tells too.
    """

    scenario: TruckScenario

    @property
    def now_s(self) -> float:
        """The moment of the present decision."""
        return float(self.batch.row(self.row)["now"]) / layout.MS_PER_S

    @property
    def episode(self) -> str:
        """Seed and number of the episode."""
        head = self.batch.heads[self.row]
        return f"{int(head['seed'])}/{int(head['episode'])}"

    def build(self, graph: TwinGraph) -> None:
        """Adds bins, trucks and services."""
        one = self.scenario
        bins = self.batch.tables.bin_tables[int(self.batch.heads[self.row]["network"])]
        x_m, y_m = layout.depot_of(one, bins)
        network_twin(graph, one)
        for service in (REPORTS, COLLECTION):
            graph.add_twin(service, "Service")
            graph.relate(NETWORK, "offers", service)
        for i, name in enumerate(bins.names):
            values: dict[str, Value] = {
                "name": name,
                "x_m": float(bins.x_m[i]),
                "y_m": float(bins.y_m[i]),
                "capacity_l": float(bins.capacity_l[i]),
                "inflow_l_per_h": float(bins.inflow_l_per_h[i]),
            }
            graph.add_twin(f"bin/{i}", "Bin", values)
            graph.relate(NETWORK, "has_bin", f"bin/{i}")
        for j in range(one.num_trucks):
            told = {"capacity_l": one.truck_capacity_l, "depot_x_m": x_m, "depot_y_m": y_m}
            graph.add_twin(f"truck/{j}", "Truck", told)
            graph.relate(NETWORK, "has_truck", f"truck/{j}")

    def measure(self) -> list[Event]:
        """What services have counted, what is known of bins, and where the trucks are."""
        row, now_s = self.batch.row(self.row), self.now_s
        head = self.batch.heads[self.row]
        network = self.batch.tables.networks[int(head["network"])]
        sent, came = workload.count_reports(network, head["world"], float(row["now"]))
        return [
            Event(now_s, REPORTS, "offered", int(sent)),
            Event(now_s, REPORTS, "served", int(came)),
            Event(now_s, COLLECTION, "served", int(row["collected_l"])),
            Event(now_s, COLLECTION, "lost", int(row["overflow_l"])),
            *self._bins(row),
            *self._trucks(row),
        ]

    def _bins(self, row: np.void) -> list[Event]:
        """Last readings; of the bin that was just emptied, what was found and left."""
        count = self.scenario.num_bins
        state = self.batch.arrays["states"][self.row, :, :count]
        is_report = (state[layout.IS_READ] > 0.0) & (
            state[layout.READ_AT] != state[layout.EMPTIED_AT]
        )
        events = [
            Event(_seconds(state[layout.READ_AT, i]), f"bin/{i}", "reading_l",
                  float(state[layout.READING, i]))
            for i in np.flatnonzero(is_report).tolist()
        ]  # fmt: skip
        i = int(row["place"][row["truck"]])
        if i < count and state[layout.EMPTIED_AT, i] == row["now"] and row["served"] > 0:
            now_s, left_l = self.now_s, float(state[layout.READING, i])
            events.append(Event(now_s, f"bin/{i}", "found_l", float(row["found_l"])))
            events.append(Event(now_s, f"bin/{i}", "left_l", left_l))
        return events

    def _trucks(self, row: np.void) -> list[Event]:
        """Places, goals and loads."""
        events: list[Event] = []
        now_s = self.now_s
        for j in range(self.scenario.num_trucks):
            place, goal = int(row["place"][j]), int(row["goal"][j])
            is_under_way = goal != layout.RESTING and row["free_at"][j] > row["now"]
            events += (
                Event(now_s, f"truck/{j}", "place", place),
                Event(now_s, f"truck/{j}", "goal", goal if is_under_way else place),
                Event(now_s, f"truck/{j}", "load_l", float(row["load"][j])),
            )
        return events


def _seconds(time: np.float64) -> float:
    return float(time) / layout.MS_PER_S


ADAPTER = TruckAdapter
"""What tells the real-time twin of this environment."""
