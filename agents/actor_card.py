"""The metadata stored beside the weights of an actor, checked before the actor is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import FIRST_KIND
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.metadata import Amounts, Digest, FieldNames, Names, Short
from twin_gym.twins.networks import MAX_WIDTH, check_widths
from twin_gym.twins.strict_json import read_object

FORMAT = "twin_gym actor 1"

_Width = Annotated[int, Field(strict=True)]


class ActorCard(FrozenModel):
    """Everything about a learned actor but its weights.

    Attributes:
        format: of the two files.
        agent: how tables call it.
        action: form of the actions.
        field_names: what it looks at, in order.
        num_actions: how many discrete actions or amounts there are, as fields and names say, too.
        hidden: widths of its network; see `check_widths`.
        scenario: name of the scenario that it was trained on.
        scenario_digest: its digest.
        steps: environment steps that it learned from.
        settings: of its training; nothing depends on them.
        weights_sha256: of the file of weights.
        kind: of scenario; cards from before there were other kinds do not say it.
        action_names: what the actions or amounts mean, in order; empty for admission.
        low: least value of each amount; empty where actions are discrete.
        high: greatest value of each amount; empty where actions are discrete.
    """

    format: Short
    agent: Short
    action: Short
    field_names: FieldNames
    num_actions: Any
    hidden: Annotated[tuple[_Width, ...], Field(strict=False, fail_fast=True)]
    scenario: Short
    scenario_digest: Digest
    steps: Annotated[int, Field(strict=True, ge=0, lt=2**63)]
    settings: Mapping[str, Any]
    weights_sha256: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$")]
    kind: Short = FIRST_KIND
    action_names: Names = ()
    low: Amounts = ()
    high: Amounts = ()

    @model_validator(mode="after")
    def _fits_together(self) -> ActorCard:
        form_of(self.kind, self.action)
        check_widths(self.hidden)
        amounts = len(self.action_names) if form_of(self.kind, self.action).is_continuous else 0
        if (len(self.low), len(self.high)) != (amounts, amounts) or any(
            low >= high for low, high in zip(self.low, self.high, strict=True)
        ):
            raise ConfigError(
                f"{self.kind} with action={self.action!r} has {amounts} amounts from `low` to "
                f"`high`, got {self.low!r:.100} to {self.high!r:.100}"
            )
        given, expected = self.num_actions, self.space.num_actions
        if type(given) is not int or given != expected or not 1 <= expected <= MAX_WIDTH:
            raise ConfigError(
                f"an actor has widths of 1 to {MAX_WIDTH}: its fields and names say "
                f"{expected} actions, `num_actions` says {given!r:.40}"
            )
        return self

    @property
    def space(self) -> DecisionSpace:
        """The decision space that the actor was trained on."""
        return DecisionSpace(
            self.kind, self.action, self.field_names, self.action_names, self.low, self.high
        )

    @classmethod
    def from_json(cls, text: str | bytes, origin: str) -> ActorCard:
        """A card from its text, every key and value checked.

        Args:
            text: a JSON object; bytes are UTF-8.
            origin: how errors call the text.

        Returns:
            The card.

        Raises:
            ConfigError: if it is no JSON, or a key is unknown, missing or has a wrong value.
        """
        values = read_object(text, origin)
        format_ = values.get("format")
        if format_ != FORMAT:
            raise ConfigError(f"{origin} has the format {format_!r:.80}, not {FORMAT!r}")
        try:
            return cls(**values)
        except ConfigError as error:
            raise ConfigError(f"{origin}: {error}") from None
