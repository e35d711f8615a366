"""Sentences that say facts, and that parse back into the same facts.

    sensor/17 is connected to gateway/2 (12 s old).
    The queue length of gateway/2 is 5 (0.004 s old).
    The load of truck/0 is 812.5 l (3 s old).
    The charge of sensor/17 is not known.

An id that is not of plain letters is written as a JSON string, as texts are. A number is written
with all its digits. A name becomes words, its unit a symbol; a name whose words would read as
something else is written as it is.
"""

from __future__ import annotations

import json
import math
import re

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.facts import Fact, Kind, Relation, Statement, Unknown
from twin_gym.twins.plain import shown
from twin_gym.twins.realtime.model import Value

UNITS = (
    ("_ug_per_m3", "µg/m³"),
    ("_per_h", "/h"),
    ("_pct", "%"),
    ("_dbm", "dBm"),
    ("_deg", "°"),
    ("_hpa", "hPa"),
    ("_hz", "Hz"),
    ("_s", "s"),
    ("_m", "m"),
    ("_l", "l"),
    ("_j", "J"),
    ("_c", "°C"),
)
"""Ends of names that are units, and their symbols."""

PHRASES = {
    "connected_to": "is connected to",
    "serves_in": "serves in",
    "in": "is in",
    "located_in": "is located in",
}
"""Relationships whose words are not those of their names."""

_NAMES = {phrase: name for name, phrase in PHRASES.items()}
_TAKEN = {*_NAMES, "is a", "is an"}
_SYMBOLS = {symbol: ending for ending, symbol in UNITS}

_TEXT = r'"(?:[^"\\]|\\.)*"'
_ENTITY = rf"(?:[a-z][a-z0-9_-]*(?:/[A-Za-z0-9_.+-]+)*|{_TEXT})"
_VALUE = rf"(?:-?[0-9][0-9.e+-]*|true|false|{_TEXT})"
_WORDS = r"[A-Za-z][A-Za-z0-9_. ]*"
_UNIT = "|".join(re.escape(symbol) for symbol in _SYMBOLS)
_OLD = r" \((?P<age>[0-9.e+-]+) s old\)\."
_BARE = re.compile(r"[a-z][a-z0-9_-]*(?:/[A-Za-z0-9_.+-]+)*")
_WHOLE = re.compile(r"-?[0-9]+")

_FACT = re.compile(
    rf"The (?P<words>{_WORDS}) of (?P<entity>{_ENTITY}) is (?P<value>{_VALUE})"
    rf"(?: (?P<unit>{_UNIT}))?{_OLD}",
    re.DOTALL,
)
_NO_FACT = re.compile(
    rf"The (?P<words>{_WORDS})(?: \(in (?P<unit>{_UNIT})\))? of (?P<entity>{_ENTITY}) "
    r"is not known\.",
    re.DOTALL,
)
_RELATION = re.compile(
    rf"(?P<source>{_ENTITY}) (?P<phrase>[A-Za-z][A-Za-z0-9_ ]*) (?P<target>{_ENTITY})"
    rf"(?: with (?P<with>[A-Za-z0-9_]+={_VALUE}(?:, [A-Za-z0-9_]+={_VALUE})*))?{_OLD}",
    re.DOTALL,
)
_WITH = re.compile(rf"([A-Za-z0-9_]+)=({_VALUE})", re.DOTALL)
_KIND = re.compile(rf"(?P<entity>{_ENTITY}) is an? (?P<kind>[A-Za-z][A-Za-z0-9]*){_OLD}", re.DOTALL)
_NOTHING = re.compile(rf"Nothing is known of (?P<entity>{_ENTITY})\.", re.DOTALL)
_TO_NOTHING = re.compile(
    rf"(?P<entity>{_ENTITY}) (?P<phrase>[A-Za-z][A-Za-z0-9_ ]*) nothing that is known\.", re.DOTALL
)
_FROM_NOTHING = re.compile(
    rf"Nothing that is known (?P<phrase>[A-Za-z][A-Za-z0-9_ ]*) (?P<entity>{_ENTITY})\.", re.DOTALL
)


def sentence(statement: Statement) -> str:
    """A statement in words.

    Args:
        statement: a fact, a relation, a kind, or what is unknown; names are those of DTDL.

    Returns:
        One sentence; `parse_sentence` gives the statement back.

    Example:
        >>> sentence(Fact("truck/0", "load_l", 812.5, 3.0))
        'The load of truck/0 is 812.5 l (3 s old).'
        >>> sentence(Relation("sensor/17", "connected_to", "gateway/2", 12.0))
        'sensor/17 is connected to gateway/2 (12 s old).'
    """
    if isinstance(statement, Fact):
        return _fact(statement)
    entity = _entity(statement.source if isinstance(statement, Relation) else statement.entity)
    if isinstance(statement, Relation):
        told = ", ".join(f"{name}={_value(value)}" for name, value in statement.properties)
        ending = f" with {told}" if told else ""
        target = _entity(statement.target)
        return f"{entity} {phrase_of(statement.name)} {target}{ending}{_old(statement.age_s)}"
    if isinstance(statement, Kind):
        article = "an" if statement.kind[0] in "AEIOUaeiou" else "a"
        return f"{entity} is {article} {statement.kind}{_old(statement.age_s)}"
    if not statement.relation:
        return f"Nothing is known of {entity}."
    if statement.incoming:
        return f"Nothing that is known {phrase_of(statement.relation)} {entity}."
    return f"{entity} {phrase_of(statement.relation)} nothing that is known."


