"""Names in texts are those of today: dotted names, files, commands and their options."""

import importlib
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer.main

import agents.train
import benchmarks.__main__
from twin_gym.cli import app
from twin_gym.environments.kinds import ENTRY_POINT_GROUP, kinds

ROOT = Path(__file__).parents[2]
FOLDERS = ("twin_gym", "agents", "benchmarks", "examples", "tests", "docs")
FILES = [path.relative_to(ROOT).as_posix() for one in FOLDERS for path in (ROOT / one).rglob("*")]
PAGES = [
    *(f"{name}.md" for name in ("README", "CONTRIBUTING", "LEADERBOARD")),
    *(name for name in FILES if fnmatch(name, "docs/*.md") or fnmatch(name, "*/results/*.md")),
]
CODE = [
    name
    for name in FILES
    if name.endswith((".py", ".toml")) and not name.startswith(("tests/", "twin_gym/moved."))
]
COMMANDS = {
    "twin-gym": typer.main.get_command(app),
    "python -m benchmarks": typer.main.get_command(benchmarks.__main__.app),
    "python -m agents.train": typer.main.get_command(agents.train.app),
}
INSIDE = {one.package.rpartition(".")[2]: one.package for one in kinds()}
OTHERS = (
    ENTRY_POINT_GROUP,
    "twin_gym.plain_letters",
    "tests/unit/test_x.py",
    "my_network/*",
    "my-agent/*",
)
"""Names of no module, and files that a reader is to make."""

DOTTED = re.compile(
    rf"(?<![\w./-])(?:(?:twin_gym|benchmarks|{'|'.join(INSIDE)})|(?<=`)agents|(?<=-m )agents)"
    r"(?:\.[A-Za-z_]\w*)+(?!/)"
)
IMPORT = re.compile(r"from ((?:twin_gym|benchmarks|agents)[\w.]*) import (\w+(?:, \w+)*)")
PATH = re.compile(r"`([\w*<>-]+(?:/[\w*<>.-]+)+\.(?:py|md|toml|yml|jsonl?))\b")
COMMAND = re.compile(rf"({'|'.join(COMMANDS)})((?:[ \n]+[^\s`\"')]+)*)")


def is_there(name):
    """Whether a dotted name is that of a module, or of something in one."""
    words = name.split(".")
    words[:1] = INSIDE.get(words[0], words[0]).split(".")
    for count in range(len(words), 0, -1):
        try:
            found = importlib.import_module(".".join(words[:count]))
        except ModuleNotFoundError:
            continue
        except DeprecationWarning:  # an old name, which warnings are errors for
            return False
        for word in words[count:]:
            try:
                found = getattr(found, word)
            except (AttributeError, DeprecationWarning):
                return False
        return True
    return False


def missing_names(text):
    """Dotted names and imports that lead nowhere."""
    named = set(DOTTED.findall(text))
    for module, things in IMPORT.findall(text):
        named |= {f"{module}.{thing}" for thing in things.split(", ")}
    return sorted(name for name in named if name not in OTHERS and not is_there(name))


def missing_files(text):
    """Paths in backticks of which no file is there; `<a>` and `*` stand for any folder."""
    named = (re.sub(r"<\w+>", "*", path) for path in PATH.findall(text))
    wanted = (path for path in named if not any(fnmatch(path, other) for other in OTHERS))
    return [path for path in wanted if not any(fnmatch(f"/{one}", f"*/{path}") for one in FILES)]


def missing_options(text):
    """Subcommands and options of the three commands that these do not have."""
    found = []
    for head, rest in COMMAND.findall(re.sub(r"\\\n", " ", text)):
        words, command = rest.partition("\n")[0].split(), COMMANDS[head]
        while words and words[0] in getattr(command, "commands", ()):
            command = command.commands[words.pop(0)]
        if words and hasattr(command, "commands") and re.fullmatch(r"[a-z-]+", words[0]):
            found.append(f"{head} {words[0]}")
        known = {"--help"}.union(*(one.opts + one.secondary_opts for one in command.params))
        options = (re.match(r"--[a-z-]+", word) for word in words)
        found += [f"{head}: {one.group()}" for one in options if one and one.group() not in known]
    return found


@pytest.mark.parametrize("page", PAGES)
def test_page_names_what_is_there(page):
    """Modules, files, commands, options and links of a page exist."""
    text = (ROOT / page).read_text().replace("\\_", "_")
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text)]
    lost = [
        one for one in links if "://" not in one and not (ROOT / page).parent.joinpath(one).exists()
    ]
    assert (missing_names(text), missing_files(text), missing_options(text), lost) == ([],) * 4


def test_code_names_what_is_there():
    """Docstrings, comments, messages and headers of presets too."""
    texts = {name: (ROOT / name).read_text() for name in CODE}
    found = {name: missing_names(text) + missing_files(text) for name, text in texts.items()}
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_missing_names_are_found():
    """The rules above see what is not there."""
    assert missing_names("`twin_gym.theory.erlang_b`, tic_scheduling.nothing") == [
        "tic_scheduling.nothing",
        "twin_gym.theory.erlang_b",
    ]
    assert missing_names("from twin_gym.scenario import Scenario, Slice") == [
        "twin_gym.scenario.Slice"
    ]
    assert missing_files("`envs/kpi.py` and `core/kpi.py`") == ["envs/kpi.py"]
    assert missing_options("`twin-gym dance`, `twin-gym list --loud`") == [
        "twin-gym dance",
        "twin-gym: --loud",
    ]
