"""Scores as they come in: checked once, then plain arrays, a track each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.errors import ConfigError

Scores: TypeAlias = Mapping[str, ArrayLike] | ArrayLike
Tracks: TypeAlias = dict[str, NDArray[np.float64]]
MIN_SEEDS = 2
ONLY_TRACK = "the track"


def as_tracks(scores: Scores, *, min_seeds: int = MIN_SEEDS) -> Tracks:
    """Checked scores by track.

    Args:
        scores: by track, shape (seeds, worlds) each, or one such array as the only track.
        min_seeds: the fewest seeds that are accepted, >= 1.

    Returns:
        The arrays in the order of the tracks' names, so that no result hangs on the order in which
        a mapping was filled.

    Raises:
        ConfigError: no track, an array that is not of this shape, too few seeds or no world, or a
            score that is no finite number.
    """
    if not isinstance(scores, Mapping):
        scores = {ONLY_TRACK: scores}
    if not scores:
        raise ConfigError("scores of no track were given; give those of at least one")
    return {name: _checked(name, scores[name], min_seeds) for name in sorted(scores)}


def as_pair(x: Scores, y: Scores, *, same_shape: bool, min_seeds: int = MIN_SEEDS) -> list[Pair]:
    """Checked scores of two agents, track by track.

    Args:
        x: scores of the one agent; see `as_tracks`.
        y: scores of the other, on the same tracks.
        same_shape: whether entry (k, j) of both must be the same world, hence the shapes alike.
        min_seeds: the fewest seeds that are accepted, >= 1.

    Returns:
        The two arrays of each track, in the order of the tracks' names.

    Raises:
        ConfigError: as `as_tracks`; other tracks, or other shapes where they must be alike.
    """
    ours, theirs = as_tracks(x, min_seeds=min_seeds), as_tracks(y, min_seeds=min_seeds)
    if ours.keys() != theirs.keys():
        raise ConfigError(
            f"two agents are compared on the same tracks, got {', '.join(ours)} and "
            f"{', '.join(theirs)}; leave out what only one of them has"
        )
    for name, scores in ours.items():
        if same_shape and scores.shape != theirs[name].shape:
            raise ConfigError(
                f"scores of {name} in pairs must have one shape, got {scores.shape} and "
                f"{theirs[name].shape}; judge both agents with the same seeds and worlds"
            )
    return [(scores, theirs[name]) for name, scores in ours.items()]


Pair: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]


def _checked(name: str, scores: ArrayLike, min_seeds: int) -> NDArray[np.float64]:
    try:
        values = np.asarray(scores, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"scores of {name} must be an array of numbers, shape (seeds, worlds): {error}"
        ) from error
    if values.ndim != 2 or values.shape[1] == 0:  # noqa: PLR2004
        raise ConfigError(
            f"scores of {name} must have shape (seeds, worlds) with at least one world, "
            f"got {values.shape}; one score a seed is shape (seeds, 1)"
        )
    if len(values) < min_seeds:
        raise ConfigError(
            f"scores of {name} need at least {min_seeds} seeds, got {len(values)}: a single "
            "training tells nothing of the spread between trainings; train more seeds, or take "
            "`mean_interval` over the worlds and say that it is of one training"
        )
    if not np.isfinite(values).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])
        raise ConfigError(
            f"scores of {name} must be finite, got {values[where]} at (seed, world) {where}; "
            "a failed run is run again or reported, never averaged"
        )
    return values
