"""Files of JSON lines that are kept: each line carries a check sum, and damage is never read over.

A line is a JSON object whose last member is `sum`: the first sixteen hexadecimal digits of the
SHA-256 of the same line without that member. A flipped bit, a changed digit and a sum that was
taken away are all found when the file is read, with the number of the line. A line ends with its
newline: what follows the last one was cut by a kill, counts for nothing and is cut off by the next
writer. The sum finds accidents and changes by hand; who changes the sum too is not found out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from twin_gym.errors import ConfigError
from twin_gym.files.lines import append_line

_SUM = re.compile(rb', "sum": "([0-9a-f]{16})"\}')
_SUM_BYTES = 28


def sealed(line: str) -> str:
    """A line with its check sum.

    Args:
        line: a JSON object that is not empty, without a newline and without a member `sum`.

    Returns:
        The same object with the member `sum` at its end.

    Raises:
        ConfigError: if it is no such line.

    Example:
        >>> sealed('{"score": 1.5}')
        '{"score": 1.5, "sum": "6509184a6b738d4e"}'
    """
    if not line.startswith('{"') or not line.endswith("}") or "\n" in line:
        raise ConfigError(f"a line that is kept is one JSON object, got {line!r:.80}")
    return f'{line[:-1]}, "sum": "{_sum_of(line.encode())}"}}'


def opened(line: bytes) -> str:
    """The content of a sealed line, once its checksum is verified.

    Args:
        line: without its newline.

    Returns:
        The line without its sum.

    Raises:
        ConfigError: if it has no sum, or another one than its content.
    """
    match = _SUM.fullmatch(line[-_SUM_BYTES:])
    if match is None:
        raise ConfigError(
            "there is no check sum at its end, so the line is damaged, was changed, or was written "
            f"before lines had one: {_REMEDY}"
        )
    content = line[:-_SUM_BYTES] + b"}"
    if _sum_of(content) != match[1].decode():
        raise ConfigError(
            f"the check sum is not that of the line, so it is damaged or was changed: {_REMEDY}"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"the line is no UTF-8 text: {error}") from None


def read_sealed(path: Path) -> Iterator[tuple[int, str]]:
    """The whole lines of a file, each with its number, from 1.

    Args:
        path: of the file; it need not exist.

    Yields:
        Number and content, without the sum.

    Raises:
        ConfigError: naming file and line, if a line is damaged. A last line that a kill cut short
            is left out; one whose newline alone became another byte is damaged.
    """
    if not path.exists():
        return
    content = path.read_bytes()
    *whole, _ = content.split(b"\n")
    for number, line in enumerate(whole, start=1):
        try:
            said = opened(line)
        except ConfigError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from None
        yield number, said
    _check_end(path, content[content.rfind(b"\n") + 1 :])


def append_sealed(path: Path, line: str) -> None:
    """Appends a line with its checksum and syncs it to the disk.

    What a kill cut short before it is removed.

    Args:
        path: a file of lines, made with its folder if it does not exist. One process at a time
            writes to it.
        line: see `sealed`.

    Raises:
        ConfigError: if it is no line that can be kept.
    """
    text = sealed(line)
    if path.exists():
        content = path.read_bytes()
        _check_end(path, content[content.rfind(b"\n") + 1 :])
    append_line(path, text)


_REMEDY = (
    "bring the file back from a copy (`git checkout` for one that is kept in git), or remove the "
    "line and run what it was about again"
)


def _check_end(path: Path, rest: bytes) -> None:
    """A kill cuts a line short; a whole one with something else than a newline is damaged."""
    if _SUM.fullmatch(rest[-_SUM_BYTES - 1 : -1]):
        raise ConfigError(
            f"{path}: the last line does not end with a newline but with {rest[-1:]!r}, so it is "
            f"damaged: {_REMEDY}"
        )


def _sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
