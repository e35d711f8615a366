"""Frames between the board and a submission: a JSON object and raw arrays, never a pickle.

A frame is a head (four letters, the length of the JSON, the length of the payload), the JSON
object, and the bytes of its arrays one after the other. The object lists type and shape of each
array under `arrays`. Both ends read a head first and refuse lengths that they do not expect.

Nothing of a frame reaches NumPy before it was judged here: a type is one of a list, a shape is of
whole numbers whose product has a limit.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Message = dict[str, Any]
AnyArray = NDArray[Any]
ReadExactly = Callable[[int], bytearray]
"""Gives so many bytes, or raises."""

_HEAD = struct.Struct("<4sIQ")
_LETTERS = b"tg-1"
_MAX_JSON_BYTES = 16_000_000  # scenarios of thousands of slices
_MOST_DIMENSIONS, _MOST_NUMBERS, _MOST_ARRAYS = 8, 2**40, 64
_MAX_DEPTH = 16
_STRING, _BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL), re.compile(r"[][{}]")
_NAMES_OF_TYPES = "? b h i q B H I Q e f d"
_TYPES = {
    kind.str: kind
    for one in _NAMES_OF_TYPES.split()
    for kind in (np.dtype(f"<{one}"), np.dtype(f">{one}"))
}
"""Of arrays: numbers of at most eight bytes, by the names that NumPy gives them."""


class WireError(ValueError):
    """The received data are no valid frame, or not the frame that was asked for."""


def packed(message: Message, arrays: Sequence[AnyArray] = ()) -> bytes:
    """A frame.

    Args:
        message: what JSON can say; `arrays` is added.
        arrays: of numbers, any shape.

    Returns:
        The bytes to send.
    """
    whole = [np.asarray(one, order="C") for one in arrays]
    listed = [[one.dtype.str, list(one.shape)] for one in whole]
    text = json.dumps(message | {"arrays": listed}).encode()
    parts = [one.tobytes() for one in whole]
    return b"".join((_HEAD.pack(_LETTERS, len(text), sum(map(len, parts))), text, *parts))


def read(
    read_exactly: ReadExactly, max_json_bytes: int = _MAX_JSON_BYTES, max_bytes: int | None = None
) -> tuple[Message, list[AnyArray]]:
    """The next frame.

    Args:
        read_exactly: where it comes from.
        max_json_bytes: a longer object is refused.
        max_bytes: a longer payload is refused; None: any.

    Returns:
        The object, and its arrays, which may be written to.

    Raises:
        WireError: if it is no frame, or a longer one.
    """
    letters, json_bytes, payload_bytes = _HEAD.unpack(read_exactly(_HEAD.size))
    if letters != _LETTERS:
        raise WireError(f"a frame begins with {_LETTERS!r}, got {letters!r}")
    if json_bytes > max_json_bytes:
        raise WireError(f"a message has at most {max_json_bytes:,} bytes, got {json_bytes:,}")
    message, listed = _parsed(bytes(read_exactly(json_bytes)))
    if max_bytes is not None and payload_bytes > max_bytes:
        raise WireError(f"arrays have at most {max_bytes:,} bytes, got {payload_bytes:,}")
    said_bytes = sum(dtype.itemsize * prod(shape) for dtype, shape in listed)
    if payload_bytes != said_bytes:
        raise WireError(f"arrays of {said_bytes:,} bytes are listed, and {payload_bytes:,} come")
    return message, [
        np.frombuffer(read_exactly(dtype.itemsize * prod(shape)), dtype).reshape(shape)
        for dtype, shape in listed
    ]


def _parsed(content: bytes) -> tuple[Message, list[tuple[np.dtype[Any], tuple[int, ...]]]]:
    """The object of a frame without its list of arrays, and that list."""
    try:
        text = content.decode("utf-8")
        _check_depth(text)
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is a JSON object in UTF-8: {error!s:.200}") from None
    if not isinstance(message, dict):
        raise WireError(f"a message is a JSON object, got {type(message).__name__}")
    listed = message.pop("arrays", None)
    if not isinstance(listed, list) or len(listed) > _MOST_ARRAYS:
        raise WireError(f"a message has a list `arrays` of at most {_MOST_ARRAYS}")
    return message, [_array(one) for one in listed]


def _check_depth(text: str) -> None:
    """Before it is parsed: what is nested too deep ends the parser, or whoever prints it."""
    depth = 0
    for one in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if one in "[{" else -1
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")


def _array(said: object) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Type and shape of one array, as the message lists it."""
    if not (isinstance(said, list) and len(said) == 2):  # noqa: PLR2004 - type and shape
        raise WireError(f"an array is listed as its type and its shape, got {said!r:.80}")
    name, shape = said
    dtype = _TYPES.get(name) if isinstance(name, str) else None
    if dtype is None:
        raise WireError(f"arrays are of plain numbers such as '<f8', got {name!r:.80}")
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_DIMENSIONS
        or not all(type(n) is int and n >= 0 for n in shape)
        or prod(max(1, n) for n in shape) > _MOST_NUMBERS
    ):
        raise WireError(
            f"a shape is a list of at most {_MOST_DIMENSIONS} whole numbers from 0, with a product "
            f"of at most {_MOST_NUMBERS:,}, got {shape!r:.80}"
        )
    return dtype, tuple(shape)
