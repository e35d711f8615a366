"""Putting a policy twin into an actor-critic model as its initial actor (paper B, section IV-A).

Stable-Baselines3's own partial loading ignores names that it does not know. Here every parameter of
the twin must find its place, and the report says what was loaded and what was left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor

from twin_gym.errors import ConfigError
from twin_gym.sb3.vec_env import native_env
from twin_gym.twins.policy_twin import PolicyTwin

_PLACES = {"policy_net.": "mlp_extractor.policy_net.", "action_net.": "action_net."}
_SLOT_PLACE = "action_net."


@dataclass(frozen=True)
class WarmStart:
    """What a warm start did.

    Attributes:
        twin: its name.
        loaded: parameters of the model that now have the twin's values, with their shapes.
        untouched: parameters of the model that were left alone: the critic.
        temperature: the twin's logits were divided by it.
    """

    twin: str
    loaded: dict[str, tuple[int, ...]]
    untouched: tuple[str, ...]
    temperature: float

    def __str__(self) -> str:
        count = sum(torch.Size(shape).numel() for shape in self.loaded.values())
        return (
            f"warm start from {self.twin}: loaded {len(self.loaded)} tensors ({count} parameters: "
            f"{', '.join(self.loaded)}), temperature {self.temperature:g}; left alone: "
            f"{', '.join(self.untouched)}"
        )


def warm_start(
    model: OnPolicyAlgorithm, twin: PolicyTwin, *, temperature: float = 1.0
) -> WarmStart:
    """Makes a twin the initial actor of `A2C`, `PPO` or `MaskablePPO`; the critic stays as it is.

    Args:
        model: with a policy of the twin's architecture, on an environment from `make_vec_env`.
        twin: made on a scenario with the same fields.
        temperature: divides the twin's logits. Above 1 the actor explores more around the same
            greedy decisions, which a faithful twin does not do by itself.

    Returns:
        What was loaded.

    Raises:
        ConfigError: if the temperature is not positive, the twin does not fit the environment, or
            a parameter has no place of its name and shape; the model is then as it was.
    """
    if not 0.0 < temperature < float("inf"):
        raise ConfigError(f"temperature must be positive and finite, got {temperature!r}")
    env = model.get_env()
    if env is None:
        raise ConfigError("the model has no environment: give it one with set_env")
    native = native_env(env)
    twin.check_fits(native.scenario, native.batch.arguments["action"])
    places = _places(model, twin)
    own = model.policy.state_dict()
    with torch.no_grad():
        for name, values in twin.network.state_dict().items():
            scale = temperature if _is_logit_layer(name) else 1.0
            own[places[name]].copy_(values / scale)
    loaded = {places[name]: tuple(own[places[name]].shape) for name in places}
    untouched = tuple(name for name in own if name not in loaded)
    return WarmStart(twin.name, loaded, untouched, temperature)


def actor_parameters(model: OnPolicyAlgorithm, twin: PolicyTwin) -> list[torch.nn.Parameter]:
    """The parameters that a warm start from the twin would set."""
    names = set(_places(model, twin).values())
    return [value for name, value in model.policy.named_parameters() if name in names]


def _is_logit_layer(name: str) -> bool:
    """Whether a parameter belongs to a layer whose outputs are logits."""
    return name.startswith(("action_net.", "wait_net.2."))


def _places(model: OnPolicyAlgorithm, twin: PolicyTwin) -> dict[str, str]:
    """By name in the twin, the name in the model; every one checked."""
    own = model.policy.state_dict()
    places = {}
    problems = _other_inputs(model, twin)
    for name, values in twin.network.state_dict().items():
        place = _place(name, twin)
        if place not in own:
            problems.append(f"{place} is missing")
        elif own[place].shape != values.shape:
            problems.append(f"{place} is {tuple(own[place].shape)}, not {tuple(values.shape)}")
        places[name] = place
    actor = [name for name in own if name.startswith(tuple(_PLACES.values()))]
    problems += [f"{name} is not in the twin" for name in actor if name not in places.values()]
    if problems:
        raise ConfigError(
            f"{twin.name!r} does not fit {type(model.policy).__name__}: {'; '.join(problems)}. "
            f"Build the model with {_advice(twin)}"
        )
    return places


def _other_inputs(model: OnPolicyAlgorithm, twin: PolicyTwin) -> list[str]:
    """What would make equal parameters decide otherwise: other functions, other inputs."""
    policy = model.policy
    problems = []
    activation = getattr(policy, "activation_fn", torch.nn.Tanh)
    if twin.card.action == "slice" and activation is not torch.nn.Tanh:
        problems.append(f"activation_fn is {activation.__name__}, not Tanh")
    extractor = getattr(policy, "pi_features_extractor", None)
    if type(extractor) is not FlattenExtractor:
        problems.append(f"its features come from {type(extractor).__name__}, not FlattenExtractor")
    normaliser = model.get_vec_normalize_env()
    if normaliser is not None and normaliser.norm_obs:
        problems.append("VecNormalize changes the observations: give it norm_obs=False")
    return problems


def _place(name: str, twin: PolicyTwin) -> str:
    if twin.card.action == "slot":
        return _SLOT_PLACE + name
    for prefix, place in _PLACES.items():
        if name.startswith(prefix):
            return place + name.removeprefix(prefix)
    return name


def _advice(twin: PolicyTwin) -> str:
    if twin.card.action == "slot":
        return "policy=SlotActorCriticPolicy and policy_kwargs=slot_policy_kwargs(scenario)"
    return f"policy_kwargs=dict(net_arch={list(twin.card.hidden)})"
