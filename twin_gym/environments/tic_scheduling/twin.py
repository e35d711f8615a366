"""TIC scheduling: gateways, their sensors, and the services up and down."""

from __future__ import annotations

from twin_gym.environments.tic_scheduling.batch import TicBatch
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.twins.realtime.adapters.base import NETWORK, SlottedAdapter, network_twin
from twin_gym.twins.realtime.events import Event
from twin_gym.twins.realtime.graph import TwinGraph
from twin_gym.twins.realtime.model import Value

_DIRECTIONS = ("uplink", "downlink")


class TicAdapter(SlottedAdapter[TicBatch]):
    """Tiny instant communication: `gateway/0`, `sensor/17`, `service/uplink` and so on.

    Sensors have a battery, of which no simulator tells anything yet: its charge is not known.
    """

    scenario: TicScenario

    def build(self, graph: TwinGraph) -> None:
        """Adds the twins of the scenario, their positions, and which gateway serves a sensor."""
        one, places = self.scenario, self.batch.topology_of(self.row)
        network_twin(graph, one)
        deadlines = (one.deadline_slots, one.answer_deadline_slots)
        for direction, slots in zip(_DIRECTIONS, deadlines, strict=True):
            agreed = {"deadline_s": slots * one.slot_s, "agreed_loss_ratio": one.loss_target}
            graph.add_twin(f"service/{direction}", "Service", agreed)
            graph.relate(NETWORK, "offers", f"service/{direction}")
        for g, (x_m, y_m) in enumerate(places.gateways_m.tolist()):
            graph.add_twin(
                f"gateway/{g}", "Gateway", {"x_m": x_m, "y_m": y_m, "grants": one.grants}
            )
            graph.relate(NETWORK, "has_gateway", f"gateway/{g}")
        stands = zip(
            places.sensors_m.tolist(), places.density.tolist(), places.gateway_of.tolist(),
            strict=True,
        )  # fmt: skip
        for i, ((x_m, y_m), density, g) in enumerate(stands):
            properties: dict[str, Value] = {"x_m": x_m, "y_m": y_m, "density": density}
            properties["buffer_messages"] = one.buffer_messages
            graph.add_twin(f"sensor/{i}", "Sensor", properties)
            graph.relate(f"gateway/{g}", "serves", f"sensor/{i}")

    def measure(self) -> list[Event]:
        """Queues of gateways and sensors, and the counters of both directions."""
        now_s, row, one = self.now_s, self.batch.row(self.row), self.scenario
        events = [Event(now_s, NETWORK, "transmissions", int(row["attempts"]))]
        for d, direction in enumerate(_DIRECTIONS):
            lost = int(row["expired"][d] + row["dropped"][d])
            events += (
                Event(now_s, f"service/{direction}", "offered", int(row["offered"][d])),
                Event(now_s, f"service/{direction}", "served", int(row["delivered"][d])),
                Event(now_s, f"service/{direction}", "lost", lost),
            )
        queues = self.batch.arrays["waiting"][self.row, : one.num_gateways].tolist()
        events += [Event(now_s, f"gateway/{g}", "queue_length", n) for g, n in enumerate(queues)]
        fills = self.batch.arrays["fills"][self.row, : 2 * one.num_sensors].tolist()
        for i in range(one.num_sensors):
            up, down = fills[2 * i], fills[2 * i + 1]
            events.append(Event(now_s, f"sensor/{i}", "uplink_queue", up))
            events.append(Event(now_s, f"sensor/{i}", "downlink_queue", down))
        return events


ADAPTER = TicAdapter
"""The telemetry adapter of this environment for the real-time twin."""
