"""One training: legs that can be repeated, curves on fixed worlds, checkpoints that are whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.utils import ConstantSchedule, set_random_seed

from agents.defaults import kind_of
from agents.guard import guard_of
from agents.models import Built, build
from agents.settings import TrainSettings
from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import replacing, write_text
from twin_gym.policies import Policy
from twin_gym.sb3 import (
    EvaluateOnWorlds,
    KeepBest,
    ModelPolicy,
    actor_parameters,
    native_env,
    score_name,
)
from twin_gym.scenario.loading import load
from twin_gym.twins.strict_json import read_object

OnProgress = Callable[[int, float], None]
"""Told the steps done and the last score, after every rollout."""
OnBegin = Callable[[Built, int], None]
"""Told the model and the steps that it has behind it, before the first step of this process."""

_LEG_SPACING = 1_000_003  # a prime: legs of neighbouring seeds do not fall on one another
_MAX_SETTINGS_BYTES = 1_000_000
_SETTINGS_FILE, _MODEL_FILE, _CURVE_FILE = "settings.json", "model.zip", "curve.jsonl"
_GUARD_FILE = "guard-{}.safetensors"


@dataclass
class Curve:
    """The record of a training.

    Attributes:
        points: one dict an evaluation: `step`, indicators of the greedy policy on validation
            worlds, and `online_revenue_rate` or `online_return_per_s` (see `score_name`), what the
            network really earned a second while learning since the point before (at step 0:
            nothing yet, NaN). With a guard the indicators are the incumbent's, those of the learner
            have `learner_` before their names, and `guard_steps` are what looks have cost by then:
            `step` are those of the training alone.
    """

    points: list[dict[str, float]] = field(default_factory=list)

    @property
    def guard_steps(self) -> int:
        """Environment steps that the looks of a guard have cost."""
        return int(self.points[-1].get("guard_steps", 0)) if self.points else 0

    def column(self, name: str) -> list[float]:
        """One indicator along the curve."""
        return [point[name] for point in self.points]


class _Annealing(BaseCallback):
    """Lets the learning rate and the entropy coefficient fall on a straight line to 0.

    Stable-Baselines3's schedules know the steps of one call of `learn` only, and a training has one
    for each leg.
    """

    def __init__(self, settings: TrainSettings, guard: KeepBest | None = None) -> None:
        super().__init__()
        self._settings = settings
        self._guard = guard

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        done = self.num_timesteps - self._rollout + _spent(self._guard)
        share = max(0.0, 1.0 - done / self._settings.total_timesteps)
        model: Any = self.model
        model.lr_schedule = ConstantSchedule(
            share * self._settings.learning_rate
        )  # one that can be saved
        model.ent_coef = share * self._settings.ent_coef

    @property
    def _rollout(self) -> int:
        return self._settings.n_envs * self._settings.n_steps


class _Online(BaseCallback):
    """A callback that records the rewards of the rollouts and reports the progress."""

    def __init__(
        self,
        judge: EvaluateOnWorlds,
        on_progress: OnProgress | None,
        score: str,
        guard: KeepBest | None = None,
    ) -> None:
        super().__init__()
        self._guard = guard
        self.score = score
        self.rollouts: list[tuple[int, float, float]] = []
        self._judge = judge
        self._tell = on_progress

    def _on_rollout_start(self) -> None:
        self._revenue = 0.0
        self._seconds = 0.0

    def _on_step(self) -> bool:
        env = native_env(self.training_env)
        self._revenue += float(env.rewards.sum())
        self._seconds += float(env.elapsed_s.sum())
        return True

    def _on_rollout_end(self) -> None:
        self.rollouts.append((self.num_timesteps, self._revenue, self._seconds))
        if self._tell is not None:
            done = self.num_timesteps + _spent(self._guard)
            self._tell(done, self._judge.history[-1][self.score])

    def rate_between(self, first: float, last: float) -> float:
        """Revenue a second over the rollouts that ended after `first` and not after `last`."""
        chosen = [entry for entry in self.rollouts if first < entry[0] <= last]
        seconds = sum(entry[2] for entry in chosen)
        return sum(entry[1] for entry in chosen) / seconds if seconds > 0 else float("nan")


def train(
    settings: TrainSettings,
    *,
    folder: Path | None = None,
    evaluate_every: int = 16_384,
    num_worlds: int = 32,
    evaluation_horizon_s: float | None = None,
    on_progress: OnProgress | None = None,
    on_begin: OnBegin | None = None,
) -> tuple[OnPolicyAlgorithm, Curve]:
    """Trains an agent, or goes on with a training that was interrupted.

    With a guard (`guard_looks`) the model ends with the best actor so far, and `total_timesteps`
    are used up by training and looks together.

    Args:
        settings: of an agent that learns by itself.
        folder: where checkpoints and the curve are kept after every leg; None: nowhere. If one
            with the same settings is there, it goes on from its last leg.
        evaluate_every: environment steps between points of the curve.
        num_worlds: validation worlds of each point.
        evaluation_horizon_s: length of their episodes; None: the scenario's.
        on_progress: see `OnProgress`.
        on_begin: see `OnBegin`; the place to give the model a logger.

    Returns:
        The model and its curve.

    Raises:
        ConfigError: if the folder belongs to other settings.
    """
    guard = guard_of(settings)
    built, curve, first_leg = _begin(settings, folder, guard)
    score = score_name(kind_of(settings.scenarios))
    model = built.model
    model.set_logger(Logger(folder=None, output_formats=[]))  # else a folder a leg in TMPDIR
    if on_begin is not None:
        on_begin(built, model.num_timesteps)
    for leg in range(first_leg, settings.num_legs):
        if guard is not None and guard.is_over:
            break
        done = leg * settings.leg_steps
        steps = min(settings.leg_steps, settings.total_timesteps - done)
        _begin_leg(model, settings, leg)
        judge = EvaluateOnWorlds(
            evaluate_every, num_worlds=num_worlds, horizon_s=evaluation_horizon_s,
            of="learner" if guard is None else "both", keep_best=guard,
        )  # fmt: skip
        judge.history = curve.points[-1:]  # the model was judged at the end of the last leg
        online = _Online(judge, on_progress, score, guard)
        watchers: list[BaseCallback] = [] if guard is None else [guard]
        watchers += [judge, online, *([_Annealing(settings, guard)] if settings.anneal else [])]
        if leg == 0 and settings.critic_warm_up_steps:
            _warm_up_critic(built, settings.critic_warm_up_steps, watchers)
            steps -= settings.critic_warm_up_steps
        if guard is None or not guard.is_over:
            model.learn(steps, callback=watchers, reset_num_timesteps=False)
        _extend(curve, judge.history, online)
        if folder is not None:
            _save(folder, model, curve, guard)
    return model, curve


def trained_policy(model: OnPolicyAlgorithm, settings: TrainSettings) -> Policy:
    """The greedy policy of a trained model, under the name of its agent.

    With a guard the model ended as the incumbent.
    """
    return ModelPolicy(model, name=settings.agent).frozen()


def _spent(guard: KeepBest | None) -> int:
    """Steps that looks have cost."""
    return 0 if guard is None else guard.steps_spent


def _begin(
    settings: TrainSettings, folder: Path | None, guard: KeepBest | None
) -> tuple[Built, Curve, int]:
    if folder is None:
        return build(settings), Curve(), 0
    _claim(folder, settings)
    if not (folder / _MODEL_FILE).exists():
        return build(settings), Curve(), 0
    bare = build(settings, start=False).model
    # Stable-Baselines3's zip holds pickles: it is read because this training wrote it itself.
    model = type(bare).load(folder / _MODEL_FILE, env=bare.get_env(), device="cpu")
    if guard is not None:
        guard.load(_guard_file(folder, model))
    # The model is what counts: a training killed between its two files has a curve ahead of it.
    points = _read_curve(folder / _CURVE_FILE)
    curve = Curve([point for point in points if point["step"] <= model.num_timesteps])
    return Built(model), curve, -(-model.num_timesteps // settings.leg_steps)


def _read_curve(path: Path) -> list[dict[str, float]]:
    try:
        points = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [{"step": point["step"], **point} for point in points]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{str(path)!r} holds no curve of a training ({error}): remove its folder"
        ) from None


def _claim(folder: Path, settings: TrainSettings) -> None:
    """Marks the folder with its settings; refuses a folder of other settings."""
    mine = {
        "settings": settings.as_stored(),
        "digest": settings.digest,
        "scenario_digest": "+".join(load(one).digest for one in settings.scenarios),
    }
    path = folder / _SETTINGS_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(mine, indent=2) + "\n")
        return
    try:
        claimed = read_object(read_bytes(path, _MAX_SETTINGS_BYTES), repr(str(path)))
    except ConfigError as error:
        raise ConfigError(f"{str(path)!r} holds no settings of a training: {error}") from None
    if not {"settings", "digest"} <= claimed.keys() <= mine.keys():
        raise ConfigError(
            f"{str(path)!r} holds no settings of a training: it has the keys "
            f"{sorted(claimed)!r:.100}, not {sorted(mine)}"
        )
    theirs = claimed["digest"], claimed.get("scenario_digest", mine["scenario_digest"])
    if theirs != (mine["digest"], mine["scenario_digest"]):
        what = "settings" if theirs[0] != mine["digest"] else "contents of the scenario"
        raise ConfigError(
            f"{str(folder)!r} holds a training with other {what} ({claimed['settings']!r:.2000}): "
            "name another folder, or remove it"
        )


def _begin_leg(model: OnPolicyAlgorithm, settings: TrainSettings, leg: int) -> None:
    """New worlds and new draws, named by (seed, leg)."""
    env = model.get_env()
    if env is None:
        raise ConfigError("the model has no environment")
    name = (settings.seed * settings.num_legs + leg) * _LEG_SPACING
    set_random_seed(name % 2**32)
    env.seed(name % 2**38)
    model.set_env(env, force_reset=True)


def _warm_up_critic(built: Built, steps: int, callbacks: list[BaseCallback]) -> None:
    if built.twin is None:
        raise ConfigError("a critic is warmed up beside a twin: choose an agent with one")
    frozen = actor_parameters(built.model, built.twin)
    for parameter in frozen:
        parameter.requires_grad_(False)
    built.model.learn(steps, callback=callbacks, reset_num_timesteps=False)
    for parameter in frozen:
        parameter.requires_grad_(True)


def _extend(curve: Curve, history: list[dict[str, float]], online: _Online) -> None:
    for line in history:
        before = curve.points[-1]["step"] if curve.points else -1.0
        if line["step"] > before:
            rate = online.rate_between(max(before, 0.0), line["step"])
            curve.points.append({**line, f"online_{online.score}": rate})


def _save(folder: Path, model: OnPolicyAlgorithm, curve: Curve, guard: KeepBest | None) -> None:
    """Curve and guard, and then in one move the model, which says by its steps how far all are."""
    lines = "".join(json.dumps(point) + "\n" for point in curve.points)
    write_text(folder / _CURVE_FILE, lines)
    if guard is not None:
        guard.save(_guard_file(folder, model))
    with replacing(folder / _MODEL_FILE) as file:
        model.save(file)
    if guard is not None:
        for former in set(folder.glob(_GUARD_FILE.format("*"))) - {_guard_file(folder, model)}:
            former.unlink()


def _guard_file(folder: Path, model: OnPolicyAlgorithm) -> Path:
    """The file of the guard at the steps of the model: another model never meets it."""
    return folder / _GUARD_FILE.format(model.num_timesteps)
