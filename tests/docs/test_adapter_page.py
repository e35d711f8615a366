"""The page on the twin adapter runs as written, in an empty folder."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adapter.md").read_text("utf-8")


def test_links_of_the_adapter_page_lead_somewhere():
    """Every link to a file of the repository."""
    links = [link for link in re.findall(r"\]\(([^)]+)\)", PAGE) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_adapter_page_runs_as_written(tmp_path, monkeypatch, capsys):
    """Three services, the likeliest first; their probabilities add up to one."""
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    exec(compile(code, "adapter.md", "exec"), {})  # noqa: S102 - the page's own text
    lines = capsys.readouterr().out.splitlines()
    shares = [float(line.split()[0]) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert abs(sum(shares) - 1.0) < 0.02
    assert {line.split("name ")[1] for line in lines} == {"waste", "air-quality", "transportation"}
