"""Twins of a network: of its default policy, its current state, and of its history.

The policy twins (all names of this module, see `__init__.pyi`) learn, and need the extra `twins`;
they are imported when they are asked for. `twin_gym.twins.realtime` and `twin_gym.twins.history`
need no extra.
"""

from typing import Any

import lazy_loader

from twin_gym.errors import missing_extra
from twin_gym.moved import moved_names

_load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
_moved = moved_names(__name__, stacklevel=4)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever has the name
    """Imports what is asked for, once.

    Raises:
        MissingExtraError: if torch or safetensors is not installed.
        AttributeError: if there is no such name.
    """
    if name in __all__:
        try:
            import safetensors.torch  # noqa: F401 - brings torch: both are asked for at once
        except ImportError as error:
            raise missing_extra("twin_gym.twins", "twins") from error
    return _load(name) if name in __all__ else _moved(name)
