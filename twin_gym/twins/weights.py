"""Weights of strangers: a safetensors file is compared with what is wanted before it is loaded.

The format (https://github.com/huggingface/safetensors): eight bytes of length, little-endian; a
JSON object of `dtype`, `shape` and `data_offsets` by name, and perhaps `__metadata__`; the data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.twins.strict_json import read_object

if TYPE_CHECKING:
    from torch import Tensor, nn

MAX_HEADER_BYTES = 1_000_000
MAX_TENSORS = 10_000

MAX_WEIGHT = 1e6
"""Largest magnitude of a weight: with inputs in [0, 1] no sum then leaves the range of float32."""

_LENGTH_BYTES = 8
_MAX_DIMENSIONS = 8
_MOST_NAMED = 4
_ITEM_BYTES = MappingProxyType(
    {
        "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
        "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The header of a safetensors file.

    Attributes:
        tensors: type (`F32`, `I64`, ...) and shape by name.
        about: the text that stands beside the tensors, by name.
    """

    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    about: Mapping[str, str]


def read_header(content: bytes, origin: str) -> Header:
    """The header of a safetensors file; nothing is made of its data.

    Args:
        content: the whole file.
        origin: how errors begin: which file is not what.

    Returns:
        Types and shapes. Each tensor has the length that they say, and together they fill the
        file from end to end, without a gap and without an overlap.

    Raises:
        ConfigError: if it is no such file.
    """
    length = int.from_bytes(content[:_LENGTH_BYTES], "little")
    start = _LENGTH_BYTES + length
    if not 0 < length <= MAX_HEADER_BYTES or start > len(content):
        raise ConfigError(f"{origin}: it has no header of safetensors")
    header = read_object(content[_LENGTH_BYTES:start], f"{origin}: its header")
    about = header.pop("__metadata__", {})
    if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
        raise ConfigError(f"{origin}: `__metadata__` must be texts by name")
    if len(header) > MAX_TENSORS:
        raise ConfigError(f"{origin}: it has {len(header):,} tensors, and {MAX_TENSORS:,} are read")
    try:
        found = {name: _tensor_of(value) for name, value in header.items()}
    except ValueError as error:
        raise ConfigError(f"{origin}: {error}") from None
    spans = sorted(span for _, _, span in found.values())
    ends = [0, *(end for _, end in spans)]
    if [begin for begin, _ in spans] != ends[:-1] or ends[-1] != len(content) - start:
        raise ConfigError(f"{origin}: its tensors do not fill the file from end to end")
    return Header({name: (kind, shape) for name, (kind, shape, _) in found.items()}, about)


def load_weights(content: bytes, network: nn.Module, origin: str) -> dict[str, Tensor]:
    """The weights in a file, if they are those of a network.

    Args:
        content: the whole file, of which no more than the header is read at first.
        network: says names and shapes; see `blank_network`, which takes no memory.
        origin: how errors call the file.

    Returns:
        A `state_dict` of the network: float32, finite, at most `MAX_WEIGHT` in size.

    Raises:
        ConfigError: if a name, a type, a shape or a value is another one.
    """
    import safetensors.torch
    from safetensors import SafetensorError

    wanted = {name: tuple(one.shape) for name, one in network.state_dict().items()}
    _check_tensors(read_header(content, f"{origin} holds no weights"), wanted, origin)
    try:
        weights: dict[str, Tensor] = safetensors.torch.load(content)
    except (SafetensorError, ValueError) as error:
        raise ConfigError(f"{origin} holds no weights: {error}") from None
    for name, values in weights.items():
        greatest = float(values.abs().max()) if values.numel() else 0.0
        if not np.isfinite(greatest):
            raise ConfigError(f"{origin}: {name!r} holds values that are not finite")
        if greatest > MAX_WEIGHT:
            raise ConfigError(
                f"{origin}: {name!r} holds {greatest:.3g}, and a weight is at most "
                f"{MAX_WEIGHT:g} in size"
            )
    return weights


def _check_tensors(header: Header, wanted: Mapping[str, tuple[int, ...]], origin: str) -> None:
    """Refuses other names, types or shapes."""
    if header.tensors.keys() != wanted.keys():
        raise ConfigError(
            f"{origin} has other parameters than the metadata says: "
            f"{_some(header.tensors.keys() ^ wanted.keys())}"
        )
    for name, (kind, shape) in header.tensors.items():
        if (kind, shape) != ("F32", wanted[name]):
            raise ConfigError(
                f"{origin}: by the metadata {name!r} must be F32 of shape {wanted[name]}, "
                f"got {kind} of shape {shape}"
            )


def _tensor_of(value: Any) -> tuple[str, tuple[int, ...], tuple[int, int]]:  # noqa: ANN401
    """Type, shape and span of what a header says of a tensor."""
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError("a tensor has `dtype`, `shape` and `data_offsets`, and nothing else")
    kind, shape, span = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(kind, str) or kind not in _ITEM_BYTES:
        raise ValueError(f"there is no type {kind!r:.40} of tensors")
    if not _are_sizes(shape) or not _are_sizes(span) or len(span) != 2:  # noqa: PLR2004 - both ends
        raise ValueError(f"shapes (at most {_MAX_DIMENSIONS}) and offsets are whole numbers from 0")
    if span[1] - span[0] != prod(shape) * _ITEM_BYTES[kind]:
        raise ValueError(f"{span[1] - span[0]:,} bytes are no {kind} of shape {tuple(shape)}")
    return kind, tuple(shape), (span[0], span[1])


def _are_sizes(values: object) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= _MAX_DIMENSIONS
        and all(type(value) is int and 0 <= value < 2**63 for value in values)
    )


def _some(names: Collection[str]) -> str:
    return f"{sorted(names)[:_MOST_NAMED]!r:.200}"
