"""Agents that experiments train: each training is done once, and its actor kept as weights."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from agents.defaults import settings_for
from agents.settings import AgentName, TrainSettings, whole_rollouts
from benchmarks.experiments.blocks import Cell, policy_cell
from benchmarks.experiments.pages import WORK
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario, load

ACTORS = WORK / "actors"
STEPS = 131_072
"""Environment steps of a training."""


def settings_of(agent: AgentName, scenario: str, seed: int, steps: int) -> TrainSettings:
    """What is trained: the defaults of the kind of scenario, for about so many steps.

    Args:
        agent: one of `agents.settings.AGENTS`.
        scenario: name of the preset.
        seed: of the training.
        steps: of the environment; rounded to whole rollouts.

    Returns:
        The settings, in one leg.
    """
    usual = settings_for(agent, scenario, seed=seed)
    total = whole_rollouts(steps, usual.num_rows * usual.rollout_steps)
    return usual.with_(total_steps=total, leg_steps=total)


def learned_policy(settings: TrainSettings, folder: Path = ACTORS) -> Policy:
    """The greedy policy of an agent, which is trained if it is not kept from before.

    Args:
        settings: of its training.
        folder: where actors are kept: weights and a card, no pickles.

    Returns:
        The policy.
    """
    # Here, so that experiments without learners load nothing that learns.
    import torch

    from agents.actor import CARD_FILE, load_actor, save_actor
    from agents.training import train

    digest = load(settings.scenario, Scenario).digest
    place = folder / f"{settings.agent}-{settings.digest}-{digest}"
    if not (place / CARD_FILE).exists():
        torch.set_num_threads(1)
        model, _ = train(settings, evaluate_every=settings.total_steps, num_worlds=2)
        save_actor(model, settings, place)
    return load_actor(place)


def agent_cells(
    label: str,
    agent: AgentName,
    trained_on: str,
    scenario: Scenario,
    names: Sequence[str],
    *,
    seeds: int,
    worlds: int,
    x: float = 0.0,
    steps: int = STEPS,
) -> list[Cell]:
    """The measurements of an agent: in block k that of the training of seed k.

    Args:
        label: of its row.
        agent: one of `agents.settings.AGENTS`.
        trained_on: name of the preset.
        scenario: that it runs on.
        names: of the KPIs that are kept.
        seeds: trainings.
        worlds: of each block.
        x: where figures draw it.
        steps: of each training.

    Returns:
        A cell a seed; nothing has been trained yet.
    """
    settings = [settings_of(agent, trained_on, seed, steps) for seed in range(seeds)]
    told = f"{agent} {settings[0].digest} {load(trained_on, Scenario).digest}"
    return [
        policy_cell(
            label, scenario, partial(_trained, settings=one), names, blocks=[one.seed],
            worlds=worlds, setting=told, x=x,
        )
        for one in settings
    ]  # fmt: skip


def _trained(_: Scenario, settings: TrainSettings) -> Policy:
    return learned_policy(settings)
