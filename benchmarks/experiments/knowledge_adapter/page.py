"""The figure and the page of the adapter experiment."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Measured, over_blocks
from benchmarks.experiments.drawing import draw_lines, save, styles_of
from benchmarks.experiments.knowledge_adapter.backbones import (
    IDS,
    MODEL,
    NUMBERS,
    RANDOM_MODEL,
    TFIDF,
    TINY,
)
from benchmarks.experiments.knowledge_adapter.measuring import (
    CEILING,
    LINEAR,
    MAJORITY,
    SHUFFLED,
    Row,
)
from benchmarks.experiments.knowledge_adapter.sources import CITY, FACTS, KINDS, PLAIN_CITY, Source
from benchmarks.experiments.pages import format_interval, table

PANELS = {
    "pair": "told from one wrong entity",
    "top": "named among all entities",
    "pair_l1": "L1 loss, true against one wrong",
}
COMPARED = (
    ("reading (language model less random weights, l = 32)",
     Row(MODEL, "l = 32"), Row(RANDOM_MODEL, "l = 32")),
    ("reading (language model less TF-IDF, linear)", Row(MODEL, LINEAR), Row(TFIDF, LINEAR)),
    ("the adapter (language model, l = 32 less linear)", Row(MODEL, "l = 32"), Row(MODEL, LINEAR)),
    ("numbers as numbers (numbers less language model, l = 32)",
     Row(NUMBERS, "l = 32"), Row(MODEL, "l = 32")),
    ("any text (language model less ids, l = 32)", Row(MODEL, "l = 32"), Row(IDS, "l = 32")),
)  # fmt: skip
"""What is compared: in words, a row, and the row that it is compared with."""

DRAWN = (MODEL, RANDOM_MODEL, TINY, TFIDF, NUMBERS, IDS)
HEAD = "l = 32"

Ends = Mapping[tuple[str, str], Measured]


def ends_of(entries: Sequence[Measured]) -> Ends:
    """The last entry of each source and row."""
    return {(one.scenario, one.label): one for one in entries}


def published(entries: Sequence[Measured]) -> list[Measured]:
    """The entries that are written down: all ends, and the curves of the figure."""
    ends = {id(one) for one in ends_of(entries).values()}
    drawn = {Row(one, HEAD).label for one in DRAWN}
    curves = {f"{part} {name}" for part in ("train", "held") for name in PANELS}
    found = []
    for one in entries:
        if id(one) in ends:
            found.append(one)
        elif one.label in drawn:
            told = {name: values for name, values in one.values.items() if name in curves}
            found.append(replace(one, values=told))
    return found


def draw(path: Path, entries: Sequence[Measured], sources: Sequence[Source]) -> None:
    """Accuracy and loss over epochs: of held-out facts of all backbones, of learned ones of one.

    Args:
        path: of the PNG.
        entries: what was measured.
        sources: a row of panels each.
    """
    shown = [one for one in sources if one.name in (CITY, KINDS)] or list(sources)
    labels = [Row(one, HEAD).label for one in DRAWN]
    trained = "learned from"
    styles = styles_of([*labels, trained])
    figure, axes = plt.subplots(
        len(shown), len(PANELS), figsize=(6.2 * len(PANELS), 4.2 * len(shown)), squeeze=False
    )
    for line, source in zip(axes, shown, strict=True):
        of_it = [one for one in entries if one.scenario == source.name]
        for axis, (measure, title) in zip(line, PANELS.items(), strict=True):
            lines = {
                label: [
                    (one.x, one.interval(f"held {measure}"))
                    for one in of_it
                    if one.label == label and f"held {measure}" in one.values
                ]
                for label in labels
            }
            lines[trained] = [
                (one.x, one.interval(f"train {measure}"))
                for one in of_it
                if one.label == labels[0] and f"train {measure}" in one.values
            ]
            axis.set_ylim(*((0.0, 0.55) if measure == "pair_l1" else (0.0, 1.02)))
            draw_lines(axis, {k: v for k, v in lines.items() if v}, styles)
            axis.set_title(f"{source.title}\n{title}", fontsize=9)
            axis.set_xlabel("epochs")
    figure.subplots_adjust(wspace=0.85, hspace=0.4)
    save(figure, path)


def page(
    entries: Sequence[Measured], sources: Sequence[Source], model: str, left_out: str, about: str,
    command: str,
) -> str:  # fmt: skip
    """The page of results.

    Args:
        entries: what was measured.
        sources: that were learned from.
        model: what the language model is.
        left_out: what is not there and why; may be empty.
        about: what the experiment is.
        command: that measures it.

    Returns:
        Markdown.
    """
    ends = ends_of(entries)
    seeds = max(len(values) for one in entries for values in one.values.values())
    parts = [
        f"# {_TITLE}",
        about.strip(),
        f"Measured with `python -m benchmarks.experiments.{command}`, Python "
        f"{platform.python_version()}. Figures are means over {seeds} seeds with Student's 95 % "
        "interval. A seed is a choice of what is held out, first weights, and batches; all rows "
        "meet the same. There is one city.",
        "![accuracy and loss over epochs](knowledge_adapter.png)",
        f"The language model of this page: {model}. {left_out}".strip(),
        "## Claimed and found\n\n" + _claimed(ends, sources),
        "## What adds what\n\n" + _added(ends, sources),
    ]
    for source in sources:
        parts.append(f"## {source.title[0].upper()}{source.title[1:]}\n\n" + _table(ends, source))
    parts.append("## What each row is\n\n" + _LEGEND)
    return "\n\n".join(parts) + "\n"


def _cell(ends: Ends, source: str, label: str, measure: str, digits: int = 3) -> str:
    one = ends.get((source, label))
    if one is None or measure not in one.values:
        return ""
    return format_interval(one.interval(measure), digits)


def _claimed(ends: Ends, sources: Sequence[Source]) -> str:
    """The paper's figures beside what was found, in both readings of accuracy."""
    label = Row(MODEL, HEAD).label
    heads = ["", "learned from", "held out", "held out, random weights", "held out, no text",
             "L1 held out"]  # fmt: skip
    rows = [["published", "→ 1", "about 0.9", "", "", ""]]
    for source in sources:
        for measure, loss in (("pair", "pair_l1"), ("top", "l1")):
            rows.append(
                [
                    f"{source.title}: {PANELS[measure]}",
                    _cell(ends, source.name, label, f"train {measure}"),
                    _cell(ends, source.name, label, f"end {measure}"),
                    _cell(ends, source.name, Row(RANDOM_MODEL, HEAD).label, f"end {measure}"),
                    _cell(ends, source.name, Row(IDS, HEAD).label, f"end {measure}"),
                    _cell(ends, source.name, label, f"end {loss}"),
                ]
            )
    told = f"The language model with a bottleneck of 32, after the last epoch. {_WHY}"
    return table(heads, rows) + "\n\n" + told


