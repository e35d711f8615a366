"""The default settings of a training, by kind of scenario."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from agents.settings import PPO_NAMES, WITH_TWIN, AgentName, TrainSettings, whole_rollouts
from twin_gym.core.credit import Credit
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy, policies_of
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

_Table = Mapping[str, Any]
_SettingsOf = Callable[[Any, str], _Table]

_FIXED_LENGTH: _Table = MappingProxyType(
    {
        "staggered": True, "anneal": True, "n_envs": 32, "n_steps": 16,
        "ent_coef": 0.0, "learning_rate": 1.5e-3, "total_timesteps": 131_072,
    }
)  # fmt: skip
"""The settings for episodes of one length: staggered networks, and rates that fall to 0.

For slotted environments, and those whose `learning.py` says how far ahead learners look.
"""

_FIXED_LENGTH_PPO: _Table = MappingProxyType(
    {"n_steps": 64, "learning_rate": 2e-3, "batch_size": 256}
)
"""The settings of PPO and MaskablePPO that differ from those."""

SHARED: _Table = MappingProxyType({"shared": True, "learning_rate": 6e-3, "n_steps": 8})
SHARED_PPO: _Table = MappingProxyType({"shared": True, "learning_rate": 3e-3})
"""The settings that differ where an action picks one of many like things, for A2C and for PPO.

A2C makes one gradient step of a rollout and needs short ones to make enough of them.
"""


_A2C_FROM_TWIN: _Table = MappingProxyType(
    {
        "n_steps": 8, "learning_rate": 5e-4, "critic_rate_ratio": 4.0, "smoothing": 0.2,
        "critic_warm_up_steps": 8192,
    }
)  # fmt: skip
"""Of A2C from a twin, beside `_FIXED_LENGTH`: it makes one gradient step of a rollout, and a few
large ones move hardly more than the biases of the output, the same way in all states; a critic that
learns no faster than the actor lets them go too."""

_PPO_FROM_TWIN: _Table = MappingProxyType(
    {
        "n_envs": 32, "n_steps": 64, "batch_size": 256, "anneal": True, "smoothing": 0.2,
        "critic_warm_up_steps": 8192,
    }
)  # fmt: skip
"""Of PPO and MaskablePPO from a twin: many small steps, the first ones the critic's alone."""

_SHARED_TWIN: _Table = MappingProxyType({"smoothing": 0.02, "temperature": 3.0})
"""Of twins that pick one of many like things, of whom the best and the second best differ little:
labels that are smoothed much tell them apart too seldom. The temperature lets the actor explore
around the same greedy decisions."""

_GUARDED: _Table = MappingProxyType({"guard_looks": 3})
_GUARDED_FROM_STEPS = 16_384
"""Of agents from a twin; a shorter training would spend too much of itself on looks."""

_WARM_UP_SHARE = 0.25
"""The most that a warm-up which is not given may take of a training."""


def settings_for(agent: AgentName, scenario: str, **given: Any) -> TrainSettings:
    """The default settings for the kind of a scenario, with the given changes.

    Args:
        agent: one of `agents.settings.AGENTS`.
        scenario: preset name or path of a TOML file.
        given: settings by name; steps that are not given are rounded to whole rollouts.

    Returns:
        The settings; for admission those of `TrainSettings`.

    Raises:
        ConfigError: if a value is not allowed, or a scenario is of another kind than the first.
        UnknownNameError: if there is no such scenario or setting.
    """
    kind_of((scenario, *given.get("more_scenarios", ())))
    usual = defaults_of(load(scenario), agent, given.get("action"))
    values = {"agent": agent, "scenario": scenario, **usual, **given}
    rollout = _rollout(values)
    for name in {"total_timesteps", "leg_steps"} - given.keys():
        if rollout > 0:
            values[name] = whole_rollouts(values.get(name, getattr(TrainSettings, name)), rollout)
    if rollout > 0 and "critic_warm_up_steps" in usual.keys() - given.keys():
        values["critic_warm_up_steps"] = _warm_up(values, rollout)
    if values.get("total_timesteps", TrainSettings.total_timesteps) < _GUARDED_FROM_STEPS:
        values["guard_looks"] = given.get("guard_looks", 0)
    return TrainSettings().with_(**values)


def defaults_of(scenario: Scenario, agent: AgentName, action: str | None = None) -> dict[str, Any]:
    """The settings of an agent that differ from those of `TrainSettings`, by name.

    Args:
        scenario: what it is trained on.
        agent: one of `agents.settings.AGENTS`.
        action: form of the actions; None: the default of the environment.
    """
    kind = kind_named(scenario.kind)
    credit: Credit | None = kind.facet("credit")
    defaults: dict[str, Any] = {}  # of requests as `TrainSettings` has it: digests hang on that
    if hasattr(scenario, "slot_s") or credit is not None:
        defaults = {**_FIXED_LENGTH, "default_policy": _default_policy(scenario, agent, action)}
        defaults |= _FIXED_LENGTH_PPO if agent in PPO_NAMES else {}
    if credit is not None:
        defaults |= credit.of(scenario)
    form = form_of(scenario.kind, action)
    if form.candidate_groups:
        defaults |= SHARED_PPO if agent in PPO_NAMES else SHARED
    if agent in WITH_TWIN & PPO_NAMES:
        defaults |= _PPO_FROM_TWIN
    elif agent in WITH_TWIN and defaults:
        defaults |= _A2C_FROM_TWIN
    if agent in WITH_TWIN:
        defaults |= _GUARDED
    if form.candidate_groups and _has_twin(agent):
        defaults |= _SHARED_TWIN
    own: _SettingsOf | None = kind.facet("settings")
    return defaults if own is None else {**defaults, **own(scenario, agent)}


def _default_policy(scenario: Scenario, agent: AgentName, action: str | None) -> str:
    """What is logged for a twin, else what runs today; the first rule that has the form of action.

    Agents without a twin keep what runs today: their digests hang on it.
    """
    kind = kind_named(scenario.kind)
    today: str = kind.facet("default_policy")
    logged: str = kind.facet("logged_policy", today) if _has_twin(agent) else today
    for name in (logged, today, *(one for one in policies_of(scenario.kind) if one != "random")):
        with suppress(ConfigError):
            make_policy(name, scenario, action)
            return name
    return today


def _has_twin(agent: AgentName) -> bool:
    """Whether an agent starts from a twin, or is one."""
    return agent in WITH_TWIN or agent == "clone"


def kind_of(scenarios: tuple[str, ...]) -> str:
    """The one kind of all the scenarios of a training.

    Raises:
        ConfigError: if they are of several kinds: no environment has room for them.
    """
    kinds = {name: load(name).kind for name in scenarios}
    if len(set(kinds.values())) > 1:
        listing = ", ".join(f"{name!r} of {kind!r}" for name, kind in kinds.items())
        raise ConfigError(f"one training is on scenarios of one kind, got {listing}")
    return kinds[scenarios[0]]


def _rollout(values: Mapping[str, Any]) -> int:
    rows: int = values.get("n_envs", TrainSettings.n_envs)
    return rows * int(values.get("n_steps", TrainSettings.n_steps))


def _warm_up(values: Mapping[str, Any], rollout: int) -> int:
    """As many steps as are usual, in whole rollouts; fewer in a short training."""
    most = min(values["total_timesteps"], values["leg_steps"]) * _WARM_UP_SHARE
    steps: int = min(values["critic_warm_up_steps"], int(most))
    return max(0, steps // rollout * rollout)
