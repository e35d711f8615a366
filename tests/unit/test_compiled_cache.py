"""What is cached on disk belongs to the sources it was compiled from."""

import inspect
import sys

import numba
import pytest
from numba.core import caching
from numba.core.registry import CPUDispatcher, cpu_target

from twin_gym.envs.slice_admission import kernel
from twin_gym.sim.compiled import entry_point


def cache_key(function):
    """What Numba looks a compiled function up by, for a signature of no arguments."""
    return function._cache._index_key((), cpu_target.target_context.codegen())


def test_changed_source_is_another_key():
    """The digest of the sources is a cell of the entry points, and cells are part of the key."""
    for before, same, after in zip(*map(kernel._compile, ("a", "a", "b")), strict=True):
        assert cache_key(before) == cache_key(same)
        assert cache_key(before) != cache_key(after)


def test_digest_reads_the_sources(tmp_path, monkeypatch):
    """One more line in one of the files gives another digest."""
    before = kernel.sources_digest()
    assert before == kernel.sources_digest()
    changed = tmp_path / "heap.py"
    changed.write_text(inspect.getsource(kernel.heap) + "# one more line\n")
    monkeypatch.setattr(kernel.heap, "__file__", str(changed))
    assert kernel.sources_digest() != before


def called_by(function):
    """The compiled functions of ours that a function may call."""
    names = inspect.getclosurevars(function.py_func)
    for value in {**names.globals, **names.nonlocals}.values():
        for member in vars(value).values() if inspect.ismodule(value) else (value,):
            if isinstance(member, CPUDispatcher) and member.__module__.startswith("twin_gym"):
                yield member


def test_every_file_that_is_compiled_in_is_in_the_digest():
    """Follow the compiled functions from the entry points to all that they call."""
    found, left = set(), [kernel.step_rows, kernel.observe_rows]
    while left:
        function = left.pop()
        if function not in found:
            found.add(function)
            left += called_by(function)
    modules = {sys.modules[function.py_func.__module__] for function in found}
    assert {kernel.heap, kernel.draws, kernel.observing} <= modules
    assert modules - {kernel} <= set(kernel._COMPILED_IN)


def test_without_a_folder_for_the_cache_it_is_compiled_anew(monkeypatch):
    """An installation that cannot be written, for a user without a home."""
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(lambda x: x)

    @entry_point
    def double(x):
        return 2 * x

    assert double(3) == 6
