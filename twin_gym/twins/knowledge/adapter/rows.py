"""Rows without an adapter: the most common tail, and the tail of the nearest entity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.twins.knowledge.adapter.backbone import Features
from twin_gym.twins.knowledge.adapter.measures import Scorer
from twin_gym.twins.knowledge.adapter.task import Indices, RelationTask


def majority(task: RelationTask, train: Indices) -> Scorer:
    """Scores each candidate by how often a relation leads to it.

    Args:
        task: that has the facts.
        train: numbers of facts that are known.

    Returns:
        The scores, whatever the head.
    """

    def scores(heads: Indices, relation: int) -> NDArray[np.float64]:
        count = len(task.candidates[relation])
        places = task.places[task.of_relation(train, relation)]
        often = np.bincount(places, minlength=count).astype(np.float64)
        return np.repeat(np.log1p(often)[None], len(heads), 0)

    return scores


def nearest_neighbour(task: RelationTask, train: Indices, features: Features) -> Scorer:
    """Scores each candidate by how like the head is to the likest entity that has it.

    Args:
        task: that has the facts.
        train: numbers of facts that are known.
        features: of the entities; likeness is the cosine of the angle between centred ones.

    Returns:
        The scores; that of a candidate which no known fact leads to is below all others.
    """
    centred = features - features.mean(0)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    units = (centred / np.where(lengths > 0.0, lengths, 1.0)).astype(np.float64)

    def scores(heads: Indices, relation: int) -> NDArray[np.float64]:
        known = task.of_relation(train, relation)
        like = units[heads] @ units[task.facts[known, 0]].T
        found = np.full((len(heads), len(task.candidates[relation])), -2.0)
        for column, place in enumerate(task.places[known].tolist()):
            found[:, place] = np.maximum(found[:, place], like[:, column])
        return found

    return scores
