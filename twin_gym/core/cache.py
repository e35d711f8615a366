"""A compilation cache on disk that neither damage nor a full disk can stop.

Numba trusts its files: one that a full disk has cut ends every run in an `UnpicklingError`, and one
whose machine code has changed may end it without a word. Here each file carries the digest of what
it holds. What is damaged is said once, thrown away, and compiled anew; what cannot be written is
said once, too.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import sys
from pathlib import Path
from typing import Any

from numba.core import caching

_Files: Any = caching.IndexDataCacheFile  # Numba has no types
_Cache: Any = caching.FunctionCache

_DIGEST_BYTES = 32


class DamagedError(Exception):
    """A file of the cache does not hold what was written."""


class CheckedFiles(_Files):  # type: ignore[misc]
    """The index and the data of one function, each with its digest at the end.

    Args:
        plain: Numba's own, whose files these stand beside: they have no digests.
    """

    def __init__(self, plain: Any) -> None:  # noqa: ANN401
        base = plain._index_name.removesuffix(".nbi") + ".checked"  # noqa: SLF001 - Numba's own
        super().__init__(plain._cache_path, base, plain._source_stamp)  # noqa: SLF001

    def _load_index(self) -> Any:  # noqa: ANN401 - Numba's own
        with contextlib.suppress(FileNotFoundError):
            _check(self._index_path)
        return super()._load_index()

    def _load_data(self, name: str) -> Any:  # noqa: ANN401
        _check(self._data_path(name))
        return super()._load_data(name)

    @contextlib.contextmanager
    def _open_for_write(self, filepath: str) -> Any:  # noqa: ANN401
        """Adds the digest to what is written: unpickling stops before it."""
        with super()._open_for_write(filepath) as file:
            yield file
            file.flush()
            file.write(hashlib.sha256(Path(file.name).read_bytes()).digest())


class LastingCache(_Cache):  # type: ignore[misc]
    """Numba's cache of one function, which reports damaged files and goes on.

    Args:
        function: Python's.
        sources: names the sources of what is compiled into it from other files.
    """

    def __init__(self, function: Any, sources: str) -> None:  # noqa: ANN401
        super().__init__(function)
        self._cache_file: Any = CheckedFiles(self._cache_file)
        self._sources = sources

    def _index_key(self, sig: Any, codegen: Any) -> Any:  # noqa: ANN401 - Numba's own
        return *super()._index_key(sig, codegen), self._sources

    def load_overload(self, sig: Any, target_context: Any) -> Any:  # noqa: ANN401
        """The compiled code of a signature; None if there is none, or it is damaged."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _say(f"cannot be read ({error.strerror}): compiling anew")
        except Exception:  # what Numba makes of bytes that are not its own can raise anything
            _say("is damaged: compiling anew")
            with contextlib.suppress(OSError):  # what the index names will be written over
                Path(self._cache_file._index_path).unlink()  # noqa: SLF001
        return None

    def save_overload(self, sig: Any, data: Any) -> None:  # noqa: ANN401
        """Keeps what was compiled for a signature, if that is possible."""
        try:
            super().save_overload(sig, data)
        except (OSError, DamagedError) as error:
            _say(f"cannot be written ({getattr(error, 'strerror', None) or error})")


def _check(path: str) -> None:
    """Raises `DamagedError` if a file does not end in the digest of the rest of it."""
    held = Path(path).read_bytes()
    if hashlib.sha256(held[:-_DIGEST_BYTES]).digest() != held[-_DIGEST_BYTES:]:
        raise DamagedError(f"{Path(path).name} is not as it was written")


@functools.cache
def _say(what: str) -> None:
    sys.stderr.write(f"twin-gym: the compilation cache (NUMBA_CACHE_DIR, or __pycache__) {what}\n")
