"""Many trainings side by side: a process each, results kept one by one, nothing done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agents.settings import TrainSettings
from benchmarks.environments import short_horizon_s
from twin_gym.files.records import Record, recording
from twin_gym.policies import Evaluation, Policy, evaluate, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

FINAL_FIRST = 2**16


@dataclass(frozen=True)
class Judging:
    """The evaluation settings of trainings.

    Attributes:
        every_steps: environment steps between points of the curve.
        curve_worlds: validation worlds of each point.
        final_worlds: worlds of the final result, which no curve and no tuning has seen.
    """

    every_steps: int = 8_192
    curve_worlds: int = 32
    final_worlds: int = 64


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        settings: what was trained.
        points: its curve (see `agents.training.Curve`).
        final: by indicator, the mean over the final worlds.
        warm_start: what the warm start said, or "".
        seconds: wall-clock time of training and judging.
    """

    settings: TrainSettings
    points: list[dict[str, float]]
    final: dict[str, float]
    warm_start: str
    seconds: float

    def as_record(self) -> dict[str, Any]:
        """The record of the run, as JSON values."""
        settings = self.settings
        return {**asdict(self), "settings": settings.as_stored(), "digest": settings.digest}

    @classmethod
    def from_record(cls, record: Record) -> Run:
        """From what is kept of it."""
        values = {name: value for name, value in record.items() if name != "digest"}
        return cls(settings=TrainSettings.from_stored(values.pop("settings")), **values)


def steps_to_stay(steps: Sequence[float], values: Sequence[float], level: float) -> float:
    """The first point of a curve from which on it is at a level or above it.

    Args:
        steps: of its points.
        values: at these steps.
        level: that is to be kept.

    Returns:
        Steps; infinity where the last point is below the level.

    Example:
        >>> steps_to_stay([0, 10, 20, 30], [5.0, 1.0, 5.0, 6.0], 4.0)
        20.0
    """
    below = [index for index, value in enumerate(values) if value < level]
    after = below[-1] + 1 if below else 0
    return float(steps[after]) if after < len(steps) else float("inf")


def final_worlds(count: int) -> list[int]:
    """Validation worlds of final results, apart from those of curves and of tuning.

    The test worlds belong to `python -m benchmarks test` alone.
    """
    return world_seeds("validation", count, first=FINAL_FIRST)


def judge(policy: Policy, scenario: Scenario, worlds: int, action: str | None = None) -> Evaluation:
    """Runs a policy through whole episodes of the final worlds."""
    return evaluate(policy, scenario, final_worlds(worlds), action=action)


def run_one(settings: TrainSettings, judging: Judging) -> Run:
    """Trains and judges one agent, on one thread."""
    from agents.trained import train_agent  # loads what learns
    from twin_gym.sb3 import indicators

    scenario = load(settings.scenario)
    start = time.perf_counter()
    agent = train_agent(
        settings,
        evaluate_every=judging.every_steps,
        num_worlds=judging.curve_worlds,
        evaluation_horizon_s=short_horizon_s(scenario),
    )
    evaluation = judge(agent.policy, scenario, judging.final_worlds, settings.action)
    values = indicators(evaluation, [scenario])
    final = {name: float(of_worlds.mean()) for name, of_worlds in values.items()}
    seconds = time.perf_counter() - start
    return Run(settings, agent.points, final, agent.warm_start, seconds)


def run_all(
    cells: Sequence[TrainSettings],
    judging: Judging,
    *,
    jobs: int,
    kept: Path | None = None,
    on_done: Callable[[Run], None] | None = None,
) -> list[Run]:
    """Trains every cell that is not done yet.

    Args:
        cells: what to train.
        judging: how.
        jobs: processes.
        kept: a file of finished runs, one line with a check sum each, which is read first and
            grows by each run; None: nothing is kept.
        on_done: told of each run, those found included.

    Returns:
        The runs in the order of the cells.

    Raises:
        ConfigError: if another process adds to the file, or a line of it is damaged.
    """
    tell = on_done or (lambda _: None)
    with recording(kept, "digest", what="finished training", check=Run.from_record) as done:
        todo = [cell for cell in cells if done.get(cell.digest) is None]
        for cell in cells:
            if (record := done.get(cell.digest)) is not None:
                tell(Run.from_record(record))
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            futures = [pool.submit(run_one, cell, judging) for cell in todo]
            for future in as_completed(futures):
                run = future.result()
                done.add(run.as_record())
                tell(run)
        return [Run.from_record(done[cell.digest]) for cell in cells]
