"""Learning curves on fixed worlds: every agent is judged in the same ones, at the same steps."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback

from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.lines import append_text
from twin_gym.files.whole import write_text
from twin_gym.policies import Evaluation, Family, evaluate, world_seeds
from twin_gym.sb3.keep_best import KeepBest
from twin_gym.sb3.model_policy import ModelPolicy
from twin_gym.sb3.vec_env import native_env
from twin_gym.scenario import Scenario

_EACH = ("utilisation/", "loss_ratio/")

RETURN_PER_S = "return_per_s"

Judged = Literal["learner", "incumbent", "both"]
_JUDGED: tuple[Judged, ...] = ("learner", "incumbent", "both")
_OF_LEARNER, _SAMPLED, _GUARD_STEPS = "learner_", "sampled_", "guard_steps"


def score_name(kind: str) -> str:
    """The indicator that agents are judged by on scenarios of a kind.

    Args:
        kind: of the scenario.

    Returns:
        `revenue_rate` for admission; elsewhere `return_per_s`, the return over the horizon.

    Example:
        >>> score_name("access")
        'return_per_s'
    """
    name: str = kind_named(kind).facet("score", RETURN_PER_S)
    return name


def indicators(
    evaluation: Evaluation, scenarios: Sequence[Scenario]
) -> dict[str, NDArray[np.float64]]:
    """The indicators of an evaluation, the score among them.

    Args:
        evaluation: what a policy reached.
        scenarios: which its episodes were in, of one kind. Where their horizons differ, returns are
            divided by the mean of them.

    Returns:
        By name, one value a world.
    """
    name = score_name(scenarios[0].kind)
    if name != RETURN_PER_S:
        return dict(evaluation.kpi)
    horizon_s = float(np.mean([one.horizon_s for one in scenarios]))
    return {name: evaluation.returns / horizon_s, **evaluation.kpi}


class EvaluateOnWorlds(BaseCallback):
    """Evaluates the model on fixed worlds at regular steps, and before the first one.

    The indicators go to the logger (`validation/...`, and so to TensorBoard), to `history`, and to
    a CSV file that grows a line at a time: what a killed training has reached is there. The worlds
    are made apart from the training and nothing is drawn from global states, so that a training is
    the same with it and without.

    Args:
        every_steps: environment steps between evaluations; they fall on the ends of rollouts.
        num_worlds: worlds of the family.
        family: `validation` for curves.
        csv_path: where the lines go; None: nowhere. A training from step 0 begins the file anew; a
            resumed one keeps the lines up to its first step, and they are in `history` too.
        record: names of the indicators; `utilisation` and `loss_ratio` bring theirs of each
            resource and slice along. None: what suits the kind of scenario. The score (see
            `score_name`) is always there where it is no indicator of the environment.
        greedy: how the model acts.
        horizon_s: length of an evaluation's episodes; None: that of the scenario. Shorter ones
            make a curve cheaper.
        of: `learner`: the model as it is; `incumbent`: the best one so far, which is what would
            be deployed; `both`: the incumbent, and the learner's indicators under names that begin
            with `learner_`.
        keep_best: knows the incumbent; before this callback in the list that `learn` is given.
            With it, `guard_steps` of a line are what its looks have cost by then.
        sampled: whether the score of drawn actions stands beside that of greedy ones, as
            `sampled_` and its name: the greedy policy of a nearly uniform one is not that policy.

    Raises:
        ConfigError: if a number is not positive, or an incumbent is asked for without `keep_best`;
            when a training is resumed, if the file is not one of this callback's with the same
            indicators.

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
        record: Sequence[str] | None = None,
        greedy: bool = True,
        horizon_s: float | None = None,
        of: Judged = "learner",
        keep_best: KeepBest | None = None,
        sampled: bool = False,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if of not in _JUDGED:
            raise unknown_name("policy of a training", of, _JUDGED)
        if of != "learner" and keep_best is None:
            raise ConfigError(f"of={of!r} needs keep_best, which knows the incumbent: give it too")
        if every_steps < 1 or num_worlds < 1:
            raise ConfigError(
                f"every_steps and num_worlds must be positive, got {every_steps} and {num_worlds}"
            )
        self.every_steps = every_steps
        self.history: list[dict[str, float]] = []
        self._seeds = world_seeds(family, num_worlds)
        self._path = None if csv_path is None else Path(csv_path)
        self._record = None if record is None else tuple(record)
        self._greedy = greedy
        self._horizon_s = horizon_s
        self._of = of
        self._keep_best = keep_best
        self._sampled = sampled
        self._next_step = 0

    def evaluate_now(self) -> Evaluation:
        """Evaluates the model as it is and records it.

        Returns:
            What the model, or the incumbent where it is asked for, reached.
        """
        scenarios = tuple(native_env(self.training_env).batch.scenarios)
        if self._horizon_s is not None:
            scenarios = tuple(one.replace(horizon_s=self._horizon_s) for one in scenarios)
        is_of_incumbent = self._of != "learner"
        evaluation = self._evaluated(scenarios, self._policy(is_of_incumbent, self._greedy))
        line = {"step": float(self.num_timesteps)} | self._means(evaluation, scenarios)
        if self._of == "both":
            other = self._evaluated(scenarios, self._policy(False, self._greedy))
            means = self._means(other, scenarios)
            line |= {_OF_LEARNER + name: value for name, value in means.items()}
        if self._sampled:
            line |= self._sampled_scores(scenarios)
        for name, value in line.items():
            if name != "step":
                self.logger.record(f"validation/{name}", value)
        if self._keep_best is not None:
            line[_GUARD_STEPS] = float(self._keep_best.steps_spent)
        self.logger.dump(self.num_timesteps)  # at this step, not at that of the next dump
        self.history.append(line)
        if self._path is not None:
            self._append(self._path, line)
        return evaluation

    def _policy(self, is_incumbent: bool, greedy: bool) -> ModelPolicy:
        """The incumbent or the learner, as it is now."""
        if self._keep_best is None:
            return ModelPolicy(self.model, greedy=greedy).frozen()  # type: ignore[arg-type]
        if is_incumbent:
            return self._keep_best.incumbent(greedy=greedy)
        return self._keep_best.learner(greedy=greedy)

    def _evaluated(self, scenarios: Sequence[Scenario], policy: ModelPolicy) -> Evaluation:
        arguments = native_env(self.training_env).batch.arguments
        return evaluate(
            policy,
            scenarios,
            self._seeds,
            action=arguments["action"],
            objective=arguments["objective"],
            objective_seed=arguments["objective_seed"],
        )

    def _sampled_scores(self, scenarios: Sequence[Scenario]) -> dict[str, float]:
        """Mean scores of drawn actions, of whom the line is of."""
        score = score_name(scenarios[0].kind)
        judged = {"learner": (False,), "incumbent": (True,), "both": (True, False)}[self._of]
        scores = {}
        for is_incumbent in judged:
            prefix = _OF_LEARNER if self._of == "both" and not is_incumbent else ""
            drawn = self._evaluated(scenarios, self._policy(is_incumbent, greedy=False))
            scores[f"{prefix}{_SAMPLED}{score}"] = float(indicators(drawn, scenarios)[score].mean())
        return scores

    def _means(self, evaluation: Evaluation, scenarios: Sequence[Scenario]) -> dict[str, float]:
        recorded = self._recorded(evaluation, scenarios)
        return {name: float(values.mean()) for name, values in recorded.items()}

    def _on_training_start(self) -> None:
        first = self.num_timesteps
        known = self.history
        if not known and self._path is not None and first > 0 and self._path.exists():
            known = _read(self._path)
        self.history = [line for line in known if line["step"] <= first] if first > 0 else []
        if self._path is not None:
            self._rewrite(self._path)
        if not self.history or self.history[-1]["step"] < first:
            self.evaluate_now()
        self._next_step = (first // self.every_steps + 1) * self.every_steps

    def _on_rollout_start(self) -> None:
        # Not on_step: a model changes at the end of a rollout only.
        if self.num_timesteps >= self._next_step:
            self.evaluate_now()
            self._next_step = (self.num_timesteps // self.every_steps + 1) * self.every_steps

    def _on_training_end(self) -> None:
        if self.history[-1]["step"] < self.num_timesteps:
            self.evaluate_now()

    def _on_step(self) -> bool:
        return True

    def _recorded(
        self, evaluation: Evaluation, scenarios: Sequence[Scenario]
    ) -> dict[str, NDArray[np.float64]]:
        kind = scenarios[0].kind
        usual: tuple[str, ...] = kind_named(kind).facet("recorded", ())
        names = usual if self._record is None else self._record
        values = indicators(evaluation, scenarios)
        score = {} if RETURN_PER_S not in values else {RETURN_PER_S: values[RETURN_PER_S]}
        return score | {
            name: evaluation.kpi[name]
            for name in evaluation.kpi
            if name in names or (name.partition("/")[0] in names and name.startswith(_EACH))
        }

    def _append(self, path: Path, line: dict[str, float]) -> None:
        is_new = not path.exists()
        if not is_new and set(self.history[0]) != set(line):
            raise ConfigError(
                f"{str(path)!r} has the indicators {sorted(self.history[0])}, and this training "
                f"gives {sorted(line)}: name another file"
            )
        append_text(path, self._as_csv([line], with_names=is_new))

    def _rewrite(self, path: Path) -> None:
        """Rewrites the file up to the current history, atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.history:
            write_text(path, self._as_csv(self.history, with_names=True))
        else:
            path.unlink(missing_ok=True)

    def _as_csv(self, lines: Sequence[dict[str, float]], *, with_names: bool) -> str:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, list(self.history[0]))
        if with_names:
            writer.writeheader()
        writer.writerows(lines)
        return text.getvalue()


def _read(path: Path) -> list[dict[str, float]]:
    """The lines of a file of the callback; one that a kill cut short is left out."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.reader(file))
    names = lines[0] if lines else []
    if names[:1] != ["step"]:
        raise ConfigError(f"{str(path)!r} holds no learning curve: name another file")
    try:
        whole = [[float(value) for value in line] for line in lines[1:] if len(line) == len(names)]
    except ValueError as error:
        raise ConfigError(f"{str(path)!r} holds no learning curve: {error}") from None
    return [dict(zip(names, line, strict=True)) for line in whole]
