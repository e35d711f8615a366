"""The page on the knowledge graph runs as written, from top to bottom, in an empty folder."""

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from twin_gym.cli import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "knowledge.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(console|python)\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def test_links_lead_somewhere():
    """Every link to a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    """Each command and each snippet after the other; the answers that the page promises."""
    monkeypatch.chdir(tmp_path)
    names, printed, answers = {}, [], []
    for language, text in BLOCKS:
        if language == "python":
            exec(compile(text, "knowledge.md", "exec"), names)  # noqa: S102 - the page's own text
            printed += capsys.readouterr().out.splitlines()
        else:
            for words in map(shlex.split, text.splitlines()):
                done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
                assert done.exit_code == 0, done.output
                answers.append(done.output.strip())
    _, gateway, length, count, document, unknown = answers
    assert re.fullmatch(r"gateway/\d serves sensor/17 \(0\.5 s old\)\.", gateway)
    assert re.fullmatch(r"The queue length of gateway/1 is \d+ \(0(\.\d+)? s old\)\.", length)
    assert re.fullmatch(r"\d+ \(oldest fact 0\.5 s old\)", count)
    assert '"is_known": true' in document
    assert unknown == "Nothing is known of sensor/999."
    load, known, parses, connected, *chain, pools, hold, trend, batched, as_of = printed
    assert re.fullmatch(r"The load of truck/0 is [\d.]+ l \([\d.]+ s old\)\.", load)
    assert (known, parses, pools) == ("True True", "True", "50 250 5/6")
    assert connected.startswith("sensor/17 is connected to gateway/3 (")
    assert len(chain) == 2
    assert (hold, trend) == ("hold 0.167", "trend 1.0")
    assert batched == "40.0 4.0"
    assert as_of.endswith(" 2.0")
    assert not as_of.startswith("40.0")
