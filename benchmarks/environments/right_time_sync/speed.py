"""How the speed of right-time synchronisation is measured."""

from __future__ import annotations

from benchmarks.throughput.slotted import Case, Growth, Subject
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.scenario.loading import load

SUBJECT = Subject(
    "sync",
    "slots/s",
    1,
    True,
    (
        Case("sync-small", (1, 64, 1_024), {1_024: "2 M"}, 1_024),
        Case("sync-medium", (1, 64, 1_024)),
        Case("sync-large", (1, 64, 1_024), {}, 64),
    ),
)


def grown(size: int) -> SyncScenario:
    """A turn through all entities takes as long, 200 slots."""
    small = load("sync-small", SyncScenario)
    factor = size // small.num_entities
    groups = tuple(group.replace(count=group.count * factor) for group in small.groups)
    return small.replace(groups=groups, slot_s=1.0 / factor, horizon_s=200.0 / factor)


GROWTH = Growth("entities", grown)
