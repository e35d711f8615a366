"""The looks of a `KeepBest`, its state, and the one safetensors file that the state is kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes, reading
from twin_gym.files.whole import write_bytes
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import read_header

FORMAT = "twin_gym keep best 1"

_NUMBERS, _ACTOR = "numbers", "actor/"
_MAX_BYTES = 2**30
_KEYS: dict[str, tuple[type, ...]] = {
    "every_steps": (int,), "num_worlds": (int,), "fresh_worlds": (bool,), "greedy": (bool,),
    "horizon_s": (float, int, type(None)), "network": (list,), "next_step": (int,),
    "steps_spent": (int,), "dearest": (int,), "is_over": (bool,), "returns": (list, type(None)),
    "history": (list,),
}  # fmt: skip


@dataclass(frozen=True)
class Look:
    """One comparison of learner and incumbent.

    Attributes:
        step: environment steps of the training before it.
        first_world: index of the first guard world.
        learner: mean return of the learner in the guard worlds.
        incumbent: mean return of the incumbent in the same worlds.
        difference: learner minus incumbent, paired.
        half_width: of its 95 % confidence interval; None with one world.
        is_replaced: whether the learner became the incumbent.
        steps: decisions that it cost.
    """

    step: int
    first_world: int
    learner: float
    incumbent: float
    difference: float
    half_width: float | None
    is_replaced: bool
    steps: int


@dataclass(frozen=True)
class KeepBestState:
    """The state of a `KeepBest`.

    Attributes:
        numbers: arguments, schedule, cost and history; what JSON can say.
        tensors: the incumbent's actor (see `FrozenActor.tensors`).
    """

    numbers: dict[str, Any]
    tensors: dict[str, torch.Tensor]

    @property
    def history(self) -> list[Look]:
        """The looks."""
        return [Look(**look) for look in self.numbers["history"]]


def write_state(path: Path, state: KeepBestState) -> None:
    """Puts the state in place at once; its folder is made."""
    text = json.dumps({"format": FORMAT, **state.numbers}, allow_nan=False).encode()
    content = safetensors.torch.save(
        {_NUMBERS: torch.from_numpy(np.frombuffer(text, np.uint8).copy())}
        | {_ACTOR + name: value.contiguous() for name, value in state.tensors.items()}
    )
    write_bytes(path, content, makes_folder=True)


def read_state(path: Path) -> KeepBestState:
    """The state in a file; nothing in it is executed.

    Raises:
        ConfigError: if it is not there, or holds something else.
    """
    origin = f"{str(path)!r} holds no state of KeepBest"
    content = read_bytes(path, _MAX_BYTES, "state of KeepBest")
    read_header(content, origin)
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError) as error:
        raise ConfigError(f"{origin}: {error}") from None
    if _NUMBERS not in tensors or tensors[_NUMBERS].dtype != torch.uint8:
        raise ConfigError(f"{origin}: it has no numbers; name a file that KeepBest.save wrote")
    numbers = read_object(tensors.pop(_NUMBERS).numpy().tobytes(), f"{origin}: its numbers")
    if numbers.pop("format", None) != FORMAT:
        raise ConfigError(f"{origin}: its format is not {FORMAT!r}")
    with reading(path, "state of KeepBest"):
        _check_numbers(numbers, origin)
    if not all(bool(value.isfinite().all()) for value in tensors.values()):
        raise ConfigError(f"{origin}: it holds values that are not finite")
    return KeepBestState(
        numbers, {name.removeprefix(_ACTOR): value for name, value in tensors.items()}
    )


def _check_numbers(numbers: dict[str, Any], origin: str) -> None:
    if numbers.keys() != _KEYS.keys():
        raise ConfigError(f"{origin}: it has the keys {sorted(numbers)!r:.200}")
    for name, types in _KEYS.items():
        if type(numbers[name]) not in types:
            raise ConfigError(f"{origin}: `{name}` is {numbers[name]!r:.80}")
    for look in numbers["history"]:
        Look(**look)
    if numbers["returns"] is not None:
        np.array(numbers["returns"], np.float64)
