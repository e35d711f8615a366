"""What stands beside the weights of a policy twin: of what it is a twin, and how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Literal

from pydantic import Field

from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel

MAX_FIELDS = 50_000

_Short = Annotated[str, Field(strict=True, min_length=1, max_length=200)]
_Digest = Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{16}$")]
_Count = Annotated[int, Field(strict=True, ge=0, le=10**9)]
_Width = Annotated[int, Field(strict=True, ge=1, le=4096)]
_Share = Annotated[float, Field(strict=True, ge=0.0, lt=1.0, allow_inf_nan=False)]
_Sha256 = Annotated[str, Field(strict=True, pattern=r"^([0-9a-f]{64})?$")]


class PolicyCard(FrozenModel):
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
        held_out_loss: cross-entropy on the held-out decisions, smoothed like the training.
        versions: of the packages that made it.
        weights_sha256: of the file of weights, which so belongs to this card alone; "" unsaved.
    """

    format: Literal["twin_gym policy twin 1"] = "twin_gym policy twin 1"
    action: ActionForm
    field_names: Annotated[
        tuple[_Short, ...], Field(strict=False, min_length=1, max_length=MAX_FIELDS)
    ]
    hidden: Annotated[tuple[_Width, ...], Field(strict=False, min_length=1, max_length=8)]
    scenario: _Short
    scenario_digest: _Digest
    default_policy: _Short
    num_decisions: _Count
    num_synthetic: _Count = 0
    smoothing: _Share = 0.0
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    held_out_loss: Annotated[float, Field(strict=True, ge=0.0, allow_inf_nan=False)] = 0.0
    versions: Annotated[Mapping[_Short, _Short], Field(max_length=32)] = {}
    weights_sha256: _Sha256 = ""

    @property
    def name(self) -> str:
        """How tables call the twin: of which policy, from how many decisions, and how."""
        gan = "+gan" if self.num_synthetic else ""
        return f"twin-of-{self.default_policy}-{self.num_decisions}{gan}"

    def to_json(self) -> str:
        """The card as text that `from_json` reads."""
        return json.dumps(self.model_dump(mode="json"), indent=1, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str, *, origin: str = "the text") -> PolicyCard:
        """A card from its text, every key and value checked.

        Args:
            text: a JSON object.
            origin: how errors call the text.

        Returns:
            The card.

        Raises:
            ConfigError: if it is no JSON, or a key is unknown, missing or has a wrong value.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{origin} is not valid JSON: {error}") from None
        if not isinstance(values, dict) or not all(key in values for key in cls.model_fields):
            missing = sorted(
                set(cls.model_fields) - set(values if isinstance(values, dict) else ())
            )
            raise ConfigError(f"{origin} is no card of a policy twin: {missing} missing")
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
