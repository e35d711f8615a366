"""Arguments that Gymnasium keeps in the `spec` of what it makes, as JSON has them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Self


class Arguments(dict[str, Any]):
    """Arguments of an id whose copies hold plain values.

    Gymnasium keeps a copy of them in the `spec` of what it makes. Where the vector environment is
    Gymnasium's own (the modes `sync` and `async`) no class of ours sees that copy.
    """

    def copy(self) -> Self:
        """Scenarios and objectives as values that the environments take for the same."""
        return type(self)({name: _plain(value) for name, value in self.items()})

    def __setitem__(self, name: str, value: object) -> None:
        """Keeps a plain value."""
        super().__setitem__(name, _plain(value))


def _plain(value: object) -> object:
    """`core.spec.as_json_value`, of the module that is loaded when an environment is made."""
    return import_module("twin_gym.core.spec").as_json_value(value)
