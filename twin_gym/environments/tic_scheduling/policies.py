"""Policies of tiny instant communication: weights of a frame, and choices of the next queue."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.tic_scheduling.actions import ACTION_FORMS, ActionName
from twin_gym.environments.tic_scheduling.observation import field_names
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations, Policy
from twin_gym.policies.draws import Draws, checked_policy_seed, evenly
from twin_gym.scenario.objective import INDICATORS, SCENARIO_OBJECTIVES, KpiObjective

Keys = NDArray[np.int64]

_PRIORITISED, _OTHER = 0.4, 0.1
_LARGE = 2**40


class ConstantWeights:
    """The same weights in every frame.

    Args:
        name: how tables call it.
        weights: of density, deadline, latency and buffer.
    """

    def __init__(self, name: str, weights: tuple[float, float, float, float]) -> None:
        self.name = name
        self.weights = weights

    def reset(self, seed: int) -> None:
        """Resets the policy."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The weights, one row each; shape (rows, 4)."""
        return np.tile(np.array(self.weights, np.float32), (len(observations), 1))


class RandomWeights:
    """Weights drawn evenly on the simplex anew in every frame.

    It is the zero of every score. Row i draws the same whatever the number of rows.
    """

    name = "random"

    def __init__(self) -> None:
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Resets the policy: the same seed draws the same."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """Four weights a row; shape (rows, 4)."""
        # The lengths that three points drawn on [0, 1] cut it into, which needs no logarithm, so
        # that every machine has the same.
        one, two, three = self._draws.next().random((len(observations), 3)).T
        low, high = np.minimum(one, two), np.maximum(one, two)
        first, last = np.minimum(low, three), np.maximum(high, three)
        middle = np.maximum(low, np.minimum(high, three))
        lengths = np.stack([first, middle - first, last - middle, 1.0 - last], axis=1)
        return lengths.astype(np.float32)


class ObjectiveWeights:
    """The weights that an objective gives its indicators: who asks what decides who goes first.

    Equations (1) and (2) of Duran et al., arXiv:2411.14222, 2024, as the source of the scheduler's
    weights. An objective that prioritises something gives every episode the same weights. One that
    prioritises nothing has its weights drawn anew for each episode, as the paper's base scenario
    says: the k-th episode of row i depends on the seeds, i and k alone.

    Args:
        objective: what is wanted of the network.
        seed: of the draws; 0 or more.
        name: how tables call it.

    Raises:
        ConfigError: if the seed is negative.

    Example:
        >>> from twin_gym.scenario.objective import Demand, KpiObjective
        >>> dense = ObjectiveWeights(KpiObjective(demand=Demand(num_devices=51)))
        >>> dense.actions(np.zeros((1, 32), np.float32), np.ones((1, 0), np.int8))[0, :2]
        array([0.4, 0.4], dtype=float32)
    """

    def __init__(self, objective: KpiObjective, seed: int = 0, name: str = "objective") -> None:
        self.objective = objective
        self.seed = seed
        self.name = name
        self._weights = objective.weights(seed)
        self.unseen = "" if objective.prioritised else "weights drawn for the episode"
        self._time = field_names().index("time")
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Resets the policy: the same seed draws the same."""
        self._reset_seed = checked_policy_seed(seed)
        self._episodes = np.zeros(0, np.int64)
        self._drawn = np.zeros((0, len(INDICATORS)), np.float32)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The weights of density, deadline, latency and buffer; shape (rows, 4)."""
        rows = len(observations)
        if self.objective.prioritised:
            return np.tile(self._weights.astype(np.float32), (rows, 1))
        begins = observations[:, self._time] == 0.0
        if len(self._episodes) != rows:
            self._episodes = np.full(rows, -1)
            self._drawn = np.zeros((rows, len(INDICATORS)), np.float32)
            begins = np.ones(rows, np.bool_)
        self._episodes[begins] += 1
        for row in np.flatnonzero(begins):
            self._drawn[row] = self.objective.weights(self._seed_of(int(row)))
        return self._drawn.copy()

    def _seed_of(self, row: int) -> int:
        """The seed of a row's weights; row i after reset(s) has row 0's after reset(s + i)."""
        parts = [self.seed, self._reset_seed + row, int(self._episodes[row])]
        return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0])


class PickPolicy(ABC):
    """Gives each grant to the allowed queue of the least key; none if nobody waits.

    Args:
        scenario: of the rows; of one gateway.
    """

    name: str

    def __init__(self, scenario: TicScenario) -> None:
        self.scenario = scenario
        self.num_queues = 2 * scenario.num_sensors
        self._deadlines = np.tile(
            (scenario.deadline_slots, scenario.answer_deadline_slots), scenario.num_sensors
        )
        layout = form_named(ACTION_FORMS, "pick").layout(scenario)
        self._slack, self._fill = layout.span("slack"), layout.span("fill")
        self._channel = layout.span("channel")

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Resets the policy."""

    @abstractmethod
    def keys(self, observations: Observations) -> Keys:
        """Whole numbers, the least of which is picked; shape (rows, queues)."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One queue a row, or none where nobody may be picked; shape (rows,)."""
        allowed = masks[:, : self.num_queues] > 0
        keys = np.where(allowed, self.keys(observations), np.iinfo(np.int64).max)
        return np.where(allowed.any(axis=1), keys.argmin(axis=1), self.num_queues)

    def remaining(self, observations: Observations) -> Keys:
        """Slots left for the oldest message of each queue, this one too; shape (rows, queues)."""
        slack = observations[:, self._slack].astype(np.float64)
        return np.rint(slack * self.scenario.most_deadline_slots).astype(np.int64)

    def ages(self, observations: Observations) -> Keys:
        """Slots for which the oldest message of each queue has waited; shape (rows, queues)."""
        ages: Keys = self._deadlines - self.remaining(observations)
        return ages

    def fills(self, observations: Observations) -> Keys:
        """Messages of each queue; shape (rows, queues)."""
        fill = observations[:, self._fill].astype(np.float64)
        return np.rint(fill * self.scenario.buffer_messages).astype(np.int64)


