"""`twin-gym kind`: which kinds of environments there are, and what one of them brings."""

from __future__ import annotations

from twin_gym.console.printing import output, table
from twin_gym.environments.kinds import FACETS, EnvironmentKind, kind_named, kinds


def run(name: str | None) -> None:
    """Prints a table: all kinds, or the facets of one.

    Args:
        name: of a kind; None: all kinds.

    Raises:
        UnknownNameError: if there is no such kind; the message has the nearest one.
        ConfigError: if its package cannot be imported.
    """
    output().print(_all() if name is None else _facets(kind_named(name)))


def _all() -> object:
    made = table("Kinds", ["kind", "id, and package"], left=2)
    for one in kinds():
        made.add_row(one.name, f"{one.id}\n{one.package}")
    return made


def _facets(kind: EnvironmentKind) -> object:
    """Names stand in columns that have room for them; sentences below are broken into lines."""
    title = f"Facets of {kind.name}, in {kind.package}"
    made = table(title, ["facet", "status", "file: name in it, and what it is"], left=3)
    for name, facet in FACETS.items():
        status, attribute = kind.status(name), kind.where(name)[1]
        default = f"; without it: {facet.without}" if status == "default" else ""
        place = f"{facet.module}.py: {attribute}"
        made.add_row(name, status, f"{place}\n{facet.meaning}{default}")
    return made