def _added(ends: Ends, sources: Sequence[Source]) -> str:
    """Differences between rows, seed by seed."""
    rows = []
    for source in sources:
        for told, first, second in COMPARED:
            one, other = (ends.get((source.name, row.label)) for row in (first, second))
            if one is None or other is None:
                continue
            gains = [
                over_blocks(one.values[f"end {measure}"] - other.values[f"end {measure}"])
                for measure in ("top", "pair")
            ]
            rows.append([source.title, told, *(format_interval(gain) for gain in gains)])
    heads = ["", "more by", PANELS["top"], PANELS["pair"]]
    return table(heads, rows) + "\n\n" + _ADDS


def _table(ends: Ends, source: Source) -> str:
    """All rows of a source: learned, held out, and each relation."""
    labels = [label for name, label in ends if name == source.name]
    heads = ["row", "learned from", "held out", *source.groups, "told from one", "L1", "nats"]
    rows = [
        [
            label,
            _cell(ends, source.name, label, "train top"),
            _cell(ends, source.name, label, "end top"),
            *(_cell(ends, source.name, label, f"{group}: top") for group in source.groups),
            _cell(ends, source.name, label, "end pair"),
            _cell(ends, source.name, label, "end l1"),
            _cell(ends, source.name, label, "end nats", 2),
        ]
        for label in labels
    ]
    note = {
        CITY: _CITY, FACTS: _FACTS, PLAIN_CITY: _PLAIN, KINDS: _KINDS,
    }  # fmt: skip
    return table(heads, rows) + "\n\n" + note[source.name]