class PickEarliestDeadline(PickPolicy):
    """Picks the most urgent message, then the oldest."""

    name = "edf"

    def keys(self, observations: Observations) -> Keys:
        """Slots left, then age."""
        keys: Keys = self.remaining(observations) * _LARGE - self.ages(observations)
        return keys


class PickFirstCome(PickPolicy):
    """Picks the oldest message."""

    name = "first-come"

    def keys(self, observations: Observations) -> Keys:
        """Age, the greatest first."""
        return -self.ages(observations)


class PickLongestQueue(PickPolicy):
    """Picks from the fullest queue, then the oldest message."""

    name = "longest-queue"

    def keys(self, observations: Observations) -> Keys:
        """Messages, the most first, then age."""
        keys: Keys = -self.fills(observations) * _LARGE - self.ages(observations)
        return keys


class PickMaxWeight(PickPolicy):
    """Picks the queue of most messages times probability of success, then the oldest message.

    Tassiulas and Ephremides, IEEE Transactions on Information Theory 39(2), 1993. Where channels
    are not observable it is the longest queue.
    """

    name = "max-weight"

    def keys(self, observations: Observations) -> Keys:
        """Messages times probability in millionths, the most first, then age."""
        seen = observations[:, self._channel].astype(np.float64)
        success = seen if self.scenario.channel_observable else np.ones_like(seen)
        weight = self.fills(observations) * np.repeat(success, 2, axis=1)
        keys: Keys = -np.rint(weight * 1e6).astype(np.int64) * 2**20 - self.ages(observations)
        return keys


