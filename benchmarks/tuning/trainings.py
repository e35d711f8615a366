"""Trainings of a study and what they were worth, kept line by line: none is run twice."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from agents.settings import TrainSettings
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.files.sealed import append_sealed, read_sealed
from twin_gym.policies import evaluate, world_seeds
from twin_gym.scenario.loading import load

SEARCH_WORLDS, SEARCH_FIRST, SEARCH_HOLDING_TIMES = 64, 4096, 45.0
"""Validation worlds of the studies, and the length of their episodes: the evaluation of a training
costs more than the training, and long episodes most of all."""
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
        self._path = path
        self._known: dict[str, Training] = {}
        for number, line in () if path is None else read_sealed(path):
            try:
                found = Training(**json.loads(line))
            except (ValueError, TypeError):
                raise ConfigError(
                    f"{path}, line {number}, is no training of a study: name another file with "
                    "--kept"
                ) from None
            self._known[found.name] = found

    def __len__(self) -> int:
        return len(self._known)

    def get(self, settings: TrainSettings, *, fresh: bool) -> Training:
        """What a training was worth; it is run if nobody has yet.

        Args:
            settings: of an agent that learns by itself.
            fresh: whether it is judged in the worlds of the last comparison.
        """
        where = "fresh" if fresh else "search"
        name = f"{settings.digest}+{load(settings.scenario).digest}+{where}"
        if name not in self._known:
            self._known[name] = run_training(settings, name, fresh=fresh)
            self._append(self._known[name])
        return self._known[name]

    def _append(self, one: Training) -> None:
        if self._path is not None:
            append_sealed(self._path, json.dumps(asdict(one)))


def run_training(settings: TrainSettings, name: str = "", *, fresh: bool = False) -> Training:
    """Trains once and judges the greedy policy in validation worlds.

    Args:
        settings: of an agent that learns by itself.
        name: of the training.
        fresh: whether in those of the last comparison, for whole episodes.

    Returns:
        The same value for the same settings on the same machine.
    """
    import torch

    from agents.training import train, trained_policy

    torch.set_num_threads(1)
    began_s = time.perf_counter()
    scenario = load(settings.scenario, AdmissionScenario)
    model, _ = train(
        settings,
        evaluate_every=settings.total_steps,
        num_worlds=1,
        evaluation_horizon_s=scenario.horizon_s / 100.0,
    )
    seeds = world_seeds("validation", SEARCH_WORLDS, first=SEARCH_FIRST)
    if fresh:
        seeds = world_seeds("validation", FRESH_WORLDS, first=FRESH_FIRST)
    else:
        short_s = SEARCH_HOLDING_TIMES * scenario.mean_holding_time_s
        scenario = scenario.replace(horizon_s=min(scenario.horizon_s, short_s))
    found = evaluate(trained_policy(model, settings), scenario, seeds)
    return Training(
        name=name,
        per_s=float(found.returns.mean()) / scenario.horizon_s,
        seconds=round(time.perf_counter() - began_s, 2),
    )
