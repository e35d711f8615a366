"""Exceptions of twin_gym, and the functions that build their messages.

Every class takes one message and can be pickled. The functions below build the messages that must
always say the same things: what is wrong, with the value; what is allowed; what to do.
"""

import difflib
import reprlib
import unicodedata
from collections.abc import Iterable
from os import PathLike

_MOST_LISTED, _MOST_COMPARED, _LONGEST_NAME = 100, 2_000, 200  # of names in an error
_MOST_ENTRIES, _MOST_LEVELS = 12, 3  # of a collection that is quoted

_KEPT = "\n\t"
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of letters, line separators
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class TwinGymError(Exception):
    """Base of every error that twin_gym raises on purpose."""


class ConfigError(TwinGymError, ValueError):
    """A value given by the user is refused, at construction and never in `step`."""


class UnknownNameError(ConfigError):
    """A name that nothing is registered under; see `unknown_name`."""


class UnknownArgumentError(UnknownNameError, TypeError):
    """An argument that an environment does not have; Python says the same by a `TypeError`."""


class TraceError(ConfigError):
    """A trace file breaks its format; see `bad_trace`, which names the line at fault."""


class TooLargeError(TwinGymError, ValueError):
    """An exact computation would need more states than it accepts; see `too_large`."""


class MissingExtraError(TwinGymError, ImportError):
    """An optional dependency is not installed; see `missing_extra`."""


def shown(value: object, width: int = 80) -> str:
    """A value as errors quote it: never longer than it may be, whatever it is.

    Args:
        value: anything, also what is too deep, too long or too large to be written out.
        width: most characters.

    Returns:
        The beginning of its representation, without control characters.

    Example:
        >>> shown([1, "a"]), len(shown("x" * 1_000_000)), shown(10**9999)
        ("[1, 'a']", 80, 'a value of the type int')
    """
    brief = reprlib.Repr()
    brief.maxlevel = _MOST_LEVELS
    brief.maxlist = brief.maxtuple = brief.maxdict = brief.maxset = _MOST_ENTRIES
    brief.maxstring = brief.maxother = brief.maxlong = 4 * width
    try:
        return brief.repr(value)[:width]
    except Exception:  # of whatever kind: what cannot be written out is named by its type
        return f"a value of the type {type(value).__name__}"[:width]


def without_controls(text: str) -> str:
    r"""The text without what steers a terminal or turns the direction of reading.

    Left out are control characters (ESC and those above 127 too) other than line breaks and tabs,
    marks that turn the direction of reading, and halves of letters, which no file can hold. Every
    line break becomes a plain one.

    Args:
        text: any.

    Returns:
        The rest, in order; the same text if there is nothing to leave out.

    Example:
        >>> without_controls("plain\x1b[31m red\u202e")
        'plain[31m red'
    """
    if text.isascii() and text.isprintable():
        return text
    lines = text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        one
        for one in lines
        if one in _KEPT or not (unicodedata.category(one) in _UNSEEN or one in _DIRECTIONS)
    )


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that does not exist, with the nearest one that does.

    Args:
        kind: what the name should have named, in the singular, such as "preset".
        name: the name as it was given, whatever it is.
        known: the names that exist, in any order.

    Returns:
        The error, to be raised by the caller.

    Example:
        >>> print(unknown_name("preset", "contntion", ["mild", "contention"]))
        unknown preset 'contntion'; did you mean 'contention'? Known: contention, mild
    """
    names = sorted(known)
    by_lower_case = {candidate.lower(): candidate for candidate in names[:_MOST_COMPARED]}
    asked = name[:_LONGEST_NAME].lower() if isinstance(name, str) else shown(name)
    nearest = difflib.get_close_matches(asked, by_lower_case, n=1, cutoff=0.5)
    hint = f"; did you mean {by_lower_case[nearest[0]]!r}?" if nearest else "."
    listed = ", ".join(names[:_MOST_LISTED]) or "none"
    if len(names) > _MOST_LISTED:
        listed += f" and {len(names) - _MOST_LISTED:,} more"
    return UnknownNameError(f"unknown {kind} {shown(name, _LONGEST_NAME)}{hint} Known: {listed}")


def missing_extra(feature: str, extra: str) -> MissingExtraError:
    """The error for an optional dependency that is not installed.

    Args:
        feature: what the user asked for, such as "the SB3 adapter".
        extra: the extra of twin-gym that brings it.

    Returns:
        The error, to be raised by the caller from the `ImportError` it met.

    Example:
        >>> print(missing_extra("the SB3 adapter", "sb3"))
        the SB3 adapter needs an extra that is not installed; run: pip install "twin-gym[sb3]"
    """
    return MissingExtraError(
        f'{feature} needs an extra that is not installed; run: pip install "twin-gym[{extra}]"'
    )


def bad_trace(path: str | PathLike[str], line: int, problem: str) -> TraceError:
    """The error for a trace file that breaks its format.

    Args:
        path: the file.
        line: number of the line at fault, the first line of the file being 1.
        problem: what is wrong with the value, and what is allowed.

    Returns:
        The error, to be raised by the caller.

    Example:
        >>> print(bad_trace("requests.csv", 3, "`holding_time_s` must be > 0, got -2.0"))
        requests.csv, line 3: `holding_time_s` must be > 0, got -2.0
    """
    return TraceError(f"{path}, line {line}: {problem}")


def too_large(computation: str, num_states: int, max_states: int) -> TooLargeError:
    """The error for an exact computation over too many states.

    Args:
        computation: what was asked for, such as "the exact optimal policy".
        num_states: how many states it would need.
        max_states: how many it accepts.

    Returns:
        The error, to be raised by the caller.

    Example:
        >>> print(too_large("the exact optimal policy", 5_000_000, 200_000))
        the exact optimal policy needs 5,000,000 states and at most 200,000 are allowed; \
take a scenario with less capacity, shorter queues or fewer slices
    """
    return TooLargeError(
        f"{computation} needs {num_states:,} states and at most {max_states:,} are allowed; "
        "take a scenario with less capacity, shorter queues or fewer slices"
    )
