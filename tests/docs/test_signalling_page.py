"""The page on signalling: its commands and its example run, in their order."""

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from twin_gym.cli import app

PAGE = (Path(__file__).parents[2] / "docs" / "signalling.md").read_text("utf-8")


def test_commands_of_the_page_run(tmp_path, monkeypatch):
    """Each with success, in an empty folder; the files that they write are there."""
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^twin-gym (.+)$", PAGE, re.MULTILINE)
    assert len(commands) == 7
    for command in commands:
        result = CliRunner(env={"COLUMNS": "80"}).invoke(app, shlex.split(command))
        assert result.exit_code == 0, (command, result.output)
    assert {one.name for one in tmp_path.iterdir()} == {
        "core.pcap",
        "busy.pcap",
        "busy.npz",
        "twin",
    }
    assert "sessions rejected" in result.output or "The core" in result.output


def test_example_of_the_page_says_what_it_promises(tmp_path, monkeypatch, capsys):
    """The log is read back whole."""
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out == "True {} True\n"
