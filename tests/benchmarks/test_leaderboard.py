"""The leaderboard's numbers are right, said once, and said the same as Markdown and as a page."""

import base64
import doctest
import hashlib
import json
import re
import shlex
import socket
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import typer.main

from benchmarks import protocol
from benchmarks.__main__ import app
from benchmarks.leaderboard import formatting, html, pictures
from benchmarks.leaderboard.build_summary import Made, summarise
from benchmarks.leaderboard.collect import read_results
from benchmarks.leaderboard.command import entries_of_ledger, leaderboard
from benchmarks.leaderboard.html import as_html
from benchmarks.leaderboard.markdown import as_markdown
from benchmarks.leaderboard.pictures import Axis
from benchmarks.leaderboard.summary import Measure, Summary
from benchmarks.leaderboard.track_tables import Settings
from tests.benchmarks.made_board import (
    BOUND_PER_S,
    MACHINE,
    RANDOM_PER_S,
    board_of,
    made,
    write_anchors,
    write_results,
)
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.files.sealed import sealed

SMALL, CONTENTION, WHAT_IF = "teletraffic-small", "contention", "what-if"
QUICK = Settings(resamples=200)
MEANS = {
    SMALL: {"optimum": 99.0, "density": 80.0, "max-revenue": -30.0, "a2c": 70.0},
    CONTENTION: {"density": 84.0, "max-revenue": -250.0, "a2c": 86.0},
}
HOSTILE = '"><script>alert(1)</script>|`x`'


@pytest.fixture(scope="module", autouse=True)
def known_anchors(tmp_path_factory):
    """Anchors in which random earns 10 a second and the bound is 30."""
    path = tmp_path_factory.mktemp("anchors") / "anchors.toml"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            protocol, "ANCHORS_FILE", write_anchors(path, [SMALL, CONTENTION, WHAT_IF, "offline"])
        )
        yield


@pytest.fixture(scope="module")
def results():
    """Four agents on two tracks, ten seeds; the optimum is not on contention."""
    return board_of(MEANS, learners=["a2c"])


@pytest.fixture(scope="module")
def summary(results) -> Summary:
    """Their summary."""
    return summarise(results, QUICK, Made("abc1234567", "2026-11-21", "a processor, 2 cores", 3, 1))


@pytest.fixture(scope="module")
def page(summary) -> str:
    """The HTML page of it."""
    return as_html(summary)


class Words(HTMLParser):
    """The text of a page, without tags; a space between elements."""

    def __init__(self):
        super().__init__()
        self.parts, self.tags, self.ignored = [], [], 0

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ignored += tag in {"style", "script"}

    def handle_endtag(self, tag):
        self.ignored -= tag in {"style", "script"}

    def handle_data(self, data):
        if not self.ignored:
            self.parts.append(data)

    @classmethod
    def of(cls, text):
        words = cls()
        words.feed(text)
        return words

    @property
    def text(self):
        return " ".join(" ".join(self.parts).split())


def rows_of_page(page: str, track: str) -> dict[str, str]:
    """Words of each row of a track's table, by agent."""
    section = page.split(f'id="track={track}"')[1].split("</section>")[0]
    rows = re.findall(r'<tr role="row"[^>]*data-agent="([^"]*)".*?</tr>', section, re.DOTALL)
    texts = re.findall(r'(<tr role="row"[^>]*data-agent="[^"]*".*?</tr>)', section, re.DOTALL)
    return {unescape(name): Words.of(text).text for name, text in zip(rows, texts, strict=True)}


def rows_of_markdown(text: str, track: str) -> dict[str, list[str]]:
    """Cells of each row of a track's table, by agent."""
    section = text.split(f"\n### {track}\n")[1].split("\n##")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][2:]
    cells = [[one.strip() for one in line.strip("| ").split(" | ")] for line in rows]
    return {one[0].strip("*"): one for one in cells}


