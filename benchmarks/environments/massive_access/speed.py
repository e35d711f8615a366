"""How the speed of massive access is measured."""

from __future__ import annotations

from benchmarks.throughput.slotted import Case, Growth, Subject
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.scenario.loading import load

SUBJECT = Subject(
    "access",
    "opportunities/s",
    1,
    False,
    (
        Case("access-beta-1000", (1, 64, 1_024, 4_096), {1_024: "1 M"}, 1_024),
        Case("access-beta-30000", (1, 64, 1_024), {}, 64),
    ),
)


def grown(size: int) -> AccessScenario:
    """A cell of this size, with the same opportunities and preambles for all sizes."""
    return load("access-beta-1000", AccessScenario).replace(num_devices=size)


GROWTH = Growth("devices", grown)
