"""Actors of Stable-Baselines3 apart from their models: copied, compared and put back.

A model's actor changes with every update, and so do the statistics of a `VecNormalize` before it. A
`FrozenActor` is both as they were at one time.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import BaseModel
from stable_baselines3.common.torch_layers import FlattenExtractor, MlpExtractor
from torch import nn

from twin_gym.errors import ConfigError
from twin_gym.policies.base import Observations
from twin_gym.twins.forward import PlainNetwork, PlainSharedNetwork
from twin_gym.twins.shared_network import SharedNetwork

Tensors = dict[str, torch.Tensor]

_CRITIC = ("value_net.", "mlp_extractor.value_net.", "vf_features_extractor.")
"""How the names of parameters begin that the critic alone uses."""
_MEAN, _VAR, _COUNT = "mean", "var", "count"


def actor_layers(model: OnPolicyAlgorithm) -> Tensors | None:
    """The actor of a model as layers of tanh on the observation as it is.

    Args:
        model: on-policy.

    Returns:
        Copies of the parameters of a `FlatNetwork`, by its names; None if the actor is no such
        thing.
    """
    return _layers(model.policy)


def _layers(policy: Any) -> Tensors | None:  # noqa: ANN401 - an actor-critic policy of any library
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


def _plain_network(policy: Any) -> PlainNetwork | PlainSharedNetwork | None:  # noqa: ANN401 - as above
    if isinstance(policy.action_net, SharedNetwork):
        return policy.action_net.plain()
    layers = _layers(policy)
    if layers is None:
        return None
    return PlainNetwork({name: values.numpy() for name, values in layers.items()})


@dataclass(frozen=True)
class ObservationScale:
    """How `VecNormalize` changes observations, as it was at one time.

    Attributes:
        mean: running mean; shape of an observation.
        var: running variance; as above.
        count: how many observations they are of.
        epsilon: added to the variance.
        clip: normalised values are cut to this size.
    """

    mean: NDArray[np.float64]
    var: NDArray[np.float64]
    count: float
    epsilon: float
    clip: float

    @classmethod
    def of(cls, model: OnPolicyAlgorithm) -> ObservationScale | None:
        """A copy of the model's; None where its observations are not normalised."""
        normaliser: Any = model.get_vec_normalize_env()
        if normaliser is None or not normaliser.norm_obs:
            return None
        seen = normaliser.obs_rms
        return cls(
            seen.mean.copy(), seen.var.copy(), float(seen.count),
            float(normaliser.epsilon), float(normaliser.clip_obs),
        )  # fmt: skip

    def __call__(self, observations: Observations) -> Observations:
        """The normalised observations; same shape."""
        scaled = (observations - self.mean) / np.sqrt(self.var + self.epsilon)
        return np.clip(scaled, -self.clip, self.clip).astype(np.float32)


