"""Words of a question: tokens, stems, singulars, and the kinds that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from twin_gym.twins.knowledge.sentences import words_of
from twin_gym.twins.realtime.model import Interface, ObjectModel

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[^\s?!,;:"]+')
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ENDINGS = ("ing", "ed", "es", "e", "s", "d")
_SHORTEST_STEM = 3
_EMPTY = frozenset({"in", "to", "of", "by", "at", "on", "is", "has", "have"})


class Token(NamedTuple):
    """A word of a question.

    Attributes:
        text: as it was written.
        lower: in small letters.
        is_quoted: whether it stood between double quotes, which are left out.
    """

    text: str
    lower: str
    is_quoted: bool


def tokens_of(question: str) -> tuple[Token, ...]:
    """The words of a question, without marks and a full stop at its end.

    Example:
        >>> [token.text for token in tokens_of('What is "York Place"?')]
        ['What', 'is', 'York Place']
    """
    found = []
    for text in _TOKEN.findall(question):
        is_quoted = text.startswith('"')
        word = text[1:-1].replace('\\"', '"') if is_quoted else text.rstrip(".'")
        if word:
            found.append(Token(word, word.lower(), is_quoted))
    return tuple(found)


def singular(word: str) -> str:
    """A noun in the singular.

    Example:
        >>> [singular(word) for word in ("sensors", "cities", "smart cities", "bus", "gateway")]
        ['sensor', 'city', 'smart city', 'bus', 'gateway']
    """
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stem(word: str) -> str:
    """The beginning of a verb that its forms share.

    Example:
        >>> {stem(word) for word in ("connected", "connects", "connect")}
        {'connect'}
    """
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word


def stems_of(relation: str) -> frozenset[str]:
    """Stems of the words of a relationship that mean something.

    Example:
        >>> stems_of("connected_to"), stems_of("in")
        (frozenset({'connect'}), frozenset())
    """
    return frozenset(stem(word) for word in relation.lower().split("_") if word not in _EMPTY)


class KindWords:
    """The kinds of an object model by the words that people have for them.

    Args:
        model: the object model.
    """

    def __init__(self, model: ObjectModel) -> None:
        self._kinds: dict[str, str] = {}
        measuring: dict[str, list[str]] = {}
        for name, interface in model.interfaces.items():
            for words in _names_of(interface):
                self._kinds.setdefault(words, name)
            for words in _measures_of(interface):
                measuring.setdefault(f"{words} sensor", []).append(name)
        for words, names in measuring.items():
            if len(names) == 1:
                self._kinds.setdefault(words, names[0])

    def kind(self, words: str) -> str | None:
        """The interface that some words name, in the singular or plural; None if none.

        A sensor may also be named by what it alone measures.

        Example:
            >>> from twin_gym.twins.knowledge.model import city_model
            >>> [KindWords(city_model()).kind(words) for words in ("bins", "pm2.5 sensor", "tree")]
            ['WasteContainer', 'AirQualityObserved', None]
        """
        for form in (words, singular(words), singular(words).replace(".", "")):
            if form in self._kinds:
                return self._kinds[form]
        return None


def _names_of(interface: Interface) -> Iterator[str]:
    yield interface.name.lower()
    yield _HUMPS.sub(" ", interface.name).lower()
    if interface.display_name:
        yield interface.display_name.lower()


def _measures_of(interface: Interface) -> Iterator[str]:
    for name, content in interface.contents.items():
        if content.kind == "Telemetry":
            yield words_of(name).replace(".", " ").lower()


@lru_cache(maxsize=4_096)
def property_forms(name: str) -> tuple[str, ...]:
    """The ways in which a question may name a property, in small letters.

    Example:
        >>> property_forms("battery.charge_j")
        ('battery.charge_j', 'battery charge j', 'battery charge', 'charge')
    """
    words = words_of(name).replace(".", " ").lower()
    whole = name.replace("_", " ").replace(".", " ").lower()
    last = words_of(name.rpartition(".")[2]).lower()
    return tuple(dict.fromkeys((name.lower(), whole, words, last)))
