"""Thresholds of the reservation rule, found by search on validation worlds.

Coordinate search with common random numbers: every candidate meets the same worlds, so that
differences are paired and small ones can be seen. Candidates and worlds are rows of one vector
environment, each row with the thresholds of its own candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.policies.reservation import ReservationPolicy, demands
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.policies.evaluation import evaluate_rows
from twin_gym.policies.worlds import distinct_worlds, world_seeds

DEFAULT_BUDGET = 24_000
DEFAULT_WORLDS = 24
FRESH_WORLDS = 96

_FIRST_GRID = np.arange(10) / 10
_STEPS = (0.1, 0.05, 0.025)
_RESOLUTION = 1e-6
_MOST_ROWS = 4096
_NORMAL_95 = 1.96

Progress = Callable[[int, int, float], None]
"""Reported the episodes run, the budget, and the best score so far."""


@dataclass(frozen=True)
class SearchRound:
    """One round over all coordinates.

    Attributes:
        step: share of what could be reserved by which thresholds were changed; None: all tenths.
        candidates: how many sets of thresholds were tried.
        changed: how many coordinates the best of them changed; 0: nothing gained.
        score: best mean revenue rate so far.
        episodes: run so far.
    """

    step: float | None
    candidates: int
    changed: int
    score: float
    episodes: int


@dataclass(frozen=True)
class ReservationSearch:
    """The result of a search for thresholds, and its settings.

    Attributes:
        reserve: the best thresholds; shape (slices, resources).
        score: their mean revenue rate over the worlds of the search (chosen there: optimistic).
        fresh_score: the same over worlds that the search has not seen.
        fresh_half_width: half of the 95 % interval of the fresh score.
        start_score: mean revenue rate with nothing reserved, over the worlds of the search.
        seeds: worlds of the search.
        fresh_seeds: the other worlds.
        budget: most episodes that were allowed.
        episodes: run in the search.
        log: every round, in order.
    """

    reserve: NDArray[np.float64]
    score: float
    fresh_score: float
    fresh_half_width: float
    start_score: float
    seeds: tuple[int, ...]
    fresh_seeds: tuple[int, ...]
    budget: int
    episodes: int
    log: tuple[SearchRound, ...] = field(repr=False)


def search_reservation(
    scenario: AdmissionScenario,
    *,
    seeds: Sequence[int] | None = None,
    fresh_seeds: Sequence[int] | None = None,
    budget: int = DEFAULT_BUDGET,
    progress: Progress | None = None,
) -> ReservationSearch:
    """Looks for the reservation that earns most; the same worlds and budget give the same one.

    It starts with nothing reserved. Each round changes every coordinate (slice, resource) alone,
    the first round to each tenth of what could be reserved, later ones by a step up and down. The
    changes that gained are then put together, the best first, and the best set is kept. A round
    without a gain halves the step; the search ends after the smallest step, or with the budget.

    Args:
        scenario: what is to be tuned.
        seeds: worlds to search on; None: the first `DEFAULT_WORLDS` validation worlds.
        fresh_seeds: worlds of the final score; None: the `FRESH_WORLDS` validation worlds after
            those.
        budget: most episodes to run, final score not included.
        progress: called after each batch of candidates.

    Returns:
        The thresholds, their scores and the log.

    Raises:
        ConfigError: if the budget is too small for one episode in each world.
    """
    chosen_seeds = world_seeds("validation", DEFAULT_WORLDS) if seeds is None else seeds
    worlds = list(distinct_worlds(chosen_seeds, 0))
    fresh = (
        world_seeds("validation", FRESH_WORLDS, first=DEFAULT_WORLDS)
        if fresh_seeds is None
        else list(distinct_worlds(fresh_seeds, 0))
    )
    if not worlds or not fresh or budget < len(worlds):
        raise ConfigError(
            f"the budget must allow an episode in each of at least one world, got {budget} "
            f"episodes for {len(worlds)} worlds, and {len(fresh)} fresh ones"
        )
    search = _Search(scenario, worlds, budget, progress)
    start_score = search.score
    search.run()
    rates = _rates(scenario, search.best[None], fresh)[0]
    spread = float(rates.std(ddof=1)) if len(rates) > 1 else float("inf")
    return ReservationSearch(
        reserve=search.best,
        score=search.score,
        fresh_score=float(rates.mean()),
        fresh_half_width=_NORMAL_95 * spread / len(rates) ** 0.5,
        start_score=start_score,
        seeds=tuple(worlds),
        fresh_seeds=tuple(fresh),
        budget=budget,
        episodes=search.episodes,
        log=tuple(search.log),
    )


def _rates(
    scenario: AdmissionScenario, candidates: NDArray[np.float64], worlds: Sequence[int]
) -> NDArray[np.float64]:
    """Revenue rate of each candidate in each world."""
    policy = ReservationPolicy(scenario, np.repeat(candidates, len(worlds), axis=0))
    evaluation = evaluate_rows(policy, scenario, list(worlds) * len(candidates))
    return evaluation.kpi["revenue_rate"].reshape(len(candidates), len(worlds))


class _Search:
    """The state of a running search."""

    def __init__(
        self,
        scenario: AdmissionScenario,
        worlds: list[int],
        budget: int,
        progress: Progress | None,
    ) -> None:
        self._scenario, self._worlds, self._budget = scenario, worlds, budget
        self._progress = progress
        needed = demands(scenario)
        self._room = np.array(list(scenario.capacity.values())) - needed
        self._coordinates = np.argwhere((needed > 0) & (self._room > 0))
        self.best = np.zeros_like(needed)
        self.score = float(_rates(scenario, self.best[None], worlds).mean())
        self.episodes = len(worlds)
        self.log: list[SearchRound] = []

    def run(self) -> None:
        """Goes through the step sizes."""
        self._round(None)
        for step in _STEPS:
            while self._round(step):
                pass

    def _round(self, step: float | None) -> bool:
        """Changes every coordinate once; says if there was a gain."""
        alone = self._changed_alone(step)
        scores = self._scores(alone)
        tried, best, score = len(scores), self.best, self.score
        if len(scores):
            together = self._put_together(alone[: len(scores)], scores)
            together_scores = self._scores(together)
            tried += len(together_scores)
            sets = np.concatenate([alone[: len(scores)], together[: len(together_scores)]])
            all_scores = np.concatenate([scores, together_scores])
            if all_scores.max() > score:
                best, score = sets[all_scores.argmax()], float(all_scores.max())
        changed = int((best != self.best).sum())
        self.best, self.score = best, score
        self.log.append(SearchRound(step, tried, changed, score, self.episodes))
        return changed > 0

    def _changed_alone(self, step: float | None) -> NDArray[np.float64]:
        """The best thresholds, one coordinate changed: (candidates, slices, resources)."""
        candidates = []
        for s, k in self._coordinates:
            room, now = self._room[s, k], self.best[s, k]
            amounts = _FIRST_GRID * room if step is None else now + np.array([-step, step]) * room
            # Whole steps of what amounts are made of; more than the room would admit nothing.
            steps = np.unique(np.round(np.clip(amounts, 0.0, room) / _RESOLUTION))
            for value in np.round(steps * _RESOLUTION, 6):
                if abs(value - now) > _RESOLUTION / 2:
                    candidate = self.best.copy()
                    candidate[s, k] = value
                    candidates.append(candidate)
        return np.array(candidates).reshape(-1, *self.best.shape)

    def _put_together(
        self, alone: NDArray[np.float64], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The two best changes together, the three best, and so on, of those that gained."""
        candidates = []
        together = self.best.copy()
        taken: set[tuple[int, int]] = set()
        for i in np.argsort(-scores, kind="stable"):
            s, k = map(int, np.argwhere(alone[i] != self.best)[0])
            if scores[i] <= self.score or (s, k) in taken:
                continue
            taken.add((s, k))
            together[s, k] = alone[i, s, k]
            if len(taken) > 1:
                candidates.append(together.copy())
        return np.array(candidates).reshape(-1, *self.best.shape)

    def _scores(self, candidates: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean revenue rates of as many of the candidates as the budget allows."""
        affordable = (self._budget - self.episodes) // len(self._worlds)
        at_once = max(_MOST_ROWS // len(self._worlds), 1)
        tried = candidates[:affordable]
        scores = [np.zeros(0)]
        for first in range(0, len(tried), at_once):
            part = tried[first : first + at_once]
            scores.append(_rates(self._scenario, part, self._worlds).mean(axis=1))
            self.episodes += part.shape[0] * len(self._worlds)
            if self._progress is not None:
                best = max(self.score, *(float(x) for x in scores[-1]))
                self._progress(self.episodes, self._budget, best)
        return np.concatenate(scores)
