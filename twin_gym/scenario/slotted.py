"""Scenarios in which every decision takes the same time."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Duration, Scenario

MAX_SLOTS = 10_000_000
_ROUNDING = 1e-6  # of a slot: what a decimal fraction may be off as a float
_SLOTS_OF_A_TIME_UNIT = 10


class SlottedScenario(Scenario):
    """A network that moves on by slots; the fields of your own come after these.

    Attributes:
        slot_s: from one decision to the next, in seconds; the horizon is a whole number of slots.
    """

    slot_s: Duration = 1.0

    @model_validator(mode="after")
    def _holds_whole_slots(self) -> Self:
        slots = self.horizon_s / self.slot_s
        if not 1 <= round(slots) <= MAX_SLOTS or abs(slots - round(slots)) > _ROUNDING * slots:
            nearest = min(max(round(slots), 1), MAX_SLOTS) * self.slot_s
            raise ConfigError(
                f"the horizon must be 1 to {MAX_SLOTS:,} whole slots, got {self.horizon_s:g} s of "
                f"{self.slot_s:g} s each: take {nearest:g} s"
            )
        return self

    @property
    def num_slots(self) -> int:
        """Decisions in an episode."""
        return round(self.horizon_s / self.slot_s)

    @property
    def time_unit_s(self) -> float:
        """Ten slots; override it where what is decided shows sooner or later."""
        return _SLOTS_OF_A_TIME_UNIT * self.slot_s
