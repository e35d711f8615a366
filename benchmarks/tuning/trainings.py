"""Trainings of a study and what they were worth, kept line by line: none is run twice."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.settings import TrainSettings
from benchmarks.environments import short_horizon_s
from twin_gym.files.records import Record, Records
from twin_gym.policies import evaluate, world_seeds
from twin_gym.scenario.loading import load

SEARCH_WORLDS, SEARCH_FIRST = 64, 4096
"""Validation worlds of the studies, of short episodes: the evaluation of a training costs more than
the training, and long episodes most of all."""
FRESH_WORLDS, FRESH_FIRST = 64, 8192
"""Validation worlds of the last comparison, whole episodes; `run` has others."""


@dataclass(frozen=True)
class Training:
    """One training and what its greedy policy earned.

    Attributes:
        name: settings, contents of the scenario, and in which worlds it was judged.
        per_s: mean return a second.
        seconds: wall-clock time of training and evaluation.
    """

    name: str
    per_s: float
    seconds: float


class Trainings:
    """Trainings by name, in a file of lines that grows.

    Args:
        path: of the file, whose lines carry check sums; None: only in memory.

    Raises:
        ConfigError: if a line is damaged or is no training.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._done = Records(path, "name", what="training of a study", check=_training)

    def __len__(self) -> int:
        return len(self._done)

    def get(self, settings: TrainSettings, *, fresh: bool) -> Training:
        """The value of a training, which is run if it has not been run before.

        Args:
            settings: of an agent that learns by itself.
            fresh: whether it is judged in the worlds of the last comparison.
        """
        where = "fresh" if fresh else "search"
        name = f"{settings.digest}+{load(settings.scenario).digest}+{where}"
        if self._done.get(name) is None:
            self._done.add(asdict(run_training(settings, name, fresh=fresh)))
        return _training(self._done[name])


def _training(record: Record) -> Training:
    return Training(**record)


def run_training(settings: TrainSettings, name: str = "", *, fresh: bool = False) -> Training:
    """Trains once and judges the greedy policy in validation worlds.

    Args:
        settings: of an agent that learns by itself.
        name: of the training.
        fresh: whether in those of the last comparison, for whole episodes.

    Returns:
        The same value for the same settings on the same machine.
    """
    from agents.trained import train_agent  # loads what learns

    began_s = time.perf_counter()
    scenario = load(settings.scenario)
    agent = train_agent(
        settings,
        evaluate_every=settings.total_timesteps,
        num_worlds=1,
        evaluation_horizon_s=scenario.horizon_s / 100.0,
    )
    seeds = world_seeds("validation", SEARCH_WORLDS, first=SEARCH_FIRST)
    if fresh:
        seeds = world_seeds("validation", FRESH_WORLDS, first=FRESH_FIRST)
    else:
        scenario = scenario.replace(horizon_s=short_horizon_s(scenario))
    evaluation = evaluate(agent.policy, scenario, seeds)
    return Training(
        name=name,
        per_s=float(evaluation.returns.mean()) / scenario.horizon_s,
        seconds=round(time.perf_counter() - began_s, 2),
    )
