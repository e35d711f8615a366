"""The guard of a training, made so that its looks take a given share of all steps.

A look plays whole episodes, and how many decisions these have is known from what runs today. Where
they would cost too much the episodes are shortened; where a scenario cannot be, there are fewer
worlds and fewer looks, down to two worlds and the look at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.settings import TrainSettings
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import KeepBest
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

_SHORTEST = 0.01
"""The least share of an episode that a look may play."""
_FEWEST_WORLDS = 2
"""A single difference has no standard error."""


@dataclass(frozen=True)
class Looks:
    """What a guard does.

    Attributes:
        count: looks at the learner, the one at the end included.
        worlds: of each look.
        horizon_s: length of their episodes; None: the scenario's.
        every_steps: of the training, between two of them.
    """

    count: int
    worlds: int
    horizon_s: float | None
    every_steps: int


def guard_of(settings: TrainSettings) -> KeepBest | None:
    """The guard that the settings ask for, or None.

    Raises:
        ConfigError: if the training is too short to pay for one.
    """
    if not settings.guard_looks:
        return None
    looks = planned(settings)
    return KeepBest(
        looks.every_steps,
        num_worlds=looks.worlds,
        horizon_s=looks.horizon_s,
        budget_steps=settings.total_timesteps,
    )


def planned(settings: TrainSettings) -> Looks:
    """How often a guard looks, and at episodes of which length.

    Args:
        settings: with `guard_looks` above 0.

    Raises:
        ConfigError: if the training is too short to pay for one.
    """
    scenario = load(settings.scenario)
    affordable = settings.guard_share * settings.total_timesteps
    affordable /= _decisions(settings, scenario)  # episodes now
    worlds, count = settings.guard_worlds, settings.guard_looks
    share = affordable / ((count + 1) * worlds)  # the first incumbent is measured, too
    if share >= 1.0:
        return _looks(settings, count, worlds, None)
    if share < _SHORTEST:
        raise ConfigError(
            f"a guard's looks would be {100.0 * share:.2g} % of an episode of "
            f"{settings.scenario!r}, in {settings.total_timesteps:,} steps: take more of them, or "
            "`guard_looks` 0"
        )
    horizon_s = _shortened_s(scenario, share)
    if horizon_s is not None:
        return _looks(settings, count, worlds, horizon_s)
    worlds = min(worlds, max(_FEWEST_WORLDS, int(affordable / 2)))
    return _looks(settings, min(count, max(1, int(affordable / worlds) - 1)), worlds, None)


def _looks(settings: TrainSettings, count: int, worlds: int, horizon_s: float | None) -> Looks:
    training = (1.0 - settings.guard_share) * settings.total_timesteps
    return Looks(count, worlds, horizon_s, max(1, int(training / count)))


def _decisions(settings: TrainSettings, scenario: Scenario) -> float:
    """Decisions of an episode under what runs today, of which the log tells."""
    policy = make_policy(settings.default_policy, scenario, settings.action)
    seeds = world_seeds("guard", 1)
    return float(evaluate(policy, scenario, seeds, action=settings.action).steps.mean())


def _shortened_s(scenario: Scenario, share: float) -> float | None:
    """A horizon of about that share in whole slots; None where the scenario has no shorter one."""
    horizon_s = share * scenario.horizon_s
    slot_s = getattr(scenario, "slot_s", None)
    if slot_s is not None:
        horizon_s = max(1, int(horizon_s / slot_s)) * slot_s
    try:
        scenario.replace(horizon_s=horizon_s)
    except ConfigError:
        return None  # such as days of a collection, or devices that ask until later
    return horizon_s
