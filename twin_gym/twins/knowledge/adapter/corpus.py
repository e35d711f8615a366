"""What the small model reads before it meets a city: facts of other cities of the same kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from twin_gym.twins.knowledge.adapter.texts import PLACED, describe
from twin_gym.twins.knowledge.cities.generated import SMALL, CityPlan, generate_city
from twin_gym.twins.knowledge.sentences import phrase_of

FIRST_CITY = 1_000_000
"""Seed of the first city that is read; those before it are for other use."""


def city_sentences(
    cities: int, plan: CityPlan = SMALL, properties: Collection[str] | None = PLACED
) -> Iterator[str]:
    """Facts of cities in words: the text of an entity, a relation, the text of the other one.

    Args:
        cities: number of cities.
        plan: of each.
        properties: that texts tell.

    Yields:
        Sentences such as "bin, x 12.5 m, y 8.0 m is connected to gateway, x 10.1 m, y 9.9 m."
    """
    for seed in range(FIRST_CITY, FIRST_CITY + cities):
        graph = generate_city(plan, seed).graph()
        told = {one: describe(graph, one, properties) for one in graph.entities()}
        for source, name, target in graph.edges():
            yield f"{told[source]} {phrase_of(name)} {told[target]}."
