"""The page on the real-time twin and its history does what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from twin_gym.twins.realtime import object_model

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "realtime.md").read_text("utf-8")


@pytest.mark.slow
def test_script_of_the_page_runs(tmp_path):
    """As it stands, in another folder, where it leaves one store."""
    (script,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    assert len([line for line in script.splitlines() if line.strip()]) <= 20
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=240,
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^sent \d+ lost [1-9]\d* taken [1-9]\d* late [1-9]\d*$", done.stdout, re.M)
    assert re.search(r"^gateway/\d+ \d+ 0\.\d+ s old$", done.stdout, re.M)
    assert re.search(r"^messages at 480 ms: \d+$", done.stdout, re.M)
    left = {path.name for path in tmp_path.iterdir()}
    assert "history.db" in left <= {"history.db", "history.db-wal", "history.db-shm"}


def test_page_names_every_kind_of_twin():
    """By the ids that its table has."""
    kinds = object_model().interfaces
    assert len(kinds) >= 12
    for kind in kinds:
        assert f"`{kind.lower()}" in PAGE, kind
