"""The rules of slice admission as a plain C loop, compiled at run time into a temporary folder."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twin_gym.envs.slice_admission.batch import AdmissionBatch

FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
_SOURCE = Path(__file__).with_name("loop.c")
_C_TYPES = {
    "i8": "int64_t", "u8": "uint64_t", "f8": "double", "f4": "float", "i1": "int8_t",
    "b1": "uint8_t",
}  # fmt: skip
_POINTERS = (
    "networks", "lenses", "rows", "queues", "departures", "observations", "masks", "outcomes",
    "final_rows", "final_observations",
)  # fmt: skip
_SIZES = ("num_rows", "queue_places", "service_places", "num_fields", "num_actions")


class _Batch(ctypes.Structure):
    _fields_ = [  # as ctypes wants it
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _SIZES),
    ]


def compiler() -> str | None:
    """The path of the system's C compiler, None if there is none."""
    return shutil.which("cc")


class CLoop:
    """Steps the rows of a batch in C.

    Args:
        batch: of the `contention` preset and the `slice` action, seeded and begun.

    Raises:
        RuntimeError: if there is no C compiler.
    """

    def __init__(self, batch: AdmissionBatch) -> None:
        found = compiler()
        if found is None:
            raise RuntimeError("there is no C compiler: install one that answers to `cc`")
        self._arrays = arrays = batch.arrays
        sizes = {
            "num_rows": batch.num_rows,
            "queue_places": arrays["queues"].shape[1],
            "service_places": arrays["departures"].shape[1],
            "num_fields": arrays["observations"].shape[1],
            "num_actions": batch.num_actions,
        }
        pointers = {name: arrays[name].ctypes.data for name in _POINTERS}
        self._batch = _Batch(**pointers, **sizes)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "layout.h").write_text(_layout(arrays))
            library = Path(folder, "loop.so")
            command = [found, *FLAGS, f"-I{folder}", "-o", str(library), str(_SOURCE)]
            subprocess.run(command, check=True)
            self._step_many = ctypes.CDLL(str(library)).step_many

    def step(self, actions: NDArray[np.int64], steps: int) -> None:
        """Many steps of all rows in one call.

        Args:
            actions: taken in turn, again and again; shape (choices, rows).
            steps: how many.
        """
        self._step_many(
            ctypes.byref(self._batch),
            ctypes.c_void_p(actions.ctypes.data),
            ctypes.c_int64(len(actions)),
            ctypes.c_int64(steps),
        )


def _layout(arrays: dict[str, NDArray[np.void]]) -> str:
    """The record types in C, each with a check that the compiler lays it out alike."""
    slices, resources = arrays["networks"]["demand"].shape[1:]
    parts = ["#include <stdint.h>", f"#define SLICES {slices}", f"#define RESOURCES {resources}"]
    for struct, name in (
        ("network", "networks"), ("lens", "lenses"), ("row", "rows"), ("entry", "queues"),
        ("outcome", "outcomes"),
    ):  # fmt: skip
        parts.append(_struct(struct, arrays[name].dtype))
    return "\n".join(parts) + "\n"


def _struct(name: str, record: np.dtype[np.void]) -> str:
    lines = [f"struct {name} {{"]
    for field in record.names or ():
        kind = record[field]
        shape = "".join(f"[{size}]" for size in kind.shape)
        lines.append(f"    {_C_TYPES[kind.base.str[1:]]} {field}{shape};")
    lines.append("};")
    lines.append(f'_Static_assert(sizeof(struct {name}) == {record.itemsize}, "{name}");')
    return "\n".join(lines)
