"""Putting a policy twin into an actor-critic model as its initial actor (paper B, section IV-A).

Stable-Baselines3's own partial loading ignores names that it does not know. Here every parameter of
the twin must find its place, and the report says what was loaded and what was left alone.

A twin of discrete actions brings logits, whose temperature says how much the actor explores. A twin
of amounts brings means alone: the spread of the Gaussian around them is set here, for that of a new
model (1, as wide as the whole range of an amount) would drown the twin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.torch_layers import FlattenExtractor

from twin_gym.errors import ConfigError
from twin_gym.sb3.vec_env import native_env
from twin_gym.twins.networks import SlotNetwork
from twin_gym.twins.policy_twin import PolicyTwin
from twin_gym.twins.shared_network import SharedNetwork

_PLACES = {"policy_net.": "mlp_extractor.policy_net.", "action_net.": "action_net."}
_ACTION_NET = "action_net."
_LOGIT_LAYERS = ("action_net.", "wait_net.2.", "score.", "nobody")
_SPREAD = "log_std"

DEFAULT_ACTION_STD = 0.1
"""Standard deviation of a warm-started actor's amounts, as a share of each one's range."""


@dataclass(frozen=True)
class WarmStart:
    """The report of a warm start.

    Attributes:
        twin: its name.
        loaded: parameters of the model that now have the twin's values, with their shapes.
        untouched: parameters of the model that were left alone: the critic.
        temperature: the twin's logits were divided by it.
        action_std: where actions are amounts, the standard deviation that the actor was given, as
            a share of each amount's range (its parameter `log_std`, which no twin has); None where
            they are discrete.
    """

    twin: str
    loaded: dict[str, tuple[int, ...]]
    untouched: tuple[str, ...]
    temperature: float
    action_std: float | None = None

    def __str__(self) -> str:
        count = sum(torch.Size(shape).numel() for shape in self.loaded.values())
        explores = f"temperature {self.temperature:g}"
        if self.action_std is not None:
            explores = f"{_SPREAD} set to a standard deviation of {self.action_std:g} of the range"
        return (
            f"warm start from {self.twin}: loaded {len(self.loaded)} tensors ({count} parameters: "
            f"{', '.join(self.loaded)}), {explores}; left alone: {', '.join(self.untouched)}"
        )


def warm_start(
    model: OnPolicyAlgorithm,
    twin: PolicyTwin,
    *,
    temperature: float = 1.0,
    action_std: float | None = None,
) -> WarmStart:
    """Makes a twin the initial actor of `A2C`, `PPO` or `MaskablePPO`; the critic is not changed.

    Args:
        model: with a policy of the twin's architecture, on an environment from `make_vec_env`.
        twin: made on a scenario with the same fields and actions.
        temperature: divides the twin's logits. Above 1 the actor explores more around the same
            greedy decisions, which a faithful twin does not do by itself. Must be 1 where actions
            are amounts.
        action_std: where actions are amounts, how widely the actor draws around the twin's: a share
            of each amount's range, above 0; None: `DEFAULT_ACTION_STD`. Must be None where actions
            are discrete.

    Returns:
        What was loaded.

    Raises:
        ConfigError: if the temperature or the deviation is not positive or not for this form of
            action, the twin does not fit the environment, or a parameter has no place of its name
            and shape; the model is then as it was.
    """
    deviation = _checked_exploration(twin, temperature, action_std)
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
        if deviation is not None:
            own[_SPREAD].copy_(_log_std(twin, deviation))
    loaded = {places[name]: tuple(own[places[name]].shape) for name in places}
    untouched = tuple(name for name in own if name not in {*loaded, *_spread_of(twin)})
    return WarmStart(twin.name, loaded, untouched, temperature, deviation)


def actor_parameters(model: OnPolicyAlgorithm, twin: PolicyTwin) -> list[torch.nn.Parameter]:
    """The parameters that a warm start from the twin would set, the spread of amounts included."""
    names = {*_places(model, twin).values(), *_spread_of(twin)}
    return [value for name, value in model.policy.named_parameters() if name in names]


def _checked_exploration(
    twin: PolicyTwin, temperature: float, action_std: float | None
) -> float | None:
    """The deviation to set, if actions are amounts."""
    if not 0.0 < temperature < float("inf"):
        raise ConfigError(f"temperature must be positive and finite, got {temperature!r}")
    if twin.metadata.space.is_discrete:
        if action_std is not None:
            raise ConfigError(
                f"action_std is for amounts, and {twin.name!r} gives discrete actions: set the "
                "temperature instead"
            )
        return None
    if temperature != 1.0:
        raise ConfigError(
            f"{twin.name!r} gives amounts, which have no temperature, got {temperature!r}: set "
            "action_std instead"
        )
    deviation = DEFAULT_ACTION_STD if action_std is None else action_std
    if not 0.0 < deviation < float("inf"):
        raise ConfigError(f"action_std must be positive and finite, got {action_std!r}")
    return deviation


def _log_std(twin: PolicyTwin, deviation: float) -> torch.Tensor:
    """The new `log_std` of the model, one value an amount."""
    space = twin.metadata.space
    return torch.tensor(
        [
            math.log(deviation * (high - low))
            for low, high in zip(space.low, space.high, strict=True)
        ]
    )


def _spread_of(twin: PolicyTwin) -> tuple[str, ...]:
    """The parameter besides the twin's own that a warm start sets."""
    return () if twin.metadata.space.is_discrete else (_SPREAD,)