def test_a_score_on_the_board_is_the_mean_of_what_the_cells_scored(results, summary):
    """Each row's score is the mean of `Result.scores` over its seeds."""
    for track in summary.tracks:
        for row in track.rows:
            cells = [
                one.scores()
                for one in results
                if (one.cell.track, one.cell.agent) == (row.track, row.agent)
            ]
            assert row.score.estimate == pytest.approx(np.mean(cells), abs=1e-9)
            assert row.score.low < row.score.estimate < row.score.high
            assert row.seeds == len(cells) == 10


def test_rows_stand_in_the_order_of_their_scores(summary):
    """The best comes first and has rank 1."""
    for track in summary.tracks:
        scores = [row.score.estimate for row in track.rows]
        assert scores == sorted(scores, reverse=True)
        assert [row.rank for row in track.rows] == list(range(1, len(scores) + 1))


def test_what_was_earned_agrees_with_the_score(results, summary):
    """On one scenario the raw return is the score on another scale, its interval too."""
    row = summary.row("density", CONTENTION)
    raw = [
        one.earned_per_s[CONTENTION]
        for one in results
        if (one.cell.track, one.cell.agent) == (CONTENTION, "density")
    ]
    assert row.earned_per_s.estimate == pytest.approx(np.mean(raw))
    for end in ("low", "high"):
        per_s = RANDOM_PER_S + (BOUND_PER_S - RANDOM_PER_S) * getattr(row.score, end) / 100
        assert getattr(row.earned_per_s, end) == pytest.approx(per_s)


def test_a_track_of_several_scenarios_averages_over_them():
    """Eight scenarios of a what-if count alike, and the return is that of all of them."""
    results = board_of({WHAT_IF: {"density": 60.0}}, seeds=2)
    row = summarise(results, QUICK).row("density", WHAT_IF)
    raw = [each for one in results for each in one.earned_per_s.values()]
    assert len(raw) == 16
    assert row.earned_per_s.estimate == pytest.approx(np.mean(raw))
    assert row.score.estimate == pytest.approx(np.mean([one.scores() for one in results]))


def test_a_track_of_logged_data_says_what_learners_are_given():
    """They are given decisions of a log instead of steps in an environment."""
    summary = summarise(board_of({"offline": {"density": 60.0}}, seeds=2), QUICK)
    assert summary.tracks[0].log == "100,000 logged decisions of density"
    assert "To learn: 100,000 logged decisions of density." in as_markdown(summary)


def test_bound_and_random_are_rows_of_their_own(summary, page):
    """100 and 0 stand in every table, with what they earn, their kind and their proof."""
    text = as_markdown(summary)
    for track in (SMALL, CONTENTION):
        in_page, in_text = rows_of_page(page, track), rows_of_markdown(text, track)
        assert "100.0" in in_page["bound"]
        assert "30.00" in in_page["bound"]
        assert in_text["bound"][2:5] == ["100.0", "", "30.00"]
        assert in_text["random"][2:5] == [
            formatting.with_interval(Measure(0.0, -0.5, 0.5)), "", "10.00 [9.90, 10.10]"
        ]  # fmt: skip
        assert "10.00 [9.90, 10.10]" in in_page["random policy"]
    assert "linear program over mean rates" in text
    assert "linear program over mean rates" in page


def test_markdown_and_page_and_summary_say_the_same_numbers(summary, page):
    """Score, interval, IQM, return, difference, verdict, seeds and cost of every row."""
    text = as_markdown(summary)
    for track in summary.tracks:
        in_page, in_text = rows_of_page(page, track.name), rows_of_markdown(text, track.name)
        assert len(in_page) == len(in_text) == len(track.rows) + 2
        for row in track.rows:
            digits = formatting.digits_for(track.bound_per_s)
            cells = [
                formatting.with_interval(row.score),
                formatting.number(row.iqm.estimate),
                formatting.with_interval(row.earned_per_s, digits),
                formatting.difference(row),
            ]
            assert in_text[row.agent][2:6] == cells
            for cell in (*cells, f"{row.seeds} seeds", *formatting.costs(row.cost)[:2]):
                assert cell in in_page[row.agent]
            if row.versus is not None:
                assert f"{row.versus.verdict}, {formatting.p_value(row.versus.corrected_p)}" in (
                    in_page[row.agent].replace(" ,", ",")
                )
                assert row.versus.verdict in in_text[row.agent][6]


