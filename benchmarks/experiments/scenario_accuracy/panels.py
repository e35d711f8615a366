"""Networks as panels of values: a history to learn from, and changes to be caught up with.

A panel has a column for each attribute of each entity and a row for each window of time. Simulated
ones are twin_gym's own entities; the others are measured series, of which the first half is history
and the changes happen in the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.experiments.blocks import Floats, worlds_of
from twin_gym.environments.factory import vector_env
from twin_gym.environments.right_time_sync.scenario import SyncScenario
from twin_gym.environments.right_time_sync.series import SeriesFile, load_series
from twin_gym.scenario.loading import load

ROUNDS = 13
ROUND_S = 5.0
"""Between the rounds of simulated entities; a turn through all takes ten of them."""

_OUTAGE = 168  # windows for which nothing was heard of the measured networks before their change
_RANGE = (1.0, 99.0)  # percentiles of the history between which an attribute's range lies
_STATIONS = (
    "Aotizhongxin", "Changping", "Dingling", "Dongsi", "Guanyuan", "Gucheng", "Huairou",
    "Nongzhanguan", "Shunyi", "Tiantan", "Wanliu", "Wanshouxigong",
)  # fmt: skip
_SKEWED = ("pm25", "pm10", "so2", "no2", "co", "o3", "wspm")
_PLAIN = ("temp", "pres", "dewp")
_AIR_S, _AIR_GAP_S = 62_812_800.0, 2e6


@dataclass(frozen=True, eq=False)
class Panel:
    """A network whose values are followed.

    Attributes:
        name: of the network, short.
        title: what it is.
        history: coordinates, oldest window first; shape (windows, columns).
        ranges: of the attributes, in values; shape (columns,).
        is_skewed: columns whose coordinates are the logarithm of one plus the value.
        is_binary: columns that are -1/2 or 1/2.
        entity_of: number of the entity of each column; shape (columns,).
    """

    name: str
    title: str
    history: Floats
    ranges: Floats
    is_skewed: NDArray[np.bool_]
    is_binary: NDArray[np.bool_]
    entity_of: NDArray[np.int64]

    @property
    def num_entities(self) -> int:
        """The number of entities."""
        return int(self.entity_of.max()) + 1

    def values(self, points: Floats) -> Floats:
        """Values at coordinates, those of binary attributes being the nearer of the two."""
        plain = np.where(self.is_skewed, np.expm1(np.clip(points, 0.0, 50.0)), points)
        return np.where(self.is_binary, np.where(points >= 0.0, 0.5, -0.5), plain)

    def accuracy(self, points: Floats, truth: Floats, tolerance: float) -> float:
        """Share of entities of which every attribute is within the tolerance.

        Args:
            points: generated coordinates; shape (columns,).
            truth: coordinates of the physical network.
            tolerance: share of the range; binary attributes must be equal.

        Returns:
            In [0, 1].
        """
        error = np.abs(self.values(points) - self.values(truth))
        is_wrong = error > np.where(self.is_binary, 0.0, tolerance * self.ranges) + 1e-12
        wrong = np.bincount(self.entity_of, is_wrong, self.num_entities)
        return float((wrong == 0).mean())


class Change(NamedTuple):
    """One change of a network.

    Attributes:
        before: coordinates when it was last heard of; shape (columns,).
        path: at the change and in the windows after it; shape (ROUNDS + 2, columns).
    """

    before: Floats
    path: Floats


class Source(NamedTuple):
    """A panel, and the changes of a block."""

    panel: Panel
    changes: list[Change]


def simulated(preset: str, windows: int, block: int, episodes: int) -> Source:
    """Entities of right-time synchronisation: one long life, then another world.

    Args:
        preset: of synchronisation.
        windows: of the history, `ROUND_S` each.
        block: names the worlds.
        episodes: worlds that the network changes to.

    Returns:
        The panel and the changes, which happen after the last window of the history.
    """
    slots = windows + ROUNDS + 2
    base = load(preset, SyncScenario)
    scenario = base.replace(slot_s=ROUND_S, horizon_s=slots * ROUND_S)
    env = vector_env(scenario, episodes + 1)
    env.reset(seed=worlds_of(block, episodes + 1))
    worlds = [env.unwrapped.batch.world(row) for row in range(episodes + 1)]
    entities = range(scenario.num_entities)
    lived = np.array([[worlds[0].value(i, slot) for i in entities] for slot in range(windows)])
    paths = [
        np.array([[world.value(i, slot) for i in entities] for slot in range(windows, slots)])
        for world in worlds[1:]
    ]
    laws = [group.process.law for group in scenario.groups for _ in range(group.count)]
    columns = len(laws)
    panel = Panel(
        preset, f"{columns} simulated entities", lived, np.ones(columns),
        np.zeros(columns, np.bool_), np.array([law == "two-state" for law in laws]),
        np.arange(columns),
    )  # fmt: skip
    return Source(panel, [Change(lived[-1], path) for path in paths])


def measured(name: str, block: int, episodes: int) -> Source:
    """A measured network that was not heard of for a week and then is again.

    Args:
        name: `air-sensors`, `air-stations` or `lorawan`.
        block: names the draws of the times of change.
        episodes: changes.

    Returns:
        The panel and the changes, at random windows of the second half.

    Raises:
        TraceError: if the data are not there.
    """
    panel, later = _halves(name)
    rng = np.random.default_rng([block, 3])
    starts = rng.integers(_OUTAGE, len(later) - ROUNDS - 2, episodes)
    changes = [Change(later[k - _OUTAGE], later[k : k + ROUNDS + 2]) for k in starts]
    return Source(panel, changes)


@lru_cache(maxsize=3)
def _halves(name: str) -> tuple[Panel, Floats]:
    """The panel with the first half as history, and the second half."""
    if name == "lorawan":
        values, entity_of = _lorawan(), np.arange(6)
        is_skewed, title = np.zeros(6, np.bool_), "LoRaWAN of Grenoble, 6 series, ten minutes"
    else:
        values = np.concatenate([_air(column) for column in _SKEWED + _PLAIN], axis=1)
        is_skewed = np.repeat([column in _SKEWED for column in _SKEWED + _PLAIN], len(_STATIONS))
        entity_of = np.arange(values.shape[1])
        title = "air of Beijing, 120 sensors, hours"
        if name == "air-stations":
            entity_of = entity_of % len(_STATIONS)
            title = "air of Beijing, 12 stations with 10 attributes each, hours"
    half = len(values) // 2
    low, high = np.percentile(values[:half], _RANGE, axis=0)
    points = np.where(is_skewed, np.log1p(np.maximum(values, 0.0)), values)
    panel = Panel(
        name, title, points[:half], high - low, is_skewed, np.zeros(len(low), np.bool_), entity_of
    )
    return panel, points[half:]


@lru_cache(maxsize=10)
def _air(column: str) -> Floats:
    """A quantity at all stations; shape (hours, stations)."""
    file = SeriesFile(
        path="beijing_air/hourly.parquet", format="beijing", column=column, last_s=_AIR_S,
        longest_gap_s=_AIR_GAP_S,
    )  # fmt: skip
    return _aligned([one.values for one in load_series(file, _STATIONS, 3600.0)])


def _lorawan() -> Floats:
    """The series of `sync-campusiot`; shape (slots, series)."""
    scenario = load("sync-campusiot", SyncScenario)
    columns = []
    for group in scenario.groups:
        if group.process.law != "replay":
            raise TypeError(f"{group.name!r} is not replayed")
        series = load_series(group.process.file, group.process.sources, scenario.slot_s)
        columns += [one.values for one in series]
    return _aligned(columns)


def _aligned(series: Sequence[Floats]) -> Floats:
    shortest = min(len(one) for one in series)
    panel: Floats = np.array([one[:shortest] for one in series]).T
    return panel
