"""Rules of right-time synchronisation: whose update is worth the slot, from ages and known laws."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.right_time_sync.actions import ACTION_FORMS, ActionName
from twin_gym.environments.right_time_sync.scenario import Replay, SyncScenario
from twin_gym.environments.right_time_sync.theory import (
    error_by_age,
    held_error_by_age,
    whittle_index,
)
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations, Policy
from twin_gym.policies.draws import Draws

Floats = NDArray[np.float64]

_MOST_AGES = 32_768
"""Ages that tables go up to; older entities count as this old."""

_EXACT_AGES, _RATIO = 1024, 1.005
"""Every age up to the first has an entry of its own; from there on each is so much greater."""

_MARGIN = 32
"""Further ages: an index depends on the errors beyond its age that lost updates lead to."""


class SyncPolicy(ABC):
    """A policy that scores the entities, in either form of the action.

    Args:
        scenario: what the rows run; the policy is for this one alone.
        action: `pick`, where the best score sends, or `rounds`, where the scores are ranked. Scores
            of 0 and below do not send.

    Raises:
        ConfigError: if there is no such form of action.
    """

    name: str

    def __init__(self, scenario: SyncScenario, action: ActionName = "pick") -> None:
        layout = form_named(ACTION_FORMS, action).layout(scenario)
        self._age, self._rate = layout.span("age"), layout.span("rate")
        self._time = layout.columns("time")[0]
        self._num_fields = len(layout.names)
        self.scenario = scenario
        self.num_entities = scenario.num_entities
        self._by_round = action == "rounds"
        self.places = scenario.round_size if self._by_round else 1

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Resets the policy."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, entities + 1), or (rows, 0) for `rounds`.

        Returns:
            Entities or N, shape (rows,); or scores, shape (rows, entities).

        Raises:
            ConfigError: if the observations are those of another scenario.
        """
        if observations.shape[1:] != (self._num_fields,):
            raise ConfigError(
                f"observations of {self.scenario.name!r} have shape (rows, {self._num_fields}), "
                f"got {observations.shape}: this policy is for that scenario alone"
            )
        scores = self.scores(observations)
        if self._by_round:
            ranks = scores.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable") + 1.0
            return np.where(scores > 0.0, ranks / self.num_entities, 0.0)
        best = scores.argmax(axis=1)
        rows = np.arange(len(scores))
        sends = (scores[rows, best] > 0.0) & (masks[rows, best] == 1)
        return np.where(sends, best, self.num_entities)

    @abstractmethod
    def scores(self, observations: Observations) -> Floats:
        """The value of an update of each entity now.

        Args:
            observations: shape (rows, fields).

        Returns:
            Shape (rows, entities); 0 and below: nothing.
        """

    def ages(self, observations: Observations) -> Floats:
        """Ages in slots; infinite where nothing was ever heard; shape (rows, entities)."""
        seen = observations[:, self._age].astype(np.float64)
        with np.errstate(divide="ignore"):
            return np.rint(self.num_entities * seen / (1.0 - seen))

    def slots(self, observations: Observations) -> NDArray[np.int64]:
        """Slots that are over; shape (rows,)."""
        share = observations[:, self._time].astype(np.float64)
        return np.rint(share * self.scenario.num_slots).astype(np.int64)

    def variance_rates(self, observations: Observations) -> Floats:
        """Mean square change a slot, as delivered changes tell; shape (rows, entities)."""
        count = self.num_entities
        seen = observations[:, self._rate].astype(np.float64)
        seen = np.minimum(seen, 1.0 - 1e-7)
        rates: Floats = self.scenario.tolerance**2 * seen / (1.0 - seen) / count
        return rates

    def turns(self, first: NDArray[np.int64]) -> Floats:
        """Scores that let the entities from a first one on send, in their order.

        Args:
            first: the entity whose turn it is; shape (rows,).

        Returns:
            Shape (rows, entities); 0 beyond the places of a slot.
        """
        behind = (np.arange(self.num_entities) - first[:, None]) % self.num_entities
        turns: Floats = np.maximum(self.places - behind, 0).astype(np.float64)
        return turns


