"""Barring of massive access: what a base station broadcasts, and the genie that sees who waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.massive_access.actions import ACTION_FORMS, ActionName
from twin_gym.environments.massive_access.batch import AccessBatch
from twin_gym.environments.massive_access.observation import field_names
from twin_gym.environments.massive_access.policies.tuning import tuned_level
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.environments.massive_access.theory import collided_senders
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations, Policy
from twin_gym.policies.draws import Draws

Floats = NDArray[np.float64]

_FIELDS = field_names()
_RATE_GAIN = 0.05


class BarringPolicy(ABC):
    """A policy that broadcasts a barring probability, in either form of the action.

    Args:
        scenario: what the rows run; the policy is for this one alone.
        action: `level`, where the nearest level by its logarithm is taken, or `probability`.

    Raises:
        ConfigError: if there is no such form of action.
    """

    name: str

    def __init__(self, scenario: AccessScenario, action: ActionName = "level") -> None:
        form_named(ACTION_FORMS, action)
        self._by_level = action == "level"
        self._levels = np.array(scenario.barring_probabilities)
        logarithms = np.log(self._levels)
        self._borders = np.exp((logarithms[1:] + logarithms[:-1]) / 2)[::-1]

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Resets the policy."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One action a row.

        Args:
            observations: shape (rows, fields).
            masks: all ones, or of shape (rows, 0).

        Returns:
            Levels, shape (rows,); or probabilities, shape (rows, 1).

        Raises:
            ConfigError: if the observations are those of another environment.
        """
        if observations.ndim != 2 or observations.shape[1] != len(_FIELDS):  # noqa: PLR2004
            raise ConfigError(
                f"observations must be of shape (rows, {len(_FIELDS)}), got {observations.shape}"
            )
        probabilities = self.probabilities(observations)
        if not self._by_level:
            return probabilities[:, None]
        return len(self._levels) - 1 - np.searchsorted(self._borders, probabilities)

    @abstractmethod
    def probabilities(self, observations: Observations) -> Floats:
        """The barring probabilities wanted.

        Args:
            observations: shape (rows, fields).

        Returns:
            In [0, 1]; shape (rows,).
        """


class RandomBarring(BarringPolicy):
    """Draws evenly from the levels, or from 0 to 1 where the action is a probability.

    It is the zero of every score. Row i draws the same whatever the number of rows.
    """

    name = "random"

    def __init__(self, scenario: AccessScenario, action: ActionName = "level") -> None:
        super().__init__(scenario, action)
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def probabilities(self, observations: Observations) -> Floats:
        """One of the levels, each with the same chance; or any probability."""
        drawn = self._draws.next().random(len(observations))
        if not self._by_level:
            return drawn
        levels: Floats = self._levels[(drawn * len(self._levels)).astype(np.int64)]
        return levels


class NoBarring(BarringPolicy):
    """Bars nobody: every device tries as soon as it may."""

    name = "none"

    def probabilities(self, observations: Observations) -> Floats:
        """1."""
        return np.ones(len(observations))


class FixedBarring(BarringPolicy):
    """Broadcasts one probability all the time.

    For the presets it comes with the package: the best of the levels on validation worlds.

    Args:
        scenario: what the rows run.
        action: `level` or `probability`.
        barring: the probability; None: the tuned one of the scenario.

    Raises:
        ConfigError: if none is given and none comes with the package, or it is not in [0, 1].
    """

    name = "fixed"

    def __init__(
        self,
        scenario: AccessScenario,
        action: ActionName = "level",
        barring: float | None = None,
    ) -> None:
        super().__init__(scenario, action)
        if barring is None:
            barring = scenario.barring_probabilities[tuned_level(scenario)]
        if not 0.0 <= barring <= 1.0:
            raise ConfigError(f"a barring probability is 0 to 1, got {barring!r}")
        self.barring = barring

    def probabilities(self, observations: Observations) -> Floats:
        """The one probability."""
        return np.full(len(observations), self.barring)


