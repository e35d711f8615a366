"""The state that a picture of a running network shows, read off the environment's batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.single import RowEnv
from twin_gym.environments.slice_admission.batch import AdmissionBatch
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.scenario.base import AMOUNT_RESOLUTION

Counts = NDArray[np.int64]

_LOSSES = ("blocked", "expired", "declined")


@dataclass(frozen=True)
class PictureState:
    """A network at one moment.

    Attributes:
        scenario: what it runs.
        now_s: simulated time since the start of the episode.
        held: amounts by slice and resource; shape (slices, resources).
        in_service: requests by slice.
        ages_s: by slice, how long each waiting request has waited, oldest first.
        admitted: requests by slice since the start of the episode.
        lost: requests by slice since then, whatever the reason.
        revenue: since then, penalties taken off.
        news: what happened since the last snapshot of the same environment.
    """

    scenario: AdmissionScenario
    now_s: float
    held: NDArray[np.float64]
    in_service: Counts
    ages_s: Sequence[Sequence[float]]
    admitted: Counts
    lost: Counts
    revenue: float
    news: str

    @property
    def revenue_rate(self) -> float:
        """Revenue over simulated seconds; 0 at the start."""
        return self.revenue / self.now_s if self.now_s > 0 else 0.0

    @property
    def progress(self) -> float:
        """Share of the horizon that is over."""
        return min(self.now_s / self.scenario.horizon_s, 1.0)


_LAST_ROWS: WeakKeyDictionary[RowEnv[AdmissionBatch], np.void] = WeakKeyDictionary()


def take_snapshot(env: RowEnv[AdmissionBatch]) -> PictureState:
    """Looks at an environment without touching it.

    Args:
        env: the single form of the environment.

    Returns:
        What its network looks like now.
    """
    row, network = env.batch.row(0), env.batch.tables.networks[int(env.batch.row(0)["network"])]
    slices, resources = int(network["num_slices"]), int(network["num_resources"])
    demand = network["demand"][:slices, :resources] * AMOUNT_RESOLUTION
    in_service, admitted = row["in_service"][:slices], row["admitted"][:slices]
    lost = _lost(row)[:slices]
    earned = admitted @ network["revenue"][:slices] - lost @ network["lost_penalty"][:slices]
    news = _news(env.scenario.slice_names, _LAST_ROWS.get(env), row)
    _LAST_ROWS[env] = row
    return PictureState(
        scenario=env.scenario,
        now_s=float(row["now"]) * SECONDS_PER_TICK,
        held=demand * in_service[:, None],
        in_service=in_service,
        ages_s=env.batch.waiting(0),
        admitted=admitted,
        lost=lost,
        revenue=float(earned),
        news=news,
    )


def _lost(row: np.void) -> Counts:
    return np.asarray(sum(row[name] for name in _LOSSES), np.int64)


def _news(names: Sequence[str], before: np.void | None, row: np.void) -> str:
    """In words, what changed between two rows; at most a line."""
    if before is None:
        return "the first picture"
    if before["now"] > row["now"] or any(before[name] != row[name] for name in ("seed", "episode")):
        return "another episode"
    passed_s = float(row["now"] - before["now"]) * SECONDS_PER_TICK
    admitted = _listed(names, row["admitted"] - before["admitted"])
    lost = _listed(names, _lost(row) - _lost(before))
    said = [f"admitted {admitted}" if admitted else "admitted none"]
    said += [f"lost {lost}"] if lost else []
    said.append(f"{passed_s:.3g} s passed")
    return ", ".join(said)


def _listed(names: Sequence[str], counts: Counts) -> str:
    some = [(int(count), name) for name, count in zip(names, counts, strict=False) if count > 0]
    return " + ".join(name if count == 1 else f"{count} {name}" for count, name in some)
