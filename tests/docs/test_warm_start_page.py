"""The page on warm starts runs as written, only shorter."""

import re
from pathlib import Path

import typer.main

from agents.train import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "warm_start.md").read_text("utf-8")

# What makes it long, and what takes its place here.
SHORTER = (
    ("10_000", "200"), ("131_072", "4_096"), ("KeepBest(32_768", "KeepBest(2_048"),
    ("horizon_s=50.0", "horizon_s=1.0"), ("num_worlds=8", "num_worlds=1"),
    ('load("contention")', 'load("contention").replace(horizon_s=2.0)'),
)  # fmt: skip


def test_page_runs_as_written(tmp_path, monkeypatch, capsys):
    """In an empty folder, with small numbers for large ones; it ends with the incumbent."""
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    for long, short in SHORTER:
        assert long in text
        text = text.replace(long, short)
    names = {}
    exec(compile(text, "warm_start.md", "exec"), names)  # noqa: S102 - the page's own text
    said = capsys.readouterr().out
    assert "warm start from" in said
    assert "looks cost" in said
    assert names["policy"].name == "incumbent"
    assert (tmp_path / "guard.safetensors").exists()


def test_options_that_it_names_exist():
    """Of the command that trains agents."""
    known = {name for one in typer.main.get_command(app).params for name in one.opts}
    named = set(re.findall(r"--[a-z-]+", PAGE))
    wanted = {"--guard-looks", "--guard-share", "--learner-share", "--total-timesteps"}
    assert named == wanted <= known
