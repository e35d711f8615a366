"""The rules of the environments as plain C loops, compiled at run time into a temporary folder.

Each works on the arrays of the compiled kernel itself, with the same draws and the same order of
floating-point operations, so that the two must agree: a third telling of the rules beside the
kernel and the SimPy model, and what a compiler makes of them at its best.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.batch import Batch
from twin_gym.errors import ConfigError, MissingExtraError

FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
_FOLDER = Path(__file__).parent
_C_TYPES = {
    "i8": "int64_t", "i4": "int32_t", "i2": "int16_t", "i1": "int8_t", "u8": "uint64_t",
    "u1": "uint8_t", "b1": "uint8_t", "f8": "double", "f4": "float",
}  # fmt: skip


@dataclass(frozen=True)
class _Telling:
    """One environment's rules in C.

    Attributes:
        structs: what C calls the records of an array, by the array's name.
        plain: arrays of numbers that it works on.
        scratch: those of them that need not be equal after a step.
    """

    structs: Mapping[str, str]
    plain: tuple[str, ...]
    scratch: tuple[str, ...] = ()


_TELLINGS = {
    "admission": _Telling(
        {
            "networks": "network", "lenses": "lens", "rows": "row", "queues": "entry",
            "outcomes": "outcome", "final_rows": "row",
        },
        ("departures", "observations", "masks", "final_observations"),
        ("queues",),
    ),
    "access": _Telling(
        {
            "networks": "network", "heads": "head", "rows": "row", "devices": "device",
            "outcomes": "outcome",
        },
        ("senders", "delays", "observations", "final_observations"),
        ("senders",),
    ),
    "tic": _Telling(
        {
            "networks": "network", "sensors": "sensor", "heads": "head", "rows": "row",
            "best": "choice", "outcomes": "outcome",
        },
        (
            "firsts", "messages", "waiting", "fills", "answers", "answer_counts", "latencies",
            "observations", "final_observations",
        ),
        ("best",),
    ),
    "sync": _Telling(
        {
            "networks": "network", "entities": "entity", "heads": "head", "rows": "row",
            "outcomes": "outcome",
        },
        (
            "laws", "bridge", "spared", "twins", "seen", "on_way", "observations",
            "final_observations",
        ),
    ),
}  # fmt: skip


def compiler() -> str | None:
    """The path of the system's C compiler, None if there is none."""
    return shutil.which("cc")


class CLoop:
    """Steps the rows of a batch in C.

    Args:
        batch: of one scenario, with the usual form of action and objective, seeded and begun. What
            else a loop leaves out stands on top of its source.

    Raises:
        ConfigError: if it has several scenarios.
        MissingExtraError: if there is no C compiler.
    """

    def __init__(self, batch: Batch) -> None:
        if len(batch.scenarios) > 1:
            raise ConfigError(
                f"one scenario is told in C at a time, got {len(batch.scenarios)}: give one"
            )
        kind = batch.scenarios[0].kind
        found = compiler()
        if found is None:
            raise MissingExtraError("there is no C compiler: install one that answers to `cc`")
        telling = _TELLINGS[kind]
        arrays = {name: batch.arrays[name] for name in (*telling.structs, *telling.plain)}
        self._arrays = arrays  # the loop has their addresses
        self._batch = _addresses(arrays, batch.num_rows)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "layout.h").write_text(_layout(arrays, telling.structs))
            library, source = Path(folder, "loop.so"), _FOLDER / f"{kind}.c"
            command = [found, *FLAGS, f"-I{folder}", "-o", str(library), str(source), "-lm"]
            subprocess.run(command, check=True)
            self._step_many = ctypes.CDLL(str(library)).step_many

    def step(self, actions: NDArray[Any], steps: int) -> None:
        """Many steps of all rows in one call; episodes that end begin anew in the same step.

        Args:
            actions: taken in turn, again and again; shape (choices, rows) or (choices, rows,
                values), in the type that the kernel takes: whole numbers for admission, barring
                probabilities for access, weights for TIC, entities or -1 for synchronisation.
            steps: how many.
        """
        contiguous = np.ascontiguousarray(actions)
        self._step_many(
            ctypes.byref(self._batch),
            ctypes.c_void_p(contiguous.ctypes.data),
            ctypes.c_int64(len(contiguous)),
            ctypes.c_int64(steps),
        )


def differing(ours: Batch, theirs: Batch) -> list[str]:
    """Names of the arrays in which two batches differ, among those that a C loop works on.

    Args:
        ours: what the kernel has moved.
        theirs: what the C loop has moved.

    Returns:
        The names; none if the two tell the same.
    """
    telling = _TELLINGS[ours.scenarios[0].kind]
    names = [name for name in (*telling.structs, *telling.plain) if name not in telling.scratch]
    return [name for name in names if ours.arrays[name].tobytes() != theirs.arrays[name].tobytes()]


def _addresses(arrays: Mapping[str, NDArray[Any]], num_rows: int) -> ctypes.Structure:
    """The `struct batch` of `_layout`, filled in."""
    values = {name: array.ctypes.data for name, array in arrays.items()}
    kinds: list[tuple[str, Any]] = [(name, ctypes.c_void_p) for name in values]
    widths = {"num_rows": num_rows, **_widths(arrays)}
    kinds += [(name, ctypes.c_int64) for name in widths]
    struct = type("Batch", (ctypes.Structure,), {"_fields_": kinds})
    filled: ctypes.Structure = struct(**values, **widths)
    return filled


def _widths(arrays: Mapping[str, NDArray[Any]]) -> dict[str, int]:
    """How many entries of each array belong to one row, where it may be more than one."""
    return {
        f"{name}_width": array.size // len(array)
        for name, array in arrays.items()
        if array.ndim > 1
    }


def _layout(arrays: Mapping[str, NDArray[Any]], structs: Mapping[str, str]) -> str:
    """The record types in C, each with a check that the compiler lays it out alike."""
    parts = ["#include <stdint.h>"]
    one_of_each = {struct: name for name, struct in structs.items()}
    parts += [_struct(struct, arrays[name].dtype) for struct, name in one_of_each.items()]
    parts.append("struct batch {")
    for name, array in arrays.items():
        of = f"struct {structs[name]}" if name in structs else _C_TYPES[array.dtype.str[1:]]
        parts.append(f"    {of} *{name};")
    parts += [f"    int64_t {name};" for name in ("num_rows", *_widths(arrays))]
    return "\n".join([*parts, "};"]) + "\n"


def _struct(name: str, record: np.dtype[np.void]) -> str:
    lines = [f"struct {name} {{"]
    for field in record.names or ():
        kind = record[field]
        shape = "".join(f"[{size}]" for size in kind.shape)
        lines.append(f"    {_C_TYPES[kind.base.str[1:]]} {field}{shape};")
    lines.append("};")
    lines.append(f'_Static_assert(sizeof(struct {name}) == {record.itemsize}, "{name}");')
    return "\n".join(lines)
