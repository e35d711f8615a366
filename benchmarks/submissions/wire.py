"""Frames between the board and a submission: a JSON object and raw arrays, never a pickle.

A frame is a head (four letters, the length of the JSON, the length of the payload), the JSON
object, and the bytes of its arrays one after the other. The object lists type and shape of each
array under `arrays`. Both ends read a head first and refuse lengths that they do not expect.
"""

from __future__ import annotations

import json
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
_MOST_DIMENSIONS = 8


class WireError(ValueError):
    """What came is no frame, or not one that was asked for."""


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
    try:
        message = json.loads(bytes(read_exactly(json_bytes)))
        listed = _checked(message)
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError(f"a message is a JSON object with its arrays: {error}") from None
    if max_bytes is not None and payload_bytes > max_bytes:
        raise WireError(f"arrays have at most {max_bytes:,} bytes, got {listed}")
    if payload_bytes != sum(dtype.itemsize * prod(shape) for dtype, shape in listed):
        raise WireError(f"the arrays do not have the length of {listed}")
    return message, [
        np.frombuffer(read_exactly(dtype.itemsize * prod(shape)), dtype).reshape(shape)
        for dtype, shape in listed
    ]


def _checked(message: object) -> list[tuple[np.dtype[Any], tuple[int, ...]]]:
    """Types and shapes of the arrays: plain numbers alone, and no size that is negative."""
    if not isinstance(message, dict):
        raise WireError(f"a message is a JSON object, got {type(message).__name__}")
    found = []
    for name, shape in message.pop("arrays"):
        dtype = np.dtype(str(name))
        if dtype.kind not in "biuf" or dtype.itemsize == 0:
            raise WireError(f"arrays are of numbers, got {str(dtype)!r:.80}")
        if len(shape) > _MOST_DIMENSIONS or not all(type(n) is int and n >= 0 for n in shape):
            raise WireError(f"a shape is a list of whole numbers, got {shape!r:.80}")
        found.append((dtype, tuple(shape)))
    return found
