"""Trainings of a study and what they were worth, kept line by line: none is run twice."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.settings import TrainSettings
from twin_gym.policies import evaluate, world_seeds
from twin_gym.scenario import load

SEARCH_WORLDS, SEARCH_FIRST = 32, 4096
FRESH_WORLDS, FRESH_FIRST = 64, 8192
"""Validation worlds of the studies, and those of the last comparison; `run` has others."""


@dataclass(frozen=True)
class Training:
    """One training and what its greedy policy earned.

    Attributes:
        name: settings and contents of the scenario.
        search_per_s: mean return a second over the worlds of the studies.
        fresh_per_s: the same over worlds that no study has seen.
        seconds: wall-clock time of training and evaluation.
    """

    name: str
    search_per_s: float
    fresh_per_s: float
    seconds: float


class Trainings:
    """Trainings by name, in a file of lines that grows.

    Args:
        path: of the file; None: only in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known: dict[str, Training] = {}
        if path is not None and path.exists():
            for line in path.read_text("utf-8").splitlines():
                self._read(line)

    def __len__(self) -> int:
        return len(self._known)

    def get(self, settings: TrainSettings) -> Training:
        """What a training was worth; it is run if nobody has yet."""
        name = f"{settings.digest}+{load(settings.scenario).digest}"
        if name not in self._known:
            self._known[name] = run_training(settings, name)
            self._append(self._known[name])
        return self._known[name]

    def _read(self, line: str) -> None:
        try:
            found = Training(**json.loads(line))
        except (ValueError, TypeError):
            return  # the last line of a run that was killed: it is run again
        self._known[found.name] = found

    def _append(self, one: Training) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+b") as file:
            file.seek(0, os.SEEK_END)
            torn = False
            if file.tell() > 0:
                file.seek(-1, os.SEEK_END)
                torn = file.read(1) != b"\n"
            line = ("\n" if torn else "") + json.dumps(asdict(one)) + "\n"
            file.write(line.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())


def run_training(settings: TrainSettings, name: str = "") -> Training:
    """Trains once and evaluates the greedy policy on both blocks of validation worlds.

    Args:
        settings: of an agent that learns by itself.
        name: of the training.

    Returns:
        The same values for the same settings on the same machine.
    """
    import torch

    from agents.training import train, trained_policy

    torch.set_num_threads(1)
    began_s = time.perf_counter()
    scenario = load(settings.scenario)
    model, _ = train(
        settings,
        evaluate_every=settings.total_steps,
        num_worlds=1,
        evaluation_horizon_s=scenario.horizon_s / 100.0,
    )
    seeds = [
        *world_seeds("validation", SEARCH_WORLDS, first=SEARCH_FIRST),
        *world_seeds("validation", FRESH_WORLDS, first=FRESH_FIRST),
    ]
    found = evaluate(trained_policy(model, settings), scenario, seeds)
    earned: NDArray[np.float64] = found.returns / scenario.horizon_s
    return Training(
        name=name,
        search_per_s=float(earned[:SEARCH_WORLDS].mean()),
        fresh_per_s=float(earned[SEARCH_WORLDS:].mean()),
        seconds=round(time.perf_counter() - began_s, 2),
    )
