"""Tuned rules as rows of the board: what was found on the training scenarios of a track."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.contestant import Contestant, Cost, Fitted, Kind, OnProgress
from benchmarks.protocol import Track
from benchmarks.tuning.methods import methods, rule_named, takes_part
from benchmarks.tuning.rule import Values
from benchmarks.tuning.rules import RuleTuning, read_tunings
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario


@dataclass(frozen=True)
class TunedRule(Contestant):
    """A classical rule with the parameters that were found for a track."""

    name: str
    description: str
    kind: Kind = "tuned rule"

    def supports_kind(self, kind: str) -> bool:
        """Rules belong to environments."""
        return rule_named(self.name).kind == kind

    def reason_not_eligible(self, track: Track) -> str | None:
        """The reason where the rule was not tuned for the track."""
        reason = takes_part(self.name, track) or track.unavailable()
        if reason is not None:
            return reason
        if self._tuning(track) is not None:
            return None
        return (
            f"{self.name!r} was not tuned for track {track.name!r} as it is: run "
            f"`python -m benchmarks tune-rules --tracks {track.name} --methods {self.name}`"
        )

    def fit(self, track: Track, seed: int, folder: Path, on_progress: OnProgress) -> Fitted:
        """Takes the parameters of the track; the same for every seed.

        Raises:
            ConfigError: if it was not tuned for this track.
        """
        tuning = self._tuning(track)
        if tuning is None:
            raise ConfigError(str(self.reason_not_eligible(track)))
        values: Values = tuning.values if tuning.adopted else {}

        def policy_for(scenario: Scenario) -> Policy:
            return rule_named(self.name).from_values(scenario, values, track.action)

        spent = Cost(tuning.decisions, tuning.seconds, tuning.core_seconds, tuning.parameters)
        return Fitted(policy_for, spent)

    def _tuning(self, track: Track) -> RuleTuning | None:
        digests = tuple(one.digest for one in track.train_scenarios())
        for one in read_tunings():
            if (one.track, one.method, one.digests) == (track.name, self.name, digests):
                return one
        return None


def tuned_rules() -> list[Contestant]:
    """One row for each method with parameters; `reservation` takes the place of the plain rule."""
    return [TunedRule(name, rule.description) for name, rule in methods().items()]
