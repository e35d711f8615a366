"""The allowed contents of a submission: text, safetensors and arrays of numbers, each verified.

Kinds of files are allowed by name, and the content must be of that kind. Nothing here is executed:
pickles are recognised by their operations, as `pickletools` lists them.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from math import prod

import numpy as np

from twin_gym.errors import ConfigError
from twin_gym.twins.weights import read_header

TEXT = (".py", ".toml", ".json", ".csv", ".txt", ".md")
NAMES_WITHOUT_END = ("LICENSE", "LICENCE", "COPYING", "README", "NOTICE", "AUTHORS")
_ALLOWED = (*TEXT, ".safetensors", ".npy")
_PICKLED = (
    ".pkl", ".pickle", ".p", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".cloudpickle", ".npz",
    ".zip", ".h5", ".hdf5", ".keras", ".pyc",
)  # fmt: skip

_MAX_TEXT_BYTES = 8_000_000
_PICKLE_STARTS = tuple(bytes([0x80, protocol]) for protocol in range(2, 6))
_MAX_PICKLE_STEPS = 20_000


def check_kind(name: str) -> None:
    """Refuses a file by its name, before it is opened.

    Args:
        name: without its folder.

    Raises:
        ConfigError: if it is none of the kinds that are allowed.
    """
    end = _end(name)
    if end in _PICKLED:
        raise ConfigError(
            f"{name!r} may hold pickles or compiled code, which run what is in them: give weights "
            "as .safetensors and numbers as .npy, .csv or .json"
        )
    if end not in _ALLOWED and name not in NAMES_WITHOUT_END:
        raise ConfigError(
            f"{name!r} is of no kind that is allowed: {', '.join(_ALLOWED)}, or a file "
            f"called {', '.join(NAMES_WITHOUT_END)}"
        )


def check_content(name: str, content: bytes) -> None:
    """Refuses a file whose content is not what its name says.

    Args:
        name: without its folder.
        content: all of it.

    Raises:
        ConfigError: if it holds a pickle or an archive, or is damaged.
    """
    if is_pickle(content):
        raise ConfigError(f"{name!r} is a pickle under another name, and pickles are not read")
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise ConfigError(f"{name!r} is a zip archive under another name: put its files here")
    end = _end(name)
    if end == ".safetensors":
        read_header(content, repr(name))
    elif end == ".npy":
        _check_array(name, content)
    else:
        _check_text(name, content)


def is_pickle(content: bytes) -> bool:
    """Whether bytes are a pickle, of any protocol, also of the one that is text.

    Args:
        content: from the beginning of a file.

    Returns:
        True for what begins as protocols 2 to 5 do, and for what reads as operations that keep
        their stack in order, up to the one that stops, if that is the end or if they would import
        or call anything; also for what reads as so many operations that no text does by chance.
    """
    if content.startswith(_PICKLE_STARTS):
        return True
    seen: set[str] = set()
    stream = io.BytesIO(content)
    try:
        for steps, (operation, _, _) in enumerate(pickletools.genops(stream)):
            seen.add(operation.name)
            if steps > _MAX_PICKLE_STEPS:
                return True
        at_end = not content[stream.tell() :].strip()
        pickletools.dis(content[: stream.tell()], out=io.StringIO())
    except Exception:  # whatever `pickletools` says of bytes that are none
        return False
    return at_end or bool(seen & {"GLOBAL", "STACK_GLOBAL", "INST", "REDUCE", "OBJ", "EXT1"})


def _end(name: str) -> str:
    """The ending in small letters, with its dot; nothing where there is none."""
    _, dot, end = name.rpartition(".")
    return (dot + end).lower()


def _check_text(name: str, content: bytes) -> None:
    if len(content) > _MAX_TEXT_BYTES:
        raise ConfigError(
            f"{name!r} has {len(content):,} bytes, and text may have {_MAX_TEXT_BYTES:,}"
        )
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name!r} must be UTF-8 text: {error}") from None
    if "\0" in text:
        raise ConfigError(f"{name!r} must be text, and there is a zero byte in it")


def _check_array(name: str, content: bytes) -> None:
    """An array of plain numbers that ends where the file ends."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        reader = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, _, dtype = reader(stream)
    except Exception as error:  # whatever NumPy says of bytes that are none
        raise ConfigError(f"{name!r} is no file of an array: {error!s:.200}") from None
    if dtype.hasobject or dtype.kind not in "biuf":
        raise ConfigError(
            f"{name!r} holds {dtype!s:.80}, which may be pickled: plain numbers are allowed"
        )
    if len(content) - stream.tell() != prod(shape) * dtype.itemsize:
        raise ConfigError(f"{name!r} is not as long as its shape {shape!s:.80} says")
