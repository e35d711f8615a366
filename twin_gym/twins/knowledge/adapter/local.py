"""A language model of a local folder, through transformers (extra `knowledge`).

Weights are read from safetensors or GGUF alone, the code of a folder is never run, and nothing is
fetched. Tested with transformers 5.23.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from twin_gym.errors import ConfigError, missing_extra
from twin_gym.twins.knowledge.adapter.backbone import Features, digest_of
from twin_gym.twins.plain import file_path

_READ = ("*.safetensors", "*.json", "*.model", "*.txt")
"""Files of a folder that its features depend on."""

_MAX_TOKENS = 512
_BATCH = 16
_CHUNK_BYTES = 2**20


class FolderBackbone:
    """The mean of the last hidden states of a frozen model over the tokens of a text.

    Args:
        folder: of the model: configuration, tokeniser and weights.
        gguf_file: name of a GGUF file in it that has all three; "": safetensors.
        name: what people call it; "": that of the folder.
        random_seed: of weights that are drawn anew, by the configuration alone; None: those of the
            folder.

    Raises:
        MissingExtraError: if transformers, or what reads GGUF, is not installed.
        ConfigError: if there is no such folder.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        gguf_file: str = "",
        name: str = "",
        random_seed: int | None = None,
    ) -> None:
        self._folder = file_path(folder, "the folder of a language model")
        self._gguf = gguf_file
        self._random_seed = random_seed
        if not self._folder.is_dir():
            raise ConfigError(f"there is no folder {str(self._folder)!r}: name that of a model")
        _require(gguf=bool(gguf_file))
        known = name or self._folder.name
        self.name = known if random_seed is None else f"random {known}"

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the files that are read, and of the seed."""
        names = [self._gguf] if self._gguf else []
        paths = [self._folder / one for one in names] or sorted(
            path for pattern in _READ for path in self._folder.glob(pattern)
        )
        parts = [part for path in paths for part in (path.name, _sha256(path))]
        return digest_of("mean of last states 1", *parts, str(self._random_seed))

    def features(self, texts: Sequence[str]) -> Features:
        """Features of texts; at most 512 tokens of each count.

        Args:
            texts: any.

        Returns:
            Shape (texts, width of the model).

        Raises:
            ConfigError: if the folder holds no model that transformers can read.
        """
        import torch

        tokeniser, model = self._loaded
        order = sorted({*texts}, key=lambda text: (len(text), text))  # little padding
        found: dict[str, Any] = {}
        with torch.inference_mode():
            for start in range(0, len(order), _BATCH):
                some = order[start : start + _BATCH]
                asked = tokeniser(
                    [text or " " for text in some], return_tensors="pt", padding=True,
                    truncation=True, max_length=_MAX_TOKENS,
                )  # fmt: skip
                mask = asked["attention_mask"]
                states = model(input_ids=asked["input_ids"], attention_mask=mask).last_hidden_state
                weights = mask[:, :, None].to(states.dtype)
                means = (states * weights).sum(1) / weights.sum(1)
                found.update(zip(some, means.to(torch.float32).numpy(), strict=True))
        return np.stack([found[text] for text in texts])

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Tokeniser and model, on the CPU, in single precision."""
        import torch

        transformers: Any = import_module("transformers")  # its types come and go with the extra
        import_module("transformers.utils.logging").disable_progress_bar()
        given: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        if self._gguf:
            given["gguf_file"] = self._gguf
        try:
            tokeniser = transformers.AutoTokenizer.from_pretrained(self._folder, **given)
            tokeniser.padding_side = "right"  # a causal model then sees no padding
            if tokeniser.pad_token is None:
                tokeniser.pad_token = tokeniser.eos_token
            if self._random_seed is None:
                weights = {} if self._gguf else {"use_safetensors": True}
                model = transformers.AutoModel.from_pretrained(
                    self._folder, dtype=torch.float32, **weights, **given
                )
            else:
                configuration = transformers.AutoConfig.from_pretrained(self._folder, **given)
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(self._random_seed)
                    model = transformers.AutoModel.from_config(configuration, dtype=torch.float32)
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                f"{str(self._folder)!r} holds no model that is read here: {error!s:.300}"
            ) from None
        return tokeniser, model.eval().requires_grad_(False)


def _require(*, gguf: bool) -> None:
    """Refuses to begin without what is imported later, which takes seconds."""
    from importlib.util import find_spec

    needed = ["torch", "transformers", "tokenizers", *(["gguf", "accelerate"] if gguf else [])]
    for package in needed:
        if find_spec(package) is None:
            raise missing_extra(f"a language model as a backbone ({package})", "knowledge")


def _sha256(path: Path) -> str:
    hashed = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                hashed.update(chunk)
    except OSError as error:
        raise ConfigError(f"{str(path)!r} cannot be read: {error.strerror}") from None
    return hashed.hexdigest()
