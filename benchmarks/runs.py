"""Many trainings side by side: a process each, results kept one by one, nothing done twice."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from agents.settings import TrainSettings
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.files.locks import adding_to
from twin_gym.files.sealed import append_sealed, read_sealed
from twin_gym.policies import Evaluation, Policy, evaluate, world_seeds
from twin_gym.scenario.loading import load

FINAL_FIRST = 2**16
CURVE_HOLDING_TIMES = 45.0
"""Curves are judged on episodes of so many mean holding times; final results on whole ones."""


@dataclass(frozen=True)
class Judging:
    """How trainings are judged.

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
        final: by KPI, the mean over the final worlds.
        warm_start: what the warm start said, or "".
        seconds: wall-clock time of training and judging.
    """

    settings: TrainSettings
    points: list[dict[str, float]]
    final: dict[str, float]
    warm_start: str
    seconds: float

    def to_json(self) -> str:
        """One line."""
        return json.dumps({**asdict(self), "digest": self.settings.digest})

    @classmethod
    def from_json(cls, line: str) -> Run:
        """From one line."""
        values: dict[str, Any] = json.loads(line)
        values.pop("digest")
        settings = dict(values.pop("settings"))
        for name in ("hidden", "more_scenarios"):
            settings[name] = tuple(settings.get(name, ()))
        return cls(settings=TrainSettings(**settings), **values)


def curve_horizon_s(scenario: AdmissionScenario) -> float:
    """Length of the episodes that curves are judged on."""
    return min(scenario.horizon_s, CURVE_HOLDING_TIMES * scenario.mean_holding_time_s)


def final_worlds(count: int) -> list[int]:
    """Validation worlds of final results, apart from those of curves and of tuning.

    The test worlds belong to `python -m benchmarks test` alone.
    """
    return world_seeds("validation", count, first=FINAL_FIRST)


def judge(policy: Policy, scenario: AdmissionScenario, worlds: int) -> Evaluation:
    """Runs a policy through whole episodes of the final worlds."""
    return evaluate(policy, scenario, final_worlds(worlds))


def run_one(settings: TrainSettings, judging: Judging) -> Run:
    """Trains and judges one agent, on one thread."""
    import torch

    from agents.training import train, trained_policy

    torch.set_num_threads(1)
    scenario = load(settings.scenario, AdmissionScenario)
    start = time.perf_counter()
    policy: Policy
    if settings.agent == "clone":
        from agents.twin import make_twin

        policy, points, told = make_twin(settings), [], ""
    else:
        told_at_begin: list[str] = []
        model, curve = train(
            settings,
            on_begin=lambda built, _: told_at_begin.append(str(built.started or "")),
            evaluate_every=judging.every_steps,
            num_worlds=judging.curve_worlds,
            evaluation_horizon_s=curve_horizon_s(scenario),
        )
        policy, points, told = trained_policy(model, settings), curve.points, told_at_begin[0]
    found = judge(policy, scenario, judging.final_worlds)
    final = {name: float(values.mean()) for name, values in found.kpi.items()}
    return Run(settings, points, final, told, time.perf_counter() - start)


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
    with nullcontext() if kept is None else adding_to(kept):
        return _run_missing(cells, judging, jobs, kept, on_done or (lambda _: None))


def _run_missing(
    cells: Sequence[TrainSettings],
    judging: Judging,
    jobs: int,
    kept: Path | None,
    tell: Callable[[Run], None],
) -> list[Run]:
    done = {run.settings.digest: run for run in _read(kept)}
    wanted = [cell for cell in cells if cell.digest not in done]
    for cell in cells:
        if cell.digest in done:
            tell(done[cell.digest])
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(run_one, cell, judging) for cell in wanted]
        for future in as_completed(futures):
            run = future.result()
            done[run.settings.digest] = run
            if kept is not None:
                append_sealed(kept, run.to_json())
            tell(run)
    return [done[cell.digest] for cell in cells]


def _read(kept: Path | None) -> list[Run]:
    """Finished runs; a last line that a kill cut short is left out."""
    return [] if kept is None else [_run(kept, *line) for line in read_sealed(kept)]


def _run(kept: Path, number: int, line: str) -> Run:
    try:
        return Run.from_json(line)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{kept}, line {number}, is no finished training: {error!r}") from None
