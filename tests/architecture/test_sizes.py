"""Size limits: a file is one idea, a function is one thought."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("twin_gym", "agents", "benchmarks")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50
MAX_KERNEL_LINES = 80
# Numba's decorators, and those that twin_gym.core.compiled makes of them.
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "compiled", "inlined", "entry_point"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def source_files() -> list[Path]:
    """Every Python file that the limits are for."""
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def is_kernel(function: Function) -> bool:
    """Whether the function is compiled: one of the decorators is on it, called or bare."""
    for decorator in function.decorator_list:
        named = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = named.attr if isinstance(named, ast.Attribute) else getattr(named, "id", "")
        if name in COMPILERS:
            return True
    return False


def num_code_lines(function: Function) -> int:
    """Lines of a function from `def` to the end, without docstrings and without inner functions.

    Documentation is not to be squeezed, and an inner function has a limit of its own.
    """
    lines = set(range(function.lineno, function.end_lineno + 1))
    if ast.get_docstring(function, clean=False) is not None:
        lines -= set(range(function.body[0].lineno, function.body[0].end_lineno + 1))
    for inner in ast.walk(function):
        if isinstance(inner, Function) and inner is not function:
            first = min(node.lineno for node in (inner, *inner.decorator_list))
            lines -= set(range(first, inner.end_lineno + 1))
    return len(lines)


def long_functions(source: str) -> Iterator[str]:
    """The functions of a source that are over their limit, with their sizes."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            limit = MAX_KERNEL_LINES if is_kernel(node) else MAX_FUNCTION_LINES
            if num_code_lines(node) > limit:
                yield f"{node.name}: {num_code_lines(node)} lines, at most {limit}"


def test_files_are_short():
    """No file has more than 400 lines."""
    sizes = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in source_files()
    }
    assert not {name: size for name, size in sizes.items() if size > MAX_FILE_LINES}


def test_functions_are_short():
    """No function has more than 50 lines, no compiled kernel more than 80."""
    faults = {
        str(path.relative_to(ROOT)): functions
        for path in source_files()
        if (functions := list(long_functions(path.read_text())))
    }
    assert not faults


@pytest.mark.parametrize(
    ("decorator", "num_statements", "is_too_long"),
    [
        ("", 49, False),  # `def` and 49 lines
        ("", 50, True),
        ("@njit(cache=True)\n", 79, False),
        ("@numba.njit\n", 80, True),
        ("@inlined\n", 79, False),
        ("@functools.cache\n", 50, True),  # decorated, and no kernel
    ],
)
def test_limits_are_where_they_are_said_to_be(decorator, num_statements, is_too_long):
    """The rule counts the `def` line and not the docstring, and tells a kernel from the rest."""
    body = '    """Two\n\n    lines."""\n' + "    x = 1\n" * num_statements
    assert bool(list(long_functions(f"{decorator}def f():\n{body}"))) is is_too_long


def test_inner_function_is_counted_apart():
    """A function that builds kernels is as long as its own lines; the kernels answer for theirs."""
    kernel = "    @njit\n    def g():\n" + "        x = 1\n" * 81
    assert list(long_functions(f"def f():\n{kernel}    return g\n")) == ["g: 82 lines, at most 80"]
