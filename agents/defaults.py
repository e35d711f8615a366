"""What suits trainings on a kind of scenario where the user says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from agents.settings import WITH_TWIN, AgentName, TrainSettings, whole_rollouts
from twin_gym.errors import ConfigError
from twin_gym.policies.registry import FORMS_OF_KIND
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

PPO_NAMES: frozenset[AgentName] = frozenset({"ppo", "maskable-ppo"})

_Table = Mapping[str, Any]

_SLOTTED: _Table = MappingProxyType(
    {
        "spread_rows": True, "annealed": True, "num_rows": 32, "rollout_steps": 16,
        "entropy_weight": 0.0, "learning_rate": 1.5e-3, "total_steps": 131_072,
    }
)  # fmt: skip
"""Where episodes are equally long: rows out of step, and in the end nothing is left to chance."""

OF_KIND: Mapping[str, _Table] = MappingProxyType(
    {
        "admission": MappingProxyType({}),  # as `TrainSettings` has it: digests hang on that
        "access": MappingProxyType({**_SLOTTED, "default_policy": "fixed"}),
        "tic": MappingProxyType({**_SLOTTED, "default_policy": "first-come"}),
        "sync": MappingProxyType({**_SLOTTED, "default_policy": "round-robin"}),
    }
)
"""By kind of scenario, the settings in which it differs from admission."""

_OF_PPO: _Table = MappingProxyType({"rollout_steps": 64, "learning_rate": 2e-3, "batch_size": 256})

OF_PPO: Mapping[str, _Table] = MappingProxyType(
    {"admission": MappingProxyType({}), "access": _OF_PPO, "tic": _OF_PPO, "sync": _OF_PPO}
)
"""By kind of scenario, what differs for PPO and MaskablePPO besides."""

SHARED: _Table = MappingProxyType({"shared": True, "learning_rate": 6e-3, "rollout_steps": 8})
SHARED_PPO: _Table = MappingProxyType({"shared": True, "learning_rate": 3e-3})
"""What differs where an action picks one of many like things, for A2C and for PPO.

A2C makes one gradient step of a rollout and needs short ones to make enough of them.
"""

CREDIT_SLOTS: Mapping[str, tuple[float, float]] = MappingProxyType({"access": (3.0, 1.0)})
"""By kind of scenario, discount time and trace time in slots, where they do not go with its unit.

Whom a barring probability lets through shows in the same opportunity, and the genie, which looks no
further, is near the bound: longer credit has more noise and nothing more to say.
"""

CREDIT_UNITS: Mapping[str, tuple[float, float]] = MappingProxyType({"tic": (2.0, 0.6)})
"""The same in time units."""


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
    kind_of((scenario, *given.get("more_scenarios", ())))
    usual = defaults_of(load(scenario, Scenario), agent, given.get("action"))
    values = {"agent": agent, "scenario": scenario, **usual, **given}
    rollout = _rollout(values)
    for name in {"total_steps", "leg_steps"} - given.keys():
        if rollout > 0:
            values[name] = whole_rollouts(values.get(name, getattr(TrainSettings, name)), rollout)
    return TrainSettings().with_(**values)


def defaults_of(scenario: Scenario, agent: AgentName, action: str | None = None) -> dict[str, Any]:
    """The settings of an agent that differ from those of `TrainSettings`, by name.

    Args:
        scenario: what it is trained on.
        agent: one of `agents.settings.AGENTS`.
        action: form of the actions; None: the default of the environment.
    """
    kind = scenario.kind
    found = {**OF_KIND[kind], **(OF_PPO[kind] if agent in PPO_NAMES else {})}
    if kind in CREDIT_SLOTS:
        units = scenario.slot_s / scenario.time_unit_s  # type: ignore[attr-defined]
        credit = tuple(slots * units for slots in CREDIT_SLOTS[kind])
    else:
        credit = CREDIT_UNITS.get(kind, ())
    found |= dict(zip(("discount_holding_times", "trace_holding_times"), credit, strict=False))
    form = FORMS_OF_KIND[kind][0] if action is None else action
    if form == "pick" and agent not in WITH_TWIN and agent != "clone":
        found |= SHARED_PPO if agent in PPO_NAMES else SHARED
    return found


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
