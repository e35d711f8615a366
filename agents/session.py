"""One training for the command line: shown while it runs, judged at its end, kept as a line."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, Progress, TaskID, TimeRemainingColumn
from stable_baselines3.common.logger import configure
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.defaults import kind_of
from agents.models import Built
from agents.settings import WITH_TWIN, TrainSettings
from agents.trained import TWIN_FOLDER, Trained, train_agent
from agents.twin import logged_policy
from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import (
    messages,
    number,
    output,
    progress_bar,
    with_interval,
)
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.errors import unknown_name
from twin_gym.files.locks import LOCK_FILE, in_turn, writing_to
from twin_gym.files.places import check_folder
from twin_gym.files.records import Record, Records
from twin_gym.policies import evaluate, policies_of, world_seeds
from twin_gym.policies.intervals import half_width
from twin_gym.sb3 import indicators, score_name
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load
from twin_gym.twins import PolicyTwin

RESULTS_FILE = "results.jsonl"

_SECONDS_BETWEEN_LINES = 10.0
_PACKAGES = (
    "twin-gym", "gymnasium", "numba", "numpy", "sb3-contrib", "stable-baselines3", "torch"
)  # fmt: skip


class _ShownProgress:
    """Progress: a bar in a terminal, elsewhere a line now and then."""

    def __init__(self, bar: Progress, settings: TrainSettings) -> None:
        self.first_step = settings.total_timesteps
        self._bar = bar
        self._task: TaskID = bar.add_task(
            f"{settings.agent}, seed {settings.seed}",
            total=settings.total_timesteps,
            speed="",
            score="",
        )
        self._settings = settings
        self._start = self._last_line = time.monotonic()

    def begin(self, first_step: int) -> None:
        """Shows the step at which this process begins."""
        self.first_step = first_step
        self._start = self._last_line = time.monotonic()

    def show(self, step: int, score: float) -> None:
        """Shows the progress after a rollout."""
        now = time.monotonic()
        speed = (step - self.first_step) / max(now - self._start, 1e-9)
        pace, earned = f"{speed:,.0f} steps/s", f"{number(score)} /s"
        self._bar.update(self._task, completed=step, speed=pace, score=earned)
        if self._bar.disable and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            left_s = (self._settings.total_timesteps - step) / max(speed, 1e-9)
            messages().print(
                f"step {step:,} of {self._settings.total_timesteps:,}, {pace}, earns "
                f"{earned}, {left_s:,.0f} s left"
            )


@dataclass(frozen=True)
class Session:
    """Trains, judges and keeps the agents of one call.

    Attributes:
        out: folder of all trainings and of their results.
        evaluate_every: steps between points of a curve.
        worlds: validation worlds of each evaluation.
        horizon_s: length of the episodes of a curve; None: that of the scenario.
        tensorboard: folder of TensorBoard's files, if they are wanted.
    """

    out: Path
    evaluate_every: int
    worlds: int
    horizon_s: float | None = None
    tensorboard: Path | None = None

    def run(self, settings: TrainSettings) -> Record:
        """Trains, or goes on, and adds a line to the results; what is there already is only said.

        Args:
            settings: of the training.

        Returns:
            The line.

        Raises:
            TwinGymError: if the scenario or the default policy is unknown, or a folder cannot be
                written.
        """
        scenario, score = load(settings.scenario), score_name(kind_of(settings.scenarios))
        _check_default_policy(settings, scenario)  # before anything is computed
        folder = self.out / run_name(settings)
        check_folder(folder)
        with writing_to(folder):
            done = Records(self.out / RESULTS_FILE, "digest", "scenario_digest", "worlds")
            line = done.get(settings.digest, scenario.digest, self.worlds)
            if line is not None:
                earned = number(line["kpi"][score]["mean"])
                _say(f"{folder}: was finished before, earns {earned} /s")
                return line
            return self._trained(settings, scenario, folder, done)

    def _trained(
        self, settings: TrainSettings, scenario: Scenario, folder: Path, done: Records
    ) -> Record:
        """Trains, judges, says what came of it, and keeps the line."""
        score = score_name(kind_of(settings.scenarios))
        start = time.monotonic()
        agent, first_step = self._learn(settings, folder)
        seconds = time.monotonic() - start
        seeds = world_seeds("validation", self.worlds)
        evaluation = evaluate(agent.policy, scenario, seeds, action=settings.action)
        values = indicators(evaluation, [scenario])
        line = {
            "agent": settings.agent,
            "scenario": scenario.name,
            "scenario_digest": scenario.digest,
            "seed": settings.seed,
            "digest": settings.digest,
            "settings": settings.as_stored(),
            "steps": agent.steps,
            "resumed_at_step": first_step,
            "num_parameters": agent.num_parameters,
            "seconds": round(seconds, 3),
            "family": "validation",
            "worlds": self.worlds,
            "kpi": _summary(values),
            "folder": folder.name,
            "versions": package_versions(),
        }
        deliver(
            lambda: _say(f"{folder}: earns {with_interval(values[score])} /s"),
            lambda: self._keep(line, done),
        )
        return line

    def _keep(self, line: Record, done: Records) -> None:
        """Adds the line; trainings beside this one may add theirs."""
        with in_turn(self.out / LOCK_FILE):
            done.add(line)

    def _learn(self, settings: TrainSettings, folder: Path) -> tuple[Trained, int]:
        """The agent, which is saved in the folder, and the step at which this process began."""
        is_clone = settings.agent == "clone"
        if is_clone or (settings.agent in WITH_TWIN and not (folder / "model.zip").exists()):
            messages().print(f"making a twin of {settings.default_policy} ...")
        agent, first_step = (
            (train_agent(settings), 0) if is_clone else self._trained_in_sight(settings, folder)
        )
        agent.save(folder)
        if isinstance(agent.policy, PolicyTwin):
            twin = agent.policy
            messages().print(
                f"{twin.name}: held-out loss {number(twin.metadata.held_out_loss)}; saved in "
                f"{folder / TWIN_FOLDER}",
                markup=False,
            )
        return agent, first_step

    def _trained_in_sight(self, settings: TrainSettings, folder: Path) -> tuple[Trained, int]:
        """The agent, whose progress is shown, and the step at which this process began."""
        columns = (
            LiteralColumn("{task.description}"), BarColumn(),
            LiteralColumn("{task.percentage:>3.0f} %"), LiteralColumn("{task.fields[speed]}"),
            LiteralColumn("{task.fields[score]}"), TimeRemainingColumn(),
        )  # fmt: skip
        models: list[OnPolicyAlgorithm] = []
        with progress_bar(*columns) as bar:
            progress = _ShownProgress(bar, settings)

            def begin(built: Built, first_step: int) -> None:
                models.append(built.model)
                progress.begin(first_step)
                self._begin(built, first_step, folder)

            agent = train_agent(
                settings,
                folder=folder,
                evaluate_every=self.evaluate_every,
                num_worlds=self.worlds,
                evaluation_horizon_s=self.horizon_s,
                on_progress=progress.show,
                on_begin=begin,
            )
        models[0].logger.close()
        return agent, progress.first_step

    def _begin(self, built: Built, first_step: int, folder: Path) -> None:
        """Says what the model begins with, keeps its twin, gives it a logger."""
        if first_step:
            messages().print(f"goes on from step {first_step:,}")
        if built.twin is not None:
            built.twin.save(folder / TWIN_FOLDER)
        if built.started is not None:
            messages().print(str(built.started), markup=False)
        if self.tensorboard is not None:
            built.model.set_logger(configure(str(self.tensorboard / folder.name), ["tensorboard"]))


def _check_default_policy(settings: TrainSettings, scenario: Scenario) -> None:
    """Refuses a name that nobody has, and a policy that cannot be made where one is needed."""
    known = policies_of(scenario.kind)
    if settings.default_policy not in known:
        raise unknown_name("default policy", settings.default_policy, known)
    if settings.agent in WITH_TWIN or settings.agent == "clone":
        logged_policy(settings, scenario)


def run_name(settings: TrainSettings) -> str:
    """The folder of a training: what it is, for people, and the digest, which is unique."""
    scenario = re.sub(r"[^A-Za-z0-9_-]", "-", Path(settings.scenario).stem)
    return f"{settings.agent}-{scenario}-{settings.seed}-{settings.digest}"


def package_versions() -> dict[str, str]:
    """Versions of what makes a training what it is, by name."""
    versions = {"python": python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def _say(text: str) -> None:
    output().print(text, markup=False, soft_wrap=True)


def _summary(values: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, float | None]]:
    return {
        name: {
            "mean": _finite(float(of_worlds.mean())),
            "half_width_95": _finite(half_width(of_worlds)),
        }
        for name, of_worlds in values.items()
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
