"""Decision logs: observations, masks, actions and rewards as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.history.checksums import check_sum
from twin_gym.twins.plain import plain, shown

MAX_BLOB_BYTES = 256 * 2**20
MAX_WIDTH = 1_000_000

_BLOBS = ("times_s", "observations", "masks", "actions", "rewards", "elapsed_s")


@dataclass(frozen=True, eq=False)
class Decisions:
    """Consecutive decisions of one network.

    Attributes:
        times_s: time of each decision, not decreasing; shape (steps,), float64.
        observations: observation at each decision and after the last; shape (steps + 1, fields),
            float32.
        masks: action masks, 1 = allowed; shape (steps + 1, actions), int8; (steps + 1, 0) for Box
            actions.
        actions: actions; shape (steps,), int64, or (steps, components), float32, for Box actions.
        rewards: rewards; shape (steps,), float64.
        elapsed_s: simulated seconds until the next decision; shape (steps,), float64.
        is_end: whether the episode ended with the last decision.

    Raises:
        ConfigError: if the arrays are inconsistent, not finite, or too large.
    """

    times_s: NDArray[np.float64]
    observations: NDArray[np.float32]
    masks: NDArray[np.int8]
    actions: NDArray[Any]
    rewards: NDArray[np.float64]
    elapsed_s: NDArray[np.float64]
    is_end: bool = False

    def __post_init__(self) -> None:
        """Checks everything: decisions may come from an untrusted file."""
        for name in _BLOBS:
            array = getattr(self, name)
            if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
                raise ConfigError(
                    f"`{name}` of decisions is an array without a mask, got {type(array).__name__}"
                )
        is_end = plain(self.is_end)
        if type(is_end) is not bool or not self.times_s.ndim:
            raise ConfigError(
                f"`is_end` of decisions is True or False, and `times_s` a column; got "
                f"{shown(self.is_end)} and the shape {self.times_s.shape}"
            )
        object.__setattr__(self, "is_end", is_end)
        steps = len(self.times_s)
        is_discrete = self.actions.ndim == 1
        wanted = {
            "times_s": (np.float64, (steps,)),
            "observations": (np.float32, (steps + 1, *self.observations.shape[1:2])),
            "masks": (np.int8, (steps + 1, *self.masks.shape[1:2])),
            "actions": (np.int64, (steps,)) if is_discrete
            else (np.float32, (steps, *self.actions.shape[1:2])),
            "rewards": (np.float64, (steps,)),
            "elapsed_s": (np.float64, (steps,)),
        }  # fmt: skip
        for name, (kind, shape) in wanted.items():
            array = getattr(self, name)
            if array.dtype != kind or array.shape != shape or array.nbytes > MAX_BLOB_BYTES:
                raise ConfigError(
                    f"`{name}` of {steps} decisions is {np.dtype(kind)} of the shape {shape}, at "
                    f"most {MAX_BLOB_BYTES:,} bytes; got {array.dtype} of {array.shape}"
                )
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ConfigError(f"`{name}` of decisions has a value that is not finite")
        if steps == 0 or self.observations.ndim != 2 or self.masks.ndim != 2:  # noqa: PLR2004
            raise ConfigError("a log has at least one decision, and a row for each state")
        if (np.diff(self.times_s) < 0.0).any():
            raise ConfigError("`times_s` of decisions never fall")

    def __len__(self) -> int:
        return len(self.times_s)


def to_row(one: Decisions, episode: int) -> tuple[Any, ...]:
    """Decisions as a row of the table: little-endian bytes, and what their shapes are."""
    blobs = [_little(getattr(one, name)) for name in _BLOBS]
    amounts = one.actions.shape[1] if one.actions.ndim > 1 else 0
    shape = (one.observations.shape[1], one.masks.shape[1], amounts)
    head = (episode, len(one), int(one.is_end))
    return (*head, check_sum([*head, *blobs, *shape]), *blobs, *shape)


def from_row(row: tuple[Any, ...]) -> Decisions:
    """Decisions from a row of the table.

    Args:
        row: as `to_row` gives it.

    Returns:
        The decisions; copies.

    Raises:
        ConfigError: if the check sum is another one, or the arrays do not fit together.
    """
    episode, steps, is_end, total, *rest = row
    blobs, shape = rest[: len(_BLOBS)], rest[len(_BLOBS) :]
    where = f"a log of decisions of episode {shown(episode)}"
    is_whole = all(type(one) is int for one in (steps, is_end, *shape))
    if not is_whole or any(type(one) is not bytes for one in blobs):
        raise ConfigError(f"{where} is not what was written")
    if check_sum([episode, steps, is_end, *blobs, *shape]) != total:
        raise ConfigError(f"{where} is not what was written")
    if not (steps > 0 and min(shape) >= 0 and max(shape) <= MAX_WIDTH):
        raise ConfigError(f"{where} has no such shape")
    fields, choices, amounts = shape
    times_s, observations, masks, actions, rewards, elapsed_s = blobs
    try:
        return Decisions(
            np.frombuffer(times_s, "<f8").astype(np.float64),
            np.frombuffer(observations, "<f4").astype(np.float32).reshape(steps + 1, fields),
            np.frombuffer(masks, "i1").astype(np.int8).reshape(steps + 1, choices),
            np.frombuffer(actions, "<f4").astype(np.float32).reshape(steps, amounts)
            if amounts
            else np.frombuffer(actions, "<i8").astype(np.int64),
            np.frombuffer(rewards, "<f8").astype(np.float64),
            np.frombuffer(elapsed_s, "<f8").astype(np.float64),
            bool(is_end),
        )
    except ValueError as error:  # a ConfigError is one
        raise ConfigError(f"{where}: {error}") from None


def _little(array: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
