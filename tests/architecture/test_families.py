"""The test worlds are met by one command alone, which writes every use down."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("twin_gym", "agents", "benchmarks", "examples")

MAKERS = {"world_seeds", "seeds_of_worlds"}
OPEN_TO_ALL = {"train", "validation", "guard"}
# Files that name worlds of a family that is handed to them.
HAND_ON = {
    "twin_gym/cli/what_if_command.py",  # its option has the two families that are open to all
    "twin_gym/cli/record_command.py",  # likewise
    "benchmarks/protocol.py",  # a track names the worlds of a cell
    "benchmarks/cell.py",  # a cell is run in them
    "twin_gym/cli/rollout_command.py",  # users choose: `--family`
    "twin_gym/sb3/evaluation.py",  # users choose; `validation` if they do not
}

RUNNERS = {"run_cell", "tested", "earn"}
# Files that run cells, and may so be handed one of the test worlds.
RUN_CELLS = {
    "benchmarks/runner/commands.py",  # by `run_board`, which keeps the ledger
    "benchmarks/submissions/verifying.py",  # for a command that writes into the ledger
}
KEEPERS = {"run_board", "write_down"}


def worlds_of_other_families(source: str) -> int:
    """Calls that name worlds of a family which is not said to be one that is open to all."""
    count = 0
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called(node) in MAKERS:
            families = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "family")]
            count += not any(
                isinstance(one, ast.Constant) and one.value in OPEN_TO_ALL for one in families
            )
    return count


def called(node: ast.Call) -> str:
    """Name of the function or method."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def taken_from_cells(source: str) -> set[str]:
    """The names that a source imports from `benchmarks.cell`, if it runs cells."""
    return {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module == "benchmarks.cell"
        for alias in node.names
    } & RUNNERS


def asks_for_the_test_family(source: str) -> bool:
    """Whether some call is handed the word."""
    return any(
        isinstance(one, ast.Constant) and one.value == "test"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        for one in (*node.args, *(keyword.value for keyword in node.keywords))
    )


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of every file that the rules are for."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def test_nothing_but_a_cell_names_worlds_of_the_test_family():
    """Everything else says `train`, `validation` or `guard`, in so many letters."""
    paths = {path for path, source in sources() if worlds_of_other_families(source)}
    assert paths == HAND_ON


def test_cells_are_run_by_the_commands_that_keep_the_ledger():
    """Who else runs cells must be written here, with the reason why no test world is met."""
    assert {path for path, source in sources() if taken_from_cells(source)} <= RUN_CELLS


def test_who_asks_for_the_test_family_keeps_the_ledger():
    """Before the first world is met: no other call is handed the word."""
    asking = {path: source for path, source in sources() if asks_for_the_test_family(source)}
    assert asking.keys() <= {
        "benchmarks/runner/commands.py",
        "benchmarks/submissions/commands.py",
        "benchmarks/__main__.py",  # names the command
        "benchmarks/environments/slice_admission/what_if.py",  # scenarios that are tested on
    }
    for path in ("benchmarks/runner/commands.py", "benchmarks/submissions/commands.py"):
        assert any(keeper in asking.get(path, "write_down") for keeper in KEEPERS)


def test_ways_round_the_rules_are_found():
    """A family that is named, computed, or left to another function."""
    for source in (
        'world_seeds("test", 32)',
        "world_seeds(family, 32)",
        "track.seeds_of_worlds(family='te' + 'st', seed=3)",
    ):
        assert worlds_of_other_families(source) == 1
    assert worlds_of_other_families('world_seeds("validation", 8)') == 0
    assert asks_for_the_test_family("EvaluateOnWorlds(8, family='test')")
    assert taken_from_cells("def f():\n    from benchmarks.cell import Cell, run_cell")
