"""Decision logs: states, masks and actions recorded while a policy runs a physical network."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from twin_gym.core.forms import LEAST_AMOUNT, MOST_AMOUNT
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import FIRST_KIND
from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_space import (
    DecisionSpace,
)
from twin_gym.twins.plain import file_path
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import Header, read_header

MAX_FILE_BYTES = 2**31
MAX_DECISIONS = 10_000_000

_FORMAT = "twin_gym decision log 1"
_BEFORE = {"kind": FIRST_KIND, "unseen": ""}  # of files that were written before they said it
_ARRAYS = {"observations": np.float32, "masks": np.int8, "actions": np.int64, "networks": np.int64}
_MAX_TEXT, _MOST_NAMED = 200, 4
_NAME = "the path of a decision log"


@dataclass(frozen=True)
class DecisionLog:
    """Decisions in the order in which they were taken, one network after the other.

    Attributes:
        observations: what was seen; shape (decisions, fields), float32 in [0, 1].
        masks: 1 = allowed; shape (decisions, actions), int8, or (decisions, 0) where actions are
            amounts.
        actions: what was done; shape (decisions,), int64, or amounts, shape (decisions, amounts),
            float64 in [0, 1].
        networks: number of the network each was taken in, never falling; shape (decisions,), int64.
        scenario_digest: of the scenario that the networks ran.
        action: form of the actions.
        policy: name of the policy that decided.
        kind: of scenario.
        unseen: what the policy decides by that the observations do not show, in words; empty if
            there is nothing or it is not known (see `twin_gym.policies.unseen_of`).

    Raises:
        ConfigError: if the arrays do not fit together, or an action was not allowed.
    """

    observations: NDArray[np.float32]
    masks: NDArray[np.int8]
    actions: NDArray[Any]
    networks: NDArray[np.int64]
    scenario_digest: str
    action: str
    policy: str
    kind: str = FIRST_KIND
    unseen: str = ""

    def __post_init__(self) -> None:
        """Checks everything: a log may come from anywhere."""
        try:
            form_of(self.kind, self.action)
        except ConfigError as error:
            raise ConfigError(f"this is no decision log: {error}") from None
        wanted = {**_ARRAYS, **({} if self.is_discrete else {"actions": np.float64})}
        for name, kind in wanted.items():
            if getattr(self, name).dtype != kind:
                found = getattr(self, name).dtype
                raise ConfigError(
                    f"`{name}` of a decision log must be {kind.__name__}, got {found}"
                )
        self._check_shapes()
        self._check_values()
        self._check_actions()

    def __len__(self) -> int:
        return len(self.actions)

    @property
    def is_discrete(self) -> bool:
        """Whether an action is a whole number instead of amounts."""
        return not form_of(self.kind, self.action).is_continuous

    def take(self, chosen: NDArray[Any]) -> DecisionLog:
        """The chosen decisions alone.

        Args:
            chosen: indices or booleans; the order stays that of the networks.

        Returns:
            A new log.
        """
        parts = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return DecisionLog(**{**parts, **self._about()})

    def split(self, held_out_share: float) -> tuple[DecisionLog, DecisionLog]:
        """Splits the log by time: the latest decisions of each network are held out.

        Neighbouring decisions resemble each other, so that drawing the held-out ones at random
        would flatter.

        Args:
            held_out_share: of each network's decisions, more than 0 and less than 1.

        Returns:
            The earlier decisions and the held-out ones, neither of them empty.

        Raises:
            ConfigError: if the share is out of range or the log is too short for it.
        """
        counts = np.bincount(self.networks)
        place = np.arange(len(self)) - np.repeat(counts.cumsum() - counts, counts)
        is_late = place >= np.ceil(counts * (1.0 - held_out_share))[self.networks]
        if not 0.0 < held_out_share < 1.0 or is_late.all() or not is_late.any():
            raise ConfigError(
                f"a share of {held_out_share!r} of {len(self)} decisions leaves nothing to learn "
                "from or nothing to hold out: record more"
            )
        return self.take(~is_late), self.take(is_late)

    def save(self, path: str | Path) -> None:
        """Writes the log as one safetensors file, aside first and then renamed.

        Args:
            path: the file, overwritten if it exists.
        """
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        about = json.dumps({"format": _FORMAT, **self._about()})
        write_bytes(file_path(path, _NAME), safetensors.numpy.save(arrays, {"about": about}))

    @classmethod
    def load(cls, path: str | Path) -> DecisionLog:
        """A log from its file, checked; nothing in it is executed.

        Args:
            path: what `save` wrote.

        Returns:
            The log.

        Raises:
            ConfigError: if the file is missing, too large, damaged, or no decision log.
        """
        path = file_path(path, _NAME)
        content = read_bytes(path, MAX_FILE_BYTES)
        header = read_header(content, f"{str(path)!r} is no decision log")
        if header.tensors.keys() != _ARRAYS.keys():
            names = sorted(header.tensors)[:_MOST_NAMED]
            raise ConfigError(f"{str(path)!r} is no decision log: it holds {names!r:.200}")
        about = _about_of(header, str(path))
        try:
            arrays: dict[str, Any] = safetensors.numpy.load(content)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{str(path)!r} is no decision log: {error}") from None
        try:
            return cls(**{**arrays, **about})
        except ConfigError as error:
            raise ConfigError(f"{str(path)!r}: {error}") from None

    def check_fits(self, scenario: Scenario) -> DecisionSpace:
        """Refuses another scenario than the one that was logged.

        Args:
            scenario: the one that is meant.

        Returns:
            What is seen and done in it.

        Raises:
            ConfigError: if the kinds, the digests, or the numbers of fields or actions differ.
        """
        if (self.kind, self.scenario_digest) != (scenario.kind, scenario.digest):
            raise ConfigError(
                f"the log is of the {self.kind} scenario {self.scenario_digest}, and "
                f"{scenario.name!r} is the {scenario.kind} scenario {scenario.digest}: give the "
                "scenario that was logged"
            )
        space = DecisionSpace.of(scenario, self.action)
        widths = self.observations.shape[1], self._choices.shape[1]
        wanted = len(space.field_names), space.num_actions
        if widths != wanted:
            raise ConfigError(
                f"the log has {widths} fields and actions, and {scenario.name!r} with "
                f"action={self.action!r} has {wanted}: record it anew"
            )
        return space

    @property
    def _choices(self) -> NDArray[Any]:
        """The array with one column per action (masks) or per amount (actions)."""
        return self.masks if self.is_discrete else self.actions

    def _about(self) -> dict[str, Any]:
        return {
            "scenario_digest": self.scenario_digest,
            "action": self.action,
            "policy": self.policy,
            "kind": self.kind,
            "unseen": self.unseen,
        }

    def _check_shapes(self) -> None:
        count = len(self.networks) if self.networks.ndim else 0
        shapes = [getattr(self, name).shape for name in _ARRAYS]
        if not 1 <= count <= MAX_DECISIONS:
            raise ConfigError(f"a decision log has 1 to {MAX_DECISIONS:,} decisions, got {count}")
        dimensions = [2, 2, 1 if self.is_discrete else 2, 1]
        if [shape[:1] for shape in shapes] != [(count,)] * len(shapes) or [
            len(shape) for shape in shapes
        ] != dimensions:
            raise ConfigError(
                "a decision log has rows of fields, rows of a mask, and one action and one network "
                f"a row; got the shapes {shapes}"
            )
        if any(0 in array.shape for array in (self.observations, self._choices)):
            raise ConfigError(f"a decision log needs fields and actions, got the shapes {shapes}")
        if not self.is_discrete and self.masks.shape[1] > 0:
            raise ConfigError(f"amounts are not masked: `masks` of a decision log are ({count}, 0)")

    def _check_values(self) -> None:
        if not _lie_within(self.observations, 0.0, 1.0):
            raise ConfigError("`observations` of a decision log must lie in [0, 1]")
        if not np.isin(self.masks, (0, 1)).all():
            raise ConfigError("`masks` of a decision log are 0 or 1")
        if (
            self.networks.min() < 0
            or self.networks.max() >= len(self)
            or (np.diff(self.networks) < 0).any()
        ):
            raise ConfigError("`networks` of a decision log count up from 0 and never fall")

    def _check_actions(self) -> None:
        if not self.is_discrete:
            if not _lie_within(self.actions, LEAST_AMOUNT, MOST_AMOUNT):
                raise ConfigError(
                    f"`actions` of a decision log are amounts from {LEAST_AMOUNT:g} to "
                    f"{MOST_AMOUNT:g}"
                )
            return
        if self.actions.min() < 0 or self.actions.max() >= self.masks.shape[1]:
            raise ConfigError(
                f"`actions` of a decision log are 0 to {self.masks.shape[1] - 1}, got "
                f"{self.actions.min()} to {self.actions.max()}"
            )
        if not self.masks[np.arange(len(self)), self.actions].all():
            raise ConfigError("a decision log holds an action that its mask does not allow")


def _lie_within(values: NDArray[Any], low: float, high: float) -> bool:
    """Whether all do; what is not a number does not."""
    with np.errstate(invalid="ignore"):
        return bool(((values >= low) & (values <= high)).all())


def _about_of(header: Header, path: str) -> dict[str, str]:
    """The values of a log other than its arrays, each as text."""
    about = read_object(header.about.get("about", "{}"), f"{path!r}: what stands beside its arrays")
    about = _BEFORE | about
    wanted = {"format", *(field.name for field in fields(DecisionLog))} - set(_ARRAYS)
    if set(about) != wanted:
        differing = sorted(set(about) ^ wanted)[:_MOST_NAMED]
        raise ConfigError(f"{path!r} is no decision log: beside its arrays, {differing!r:.200}")
    if about.pop("format") != _FORMAT or not all(
        isinstance(value, str) and len(value) <= _MAX_TEXT for value in about.values()
    ):
        raise ConfigError(f"{path!r} is not a {_FORMAT!r}")
    return about
