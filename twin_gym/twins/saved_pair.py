"""A network in two files: its weights as safetensors, and metadata that name them by their hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.twins.plain import file_path

if TYPE_CHECKING:
    from torch import nn


def save_pair(
    folder: str | Path,
    weights_file: str,
    metadata_file: str,
    network: nn.Module,
    metadata: Any,  # noqa: ANN401 - of any twin: a frozen model with `weights_sha256` and `to_json`
) -> None:
    """Writes both files, each aside first and then renamed, the weights first.

    Args:
        folder: made if it does not exist; what is there already is replaced.
        weights_file: name of the file of weights.
        metadata_file: name of the other one.
        network: whose weights are written.
        metadata: written with the hash of the weights.
    """
    import safetensors.torch

    folder = file_path(folder, "the folder of a twin")
    folder.mkdir(parents=True, exist_ok=True)
    weights = safetensors.torch.save(dict(network.state_dict()))
    named = metadata.replace(weights_sha256=hashlib.sha256(weights).hexdigest())
    write_bytes(folder / weights_file, weights)
    write_bytes(folder / metadata_file, named.to_json().encode())


def read_named(path: Path, sha256: str, origin: str, *, limit: int, otherwise: str) -> bytes:
    """The content of a file of weights, if it is the one that the metadata name.

    Args:
        path: of the file.
        sha256: its hash by the metadata.
        origin: how errors call the metadata.
        limit: most bytes that are read.
        otherwise: what to do where it is another file.

    Raises:
        ConfigError: if the file is missing, too large or another one.
    """
    content = read_bytes(path, limit)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ConfigError(
            f"{str(path)!r} is not the file that {origin} belongs to: one of them was changed or "
            f"not written to its end; {otherwise}"
        )
    return content
