"""The figure and the page of the adapter experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import pyplot as plt

from benchmarks.experiments.blocks import Measured
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
from benchmarks.experiments.pages import format_interval, page_of, table

PANELS = {
    "pair": "told from one wrong entity",
    "top": "named among all entities",
    "pair_l1": "L1 loss, true against one wrong",
}
DRAWN = (MODEL, RANDOM_MODEL, TINY, TFIDF, NUMBERS, IDS)
HEAD = "l = 32"

Ends = Mapping[tuple[str, str], Measured]


def ends_of(entries: Sequence[Measured]) -> Ends:
    """The last entry of each source and row."""
    return {(one.scenario, one.label): one for one in entries}


def draw(path: Path, entries: Sequence[Measured], sources: Sequence[Source]) -> None:
    """Accuracy and loss over epochs: of held-out facts of all backbones, of learned ones of one.

    Args:
        path: of the PNG.
        entries: what was measured.
        sources: a row of panels each.
    """
    shown = [one for one in sources if one.name in (CITY, KINDS)] or list(sources)
    labels = [Row(one, HEAD).label for one in DRAWN]
    trained = f"{labels[0]}, learned from"
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
    figure.subplots_adjust(wspace=0.75, hspace=0.4)
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
    parts = [
        "![accuracy and loss over epochs](knowledge_adapter.png)",
        f"The language model of this page: {model}. {left_out}".strip(),
        "## Claimed and found\n\n" + _claimed(ends, sources),
    ]
    for source in sources:
        parts.append(f"## {source.title[0].upper()}{source.title[1:]}\n\n" + _table(ends, source))
    parts.append("## What each row is\n\n" + _LEGEND)
    return page_of("What a twin adapter learns (paper C, Fig. 7)", about, command, parts)


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
(50 gateways, 3 services; ties share), but for the column "told from one", which is the probability
that the true entity scores higher than one wrong one. L1 is equation (9) over all candidates; of a
pair in the figure. Relations that lead to one entity only (a service is in the city) are left out.

- {CEILING}: Bayes' rule of one who knows how the city was generated, all texts, and the facts that
  are learned from.
- {MAJORITY}: the entity that the relation most often leads to.
- nearest neighbour: the entity that the likest learned head has, by the angle of the features.
- {LINEAR}: the relation head alone on the features, without an adapter; l = 8, 32, 128: with the
  adapter of equation (8), h + ReLU(h W_D) W_U.
- random language model, random tiny: networks of the same shape whose weights were drawn, so that
  they have read nothing.
- tiny: four layers of width 128 over bytes, pre-trained here on facts of 100 other generated cities
  (it has so read what a bin serves, which no adapter told it); no large language model.
- {TFIDF}: weighted words (numbers are words); {NUMBERS}: kind and place of the text read by a rule,
  with squares; {IDS}: a table of embeddings that are told no text.
- {SHUFFLED}: the language model, l = 32, learned from facts whose ends were permuted."""

_WHY = ""
_CITY = ""
_FACTS = ""
_PLAIN = ""
_KINDS = ""
