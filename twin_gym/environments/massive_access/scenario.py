"""The scenario of massive access: one base station, many identical devices, their arrivals."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from twin_gym.errors import ConfigError
from twin_gym.scenario.base import Duration, FrozenModel, NonNegative, Probability, Scenario

MAX_DEVICES = 30_000
MAX_PREAMBLES = 64
MAX_TRIES = 200
MAX_BURSTS = 64
MAX_LEVELS = 64
MAX_OPPORTUNITIES = 200_000
MAX_BACKOFF_OPPORTUNITIES = 1_000_000

_ROUNDING = 1e-6  # of an opportunity: what a decimal fraction may be off as a float


class BetaArrivals(FrozenModel):
    """Devices ask at times of the law Beta(3, 4) over a window.

    The second traffic model of 3GPP TR 37.868 (highly synchronised, such as after a power cut).

    Attributes:
        window_s: within which every device asks once.
    """

    law: Literal["beta"] = "beta"
    window_s: Duration = 10.0


class UniformArrivals(FrozenModel):
    """Devices ask at times spread evenly over a window.

    The first traffic model of 3GPP TR 37.868 (not synchronised).

    Attributes:
        window_s: within which every device asks once.
    """

    law: Literal["uniform"] = "uniform"
    window_s: Duration = 60.0


class SimultaneousArrivals(FrozenModel):
    """A share of the devices asks at one moment, the others spread evenly over the window.

    With several bursts the window is cut into as many equal parts, each with one burst; the moment
    within its part is drawn anew in every world, so that the clock does not give it away.

    Attributes:
        window_s: within which every device asks once.
        fraction: share of the devices, rounded to whole ones, that asks in a burst.
        bursts: how many; the devices are dealt out to them in turn.
    """

    law: Literal["simultaneous"] = "simultaneous"
    window_s: Duration = 1.0
    fraction: Probability
    bursts: Annotated[int, Field(strict=True, ge=1, le=MAX_BURSTS)] = 1


AccessArrivals = Annotated[
    BetaArrivals | UniformArrivals | SimultaneousArrivals, Field(discriminator="law")
]


class AccessScenario(Scenario):
    """Many identical devices that contend for random access to one base station.

    Attributes:
        name: how tables and errors call it.
        horizon_s: length of an episode; what it has beyond the window of the arrivals is for those
            who still try. A whole number of slots.
        num_devices: 1 to 30,000; each asks once an episode.
        arrivals: when they ask.
        slot_s: from one access opportunity to the next.
        preambles: that a device may choose from in an opportunity.
        max_tries: preambles that a device sends before it gives up.
        backoff_s: after a collision a device waits evenly 0 to this long.
        barring_levels: how many values of the barring probability can be broadcast where the
            action is a level: 1 at first, then down to the least one in equal ratios.
        least_barring: the least of them.
        delay_weight: what waiting costs: with 1, a success after the whole horizon is worth
            nothing; with 0, waiting is free.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "access"

    num_devices: Annotated[int, Field(strict=True, ge=1, le=MAX_DEVICES)]
    arrivals: AccessArrivals
    slot_s: Duration = 0.005
    preambles: Annotated[int, Field(strict=True, ge=1, le=MAX_PREAMBLES)] = 54
    max_tries: Annotated[int, Field(strict=True, ge=1, le=MAX_TRIES)] = 10
    backoff_s: NonNegative = 0.02
    barring_levels: Annotated[int, Field(strict=True, ge=2, le=MAX_LEVELS)] = 16
    least_barring: Annotated[float, Field(strict=True, ge=1e-6, lt=1)] = 1 / 512
    delay_weight: Annotated[float, Field(strict=True, ge=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _fits_together(self) -> AccessScenario:
        slots = self.horizon_s / self.slot_s
        if slots > MAX_OPPORTUNITIES:
            raise ConfigError(
                f"{self.horizon_s:g} s hold {slots:.6g} opportunities of {self.slot_s:g} s; at "
                f"most {MAX_OPPORTUNITIES} are simulated: shorten the horizon"
            )
        if round(slots) < 1 or abs(slots - round(slots)) > _ROUNDING * max(slots, 1.0):
            raise ConfigError(
                f"the horizon must be a whole number of slots, got {self.horizon_s:g} s of "
                f"{self.slot_s:g} s: take {max(round(slots), 1) * self.slot_s:g} s"
            )
        if self.arrivals.window_s > self.horizon_s * (1.0 + _ROUNDING):
            raise ConfigError(
                f"devices ask within {self.arrivals.window_s:g} s and the episode has "
                f"{self.horizon_s:g} s: lengthen the horizon or shorten the window"
            )
        if self.backoff_s > MAX_BACKOFF_OPPORTUNITIES * self.slot_s:
            raise ConfigError(
                f"a backoff of {self.backoff_s:g} s is longer than {MAX_BACKOFF_OPPORTUNITIES} "
                f"opportunities of {self.slot_s:g} s: shorten it"
            )
        return self

    @property
    def num_opportunities(self) -> int:
        """Access opportunities in an episode: the decisions."""
        return round(self.horizon_s / self.slot_s)

    @property
    def barring_probabilities(self) -> tuple[float, ...]:
        """The values that can be broadcast as levels, from 1 down to the least one.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> load("access-beta-30000", AccessScenario).barring_probabilities[:2]
            (1.0, 0.6597539553864471)
        """
        last = self.barring_levels - 1
        return tuple(self.least_barring ** (level / last) for level in range(last + 1))

    @property
    def burst_devices(self) -> int:
        """Devices that ask in a burst."""
        law = self.arrivals
        if not isinstance(law, SimultaneousArrivals):
            return 0
        return round(law.fraction * self.num_devices)

    @property
    def best_expected_successes(self) -> float:
        """Most devices that an opportunity can serve on average: one contender a preamble.

        See `massive_access.theory`, which proves it.
        """
        return self.preambles * (1.0 - 1.0 / self.preambles) ** (self.preambles - 1)

    @property
    def time_unit_s(self) -> float:
        """A tenth of the time that the base station needs for all devices at its best.

        Ten opportunities at least.
        """
        needed = self.num_devices / self.best_expected_successes
        return max(needed / 10.0, 10.0) * self.slot_s


SCENARIO = AccessScenario
"""The model that this environment runs."""
