"""An Optuna study of a learner: trials, the best again with other seeds, then a fresh comparison.

1. `trials` settings with seed 0, the first of them the defaults, proposed by a seeded TPE sampler;
   each length of the rollouts is tried once before it may choose.
2. The best two, and the defaults, with one more seed: the mean of both seeds chooses.
3. The one that was chosen against the defaults with four seeds and in worlds that nothing was
   chosen by. Only if the paired 95 % interval is above zero is it taken: the best of many is
   better than the defaults by luck alone.

The sampler is deterministic and no training is run twice, so that a study that was killed goes on
by being told its own past.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from agents.settings import AgentName, TrainSettings, to_stored
from benchmarks.statistics.basics import Interval, mean_interval
from benchmarks.tuning.space import (
    ROLLOUTS,
    Group,
    base_settings,
    default_parameters,
    suggest,
    to_changes,
)
from benchmarks.tuning.trainings import Training
from twin_gym.errors import ConfigError

TRIALS = 8
FINALISTS = 2
MORE_SEEDS = (1,)
FRESH_SEEDS = (10, 11, 12, 13)
_SAMPLER_SEED = 20_260
_STARTUP_TRIALS = 4
_FEWEST_TRIALS = 2


class Value(Protocol):
    """Runs a training, or remembers it."""

    def __call__(self, settings: TrainSettings, *, fresh: bool) -> Training:
        """The value of a training, in the worlds of the study or in fresh ones."""


OnTraining = Callable[[str, float], None]
"""Told after each training what it was and what it earned."""


@dataclass(frozen=True)
class Candidate:
    """Settings that were tried.

    Attributes:
        changes: for `TrainSettings.with_`.
        per_s: return a second in the worlds of the study, by seed.
        seconds: of all its trainings.
    """

    changes: dict[str, Any]
    per_s: dict[int, float]
    seconds: float

    @property
    def mean_per_s(self) -> float:
        """Mean over its seeds."""
        return sum(self.per_s.values()) / len(self.per_s)


@dataclass(frozen=True)
class Study:
    """The record and the result of a study.

    Attributes:
        agent: of whom.
        group: of which tracks.
        studied_on: the track that stood for them.
        steps: environment steps of each training.
        candidates: every trial, in order; the first has the defaults.
        chosen: the changes that won the second round; empty: the defaults did.
        default_per_s: fresh returns of the defaults, by fresh seed; empty without a comparison.
        chosen_per_s: those of the chosen settings.
        difference: chosen less defaults, paired by seed: estimate, low and high.
        adopted: whether the chosen settings are used.
    """

    agent: AgentName
    group: str
    studied_on: str
    steps: int
    candidates: tuple[Candidate, ...]
    chosen: dict[str, Any] = field(default_factory=dict)
    default_per_s: dict[int, float] = field(default_factory=dict)
    chosen_per_s: dict[int, float] = field(default_factory=dict)
    difference: tuple[float, float, float] = (0.0, 0.0, 0.0)
    adopted: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the tracks of the group are trained with beside the defaults."""
        return dict(self.chosen) if self.adopted else {}

    def as_json(self) -> dict[str, Any]:
        """Plain values, for the committed summary."""
        values = asdict(self)
        values["chosen"] = to_stored(self.chosen)
        for one in values["candidates"]:
            one["changes"] = to_stored(one["changes"])
        return values


def trainings_of(trials: int) -> int:
    """The most trainings that a study of so many trials runs."""
    return trials + (FINALISTS + 1) * len(MORE_SEEDS) + 2 * len(FRESH_SEEDS)


def check_trials(trials: int) -> None:
    """Refuses a study without anything beside the defaults.

    Raises:
        ConfigError: if there are fewer than two trials.
    """
    if trials < _FEWEST_TRIALS:
        raise ConfigError(
            f"a study has the defaults and at least one more trial, got {trials}: at least "
            f"{_FEWEST_TRIALS} trials are needed"
        )


