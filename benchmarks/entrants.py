"""Who takes part: rules, exact optima and learners behind one face, `fit` for a track and a seed.

A rule is made for each scenario that it is tested on. A learner is trained once for a seed, on the
training scenarios of the track alone, and what it becomes is kept as safetensors and JSON.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

from agents.settings import (
    AGENTS,
    OFFLINE_METHODS,
    AgentName,
    OfflineMethod,
    TrainSettings,
)
from benchmarks.protocol import Track
from twin_gym.errors import TwinGymError, unknown_name
from twin_gym.policies import POLICIES, Policy, describe_policy, make_policy
from twin_gym.scenario import AdmissionScenario

Kind = Literal["rule", "tuned rule", "optimum", "learned", "offline"]
PolicyFor = Callable[[AdmissionScenario], Policy]
OnProgress = Callable[[float], None]
"""Told the share that is done, 0 to 1."""


@dataclass(frozen=True)
class Cost:
    """What it took to become what was tested.

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
    """An entrant that is ready to be tested.

    Attributes:
        policy_for: gives its policy for a scenario.
        cost: of making it.
        curve: its learning curve, one dict a point, with `step` and `revenue_rate`.
    """

    policy_for: PolicyFor
    cost: Cost = field(default_factory=Cost)
    curve: list[dict[str, float]] = field(default_factory=list)


class Entrant(ABC):
    """One row of the board.

    Attributes:
        name: unique.
        kind: what it is.
        description: one sentence.
    """

    name: str
    kind: Kind
    description: str

    @abstractmethod
    def refuses(self, track: Track) -> str | None:
        """Why it does not take part in a track, or None."""

    @abstractmethod
    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Makes it ready.

        Args:
            track: whose training scenarios it may use.
            seed: of its draws and of the worlds that it learns in.
            folder: its own, where it may keep what it became and go on from after a kill.
            on_progress: told now and then how far it is.
        """


@dataclass(frozen=True)
class Rule(Entrant):
    """A classical policy of the package, made for each scenario by itself."""

    name: str
    kind: Kind
    description: str

    def refuses(self, track: Track) -> str | None:
        """What making it says, where it cannot be made."""
        try:
            for scenario in track.test_scenarios():
                make_policy(self.name, scenario)
        except TwinGymError as error:
            return str(error)
        return None

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Nothing is learned."""
        return Fitted(lambda scenario: make_policy(self.name, scenario))


@dataclass(frozen=True)
class Learner(Entrant):
    """An agent of `agents`, trained with its tuned settings; the clone learns from a log alone."""

    name: AgentName
    description: str
    kind: Kind = "learned"

    def refuses(self, track: Track) -> str | None:
        """It needs an environment to learn in, and something to learn."""
        if track.data:
            return "it learns in an environment, and this track gives a log"
        return None if track.learner_steps else "this track checks known answers and trains nobody"

    def settings(self, track: Track, seed: int) -> TrainSettings:
        """Those that were tuned, for this track."""
        from benchmarks.tuning.settings import tuned_settings

        first, *more = track.train
        base = TrainSettings(
            agent=self.name,
            scenario=first,
            more_scenarios=tuple(more),
            seed=seed,
            total_steps=track.learner_steps,
            leg_steps=track.learner_steps,
        )
        return base.with_(**tuned_settings(self.name, track))

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Trains it, or takes what was trained before with the same settings."""
        from benchmarks.learning import trained

        return trained(self.settings(track, seed), folder, on_progress)


@dataclass(frozen=True)
class OfflineLearner(Entrant):
    """An agent of `agents.offline`, which learns from a log alone."""

    method: OfflineMethod
    description: str
    kind: Kind = "offline"

    @property
    def name(self) -> str:  # type: ignore[override]  # of the method
        """That of its method, marked."""
        return f"offline-{self.method}"

    def refuses(self, track: Track) -> str | None:
        """It needs a log."""
        return None if track.data else "it learns from a log, and this track gives none"

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Learns from the log of the track, or takes what learned from it before."""
        from benchmarks.learning import trained_offline

        return trained_offline(self.method, track, seed, folder, on_progress)


@cache
def entrants() -> Mapping[str, Entrant]:
    """Everyone by name, in the order of tables."""
    from benchmarks.tuning.entrant import tuned_rules

    found: list[Entrant] = []
    for name in POLICIES:
        kind: Kind = "optimum" if name == "optimum" else "rule"
        found.append(Rule(name, kind, describe_policy(name).partition("\n")[0]))
    found += tuned_rules()  # `reservation` takes the place of the rule of the package
    found += [Learner(name, text) for name, text in AGENTS.items()]
    found += [OfflineLearner(method, text) for method, text in OFFLINE_METHODS.items()]
    return {one.name: one for one in found}


def entrant_named(name: str) -> Entrant:
    """An entrant by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    known = entrants()
    if name not in known:
        raise unknown_name("agent", name, known)
    return known[name]


@dataclass
class Stopwatch:
    """Wall-clock and processor time since it was made."""

    began_s: float = field(default_factory=time.perf_counter)
    began_core_s: float = field(default_factory=time.process_time)

    def cost(self, steps: int, parameters: int) -> Cost:
        """What was spent until now."""
        return Cost(
            steps,
            round(time.perf_counter() - self.began_s, 3),
            round(time.process_time() - self.began_core_s, 3),
            parameters,
        )
