"""Disjoint families of worlds: for training, guarding it, choosing settings, and for results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from twin_gym.errors import ConfigError, unknown_name

Family = Literal["train", "validation", "test", "guard"]

_SIZE = 2**40
_FIRST_SEED: dict[str, int] = {
    "train": 0, "validation": _SIZE, "test": 2 * _SIZE, "guard": 3 * _SIZE
}  # fmt: skip


def world_seeds(family: Family, count: int, *, first: int = 0) -> list[int]:
    """Seeds of worlds of one family.

    Args:
        family: `train` for learning, `validation` for tuning and curves, `test` for results, and
            `guard` for deciding within a training which of its actors is kept.
        count: number of worlds, at least 1.
        first: index of the first world in the family.

    Returns:
        Seeds for `reset`, one for each row.

    Raises:
        ConfigError: if there is no such family, or it has too few worlds.
    """
    if family not in _FIRST_SEED:
        raise unknown_name("family of worlds", family, _FIRST_SEED)
    if count < 1 or first < 0 or first + count > _SIZE:
        raise ConfigError(f"a family has worlds 0 to {_SIZE - 1}, got {count} from {first}")
    start = _FIRST_SEED[family] + first
    return list(range(start, start + count))


def distinct_worlds(seeds: Iterable[int], least: int = 1) -> tuple[int, ...]:
    """Checks seeds of worlds for averaging: each must occur once.

    A repeated world adds no information, and makes the confidence interval too narrow.

    Args:
        seeds: seeds of the worlds.
        least: minimum number of seeds.

    Returns:
        The same seeds.

    Raises:
        ConfigError: if a seed is repeated, or there are too few.

    Example:
        >>> distinct_worlds([3, 4], least=2)
        (3, 4)
    """
    worlds = tuple(seeds)
    if len(worlds) < least:
        raise ConfigError(f"worlds needed: {least} at least, got {len(worlds)}")
    world, times = Counter(worlds).most_common(1)[0] if worlds else (0, 0)
    if times > 1:
        raise ConfigError(
            f"world {world} occurs {times} times among {len(worlds)} seeds: give each seed once "
            "(see `world_seeds`)"
        )
    return worlds
