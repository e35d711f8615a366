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
    made = table("Kinds", ["kind", "id", "package"], left=3, wrapped=2)
    for one in kinds():
        made.add_row(one.name, one.id, one.package)
    return made


def _facets(kind: EnvironmentKind) -> object:
    title = f"Facets of {kind.name}, in {kind.package}"
    made = table(title, ["facet", "what it is", "status", "file: name in it"], left=4)
    for name, facet in FACETS.items():
        status: str = kind.status(name)
        attribute = kind.where(name)[1]
        if status == "default":
            status = f"default: {facet.without}"
        made.add_row(name, facet.meaning, status, f"{facet.module}.py: {attribute}")
    return made
