"""Learning curves on fixed worlds: every agent is judged in the same ones, at the same steps."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from torch import nn

from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.files.lines import append_text
from twin_gym.files.whole import write_text
from twin_gym.policies import Evaluation, Family, evaluate, world_seeds
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws
from twin_gym.sb3.vec_env import native_env
from twin_gym.scenario import Scenario
from twin_gym.twins.forward import PlainNetwork, PlainSharedNetwork
from twin_gym.twins.shared_network import SharedNetwork

_EACH = ("utilisation/", "loss_ratio/")

RETURN_PER_S = "return_per_s"


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


class ModelPolicy:
    """A model of Stable-Baselines3 as a policy of this project.

    Args:
        model: on-policy, with a discrete action or amounts in a box. Where `VecNormalize` stands
            before it, its observations are normalised here too, and the statistics stay as they
            are.
        greedy: takes the likeliest allowed action, or the mean of the amounts; otherwise draws
            one, row i the same whatever the number of rows (`reset` gives the seed), so that
            evaluating never disturbs a training. Amounts are cut to the box, as in the training.
        name: how tables call it; None: the name of the algorithm.
    """

    def __init__(
        self, model: OnPolicyAlgorithm, *, greedy: bool = True, name: str | None = None
    ) -> None:
        self.name = type(model).__name__ if name is None else name
        self._model = model
        self._greedy = greedy
        self._draws = Draws()
        self._plain: PlainNetwork | PlainSharedNetwork | None = None

    def frozen(self) -> ModelPolicy:
        """This policy with the weights that the model has now, and much faster where they allow it.

        What the model learns afterwards does not change it.
        """
        policy = ModelPolicy(self._model, greedy=self._greedy, name=self.name)
        policy._plain = _plain_network(self._model)
        return policy

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row, or the amounts."""
        policy: Any = self._model.policy
        if policy.training:
            policy.set_training_mode(False)  # as before every rollout: a dropout would draw
        normaliser = self._model.get_vec_normalize_env()
        if normaliser is not None:
            observations = normaliser.normalize_obs(observations)  # type: ignore[assignment]
        seen = np.asarray(observations, np.float32)
        if isinstance(self._model.action_space, spaces.Box):
            return self._amounts(self._outputs(seen), self._model.action_space)
        logits = np.where(masks > 0, self._outputs(seen), -np.inf)
        if not self._greedy:
            logits = logits + self._draws.next().gumbel(size=logits.shape)
        chosen: NDArray[np.int64] = logits.argmax(axis=1)
        return chosen

    def _amounts(self, means: NDArray[np.float32], box: spaces.Box) -> Actions:
        if not self._greedy:
            policy: Any = self._model.policy
            std = policy.log_std.detach().exp().cpu().numpy()
            drawn = self._draws.next().normal(size=means.shape)
            means = means + std * drawn.astype(np.float32)
        return np.clip(means.reshape(-1, *box.shape), box.low, box.high)

    def _outputs(self, observations: Observations) -> NDArray[np.float32]:
        """Logits, or means of amounts."""
        if self._plain is not None:
            return self._plain(observations)
        policy: Any = self._model.policy
        with torch.no_grad():
            seen = torch.as_tensor(observations, device=self._model.device)
            latent = policy.mlp_extractor.forward_actor(
                policy.extract_features(seen, policy.pi_features_extractor)
            )
            # Not through a distribution object: making one takes longer than the network.
            outputs: NDArray[np.float32] = policy.action_net(latent).cpu().numpy()
        return outputs


def actor_layers(model: OnPolicyAlgorithm) -> dict[str, torch.Tensor] | None:
    """The actor of a model as layers of tanh on the observation as it is.

    Args:
        model: on-policy.

    Returns:
        Copies of the parameters of a `FlatNetwork`, by its names; None if the actor is no such
        thing.
    """
    policy: Any = model.policy
    extractor, features = policy.mlp_extractor, policy.pi_features_extractor
    if not isinstance(features, FlattenExtractor):
        return None
    if isinstance(policy.action_net, SharedNetwork):
        return policy.action_net.as_layers(policy.features_dim)
    layers = list(getattr(extractor, "policy_net", ()))
    is_plain = (
        isinstance(extractor, MlpExtractor)
        and isinstance(policy.action_net, nn.Linear)
        and bool(layers)
        and all(isinstance(layer, nn.Linear | nn.Tanh) for layer in layers)
        and len(layers) == 2 * sum(isinstance(layer, nn.Linear) for layer in layers)
    )
    if not is_plain:
        return None
    state = {name.removeprefix("mlp_extractor."): x for name, x in policy.state_dict().items()}
    parts = ("policy_net.", "action_net.")
    return {name: x.detach().cpu().clone() for name, x in state.items() if name.startswith(parts)}


def _plain_network(model: OnPolicyAlgorithm) -> PlainNetwork | PlainSharedNetwork | None:
    policy: Any = model.policy
    if isinstance(policy.action_net, SharedNetwork):
        return policy.action_net.plain()
    layers = actor_layers(model)
    if layers is None:
        return None
    return PlainNetwork({name: values.numpy() for name, values in layers.items()})


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

    Raises:
        ConfigError: if a number is not positive; when a training is resumed, if the file is not
            one of this callback's with the same indicators.

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
        self._record = None if record is None else tuple(record)
        self._greedy = greedy
        self._horizon_s = horizon_s
        self._next_step = 0

    def evaluate_now(self) -> Evaluation:
        """Evaluates the model as it is and records it."""
        batch = native_env(self.training_env).batch
        scenarios = tuple(batch.scenarios)
        if self._horizon_s is not None:
            scenarios = tuple(one.replace(horizon_s=self._horizon_s) for one in scenarios)
        evaluation = evaluate(
            ModelPolicy(self.model, greedy=self._greedy).frozen(),  # type: ignore[arg-type]
            scenarios,
            self._seeds,
            action=batch.arguments["action"],
            objective=batch.arguments["objective"],
            objective_seed=batch.arguments["objective_seed"],
        )
        line = {"step": float(self.num_timesteps)}
        for name, values in self._recorded(evaluation, scenarios).items():
            line[name] = float(values.mean())
            self.logger.record(f"validation/{name}", line[name])
        self.logger.dump(self.num_timesteps)  # at this step, not at that of the next dump
        self.history.append(line)
        if self._path is not None:
            self._append(self._path, line)
        return evaluation

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
