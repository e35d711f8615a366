"""Text that strangers wrote, made safe to show."""

from __future__ import annotations

import unicodedata

_KEPT = "\n\t"
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of letters, line separators
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


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
