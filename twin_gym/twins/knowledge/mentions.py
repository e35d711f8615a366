"""The entities that a question mentions: `sensor/17`, "sensor 17", "the air quality service"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from twin_gym.twins.knowledge.graph import KnowledgeGraph
from twin_gym.twins.knowledge.words import KindWords, Token, singular

_LONGEST = 5  # tokens of a mention
_NO_NAMES = frozenset({
    "a", "an", "the", "is", "are", "was", "in", "to", "of", "by", "at", "on", "which", "what",
    "where", "who", "how", "many", "old", "does", "do", "has", "have", "it", "and", "or", "there",
    "about", "tell", "me",
})  # fmt: skip
"""Words with which no mention begins."""


class Mention(NamedTuple):
    """An entity that a question mentions.

    Attributes:
        entity: its id.
        start: place of its first token.
        end: place after its last token.
        is_there: whether the graph has it.
    """

    entity: str
    start: int
    end: int
    is_there: bool


class Finder:
    """Finds mentions of the entities of a graph.

    Args:
        graph: the graph; asked anew each time.
        kinds: words for its kinds.
    """

    def __init__(self, graph: KnowledgeGraph, kinds: KindWords) -> None:
        self._graph, self._kinds = graph, kinds
        self._prefixes: dict[str, str] = {}

    def find(self, tokens: Sequence[Token]) -> list[Mention]:
        """The entities that tokens mention, from left to right; the longest one at each place."""
        found: list[Mention] = []
        start = 0
        while start < len(tokens):
            mention = self._at(tokens, start)
            if mention is None:
                start += 1
            else:
                found.append(mention)
                start = mention.end
        return found

    def _at(self, tokens: Sequence[Token], start: int) -> Mention | None:
        for end in range(min(start + _LONGEST, len(tokens)), start, -1):
            part = tokens[start:end]
            if part[0].lower in _NO_NAMES and not part[0].is_quoted:
                return None
            for entity in self._candidates(part):
                if self._graph.kind(entity) is not None:
                    return Mention(entity, start, end, True)
        return self._unknown(tokens, start)

    def _candidates(self, part: Sequence[Token]) -> Iterator[str]:
        """Ids that the tokens may stand for."""
        texts, words = [one.text for one in part], [one.lower for one in part]
        yield "/".join(texts)
        if part[0].is_quoted:
            return
        yield "/".join(words)
        for middle in range(1, len(part)):
            ahead, behind = " ".join(words[:middle]), " ".join(words[middle:])
            for prefix in self._prefixes_of(ahead):
                yield f"{prefix}/{'-'.join(texts[middle:])}"
                yield f"{prefix}/{'-'.join(words[middle:])}"
            for prefix in self._prefixes_of(behind):
                yield f"{prefix}/{'-'.join(words[:middle])}"

    def _prefixes_of(self, words: str) -> Iterator[str]:
        """Beginnings of the ids of what some words name."""
        kind = self._kinds.kind(words)
        if kind is not None:
            yield words.replace(" ", "-")
            prefix = self._prefix(kind)
            if prefix:
                yield prefix

    def _prefix(self, kind: str) -> str:
        """What the id of the first entity of a kind begins with; looked up until there is one."""
        if kind not in self._prefixes:
            several = self._graph.entities(kind)
            if not several:
                return ""
            self._prefixes[kind] = several[0].rpartition("/")[0]
        return self._prefixes[kind]

    def _unknown(self, tokens: Sequence[Token], start: int) -> Mention | None:
        """What reads as an entity and is none of the graph."""
        one = tokens[start]
        if one.is_quoted or "/" in one.text.strip("/"):
            return Mention(one.text, start, start + 1, False)
        if start + 1 < len(tokens) and one.lower.isalpha() and one.lower not in _NO_NAMES:
            label = tokens[start + 1].text
            is_label = any(letter.isdigit() for letter in label)
            if is_label and not tokens[start + 1].is_quoted:
                return Mention(f"{singular(one.lower)}/{label}", start, start + 2, False)
        return None
