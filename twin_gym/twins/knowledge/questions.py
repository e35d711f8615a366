"""Questions in plain English, answered from a knowledge graph: O = g(q, R), equation (10).

A question is read in the words of the object model; no language model is needed. It has one of
these forms (brackets: may be left out; kinds in the singular or plural):

    to which gateway is sensor 17 connected      relations of an entity with a kind
    which sensors are connected to gateway 3
    how many sensors does gateway 3 serve
    is sensor 17 connected to gateway 2
    what is the queue length of gateway 3        a value (how old is ...: likewise)
    where is bin 3
    what is sensor 17                            all that is known of it
    what is a bin                                an example
    which services are there, how many sensors are there
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.answers import Answer
from twin_gym.twins.knowledge.facts import Fact, Kind, Relation, Statement, Unknown
from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.mentions import Finder, Mention
from twin_gym.twins.knowledge.words import (
    KindWords,
    Token,
    property_forms,
    singular,
    stem,
    stems_of,
    tokens_of,
)
from twin_gym.twins.plain import shown, text

MAX_LETTERS = 1_000

_WHICH = ("which", "what")
_ARTICLES = ("a", "an", "the", "all")
_NO_NOUNS = frozenset({
    "is", "are", "was", "were", "does", "do", "did", "has", "have", "can", "will", "the", "a", "an",
    "of", "to", "in",
})  # fmt: skip
_LONGEST_NOUN = 4
_PLACES = ("x_m", "y_m", "latitude_deg", "longitude_deg", "place", "goal")
_IN = ("located_in", "in")
_STEPS = 3
"""Relations in a row that connect an entity with a kind."""


class _Noun(NamedTuple):
    """What a question asks for: entities of an interface, or whose ids begin with a word."""

    words: str
    kind: str | None
    start: int
    end: int


class Asker:
    """Answers questions about a graph.

    Args:
        graph: a store, or a view of a twin; it is read anew for each question.

    Example:
        >>> from twin_gym.twins.knowledge.cities.generated import generate_city
        >>> asker = Asker(generate_city().graph())
        >>> print(asker.ask("To which gateway is sensor 17 connected?").text)
        sensor/17 is connected to gateway/3 (1.423539719 s old).
        >>> print(asker.ask("To which gateway is sensor 999 connected?").text)
        Nothing is known of sensor/999.
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self.graph = graph
        self._kinds = KindWords(graph.model)
        self._finder = Finder(graph, self._kinds)

    def ask(self, question: str) -> Answer:
        """Answers a question.

        Args:
            question: in one of the forms of this module.

        Returns:
            The answer; what is unknown is said to be unknown.

        Raises:
            ConfigError: if the question has another form.
        """
        told = text(question, "a question", 1, MAX_LETTERS)
        tokens = tokens_of(told)
        mentions = self._finder.find(tokens)
        headline, statements = self._answered(tokens, mentions)
        return Answer(told, tuple(dict.fromkeys(statements)), headline, self.graph.now_s)

    def _answered(
        self, tokens: Sequence[Token], mentions: list[Mention]
    ) -> tuple[str, Iterable[Statement]]:
        missing = [Unknown(one.entity) for one in mentions if not one.is_there]
        if missing:
            return "", missing
        words = [token.lower for token in tokens]
        noun = self._noun(words, mentions)
        if words[:2] == ["how", "many"] and noun is not None:
            return self._counted(words, noun, mentions)
        if len(mentions) == 2:  # noqa: PLR2004 - both ends of a relation
            return self._checked(words, mentions)
        if mentions:
            return "", self._about(words, noun, mentions[0])
        if noun is not None:
            return "", self._kind_alone(words, noun)
        raise _not_understood(tokens)

    def _noun(self, words: list[str], mentions: list[Mention]) -> _Noun | None:
        """The kind that is asked for: after "which", "what" or "how many", or alone."""
        firsts = [place + 1 for place, word in enumerate(words) if word in _WHICH]
        firsts += [place + 2 for place in range(len(words) - 1) if _is_many(words, place)]
        start = min(firsts, default=0)
        skipped = [*_ARTICLES, *(() if mentions else ("is", "are", "list"))]
        while start < len(words) and words[start] in skipped:
            start += 1
        stop = min([len(words), start + _LONGEST_NOUN, *(one.start for one in mentions)])
        for end in range(stop, start, -1):
            kind = self._kinds.kind(" ".join(words[start:end]))
            if kind is not None:
                return _Noun(" ".join(words[start:end]), kind, start, end)
        is_noun = start < stop and words[start] not in _NO_NOUNS and words[start].isalpha()
        if firsts and is_noun and words[start - 1] != "the":
            return _Noun(words[start], None, start, start + 1)
        return None

    def _about(self, words: list[str], noun: _Noun | None, mention: Mention) -> Iterable[Statement]:
        """One entity: a place, relations with a kind, a value, or all of it."""
        rest = [*words[: mention.start], *words[mention.end :]]
        if words[0] == "where":
            return self._place(mention.entity)
        name = self._property(mention.entity, rest)
        is_which = any(word in _WHICH for word in rest)
        if noun is not None and is_which and not _is_definite(words, noun) and name is None:
            return self._related(rest, noun, mention.entity)
        if name is not None:
            return [self.graph.fact(mention.entity, name)]
        wanted = _after_the(words, mention)
        if wanted:
            return [Fact(mention.entity, wanted, None, math.inf)]
        return self._described(mention.entity)

    def _property(self, entity: str, rest: list[str]) -> str | None:
        """The property that words name; the longest one."""
        kind = self.graph.kind(entity)
        contents = self.graph.model.interface(kind.kind).contents if kind else {}
        sentence = f" {' '.join(rest)} "
        found = [
            (len(form), name)
            for name in contents
            for form in property_forms(name)
            if f" {form} " in sentence
        ]
        return max(found)[1] if found else None

    def _place(self, entity: str) -> list[Statement]:
        facts = [one for one in self.graph.facts(entity) if one.property in _PLACES]
        several = self.graph.relations(entity)
        return [*facts, *(one for one in several if one.name in _IN)] or [Unknown(entity, "in")]

    def _related(self, rest: list[str], noun: _Noun, entity: str) -> list[Statement]:
        """Relations of an entity with those of a kind, either way; else a chain of them."""
        found = self._candidates(rest, noun, entity)
        if found:
            return [*found]
        declared = self._declared(noun, entity)
        if declared is not None:
            return [declared]
        chain = self._chain(noun, entity)
        if chain:
            return [*chain]
        if noun.kind is None and not self._named(noun):
            return [Unknown(singular(noun.words))]
        kind = self.graph.kind(entity)
        known = sorted(self.graph.model.interface(kind.kind).relationships if kind else ())
        raise ConfigError(
            f"nothing leads from {entity!r} to a {singular(noun.words)}: its relationships are "
            f"{', '.join(known) or 'none'}"
        )

    def _candidates(self, rest: list[str], noun: _Noun, entity: str) -> list[Relation]:
        found = [one for one in self.graph.relations(entity) if self._is_one(one.target, noun)]
        found += [
            one
            for one in self.graph.relations(entity, incoming=True)
            if self._is_one(one.source, noun)
        ]
        return _by_verb(found, rest)

    def _declared(self, noun: _Noun, entity: str) -> Unknown | None:
        """The relationship that the model has, although the graph has none such."""
        own, model = self.graph.kind(entity), self.graph.model
        if own is None or noun.kind is None:
            return None
        for name, schema in model.interface(own.kind).relationships.items():
            if schema.target == noun.kind:
                return Unknown(entity, name)
        for name, schema in model.interface(noun.kind).relationships.items():
            if schema.target == own.kind:
                return Unknown(entity, name, incoming=True)
        return None

    def _chain(self, noun: _Noun, entity: str) -> list[Relation]:
        """The shortest way from an entity to one of a kind, along relations."""
        waiting: deque[tuple[str, tuple[Relation, ...]]] = deque([(entity, ())])
        seen = {entity}
        while waiting:
            here, way = waiting.popleft()
            if way and self._is_one(here, noun):
                return [*way]
            for one in self.graph.relations(here) if len(way) < _STEPS else ():
                if one.target not in seen:
                    seen.add(one.target)
                    waiting.append((one.target, (*way, one)))
        return []

    def _counted(
        self, words: list[str], noun: _Noun, mentions: list[Mention]
    ) -> tuple[str, Iterable[Statement]]:
        if not mentions:
            found: list[Statement] = [*self._kinds_of(self._named(noun))]
            return f"{len(found):,}", found
        entity = mentions[0].entity
        rest = [*words[noun.end : mentions[0].start], *words[mentions[0].end :]]
        related = self._candidates(rest, noun, entity)
        ends = {one.target if one.source == entity else one.source for one in related}
        return f"{len(ends):,}", related

    def _checked(
        self, words: list[str], mentions: list[Mention]
    ) -> tuple[str, Iterable[Statement]]:
        """Whether a relation holds between two entities; if not, what holds instead."""
        first, second = (one.entity for one in mentions)
        rest = [word for i, word in enumerate(words) if not _is_in(i, mentions)]
        several = _by_verb(
            [*self.graph.relations(first), *self.graph.relations(first, incoming=True)], rest
        )
        between = [one for one in several if second in (one.source, one.target)]
        if between:
            return "yes", between
        if several:
            return "no", several
        kind = self.graph.kind(second)
        name = kind.kind if kind else ""
        declared = self._declared(_Noun(name, name, 0, 0), first)
        return "", [declared or Unknown(first, "in")]

    def _kind_alone(self, words: list[str], noun: _Noun) -> Iterable[Statement]:
        """An example of a kind, or all of it."""
        found = self._named(noun)
        if not found:
            return [Unknown(singular(noun.words))]
        if words[noun.start - 1] in ("a", "an"):
            return self._described(found[0])
        return self._kinds_of(found)

    def _named(self, noun: _Noun) -> list[str]:
        """Ids of the entities of a kind."""
        if noun.kind is not None:
            several = self.graph.entities(noun.kind)
            if several:
                return [*several]
        start = f"{singular(noun.words)}/".replace(" ", "-")
        return [one for one in self.graph.entities() if one.startswith(start)]

    def _is_one(self, entity: str, noun: _Noun) -> bool:
        if noun.kind is None:
            return entity.startswith(f"{singular(noun.words)}/")
        kind = self.graph.kind(entity)
        return kind is not None and kind.kind == noun.kind

    def _kinds_of(self, entities: list[str]) -> list[Kind]:
        found = (self.graph.kind(one) for one in entities)
        return [one for one in found if one is not None]

    def _described(self, entity: str) -> list[Statement]:
        """Kind, values and relations, and those of what they lead to."""
        found: list[Statement] = [*self._kinds_of([entity]), *self.graph.facts(entity)]
        waiting, seen = deque([entity]), {entity}
        while waiting:
            for one in self.graph.relations(waiting.popleft()):
                found.append(one)
                if one.target not in seen and entity == one.source:
                    seen.add(one.target)
                    waiting.append(one.target)
        return found


