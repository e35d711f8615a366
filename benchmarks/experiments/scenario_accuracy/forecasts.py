"""The rows of the figure: what each generator says of the next state of the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.experiments.blocks import Floats
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gan import GanGenerator, asked
from twin_gym.twins.scenarios.gaussian import Normal, Step

DRAWS = 32
"""Of which the median is the GAN's point, and the first is judged as it is."""

LAST, DELIVERED, H, HYBRID, GAN = (
    "last known value", "delivered, else mean", "H", "H+R", "H+R+GAI"
)  # fmt: skip
ROWS = (H, HYBRID, GAN, LAST, DELIVERED)
SHARE_DELIVERED = "share delivered"


class Forecast(NamedTuple):
    """The forecast of a generator.

    Attributes:
        point: the one state that it holds for the likeliest; shape (columns,).
        draws: as many states as were asked for; shape (count, columns).
    """

    point: Floats
    draws: Floats


@dataclass(frozen=True)
class Seen:
    """The observations that a forecast starts from.

    Attributes:
        step: law of the windows and of their steps, fitted to history.
        gan: trained on history.
        before: coordinates when the network was last heard of before its change.
        values: told by the real-time twin since then; not a number where nothing was.
        ages: of these, in windows.
        is_staying: whether the network is known to stay as it is.
    """

    step: Step
    gan: GanGenerator
    before: Floats
    values: Floats
    ages: Floats
    is_staying: bool

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Whether each attribute was observed since the change."""
        return np.isfinite(self.values)

    @cached_property
    def law(self) -> Normal:
        """The law of the present state given all observations."""
        return self.step.state(self.values, self.ages)


def of_history(seen: Seen, count: int, rng: np.random.Generator) -> Forecast:
    """H: the law of all windows, whatever is heard."""
    return _of_law(seen.step.law, count, rng)


def of_hybrid(seen: Seen, count: int, rng: np.random.Generator) -> Forecast:
    """H+R: the normal law of the next window given all that was heard.

    Of a network that stays it is the law of this window.
    """
    law = seen.law if seen.is_staying else seen.step.later(seen.law, 1.0)
    return _of_law(law, count, rng)


def of_gan(seen: Seen, count: int, rng: np.random.Generator) -> Forecast:
    """H+R+GAI: next states by the GAN of states that go with all that was heard.

    Of a network that stays, what was heard is taken as it is.
    """
    states = seen.law.draw(DRAWS, rng)
    draws = seen.gan.next_states(states, asked(Criteria().condition), rng)
    if seen.is_staying:
        draws = np.where(seen.is_known, seen.values, draws)
    return Forecast(np.median(draws, axis=0), draws[:count])


def of_last_known(seen: Seen, count: int, rng: np.random.Generator) -> Forecast:
    """A reference: what was heard last, before the change if not since."""
    return _alone(np.where(seen.is_known, seen.values, seen.before), count)


def of_delivered(seen: Seen, count: int, rng: np.random.Generator) -> Forecast:
    """A reference: what was heard since the change, else the mean of history."""
    return _alone(np.where(seen.is_known, seen.values, seen.step.law.mean), count)


def _of_law(law: Normal, count: int, rng: np.random.Generator) -> Forecast:
    """The median of a normal law is its mean; draws cost a decomposition, so none without need."""
    draws = law.draw(count, rng) if count else np.empty((0, len(law.mean)))
    return Forecast(law.mean, draws)


def _alone(point: Floats, count: int) -> Forecast:
    return Forecast(point, np.tile(point, (count, 1)))


FORECASTS: dict[str, Callable[[Seen, int, np.random.Generator], Forecast]] = {
    H: of_history, HYBRID: of_hybrid, GAN: of_gan, LAST: of_last_known, DELIVERED: of_delivered
}  # fmt: skip
