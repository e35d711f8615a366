"""The rules of the environments as plain C loops, compiled at run time into a temporary folder.

An environment may have one, in `benchmarks/environments/<folder>/rules.c` with its description in
`c_source.py`. Each works on the arrays of the compiled kernel itself, with the same draws and the
same order of floating-point operations, so that the two must agree: a third telling of the rules
beside the kernel and the SimPy model, and what a compiler makes of them at its best.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.environments import facet
from twin_gym.core.batch import Batch
from twin_gym.errors import ConfigError, MissingExtraError

FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
_FOLDER = Path(__file__).parent
_C_TYPES = {
    "i8": "int64_t", "i4": "int32_t", "i2": "int16_t", "i1": "int8_t", "u8": "uint64_t",
    "u1": "uint8_t", "b1": "uint8_t", "f8": "double", "f4": "float",
}  # fmt: skip


Moves = Callable[[Any, NDArray[Any]], NDArray[Any]]


def wide(actions: NDArray[Any]) -> NDArray[Any]:
    """Actions as a batch takes them: 64 bits each."""
    return actions.astype(np.float64) if actions.dtype.kind == "f" else actions


def _as_they_are(scenario: Any, actions: NDArray[Any]) -> NDArray[Any]:  # noqa: ANN401 - any kind
    return wide(actions)


@dataclass(frozen=True)
class CSource:
    """One environment's rules in C.

    Attributes:
        path: of the source.
        structs: what C calls the records of an array, by the array's name.
        plain: arrays of numbers that it works on.
        scratch: those of them that need not be equal after a step.
        moves: sampled actions in a scenario as the loop takes them, 64 bits each.
    """

    path: Path
    structs: Mapping[str, str]
    plain: tuple[str, ...]
    scratch: tuple[str, ...] = ()
    moves: Moves = _as_they_are

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of all arrays that it works on."""
        return (*self.structs, *self.plain)


def source_of(kind: str) -> CSource | None:
    """The rules of an environment in C; None if it has none."""
    source: CSource | None = facet(kind, "c_source", None)
    return source


def compiler() -> str | None:
    """The path of the system's C compiler, None if there is none."""
    return shutil.which("cc")


class CLoop:
    """Steps the rows of a batch in C.

    Args:
        batch: of one scenario, with the usual form of action and objective, seeded and begun. What
            else a loop leaves out stands on top of its source.

    Raises:
        ConfigError: if it has several scenarios, or nobody has told its rules in C.
        MissingExtraError: if there is no C compiler.
    """

    def __init__(self, batch: Batch) -> None:
        if len(batch.scenarios) > 1:
            raise ConfigError(
                f"one scenario is told in C at a time, got {len(batch.scenarios)}: give one"
            )
        source: CSource = facet(batch.scenarios[0].kind, "c_source")
        compiler_path = compiler()
        if compiler_path is None:
            raise MissingExtraError("there is no C compiler: install one that answers to `cc`")
        arrays = {name: batch.arrays[name] for name in source.arrays}
        self._arrays = arrays  # the loop has their addresses
        self._batch = _addresses(arrays, batch.num_rows)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "layout.h").write_text(_layout(arrays, source.structs))
            library, headers = Path(folder, "loop.so"), [f"-I{folder}", f"-I{_FOLDER}"]
            command = [compiler_path, *FLAGS, *headers, "-o", str(library), str(source.path), "-lm"]
            subprocess.run(command, check=True)
            self._step_many = ctypes.CDLL(str(library)).step_many

    def step(self, actions: NDArray[Any], steps: int) -> None:
        """Many steps of all rows in one call; episodes that end begin anew in the same step.

        Args:
            actions: taken in turn, again and again; shape (choices, rows) or (choices, rows,
                values), as `moves` of the source gives them.
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
    source: CSource = facet(ours.scenarios[0].kind, "c_source")
    names = [name for name in source.arrays if name not in source.scratch]
    return [name for name in names if ours.arrays[name].tobytes() != theirs.arrays[name].tobytes()]


def _addresses(arrays: Mapping[str, NDArray[Any]], num_rows: int) -> ctypes.Structure:
    """The `struct batch` of `_layout` with the addresses of the arrays."""
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
