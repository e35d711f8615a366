"""Objectives of a network: prioritised indicators, their weights, and the value to maximise.

Equations (1) to (7) of Duran et al., arXiv:2411.14222, 2024. Four indicators: device density,
packet deadline, latency and buffer size. What is asked of the network decides which of them are
prioritised; the weights add up to one, and each prioritised weight is larger than each other one.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.base import Duration, FrozenModel, Probability

Indicator = Literal["density", "deadline", "latency", "buffer"]
INDICATORS: tuple[Indicator, ...] = get_args(Indicator)
"""In the order of every array of weights."""

_OF_DENSITY: frozenset[Indicator] = frozenset({"density", "deadline"})
_OF_LATENCY: frozenset[Indicator] = frozenset({"latency", "deadline"})
_OF_ACCURACY: frozenset[Indicator] = frozenset({"density", "buffer"})

_MAX_DEVICES = 10_000_000


class Thresholds(FrozenModel):
    """Beyond which an indicator is prioritised; each comparison is strict.

    Attributes:
        num_devices: more devices than this are a dense network.
        latency_s: less latency than this is an urgent service.
        accuracy: a greater share than this is an accurate twin.
    """

    num_devices: Annotated[int, Field(strict=True, ge=0, le=_MAX_DEVICES)] = 50
    latency_s: Duration = 0.9e-3
    accuracy: Probability = 0.97


class Demand(FrozenModel):
    """Requirements on the network; None where there is none.

    Attributes:
        num_devices: that it must carry.
        latency_s: the most that is tolerated.
        accuracy: share of the twin's values that must be right.
    """

    num_devices: Annotated[int, Field(strict=True, ge=0, le=_MAX_DEVICES)] | None = None
    latency_s: Duration | None = None
    accuracy: Probability | None = None


class KpiObjective(FrozenModel):
    """The objective of a scenario: which indicators count, and how much.

    Attributes:
        demand: what is asked.
        thresholds: from which on it prioritises.
        prioritised_share: weight that all prioritised indicators share evenly; the rest is
            divided at random among the others.

    Example:
        >>> objective = KpiObjective(demand=Demand(num_devices=250))
        >>> sorted(objective.prioritised)
        ['deadline', 'density']
        >>> weights = objective.weights(seed=1)
        >>> round(float(weights.sum()), 9), bool(weights[:2].min() > weights[2:].max())
        (1.0, True)
    """

    demand: Demand = Demand()
    thresholds: Thresholds = Thresholds()
    prioritised_share: Annotated[float, Field(strict=True, gt=0.0, lt=1.0, allow_inf_nan=False)] = (
        0.8
    )

    @property
    def prioritised(self) -> frozenset[Indicator]:
        """The indicators that (1) prioritises; where several cases hold, those of all of them."""
        asked, least = self.demand, self.thresholds
        indicators: frozenset[Indicator] = frozenset()
        if asked.num_devices is not None and asked.num_devices > least.num_devices:
            indicators |= _OF_DENSITY
        if asked.latency_s is not None and asked.latency_s < least.latency_s:
            indicators |= _OF_LATENCY
        if asked.accuracy is not None and asked.accuracy > least.accuracy:
            indicators |= _OF_ACCURACY
        return indicators

    def weights(self, seed: int) -> NDArray[np.float64]:
        """The weights of (2), in the order of `INDICATORS`.

        Without priorities, and within the share of those that are not prioritised, they are drawn
        evenly on the simplex. A draw in which an indicator that is not prioritised would reach a
        prioritised one is moved towards equal shares until (7) holds.

        Args:
            seed: of the draw; 0 or more.

        Returns:
            Shape (4,); positive, sum 1; (4), (6) and (7) hold.

        Raises:
            ConfigError: if the seed is negative.
        """
        if seed < 0:
            raise ConfigError(f"the seed of the weights must be 0 or more, got {seed}")
        rng = np.random.default_rng(seed)
        chosen = self.prioritised
        is_first = np.array([name in chosen for name in INDICATORS])
        if is_first.all() or not is_first.any():
            return rng.dirichlet(np.ones(len(INDICATORS)))
        first, others = int(is_first.sum()), int((~is_first).sum())
        share = max(self.prioritised_share, (first + 0.5) / len(INDICATORS))
        weights = np.where(is_first, share / first, 0.0)
        rest = rng.dirichlet(np.ones(others)) * (1.0 - share)
        most, even = 0.99 * share / first, (1.0 - share) / others
        if rest.max() > most:
            rest = even + (rest - even) * (most - even) / (rest.max() - even)
        weights[~is_first] = rest
        return weights

    def value(self, indicators: Mapping[str, float], seed: int) -> float:
        """The objective O of (2): the weighted sum of the indicators' values.

        Args:
            indicators: the four values, each from 0 (worst) to 1 (best).
            seed: of the weights.

        Returns:
            0 to 1.

        Raises:
            ConfigError: if an indicator is missing or unknown, or a value is not in [0, 1].
        """
        for name in indicators:
            if name not in INDICATORS:
                raise unknown_name("indicator", name, INDICATORS)
        missing = [name for name in INDICATORS if name not in indicators]
        if missing:
            raise ConfigError(f"the objective needs all four indicators, {missing} missing")
        values = np.array([indicators[name] for name in INDICATORS], np.float64)
        if not ((values >= 0.0) & (values <= 1.0)).all():
            raise ConfigError(f"values of indicators are 0 to 1, got {dict(indicators)}")
        return float(self.weights(seed) @ values)


SCENARIO_OBJECTIVES: Mapping[str, KpiObjective] = MappingProxyType(
    {
        "base": KpiObjective(),
        "high-density": KpiObjective(demand=Demand(num_devices=250)),
        "synchronisation": KpiObjective(demand=Demand(accuracy=0.98)),
    }
)
"""The objectives of the paper's three scenarios."""
