"""A row of the board: an agent that is prepared for a track and a seed, and the cost of that."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.protocol import Track
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario

Kind = Literal["rule", "tuned rule", "optimum", "learned", "offline", "seer"]
"""A seer sees what is hidden from agents: it stands beside the anchors and competes with nobody."""

PolicyFor = Callable[[Scenario], Policy]
OnProgress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True)
class Cost:
    """The cost of preparing an agent.

    Attributes:
        steps: environment steps, or decisions of a log.
        seconds: wall-clock time.
        core_seconds: processor time of the process.
        parameters: numbers that were learned or tuned.
    """

    steps: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    parameters: int = 0


@dataclass(frozen=True)
class Fitted:
    """A contestant that is ready to be tested.

    Attributes:
        policy_for: gives its policy for a scenario.
        cost: of making it.
        curve: its learning curve, one dict a point (see `benchmarks.cell.Result`).
    """

    policy_for: PolicyFor
    cost: Cost = field(default_factory=Cost)
    curve: list[dict[str, float]] = field(default_factory=list)


class Contestant(ABC):
    """One row of the board.

    Attributes:
        name: unique.
        kind: what it is.
        description: one sentence.
    """

    name: str
    kind: Kind
    description: str

    def supports_kind(self, kind: str) -> bool:
        """Whether it is made for scenarios of a kind at all; `reason_not_eligible` says more."""
        return True

    @abstractmethod
    def reason_not_eligible(self, track: Track) -> str | None:
        """Why it does not take part in a track, or None."""

    @abstractmethod
    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Fits the contestant to a track.

        Args:
            track: whose training scenarios it may use.
            seed: of its draws and of the worlds that it learns in.
            folder: its own, where it may keep what it became and go on from after a kill.
            on_progress: told now and then how far it is.
        """


@dataclass
class Stopwatch:
    """Wall-clock and processor time since it was made."""

    began_s: float = field(default_factory=time.perf_counter)
    began_core_s: float = field(default_factory=time.process_time)

    def cost(self, steps: int, parameters: int) -> Cost:
        """The cost since the stopwatch was made."""
        return Cost(
            steps,
            round(time.perf_counter() - self.began_s, 3),
            round(time.process_time() - self.began_core_s, 3),
            parameters,
        )
