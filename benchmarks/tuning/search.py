"""Coordinate search over the parameters of a rule: one search, budget and worlds for every method.

Common random numbers: every candidate meets the same worlds, so that differences are paired and
small ones can be seen. It is the search of `search_reservation` in
`twin_gym.environments.slice_admission.policies.search`, for any rule and for several scenarios at
once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.policies.evaluation import evaluate_rows
from twin_gym.scenario import Scenario

Floats = NDArray[np.float64]
OnEpisodes = Callable[[int, float], None]
"""Told the episodes run and the best score so far."""

_FIRST_GRID = np.arange(10) / 10
_STEPS = (0.1, 0.05, 0.025)
_RESOLUTION = 1e-9
_MOST_ROWS = 4096


class Method(Protocol):
    """A rule with parameters, each given as a share of its range, 0 to 1."""

    start: Floats
    """The untuned rule; shape (parameters,)."""
    coarse: Floats
    """Others to begin with, where one parameter alone leads nowhere; (candidates, parameters)."""
    action: str | None
    """The form of the actions; None: the default of the environment."""

    def policy(self, scenario: Any, shares: Floats) -> Policy:  # noqa: ANN401 - of its kind
        """The rule with other parameters in each row; shares of shape (rows, parameters)."""


@dataclass(frozen=True)
class SearchOutcome:
    """The result of a search.

    Attributes:
        shares: the best parameters; shape (parameters,).
        score: their mean over worlds and scenarios (chosen there: optimistic).
        start_score: that of the untuned rule.
        episodes: run, at most the budget.
        decisions: taken in them.
    """

    shares: Floats
    score: float
    start_score: float
    episodes: int
    decisions: int


def earned_per_s(
    method: Method, scenario: Scenario, candidates: Floats, worlds: Sequence[int]
) -> tuple[Floats, int]:
    """The return a second of each candidate in each world.

    Args:
        method: the rule.
        scenario: where.
        candidates: shares, shape (candidates, parameters).
        worlds: seeds.

    Returns:
        Shape (candidates, worlds), and the decisions taken.
    """
    rows = np.repeat(candidates, len(worlds), axis=0)
    policy, seeds = method.policy(scenario, rows), list(worlds) * len(candidates)
    evaluation = evaluate_rows(policy, scenario, seeds, action=method.action)
    earned = evaluation.returns.reshape(len(candidates), len(worlds)) / scenario.horizon_s
    return earned, int(evaluation.steps.sum())


class CoordinateSearch:
    """Starts with the untuned rule or the best of the coarse ones; rounds change parameters alone.

    The first round goes to each tenth of a parameter's range, later ones a step up and down. The
    changes that gained are then put together, the best first, and the best set is kept. A round
    without a gain halves the step; the search ends after the smallest step, or with the budget.

    Args:
        method: the rule.
        scenarios: it is tuned for all of them together; each weighs by its worth.
        worlds: seeds, the same for every candidate and scenario.
        budget: most episodes.
        worth_per_s: by scenario, what a score of 1 is.
        on_episodes: see `OnEpisodes`.

    Raises:
        ConfigError: if the budget does not allow an episode in each world and scenario.
    """

    def __init__(
        self,
        method: Method,
        scenarios: Sequence[Scenario],
        worlds: Sequence[int],
        budget: int,
        worth_per_s: Sequence[float],
        on_episodes: OnEpisodes | None = None,
    ) -> None:
        self._method, self._scenarios, self._worlds = method, scenarios, worlds
        self._worth_per_s, self._tell = worth_per_s, on_episodes
        self._episodes_each = len(worlds) * len(scenarios)
        if not 0 < self._episodes_each <= budget:
            raise ConfigError(
                f"the budget must allow an episode in each of at least one world and scenario, got "
                f"{budget} episodes for {len(worlds)} worlds and {len(scenarios)} scenarios"
            )
        self._budget = budget
        self.episodes, self.decisions = 0, 0
        self._best, self._score = method.start.copy(), -np.inf

    def run(self) -> SearchOutcome:
        """Searches; the same arguments give the same parameters."""
        start_score = self._score = float(self._scores(self._best[None])[0])
        self._keep_best(self._method.coarse, self._scores(self._method.coarse))
        self._round(None)
        for step in _STEPS:
            while self._round(step):
                pass
        return SearchOutcome(self._best, self._score, start_score, self.episodes, self.decisions)

    def _round(self, step: float | None) -> bool:
        """Changes every parameter once; says if there was a gain."""
        alone = self._changed_alone(step)
        scores = self._scores(alone)
        alone = alone[: len(scores)]
        together = self._put_together(alone, scores)
        sets = np.concatenate([alone, together])
        scores = np.concatenate([scores, self._scores(together)])
        return self._keep_best(sets, scores)

    def _keep_best(self, sets: Floats, scores: Floats) -> bool:
        """Takes the best set if it is better; `scores` may be of the first of the sets only."""
        if len(scores) == 0 or scores.max() <= self._score:
            return False
        self._best, self._score = sets[scores.argmax()], float(scores.max())
        return True

    def _changed_alone(self, step: float | None) -> Floats:
        """The best set with one parameter changed; shape (candidates, parameters)."""
        candidates = []
        for p, now in enumerate(self._best):
            grid = _FIRST_GRID if step is None else now + np.array([-step, step])
            for value in np.unique(np.round(np.clip(grid, 0.0, 1.0), 6)):
                if abs(value - now) > _RESOLUTION:
                    candidate = self._best.copy()
                    candidate[p] = value
                    candidates.append(candidate)
        return np.array(candidates).reshape(-1, len(self._best))

    def _put_together(self, alone: Floats, scores: Floats) -> Floats:
        """The two best changes together, the three best, and so on, of those that gained."""
        candidates = []
        together, taken = self._best.copy(), set()
        for i in np.argsort(-scores, kind="stable"):
            (changed,) = np.flatnonzero(alone[i] != self._best)
            if scores[i] <= self._score or changed in taken:
                continue
            taken.add(changed)
            together[changed] = alone[i, changed]
            if len(taken) > 1:
                candidates.append(together.copy())
        return np.array(candidates).reshape(-1, len(self._best))

    def _scores(self, candidates: Floats) -> Floats:
        """Mean scores of as many of the candidates as the budget allows."""
        affordable = candidates[: (self._budget - self.episodes) // self._episodes_each]
        at_once = max(_MOST_ROWS // len(self._worlds), 1)
        scores = [np.zeros(0)]
        for first in range(0, len(affordable), at_once):
            part = affordable[first : first + at_once]
            scores.append(self._score_part(part))
            self.episodes += len(part) * self._episodes_each
            if self._tell is not None:
                self._tell(self.episodes, max(self._score, float(scores[-1].max())))
        # len(wanted) may be 0 where the budget is spent.
        return np.concatenate(scores)

    def _score_part(self, candidates: Floats) -> Floats:
        total = np.zeros(len(candidates))
        for scenario, worth in zip(self._scenarios, self._worth_per_s, strict=True):
            earned, decisions = earned_per_s(self._method, scenario, candidates, self._worlds)
            total += earned.mean(axis=1) / worth
            self.decisions += decisions
        return total / len(self._scenarios)