def test_means_over_tracks_are_the_same_in_both(summary, page):
    """The overall tables too."""
    text, shown = as_markdown(summary), Words.of(page).text
    for row in summary.overall[0].rows:
        for said in (formatting.with_interval(row.mean), formatting.with_interval(row.iqm)):
            assert said in text
            assert said in shown


def test_agents_are_compared_over_common_tracks_alone(summary):
    """Who lacks a track is left out of the table over it, and that is said."""
    (table,) = summary.overall
    assert table.tracks == (SMALL, CONTENTION)
    assert [row.agent for row in table.rows] == ["density", "a2c", "max-revenue"]
    assert table.absent == (("optimum", 1),)
    means = [summary.row("density", name).score.estimate for name in table.tracks]
    assert table.rows[0].mean.estimate == pytest.approx(np.mean(means))


def test_an_agent_on_fewer_tracks_meets_the_others_on_those():
    """A second table is over the tracks of the agent that has fewer."""
    names = (SMALL, CONTENTION, "mild")
    with pytest.MonkeyPatch.context() as patch:
        extended = write_anchors(protocol.ANCHORS_FILE.with_name("three.toml"), names)
        patch.setattr(protocol, "ANCHORS_FILE", extended)
        scores = {name: {"density": 80.0, "fifo": 40.0} for name in names}
        scores[SMALL]["optimum"] = scores["mild"]["optimum"] = 99.0
        tables = summarise(board_of(scores, seeds=2), QUICK).overall
    assert [set(table.tracks) for table in tables] == [set(names), {SMALL, "mild"}]
    assert [row.agent for row in tables[1].rows] == ["optimum", "density", "fifo"]
    assert tables[1].rows[1].elsewhere == (CONTENTION,)


def test_verdicts_are_against_the_best_row(summary):
    """Who is far below the best is worse; the best is the reference."""
    track = next(one for one in summary.tracks if one.name == SMALL)
    assert track.reference == "optimum"
    assert track.rows[0].is_reference
    assert track.rows[0].versus is None
    assert {row.versus.verdict for row in track.rows[1:]} == {"worse"}
    assert track.rows[-1].versus.difference.estimate == pytest.approx(-129.0, abs=2.0)


def test_a_chosen_reference_is_taken_where_it_is(results):
    """All rows are compared with it, and those above it are better."""
    summary = summarise(results, Settings(reference="density", resamples=200))
    assert [one.reference for one in summary.tracks] == ["density", "density"]
    assert summary.row("optimum", SMALL).versus.verdict == "better"
    with pytest.raises(UnknownNameError, match="density"):
        summarise(results, Settings(reference="desnity"))


def test_agents_that_do_the_same_are_equivalent():
    """A twin of the best is equivalent, and an agent drowned in noise is inconclusive."""
    results = [made(SMALL, "density", seed, 80.0) for seed in range(4)]
    twins = [
        type(one)(**{**vars(one), "cell": type(one.cell)(SMALL, "fifo", one.cell.seed, "test")})
        for one in results
    ]
    noisy = [made(SMALL, "a2c", seed, 79.0, spread=8.0) for seed in range(4)]
    summary = summarise([*results, *twins, *noisy], Settings(reference="density", resamples=200))
    assert summary.row("fifo", SMALL).versus.verdict == "equivalent"
    assert summary.row("a2c", SMALL).versus.verdict == "inconclusive"


def test_a_single_seed_has_no_interval_and_says_so():
    """No verdict and no overall table are built on one training."""
    summary = summarise(
        board_of({SMALL: {"density": 80.0, "a2c": 70.0}}, seeds=1, learners=["a2c"])
    )
    row = summary.row("a2c", SMALL)
    assert row.score.low is row.score.high is row.versus is None
    assert summary.overall == ()
    assert "one seed, no interval" in rows_of_page(as_html(summary), SMALL)["a2c"]
    assert "one seed, no interval" in rows_of_markdown(as_markdown(summary), SMALL)["a2c"][2]
    assert summary.agents[-1].entries[0].curve.low == ()


