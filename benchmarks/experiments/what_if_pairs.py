"""The simulations that a what-if question saves when both sides share their worlds.

What the world does to a network is a pure function of seed and index, so that two networks, or two
policies, can be compared in the very same worlds, and the difference is taken world by world. How
many unrelated worlds would give the same interval is measured here for small and large changes of
rates and of capacity, and for other policies, in all four environments; and whether the intervals
hold what they promise.

`python -m benchmarks.experiments.what_if_pairs` runs every side of every question once. It can be
stopped and goes on where it was.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from benchmarks.experiments.blocks import (
    Floats,
    Measured,
    measure_with_bar,
    over_blocks,
)
from benchmarks.experiments.drawing import Lines, draw_lines, save, styles_of
from benchmarks.experiments.pages import (
    Again,
    Kept,
    Out,
    Quick,
    Worlds,
    page_of,
    places,
    show_and_keep,
    table,
)
from benchmarks.experiments.pairing import (
    Coverage,
    coverage,
    reduction_interval,
    reductions_of_blocks,
    share_interval,
)
from benchmarks.experiments.what_if_questions import (
    FACTORS,
    LARGE,
    SMALL,
    SUBJECTS,
    Question,
    Subject,
    questions,
    short,
)
from benchmarks.statistics import Interval
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.files.whole import write_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAME = "what_if_pairs"
ANSWER_WORLDS = 64
"""Of an answer of `twin-gym what-if`, if nothing else is said."""
COVERAGE_WORLDS = (8, ANSWER_WORLDS)
"""Of the small answers whose intervals are checked."""
_LEAST_ANSWERS = 4

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class JudgedPair:
    """The estimates of one indicator of one question.

    Attributes:
        scenario: name of the network.
        question: what was asked.
        kpi: of what.
        before: mean.
        difference: mean of the paired differences with Student's interval.
        reduction: of the variance, by the same worlds, with the interval of the bootstrap.
        answers: the reduction that each answer of 64 worlds would have told.
        held: of the intervals, by the worlds of an answer; empty where nothing varies.
    """

    scenario: str
    question: Question
    kpi: str
    before: float
    difference: Interval
    reduction: Interval
    answers: Floats = field(compare=False)
    held: Mapping[int, Coverage] = field(compare=False)

    @property
    def varies(self) -> bool:
        """Whether the difference is not the same in all worlds."""
        return bool(np.isfinite(self.reduction.estimate))


@app.command(cls=ErrorReportingCommand)
def main(
    blocks: int = typer.Option(8, min=1, help=f"Of {ANSWER_WORLDS} worlds each."),
    worlds: Worlds = ANSWER_WORLDS,
    quick: Quick = False,
    again: Again = False,
    out: Out = None,
    kept: Kept = None,
) -> None:
    """Measures what is not measured yet, and writes JSON, PNG and a Markdown page."""
    folder, file = places(NAME, out, kept, quick=quick, again=again)
    factors: Sequence[float] = FACTORS
    if quick:
        blocks, worlds, factors = 1, 32, (SMALL, LARGE)
    asked = [(subject, one) for subject in SUBJECTS for one in questions(subject, factors)]
    if quick:
        asked = [(subject, one) for subject, one in asked if one.group != "horizon"]
    count = blocks * worlds
    sides = {
        (subject.scenario, side.label): side.cell(subject.kpis, count)
        for subject, one in asked
        for side in (one.before, one.after)
    }
    measured = measure_with_bar(list(sides.values()), file)
    by_side = {(one.scenario, one.label): one for one in measured}
    pairs = [
        judged(subject.scenario, one, kpi, by_side, worlds)
        for subject, one in asked
        for kpi in subject.kpis
    ]
    page = _page(pairs, count, f"{NAME} --blocks {blocks} --worlds {worlds}")
    show_and_keep(
        page,
        lambda: _publish(folder, page, pairs),
        lambda: _draw(folder / f"{NAME}.png", pairs),
    )


def judged(
    scenario: str, question: Question, kpi: str, by_side: Mapping[tuple[str, str], Measured],
    worlds: int,
) -> JudgedPair:  # fmt: skip
    """One indicator of one question.

    Args:
        scenario: name of the network.
        question: what is asked.
        kpi: of what.
        by_side: what was measured, by network and label.
        worlds: of an answer.

    Returns:
        Difference, reduction and coverage.
    """
    before, after = (
        by_side[scenario, side.label].values[kpi] for side in (question.before, question.after)
    )
    both = np.isfinite(before) & np.isfinite(after)
    before, after = before[both], after[both]
    rng = np.random.default_rng(zlib.crc32(f"{scenario} {question.label} {kpi}".encode()))
    saved = reduction_interval(before, after, rng)
    sizes = [size for size in COVERAGE_WORLDS if len(before) >= _LEAST_ANSWERS * size]
    varies = np.isfinite(saved.estimate)
    return JudgedPair(
        scenario, question, kpi, float(before.mean()), over_blocks(after - before), saved,
        reductions_of_blocks(before, after, worlds),
        {size: coverage(before, after, size) for size in sizes if varies},
    )  # fmt: skip


def _draw(path: Path, pairs: Sequence[JudgedPair]) -> None:
    """Reduction by the growth of the rate, and by the length of the episode; a column a network."""
    columns = len(SUBJECTS)
    figure, axes = plt.subplots(2, columns, figsize=(5.6 * columns, 9.0), squeeze=False)
    for row, group in zip(axes, ("rate", "horizon"), strict=True):
        for axis, subject in zip(row, SUBJECTS, strict=True):
            lines = _lines(pairs, subject, group)
            if not lines:
                axis.axis("off")
                continue
            _scale(axis)
            axis.axhline(1.0, color="#999999", linewidth=0.8)
            draw_lines(axis, lines, styles_of([kpi.replace("_", " ") for kpi in subject.kpis]))
            axis.set_title(subject.scenario, fontsize=10)
            more = f"{short(subject.rate)}, % more"
            axis.set_xlabel(more if group == "rate" else "length of the episode (s), rate 1 % more")
        row[0].set_ylabel("so many times more unrelated worlds")
    figure.subplots_adjust(wspace=0.6, hspace=0.3)
    save(figure, path)


def _scale(axis: Axes) -> None:
    """Makes both axes logarithmic, with plain numbers."""
    axis.set(xscale="log", yscale="log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0), numticks=12))
    for one in (axis.xaxis, axis.yaxis):
        one.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        one.set_minor_locator(NullLocator())


def _lines(pairs: Sequence[JudgedPair], subject: Subject, group: str) -> Lines:
    """Points by indicator, those left out that do not vary."""
    lines: dict[str, list[tuple[float, Interval]]] = {}
    for one in pairs:
        if one.scenario == subject.scenario and one.question.group == group and one.varies:
            lines.setdefault(_named(one), []).append((one.question.x, one.reduction))
    return lines


def _publish(folder: Path, page: str, pairs: Sequence[JudgedPair]) -> None:
    """Numbers and page; what is not a number is null."""
    lines = ",\n".join(json.dumps(_entry(one)) for one in pairs)
    write_text(folder / f"{NAME}.json", f"[\n{lines}\n]\n", makes_folder=True)
    write_text(folder / f"{NAME}.md", page, makes_folder=True)


def _entry(one: JudgedPair) -> dict[str, Any]:
    def numbers(values: Sequence[float]) -> list[float | None]:
        return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]

    def ends(value: Interval) -> list[float | None]:
        return numbers([value.estimate, value.low, value.high])

    return {
        "scenario": one.scenario, "group": one.question.group, "question": one.question.label,
        "x": one.question.x, "kpi": one.kpi, "before": numbers([one.before])[0],
        "difference": ends(one.difference), "reduction": ends(one.reduction),
        "answers": numbers(one.answers.tolist()),
        "coverage": {
            str(size): [of.paired, of.unrelated, of.tries] for size, of in one.held.items()
        },
    }  # fmt: skip


def _page(pairs: Sequence[JudgedPair], count: int, command: str) -> str:
    parts = [
        f"{count} worlds. `x` stands for *so many times more unrelated worlds for the same "
        "interval* (variance of the difference with unrelated worlds over that with the same "
        "ones), with the 95 % interval of a bootstrap over worlds; in brackets what answers of "
        f"{ANSWER_WORLDS} worlds would have said, least to most.",
        f"![what the same worlds save]({NAME}.png)",
        "## What is saved\n\n" + _saved_table(pairs),
        "## Most and least\n\n" + _extremes(pairs),
        "## Why it is much here and little there\n\n" + WHY,
        "## Do the intervals hold what they promise\n\n" + _coverage_table(pairs),
    ]
    return page_of("The same worlds on both sides of a what-if question", __doc__, command, parts)


WHY = """\
- *The two sides stay together.* A change that alters neither what is decided nor what the world
  draws moves an indicator by nearly the same in all worlds: where entities are asked in turn, those
  that are asked and the answers that get lost are the same ones, however fast the values move.
