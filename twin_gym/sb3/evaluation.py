"""Learning curves on fixed worlds: every agent is judged in the same ones, at the same steps."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from twin_gym.errors import ConfigError
from twin_gym.policies import Evaluation, Family, evaluate, world_seeds
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.sb3.vec_env import native_env

_RECORDED = ("revenue_rate", "utilisation", "fairness", "loss_ratio")


class ModelPolicy:
    """A model of Stable-Baselines3 as a policy of this project.

    Args:
        model: on-policy, with a discrete action.
        greedy: takes the likeliest allowed action; otherwise draws one, from a generator of its
            own (`reset` seeds it), so that evaluating never disturbs a training.
        name: how tables call it; None: the name of the algorithm.
    """

    def __init__(
        self, model: OnPolicyAlgorithm, *, greedy: bool = True, name: str | None = None
    ) -> None:
        self.name = type(model).__name__ if name is None else name
        self._model = model
        self._greedy = greedy
        self._rng = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed."""
        self._rng = np.random.default_rng(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row."""
        policy: Any = self._model.policy
        with torch.no_grad():
            seen = torch.as_tensor(observations, device=self._model.device)
            latent = policy.mlp_extractor.forward_actor(
                policy.extract_features(seen, policy.pi_features_extractor)
            )
            # Not through a distribution object: making one takes longer than the network.
            logits = policy.action_net(latent).cpu().numpy()
        logits = np.where(masks > 0, logits, -np.inf)
        if not self._greedy:
            logits = logits + self._rng.gumbel(size=logits.shape)
        chosen: NDArray[np.int64] = logits.argmax(axis=1)
        return chosen


class EvaluateOnWorlds(BaseCallback):
    """Evaluates the model on fixed worlds every so many steps, before the first one too.

    The indicators go to the logger (`validation/...`, and so to TensorBoard), to `history`, and to
    a CSV file that grows a line at a time: what a killed training has reached is there.

    Args:
        every_steps: environment steps between evaluations.
        num_worlds: worlds of the family.
        family: `validation` for curves.
        csv_path: where the lines go; None: nowhere. A resumed training appends.
        record: names of the indicators.
        greedy: how the model acts.

    Raises:
        ConfigError: if a number is not positive.

    Attributes:
        history: one dict an evaluation: `step`, and each indicator's mean over the worlds.
    """

    def __init__(
        self,
        every_steps: int,
        *,
        num_worlds: int = 32,
        family: Family = "validation",
        csv_path: str | Path | None = None,
        record: Sequence[str] = _RECORDED,
        greedy: bool = True,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if every_steps < 1 or num_worlds < 1:
            raise ConfigError(
                f"every_steps and num_worlds must be positive, got {every_steps} and {num_worlds}"
            )
        self.every_steps = every_steps
        self.history: list[dict[str, float]] = []
        self._seeds = world_seeds(family, num_worlds)
        self._path = None if csv_path is None else Path(csv_path)
        self._record = tuple(record)
        self._greedy = greedy
        self._next_step = 0

    def evaluate_now(self) -> Evaluation:
        """Evaluates the model as it is and records it."""
        settings = native_env(self.training_env).batch.settings
        found = evaluate(
            ModelPolicy(self.model, greedy=self._greedy),  # type: ignore[arg-type]
            settings.scenario,
            self._seeds,
            action=settings.action,
            objective=settings.objective,
        )
        line = {"step": float(self.num_timesteps)}
        for name in self._names(found):
            line[name] = found.mean(name)
            self.logger.record(f"validation/{name}", line[name])
        self.history.append(line)
        self._append(line)
        return found

    def _on_training_start(self) -> None:
        if self.num_timesteps >= self._next_step:
            self._evaluate_and_plan()

    def _on_rollout_end(self) -> None:
        # A model changes at the end of a rollout only; on_step would judge the same one often.
        return

    def _on_rollout_start(self) -> None:
        if self.num_timesteps >= self._next_step:
            self._evaluate_and_plan()

    def _on_training_end(self) -> None:
        if not self.history or self.history[-1]["step"] < self.num_timesteps:
            self._evaluate_and_plan()

    def _on_step(self) -> bool:
        return True

    def _evaluate_and_plan(self) -> None:
        self.evaluate_now()
        self._next_step = (self.num_timesteps // self.every_steps + 1) * self.every_steps

    def _names(self, found: Evaluation) -> list[str]:
        return [
            name
            for name in found.kpi
            if name in self._record or name.partition("/")[0] in ("utilisation", "loss_ratio")
        ]

    def _append(self, line: dict[str, float]) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(line))
            if is_new:
                writer.writeheader()
            writer.writerow(line)
            file.flush()
            os.fsync(file.fileno())
