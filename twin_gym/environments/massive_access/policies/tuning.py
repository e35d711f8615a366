"""Constant barring probabilities: which presets have a tuned one, and how it is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.evaluation import evaluate_rows
from twin_gym.policies.worlds import distinct_worlds, world_seeds
from twin_gym.scenario.documents import parse_toml

DEFAULT_WORLDS = 16


class _EachItsOwn:
    """Broadcasts in each row a level of its own."""

    name = "constant levels"

    def __init__(self, levels: NDArray[np.int64]) -> None:
        self._levels = levels

    def reset(self, seed: int) -> None:
        """Nothing is remembered."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The level of each row."""
        return self._levels


@dataclass(frozen=True)
class LevelSearch:
    """Result of the search for the best constant level.

    Attributes:
        level: the best one.
        returns: mean return of every level.
        seeds: worlds of the search.
    """

    level: int
    returns: tuple[float, ...]
    seeds: tuple[int, ...]


def search_level(scenario: AccessScenario, seeds: Sequence[int] | None = None) -> LevelSearch:
    """Tries every level in the same worlds; the same worlds give the same level.

    Args:
        scenario: what is to be tuned.
        seeds: the worlds; None: the first `DEFAULT_WORLDS` validation worlds.

    Returns:
        The level with the greatest mean return; of equal ones the one that bars least.
    """
    chosen_seeds = world_seeds("validation", DEFAULT_WORLDS) if seeds is None else seeds
    worlds = list(distinct_worlds(chosen_seeds, 0))
    levels = np.arange(scenario.barring_levels)
    policy = _EachItsOwn(np.repeat(levels, len(worlds)))
    evaluation = evaluate_rows(policy, scenario, [*worlds] * len(levels), action="level")
    returns = evaluation.returns.reshape(len(levels), len(worlds)).mean(axis=1)
    return LevelSearch(int(returns.argmax()), tuple(returns.tolist()), tuple(worlds))


@cache
def _tuned() -> dict[str, dict[str, Any]]:
    text = (
        resources.files("twin_gym.environments.massive_access.policies") / "access_levels.toml"
    ).read_text("utf-8")
    entries: list[dict[str, Any]] = parse_toml(text, "access_levels.toml")["level"]
    return {entry["digest"]: entry for entry in entries}


def tuned_level(scenario: AccessScenario) -> int:
    """The constant level that the package has for a scenario.

    Args:
        scenario: what it was tuned for.

    Returns:
        Its index among `barring_probabilities`.

    Raises:
        ConfigError: if there is none for this scenario.
    """
    entry = _tuned().get(scenario.digest)
    if entry is None:
        known = ", ".join(str(one["scenario"]) for one in _tuned().values())
        raise ConfigError(
            f"no tuned barring comes with the package for {scenario.name!r} (there is one for "
            f"{known}): find a level with `search_level`, and give its probability to "
            "`FixedBarring`"
        )
    return int(entry["level"])
