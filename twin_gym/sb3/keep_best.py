"""A guard of trainings: the best actor so far is kept, the policy twin first.

A training can unlearn what it began with. Here the actor as it was given is the first *incumbent*,
and at regular looks the *learner*, the actor that the training has made by then, has to prove
itself: both meet the same worlds of a family of their own, `guard`, and the incumbent is replaced
where the learner is better by more than chance. What is deployed is the incumbent.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from twin_gym.errors import ConfigError
from twin_gym.policies.intervals import half_width
from twin_gym.sb3.actors import FrozenActor, check_actor
from twin_gym.sb3.guard_worlds import DEFAULT_MARGIN, GuardWorlds, check_arguments, is_better
from twin_gym.sb3.keep_best_state import KeepBestState, Look, read_state, write_state
from twin_gym.sb3.model_policy import ModelPolicy

INCUMBENT, LEARNER = "incumbent", "learner"


class KeepBest(BaseCallback):
    """Keeps the best actor of a training, which is at first the one that the model was given.

    It goes with A2C, PPO and MaskablePPO, in simulated time or not, and with an on-policy
    algorithm of your own. Give it to `learn` before an `EvaluateOnWorlds` that asks for it:
    `model.learn(steps, callback=[guard, curve])`. The worlds are made apart from the training and
    nothing is drawn from global states: until it puts the incumbent back, a training is the same
    with it and without.

    A look plays `num_worlds` episodes, and its decisions count: they are in `steps_spent`, and in
    `budget_steps`. By default all looks are in the same worlds, where the incumbent's returns are
    known: a look then costs half, and the incumbent's mean return in the guard worlds never falls.
    With as many episodes as fresh worlds for each look would take, a bad learner is then let in
    less often, since its luck is tried once and not at every look; but many looks choose what these
    few worlds favour. Where there are more than some ten looks, take `fresh_worlds=True`: both
    play again each time, in worlds that neither has met. A learner that has not changed since it
    was last looked at, as while a critic is warmed up, costs nothing.

    Args:
        every_steps: environment steps between looks; they fall on the ends of rollouts.
        num_worlds: guard worlds of each look.
        margin: how many standard errors of their mean difference the learner must be better; at
            least 0, and 0 where there is one world.
        fresh_worlds: whether each look is in the next worlds of the family.
        greedy: whether both act greedily; otherwise their actions are drawn.
        horizon_s: length of the episodes; None: that of the scenario.
        budget_steps: all environment steps of the training, those of looks included. It stops
            where the next rollout, and the look after it, would go beyond them; that look is
            taken to cost as much as the dearest so far. None: `learn` alone says when it ends.
        restore: whether a training ends with a last look and puts the incumbent's actor into the
            model (the critic stays). Where there is a budget, the end of a `learn` before it is
            used up is no end of the training.
        path: file that the state is kept in after every look, so that a kill loses nothing: a
            training that goes on (`reset_num_timesteps=False`) reads it. None: nowhere.

    Raises:
        ConfigError: if a number is not allowed; when a training begins, if its algorithm is not
            on-policy, its actor cannot be run by itself, its environment is none of `make_vec_env`,
            its state is of another model or network, or the budget has no room for a look.

    Attributes:
        history: the looks.
        steps_spent: decisions of all looks, and of measuring the first incumbent.
        is_over: whether the budget is used up.

    Example:
        >>> from twin_gym.sb3 import SemiMarkovA2C, make_vec_env
        >>> env = make_vec_env("twin_gym/TicScheduling-v0", 2, scenario="tic-small-20", seed=0)
        >>> guard = KeepBest(64, num_worlds=2, horizon_s=0.1)
        >>> model = SemiMarkovA2C("MlpPolicy", env, n_steps=8, seed=0).learn(128, callback=guard)
        >>> [look.step for look in guard.history], guard.incumbent().name
        ([64, 128], 'incumbent')
    """

    _worlds: GuardWorlds
    _incumbent: FrozenActor | None
    _returns: NDArray[np.float64] | None  # of the incumbent, where the worlds stay the same
    _seen: FrozenActor | None  # the learner at the last look
    _replaced_learner: FrozenActor | None  # what the model had before the incumbent was put back
    history: list[Look]

    def __init__(
        self,
        every_steps: int,
        *,
        num_worlds: int = 4,
        margin: float = DEFAULT_MARGIN,
        fresh_worlds: bool = False,
        greedy: bool = True,
        horizon_s: float | None = None,
        budget_steps: int | None = None,
        restore: bool = True,
        path: str | Path | None = None,
    ) -> None:
        super().__init__()
        check_arguments(every_steps, num_worlds, margin, budget_steps)
        self.every_steps = every_steps
        self.num_worlds = num_worlds
        self.margin = margin
        self.fresh_worlds = fresh_worlds
        self.greedy = greedy
        self.horizon_s = horizon_s
        self.budget_steps = budget_steps
        self.restores = restore
        self._path = None if path is None else Path(path)
        self._kept: KeepBestState | None = None
        self._forget()

    def incumbent(self, *, greedy: bool = True, name: str = INCUMBENT) -> ModelPolicy:
        """The best actor so far, which no training changes any more.

        Args:
            greedy: see `ModelPolicy`.
            name: how tables call it.

        Raises:
            ConfigError: if no training has begun.
        """
        if self._incumbent is None:
            raise ConfigError(
                "there is no incumbent before a training: give KeepBest to `learn`, before an "
                "EvaluateOnWorlds that asks for it"
            )
        return ModelPolicy(self._incumbent, greedy=greedy, name=name)

    def learner(self, *, greedy: bool = True, name: str = LEARNER) -> ModelPolicy:
        """The actor that the training has made, also where the incumbent was put back since.

        Args:
            greedy: see `ModelPolicy`.
            name: how tables call it.
        """
        actor = self._replaced_learner or FrozenActor(self._model)
        return ModelPolicy(actor, greedy=greedy, name=name)

    def look(self) -> Look | None:
        """Compares the learner with the incumbent now; None where it has not changed since."""
        learner, incumbent = FrozenActor(self._model), self._incumbent
        if incumbent is None:
            raise ConfigError("there is nothing to compare with before a training: call `learn`")
        if learner.equals(incumbent) or (self._seen is not None and learner.equals(self._seen)):
            return None
        first = len(self.history) * self.num_worlds if self.fresh_worlds else 0
        spent = self.steps_spent
        theirs = self._returns
        if theirs is None:
            theirs = self._measure(incumbent, first)
        mine = self._measure(learner, first)
        differences = mine - theirs
        is_replaced = is_better(differences, self.margin)
        look = Look(
            self.num_timesteps, first, float(mine.mean()), float(theirs.mean()),
            float(differences.mean()), _finite(half_width(differences)), is_replaced,
            self.steps_spent - spent,
        )  # fmt: skip
        self._seen = learner
        if is_replaced:
            self._incumbent = learner
            self._returns = None if self.fresh_worlds else mine
        self._record(look)
        return look

    def restore(self) -> None:
        """Puts the incumbent's actor into the model; its critic and its optimiser stay."""
        if self._incumbent is None:
            raise ConfigError("there is no incumbent before a training: call `learn` first")
        self._replaced_learner = FrozenActor(self._model)
        self._incumbent.put_into(self._model)

    def state_dict(self) -> KeepBestState:
        """All that another instance needs to go on from here; see `load_state_dict`."""
        if self._incumbent is None:
            if self._kept is not None:
                return self._kept
            raise ConfigError("there is no state before a training: call `learn` first")
        numbers = {
            "every_steps": self.every_steps,
            "num_worlds": self.num_worlds,
            "fresh_worlds": self.fresh_worlds,
            "greedy": self.greedy,
            "horizon_s": self.horizon_s,
            "network": self._worlds.network,
            "next_step": self._next_step,
            "steps_spent": self.steps_spent,
            "dearest": self._dearest,
            "is_over": self.is_over,
            "returns": None if self._returns is None else self._returns.tolist(),
            "history": [asdict(look) for look in self.history],
        }
        return KeepBestState(numbers, self._incumbent.tensors)

    def load_state_dict(self, state: KeepBestState) -> None:
        """Goes on from a state: the next training that does not begin at step 0 has its incumbent.

        Args:
            state: what `state_dict` of an instance with the same arguments gave.

        Raises:
            ConfigError: if the arguments were others.
        """
        numbers = state.numbers
        for name in ("every_steps", "num_worlds", "fresh_worlds", "greedy", "horizon_s"):
            if numbers[name] != getattr(self, name):
                raise ConfigError(
                    f"the state is of {name}={numbers[name]!r}, and this KeepBest has "
                    f"{getattr(self, name)!r}: make it with the same arguments"
                )
        self._forget()
        self._next_step, self.steps_spent = numbers["next_step"], numbers["steps_spent"]
        self._dearest, self.is_over = numbers["dearest"], numbers["is_over"]
        self.history = state.history
        if numbers["returns"] is not None:
            self._returns = np.array(numbers["returns"])
        self._kept = state

    def save(self, path: str | Path) -> None:
        """Writes the state to one file (safetensors), atomically; no pickles."""
        write_state(Path(path), self.state_dict())

    def load(self, path: str | Path) -> None:
        """Reads what `save` wrote; see `load_state_dict`.

        Raises:
            ConfigError: if the file is not there, is damaged, or the arguments were others.
        """
        self.load_state_dict(read_state(Path(path)))

    def _init_callback(self) -> None:
        check_actor(self.model)
        self._worlds = GuardWorlds(self.training_env, self.num_worlds, self.horizon_s)

    def _on_training_start(self) -> None:
        if self.num_timesteps == 0:
            self._kept = None
            self._forget()
        is_new = self._incumbent is None and self._kept is None
        if is_new and self.num_timesteps > 0 and self._path is not None and self._path.exists():
            self.load(self._path)
        if self._kept is not None:
            self._take(self._kept)
        if self._incumbent is None:
            self._begin()
        self._replaced_learner = None

    def _on_rollout_start(self) -> None:
        # Not on_step: a model changes at the end of a rollout only.
        self._replaced_learner = None
        if self.num_timesteps >= self._next_step:
            self.look()
            self._next_step = self._look_after(self.num_timesteps)
        self.is_over = self._is_used_up()

    def _on_step(self) -> bool:
        return not self.is_over

    def _on_training_end(self) -> None:
        self.is_over = self._is_used_up()
        if not self.restores or (self.budget_steps is not None and not self.is_over):
            return
        self.look()
        self.restore()
        if self._path is not None:
            self.save(self._path)

    @property
    def _model(self) -> Any:  # noqa: ANN401 - any on-policy algorithm
        return self.model

    def _forget(self) -> None:
        """Takes everything of a training away."""
        self.history = []
        self.steps_spent = 0
        self.is_over = False
        self._next_step = 0
        self._dearest = 0
        self._returns = None
        self._incumbent = None
        self._seen = None
        self._replaced_learner = None

    def _begin(self) -> None:
        """Makes the actor as it is the first incumbent."""
        incumbent = self._incumbent = FrozenActor(self._model)
        self._next_step = self._look_after(self.num_timesteps)
        if not self.fresh_worlds:
            self._returns = self._measure(incumbent, 0)
            self._dearest = self.steps_spent
        if self._is_used_up():
            raise ConfigError(
                f"budget_steps {self.budget_steps:,} has no room for the first incumbent in its "
                f"guard worlds ({self.steps_spent:,} steps), a rollout of {self._rollout_steps:,} "
                "and a look: take fewer guard worlds, a shorter horizon_s or a larger budget"
            )

    def _take(self, state: KeepBestState) -> None:
        """Takes the incumbent of a state that was loaded."""
        if state.numbers["network"] != self._worlds.network:
            raise ConfigError(
                f"the state is of {state.numbers['network']!r:.200}, and this training is in "
                f"{self._worlds.network!r:.200}: give the model the same environment"
            )
        self._incumbent = FrozenActor.of_tensors(self._model, state.tensors)
        self._kept = None

    def _measure(self, actor: FrozenActor, first: int) -> NDArray[np.float64]:
        """Returns in the guard worlds from `first` on; their steps are counted."""
        policy = ModelPolicy(actor, greedy=self.greedy)
        evaluation = self._worlds.meet(policy, first)
        self.steps_spent += int(evaluation.steps.sum())
        return evaluation.returns

    def _record(self, look: Look) -> None:
        self.history.append(look)
        self._dearest = max(self._dearest, look.steps)
        for name in (LEARNER, INCUMBENT, "difference"):
            self.logger.record(f"guard/{name}", getattr(look, name))
        self.logger.record("guard/steps_spent", self.steps_spent)
        self.logger.dump(self.num_timesteps)  # at this step, not at that of the next dump
        if self._path is not None:
            self.save(self._path)

    def _look_after(self, step: int) -> int:
        return (step // self.every_steps + 1) * self.every_steps

    @property
    def _rollout_steps(self) -> int:
        return int(self._model.n_steps) * self.training_env.num_envs

    def _is_used_up(self) -> bool:
        """Whether the budget has no room for another rollout and the look after it."""
        if self.budget_steps is None:
            return False
        # A training stops after one more step of each row.
        ahead = self._rollout_steps + self.training_env.num_envs + self._dearest
        used: int = self.num_timesteps + self.steps_spent
        return bool(used + ahead > self.budget_steps)


def _finite(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
