"""The options of `reset`: the environment's own, and those meant for others.

Gymnasium hands the same options to every wrapper and to the environment under them. Libraries read
keys of their own from it, such as Minari's `minari_autoseed`, and leave them in. Such a key starts
with the name of its library: it is for them and changes nothing here. Everything else that the
environment does not know is refused, for an option that is misspelt and ignored would be a wrong
experiment in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twin_gym.errors import ConfigError, UnknownNameError, unknown_name

LIBRARIES = (
    "agilerl", "cleanrl", "d3rlpy", "gymnasium", "minari", "mo_gymnasium", "pettingzoo", "ray",
    "rl_zoo3", "rllib", "sb3", "skrl", "stable_baselines3", "supersuit", "tianshou", "torchrl",
)  # fmt: skip
"""Names that the keys of other libraries start with, an underscore after them."""


def own_options(given: Any, known: tuple[str, ...] = ()) -> dict[str, Any]:  # noqa: ANN401
    """The options that are for the environment.

    Args:
        given: as `reset` takes it: a mapping or None.
        known: names of the options that the environment has.

    Returns:
        By name, those that are known and given.

    Raises:
        ConfigError: if a key is neither known nor another library's, or this is no mapping.

    Example:
        >>> own_options({"minari_autoseed": False, "reset_mask": [True]}, ("reset_mask",))
        {'reset_mask': [True]}
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"options of reset are a dict or None, got {given!r:.80}")
    for key in given:
        if key not in known and not _is_of_a_library(key):
            raise _refused(key, known)
    return {key: value for key, value in given.items() if key in known}


def _is_of_a_library(key: object) -> bool:
    return isinstance(key, str) and key.startswith(tuple(f"{name}_" for name in LIBRARIES))


def _refused(key: object, known: tuple[str, ...]) -> ConfigError:
    advice = (
        "Leave it out, or take it out in the wrapper it is for: keys that start with the name of a "
        "library, such as minari_, pass"
    )
    if known:
        return UnknownNameError(f"{unknown_name('option of reset', str(key), known)}. {advice}")
    return ConfigError(f"reset knows no options, got {key!r}. {advice}")
