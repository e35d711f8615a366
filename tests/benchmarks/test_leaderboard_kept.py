"""The leaderboard that is kept in the repository is the one that its results give, anywhere."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import machine
from benchmarks.leaderboard.command import FRONT_FILE, HTML_FILE, TABLES_FILE, leaderboard
from benchmarks.runner.ledger import USES_FILE
from benchmarks.store import BOARD_FOLDER, RESULTS_FILE
from twin_gym.files.sealed import read_sealed

ROOT = Path(__file__).parents[2]
MOST_LINES = 200
"""Of the front page."""


@pytest.mark.slow
def test_the_leaderboard_made_again_elsewhere_is_the_same_to_the_byte(tmp_path, monkeypatch):
    """On another machine and without traces: `make leaderboard` in a clean clone changes nothing.

    Where it fails after results or contestants have changed: `python -m benchmarks leaderboard`.
    """
    monkeypatch.setattr(machine, "processor_model", lambda: "Another Processor")
    monkeypatch.delenv("TWIN_GYM_DATA", raising=False)
    board = tmp_path / BOARD_FOLDER.relative_to(ROOT)
    board.mkdir(parents=True)
    for name in (RESULTS_FILE, USES_FILE):
        shutil.copy(BOARD_FOLDER / name, board / name)
    leaderboard(board, tmp_path, "test", None, 0.5, 2_000)
    for made, kept in (
        (tmp_path / FRONT_FILE, ROOT / FRONT_FILE),
        (board / TABLES_FILE, BOARD_FOLDER / TABLES_FILE),
        (board / HTML_FILE, BOARD_FOLDER / HTML_FILE),
    ):
        assert made.read_bytes() == kept.read_bytes(), kept.name
    assert len((ROOT / FRONT_FILE).read_text("utf-8").splitlines()) <= MOST_LINES


def test_every_kept_line_has_its_check_sum_and_its_machine():
    """Results and uses alike."""
    results = [json.loads(line) for _, line in read_sealed(BOARD_FOLDER / RESULTS_FILE)]
    assert len(results) > 2_000
    assert all(one["machine"] for one in results)
    assert len(list(read_sealed(BOARD_FOLDER / USES_FILE))) > 0
