"""The page: figures by the number of UEs, differences paired by seed, and what they cost."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import torch

from benchmarks.experiments.blocks import Measured, over_blocks
from benchmarks.experiments.command import Page
from benchmarks.experiments.message_twins.figure import draw
from benchmarks.experiments.message_twins.known import (
    AUTOMATON,
    CHANCE,
    MOST_FREQUENT,
    TABLE_OF_6,
    TABLE_OF_16,
    TABLES,
    WINDOW_OF_ALL,
    WINDOW_OF_ONE,
)
from benchmarks.experiments.message_twins.plan import Plan
from benchmarks.experiments.message_twins.telling import CLAIM, FOUND, KNOWN, SET_UP, TRIED
from benchmarks.experiments.message_twins.trained import DECODINGS, TENTHS, label_of
from benchmarks.experiments.pages import format_interval, table
from benchmarks.machine import this_machine
from benchmarks.statistics import Interval
from twin_gym.twins.signalling.learned.networks import blank_network, num_parameters

TRANSFORMER_OF_ALL = label_of("transformer", "interleaved")
LSTM_OF_ALL = label_of("lstm", "interleaved")
TRANSFORMER_OF_ONE = label_of("transformer", "per-ue")
LSTM_OF_ONE = label_of("lstm", "per-ue")
TRAINED = (TRANSFORMER_OF_ALL, LSTM_OF_ALL, TRANSFORMER_OF_ONE, LSTM_OF_ONE)
SUFFIXES = {"": "", "grammar_": ", by the grammar", "open_": ", may say nothing"}
ROWS = (AUTOMATON, CHANCE, WINDOW_OF_ALL, WINDOW_OF_ONE, MOST_FREQUENT, *TABLES, *TRAINED)
PAIRS = (
    (TRANSFORMER_OF_ALL, LSTM_OF_ALL),
    (TRANSFORMER_OF_ONE, LSTM_OF_ONE),
    *((one, other) for one in TRAINED for other in (TABLE_OF_6, TABLE_OF_16)),
)
ALL = {
    "accuracy": "accuracy", "precision": "precision", "recall": "recall", "f1": "F1",
    "exact": "exact message", "violations": "violations",
}  # fmt: skip
STATEFUL = {f"stateful_{name}": title for name, title in ALL.items() if name != "violations"}
HEADLINES = {
    "stateful_f1": "F1 on the stateful subset",
    "f1": "F1 on all messages",
    "stateful_exact": "Exact messages on the stateful subset",
    "exact": "Exact messages of all",
}
_DIGITS = 4

Points = Mapping[tuple[str, int], Measured]
"""By label and number of UEs."""


def page(measured: Sequence[Measured], plan: Plan, command: str) -> Page:
    """The page of what is measured.

    Args:
        measured: rows by number of UEs; what is missing is left out.
        plan: of the run.
        command: that measures it, behind `python -m benchmarks.experiments.`.

    Returns:
        Markdown and its figure.
    """
    points = {(one.label, round(one.x)): one for one in measured}
    ues = [count for count in plan.ues if any(at == count for _, at in points)]
    parts = [
        "# Message twins by the number of concurrent UEs (paper B, Fig. 4a)",
        CLAIM,
        f"Measured with `python -m benchmarks.experiments.{command}` on {this_machine()}, Python "
        f"{platform.python_version()}, torch {torch.__version__}, one thread. {_cost(points)}",
        FOUND if plan == Plan() else "",
        "![scores by the number of UEs](message_twins.png)",
        "## Differences\n\n"
        "F1 on the stateful subset, paired by seed; bold where the 95 % interval leaves 0 out.",
        differences(points, ues),
        "\n".join(f"- {line}" for line in verdict(points, ues)),
        *(
            part
            for name, title in HEADLINES.items()
            for part in (f"## {title}", by_ues(points, ues, name))
        ),
        "## What is known\n\n" + KNOWN,
        "## Set-up\n\n" + SET_UP + "\n\n" + _settings(plan),
        "## Trainings",
        trainings(points, ues),
        "## What was tried\n\n" + TRIED,
        *(part for count in ues for part in _everything(points, count)),
    ]
    return Page(
        "\n\n".join(part for part in parts if part) + "\n", {".png": partial(draw, points=points)}
    )


def by_ues(points: Points, ues: Sequence[int], name: str) -> str:
    """One figure, a row for each that is measured, a column for each number of UEs."""
    rows = []
    for label, prefix in _rows(points):
        key = f"{prefix}{name}"
        cells = [_cell(points.get((label, count)), key) for count in ues]
        if any(cells):
            rows.append([_title(label, prefix), *cells])
    return table(["", *(f"K = {count}" for count in ues)], rows)


def differences(points: Points, ues: Sequence[int], name: str = "stateful_f1") -> str:
    """Differences of two rows, paired by seed."""
    rows = []
    for one, other in PAIRS:
        cells = []
        for count in ues:
            found = _difference(points, one, other, count, name)
            text = "" if found is None else format_interval(found, _DIGITS)
            is_clear = found is not None and found.is_known and not found.low <= 0.0 <= found.high
            cells.append(f"**{text}**" if is_clear else text)
        if any(cells):
            rows.append([f"{one} - {other}", *cells])
    return table(["", *(f"K = {count}" for count in ues)], rows)


def verdict(points: Points, ues: Sequence[int], name: str = "stateful_f1") -> list[str]:
    """In a sentence a pair, at which numbers of UEs one row is clearly above the other."""
    lines = []
    for one, other in PAIRS:
        by: dict[str, list[int]] = {"above": [], "below": [], "level": []}
        for count in ues:
            found = _difference(points, one, other, count, name)
            if found is not None and found.is_known:
                by["level" if found.low <= 0.0 <= found.high else
                   "above" if found.estimate > 0.0 else "below"].append(count)  # fmt: skip
        said = [
            f"{word} at K = {', '.join(map(str, by[key]))}"
            for key, word in (
                ("above", "clearly above"), ("below", "clearly below"),
                ("level", "not clearly apart"),
            )
            if by[key]
        ]  # fmt: skip
        if said:
            lines.append(f"{one}, against {other}: {'; '.join(said)}.")
    return lines


def trainings(points: Points, ues: Sequence[int]) -> str:
    """What trainings cost, and whether they were at their end: losses by tenth."""
    tenths = (1, 5, 8, TENTHS)
    heads = [
        "", "UEs", "seeds", "core-seconds", "load before", *(f"loss, tenth {n}" for n in tenths)
    ]  # fmt: skip
    rows = []
    for label in TRAINED:
        for count in ues:
            one = points.get((label, count))
            if one is not None:
                means = [
                    f"{one.values[name].mean():.{digits}f}"
                    for name, digits in (
                        ("core_seconds", 0), ("load", 2), *((f"loss_{n}", 4) for n in tenths)
                    )
                ]  # fmt: skip
                rows.append([label, str(count), str(len(one.values["load"])), *means])
    return table(heads, rows)


def _everything(points: Points, count: int) -> Iterable[str]:
    """All figures of one number of UEs."""
    yield f"## All figures: K = {count}"
    heads = ["", *ALL.values(), *(f"{title}, stateful" for title in STATEFUL.values())]
    rows = []
    for label, prefix in _rows(points):
        cells = [_cell(points.get((label, count)), f"{prefix}{name}") for name in (*ALL, *STATEFUL)]
        if any(cells):
            rows.append([_title(label, prefix), *cells])
    yield table(heads, rows)
    judged = points.get((AUTOMATON, count))
    if judged is not None:
        means = {name: values.mean() for name, values in judged.values.items()}
        yield (
            f"{means['num_messages']:,.0f} messages of the core a seed, of them "
            f"{means['num_stateful']:,.0f} stateful. Accuracy of a prediction without any entry: "
            f"{means['absent_accuracy']:.{_DIGITS}f}."
        )


def _rows(points: Points) -> list[tuple[str, str]]:
    """Labels with the prefix of their figures; trained rows once for each way of decoding."""
    there = {label for label, _ in points}
    rows = []
    for label in ROWS:
        if label in there:
            rows += [(label, one) for one in (DECODINGS if label in TRAINED else ("",))]
    return rows


def _title(label: str, prefix: str) -> str:
    return label + SUFFIXES[prefix]


def _cell(one: Measured | None, name: str) -> str:
    return (
        ""
        if one is None or name not in one.values
        else format_interval(one.interval(name), _DIGITS)
    )


def _difference(points: Points, one: str, other: str, count: int, name: str) -> Interval | None:
    """One row less another, over the seeds that both have; None where one is missing."""
    left, right = points.get((one, count)), points.get((other, count))
    if left is None or right is None:
        return None
    seeds = min(len(left.values[name]), len(right.values[name]))
    return over_blocks(left.values[name][:seeds] - right.values[name][:seeds])


def _cost(points: Points) -> str:
    """What the trainings took, and when."""
    trained = [one for (label, _), one in points.items() if label in TRAINED]
    if not trained:
        return ""
    ended = [float(value) for one in trained for value in one.values["ended_s"]]
    days = sorted({datetime.fromtimestamp(at, UTC).date().isoformat() for at in ended})
    seconds = [float(value) for one in trained for value in one.values["core_seconds"]]
    loads = [float(value) for one in trained for value in one.values["load"]]
    return (
        f"{len(seconds)} trainings took {sum(seconds):,.0f} core-seconds on {' and '.join(days)}, "
        f"beside a load of {min(loads):.1f} to {max(loads):.1f}. Figures are means over seeds with "
        "Student's 95 % interval."
    )


def _settings(plan: Plan) -> str:
    """How large networks and logs are."""
    lines = []
    for context, settings in (("all UEs", plan.interleaved), ("per UE", plan.per_ue)):
        sizes = [
            num_parameters(blank_network(plan.settings(network, settings.context)))
            for network in ("transformer", "lstm")
        ]
        lines.append(
            f"- {context}: {settings.num_steps:,} steps of {settings.batch_size} windows of "
            f"{settings.window} messages, learning rate {settings.learning_rate:g}; "
            f"{sizes[0]:,} parameters (Transformer, {settings.layers} layers of width "
            f"{settings.width}) and {sizes[1]:,} (LSTM)."
        )
    lines.append(
        f"- Logs: {plan.learned_s:g} s to learn from and {plan.judged_s:g} s to be judged by, all "
        "UEs together, so that every K has about as many messages."
    )
    return "\n".join(lines)
