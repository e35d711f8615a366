"""What an adapter learns: which entity a relation leads to, of those that it may lead to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.twins.knowledge.adapter.backbone import digest_of
from twin_gym.twins.knowledge.adapter.texts import PLACED, describe
from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.plain import number

Indices = NDArray[np.int64]

_HELD_BY = ("heads", "facts")


@dataclass(frozen=True, eq=False)
class RelationTask:
    """Entities as texts, and the facts between them.

    Attributes:
        entities: ids.
        texts: what is told of each.
        relations: names of relationships.
        facts: head, relation and tail of each fact; shape (facts, 3).
        candidates: of each relation the entities that it may lead to, two at least.
    """

    entities: tuple[str, ...]
    texts: tuple[str, ...]
    relations: tuple[str, ...]
    facts: Indices
    candidates: tuple[Indices, ...]

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of all of it."""
        ends = [one.astype(np.int64).tobytes() for one in (self.facts, *self.candidates)]
        return digest_of(*self.entities, *self.texts, *self.relations, *ends)

    @cached_property
    def places(self) -> Indices:
        """Of each fact the place of its tail among the candidates; shape (facts,)."""
        found = np.empty(len(self.facts), np.int64)
        for i, (_, relation, tail) in enumerate(self.facts.tolist()):
            found[i] = int(np.flatnonzero(self.candidates[relation] == tail)[0])
        return found

    def of_relation(self, facts: Indices, relation: int) -> Indices:
        """Those of some facts that are of a relation.

        Args:
            facts: numbers of facts.
            relation: its number.
        """
        chosen: Indices = facts[self.facts[facts, 1] == relation]
        return chosen

    def others(self, facts: Indices, relation: int) -> NDArray[np.bool_]:
        """Which candidates are true of the head of each fact, besides its tail.

        Args:
            facts: numbers of facts of that relation.
            relation: its number.

        Returns:
            Truth values, to be left out of a ranking; shape (facts, candidates).
        """
        mask, row_of = self._others[relation]
        found: NDArray[np.bool_] = mask[row_of[facts]]
        return found

    @cached_property
    def _others(self) -> list[tuple[NDArray[np.bool_], Indices]]:
        """Of each relation what `others` says of all its facts, and the row of each fact there."""
        found = []
        for relation, candidates in enumerate(self.candidates):
            of_it = self.of_relation(np.arange(len(self.facts)), relation)
            is_true = np.zeros((len(self.entities), len(candidates)), np.bool_)
            is_true[self.facts[of_it, 0], self.places[of_it]] = True
            mask = is_true[self.facts[of_it, 0]]
            mask[np.arange(len(of_it)), self.places[of_it]] = False
            row_of = np.full(len(self.facts), -1, np.int64)
            row_of[of_it] = np.arange(len(of_it))
            found.append((mask, row_of))
        return found


class Split(NamedTuple):
    """Facts to learn from, and facts to be judged by; numbers of facts, rising."""

    train: Indices
    held_out: Indices


def task_of(
    entities: Sequence[str],
    texts: Sequence[str],
    triples: Collection[tuple[str, str, str]],
) -> RelationTask:
    """A task of entities and facts; a relation that always leads to one entity is left out.

    Args:
        entities: ids, each once.
        texts: one an entity.
        triples: source, name and target of each fact.

    Returns:
        The task. A relation may lead to whatever it leads to in some fact.

    Raises:
        ConfigError: if texts are missing, or nothing is left to choose from.
    """
    if len(texts) != len(entities) or len({*entities}) != len(entities):
        raise ConfigError(
            f"a task has one text for each entity and each entity once, got {len(texts)} texts "
            f"for {len({*entities})} entities"
        )
    place = {name: i for i, name in enumerate(entities)}
    tails: dict[str, dict[str, None]] = {}
    for _, name, target in triples:
        tails.setdefault(name, {})[target] = None
    names = tuple(sorted(name for name, ends in tails.items() if len(ends) > 1))
    number_of = {name: i for i, name in enumerate(names)}
    facts = np.array(
        [(place[s], number_of[n], place[t]) for s, n, t in triples if n in number_of], np.int64
    ).reshape(-1, 3)
    if not len(facts):
        raise ConfigError("no relation of this graph leads to two entities or more: none to choose")
    candidates = tuple(np.array(sorted(place[t] for t in tails[name]), np.int64) for name in names)
    return RelationTask(tuple(entities), tuple(texts), names, facts, candidates)


def task_of_graph(
    graph: KnowledgeGraph, properties: Collection[str] | None = PLACED
) -> RelationTask:
    """The task of a knowledge graph.

    Args:
        graph: any knowledge graph.
        properties: that its texts tell; None: all that are known.

    Returns:
        The task of all its relations.

    Raises:
        ConfigError: if no relation leads to two entities.

    Example:
        >>> from twin_gym.twins.knowledge.cities import SMALL, generate_city
        >>> task = task_of_graph(generate_city(SMALL).graph())
        >>> task.relations, len(task.facts), [len(one) for one in task.candidates]
        (('connected_to', 'serves_in'), 66, [6, 3])
    """
    entities = graph.entities()
    texts = [describe(graph, one, properties) for one in entities]
    return task_of(entities, texts, list(graph.edges()))


def split_facts(
    task: RelationTask,
    share: float,
    rng: np.random.Generator,
    by: Literal["heads", "facts"] = "heads",
) -> Split:
    """Holds facts out.

    Args:
        task: whose facts.
        share: of heads or of facts that is held out, in (0, 1).
        rng: chooses them.
        by: `heads`, so that nothing that a held-out entity has is learned from, or `facts`.

    Returns:
        Both parts; neither is empty.

    Raises:
        ConfigError: if one would be empty.
    """
    if by not in _HELD_BY:
        raise unknown_name("way of holding out", by, _HELD_BY)
    number(share, "the share that is held out", 0.0, 1.0)
    keys = task.facts[:, 0] if by == "heads" else np.arange(len(task.facts))
    groups = np.unique(keys)
    chosen = rng.permutation(groups)[: round(share * len(groups))]
    is_held = np.isin(keys, chosen)
    if is_held.all() or not is_held.any():
        raise ConfigError(
            f"{share:g} of {len(groups)} {by} leaves nothing to learn from, or nothing to be "
            "judged by: choose another share"
        )
    return Split(np.flatnonzero(~is_held), np.flatnonzero(is_held))


def with_shuffled_tails(
    task: RelationTask, facts: Indices, rng: np.random.Generator
) -> RelationTask:
    """The task with the tails of some facts permuted among those of the same relation.

    Args:
        task: as it is.
        facts: numbers of those that are shuffled.
        rng: permutes them.

    Returns:
        A task from which nothing but the frequencies of the tails can be learned.
    """
    made = task.facts.copy()
    for relation in range(len(task.relations)):
        of_it = task.of_relation(facts, relation)
        made[of_it, 2] = rng.permutation(made[of_it, 2])
    return replace(task, facts=made)
