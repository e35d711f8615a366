"""The best that anybody can do in a generated city: accuracy of Bayes' rule, fact by fact.

The rule of the generator is known, and so are all texts and the facts that were learned from; ids
are not, for no text tells them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter.task import Indices, RelationTask
from twin_gym.twins.knowledge.cities.generated import KINDS, CityPlan
from twin_gym.twins.knowledge.graph import KnowledgeGraph


def bayes_ceiling(
    graph: KnowledgeGraph,
    plan: CityPlan,
    task: RelationTask,
    train: Indices,
    facts: Indices,
    *,
    placed: bool,
) -> NDArray[np.float64]:
    """The probability with which Bayes' rule names the tail of each fact.

    A sensor is connected to the nearest gateway where texts tell places; else to each of those that
    have sensors with the same probability, for texts without places tell gateways alike (what the
    facts say of how many sensors a gateway has is not counted). Its service is that of its gateway,
    if a fact tells it, of the gateway or of another of its sensors; else one of those that have its
    kind. The service of a gateway is that of its sensors by the same rules, else each with the same
    probability.

    Args:
        graph: of the city; see `generate_city`.
        plan: of the city.
        task: of the graph.
        train: numbers of facts that are known.
        facts: numbers of those that are asked for.
        placed: whether its texts tell places.

    Returns:
        Probabilities; shape (facts,).

    Raises:
        ConfigError: if a relation is none of a generated city, or texts tell places that say
            nothing.
    """
    if placed and plan.assignment != "nearest":
        raise ConfigError(
            "places say nothing where gateways have as many sensors as one another: take texts "
            "without them, or a plan of nearest gateways"
        )
    strange = {*task.relations} - {"connected_to", "serves_in"}
    if strange:
        raise ConfigError(f"a generated city has no relation {sorted(strange)}: no rule is known")
    known = _Known(graph, plan, task, train, placed=placed)
    found = np.empty(len(facts))
    for i, (head, relation, tail) in enumerate(task.facts[facts].tolist()):
        name, target = task.entities[head], task.entities[tail]
        if task.relations[relation] == "connected_to":
            guessed = known.gateways(name)
        else:
            guessed = known.services(name)
        found[i] = (target in guessed) / len(guessed)
    return found


class _Known:
    """What is known of a city by its rule, its texts and some facts."""

    def __init__(
        self, graph: KnowledgeGraph, plan: CityPlan, task: RelationTask, train: Indices, *,
        placed: bool,
    ) -> None:  # fmt: skip
        self._graph, self._names = graph, [f"service/{name}" for name in plan.services]
        self._plan = plan
        self._all_gateways = frozenset(graph.entities("Gateway"))
        self._connected = frozenset(
            task.entities[one]
            for name, tails in zip(task.relations, task.candidates, strict=True)
            for one in tails.tolist()
            if name == "connected_to"
        )
        self._gateway_of: dict[str, str] = {}
        self._service_of: dict[str, str] = {}
        for head, relation, tail in task.facts[train].tolist():
            is_connection = task.relations[relation] == "connected_to"
            known = self._gateway_of if is_connection else self._service_of
            known[task.entities[head]] = task.entities[tail]
        if placed:
            heads = {task.entities[head] for head in task.facts[:, 0].tolist()}
            for sensor in sorted(heads - self._all_gateways):
                self._gateway_of[sensor] = self._nearest(sensor)
        self._sensors_of: dict[str, list[str]] = {}
        for sensor, gateway in self._gateway_of.items():
            self._sensors_of.setdefault(gateway, []).append(sensor)

    def gateways(self, sensor: str) -> frozenset[str]:
        """Those to which a sensor may be connected, all alike."""
        gateway = self._gateway_of.get(sensor)
        return self._connected if gateway is None else frozenset([gateway])

    def services(self, entity: str) -> frozenset[str]:
        """Those in which an entity may serve, all alike."""
        if entity in self._all_gateways:
            group = [entity, *self._sensors_of.get(entity, ())]
        else:
            gateway = self._gateway_of.get(entity)
            group = [entity] if gateway is None else [gateway, *self._sensors_of[gateway]]
        possible = frozenset(self._names)
        for one in group:
            if one in self._service_of:
                return frozenset([self._service_of[one]])
            if one not in self._all_gateways:
                possible &= self._by_kind(one)
        return possible

    def _by_kind(self, sensor: str) -> frozenset[str]:
        kind = self._graph.kind(sensor)
        name = "" if kind is None else kind.kind
        services = self._plan.services
        return frozenset(f"service/{one}" for one in services if name in KINDS[one])

    def _nearest(self, sensor: str) -> str:
        place = self._place(sensor)
        gateways = sorted(self._all_gateways)
        return min(gateways, key=lambda one: float(((self._place(one) - place) ** 2).sum()))

    def _place(self, entity: str) -> NDArray[np.float64]:
        told = [self._graph.fact(entity, name).value for name in ("x_m", "y_m")]
        return np.array([float(one) if one is not None else np.nan for one in told])
