"""The scenario of edge caching: items, their popularity, and the places of the cache."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.slotted import SlottedScenario

MAX_ITEMS = 10_000


class CachingScenario(SlottedScenario):
    """A cache at the edge of a network, asked for one item a slot.

    Attributes:
        num_items: 2 to 10,000.
        num_places: items that the cache holds; fewer than there are.
        zipf_exponent: 0: all are as popular; the k-th most popular one is asked for in proportion
            to k^-exponent.
    """

    kind: ClassVar[str] = "caching"

    num_items: Annotated[int, Field(strict=True, ge=2, le=MAX_ITEMS)] = 50
    num_places: Annotated[int, Field(strict=True, ge=1, le=100)] = 8
    zipf_exponent: Annotated[float, Field(strict=True, ge=0, le=4, allow_inf_nan=False)] = 1.0

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Self:
        if self.num_places >= self.num_items:
            raise ConfigError(
                f"a cache of {self.num_places} places holds all {self.num_items} items: give it "
                "fewer places, or let there be more items"
            )
        return self

    @property
    def time_unit_s(self) -> float:
        """As many requests as there are items: what is kept shows when it is asked for again."""
        return self.num_items * self.slot_s

    @property
    def popularity(self) -> NDArray[np.float64]:
        """Chance that a request is for an item, the most popular one first; shape (items,)."""
        weights = np.arange(1, self.num_items + 1) ** -self.zipf_exponent
        return np.asarray(weights / weights.sum())


SCENARIO = CachingScenario
