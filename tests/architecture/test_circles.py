"""No two modules of the checkout import one another, not even inside a function."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.test_layers import ROOT, imported_modules

FOLDERS = ("agents", "benchmarks")


def imports() -> dict[str, set[str]]:
    """By module, those of the checkout that it imports."""
    paths = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.py")
    }
    imported = {}
    for module, path in paths.items():
        named = {module_of(name, paths) for name in imported_modules(path.read_text())}
        imported[module] = named - {module, ""}
    return imported


def module_of(name: str, paths: dict) -> str:
    """The module that a dotted name is in, "" if it is none of the checkout."""
    while name and name not in paths:
        name = name.rpartition(".")[0]
    return name


def test_nothing_imports_itself_by_a_detour():
    """A module can be read after those that it imports."""
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_a_circle_is_found():
    """By an import that is added."""
    graph = imports()
    graph["benchmarks.contestant"].add("benchmarks.contestants")
    with pytest.raises(CycleError, match="cycle"):
        TopologicalSorter(graph).prepare()
