"""The trainings of the study; each runs once, and its actor is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.defaults import settings_for
from agents.settings import AgentName, TrainSettings, to_stored, whole_rollouts
from benchmarks.experiments.pages import WORK
from benchmarks.experiments.what_if_training.networks import Case
from benchmarks.experiments.what_if_training.twins import FAMILIES, RANDOMISED, twins, write
from twin_gym.policies import Policy
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

FOLDER = WORK / "what_if_training"

CHOSEN: Mapping[str, tuple[AgentName, Mapping[str, Any]]] = {
    "service": ("maskable-ppo", {"staggered": True, "anneal": True, "n_steps": 16}),
    "unforeseen": ("a2c", {"staggered": True, "anneal": True}),
    "seen": ("a2c", {"staggered": True, "anneal": True}),
}
"""By case, the agent and the settings in which it differs from its defaults, chosen on history."""

HISTORY, ONE, HINDSIGHT = "history alone", "one fitted network", "hindsight: what came"
LABELS = {
    HISTORY: HISTORY,
    ONE: ONE,
    RANDOMISED: "randomised parameters",
    "historical": "twins: historical",
    "hybrid": "twins: hybrid",
    "gan": "twins: gan",
    HINDSIGHT: HINDSIGHT,
}
"""By what is trained on, how tables call it."""


@dataclass(frozen=True)
class Plan:
    """The size of a run of the study.

    Attributes:
        seeds: trainings of each kind.
        steps: environment steps of each training.
        num_twins: that a training has.
        worlds: validation worlds of each network that agents are tested on.
        held_out: twins of each family to be tested on.
    """

    seeds: int = 5
    steps: int = 98_304
    num_twins: int = 32
    worlds: int = 32
    held_out: int = 48


def sources(case: Case) -> list[str]:
    """The training sources of a case; a fitted network that equals the history is left out."""
    one = [] if case.base.digest == case.history.digest else [ONE]
    return [HISTORY, *one, *FAMILIES, HINDSIGHT]


def networks(case: Case, source: str, seed: int, plan: Plan) -> list[Scenario]:
    """The networks that a training is on.

    Args:
        case: of the study.
        source: one of `sources`.
        seed: of the training, and of its twins.
        plan: says how many twins.

    Returns:
        One or several.
    """
    single: dict[str, Scenario] = {HISTORY: case.history, ONE: case.base, HINDSIGHT: case.later}
    if source in single:
        return [single[source]]
    return twins(case, source, seed, plan.num_twins)


def settings(case: Case, paths: tuple[str, ...], seed: int, plan: Plan) -> TrainSettings:
    """The settings of all trainings of a case; only the networks differ.

    Args:
        case: whose fitted network gives the unit that credit is counted in, so that it is equally
            long in seconds whatever comes first among the twins.
        paths: of the networks to train on.
        seed: of the training.
        plan: says how many steps.

    Returns:
        The settings.
    """
    agent, given = CHOSEN[case.name]
    usual = settings_for(agent, paths[0], more_scenarios=paths[1:], seed=seed, **given)
    factor = case.base.time_unit_s / load(paths[0]).time_unit_s
    steps = whole_rollouts(plan.steps, usual.n_envs * usual.n_steps)
    return usual.with_(
        total_timesteps=steps,
        leg_steps=steps,
        discount_holding_times=factor * usual.discount_holding_times,
        trace_holding_times=factor * usual.trace_holding_times,
    )


def training_note(case: Case, plan: Plan) -> str:
    """The description of the trainings of a case on a page."""
    agent, given = CHOSEN[case.name]
    own = ", ".join(f"{name} {value}" for name, value in to_stored(given).items())
    return f"Agent: `{agent}`, {plan.steps:,} steps, {own}"


def trained(case: Case, source: str, seed: int, plan: Plan, *, folder: Path = FOLDER) -> Policy:
    """The greedy policy of one training, which is done if it is not kept from before.

    Args:
        case: of the study.
        source: what it is trained on, one of `sources`.
        seed: of the training, and of its twins.
        plan: how long, and on how many twins.
        folder: where twins and actors are kept.

    Returns:
        The policy.
    """
    # Here, so that pages can be written anew without what learns.
    from agents.trained import actor_once

    made = networks(case, source, seed, plan)
    paths = write(made, folder / "networks")
    chosen = settings(case, paths, seed, plan)
    return actor_once(chosen, folder / "actors" / _name(chosen, made))


def _name(chosen: TrainSettings, made: list[Scenario]) -> str:
    """A name from the settings without paths, and from the digests of the networks."""
    bare = chosen.with_(scenario="none", more_scenarios=()).digest
    text = "+".join(one.digest for one in made)
    return f"{bare}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
