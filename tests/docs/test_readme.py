"""The README is true: snippets run, commands, files and scenarios exist."""

import importlib.util
import re
from pathlib import Path

import pytest
import typer.main

from twin_gym.cli import app
from twin_gym.core.forms import form_names
from twin_gym.environments.factory import forms_of
from twin_gym.environments.kinds import kinds
from twin_gym.scenario.loading import names

ROOT = Path(__file__).parents[2]
README = re.sub(r"<!--.*?-->", "", (ROOT / "README.md").read_text(), flags=re.DOTALL)
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
CONSOLES = re.findall(r"^```console\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
COMMANDS = [line.partition(" #")[0].strip() for block in CONSOLES for line in block.splitlines()]

# What makes a snippet long, and what takes its place here.
SHORTER = ((r"\.learn\([\d_]+\)", ".learn(64)"), (r'"validation", \d+', '"validation", 1'))


@pytest.mark.slow
@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_snippet_runs(snippet, tmp_path, monkeypatch):
    """As it stands, in another folder, with fewer steps, of what it imports itself."""
    assert re.search(r"^(import|from) twin_gym\b", snippet, re.MULTILINE)
    for pattern, replacement in SHORTER:
        snippet = re.sub(pattern, replacement, snippet)
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "README.md", "exec"), {})  # noqa: S102 - the text itself


def test_first_training_is_fifteen_lines():
    """From `pip install` to the comparison with a rule."""
    lines = [line for line in SNIPPETS[0].splitlines() if line.strip()]
    assert 1 + len(lines) <= 15
    assert COMMANDS[2].startswith("pip install")


def fault_of(command):
    """Why a command of the README cannot work, or None."""
    words = [word for word in command.split() if not re.fullmatch(r"[A-Z_]+=.*", word)]
    if words[0] == "make":
        known = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return None if words[1] in known else f"no target {words[1]}"
    if words[0] == "twin-gym":
        known = typer.main.get_command(app).commands
        return None if words[1] in known else f"no command {words[1]}"
    if words[:2] == ["pip", "install"]:
        return None if (ROOT / "constraints.txt").exists() else "no constraints"
    if words[:2] == ["python", "-m"]:
        return None if importlib.util.find_spec(words[2]) else f"no module {words[2]}"
    if words[0] == "python":
        return None if (ROOT / words[1]).is_file() else f"no file {words[1]}"
    return "unknown"


@pytest.mark.parametrize("command", COMMANDS)
def test_command_exists(command):
    """Targets, modules, scripts and subcommands are there, and so are the files they are given."""
    assert fault_of(command) is None
    for file in re.findall(r"\S+\.(?:yml|txt|py)\b", command):
        assert (ROOT / file).is_file()


def test_wrong_commands_are_found():
    """The rule above sees what is not there."""
    for command in ("make tea", "twin-gym dance", "python -m agents.no", "python x.py", "rm -r ."):
        assert fault_of(command) is not None


def test_links_lead_somewhere():
    """Every link to a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]
    assert len(links) > 8
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def expanded(name):
    """`a-{x,y}` is short for `a-x` and `a-y`."""
    head, brace, rest = name.partition("{")
    if not brace:
        return [name]
    parts, _, tail = rest.partition("}")
    return [one for part in parts.split(",") for one in expanded(head + part + tail)]


def test_scenarios_are_all_listed():
    """The table has every preset and no other."""
    table = README.partition("| scenario | what it is |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert sorted(one for name in listed for one in expanded(name)) == list(names())


def test_environments_are_all_listed():
    """The first table has every id with every form of its actions."""
    table = README.partition("| environment |")[2].partition("\n\n")[0]
    rows = {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}
    assert set(rows) == {one.id for one in kinds()}
    for kind, env_id in ((one.name, one.id) for one in kinds()):
        for form in form_names(forms_of(kind)):
            assert f"`{form}`" in rows[env_id]


def test_map_is_that_of_the_tree():
    """Every folder it names exists, and no layer of the package is left out."""
    map_of = README.partition("## Map of the tree")[2].partition("```")[2].partition("```")[0]
    inside = set(re.findall(r"^  (\w+)/", map_of, re.MULTILINE))
    layers = {path.parent.name for path in (ROOT / "twin_gym").glob("*/__init__.py")}
    assert inside == layers
    for folder in re.findall(r"^(\w+)/", map_of, re.MULTILINE):
        assert (ROOT / folder).is_dir()
