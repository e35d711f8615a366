"""The page on what-if questions runs as written, from top to bottom, in an empty folder."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from twin_gym.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "what_if.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(console|python|sh)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)

# What makes the page long, and what takes its place here.
SHORTER = (
    (r"\.learn\([\d_]+\)", ".learn(2_048)"),
    (r'"validation", 16', '"validation", 4'),
    (r"\[\*twins\[6:\], network\]", "[network]"),
    (r"--against reservation", "--against reservation --worlds 4"),
    (r"--worlds 32", "--worlds 4"),
)


def commands_of(language):
    """The command lines of all blocks of a language, in order, without what only sets values."""
    lines = [line for kind, text in BLOCKS if kind == language for line in text.splitlines()]
    return [shlex.split(line) for line in lines if not line.startswith("export ")]


def fault_of(words):
    """Why a command line cannot work, or None."""
    if words[0] != "twin-gym":
        return f"unknown command {words[0]}"
    command = typer.main.get_command(app)
    rest = words[1:]
    while hasattr(command, "commands"):
        if rest[0] not in command.commands:
            return f"no command {rest[0]}"
        command, rest = command.commands[rest[0]], rest[1:]
    known = {name for parameter in command.params for name in parameter.opts}
    unknown = [word for word in rest if word.startswith("-") and word not in known]
    return f"no option {unknown}" if unknown else None


@pytest.mark.parametrize("words", commands_of("console") + commands_of("sh"), ids=" ".join)
def test_commands_and_their_options_exist(words):
    """Those that are run below, and the one that needs an endpoint."""
    assert fault_of(words) is None


def test_commands_that_cannot_work_are_found():
    """The rule above sees other programs, commands and options."""
    for line in ("rm -r .", "twin-gym dance", "twin-gym scenario dance", "twin-gym record --hope"):
        assert fault_of(line.split()) is not None


def test_links_lead_somewhere():
    """Every link to a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_what_makes_the_page_long_is_in_it():
    """Each replacement of the run below has something to replace."""
    assert [pattern for pattern, _ in SHORTER if not re.search(pattern, PAGE)] == []


@pytest.mark.slow
def test_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    """Each command and each snippet after the other, in fewer worlds and steps."""
    monkeypatch.chdir(tmp_path)
    names, told = {}, []
    for language, text in BLOCKS:
        for pattern, replacement in SHORTER:
            text = re.sub(pattern, replacement, text)
        if language == "python":
            exec(compile(text, "what_if.md", "exec"), names)  # noqa: S102 - the page's own text
            told.append(capsys.readouterr().out.splitlines())
        elif language == "console":
            for words in map(shlex.split, text.splitlines()):
                done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
                assert done.exit_code == 0, done.output
    windows, answers, earned, fidelity, gaps = told
    assert [line.endswith("in 32 windows") for line in windows] == [True] * 4
    asked = ["contention", *(f"twin-{number}" for number in range(8))]
    assert [line.partition(": losses 0.")[0] for line in answers] == asked
    assert all(" +0.0" in line for line in answers)
    assert re.fullmatch(r"contention: 1\d\.\d by density, .* by the agent", earned[0])
    assert fidelity[0].startswith("parameters: energy distance")
    assert fidelity[1].startswith("copies: ")
    assert any(line.startswith("revenue_rate: ") for line in fidelity)
    assert [line.partition(":")[0] for line in gaps] == [
        "loss_ratio",
        "revenue_rate",
        "utilisation",
    ]