- *They part.* A request more is admitted, something else finds no room, and from there on the two
  networks live through other moments of the same world. The lower panels show it: of `contention`
  with 1 % more requests of a slice the same worlds save a great deal in the first seconds, and
  after a minute only what depends on the world alone: how much is offered, and when. The size of
  the change hardly matters then.
- *The world outweighs the network.* Throughput varies with what is offered, and the end of a wave
  of access with the moment at which the world lets it begin: both sides share them. Tails of
  latency and losses hang on single moments, which they do not share.
- *Another kind of policy.* If one side hardly feels what moves the other (an indicator that is
  nearly constant on one side, waits that vanish), nothing is in common that could fall out: 1.
- *Below 1* the two sides would have to go against each other, worlds that are bad for one being
  good for the other. The same worlds then cost something, and the interval of the paired
  difference is right all the same. How often that was clearly so here stands above."""


def _saved_table(pairs: Sequence[JudgedPair]) -> str:
    """The savings of all questions but those of the figure alone."""
    rows = []
    for one in pairs:
        is_listed = one.question.group in ("capacity", "policy")
        if is_listed or (one.question.group == "rate" and _is_listed(one.question.x)):
            gap = (one.difference.high - one.difference.low) / 2.0
            rows.append(
                [
                    f"`{one.scenario}`", one.question.label, _named(one),
                    f"{one.before:.4g}", f"{one.difference.estimate:+.3g} ± {gap:.2g}",
                    _format_reduction(one),
                ]
            )  # fmt: skip
    heads = ["network", "question", "indicator", "as it is", "difference", "saved (x)"]
    return table(heads, rows)


def _is_listed(growth: float) -> bool:
    return any(abs(growth - 100 * (factor - 1)) < 1e-6 for factor in (SMALL, LARGE))  # noqa: PLR2004


def _format_reduction(one: JudgedPair) -> str:
    """The reduction with its interval and the answers' range."""
    if not one.varies:
        return "does not vary"
    answers = one.answers[np.isfinite(one.answers)]
    single = f" ({answers.min():.3g} to {answers.max():.3g})" if len(answers) else ""
    return f"{one.reduction:.3g}{single}"


