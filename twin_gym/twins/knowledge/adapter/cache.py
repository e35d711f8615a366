"""Features on disk: each text is told to a backbone once, for its parameters never change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.twins.knowledge.adapter.backbone import Backbone, Features, digest_of
from twin_gym.twins.plain import file_path
from twin_gym.twins.weights import read_header

MAX_BYTES = 2**31
_NAME, _ABOUT = "features", "features of"


def cached_features(
    backbone: Backbone, texts: Sequence[str], folder: str | Path | None
) -> Features:
    """Features of texts, from a file if they were asked for before.

    Args:
        backbone: asked for what is not there.
        texts: of entities, in order.
        folder: of the files, made if it does not exist; None: nothing is kept. A file is named by
            the digests of the texts and of the backbone.

    Returns:
        Finite numbers; shape (texts, width).

    Raises:
        ConfigError: if a file is damaged or of something else, or the backbone gives no numbers.
    """
    if folder is None:
        return _checked(backbone.features(texts), texts, backbone.name)
    about = {"texts": digest_of(*texts), "model": backbone.digest}
    name = f"{about['model']}-{about['texts']}.safetensors"
    path = file_path(folder, "the folder of features") / name
    if path.exists():
        return _checked(_read(path, about), texts, repr(str(path)))
    found = _checked(backbone.features(texts), texts, backbone.name)
    content = safetensors.numpy.save({_NAME: found}, {_ABOUT: json.dumps(about, sort_keys=True)})
    write_bytes(path, content, makes_folder=True)
    return found


def _read(path: Path, about: dict[str, str]) -> Features:
    content, origin = read_bytes(path, MAX_BYTES), repr(str(path))
    header = read_header(content, f"{origin} holds no features")
    kinds = {name: kind for name, (kind, _) in header.tensors.items()}
    if kinds != {_NAME: "F32"} or header.about.get(_ABOUT) != json.dumps(about, sort_keys=True):
        raise ConfigError(f"{origin} holds other features than its name says: delete it")
    try:
        found: Features = safetensors.numpy.load(content)[_NAME]
    except (SafetensorError, ValueError) as error:
        raise ConfigError(f"{origin} holds no features: {error}: delete it") from None
    return found


def _checked(found: Features, texts: Sequence[str], origin: str) -> Features:
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():  # noqa: PLR2004
        raise ConfigError(
            f"{origin} has no finite features for {len(texts)} texts, but an array of shape "
            f"{found.shape}"
        )
    return np.ascontiguousarray(found, np.float32)