class FrozenActor:
    """A copy of a model's actor and of the statistics that its observations are normalised with.

    Every parameter belongs to the actor that does not have one of the names that
    Stable-Baselines3 gives to those of the critic alone: what both use is the actor's.

    Args:
        model: on-policy, with an actor-critic policy of Stable-Baselines3 or derived from one.

    Attributes:
        policy: a copy of the model's policy, without optimiser.
        scale: how observations are normalised; None: not at all.
        action_space: of the model.
    """

    def __init__(self, model: OnPolicyAlgorithm) -> None:
        source: Any = model.policy
        # Neither is needed to decide, and the second may hold what cannot be copied (gSDE).
        left_out = (source.optimizer, getattr(source, "action_dist", None))
        self.policy: Any = copy.deepcopy(source, {id(one): None for one in left_out})
        self.policy.set_training_mode(False)
        self.scale = ObservationScale.of(model)
        self.action_space = model.action_space
        self._plain = _plain_network(self.policy)

    @property
    def tensors(self) -> Tensors:
        """The parameters of the actor, by their names in the policy, and the statistics."""
        own = actor_state(self.policy)
        if self.scale is None:
            return own
        named = {_MEAN: self.scale.mean, _VAR: self.scale.var, _COUNT: self.scale.count}
        return own | {
            _of_scale(name): torch.from_numpy(np.array(value, np.float64))
            for name, value in named.items()
        }

    @property
    def std(self) -> NDArray[np.float32]:
        """Standard deviations of amounts."""
        values: NDArray[np.float32] = self.policy.log_std.detach().exp().cpu().numpy()
        return values

    def outputs(self, observations: Observations) -> NDArray[np.float32]:
        """Logits of all actions, allowed or not; or the means of amounts.

        Args:
            observations: as the environment gives them; shape (rows, fields).

        Returns:
            Shape (rows, actions).
        """
        seen = observations if self.scale is None else self.scale(observations)
        seen = np.asarray(seen, np.float32)
        return torch_outputs(self.policy, seen) if self._plain is None else self._plain(seen)

    def equals(self, other: FrozenActor) -> bool:
        """Whether both decide alike, to the last bit."""
        mine, theirs = self.tensors, other.tensors
        return mine.keys() == theirs.keys() and all(
            torch.equal(value, theirs[name]) for name, value in mine.items()
        )

    @classmethod
    def of_tensors(
        cls, model: OnPolicyAlgorithm, tensors: Mapping[str, torch.Tensor]
    ) -> FrozenActor:
        """An actor of the form of a model's, with other values.

        Args:
            model: as for the class.
            tensors: as `tensors` gives them.

        Raises:
            ConfigError: if a name, a shape or a type is another one.
        """
        actor = cls(model)
        own = actor.tensors
        wrong = sorted(
            name
            for name in own.keys() | tensors.keys()
            if name not in own or name not in tensors or not _are_alike(own[name], tensors[name])
        )
        if wrong:
            raise ConfigError(
                f"the actor of {type(actor.policy).__name__} has other parameters than were kept: "
                f"{', '.join(wrong[:4])}: build the model with the same policy and the same "
                "VecNormalize as then"
            )
        actor._take(tensors)
        return actor

    def _take(self, tensors: Mapping[str, torch.Tensor]) -> None:
        _copy_into(self.policy, tensors)
        if self.scale is not None:
            mean, var, count = (tensors[_of_scale(name)].numpy() for name in (_MEAN, _VAR, _COUNT))
            self.scale = replace(self.scale, mean=mean.copy(), var=var.copy(), count=float(count))
        self._plain = _plain_network(self.policy)

    def put_into(self, model: OnPolicyAlgorithm) -> None:
        """Gives the model this actor; its critic and its optimiser stay as they are.

        The statistics of observations go into its `VecNormalize`, without which the actor would
        decide otherwise.
        """
        _copy_into(model.policy, self.tensors)
        normaliser: Any = model.get_vec_normalize_env()
        if self.scale is not None and normaliser is not None:
            seen = normaliser.obs_rms
            seen.mean, seen.var = self.scale.mean.copy(), self.scale.var.copy()
            seen.count = self.scale.count


def actor_state(policy: nn.Module) -> Tensors:
    """Copies of the parameters of a policy that are not of the critic alone, by name."""
    return {
        name: value.detach().cpu().clone()
        for name, value in policy.state_dict().items()
        if not name.startswith(_CRITIC)
    }


def torch_outputs(policy: Any, observations: Observations) -> NDArray[np.float32]:  # noqa: ANN401
    """Logits of all actions, or the means of amounts, by the torch modules of a policy."""
    with torch.no_grad():
        seen = torch.as_tensor(observations, device=policy.device)
        # Not the policy's own method, which gives the critic's features along where they differ.
        features = BaseModel.extract_features(policy, seen, policy.pi_features_extractor)
        latent = policy.mlp_extractor.forward_actor(features)
        # Not through a distribution object: making one takes longer than the network.
        outputs: NDArray[np.float32] = policy.action_net(latent).cpu().numpy()
    return outputs


def check_actor(model: Any) -> None:  # noqa: ANN401 - whatever a user hands over
    """Refuses a model whose actor cannot be copied and run by itself.

    Raises:
        ConfigError: if its algorithm is not on-policy, or its policy is no actor-critic policy
            whose actor decides by the present observation alone.
    """
    if not isinstance(model, OnPolicyAlgorithm):
        raise ConfigError(
            f"this is for on-policy algorithms, and {type(model).__name__} is none: take A2C, PPO, "
            "MaskablePPO or a subclass of stable_baselines3's OnPolicyAlgorithm"
        )
    policy: Any = model.policy
    parts = ("mlp_extractor", "action_net", "pi_features_extractor")
    missing = [name for name in parts if not hasattr(policy, name)]
    if missing or not hasattr(policy.mlp_extractor, "forward_actor"):
        raise ConfigError(
            f"{type(policy).__name__} has no actor that can be run by itself "
            f"({missing[0] if missing else 'mlp_extractor.forward_actor'} is missing): derive it "
            "from ActorCriticPolicy or MaskableActorCriticPolicy"
        )
    if hasattr(policy, "lstm_actor"):
        raise ConfigError(
            f"the actor of {type(policy).__name__} has a memory, and here one observation decides: "
            "take a policy without a recurrent network"
        )
    if not isinstance(model.action_space, spaces.Discrete | spaces.Box):
        raise ConfigError(
            f"actions are discrete or amounts in a box here, got {model.action_space}: choose "
            "another form of action"
        )


def _copy_into(policy: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    own = policy.state_dict()
    with torch.no_grad():
        for name, value in tensors.items():
            if name in own:
                own[name].copy_(value)


def _are_alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _of_scale(name: str) -> str:
    return f"observation_scale/{name}"