def _extremes(pairs: Sequence[JudgedPair]) -> str:
    """The greatest and smallest savings, without the questions on the length of the episode."""
    able = [one for one in pairs if one.varies and one.question.group != "horizon"]
    able.sort(key=lambda one: one.reduction.estimate)
    below = [one for one in able if one.reduction.high < 1.0]
    shares = [np.mean([one.reduction.estimate >= k for one in able]) for k in (10.0, 2.0)]
    lines = [
        f"Of {len(able)} pairs of question and indicator, the same worlds save tenfold and more "
        f"in {shares[0]:.0%}, twofold and more in {shares[1]:.0%}; they cost something (interval "
        f"below 1) in {len(below)}.",
        "Most:\n\n" + _list(able[-1:-7:-1]),
        "Least:\n\n" + _list(able[:6]),
    ]
    return "\n\n".join(lines)


def _list(pairs: Sequence[JudgedPair]) -> str:
    return "\n".join(
        f"- `{one.scenario}`, {one.question.label}, {_named(one)}: {one.reduction:.3g}"
        for one in pairs
    )


def _coverage_table(pairs: Sequence[JudgedPair]) -> str:
    """The coverage in all questions but those of the length of the episode."""
    rows = []
    for subject in SUBJECTS:
        for size in COVERAGE_WORLDS:
            held = [
                (one, one.held[size])
                for one in pairs
                if one.scenario == subject.scenario and one.question.group != "horizon"
                if size in one.held
            ]
            if held:
                rows.append([f"`{subject.scenario}`", str(size), *_coverage_row(held)])
    heads = [
        "network", "worlds", "answers", "same worlds hold (%)", "unrelated worlds hold (%)",
        "least of an indicator", "squared widths over claim", "squared errors over claim",
    ]  # fmt: skip
    return table(heads, rows) + "\n\n" + COVERED


COVERED = """\
All worlds are cut into answers of 8 and of 64. The true difference is the mean over all worlds that
an answer has not seen, and its own uncertainty is allowed for. An interval of 95 % should hold it
in 95 %. The answers of one network share worlds, so that the interval beside a share is too narrow.
The last two columns are geometric means over indicators of what unrelated worlds really cost over
what the reduction claims: by the squared widths of the intervals (Student's quantile is larger for
pairs than for two samples: 0.82 to 1 is expected of 8 worlds, and 0.98 to 1 of 64), and by the
squared errors, which are few and noisy with 64 worlds.

What pulls the share of 8 worlds down are indicators that differ in few worlds only, or move in
steps: a percentile in whole slots, losses that most worlds do not have. Eight worlds may all show
no difference where there is a rare one, and an interval of no width misses it; the column of the
least shows the worst of them. Such indicators need more worlds. (Of 64 worlds there are few answers
an indicator, and the least of so many shares is low by chance.)"""


def _coverage_row(held: Sequence[tuple[JudgedPair, Coverage]]) -> list[str]:
    """Shares over all indicators of a network, the least of one, and the two ratios."""
    tries = sum(of.tries for _, of in held)
    least, least_of = min(held, key=lambda pair: pair[1].paired / pair[1].tries)
    claims = np.array([one.reduction.estimate for one, _ in held])
    costs = np.array([[of.squared_widths, of.squared_errors] for _, of in held])
    widths, errors = np.exp(np.nanmean(np.log(costs / claims[:, None]), axis=0))
    return [
        f"{tries:,}",
        _share(sum(of.paired for _, of in held), tries),
        _share(sum(of.unrelated for _, of in held), tries),
        f"{100 * least_of.paired / least_of.tries:.0f} ({least.question.label}, {_named(least)})",
        f"{widths:.2f}",
        f"{errors:.2f}",
    ]


def _named(one: JudgedPair) -> str:
    return one.kpi.replace("_", " ")


def _share(held: int, tries: int) -> str:
    interval = share_interval(held, tries)
    return f"{100 * interval.estimate:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


if __name__ == "__main__":
    app()