def ask(graph: KnowledgeGraph, question: str) -> Answer:
    """Answers one question about a graph; see `Asker` for several.

    Args:
        graph: a store, or a view of a twin.
        question: in one of the forms of this module.

    Returns:
        The answer.

    Raises:
        ConfigError: if the question has another form.
    """
    return Asker(graph).ask(question)


def _by_verb(relations: list[Relation], rest: list[str]) -> list[Relation]:
    """The relations that the verb of a question names, if it names any of them; else all."""
    stems = {stem(word) for word in rest}
    named = [one for one in relations if stems_of(one.name) and stems_of(one.name) <= stems]
    return named or relations


def _is_many(words: list[str], place: int) -> bool:
    return words[place : place + 2] == ["how", "many"]


def _is_in(place: int, mentions: list[Mention]) -> bool:
    return any(one.start <= place < one.end for one in mentions)


def _is_definite(words: list[str], noun: _Noun) -> bool:
    """Whether "what is the ..." asks for a value, and not for entities of a kind."""
    return noun.start > 0 and words[noun.start - 1] == "the"


def _after_the(words: list[str], mention: Mention) -> str:
    """X of "the X of the entity", as the name of a property."""
    if "the" not in words[: mention.start]:
        return ""
    before = words[words.index("the") + 1 : mention.start]
    while before and before[-1] in ("of", "the", "at", "in", "a"):
        before.pop()
    name = "_".join(before)
    return name if name and name.replace("_", "").isalnum() and name[0].isalpha() else ""


def _not_understood(tokens: Sequence[Token]) -> ConfigError:
    told = " ".join(token.text for token in tokens)
    return ConfigError(
        f"the question {shown(told)} is not understood: ask for instance 'to which gateway is "
        "sensor 17 connected', 'which sensors are connected to gateway 3', 'how many sensors are "
        "there', 'what is the queue length of gateway 3', 'where is bin 3' or 'what is sensor 17'"
    )
