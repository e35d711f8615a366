"""Input and output of `twin-gym what-if`, with answers that are made here."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from typer.testing import CliRunner

from twin_gym.cli import difference_figure, what_if_command
from twin_gym.cli.app import app
from twin_gym.policies.what_if import Difference, WhatIf, what_if
from twin_gym.policies.worlds import world_seeds
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

SHORT = changed(load("contention"), {"horizon_s": 20.0})
BUSY = {"slices.hrllc.arrival_rate_hz": 4.8, "horizon_s": 20.0}
NAN = float("nan")
ANSWER = WhatIf(
    "density",
    SHORT,
    changed(SHORT, BUSY),
    (1, 2, 3),
    by_change={
        "clear": Difference(10.0, 12.0, 2.0, 0.5, 3, 4.0),
        "unclear": Difference(-4.0, -3.0, 1.0, 2.0, 3, 1.5),
        "equal": Difference(5.0, 5.0, 0.0, 0.0, 3, NAN),
        "always more": Difference(5.0, 8.0, 3.0, 0.0, 3, NAN),
        "always less": Difference(8.0, 5.0, -3.0, 0.0, 3, NAN),
        "from nothing": Difference(0.0, 7.0, 7.0, 1.0, 3, 2.0),
        "clear/hrllc": Difference(1.0, 2.0, 1.0, 0.1, 3, 2.0),
    },
    against="fifo",
    by_agent={"clear": Difference(12.0, 9.0, -3.0, 0.25, 3, 8.0)},
)


def ask(*words: str) -> str:
    """Runs the command, which must end well; returns its output."""
    result = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["what-if", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def rows(monkeypatch):
    """Asks for the answer that is made here; gives its rows, blanks and lines left out."""
    monkeypatch.setattr(what_if_command, "what_if", lambda *args, **kwargs: ANSWER)

    def printed(*words: str) -> list[str]:
        said = ask("--set", "horizon_s=20", *words)
        lines = ["".join(c if c.isprintable() else " " for c in line) for line in said.splitlines()]
        return [" ".join(line.replace("│", " ").split()) for line in lines]

    return printed


def test_rows_have_both_means_the_difference_and_the_worlds_saved(rows):
    """A star where the interval leaves out zero, a sign always, nothing where nothing varies."""
    lines = rows()
    assert "clear 10 12 +2.0 ± 0.5 * 4.0 x" in lines
    assert "unclear -4 -3 +1.0 ± 2.0 1.5 x" in lines
    assert "equal 5 5 the same" in lines
    assert "always more 5 8 +3 in all *" in lines
    assert "always less 8 5 -3 in all *" in lines
    assert "clear 12 9 -3.00 ± 0.25 * 8.0 x" in lines


def test_single_slices_are_printed_where_all_is_asked_for(rows):
    """And are left out otherwise, with how to see them."""
    few, everything = rows(), rows("--all")
    assert not any(line.startswith("clear/hrllc") for line in few)
    assert any(line.startswith("clear/hrllc") for line in everything)
    assert any("--all" in line for line in few)
    assert not any("--all" in line for line in everything)


def test_the_document_has_both_networks_and_null_for_what_is_no_number(monkeypatch):
    """Digests of both sides, the number of worlds, and each comparison under its name."""
    monkeypatch.setattr(what_if_command, "what_if", lambda *args, **kwargs: ANSWER)
    document = json.loads(ask("--set", "horizon_s=20", "--json"))
    assert document["digest"] == SHORT.digest
    assert document["changed_digest"] == ANSWER.changed.digest != SHORT.digest
    assert (document["worlds"], document["agent"], document["against"]) == (3, "density", "fifo")
    assert document["changed_minus_base"]["equal"]["variance_reduction"] is None
    assert document["changed_minus_base"]["clear"]["variance_reduction"] == 4.0
    assert document["against_minus_agent"].keys() == {"clear"}
    assert document["against_minus_agent"]["clear"]["mean"] == -3.0


def test_every_option_reaches_the_question(tmp_path):
    """Agents, form of the action and worlds: the answer is that of the function."""
    path = tmp_path / "busy.toml"
    ask("--set", f"slices.hrllc.arrival_rate_hz={4.8}", "--set", "horizon_s=20",
        "--worlds", "2", "--save", str(path))  # fmt: skip
    output = ask(
        "--to", str(path), "--agent", "fifo", "--against", "random", "--action", "slot",
        "--family", "train", "--first", "5", "--worlds", "3", "--json",
    )  # fmt: skip
    seeds = world_seeds("train", 3, first=5)
    expected = what_if("fifo", "contention", BUSY, against="random", seeds=seeds, action="slot")
    document = json.loads(output)
    assert document == json.loads(json.dumps(what_if_command.as_document(expected)))
    assert document["agent"] == "fifo"


def test_policies_are_made_for_the_changed_network_where_that_is_asked_for():
    """The tuned reservation has no thresholds for it; as it is configured, it stays."""
    words = ["--set", "slices.hrllc.arrival_rate_hz=4.8", "--set", "horizon_s=20"]
    words += ["--agent", "reservation", "--worlds", "2"]
    assert "reservation" in ask(*words)
    refused = CliRunner().invoke(app, ["what-if", *words, "--reconfigure"])
    assert refused.exit_code == 2
    assert "no tuned reservation" in refused.output


def drawn(tmp_path, monkeypatch) -> Sequence:
    """The axes of the figure of the answer."""
    kept: list[Figure] = []

    def keep(figure: Figure, file, **kwargs) -> None:
        kept.append(figure)
        file.write(b"")

    monkeypatch.setattr(Figure, "savefig", keep)
    difference_figure.draw(tmp_path / "answer.png", ANSWER, "more of it")
    assert [path.name for path in tmp_path.iterdir()] == ["answer.png"]
    return kept[0].axes


def bars(axis, names: list[str]) -> dict[str, tuple[float, float, float, str]]:
    """By indicator, middle, ends and colour of its interval; in percent. Names lowest first."""
    intervals = {}
    for bar in axis.containers:
        middle, _, lines = bar.lines
        (low, place), (high, _) = lines[0].get_segments()[0]
        at = float(middle.get_xdata()[0])
        intervals[names[int(place)]] = (at, float(low), float(high), to_hex(middle.get_color()))
    return intervals


def test_the_figure_has_intervals_in_percent_of_what_is(tmp_path, monkeypatch):
    """Relative to the size of the first mean; grey where zero is within; first one on top."""
    first, second = drawn(tmp_path, monkeypatch)
    names = [label.get_text() for label in first.get_yticklabels()]
    assert names == ["always less", "always more", "equal", "unclear", "clear"]
    intervals = bars(first, names)
    assert intervals["clear"][:3] == pytest.approx((20.0, 15.0, 25.0))
    assert intervals["unclear"][:3] == pytest.approx((25.0, -25.0, 75.0))
    assert intervals["always less"][:3] == pytest.approx((-37.5, -37.5, -37.5))
    assert intervals["clear"][3] != intervals["unclear"][3] == "#666666"
    other = bars(second, names)
    assert other.keys() == {"clear"}
    assert other["clear"][:3] == pytest.approx((-25.0, -25.0 - 25 / 12, -25.0 + 25 / 12))