def test_rows_are_compared_on_the_seeds_that_both_have():
    """Seeds of different worlds are not set against one another."""
    some = [made(SMALL, "density", seed, 80.0) for seed in range(6)]
    late = [made(SMALL, "a2c", seed, 70.0, spread=0.0) for seed in (4, 5, 6, 7)]
    alone = [made(SMALL, "fifo", seed, 40.0) for seed in (8, 9)]
    summary = summarise([*some, *late, *alone], QUICK)
    pairs = [
        np.mean(ours.scores()) - np.mean(theirs.scores())
        for ours, theirs in zip(late[:2], some[4:], strict=True)
    ]
    assert summary.row("a2c", SMALL).versus.difference.estimate == pytest.approx(np.mean(pairs))
    assert summary.row("fifo", SMALL).versus is None
    assert "too few common seeds" in rows_of_page(as_html(summary), SMALL)["fifo"]


def test_who_is_not_on_a_track_is_listed_with_the_reason(summary, page):
    """The optimum's own words, and that others have not been run."""
    track = next(one for one in summary.tracks if one.name == CONTENTION)
    reasons = {one.agent: one.reason for one in track.skipped}
    assert "optimum" in reasons
    assert "exponential patience" in reasons["optimum"]
    assert reasons["fifo"] == "it takes part, but has not been run yet"
    for text in (page, as_markdown(summary)):
        assert unescape(reasons["optimum"])[:40] in unescape(text).replace("\\", "")


def test_only_a_proven_bound_cannot_be_beaten(tmp_path, monkeypatch):
    """A whole interval above 100 is marked, unless the bound is the best known."""
    results = board_of({SMALL: {"density": 120.0}}, seeds=4)
    summary = summarise(results, QUICK)
    assert summary.row("density", SMALL).above_bound
    assert "above the bound" in rows_of_page(as_html(summary), SMALL)["density"]
    text = protocol.ANCHORS_FILE.read_text().replace('"LP"', '"best known"')
    (tmp_path / "known.toml").write_text(text)
    monkeypatch.setattr(protocol, "ANCHORS_FILE", tmp_path / "known.toml")
    assert not summarise(results, QUICK).row("density", SMALL).above_bound


def test_commands_are_those_of_the_command_line(summary):
    """The command of every row is one that `python -m benchmarks` understands."""
    group = typer.main.get_command(app)
    row = summary.row("a2c", CONTENTION)
    words = shlex.split(row.command)
    assert words[:3] == ["python", "-m", "benchmarks"]
    asked = group.commands[words[3]].make_context(words[3], words[4:]).params
    assert (asked["agents"], asked["tracks"], asked["seeds"]) == ("a2c", CONTENTION, 10)
    late = summarise([made(SMALL, "a2c", seed, 70.0) for seed in (4, 5)], QUICK)
    words = shlex.split(late.row("a2c", SMALL).command)
    asked = group.commands[words[3]].make_context(words[3], words[4:]).params
    assert (asked["first_seed"], asked["seeds"]) == (4, 2)


def test_names_and_words_from_results_are_only_text():
    """Markup in an agent's name does nothing, in the page or in the Markdown."""
    summary = summarise(board_of({SMALL: {HOSTILE: 50.0, "density": 80.0}}, seeds=2), QUICK)
    shown, text = as_html(summary), as_markdown(summary)
    scripts = [attrs for tag, attrs in Words.of(shown).tags if tag == "script"]
    assert scripts == [{}]
    assert "alert(1)</script>" not in shown
    assert HOSTILE in Words.of(shown).text
    table = text.split("</details>")[0].split("```")[0]
    assert "<script>" not in table
    assert all(line.count(" | ") == 11 for line in table.splitlines() if "&lt;script" in line)