class IdleEstimator(BarringPolicy):
    """Estimates from idle and collided preambles how many devices wait, and lets 54 of them try.

    Rivest's pseudo-Bayesian broadcast on many preambles at once. Let the number of devices that may
    try be Poisson of mean v. With barring probability p each of the m preambles then gets Poisson
    of mean x = p v / m senders, independently, and v (1 - p) devices keep silent. Given the
    outcomes, a collided preamble has x (1 - e^-x) / (1 - e^-x - x e^-x) senders on average, one
    with a success one, an idle one none. So after the opportunity the mean is v (1 - p), plus those
    who collided as their backoffs end, plus new arrivals (their rate is taken from the recent
    successes). For one preamble at x = 1 this is Rivest's rule: -1, or + 1 / (e - 2).
    If fewer preambles are idle than v explains, by three standard deviations, the load is taken
    from the idle ones alone, x = ln(m / idle): a burst has come.

    It broadcasts p = min(1, load m / v).

    Args:
        scenario: what the rows run.
        action: `level` or `probability`.
        load: senders a preamble that it aims at; one number, or one a row.
        rate_gain: how quickly its rate of new arrivals follows the successes, in (0, 1]; likewise.

    Raises:
        ConfigError: if the load is not positive, or the gain not in (0, 1].

    References:
        R. L. Rivest (1987), Network control by Bayesian broadcast, IEEE Trans. Inf. Theory 33(3);
        H. Jin, W. T. Toor, B. C. Jung, J.-B. Seo (2017), Recursive pseudo-Bayesian access class
        barring for M2M communications in LTE systems, IEEE Trans. Veh. Technol. 66(9).
    """

    name = "idle-estimator"
    unseen = "how many devices it thinks are waiting, by all outcomes so far"

    def __init__(
        self,
        scenario: AccessScenario,
        action: ActionName = "level",
        *,
        load: float | Floats = 1.0,
        rate_gain: float | Floats = _RATE_GAIN,
    ) -> None:
        super().__init__(scenario, action)
        self._load, self._gain = np.asarray(load, np.float64), np.asarray(rate_gain, np.float64)
        if not (self._load > 0.0).all() or not ((self._gain > 0.0) & (self._gain <= 1.0)).all():
            raise ConfigError(
                f"`load` must be positive and `rate_gain` in (0, 1], got {load!r} and {rate_gain!r}"
            )
        self._preambles = scenario.preambles
        self._backoff_shares = _backoff_shares(scenario)
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Forgets everything."""
        self._time = np.zeros(0)

    def probabilities(self, observations: Observations) -> Floats:
        """One preamble for each device that is thought to be able to try."""
        seen = {name: observations[:, _FIELDS.index(name)].astype(np.float64) for name in _SEEN}
        self._forget_ended(seen["time"])
        self._learn(seen)
        self._time = seen["time"]
        return np.minimum(1.0, self._load * self._preambles / np.maximum(self._backlog, 1e-9))

    def _forget_ended(self, time: Floats) -> None:
        """A row whose time went back, or that is new, is in another episode."""
        if len(time) != len(self._time):
            self._time = np.full(len(time), np.inf)
            self._backlog, self._rate = np.zeros(len(time)), np.zeros(len(time))
            self._returning = np.zeros((len(time), len(self._backoff_shares)))
        begun = time <= self._time
        self._backlog[begun] = self._rate[begun] = 0.0
        self._returning[begun] = 0.0
        self._is_first = begun & (time == 0.0)

    def _learn(self, seen: Mapping[str, Floats]) -> None:
        m = self._preambles
        successes, collisions = m * seen["successes/0"], m * seen["collisions/0"]
        idle = m * seen["idle/0"]
        load = seen["barring"] * self._backlog / m
        load_of_idle = np.log((m + 0.5) / (idle + 0.5))
        deviation = np.sqrt(np.expm1(np.minimum(load, 4.0)) / m)
        load = np.where(load_of_idle > load + 3.0 * deviation, load_of_idle, load)
        collided = collisions * collided_senders(load)
        silent = self._backlog * (1.0 - seen["barring"])
        returning = self._returning + collided[:, None] * self._backoff_shares
        self._rate += self._gain * (successes - self._rate)
        self._backlog = np.where(self._is_first, 0.0, silent + returning[:, 0] + self._rate)
        self._returning[:, :-1] = returning[:, 1:]
        self._returning[:, -1] = 0.0


_SEEN = ("successes/0", "collisions/0", "idle/0", "barring", "time")


def _backoff_shares(scenario: AccessScenario) -> Floats:
    """With which chance a device that collided may try again after 1, 2, ... opportunities."""
    longest = scenario.backoff_s / scenario.slot_s
    ends = np.arange(1, max(int(np.ceil(longest)), 1) + 1)
    if longest <= 1.0:
        return np.ones(1)
    return np.diff(np.minimum(ends / longest, 1.0), prepend=0.0)


class GeniePolicy(BarringPolicy):
    """Sees how many devices may try, and lets one a preamble: p = min(1, preambles / backlog).

    An anchor and no competitor: what it sees is hidden from agents. `evaluate` shows it the rows;
    who steps an environment calls `bind(env.batch)` first.
    """

    name = "genie"

    def __init__(self, scenario: AccessScenario, action: ActionName = "level") -> None:
        super().__init__(scenario, action)
        self._preambles = scenario.preambles
        self._batch: AccessBatch | None = None

    def bind(self, batch: AccessBatch) -> None:
        """Binds the policy to the batch that it decides for."""
        self._batch = batch

    def probabilities(self, observations: Observations) -> Floats:
        """One preamble for each device that may try."""
        if self._batch is None:
            raise ConfigError("the genie reads the batch: call `bind(env.batch)` before `actions`")
        return np.minimum(1.0, self._preambles / np.maximum(self._batch.num_ready(), 1))


POLICIES: Mapping[str, Callable[[AccessScenario, ActionName], Policy]] = MappingProxyType(
    {
        "random": RandomBarring,
        "none": NoBarring,
        "fixed": FixedBarring,
        "idle-estimator": IdleEstimator,
        "genie": GeniePolicy,
    }
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables.

The genie is an anchor: it sees what agents do not.
"""
