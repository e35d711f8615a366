"""Nothing that a command has to say is cut: tables at any width, documentation to the last sign."""

import inspect
import re
from functools import cache

import pytest
from rich.console import Console
from typer.testing import CliRunner

from agents.train import app as train_app
from benchmarks.__main__ import app as benchmarks_app
from twin_gym.cli import app
from twin_gym.cli.list_command import environment_class, short_name
from twin_gym.console.printing import table
from twin_gym.console.tables import WholeMarkdown
from twin_gym.environments.kinds import kinds
from twin_gym.policies import policies_of
from twin_gym.scenario import to_toml
from twin_gym.scenario.loading import load

WIDTHS = (20, 60, 80, 120)
WIDTHS_OF_RUNS = (20, 80)
"""Of what takes seconds to say once."""

SHORT = {
    "admission": ("teletraffic-small", "horizon_s=200"),
    "access": ("access-small-45", "horizon_s=2.0"),
    "tic": ("tic-small-45", "horizon_s=0.3"),
    "sync": ("sync-small", "horizon_s=5.0"),
}
"""By kind, a network and a change that makes it short."""


def said_by(arguments, width, command=app):
    """Runs a command at a terminal width; returns its output."""
    done = CliRunner(env={"COLUMNS": str(width), "TERM": "dumb", "NO_COLOR": "1"}).invoke(
        command, list(arguments)
    )
    assert done.exit_code == 0, done.output
    return done.stdout


@cache
def said_in_a_wide_place(*arguments, command=app):
    """What a command says where nothing needs to be broken."""
    return said_by(arguments, 400, command)


def letters(text):
    """The letters of a text, without blanks, marks of Markdown and rules."""
    return re.sub(r"[\s`\\|*─-]|•", "", text)


@pytest.mark.parametrize("env_id", [one.id for one in kinds()])
def test_every_section_and_field_of_an_environment_is_said_whole(env_id):
    """Formulas with pipe signs too: `describe` says every letter of the docstring's sections."""
    docstring = inspect.getdoc(environment_class(env_id)).partition("\nRaises:")[0]
    said = letters(said_by(["describe", short_name(env_id)], 400))
    rows = [line for line in docstring.splitlines() if line.startswith("| `")]
    for row in rows:
        assert letters(row) in said
    for paragraph in re.split(r"\n\n|\n#.*\n", docstring):
        if not paragraph.startswith(("|", "#")):
            assert letters(paragraph) in said


def test_the_formula_with_pipe_signs_is_said_to_its_end():
    """The one that was cut."""
    assert "c / (|c| + tolerance) / 2" in said_by(["describe", "RightTimeSync"], 120)


@pytest.mark.parametrize(
    ("kind", "name"), [(one.name, name) for one in kinds() for name in policies_of(one.name)]
)
def test_every_policy_is_described_to_the_last_letter(kind, name):
    """Its docstring down to the arguments."""
    docstring = inspect.getdoc(policies_of(kind)[name]).partition("\nArgs:")[0]
    said = letters(said_by(["describe", name], 400))
    for paragraph in docstring.split("\n\n"):
        assert letters(paragraph) in said


def test_markdown_keeps_what_looks_like_a_tag(capsys):
    """Less-than signs are signs of formulas here."""
    Console(width=80).print(WholeMarkdown("where a <b> c\n\n| f |\n|---|\n| x <y> z \\| w |"))
    said = capsys.readouterr().out
    assert "a <b> c" in said
    assert "x <y> z | w" in said


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        *(["describe", name] for name, _ in SHORT.values()),
        *(["describe", short_name(env_id)] for env_id in (one.id for one in kinds())),
    ],
    ids=lambda given: "-".join(given),
)
def test_what_is_listed_and_described_is_whole(arguments, width):
    """At every width there are the same letters as in a wide place."""
    assert same_letters(said_by(arguments, width), said_in_a_wide_place(*arguments))


@pytest.mark.usefixtures("brief_tables")
@pytest.mark.parametrize("kind", SHORT)
def test_answers_and_comparisons_are_whole(kind, tmp_path):
    """Every digit and every star of `what-if --all` and of `rollout`, for every environment."""
    name, change = SHORT[kind]
    question = ["what-if", "--scenario", name, "--set", change, "--worlds", "2", "--all"]
    path, value = change.split("=")
    file = tmp_path / "short.toml"
    file.write_text(to_toml(load(name).replace(**{path: float(value)})), "utf-8")
    comparison = ["rollout", "--scenario", str(file), "--seeds", "2"]
    for arguments in (question, [*comparison, "--policy", "random"], [*comparison, "-p", "all"]):
        wide = said_by(arguments, 400)
        for width in WIDTHS_OF_RUNS:
            assert same_letters(said_by(arguments, width), wide), width


@pytest.mark.parametrize(
    ("command", "arguments"),
    [(benchmarks_app, ["tracks"]), (benchmarks_app, ["agents"]), (train_app, ["--list"]),
     (benchmarks_app, ["status", "--seeds", "2", "--out", "nothing"])],
)  # fmt: skip
def test_lists_of_the_checkout_are_whole(command, arguments, tmp_path, monkeypatch):
    """Tracks, agents and the state of the board."""
    monkeypatch.chdir(tmp_path)
    wide = said_by(arguments, 400, command)
    for width in WIDTHS_OF_RUNS:
        assert same_letters(said_by(arguments, width, command), wide), width


def same_letters(narrow, wide):
    """Whether two printings have the same letters, whatever lines they are broken into."""
    return "…" not in narrow and sorted(letters(narrow)) == sorted(letters(wide))


@pytest.mark.parametrize("width", [1, 7, 30, 60, 80])
def test_numbers_are_never_broken(width, capsys):
    """They pass the edge; texts are broken."""
    made = table("A title that is long enough to be broken", ["name", "a number", "another"])
    made.add_row("text_without_any_blank_" * 3, "123,456,789.123 ± 0.001 *", "1" * 50)
    console = Console(width=width)
    console.print(made, crop=False)
    said = capsys.readouterr().out
    assert "123,456,789.123 ± 0.001 *" in said
    assert "1" * 50 in said
    assert "…" not in said
