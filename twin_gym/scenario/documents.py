"""TOML that came from outside: bounded in time and memory before anything is parsed.

The parser of TOML takes time that grows with the square of the parts of a key, of the digits of a
number, and it recurses into what is nested. What a document may hold of each is counted first, in
one pass over its text, so that the largest one that is accepted is read in about a second.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from twin_gym.errors import ConfigError, shown
from twin_gym.files.reading import read_text

MAX_DOCUMENT_BYTES = 4_000_000
"""Largest TOML file that is read, unless its reader takes less."""

MAX_KEY_PARTS = 16
MAX_NESTING = 16
MAX_KEYS = 20_000
MAX_BRACKETS = 20_000
MAX_VALUES = 400_000
MAX_LINES = 400_000
MAX_WORD = 1_000
"""Most characters of a key or a number without quotes."""

_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']++|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_DOTTED = re.compile(rf"\.(?:[^.,=\n]*+\.){{{MAX_KEY_PARTS - 1}}}")
_WORD = re.compile(rf"(?<![A-Za-z0-9_+:-])[A-Za-z0-9_+:-]{{{MAX_WORD + 1}}}")
_BRACKET = re.compile(r"[\[\]{}]")


def parse_toml(text: str, origin: str, max_bytes: int = MAX_DOCUMENT_BYTES) -> dict[str, Any]:
    """The values of a TOML document.

    Args:
        text: the document.
        origin: how errors call it.
        max_bytes: most that it may hold.

    Returns:
        Its tables and values.

    Raises:
        ConfigError: if it is too large, holds too much of anything, or is no TOML.

    Example:
        >>> parse_toml("a.b = 1", "the text")
        {'a': {'b': 1}}
    """
    if len(text) > max_bytes:
        raise ConfigError(
            f"{origin} has {len(text)} characters; at most {max_bytes} are read: shorten it"
        )
    _check_amounts(text, origin)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also numbers too long
        raise ConfigError(f"{origin} is not valid TOML: {error}") from None


def read_toml(
    path: Path, max_bytes: int = MAX_DOCUMENT_BYTES, what: str = "file"
) -> dict[str, Any]:
    """The values of a TOML file.

    Args:
        path: of the file, UTF-8.
        max_bytes: the most that is read.
        what: how errors call it, such as "scenario file".

    Returns:
        Its tables and values.

    Raises:
        ConfigError: if it is no regular file, cannot be read, is too large, or is no TOML.
    """
    return parse_toml(read_text(path, max_bytes, what), str(path), max_bytes)


def _check_amounts(text: str, origin: str) -> None:
    """Refuses what would take the parser long, whether or not it is valid."""
    refused = f"{origin} is not valid TOML as it is read here"
    bare = _STRING_OR_COMMENT.sub('""', text)
    for what, count, most in (
        ("lines", text.count("\n"), MAX_LINES),
        ("values", bare.count(","), MAX_VALUES),
        ("keys", bare.count("="), MAX_KEYS),
        ("tables and arrays", bare.count("[") + bare.count("{"), MAX_BRACKETS),
    ):
        if count > most:
            raise ConfigError(f"{refused}: it has {count:,} {what} and at most {most:,} are read")
    if _DOTTED.search(bare):
        raise ConfigError(f"{refused}: a key has at most {MAX_KEY_PARTS} parts")
    word = _WORD.search(bare)
    if word:
        raise ConfigError(
            f"{refused}: a key or a number has at most {MAX_WORD:,} characters, got "
            f"{shown(word[0], 40)}"
        )
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTING:
            raise ConfigError(f"{refused}: tables and arrays nest at most {MAX_NESTING} deep")
