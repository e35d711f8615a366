"""Metadata of a policy twin, saved beside its weights: its original, and how it was trained."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import FIRST_KIND
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.strict_json import read_object

MAX_FIELDS = 50_000

# Files from before there were other kinds lack all of these; no file lacks only some.
_LATER: dict[str, Any] = {
    "kind": FIRST_KIND,
    "action_names": (),
    "action_low": (),
    "action_high": (),
}
_LATEST: dict[str, Any] = {"shared": False}  # lacked by all files from before shared networks

Short = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
Digest = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{16}$")]
Names = Annotated[tuple[Short, ...], Field(strict=False, fail_fast=True, max_length=MAX_FIELDS)]
FieldNames = Annotated[Names, Field(min_length=1)]
_Amount = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Amounts = Annotated[tuple[_Amount, ...], Field(strict=False, fail_fast=True, max_length=MAX_FIELDS)]
"""The types of what metadata of policies says, read strictly."""

_Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
_Width = Annotated[int, Field(strict=True, ge=1, le=4096)]
_Share = Annotated[float, Field(strict=True, ge=0.0, lt=1.0, allow_inf_nan=False)]
_Sha256 = Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")]


class PolicyMetadata(FrozenModel):
    """Everything about a policy twin but its weights.

    Attributes:
        format: of the two files; this class reads one.
        action: form of the actions.
        field_names: what it looks at, in order.
        hidden: widths of its network.
        scenario: name of the scenario that was logged.
        scenario_digest: its digest.
        default_policy: name of the policy that was logged.
        num_decisions: how many logged decisions it was made from, held-out ones included.
        num_synthetic: how many pairs of a GAN were added to them.
        smoothing: label smoothing of its training.
        seed: from which its first weights and its batches were drawn.
        held_out_loss: on the held-out decisions: cross-entropy, smoothed like the training; of
            amounts the mean square error, see `censored_square_error`.
        versions: of the packages that made it.
        weights_sha256: of the file of weights, which so belongs to this metadata alone; "" unsaved.
        kind: of scenario.
        action_names: what the actions or amounts mean, in order; empty for admission.
        action_low: least value of each amount; empty where actions are discrete.
        action_high: greatest value of each amount; empty where actions are discrete.
        shared: whether its network is a `SharedNetwork`, which scores each candidate, instead of
            the one that reads the whole observation.
    """

    format: Literal["twin_gym policy twin 1"] = "twin_gym policy twin 1"
    action: Short
    field_names: FieldNames
    hidden: Annotated[
        tuple[_Width, ...], Field(strict=False, fail_fast=True, min_length=1, max_length=8)
    ]
    scenario: Short
    scenario_digest: Digest
    default_policy: Short
    num_decisions: _Count
    num_synthetic: _Count = 0
    smoothing: _Share = 0.0
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    held_out_loss: Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)] = 0.0
    versions: Annotated[Mapping[Short, Short], Field(max_length=32)] = {}
    weights_sha256: _Sha256 = ""
    kind: Short = FIRST_KIND
    action_names: Names = ()
    action_low: Amounts = ()
    action_high: Amounts = ()
    shared: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _fits_together(self) -> PolicyMetadata:
        form_of(self.kind, self.action)
        if self.shared and not form_of(self.kind, self.action).candidate_groups:
            raise ConfigError(
                f"metadata of {self.kind!r} with action={self.action!r} says `shared`, and nothing "
                "is picked out of many like things there"
            )
        names = len(self.action_names)
        if (names == 0) != (self.kind == FIRST_KIND):
            raise ConfigError(
                f"metadata of the kind {self.kind!r} with {names} action_names: admission has "
                "none, other kinds have one for each action"
            )
        amounts = names if form_of(self.kind, self.action).is_continuous else 0
        if (len(self.action_low), len(self.action_high)) != (amounts, amounts) or any(
            low >= high for low, high in zip(self.action_low, self.action_high, strict=True)
        ):
            raise ConfigError(
                f"action_low and action_high of {self.kind} with action={self.action!r} have "
                f"{amounts} values, each low below its high"
            )
        return self

    @property
    def space(self) -> DecisionSpace:
        """The observed fields and the actions of the twin."""
        return DecisionSpace(
            self.kind,
            self.action,
            self.field_names,
            self.action_names,
            self.action_low,
            self.action_high,
        )

    @property
    def name(self) -> str:
        """How tables call the twin: of which policy, from how many decisions, and how."""
        gan = "+gan" if self.num_synthetic else ""
        return f"twin-of-{self.default_policy}-{self.num_decisions}{gan}"

    def to_json(self) -> str:
        """The metadata as text that `from_json` reads."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str = "the text") -> PolicyMetadata:
        """The metadata in a JSON text, with every key and value checked.

        Args:
            text: a JSON object; bytes are UTF-8.
            origin: how errors call the text.

        Returns:
            The metadata.

        Raises:
            ConfigError: if it is no JSON, or a key is unknown, missing or has a wrong value.
        """
        values = read_object(text, origin)
        if not any(key in values for key in _LATER):
            values |= _LATER
        values = _LATEST | values
        missing = sorted(cls.model_fields.keys() - values.keys())
        if missing:
            raise ConfigError(f"{origin} is not the metadata of a policy twin: {missing} missing")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from None


def package_versions() -> dict[str, str]:
    """Versions of what makes a twin what it is, by name."""
    found = {"python": platform.python_version()}
    for package in ("twin-gym", "torch", "numpy"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
