"""Agents that experiments train: each training is done once, and its actor kept as weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from agents.defaults import settings_for
from agents.settings import AgentName, TrainSettings, to_stored, whole_rollouts
from benchmarks.experiments.blocks import Cell, policy_cell
from benchmarks.experiments.pages import WORK
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

ACTORS = WORK / "actors"


@dataclass(frozen=True)
class Training:
    """The settings of a training, without the seed.

    Attributes:
        agent: one of `agents.settings.AGENTS`.
        scenario: name of the preset.
        steps: of the environment; rounded to whole rollouts.
        given: settings in which it differs from the defaults of the kind of scenario.
    """

    agent: AgentName
    scenario: str
    steps: int
    given: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, seed: int) -> TrainSettings:
        """The settings of one training, in one leg."""
        usual = settings_for(self.agent, self.scenario, seed=seed, **self.given)
        total = whole_rollouts(self.steps, usual.n_envs * usual.n_steps)
        return usual.with_(total_timesteps=total, leg_steps=total)

    @property
    def digest(self) -> str:
        """Names the settings and the scenario, whatever the seed."""
        return f"{self.settings(0).digest}-{load(self.scenario).digest}"

    def __str__(self) -> str:
        """The description of the training on a page."""
        own = ", ".join(f"{name} {value}" for name, value in to_stored(self.given).items())
        steps = self.settings(0).total_timesteps
        return f"`{self.agent}` on `{self.scenario}`, {steps:,} steps{', ' if own else ''}{own}"


OF_TIC = Training(
    "ppo",
    "tic-medium-70",
    65_536,
    {
        "n_envs": 32, "n_steps": 64, "learning_rate": 1e-3, "anneal": True,
        "staggered": True, "discount_holding_times": 2.0, "trace_holding_times": 0.6,
    },
)  # fmt: skip
OF_ACCESS = Training(
    "ppo",
    "access-large-70",
    98_304,
    {
        "n_envs": 32, "n_steps": 64, "batch_size": 256, "learning_rate": 2e-3,
        "ent_coef": 0.0, "anneal": True, "staggered": True,
        "discount_holding_times": 0.3, "trace_holding_times": 0.1,
    },
)  # fmt: skip


def learned_policy(settings: TrainSettings, folder: Path = ACTORS) -> Policy:
    """The greedy policy of an agent, which is trained if it is not kept from before.

    Args:
        settings: of its training.
        folder: where actors are kept: weights and a card, no pickles.

    Returns:
        The policy.
    """
    # Here, so that experiments without learners load nothing that learns.
    from agents.trained import actor_once

    digest = load(settings.scenario).digest
    return actor_once(settings, folder / f"{settings.agent}-{settings.digest}-{digest}")


def agent_cells(
    label: str,
    training: Training,
    scenario: Scenario,
    names: Sequence[str],
    *,
    seeds: int,
    worlds: int,
    x: float = 0.0,
    action: str | None = None,
) -> list[Cell]:
    """The measurements of an agent: in block k that of the training of seed k.

    Args:
        label: of its row.
        training: of which seed k is measured in block k.
        scenario: that it runs on.
        names: of the KPIs that are kept.
        seeds: trainings.
        worlds: of each block.
        x: where figures draw it.
        action: the form of its actions; None: the default of the environment.

    Returns:
        A cell a seed; nothing has been trained yet.
    """
    return [
        policy_cell(
            label, scenario, partial(_trained, training=training, seed=seed), names,
            blocks=[seed], worlds=worlds, setting=training.digest, x=x, action=action,
        )
        for seed in range(seeds)
    ]  # fmt: skip


def _trained(_: Scenario, training: Training, seed: int) -> Policy:
    return learned_policy(training.settings(seed))


def trained_note(label: str, training: Training, labels: Iterable[str]) -> str:
    """The sentence of a page on the agent; empty where the agent has no row.

    Args:
        label: of its row.
        training: of it.
        labels: of all rows.

    Returns:
        Markdown.
    """
    if label not in labels:
        return ""
    return (
        f"{label}: {training}. One training a block of worlds; it acts greedily, as it is, on "
        "every network of this page."
    )
