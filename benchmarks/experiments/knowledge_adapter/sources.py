"""What is learned: a generated city, told in three ways, and the kinds of smart-data-models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.experiments.blocks import Floats
from twin_gym.twins.knowledge.adapter import (
    PLACED,
    PLAIN,
    RelationTask,
    Split,
    bayes_ceiling,
    read_kinds,
    split_facts,
    task_of_graph,
)
from twin_gym.twins.knowledge.cities import LARGE, CityPlan, generate_city

CITY, FACTS, PLAIN_CITY, KINDS = "city", "city-facts", "city-plain", "kinds"
CITY_SEED = 0
SHARE = 0.15
"""Of the heads or facts of a city that are held out: 87 of 580 in the paper."""

FOLDS = 5
"""Of the kinds, each of which is held out once."""

Ceiling = Callable[[Split], Floats]


@dataclass(frozen=True)
class Source:
    """A task, how it is held out, and what can be known of it.

    Attributes:
        name: of the rows.
        title: of tables and figures.
        task: entities and facts.
        by: what is held out.
        folds: 1: a share of it; else each part once.
        ceiling: accuracy of Bayes' rule by held-out fact; None: not known.
        groups: the facts of each relation and kind of head, by name.
    """

    name: str
    title: str
    task: RelationTask
    by: Literal["heads", "facts"]
    folds: int
    ceiling: Ceiling | None
    groups: dict[str, np.ndarray]

    def splits(self, seed: int) -> list[Split]:
        """What is learned from and what is held out, of a seed."""
        rng = np.random.default_rng(seed)
        if self.folds == 1:
            return [split_facts(self.task, SHARE, rng, self.by)]
        fold_of = rng.permutation(len(self.task.facts)) % self.folds
        return [
            Split(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold))
            for fold in range(self.folds)
        ]


def city_source(name: str, plan: CityPlan) -> Source:
    """The city of a plan, in one of three forms.

    Args:
        name: `CITY`, entities are held out; `FACTS`, facts are; `PLAIN_CITY`, entities are, and
            texts tell no places.
        plan: of the city; sensors have the nearest gateways.

    Returns:
        The source.
    """
    graph = generate_city(plan, CITY_SEED).graph()
    placed = name != PLAIN_CITY
    task = task_of_graph(graph, PLACED if placed else PLAIN)

    def ceiling(split: Split) -> Floats:
        return bayes_ceiling(graph, plan, task, split.train, split.held_out, placed=placed)

    is_gateway = np.array([one.startswith("gateway/") for one in task.entities])[task.facts[:, 0]]
    is_service = task.facts[:, 1] == task.relations.index("serves_in")
    groups = {
        "sensor connected_to": ~is_service,
        "sensor serves_in": is_service & ~is_gateway,
        "gateway serves_in": is_service & is_gateway,
    }
    titles = {
        CITY: "city, entities held out", FACTS: "city, facts held out",
        PLAIN_CITY: "city, entities held out, texts without places",
    }  # fmt: skip
    by: Literal["heads", "facts"] = "facts" if name == FACTS else "heads"
    return Source(name, titles[name], task, by, 1, ceiling, groups)


def kinds_source() -> Source:
    """Kinds of smart-data-models, to be put to services that have other kinds."""
    task = read_kinds()
    everything = np.ones(len(task.facts), np.bool_)
    return Source(
        KINDS, "kinds of smart-data-models, kinds held out", task, "heads", FOLDS, None,
        {"kind serves_in": everything},
    )  # fmt: skip


PLAN = CityPlan(sensors=LARGE.sensors, gateways=LARGE.gateways, assignment="nearest")
QUICK_PLAN = CityPlan(sensors=30, gateways=6, assignment="nearest")
