"""A model of Stable-Baselines3 as a policy of this project, live or frozen."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws
from twin_gym.sb3.actors import FrozenActor, torch_outputs


class ModelPolicy:
    """A model of Stable-Baselines3 as a policy of this project.

    Args:
        model: on-policy, with a discrete action or amounts in a box. Where `VecNormalize` stands
            before it, its observations are normalised here too, and the statistics stay as they
            are. A `FrozenActor` instead gives a policy that no training changes.
        greedy: takes the likeliest allowed action, or the mean of the amounts; otherwise draws
            one, row i the same whatever the number of rows (`reset` gives the seed), so that
            evaluating never disturbs a training. Amounts are cut to the box, as in the training.
        name: how tables call it; None: the name of the algorithm.
    """

    def __init__(
        self,
        model: OnPolicyAlgorithm | FrozenActor,
        *,
        greedy: bool = True,
        name: str | None = None,
    ) -> None:
        self.name = type(model).__name__ if name is None else name
        self._actor: _LiveActor | FrozenActor = (
            model if isinstance(model, FrozenActor) else _LiveActor(model)
        )
        self._greedy = greedy
        self._draws = Draws()

    def frozen(self) -> ModelPolicy:
        """This policy as it is now, and much faster where its network allows it.

        What the model learns afterwards does not change it, whatever its network, nor do new
        statistics of `VecNormalize`.
        """
        actor = self._actor
        frozen = actor if isinstance(actor, FrozenActor) else FrozenActor(actor.model)
        return ModelPolicy(frozen, greedy=self._greedy, name=self.name)

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row, or the amounts."""
        outputs = self._actor.outputs(observations)
        if isinstance(self._actor.action_space, spaces.Box):
            return self._amounts(outputs, self._actor.action_space)
        logits = np.where(masks > 0, outputs, -np.inf)
        if not self._greedy:
            logits = logits + self._draws.next().gumbel(size=logits.shape)
        chosen: NDArray[np.int64] = logits.argmax(axis=1)
        return chosen

    def _amounts(self, means: NDArray[np.float32], box: spaces.Box) -> Actions:
        if not self._greedy:
            drawn = self._draws.next().normal(size=means.shape)
            means = means + self._actor.std * drawn.astype(np.float32)
        return np.clip(means.reshape(-1, *box.shape), box.low, box.high)


class _LiveActor:
    """The actor that a model has at each call."""

    def __init__(self, model: OnPolicyAlgorithm) -> None:
        self.model = model
        self.action_space = model.action_space

    @property
    def std(self) -> NDArray[np.float32]:
        policy: Any = self.model.policy
        values: NDArray[np.float32] = policy.log_std.detach().exp().cpu().numpy()
        return values

    def outputs(self, observations: Observations) -> NDArray[np.float32]:
        policy: Any = self.model.policy
        if policy.training:
            policy.set_training_mode(False)  # as before every rollout: a dropout would draw
        normaliser = self.model.get_vec_normalize_env()
        if normaliser is not None:
            observations = normaliser.normalize_obs(observations)  # type: ignore[assignment]
        return torch_outputs(policy, np.asarray(observations, np.float32))
