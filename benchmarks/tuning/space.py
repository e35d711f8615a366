"""The search space of the learners: the same ranges, trials and steps for every agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from agents.settings import WITH_TWIN, AgentName, TrainSettings
from benchmarks.protocol import Track
from benchmarks.tracks import track_named
from twin_gym.errors import unknown_name

if TYPE_CHECKING:
    import optuna

TUNABLE: tuple[AgentName, ...] = ("a2c", "a2c-twin", "maskable-ppo", "a2c-gan-twin")
"""The agents that have settings to tune; the greedy clone does not depend on its smoothing."""

ROLLOUTS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "16x16": (16, 16),
        "32x16": (32, 16),
        "64x16": (64, 16),
        "64x32": (64, 32),
        "128x32": (128, 32),
        "128x64": (128, 64),
    }
)
"""Rows and decisions between updates: every product divides the steps of every track. On the small
tracks the defaults make eight updates in all, and the smallest rollout 128."""

RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "learning_rate": (3e-4, 1e-2),
        "ent_coef": (1e-3, 0.1),
        "discount_holding_times": (1.0, 16.0),
        "trace_holding_times": (0.3, 4.0),
    }
)
"""Each is drawn on the logarithm."""
SMOOTHING = (0.0, 0.9)


@dataclass(frozen=True)
class Group:
    """Tracks that share tuned settings.

    Attributes:
        name: what commands call it.
        studied_on: the track that stands for them in the studies.
        tracks: which tracks the settings are used on.
    """

    name: str
    studied_on: str
    tracks: tuple[str, ...]


GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        one.name: one
        for one in (
            Group(
                "teletraffic",
                "teletraffic-medium",
                (
                    "teletraffic-small",
                    "teletraffic-medium",
                    "teletraffic-heavy",
                    "teletraffic-erlang-5-10",
                    "teletraffic-erlang-8-10",
                    "teletraffic-erlang-10-10",
                    "teletraffic-erlang-a",
                ),
            ),
            Group("sliced", "contention", ("mild", "contention", "burst", "shift", "what-if")),
            Group("service", "service-calibrated", ("service-calibrated", "service-trace")),
        )
    }
)


def group_named(name: str) -> Group:
    """A group by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    if name not in GROUPS:
        raise unknown_name("group of tracks", name, GROUPS)
    return GROUPS[name]


def group_of(track: Track) -> Group | None:
    """The group that a track is in, or None: then the defaults stay."""
    return next((one for one in GROUPS.values() if track.name in one.tracks), None)


def base_settings(agent: AgentName, group: Group, seed: int) -> TrainSettings:
    """The defaults of an agent on the track that stands for a group.

    Args:
        agent: one of `TUNABLE`.
        group: whose track is learned on.
        seed: of the training.

    Returns:
        Settings with the steps that the track allows, in one leg.

    Raises:
        UnknownNameError: if there is no such agent.
    """
    if agent not in TUNABLE:
        raise unknown_name("agent with settings to tune", agent, TUNABLE)
    track = track_named(group.studied_on)
    return TrainSettings(
        agent=agent,
        scenario=track.train[0],
        seed=seed,
        total_timesteps=track.learner_steps,
        leg_steps=track.learner_steps,
    )


def default_parameters(agent: AgentName) -> dict[str, Any]:
    """The defaults as the first trial of every study."""
    defaults = TrainSettings()
    parameters: dict[str, Any] = {name: getattr(defaults, name) for name in RANGES}
    parameters["rollout"] = f"{defaults.n_envs}x{defaults.n_steps}"
    if agent in WITH_TWIN:
        parameters["smoothing"] = defaults.smoothing
    return parameters


def suggest(trial: optuna.Trial, agent: AgentName) -> dict[str, Any]:
    """The parameters of a trial.

    Args:
        trial: of a study.
        agent: whose it is; only those with a twin have a smoothing.

    Returns:
        By name, as `to_changes` takes them.
    """
    values: dict[str, Any] = {
        name: trial.suggest_float(name, low, high, log=True) for name, (low, high) in RANGES.items()
    }
    values["rollout"] = trial.suggest_categorical("rollout", list(ROLLOUTS))
    if agent in WITH_TWIN:
        values["smoothing"] = trial.suggest_float("smoothing", *SMOOTHING)
    return values


def to_changes(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of a trial as changes of `TrainSettings`, rounded to three digits.

    Args:
        parameters: as `suggest` gives them.

    Returns:
        Names and values for `TrainSettings.with_`.
    """
    changes = {
        name: float(f"{value:.3g}") for name, value in parameters.items() if name != "rollout"
    }
    rows, steps = ROLLOUTS[parameters["rollout"]]
    return changes | {"n_envs": rows, "n_steps": steps}