_LEGEND = f"""\
Accuracy is the share of facts whose entity scores highest among all that the relation may lead to
(47 gateways that have sensors, 3 services; ties share), but for the column "told from one", which
is the probability that the true entity scores higher than one wrong one. L1 is equation (9) over
all candidates; of a pair in the figure. Relations that lead to one entity only (a service is in the
city) are left out.

- {CEILING}: Bayes' rule of one who knows how the city was generated, all texts, and the facts that
  are learned from. Without places it is 1/47 for connections, as no score of texts tells gateways
  apart; what learned facts say of how many sensors a gateway has is not counted, and rows that know
  gateways by name (majority, nearest neighbour) are a little above it.
- {MAJORITY}: the entity that the relation most often leads to.
- nearest neighbour: the entity that the likest learned head has, by the angle of the features.
- {LINEAR}: the relation head alone on the features, without an adapter; l = 8, 32, 128: with the
  adapter of equation (8), h + ReLU(h W_D) W_U.
- random language model, random tiny: networks of the same shape whose weights were drawn, so that
  they have read nothing.
- tiny: four layers of width 128 over bytes, pre-trained here for 400 steps on facts of 100 other
  generated cities (it has so read what a bin serves, which no adapter told it); no large language
  model.
- {TFIDF}: weighted words (numbers are words); {NUMBERS}: kind and place of the text read by a rule,
  with squares; {IDS}: a table of embeddings that are told no text.
- {SHUFFLED}: the language model, l = 32, learned from facts whose ends were permuted."""

_TITLE = "What a twin adapter learns (paper C, Fig. 7)"

_WHY = """\
The published curve is found where accuracy is whether a true relation is told from one wrong one:
it begins at 0.5, as the published axes do for accuracy and for L1, reaches 1 in training, and about
0.9 on what was held out. But 0.9 is then little: in the city a network that has read nothing
reaches 0.86, and a rule that reads kind and place from the text 0.94. Where the right entity is to
be named among all, two thirds of the city are right: services nearly always, connections in less
than half (a guess among 47 gateways is right in 0.02, and all could be known from the texts). So
"about 0.9" does not show that the twin knows its topology."""

_ADDS = """\
What the language model has read helps. In the city it names more connections than random weights
do, so it gets from digits how near two places are, though no better than numbers that are given as
numbers. Of kinds never seen it tells the service from a wrong one better than random weights, and a
little better than words (TF-IDF); that it names more services than words is not shown. The adapter
of equation (8) adds nothing that is beyond the noise to a linear head on the same features: what is
learned from is fitted better, what is held out is not known better. No setting was tuned, neither
for a row nor for an epoch; the published learning rate (0.08) belongs to a trainer that is not
named. Neither the model nor the data are the published ones: "Llama-2-8B" does not exist, and the
300 nodes were not published."""

_CITY = """\
Held out are all facts of 15 % of sensors and gateways, so that nobody can know them by name: ids
are at a guess, and shuffled facts no better than the majority. With numbers the same head comes
nearest to the ceiling, and does not reach it in sixty epochs. Random weights keep much of a text,
for equal words and digits give like features. Few gateways are held out (about 8 a seed), and their
service is in no text: it could be known from their neighbours only."""

_FACTS = """\
As above, but single facts are held out, so that an entity may be known by another fact of its: a
sensor's gateway tells its service. Embeddings without text gain a little from that, and the others
nothing."""

_PLAIN = """\
Texts say "gateway" and no more: no row that reads them can tell one gateway from another, and all
are at the guess of 1/47, whatever has read how much. What is left is that kinds tell services; a
truck may work for two of them."""

_KINDS = """\
71 types of smart-data-models in 8 groups that are taken as services; each is held out once, in five
parts. The texts are the name of a type and its first twelve properties. No ceiling is known: people
sorted them."""