def parse_sentence(text: str) -> Statement:
    """The statement that a sentence says.

    Args:
        text: a sentence from `sentence`.

    Returns:
        The statement, equal to the one that was told.

    Raises:
        ConfigError: if it is no such sentence.

    Example:
        >>> parse_sentence("sensor/17 is connected to gateway/2 (12 s old).").target
        'gateway/2'
    """
    try:
        for pattern, build in _FORMS:
            match = pattern.fullmatch(text)
            if match is not None:
                return build(match)
    except (ValueError, TypeError, RecursionError):
        pass
    raise ConfigError(f"{shown(text)} says no fact: it is none of the sentences of `sentence`")


def words_of(name: str) -> str:
    """The words of a property, without its unit.

    Example:
        >>> words_of("pm25_ug_per_m3"), words_of("battery.charge_j")
        ('pm25', 'battery.charge')
    """
    return _split(name)[0].replace("_", " ")


def phrase_of(relation: str) -> str:
    """The words of a relationship.

    Example:
        >>> phrase_of("connected_to"), phrase_of("has_bin")
        ('is connected to', 'has bin')
    """
    phrase = PHRASES.get(relation, relation.replace("_", " "))
    return relation if relation not in PHRASES and phrase in _TAKEN else phrase


def _fact(statement: Fact) -> str:
    entity = _entity(statement.entity)
    stem, symbol = _split(statement.property)
    if statement.value is None:
        unit = f" (in {symbol})" if symbol else ""
        return f"The {_words(stem)}{unit} of {entity} is not known."
    if not isinstance(statement.value, int | float) or isinstance(statement.value, bool):
        stem, symbol = statement.property, ""
    value = _value(statement.value) + (f" {symbol}" if symbol else "")
    return f"The {_words(stem)} of {entity} is {value}{_old(statement.age_s)}"


def _words(stem: str) -> str:
    return stem.replace("_", " ")


def _split(name: str) -> tuple[str, str]:
    """The stem of a name, and the symbol of its unit."""
    for ending, symbol in UNITS:
        if name.endswith(ending) and name[: -len(ending)][-1:].isalnum():
            return name.removesuffix(ending), symbol
    return name, ""


def _entity(entity: str) -> str:
    return entity if _BARE.fullmatch(entity) else json.dumps(entity, ensure_ascii=False)


def _value(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _old(age_s: float) -> str:
    return f" ({repr(float(age_s)).removesuffix('.0')} s old)."


def _name(words: str, unit: str | None = None) -> str:
    return words.replace(" ", "_") + (_SYMBOLS[unit] if unit else "")


def _relation_name(phrase: str) -> str:
    return _NAMES.get(phrase) or phrase.replace(" ", "_")


def _read_entity(text: str) -> str:
    return str(json.loads(text, strict=False)) if text.startswith('"') else text


def _read_value(text: str) -> Value:
    if text.startswith('"'):
        return str(json.loads(text, strict=False))
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _read_fact(match: re.Match[str]) -> Statement:
    name, value = _name(match["words"], match["unit"]), _read_value(match["value"])
    return Fact(_read_entity(match["entity"]), name, value, float(match["age"]))


def _read_no_fact(match: re.Match[str]) -> Statement:
    name = _name(match["words"], match["unit"])
    return Fact(_read_entity(match["entity"]), name, None, math.inf)


def _read_relation(match: re.Match[str]) -> Statement:
    told = tuple((name, _read_value(text)) for name, text in _WITH.findall(match["with"] or ""))
    source, target = _read_entity(match["source"]), _read_entity(match["target"])
    return Relation(source, _relation_name(match["phrase"]), target, float(match["age"]), told)


def _read_kind(match: re.Match[str]) -> Statement:
    return Kind(_read_entity(match["entity"]), match["kind"], float(match["age"]))


def _read_nothing(match: re.Match[str]) -> Statement:
    return Unknown(_read_entity(match["entity"]))


def _read_to_nothing(match: re.Match[str]) -> Statement:
    return Unknown(_read_entity(match["entity"]), _relation_name(match["phrase"]))


def _read_from_nothing(match: re.Match[str]) -> Statement:
    return Unknown(_read_entity(match["entity"]), _relation_name(match["phrase"]), incoming=True)


_FORMS = (
    (_FACT, _read_fact),
    (_NO_FACT, _read_no_fact),
    (_KIND, _read_kind),
    (_RELATION, _read_relation),
    (_NOTHING, _read_nothing),
    (_TO_NOTHING, _read_to_nothing),
    (_FROM_NOTHING, _read_from_nothing),
)
