"""The object model: types of twins as DTDL version 3 interfaces in JSON files.

The files in `dtdl/` are one model for all environments. This module supports a part of DTDL
(Digital Twins Definition Language, version 3, with the extension of quantitative types) and
rejects everything else: interfaces with properties, telemetry, components and relationships;
primitive schemas; one unit for each quantity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.reading import read_bytes
from twin_gym.twins.plain import file_path, is_finite, is_writable, listed, plain, shown, text

Value = float | int | bool | str

CONTEXT = "dtmi:dtdl:context;3"
QUANTITATIVE_TYPES = "dtmi:dtdl:extension:quantitativeTypes;1"
UNIT_OF_TYPE = MappingProxyType(
    {"TimeSpan": "second", "Length": "metre", "Energy": "joule", "Volume": "litre"}
)
"""The supported unit of each quantitative type: one that SI has or accepts."""

SCHEMAS = ("boolean", "double", "long", "string")
NUMERIC = ("double", "long")
MAX_FILE_BYTES = 1_000_000
MAX_LONG = 2**53
"""Largest integer that a float represents exactly."""

MAX_TEXT = 10_000

_DTMI = re.compile(r"dtmi:twin_gym:([A-Za-z][A-Za-z0-9]*);1")
_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9_]{0,62}[A-Za-z0-9])?")
_ALLOWED = {
    "Interface": {"@context", "@id", "@type", "displayName", "description", "contents"},
    "Property": {"@type", "name", "schema", "unit", "description"},
    "Telemetry": {"@type", "name", "schema", "unit", "description"},
    "Component": {"@type", "name", "schema", "description"},
    "Relationship": {"@type", "name", "target", "properties", "description"},
}


@dataclass(frozen=True)
class Content:
    """A property or a telemetry of an interface.

    Attributes:
        name: name within the interface; `component.name` for components.
        kind: `Property` (static, set with the twin) or `Telemetry` (measured over time).
        schema: one of `SCHEMAS`.
        unit: SI unit, or None for numbers without one.
    """

    name: str
    kind: str
    schema: str
    unit: str | None

    def checked(self, value: Any) -> Value:  # noqa: ANN401 - whatever someone sends
        """The value, validated against the schema.

        Args:
            value: an untrusted value; NumPy numbers are allowed.

        Returns:
            A plain Python value.

        Raises:
            ConfigError: if it is of another type, not finite, or too large.
        """
        found = plain(value)
        if self.schema == "double" and type(found) in (float, int) and is_finite(found):
            return float(found)
        if self.schema == "long" and type(found) is int and abs(found) <= MAX_LONG:
            return found
        if self.schema == "boolean" and type(found) is bool:
            return found
        is_text = type(found) is str and len(found) <= MAX_TEXT and is_writable(found)
        if self.schema == "string" and is_text:
            return str(found)
        unit = f" in {self.unit}s" if self.unit else ""
        raise ConfigError(
            f"`{self.name}` is a {self.schema}{unit}, finite, at most 2^53 or {MAX_TEXT} letters; "
            f"got {shown(value)}"
        )


@dataclass(frozen=True)
class Relationship:
    """A type of relationship between twins.

    Attributes:
        name: name within the interface.
        target: interface of the target twins.
        properties: properties of the relationship itself, by name.
    """

    name: str
    target: str
    properties: Mapping[str, Content]


@dataclass(frozen=True)
class Interface:
    """A type of twin.

    Attributes:
        name: such as `Gateway`; its DTMI is `dtmi:twin_gym:Gateway;1`.
        contents: properties and telemetry by name, those of components by `component.name`.
        relationships: relationships by name.
        components: interfaces of the components, by name.
        display_name: what people call such a twin, such as "air quality sensor"; may be empty.
    """

    name: str
    contents: Mapping[str, Content]
    relationships: Mapping[str, Relationship]
    components: Mapping[str, str] = field(default_factory=dict)
    display_name: str = ""


@dataclass(frozen=True)
class ObjectModel:
    """A consistent set of interfaces.

    Attributes:
        interfaces: interfaces by name.
    """

    interfaces: Mapping[str, Interface]

    def interface(self, name: str) -> Interface:
        """One of the interfaces.

        Raises:
            UnknownNameError: if there is none of this name.
        """
        checked = text(name, "the name of an interface")
        if checked not in self.interfaces:
            raise unknown_name("interface", checked, self.interfaces)
        return self.interfaces[checked]


@cache
def object_model() -> ObjectModel:
    """The model that all environments share, from the files of the package.

    Example:
        >>> object_model().interface("Gateway").contents["x_m"].unit
        'metre'
    """
    folder = resources.files("twin_gym.twins.realtime") / "dtdl"
    texts = sorted((one.name, one.read_text("utf-8")) for one in folder.iterdir())
    return build_model([json.loads(text) for name, text in texts if name.endswith(".json")])


def read_model(folder: str | Path) -> ObjectModel:
    """Reads a model from your own JSON files, one interface in each.

    Args:
        folder: folder of the files.

    Returns:
        The validated model.

    Raises:
        ConfigError: if there is no file, or one is larger than a megabyte, not JSON, or not a
            supported interface.
    """
    paths = sorted(file_path(folder, "the folder of a model").glob("*.json"))
    if not paths:
        raise ConfigError(f"there is no JSON file in {str(folder)!r}")
    documents = []
    for path in paths:
        try:
            documents.append(json.loads(read_bytes(path, MAX_FILE_BYTES)))
        except (OSError, ValueError, RecursionError) as error:
            raise ConfigError(f"{str(path)!r} is no JSON file of an interface: {error}") from None
    return build_model(documents)


def build_model(documents: Sequence[Any]) -> ObjectModel:
    """Builds a model from interfaces and validates them together.

    Args:
        documents: parsed JSON, one interface each.

    Returns:
        The model, in which interfaces include the contents of their components.

    Raises:
        ConfigError: if something is not allowed, is named twice, or points to nothing.
    """
    found: dict[str, Interface] = {}
    for document in listed(documents, "interfaces"):
        one = _interface(document)
        if one.name in found:
            raise ConfigError(f"two interfaces have the id of {one.name!r}: keep one")
        found[one.name] = one
    for one in found.values():
        _check_targets(one, found)
    return ObjectModel({name: _with_components(one, found) for name, one in found.items()})


def _interface(document: Any) -> Interface:  # noqa: ANN401 - parsed JSON
    if not isinstance(document, dict) or document.get("@type") != "Interface":
        raise ConfigError(f"an interface is an object of @type 'Interface', got {shown(document)}")
    name = _target(document, "@id", "an interface")
    _check_keys(document, "Interface", name)
    if document.get("@context") != [CONTEXT, QUANTITATIVE_TYPES]:
        raise ConfigError(f"{name}: @context is {[CONTEXT, QUANTITATIVE_TYPES]}")
    contents: dict[str, Content] = {}
    relationships: dict[str, Relationship] = {}
    components: dict[str, str] = {}
    for item in _listed(document.get("contents", []), name):
        kind = _kind(item, name)
        own = _name(item, name)
        if own in contents or own in relationships or own in components:
            raise ConfigError(f"{name}: two of its contents are called {own!r}: rename one")
        if kind == "Relationship":
            told = [
                _content(one, f"{name}.{own}") for one in _listed(item.get("properties", []), own)
            ]
            properties = {one.name: one for one in told}
            if len(properties) < len(told):
                raise ConfigError(f"{name}.{own}: two of its properties have one name")
            relationships[own] = Relationship(own, _target(item, "target", name), properties)
        elif kind == "Component":
            components[own] = _target(item, "schema", name)
        else:
            contents[own] = _content(item, name)
    display_name = document.get("displayName", "")
    if not isinstance(display_name, str) or not display_name.isprintable():
        raise ConfigError(f"{name}: a displayName is a printable text, got {shown(display_name)}")
    return Interface(name, contents, relationships, components, display_name)


def _listed(items: Any, where: str) -> list[dict[str, Any]]:  # noqa: ANN401 - parsed JSON
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        raise ConfigError(f"{where}: contents and properties are lists of objects")
    return items


def _kind(item: dict[str, Any], where: str) -> str:
    """Property, Telemetry, Component or Relationship; a quantitative type may stand beside it."""
    types = item.get("@type")
    kind = types[0] if isinstance(types, list) and types else types
    if not isinstance(kind, str) or kind not in _ALLOWED or kind == "Interface":
        raise ConfigError(
            f"{where}: contents are Property, Telemetry, Component or Relationship, "
            f"got {shown(types)}"
        )
    _check_keys(item, kind, where)
    return kind


def _check_keys(item: dict[str, Any], kind: str, where: str) -> None:
    for key in item:
        if key not in _ALLOWED[kind]:
            known = ", ".join(sorted(_ALLOWED[kind]))
            raise ConfigError(f"{where}: a {kind} has no {shown(key)} here (it may have {known})")


def _name(item: dict[str, Any], where: str) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigError(
            f"{where}: a name is a letter, then letters, digits and inner underscores, at most 64; "
            f"got {shown(name)}"
        )
    return name


def _content(item: dict[str, Any], where: str) -> Content:
    kind, name = _kind(item, where), _name(item, where)
    schema, unit = item.get("schema"), item.get("unit")
    if schema not in SCHEMAS:
        raise ConfigError(f"{where}.{name}: the schema is one of {SCHEMAS}, got {shown(schema)}")
    types = item["@type"] if isinstance(item["@type"], list) else [item["@type"]]
    wanted = [UNIT_OF_TYPE.get(one) if isinstance(one, str) else None for one in types[1:]]
    if wanted != ([] if unit is None else [unit]) or None in wanted:
        raise ConfigError(
            f"{where}.{name}: a unit stands beside its quantitative type, one of "
            f"{dict(UNIT_OF_TYPE)}; got {shown(unit)} with {shown(types[1:])}"
        )
    if unit is not None and schema not in NUMERIC:
        raise ConfigError(f"{where}.{name}: a {schema} has no unit, got {unit!r}")
    return Content(name, kind, str(schema), unit)


def _target(item: dict[str, Any], key: str, where: str) -> str:
    told = item.get(key)
    match = _DTMI.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        raise ConfigError(f"{where}: a {key} is 'dtmi:twin_gym:Name;1', got {shown(told)}")
    return match[1]


def _check_targets(one: Interface, known: Mapping[str, Interface]) -> None:
    """Checks that all targets exist and that components are not nested."""
    for relationship in one.relationships.values():
        if relationship.target not in known:
            unknown = unknown_name("interface", relationship.target, known)
            raise ConfigError(f"{one.name}.{relationship.name}: {unknown}")
    for name, target in one.components.items():
        if target not in known:
            raise ConfigError(f"{one.name}.{name}: {unknown_name('interface', target, known)}")
        if known[target].components:
            raise ConfigError(f"{one.name}.{name}: a component has no components of its own")


def _with_components(one: Interface, known: Mapping[str, Interface]) -> Interface:
    contents = dict(one.contents)
    for component, target in one.components.items():
        for inner in known[target].contents.values():
            name = f"{component}.{inner.name}"
            contents[name] = Content(name, inner.kind, inner.schema, inner.unit)
    return replace(one, contents=contents)
