"""The rules that have parameters, by name: those of every environment."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.environments import facet
from benchmarks.protocol import Track
from benchmarks.tuning.rule import TunableRule
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import unknown_name


def methods() -> Mapping[str, type[TunableRule]]:
    """By name of the contestant, in the order of environments.

    Rules that are not named here have nothing to tune, or, as `fixed`, come tuned with the package.
    """
    return {rule.name: rule for kind in kind_names() for rule in facet(kind, "tunable_rules", ())}


def rule_named(method: str) -> type[TunableRule]:
    """A rule by its name.

    Raises:
        UnknownNameError: if there is none; the message has the nearest one.
    """
    known = methods()
    if method not in known:
        raise unknown_name("method", method, known)
    return known[method]


def takes_part(method: str, track: Track) -> str | None:
    """Why a method has no parameters for a track, or None.

    Args:
        method: one of `methods()`.
        track: where it would be tuned.
    """
    rule = rule_named(method)
    if track.kind != rule.kind:
        return f"it is a rule of {rule.kind}, and this track is one of {track.kind}"
    if track.action not in rule.forms:
        return f"it has nothing for action={track.action!r}"
    return None