class RandomSyncPolicy(SyncPolicy):
    """Draws an entity or nobody, each with the same chance; in rounds, an order of all."""

    name = "random"

    def __init__(self, scenario: SyncScenario, action: ActionName = "pick") -> None:
        super().__init__(scenario, action)
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Seeds the draws."""
        self._draws.reset(seed)

    def scores(self, observations: Observations) -> Floats:
        """Drawn; the highest is negative where nobody sends."""
        drawn = self._draws.next().random((len(observations), self.num_entities + 1))
        if self._by_round:
            return drawn[:, :-1]
        return drawn[:, :-1] - drawn[:, -1:]


class NoSyncPolicy(SyncPolicy):
    """Nobody ever sends."""

    name = "none"

    def scores(self, observations: Observations) -> Floats:
        """All 0."""
        return np.zeros((len(observations), self.num_entities))


class RoundRobinPolicy(SyncPolicy):
    """All in turn, whether their updates arrive or not."""

    name = "round-robin"
    unseen = "whose turn it is (the number of the slot, of which only the share of the episode)"

    def scores(self, observations: Observations) -> Floats:
        """The turn moves on with every slot."""
        return self.turns(self.slots(observations) * self.places % self.num_entities)


class ZeroWaitPolicy(SyncPolicy):
    """All in turn, each until its update has arrived: never waits, whatever it costs.

    Where several send at once, those whose turn is longest ago are the next ones.
    """

    name = "zero-wait"

    def scores(self, observations: Observations) -> Floats:
        """Scores that choose the next entity after the one that was delivered last."""
        ages = self.ages(observations)
        if self.places > 1:
            return np.minimum(ages, 1e9) + 1.0
        return self.turns((ages.argmin(axis=1) + 1) % self.num_entities)


class OldestFirstPolicy(SyncPolicy):
    """The entity that was not heard of for longest."""

    name = "oldest-first"

    def scores(self, observations: Observations) -> Floats:
        """The ages."""
        return np.minimum(self.ages(observations), 1e9) + 1.0


class PeriodicPolicy(SyncPolicy):
    """Each entity once in the planned period, the most overdue first; waits where none is due.

    Args:
        scenario: what the rows run.
        action: `pick` or `rounds`.
        period_s: another period than the planned one; one number, or one a row.

    Raises:
        ConfigError: if the period is not positive.
    """

    name = "periodic"

    def __init__(
        self,
        scenario: SyncScenario,
        action: ActionName = "pick",
        *,
        period_s: float | Floats | None = None,
    ) -> None:
        super().__init__(scenario, action)
        if period_s is None:
            period_s = scenario.planned_period_s or scenario.num_entities * scenario.slot_s
        periods = np.asarray(period_s, np.float64) / scenario.slot_s
        if not (periods > 0.0).all():
            raise ConfigError(f"`period_s` must be positive, got {period_s!r}")
        self._period = periods.reshape(-1, 1)

    def scores(self, observations: Observations) -> Floats:
        """Slots since it was due, the slot in which it is due counted."""
        overdue: Floats = np.minimum(self.ages(observations), 1e9) - self._period + 1.0
        return overdue


class _LawPolicy(SyncPolicy, ABC):
    """Scores by a table of ages that the laws of the scenario give; replayed ones are estimated."""

    def __init__(self, scenario: SyncScenario, action: ActionName = "pick") -> None:
        super().__init__(scenario, action)
        ages = _tabled_ages(min(scenario.num_slots, _MOST_AGES))
        self._place = np.searchsorted(ages, np.arange(ages[-1] + 1), side="right") - 1
        most = int(ages[-1]) + _MARGIN
        whole = sum(group.weight * group.count for group in scenario.groups)
        law = error_by_age if scenario.predictor == "fitted" else held_error_by_age
        tables, weights, replayed = [], [], []
        for group in scenario.groups:
            for member in range(group.count):
                weights.append(group.weight / whole)
                replayed.append(isinstance(group.process, Replay))
                errors = np.arange(1.0, most + 1.0)  # of one unit of variance a slot
                if not isinstance(group.process, Replay):
                    errors = law(group, member, scenario.slot_s, most)
                tables.append(self.table_of(errors, scenario.delivery_of(group))[ages])
        self._tables = np.array(tables)
        self._weights, self._replayed = np.array(weights), np.array(replayed)

    @abstractmethod
    def table_of(self, errors: Floats, delivery_probability: float) -> Floats:
        """The worth of an update by age 0, 1, ..., from mean errors by age 1, 2, ..."""

    def worth(self, observations: Observations) -> Floats:
        """The table's entries at the ages; shape (rows, entities)."""
        ages = np.minimum(self.ages(observations), len(self._place) - 1).astype(np.int64)
        places = self._place[ages]
        worths: Floats = self._tables[np.arange(self.num_entities), places] * self._weights
        if self._replayed.any():
            worths = np.where(self._replayed, worths * self._estimated(observations), worths)
        return worths

    def _estimated(self, observations: Observations) -> Floats:
        """Variance a slot; of an entity that has not been compared yet, the mean of the others."""
        rates = self.variance_rates(observations)
        known = (rates > 0.0) & self._replayed
        mean = rates.sum(axis=1, where=known) / np.maximum(known.sum(axis=1), 1)
        unknown = np.where(mean > 0.0, mean, self.scenario.tolerance**2)
        return np.where(rates > 0.0, rates, unknown[:, None])


def _tabled_ages(most: int) -> NDArray[np.int64]:
    """The ages of the entries of a table, rising; the table of a long episode stays small."""
    exact = np.arange(min(most, _EXACT_AGES))
    count = max(math.ceil(math.log(max(most, _EXACT_AGES) / _EXACT_AGES) / math.log(_RATIO)), 0)
    beyond = np.minimum(_EXACT_AGES * _RATIO ** np.arange(count + 1.0), most).astype(np.int64)
    return np.unique(np.concatenate([exact, beyond[beyond <= most], [most]]))


class LargestErrorPolicy(_LawPolicy):
    """The entity whose error would be largest at the end of the slot, by its weight."""

    name = "largest-expected-error"

    def table_of(self, errors: Floats, delivery_probability: float) -> Floats:
        """The error one slot later."""
        return errors

    def scores(self, observations: Observations) -> Floats:
        """The expected errors."""
        return self.worth(observations)


class WhittlePolicy(_LawPolicy):
    """The largest index of `right_time_sync.theory.whittle_index`, if it is worth the cost."""

    name = "whittle"

    def table_of(self, errors: Floats, delivery_probability: float) -> Floats:
        """The index."""
        return whittle_index(errors, delivery_probability)[: len(errors) - _MARGIN + 1]

    def scores(self, observations: Observations) -> Floats:
        """The index less the cost of an update."""
        return self.worth(observations) - self.scenario.update_cost


POLICIES: Mapping[str, Callable[[SyncScenario, ActionName], Policy]] = MappingProxyType(
    {
        "random": RandomSyncPolicy,
        "none": NoSyncPolicy,
        "round-robin": RoundRobinPolicy,
        "oldest-first": OldestFirstPolicy,
        "largest-expected-error": LargestErrorPolicy,
        "whittle": WhittlePolicy,
        "periodic": PeriodicPolicy,
        "zero-wait": ZeroWaitPolicy,
    }
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""

DEFAULT_POLICY = "round-robin"
"""What an operator runs today."""