def test_the_page_stands_alone(page):
    """Nothing is loaded from anywhere, and the browser is told to refuse it."""
    words = Words.of(page)
    for tag, attrs in words.tags:
        assert not {"src", "srcset", "action", "style", "onclick"} & attrs.keys(), (tag, attrs)
        assert attrs.get("href", "#").startswith("#")
        assert tag not in {"link", "img", "iframe", "object"}
    assert "url(" not in page
    assert "@import" not in page
    policy = next(attrs["content"] for tag, attrs in words.tags if "http-equiv" in attrs)
    assert "default-src 'none'" in policy
    for name in ("style", "script"):
        inside = re.search(rf"<{name}>(.*?)</{name}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in policy


def test_page_and_markdown_name_no_host_and_no_path(results, tmp_path):
    """The machine is the one that the results say, by its processor and its cores."""
    write_results(tmp_path / "board", results)
    leaderboard(tmp_path / "board", tmp_path, resamples=100, family="test")
    board = tmp_path / "board"
    for path in (tmp_path / "LEADERBOARD.md", board / "leaderboard.md", board / "leaderboard.html"):
        text = path.read_text("utf-8")
        assert MACHINE in unescape(text).replace("\\", "")
        assert socket.gethostname() not in text
        assert str(tmp_path) not in text
        assert str(Path.cwd()) not in text
    front = (tmp_path / "LEADERBOARD.md").read_text("utf-8")
    assert "](board/leaderboard.html)" in front
    assert "](board/leaderboard.md)" in front


def test_the_same_results_give_the_same_bytes(results, summary, page):
    """The order of the lines does not change the page."""
    again = summarise(
        results[::-1], QUICK, Made("abc1234567", "2026-11-21", "a processor, 2 cores", 3, 1)
    )
    assert again == summary
    assert as_html(again) == page
    assert as_markdown(again) == as_markdown(summary)


def test_curves_show_the_band_over_seeds(summary, page):
    """The learner has a curve on each track, a rule has none."""
    pages = {one.name: one for one in summary.agents}
    for entry in pages["a2c"].entries:
        assert len(entry.curve.steps) == 6
        assert all(
            low <= middle <= high
            for low, middle, high in zip(
                entry.curve.low, entry.curve.middle, entry.curve.high, strict=True
            )
        )
        assert entry.curve.tested_per_s == pytest.approx(entry.row.earned_per_s.estimate)
    assert all(entry.curve is None for entry in pages["density"].entries)
    assert page.count('aria-label="Learning curve of a2c') == 2


def test_the_page_of_an_agent_has_its_indicators(summary, page):
    """Means over seeds of utilisation and of loss by slice."""
    entry = next(one for one in summary.agents if one.name == "a2c").entries[1]
    shown = Words.of(page.split('id="agent=a2c"')[1].split("</article>")[0]).text
    for name, value in entry.indicators:
        kind, of = formatting.indicator(name)
        assert f"{of or kind} {formatting.indicator_value(name, value)}" in shown.replace("  ", " ")


@pytest.mark.parametrize("low", [0.0, -40.0, -250.0, -5000.0])
def test_scores_below_random_are_drawn_too(low):
    """All marks stay in the picture, in the order of the scores."""
    axis = Axis.over([Measure(low, low - 3.0, low + 3.0)])
    places = [axis.x(score) for score in (low - 3.0, low, 0.0, 50.0, 100.0)]
    assert 0.0 <= places[0] <= places[-1] <= axis.width
    assert places == sorted(places)
    assert axis.is_compressed == (low < -60.0)
    assert axis.x(100.0) - axis.x(0.0) > 0.5 * axis.width


def test_a_compressed_scale_says_so(page):
    """The page tells where scores below 0 have another scale."""
    parts = [page.split(f'id="track={name}"')[1].split("</section>")[0] for name in MEANS]
    assert ["compressed scale" in part for part in parts] == [False, True]


def test_a_board_without_results_is_refused_with_what_to_do(tmp_path):
    """No file, an empty one, and one of the other family each have their sentence."""
    with pytest.raises(ConfigError, match=r"no results\.jsonl.*benchmarks test"):
        leaderboard(tmp_path, tmp_path)
    write_results(tmp_path, [])
    with pytest.raises(ConfigError, match="no results on test worlds: run"):
        leaderboard(tmp_path, tmp_path)
    write_results(tmp_path, [made(SMALL, "density", 0, 80.0, family="validation")])
    with pytest.raises(ConfigError, match="--family validation shows"):
        leaderboard(tmp_path, tmp_path)
    assert not (tmp_path / "LEADERBOARD.md").exists()


def test_results_of_validation_worlds_are_marked_as_a_preview(tmp_path):
    """In the page and in the Markdown, and their commands are those of `run`."""
    write_results(tmp_path, [made(SMALL, "density", k, 80.0, family="validation") for k in (0, 1)])
    leaderboard(tmp_path, tmp_path, family="validation", resamples=100)
    for name in ("LEADERBOARD.md", "leaderboard.md", "leaderboard.html"):
        text = (tmp_path / name).read_text("utf-8")
        assert "A preview on validation worlds" in text
        assert ("python -m benchmarks run --agents density" in text) == (name != "LEADERBOARD.md")


def test_other_protocols_and_missing_anchors_are_refused(tmp_path, monkeypatch):
    """A number that cannot be compared is not shown."""
    line = json.loads(made(SMALL, "density", 0, 80.0).to_json()) | {"protocol": "board 0"}
    (tmp_path / "results.jsonl").write_text(sealed(json.dumps(line)) + "\n")
    with pytest.raises(ConfigError, match=r"line 1.*protocol"):
        read_results(tmp_path, "test")
    write_results(tmp_path, [made(SMALL, "density", 0, 80.0)])
    monkeypatch.setattr(protocol, "ANCHORS_FILE", tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no anchors"):
        leaderboard(tmp_path, tmp_path)


def test_results_of_former_tracks_are_left_out_and_counted(tmp_path):
    """They were earned on another task."""
    old = json.loads(made(SMALL, "fifo", 0, 80.0).to_json()) | {"track_digest": "0" * 16}
    write_results(tmp_path, [made(SMALL, "density", 0, 80.0)])
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write(sealed(json.dumps(old)) + "\n")
    read = read_results(tmp_path, "test")
    assert [one.cell.agent for one in read.results] == ["density"]
    assert read.stale == 1
    said = as_markdown(summarise(read.results, QUICK, Made(stale=read.stale)))
    assert "left out, of former versions of tracks: 1" in said


def test_a_result_with_other_worlds_than_its_track_is_refused():
    """A cut or padded list of worlds is no result."""
    one = made(SMALL, "density", 0, 80.0)
    one.earned_per_s[SMALL].pop()
    with pytest.raises(ConfigError, match="32 worlds"):
        summarise([one], QUICK)


def test_the_ledger_tells_commit_date_and_uses(tmp_path):
    """Uses that ran no cell count as uses, but made no result."""
    path = tmp_path / "test_uses.jsonl"
    assert entries_of_ledger(path) == {}
    entries = [
        {"time_utc": "2026-11-20T10:00:00+00:00", "cells": 4, "commit": "a" * 40, "dirty": False},
        {"time_utc": "2026-11-21T10:00:00+00:00", "cells": 2, "commit": "b" * 40, "dirty": True},
        {"time_utc": "2026-11-22T10:00:00+00:00", "cells": 0, "commit": "c" * 40, "dirty": False},
    ]
    path.write_text("".join(sealed(json.dumps(one)) + "\n" for one in entries))
    assert entries_of_ledger(path) == {
        "commit": "aaaaaaaaaa, bbbbbbbbbb with changes",
        "date": "2026-11-21",
        "uses": 3,
    }
    strange = sealed(json.dumps(entries[0] | {"commit": "\x1b[31m"}))
    for line in ("[]", json.dumps(entries[0]), sealed('{"cells": 1}'), strange):
        path.write_text(f"{line}\n")
        with pytest.raises(ConfigError, match="line 1"):
            entries_of_ledger(path)


@pytest.mark.parametrize("module", [formatting, html, pictures], ids=lambda one: one.__name__)
def test_examples_in_docstrings_hold(module):
    """Doctests of the formatting and the pictures."""
    outcome = doctest.testmod(module)
    assert outcome.failed == 0
    assert outcome.attempted > 0