class PickRoundRobin(PickPolicy):
    """Picks the queues in turn, those that may not be picked left out."""

    name = "round-robin"
    unseen = "whose turn it is"

    def __init__(self, scenario: TicScenario) -> None:
        super().__init__(scenario)
        self._last = np.zeros(0, np.int64)

    def reset(self, seed: int) -> None:
        """Resets the policy: the first queue is the first again."""
        self._last = np.zeros(0, np.int64)

    def keys(self, observations: Observations) -> Keys:
        """How far each queue lies behind the last one picked."""
        if len(self._last) != len(observations):
            self._last = np.full(len(observations), -1)
        keys: Keys = (np.arange(self.num_queues) - self._last[:, None] - 1) % self.num_queues
        return keys

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One queue a row; shape (rows,)."""
        chosen = super().actions(observations, masks)
        self._last = np.where(chosen < self.num_queues, chosen, self._last)
        return chosen


class PickRandom:
    """Picks any queue that may be picked, all as likely; none if nobody waits.

    It is the zero of every score. Row i draws the same whatever the number of rows.

    Args:
        scenario: of the rows; of one gateway.
    """

    name = "random"

    def __init__(self, scenario: TicScenario) -> None:
        self.num_queues = 2 * scenario.num_sensors
        self._draws = Draws()

    def reset(self, seed: int) -> None:
        """Resets the policy: the same seed draws the same."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One queue a row, or none where nobody may be picked; shape (rows,)."""
        return evenly(self._draws.next().random(len(masks)), masks[:, : self.num_queues] > 0)


Factory = Callable[[TicScenario, ActionName], Policy]

_WEIGHTS: Mapping[str, tuple[float, float, float, float]] = {
    "density-deadline": (_PRIORITISED, _PRIORITISED, _OTHER, _OTHER),
    "density-buffer": (_PRIORITISED, _OTHER, _OTHER, _PRIORITISED),
    "latency-deadline": (_OTHER, _PRIORITISED, _PRIORITISED, _OTHER),
    "equal": (0.25, 0.25, 0.25, 0.25),
    "edf": (0.0, 1.0, 0.0, 0.0),
    "first-come": (0.0, 0.0, 1.0, 0.0),
    "longest-queue": (0.0, 0.0, 0.0, 1.0),
}
_OBJECTIVES: Mapping[str, KpiObjective] = {
    f"objective-{name}": objective for name, objective in SCENARIO_OBJECTIVES.items()
}
_PICKS: Mapping[str, Any] = {
    one.name: one
    for one in (
        PickRandom, PickEarliestDeadline, PickFirstCome, PickLongestQueue, PickRoundRobin,
        PickMaxWeight,
    )
}  # fmt: skip


def _factory(name: str) -> Factory:
    def made(scenario: TicScenario, action: ActionName = "weights") -> Policy:
        form_named(ACTION_FORMS, action)
        if action == "pick" and name in _PICKS:
            policy: Policy = _PICKS[name](scenario)
            return policy
        if action == "weights" and name == "random":
            return RandomWeights()
        if action == "weights" and name in _WEIGHTS:
            return ConstantWeights(name, _WEIGHTS[name])
        if action == "weights" and name in _OBJECTIVES:
            return ObjectiveWeights(_OBJECTIVES[name], name=name)
        known = sorted(_PICKS) if action == "pick" else ["random", *_WEIGHTS, *_OBJECTIVES]
        raise ConfigError(
            f"the policy {name!r} has nothing for action={action!r}: take one of {', '.join(known)}"
        )

    made.__doc__ = _SENTENCES[name]
    return made


_SENTENCES: Mapping[str, str] = {
    "random": "Weights drawn on the simplex in every frame; or any queue, all as likely.",
    "density-deadline": "Density and deadline first: weights 0.4, 0.4, 0.1, 0.1.",
    "density-buffer": "Density and buffer first: weights 0.4, 0.1, 0.1, 0.4.",
    "latency-deadline": "Latency and deadline first: weights 0.1, 0.4, 0.4, 0.1.",
    "equal": "All four weights alike.",
    "objective-base": "Weights of the paper's base scenario: drawn anew in every episode.",
    "objective-high-density": "Weights of its high density: density and deadline 0.4 each.",
    "objective-synchronisation": "Weights of its synchronisation: density and buffer 0.4 each.",
    "edf": "Earliest deadline first: the most urgent message, then the oldest.",
    "first-come": "The oldest message first.",
    "longest-queue": "The fullest queue first, then the oldest message.",
    "round-robin": "The queues in turn (picks only).",
    "max-weight": "Most messages times probability of success first (picks only).",
}

POLICIES: Mapping[str, Factory] = MappingProxyType({name: _factory(name) for name in _SENTENCES})
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""

DEFAULT_POLICY = "first-come"
"""What an operator runs today."""
