"""A training on disk: weights, moments of Adam, and the state of the generator, in one file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.twins.signalling.kinds import CAUSES, ELEMENTS, KINDS
from twin_gym.twins.signalling.learned.networks import MessageNetwork
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import read_header

MAX_CHECKPOINT_BYTES = 2**31
_GENERATOR, _ABOUT = "generator", "training"
_MOMENTS = ("exp_avg", "exp_avg_sq")


def digest_of(log: MessageLog, settings: MessageTwinSettings, seed: int) -> str:
    """What a training depends on: the log, the settings and the seed."""
    about = asdict(settings) | {"seed": seed, "vocabulary": vocabulary_digest()}
    about.pop("checkpoint_every")
    text = json.dumps(about, sort_keys=True).encode()
    return hashlib.sha256(text + log.records.tobytes()).hexdigest()[:16]


def vocabulary_digest() -> str:
    """Digest of the kinds, causes and elements that codes stand for."""
    about = [kind.name for kind in KINDS], [str(cause) for cause in CAUSES], ELEMENTS
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def write_checkpoint(
    path: Path,
    digest: str,
    step: int,
    network: MessageNetwork,
    optimiser: torch.optim.Adam,
    generator: torch.Generator,
) -> None:
    """Replaces the checkpoint of a training; a reader finds the former one or this one, whole."""
    tensors = {f"network.{name}": values for name, values in network.state_dict().items()}
    for name, values in network.named_parameters():
        for moment in _MOMENTS:
            tensors[f"{moment}.{name}"] = optimiser.state[values][moment]
    tensors[_GENERATOR] = generator.get_state()
    about = json.dumps({"digest": digest, "step": step})
    content = safetensors.torch.save(
        {name: values.detach().clone() for name, values in tensors.items()}, {_ABOUT: about}
    )
    write_bytes(path, content, makes_folder=True)


def read_checkpoint(
    path: Path,
    digest: str,
    network: MessageNetwork,
    optimiser: torch.optim.Adam,
    generator: torch.Generator,
) -> int:
    """Puts a training in the state of a checkpoint.

    Args:
        path: what `write_checkpoint` wrote.
        digest: of the training; see `digest_of`.
        network: that gets its weights.
        optimiser: that gets its moments.
        generator: that gets its state.

    Returns:
        The steps that were done.

    Raises:
        ConfigError: if the file is damaged or of another training.
    """
    content, origin = read_bytes(path, MAX_CHECKPOINT_BYTES), repr(str(path))
    header = read_header(content, f"{origin} is no checkpoint")
    about = read_object(header.about.get(_ABOUT, "{}"), f"{origin}: its `{_ABOUT}`")
    step = about.get("step")
    if about.get("digest") != digest or type(step) is not int or step < 1:
        raise ConfigError(
            f"{origin} is the checkpoint of a training with another log, other settings or another "
            "seed: delete it, or name another file"
        )
    wanted = _expected(network, generator)
    if dict(header.tensors) != wanted:
        raise ConfigError(f"{origin} has other tensors than this training: delete it")
    try:
        tensors: dict[str, Tensor] = safetensors.torch.load(content)
    except (SafetensorError, ValueError) as error:
        raise ConfigError(f"{origin} is no checkpoint: {error}") from None
    network.load_state_dict({name: tensors[f"network.{name}"] for name in network.state_dict()})
    for name, values in network.named_parameters():
        moments = {moment: tensors[f"{moment}.{name}"] for moment in _MOMENTS}
        optimiser.state[values] = {"step": torch.tensor(float(step)), **moments}
    generator.set_state(tensors[_GENERATOR])
    return step


def _expected(
    network: MessageNetwork, generator: torch.Generator
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Type and shape of every tensor of a checkpoint, by name."""
    found = {
        f"{part}.{name}": ("F32", tuple(values.shape))
        for part in ("network", *_MOMENTS)
        for name, values in network.state_dict().items()
    }
    return found | {_GENERATOR: ("U8", tuple(generator.get_state().shape))}
