"""How the speed of tiny instant communication is measured."""

from __future__ import annotations

from benchmarks.throughput.slotted import Case, Growth, Subject
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.scenario.loading import load

SUBJECT = Subject(
    "tic",
    "slots/s",
    4,
    False,
    (
        Case("tic-small-45", (1, 64, 256, 1_024), {256: "1 M"}, 256),
        Case("tic-medium-45", (1, 64, 256, 1_024)),
        Case("tic-large-45", (1, 64, 256, 1_024), {256: "100 k"}, 64),
    ),
)
_SENSORS_OF_A_GATEWAY = 50


def grown(size: int) -> TicScenario:
    """A gateway for 50 sensors, five bursts."""
    gateways = max(size // _SENSORS_OF_A_GATEWAY, 1)
    base = load("tic-small-45", TicScenario)
    return base.replace(num_sensors=size, num_gateways=gateways, horizon_s=0.05)


GROWTH = Growth("sensors", grown)
