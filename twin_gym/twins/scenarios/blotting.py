"""Redacts a secret key in untrusted text: whole, partial, split, escaped or encoded."""

from __future__ import annotations

import base64
import re
import sys
import unicodedata
from collections.abc import Iterator
from types import MappingProxyType

BLOT = "***"
MAX_CHECKED = 20_000
"""Maximum length of a text; the rest is dropped."""

_WHOLE_BELOW = 8  # letters and digits: of a shorter key no part is looked for
_PART = 4
_ENCODED_PART = 6  # of base64: four bytes and more
_HEX_PART = 8

# One sign of a text in one of the usual ways to escape it, however often; or as it stands.
_ESCAPED = re.compile(
    r"\\+(?:u0000(?P<w>[0-9a-f]{4})|u(?P<u>[0-9a-f]{4})|u\{0*(?P<b>[0-9a-f]{1,5})\}"
    r"|x(?P<x>[0-9a-f]{2})|(?P<o>[0-7]{3}))?"
    r"|%(?:25)*(?P<p>[0-9a-f]{2})|=(?P<q>[0-9a-f]{2})"
    r"|&\#x0*(?P<h>[0-9a-f]{1,5});?|&\#0*(?P<d>[0-9]{1,6});?|(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)
_AS_IT_STANDS = re.compile(r"(?P<plain>.)", re.DOTALL)
_BASES = MappingProxyType({"o": 8, "d": 10})

Span = tuple[int, int]


def blotted(text: str, key: str) -> str:
    """A text in which the key, and every four consecutive characters of it, are redacted.

    The comparison uses only letters and digits and ignores case, so that it finds a key that was
    cut, split over lines, or written in other letters. It also finds escapes of JSON, Python,
    URLs, HTML and quoted-printable, base64, hexadecimal digits, and the reversed key. A key with
    fewer than eight letters and digits is only redacted as a whole: its parts are too common.

    Args:
        text: the text, of which at most 20,000 characters are kept.
        key: the secret; nothing is redacted if it is empty.

    Returns:
        The text with `***` in the place of each match.

    Example:
        >>> blotted("you sent sk-4711-abcdef", "sk-4711-abcdef")
        'you sent ***'
        >>> blotted("4711, then A B C D", "sk-4711-abcdef")
        '***, then ***'
    """
    text = text[:MAX_CHECKED]
    if not key:
        return text
    spans = list(_whole(text, key))
    if len(_letters(key)) >= _PART:
        spans += _parts(text, key)
    return _without(text, sorted(spans))


def _whole(text: str, key: str) -> Iterator[Span]:
    """Where the key stands as it is; one of a few signs must not be part of a longer word."""
    pattern = re.escape(key)
    if len(key) < _PART:
        pattern = rf"(?<!\w){pattern}(?!\w)"
    for found in re.finditer(pattern, text, re.IGNORECASE):
        yield found.span()


def _parts(text: str, key: str) -> Iterator[Span]:
    """Where parts of the key stand, in any of the ways in which they are looked for."""
    wanted = _looked_for(key)
    for way in (_AS_IT_STANDS, _ESCAPED):  # a key may hold what looks like an escape
        signs = [
            (letter, found.span())
            for found in way.finditer(text)
            for letter in _letters(_sign(found))
        ]
        line = "".join(letter for letter, _ in signs)
        for part in wanted:
            start = line.find(part)
            while start >= 0:
                yield signs[start][1][0], signs[start + len(part) - 1][1][1]
                start = line.find(part, start + 1)


def _looked_for(key: str) -> set[str]:
    """All parts of a key in all its forms; of a short key the forms themselves."""
    content, letters = key.encode(), _letters(key)
    forms = [(letters, _PART), (letters[::-1], _PART), (content.hex(), _HEX_PART)]
    for before in range(3):  # bytes of something else that base64 packs together with the key
        packed = base64.b64encode(b"\0" * before + content).decode().rstrip("=")
        whole = packed[-(-before * 8 // 6) : len(packed) - 1]  # its ends depend on what is beside
        forms.append((_letters(whole), _ENCODED_PART))
    if len(letters) < _WHOLE_BELOW:
        return {form for form, size in forms if len(form) >= size}
    return {form[k : k + size] for form, size in forms for k in range(len(form) - size + 1)}


def _sign(found: re.Match[str]) -> str:
    """The sign that stands there, whatever way it is written; "" for backslashes alone."""
    way = found.lastgroup
    if way is None or way == "plain":
        return found[way] if way else ""
    return chr(min(int(found[way], _BASES.get(way, 16)), sys.maxunicode))


def _letters(text: str) -> str:
    """Letters and digits of a text, in one case and in one width."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if sign.isalnum())


def _without(text: str, spans: list[Span]) -> str:
    """The text with a blot in the place of each stretch that the spans cover together."""
    kept, end, last = [], 0, -1
    for start, stop in spans:
        if start > last:
            kept += [text[end:start], BLOT]
        last = max(last, stop)
        end = last
    return "".join([*kept, text[end:]])
