"""What suits trainings on a kind of scenario where the user says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agents.settings import AgentName, TrainSettings, whole_rollouts
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario, load

PPO_NAMES: frozenset[AgentName] = frozenset({"ppo", "maskable-ppo"})

_Table = Mapping[str, Any]
_NOTHING: _Table = MappingProxyType({})

OF_KIND: Mapping[str, _Table] = MappingProxyType(
    {
        "admission": _NOTHING,  # the defaults of `TrainSettings`, which digests hang on
        "access": MappingProxyType({"default_policy": "fixed"}),
        "tic": MappingProxyType({"default_policy": "first-come"}),
        "sync": MappingProxyType({"default_policy": "round-robin"}),
    }
)
"""By kind of scenario, the settings in which it differs from admission."""

OF_PPO: Mapping[str, _Table] = MappingProxyType(
    {"admission": _NOTHING, "access": _NOTHING, "tic": _NOTHING, "sync": _NOTHING}
)
"""By kind of scenario, what differs for PPO and MaskablePPO besides."""


def settings_for(agent: AgentName, scenario: str, **given: Any) -> TrainSettings:
    """Settings that suit the kind of a scenario, and what is given in place of them.

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
    kind = kind_of((scenario, *given.get("more_scenarios", ())))
    values = {"agent": agent, "scenario": scenario, **defaults_of(kind, agent), **given}
    rollout = _rollout(values)
    for name in {"total_steps", "leg_steps"} - given.keys():
        if rollout > 0:
            values[name] = whole_rollouts(values.get(name, getattr(TrainSettings, name)), rollout)
    return TrainSettings().with_(**values)


def defaults_of(kind: str, agent: AgentName) -> dict[str, Any]:
    """The settings of an agent that differ from those of `TrainSettings`, by name.

    Args:
        kind: of the scenario.
        agent: one of `agents.settings.AGENTS`.
    """
    return {**OF_KIND[kind], **(OF_PPO[kind] if agent in PPO_NAMES else {})}


def kind_of(scenarios: tuple[str, ...]) -> str:
    """The one kind of all the scenarios of a training.

    Raises:
        ConfigError: if they are of several kinds: no environment has room for them.
    """
    kinds = {name: load(name, Scenario).kind for name in scenarios}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{name!r} of {kind!r}" for name, kind in kinds.items())
        raise ConfigError(f"one training is on scenarios of one kind, got {told}")
    return kinds[scenarios[0]]


def _rollout(values: Mapping[str, Any]) -> int:
    rows: int = values.get("num_rows", TrainSettings.num_rows)
    return rows * int(values.get("rollout_steps", TrainSettings.rollout_steps))
