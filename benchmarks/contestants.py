"""The contestants: rules, exact optima and learners with one interface, `fit(track, seed)`.

A rule is made for each scenario that it is tested on. A learner is trained once for a seed, on the
training scenarios of the track alone, and what it becomes is kept as safetensors and JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agents.settings import (
    AGENTS,
    MASKABLE,
    OFFLINE_METHODS,
    AgentName,
    OfflineMethod,
    TrainSettings,
)
from benchmarks.contestant import Contestant, Fitted, Kind, OnProgress
from benchmarks.protocol import Track
from benchmarks.tracks import tracks
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import TwinGymError, unknown_name
from twin_gym.policies import PrivilegedPolicy, describe_policy, make_policy, policies_of


@dataclass(frozen=True)
class Rule(Contestant):
    """A classical policy of the package, made for each scenario by itself."""

    name: str
    kind: Kind
    description: str

    def supports_kind(self, kind: str) -> bool:
        """Whether the environment has a rule of this name."""
        return kind in kinds_of_rule(self.name)

    def reason_not_eligible(self, track: Track) -> str | None:
        """The error of making the rule, or None."""
        if not self.supports_kind(track.kind):
            kinds = " and ".join(kinds_of_rule(self.name))
            return f"it is a rule of {kinds}, and this track is one of {track.kind}"
        try:
            for scenario in track.test_scenarios():
                make_policy(self.name, scenario, track.action)
        except TwinGymError as error:
            return str(error)
        return None

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Makes the rule; nothing is learned."""
        return Fitted(lambda scenario: make_policy(self.name, scenario, track.action))


@dataclass(frozen=True)
class Learner(Contestant):
    """An agent of `agents`, trained with its tuned settings; the clone learns from a log alone."""

    name: AgentName
    description: str
    kind: Kind = "learned"

    def reason_not_eligible(self, track: Track) -> str | None:
        """It needs an environment to learn in, something to learn, and perhaps a mask."""
        if track.data:
            return "it learns in an environment, and this track gives a log"
        if not track.learner_steps:
            return "this track checks known answers and trains nobody"
        masked = is_masked(track)
        if self.name in MASKABLE and not masked:
            return f"nothing is masked here: {self.name.removeprefix('maskable-')} takes its place"
        if masked and f"maskable-{self.name}" in MASKABLE:
            return f"actions are masked here: maskable-{self.name} takes its place"
        return None

    def settings(self, track: Track, seed: int) -> TrainSettings:
        """Those that were tuned, for this track."""
        from agents.defaults import settings_for
        from benchmarks.tuning.settings import tuned_settings

        first, *more = track.train
        base = settings_for(
            self.name,
            first,
            action=track.action,
            more_scenarios=tuple(more),
            seed=seed,
            total_timesteps=track.learner_steps,
            leg_steps=track.learner_steps,
        )
        return base.with_(**tuned_settings(self.name, track))

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Trains it, or takes what was trained before with the same settings."""
        from benchmarks.learning import trained

        return trained(self.settings(track, seed), folder, on_progress)


@dataclass(frozen=True)
class OfflineLearner(Contestant):
    """An agent of `agents.offline`, which learns from a log alone."""

    method: OfflineMethod
    description: str
    kind: Kind = "offline"

    @property
    def name(self) -> str:  # type: ignore[override]  # of the method
        """That of its method, marked."""
        return f"offline-{self.method}"

    def supports_kind(self, kind: str) -> bool:
        """Whether a track of the kind gives a log."""
        return any(track.data for track in tracks().values() if track.kind == kind)

    def reason_not_eligible(self, track: Track) -> str | None:
        """It needs a log."""
        return None if track.data else "it learns from a log, and this track gives none"

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Learns from the log of the track, or takes what learned from it before."""
        from benchmarks.learning import trained_offline

        return trained_offline(self.method, track, seed, folder, on_progress)


def is_masked(track: Track) -> bool:
    """Whether some of a track's actions may not be taken now and then."""
    return form_of(track.kind, track.action).is_masked


def contestants() -> Mapping[str, Contestant]:
    """All contestants by name, in the order of tables."""
    return _contestants_of(kind_names())


@cache
def _contestants_of(kinds: tuple[str, ...]) -> Mapping[str, Contestant]:
    from benchmarks.tuning.contestant import tuned_rules

    names = dict.fromkeys(name for kind in kinds for name in policies_of(kind))
    members: list[Contestant] = [
        Rule(name, _kind_of_rule(name), _sentences(name)) for name in names
    ]
    members += tuned_rules()  # `reservation` takes the place of the rule of the package
    members += [Learner(name, text) for name, text in AGENTS.items()]
    members += [OfflineLearner(method, text) for method, text in OFFLINE_METHODS.items()]
    return {one.name: one for one in members}


def contestant_named(name: str) -> Contestant:
    """A contestant by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    known = contestants()
    if name not in known:
        raise unknown_name("agent", name, known)
    return known[name]


def kinds_of_rule(name: str) -> tuple[str, ...]:
    """Kinds of scenarios that have a rule of this name, in the order of the package."""
    return tuple(kind for kind in kind_names() if name in policies_of(kind))


def _kind_of_rule(name: str) -> Kind:
    if name == "optimum":
        return "optimum"
    rules = (policies_of(kind)[name] for kind in kinds_of_rule(name))
    return (
        "seer"
        if any(isinstance(rule, type) and issubclass(rule, PrivilegedPolicy) for rule in rules)
        else "rule"
    )


def _sentences(name: str) -> str:
    """The description of a rule; where environments differ, there is one for each."""
    kinds_by_sentence: dict[str, list[str]] = {}
    for kind in kinds_of_rule(name):
        text = describe_policy(kind, name).partition("\n\n")[0]
        kinds_by_sentence.setdefault(" ".join(text.split()), []).append(kind)
    if len(kinds_by_sentence) == 1:
        return next(iter(kinds_by_sentence))
    return " ".join(
        f"{' and '.join(kinds).capitalize()}: {text}" for text, kinds in kinds_by_sentence.items()
    )
