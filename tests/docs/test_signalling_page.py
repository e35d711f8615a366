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


def test_examples_of_the_page_say_what_they_promise(tmp_path, monkeypatch, capsys):
    """The log is read back whole; a network is recorded, learned, asked, and trained on."""
    monkeypatch.chdir(tmp_path)
    blocks, names = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL), {}
    assert len(blocks) == 5
    for code in blocks:
        exec(code, names)  # noqa: S102
    assert capsys.readouterr().out.splitlines() == [
        "True {} True",
        "True",
        "() ['PFCP Session Establishment Request']",
        "True",
        "['admitted', 'admitted/hrllc'] (2,)",
    ]
