"""Text of strangers on the terminal: literally, and without what is not seen."""

import io
import re
from pathlib import Path

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from twin_gym.cli.app import app
from twin_gym.console.printing import table
from twin_gym.console.sanitising import LiteralColumn, LiteralConsole, sanitised
from twin_gym.scenario import load, to_toml

STRANGE = (
    "\x1b]0;title\x07\x1b[31mred\x1b[0m \x9b2J [link=http://evil.example]click[/link] [blink]x[/] "
    ":smile: \u202eback\u2066 \u200bnone"
)
SHOWN = "]0;title[31mred[0m 2J [link=http://evil.example]click[/link] [blink]x[/] :smile: back none"
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def test_sanitised_leaves_out_what_is_not_seen():
    """And keeps joiners, which are parts of words."""
    assert sanitised(STRANGE) == SHOWN
    assert (
        sanitised("\U0001f469\u200d\U0001f52c \u0646\u200c\u0645")
        == "\U0001f469\u200d\U0001f52c \u0646\u200c\u0645"
    )
    assert sanitised("a\nb") == "a\nb"


@pytest.mark.parametrize("is_terminal", [True, False])
def test_every_way_to_print_is_literal(is_terminal):
    """Lines, titles, heads and cells."""
    file = io.StringIO()
    console = LiteralConsole(file=file, width=200, force_terminal=is_terminal, color_system=None)
    console.print(STRANGE)
    made = table(STRANGE, [STRANGE])
    made.add_row(STRANGE)
    console.print(made)
    output = re.sub(r"\x1b\[[0-9;]*m", "", file.getvalue())  # rich's own styles
    assert output.count(SHOWN) == 4
    assert not STEERS.search(output)


def test_what_is_said_while_work_goes_on_is_literal():
    """Beside bars and beside a spinner: markup that rich cannot read would end the command."""
    file = io.StringIO()
    console = LiteralConsole(file=file, width=200, force_terminal=True, color_system=None)
    with Progress(LiteralColumn("{task.description}"), console=console) as bars:
        bars.add_task(f"{STRANGE} [/none]")
    with console.status(f"{STRANGE} [/none]") as status:
        status.update(f"{STRANGE} [/none]")
    assert file.getvalue().count(f"{SHOWN} [/none]") >= 2
    output = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())  # moves of the cursor
    assert not STEERS.search(output.replace("\r", ""))


def test_no_other_console_or_column_is_used():
    """Else text of strangers comes to the terminal through a door of its own."""
    other = re.compile(r"(?<![\w.])(?:Console|TextColumn)\(|from_markup")
    for folder in ("twin_gym", "agents", "benchmarks"):
        for path in (Path(__file__).parents[2] / folder).rglob("*.py"):
            assert path.name == "plain.py" or not other.search(path.read_text("utf-8")), path


def test_commands_show_strangers_text_literally(tmp_path):
    """A scenario's description and provenance, and errors that quote them."""
    path = tmp_path / "strange.toml"
    text = to_toml(load("contention").replace(description="D", provenance="P"))
    quoted = (
        STRANGE.replace("\x1b", "\\u001b").replace("\x07", "\\u0007").replace("\x9b", "\\u009b")
    )
    path.write_text(text.replace('"D"', f'"{quoted}"').replace('"P"', f'"{quoted}"'), "utf-8")
    for command in (["describe"], ["rollout", "--seeds", "2", "--scenario"]):
        done = CliRunner().invoke(app, [*command, str(path)], env={"COLUMNS": "300"})
        assert done.exit_code == 0, done.output
        assert not STEERS.search(done.output)
        if command == ["describe"]:
            assert done.output.count(SHOWN) == 2
    path.write_text(f'kind = "{quoted}"', "utf-8")
    done = CliRunner().invoke(app, ["describe", str(path)])
    assert done.exit_code == 2
    assert not STEERS.search(done.output)