def _is_logit_layer(name: str) -> bool:
    """Whether a parameter belongs to a layer whose outputs are logits."""
    return name.startswith(_LOGIT_LAYERS)


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
    problems += _other_spread(own, twin)
    actor = [name for name in own if name.startswith(tuple(_PLACES.values()))]
    problems += [f"{name} is not in the twin" for name in actor if name not in places.values()]
    if problems:
        raise ConfigError(
            f"{twin.name!r} does not fit {type(model.policy).__name__}: {'; '.join(problems)}. "
            f"Build the model with {_advice(twin)}"
        )
    return places


def _other_spread(own: Mapping[str, torch.Tensor], twin: PolicyTwin) -> list[str]:
    """Problems of setting the spread of amounts; empty if there are none."""
    if twin.metadata.space.is_discrete:
        return []
    expected = (len(twin.metadata.action_low),)
    shape = tuple(own[_SPREAD].shape) if _SPREAD in own else "missing"
    return (
        []
        if shape == expected
        else [f"{_SPREAD} is {shape}, not {expected}: use_sde must be False"]
    )


def _other_inputs(model: OnPolicyAlgorithm, twin: PolicyTwin) -> list[str]:
    """Differences by which equal parameters decide otherwise: other functions, other inputs."""
    policy = model.policy
    problems = []
    activation = getattr(policy, "activation_fn", torch.nn.Tanh)
    if not _is_whole_actor(twin) and activation is not torch.nn.Tanh:
        problems.append(f"activation_fn is {activation.__name__}, not Tanh")
    extractor = getattr(policy, "pi_features_extractor", None)
    if type(extractor) is not FlattenExtractor:
        problems.append(f"its features come from {type(extractor).__name__}, not FlattenExtractor")
    normaliser = model.get_vec_normalize_env()
    if normaliser is not None and normaliser.norm_obs:
        problems.append("VecNormalize changes the observations: give it norm_obs=False")
    return problems + _other_candidates(policy.action_net, twin)


def _other_candidates(actor: torch.nn.Module, twin: PolicyTwin) -> list[str]:
    """Differences in what a shared network looks at."""
    mine = twin.network
    if not isinstance(actor, SharedNetwork) or not isinstance(mine, SharedNetwork):
        return []
    is_same = torch.equal(actor.columns, mine.columns) and actor.common == mine.common
    return [] if is_same else ["its shared network looks at other fields of the candidates"]


def _is_whole_actor(twin: PolicyTwin) -> bool:
    """Whether the model has the twin's network as a whole where others have a last layer."""
    return isinstance(twin.network, SlotNetwork | SharedNetwork)


def _place(name: str, twin: PolicyTwin) -> str:
    if _is_whole_actor(twin):
        return _ACTION_NET + name
    for prefix, place in _PLACES.items():
        if name.startswith(prefix):
            return place + name.removeprefix(prefix)
    return name


def _advice(twin: PolicyTwin) -> str:
    if isinstance(twin.network, SharedNetwork):
        (width,) = twin.metadata.hidden
        return (
            "policy=SharedActorCriticPolicy (of MaskablePPO: SharedMaskablePolicy) and "
            f"policy_kwargs=shared_policy_kwargs(scenario, {width}, "
            f"action={twin.metadata.action!r}), or make the twin with `shared=False`"
        )
    if isinstance(twin.network, SlotNetwork):
        return "policy=SlotActorCriticPolicy and policy_kwargs=slot_policy_kwargs(scenario)"
    return f"policy_kwargs=dict(net_arch={list(twin.metadata.hidden)})"
