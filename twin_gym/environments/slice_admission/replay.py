"""The requests behind a trace reference, read once and kept while the file stays the same."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from twin_gym.environments.slice_admission.openb import read_openb
from twin_gym.errors import TraceError
from twin_gym.files.reading import found_file
from twin_gym.scenario.traces import RequestTrace, Trace, read_requests

Reader = Callable[[Path, Sequence[str], float, float], RequestTrace]

_READERS: Mapping[str, Reader] = MappingProxyType({"requests": read_requests, "openb": read_openb})


def load_trace(trace: Trace, slice_names: Sequence[str]) -> RequestTrace:
    """The requests of a trace reference.

    The last few answers are kept; a file with another size or time of change is read again.

    Args:
        trace: the reference: file, format and window.
        slice_names: the slices of the scenario.

    Returns:
        The requests of the window, in read-only arrays.

    Raises:
        TraceError: if the file is not there or breaks its format, with the line at fault.
    """
    path = trace.locate().resolve()
    state = found_file(path, "trace file", TraceError)
    return _read(
        path,
        (state.st_mtime_ns, state.st_size),
        trace.format,
        tuple(slice_names),
        trace.first_s,
        trace.last_s,
    )


@functools.lru_cache(maxsize=8)
def _read(
    path: Path,
    version: tuple[int, int],  # only part of the key
    trace_format: str,
    slice_names: tuple[str, ...],
    first_s: float,
    last_s: float,
) -> RequestTrace:
    return _READERS[trace_format](path, slice_names, first_s, last_s)