def run_study(
    agent: AgentName,
    group: Group,
    value: Value,
    *,
    trials: int = TRIALS,
    on_training: OnTraining | None = None,
) -> Study:
    """Looks for settings of an agent on a group of tracks.

    Args:
        agent: one of `TUNABLE`.
        group: of tracks.
        value: trains, or remembers.
        trials: settings of the first round, the defaults among them.
        on_training: see `OnTraining`.

    Returns:
        The same for the same values.

    Raises:
        ConfigError: if there are fewer than two trials.
    """
    check_trials(trials)
    return _Running(agent, group, value, on_training or (lambda what, per_s: None)).run(trials)


class _Running:
    def __init__(
        self, agent: AgentName, group: Group, value: Value, on_training: OnTraining
    ) -> None:
        self._agent, self._group = agent, group
        self._value, self._tell = value, on_training

    def run(self, trials: int) -> Study:
        candidates = self._first_round(trials)
        ranked = sorted(range(trials), key=lambda k: -candidates[k].mean_per_s)
        again = sorted({0, *ranked[:FINALISTS]})
        for k in again:
            candidates[k] = self._more_seeds(candidates[k])
        best = max(again, key=lambda k: candidates[k].mean_per_s)
        study = Study(
            agent=self._agent,
            group=self._group.name,
            studied_on=self._group.studied_on,
            steps=base_settings(self._agent, self._group, 0).total_timesteps,
            candidates=tuple(candidates),
        )
        same = candidates[best].changes == candidates[0].changes
        return study if same else self._compared(study, candidates[best].changes)

    def _first_round(self, trials: int) -> list[Candidate]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        sampler = optuna.samplers.TPESampler(seed=_SAMPLER_SEED, n_startup_trials=_STARTUP_TRIALS)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        defaults = default_parameters(self._agent)
        study.enqueue_trial(defaults)
        for rollout in ROLLOUTS:
            if rollout != defaults["rollout"]:
                study.enqueue_trial({"rollout": rollout})
        candidates: list[Candidate] = []

        def objective(trial: optuna.Trial) -> float:
            changes = to_changes(suggest(trial, self._agent))
            done = self._trained(changes, 0, f"trial {trial.number + 1}")
            candidates.append(Candidate(changes, {0: done.per_s}, done.seconds))
            return done.per_s

        study.optimize(objective, n_trials=trials)
        return candidates

    def _more_seeds(self, one: Candidate) -> Candidate:
        per_s, seconds = dict(one.per_s), one.seconds
        for seed in MORE_SEEDS:
            done = self._trained(one.changes, seed, f"again, seed {seed}")
            per_s[seed] = done.per_s
            seconds += done.seconds
        return Candidate(one.changes, per_s, round(seconds, 2))

    def _compared(self, study: Study, chosen: dict[str, Any]) -> Study:
        ours, theirs = {}, {}
        for seed in FRESH_SEEDS:
            ours[seed] = self._trained(chosen, seed, f"chosen, seed {seed}", True).per_s
            theirs[seed] = self._trained({}, seed, f"defaults, seed {seed}", True).per_s
        apart = paired(ours, theirs)
        return Study(
            agent=study.agent,
            group=study.group,
            studied_on=study.studied_on,
            steps=study.steps,
            candidates=study.candidates,
            chosen=chosen,
            default_per_s=theirs,
            chosen_per_s=ours,
            difference=(apart.estimate, apart.low, apart.high),
            adopted=apart.low > 0.0,
        )

    def _trained(
        self, changes: dict[str, Any], seed: int, what: str, fresh: bool = False
    ) -> Training:
        settings = base_settings(self._agent, self._group, seed).with_(**changes)
        done = self._value(settings, fresh=fresh)
        self._tell(f"{self._agent}, {self._group.name}: {what}", done.per_s)
        return done


def paired(ours: dict[int, float], theirs: dict[int, float]) -> Interval:
    """Mean difference over common seeds with Student's 95 % interval."""
    return mean_interval([ours[seed] - theirs[seed] for seed in ours])
