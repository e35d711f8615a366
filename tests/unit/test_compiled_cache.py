"""The cache on disk belongs to the sources that it was compiled from."""

import errno
import importlib
import inspect
import os
import pickle
import subprocess
import sys

import numba
import pytest
from numba.core import caching
from numba.core.registry import CPUDispatcher, cpu_target

from twin_gym.core import cache
from twin_gym.core.compiled import entry_point, entry_point_over
from twin_gym.environments.kinds import kinds
from twin_gym.environments.slice_admission import rows


def cache_key(function):
    """The key by which Numba looks up a compiled function, for a signature of no arguments."""
    return function._cache._index_key((), cpu_target.target_context.codegen())


def test_changed_source_is_another_key(tmp_path, monkeypatch):
    """One more line in a file that is compiled in, and the entry point is compiled anew."""

    def key():
        return cache_key(entry_point_over(rows.heap)(rows.step_rows.py_func))

    before = key()
    assert before == key()
    changed = tmp_path / "heap.py"
    changed.write_text(inspect.getsource(rows.heap) + "# one more line\n")
    monkeypatch.setattr(rows.heap, "__file__", str(changed))
    assert key() != before


def called_by(function):
    """The compiled functions of ours that a function may call."""
    names = inspect.getclosurevars(function.py_func)
    for value in {**names.globals, **names.nonlocals}.values():
        for member in vars(value).values() if inspect.ismodule(value) else (value,):
            if isinstance(member, CPUDispatcher) and member.__module__.startswith("twin_gym"):
                yield member


FOLDERS = [one.package for one in kinds()]


@pytest.mark.parametrize("file", ["rows", "kpi"])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.rpartition(".")[2])
def test_every_file_that_is_compiled_in_is_named(folder, file):
    """Follow the compiled functions from the entry points to all that they call."""
    module = importlib.import_module(f"{folder}.{file}")
    left = [
        one for one in vars(module).values()
        if isinstance(one, CPUDispatcher) and one.py_func.__module__ == module.__name__
    ]  # fmt: skip
    functions = set()
    while left:
        function = left.pop()
        if function not in functions:
            functions.add(function)
            left += called_by(function)
    modules = {sys.modules[function.py_func.__module__] for function in functions}
    assert len(modules) > 1
    assert modules - {module} <= set(module._COMPILED_IN)


def test_without_a_folder_for_the_cache_it_is_compiled_anew(monkeypatch):
    """An installation that cannot be written, for a user without a home."""
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError, match="cannot cache"):
        numba.njit(cache=True)(lambda x: x)

    @entry_point
    def double(x):
        return 2 * x

    assert double(3) == 6


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache of which nothing has been said yet."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    cache._say.cache_clear()
    return tmp_path


def doubling():
    """A new process would meet this function for the first time."""

    @entry_point
    def double(x):
        return 2 * x

    return double


def was_compiled(function):
    """Whether its machine code was made here, and not read from the cache."""
    return sum(function.stats.cache_hits.values()) == 0


def flip(held):
    """The same with a byte of the middle changed, such as of the machine code."""
    middle = len(held) // 2
    return held[:middle] + bytes([held[middle] ^ 255]) + held[middle + 1 :]


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _: b"",
        lambda held: held[:20],
        lambda held: held[:-1],
        flip,
        lambda _: pickle.dumps(3),
    ],
    ids=["emptied", "cut", "cut by a byte", "changed", "another pickle"],
)
def test_damaged_cache_is_compiled_anew_with_one_word(folder, capsys, suffix, damage):
    """A full disk has cut its files: the next run says so, works, and mends them."""
    assert doubling()(3) == 6
    (file,) = folder.rglob(f"*.{suffix}")
    file.write_bytes(damage(file.read_bytes()))
    again = doubling()
    assert again(3) == 6
    assert was_compiled(again)
    assert doubling()(3) == 6
    assert capsys.readouterr().err.count("is damaged: compiling anew") == 1
    mended = doubling()
    assert mended(3) == 6
    assert not was_compiled(mended)


def test_cache_that_cannot_be_written_is_told_once(folder, capsys, monkeypatch):
    """A full disk: the functions work, and no file of half the size is left."""

    def full(self, name, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "_save_data", full)
    assert [doubling()(3), doubling()(4)] == [6, 8]
    assert capsys.readouterr().err.count("cannot be written (No space left on device)") == 1
    assert not list(folder.rglob("*.nbc"))


@pytest.mark.slow
def test_without_compilation_everything_is_the_same():
    """`NUMBA_DISABLE_JIT=1`, for debuggers: records have attributes, whole numbers wrap around."""
    code = """
import gymnasium, twin_gym
for name in ("SliceAdmission", "MassiveAccess", "TicScheduling", "RightTimeSync"):
    for engine in ("kernel", "simpy"):
        env = gymnasium.make(f"twin_gym/{name}-v0", engine=engine)
        env.action_space.seed(1)
        env.reset(seed=1)
        print(repr(sum(env.step(env.action_space.sample())[1] for _ in range(15))))
"""
    outputs = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
            capture_output=True, text=True, check=True,
        ).stdout
        for disabled in ("0", "1")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    assert len(outputs[0].split()) == 8
