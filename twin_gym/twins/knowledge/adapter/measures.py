"""How right scores are: of all candidates, and of two.

"Accuracy" and "L1 loss" of the GenTwin paper's Fig. 7 have no definition there; its axes begin at
0.5, where a guess between true and false stands. Both readings are measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.twins.knowledge.adapter.task import Indices, RelationTask

Scorer = Callable[[Indices, int], NDArray[np.float64]]
"""Scores of all candidates of a relation for each of some heads; shape (heads, candidates)."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Each of some facts, judged.

    Attributes:
        facts: their numbers; shape (facts,).
        top: whether the tail scores highest of all candidates; what ties shares; shape (facts,).
        pair: share of the wrong candidates that score less than the tail, half of those that tie:
            whether it is told from one wrong tail, in expectation; shape (facts,).
        nats: cross-entropy of the tail among all candidates; shape (facts,).
        l1: mean absolute error (9) of the probabilities of all candidates; shape (facts,).
        pair_l1: the same of the tail and one wrong candidate, in expectation; shape (facts,).
    """

    facts: Indices
    top: NDArray[np.float64]
    pair: NDArray[np.float64]
    nats: NDArray[np.float64]
    l1: NDArray[np.float64]
    pair_l1: NDArray[np.float64]

    def means(self, chosen: NDArray[np.bool_] | None = None) -> dict[str, float]:
        """The mean of each measure, of all facts or of those that are chosen; NaN of none."""
        some = np.ones(len(self.facts), np.bool_) if chosen is None else chosen
        names = ("top", "pair", "nats", "l1", "pair_l1")
        return {
            name: float(getattr(self, name)[some].mean()) if some.any() else float("nan")
            for name in names
        }


def judge(task: RelationTask, facts: Indices, scorer: Scorer) -> Judged:
    """Judges scores by facts. Candidates that are true as well are left out (filtered).

    Args:
        task: that has the facts.
        facts: numbers of those that are asked for.
        scorer: gives scores.

    Returns:
        A judgement for each fact, by relation.
    """
    order, parts = [], []
    for relation in range(len(task.relations)):
        of_it = task.of_relation(facts, relation)
        if len(of_it):
            scores = np.array(scorer(task.facts[of_it, 0], relation), np.float64)
            scores[task.others(of_it, relation)] = -np.inf
            order.append(of_it)
            parts.append(_judge(scores, task.places[of_it]))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Judged(np.concatenate(order), *columns)


def _judge(scores: NDArray[np.float64], places: Indices) -> tuple[NDArray[np.float64], ...]:
    rows = np.arange(len(scores))
    own = scores[rows, places][:, None]
    is_there = np.isfinite(scores)
    is_wrong = is_there.copy()
    is_wrong[rows, places] = False
    count = np.maximum(is_wrong.sum(1), 1)
    ties = ((scores == own) & is_wrong).sum(1)
    above = (scores > own).sum(1)
    top = np.where(above > 0, 0.0, 1.0 / (1.0 + ties))
    pair = (((scores < own) & is_wrong).sum(1) + 0.5 * ties) / count
    shifted = scores - scores.max(1, keepdims=True)
    weights = np.exp(shifted)
    logs = shifted[rows, places] - np.log(weights.sum(1))
    l1 = 2.0 * (1.0 - np.exp(logs)) / is_there.sum(1)
    gaps = np.where(is_wrong, np.clip(scores - own, -700.0, 700.0), -700.0)
    pair_l1 = (1.0 / (1.0 + np.exp(-gaps))).sum(1) / count
    return top, pair, -logs, l1, pair_l1
