"""Trains and judges one row with one seed; a row is features, a bottleneck, or a rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.experiments.blocks import Floats, Measured
from benchmarks.experiments.knowledge_adapter.backbones import (
    IDS,
    MODEL,
    NAMES,
    NUMBERS,
    RANDOM_MODEL,
    TFIDF,
    TINY,
    backbone,
)
from benchmarks.experiments.knowledge_adapter.sources import CITY, KINDS, Source
from twin_gym import __version__
from twin_gym.files.records import Record, recording
from twin_gym.twins.knowledge.adapter import (
    AdapterSettings,
    Features,
    Judged,
    Split,
    cached_features,
    judge,
    majority,
    nearest_neighbour,
    with_shuffled_tails,
)
from twin_gym.twins.knowledge.adapter.training import train_network

SHOWN = (*range(11), 12, 14, 16, 18, 20, 25, 30, 35, 40, 45, 50, 55, 60)
"""Epochs that are kept."""

LAST = SHOWN[-1]
LINEAR, CEILING, MAJORITY, NEAREST, SHUFFLED = (
    "linear", "ceiling", "majority", "nearest neighbour", "shuffled",
)  # fmt: skip
HEADS = {0: LINEAR, 8: "l = 8", 32: "l = 32", 128: "l = 128"}
"""The head alone, and those with a bottleneck."""

BOTTLENECK_OF = {head: bottleneck for bottleneck, head in HEADS.items()}
MEASURES = ("top", "pair", "l1", "pair_l1")

_SHUFFLES = 1_000  # seeds that no split has

Values = dict[str, list[float]]


@dataclass(frozen=True)
class Row:
    """A row of the tables.

    Attributes:
        backbone: name of its features; "" of rules that need none.
        head: `linear`, the bottleneck, or the name of a rule.
    """

    backbone: str
    head: str

    @property
    def label(self) -> str:
        """What tables call it."""
        return f"{self.backbone}: {self.head}" if self.backbone else self.head


def rows_of(source: str) -> list[Row]:
    """The rows of a source: all of them for the city and the kinds, the main ones for others."""
    rules = [Row("", MAJORITY), Row(TFIDF, NEAREST), Row(MODEL, NEAREST)]
    if source != KINDS:
        rules.insert(0, Row("", CEILING))
    if source not in (CITY, KINDS):
        return rules + [Row(one, HEADS[32]) for one in (MODEL, RANDOM_MODEL, TFIDF, IDS)]
    swept = (MODEL, RANDOM_MODEL, TINY) if source == CITY else (MODEL,)
    names = [one for one in NAMES if one != NUMBERS or source == CITY]
    learned = [Row(one, HEADS[n]) for one in names for n in (HEADS if one in swept else (0, 32))]
    return [*rules, *learned, Row(MODEL, SHUFFLED)]


@dataclass(frozen=True)
class Asked:
    """What is measured.

    Attributes:
        sources: tasks.
        seeds: of splits and trainings.
        settings: of the trainings.
        folder: of features and of `tiny`.
        model: folder of the language model; None: SmolLM2.
        kept: file of what is done.
        quick: whether `tiny` is a smaller one that is made in a second.
    """

    sources: Sequence[Source]
    seeds: int
    settings: AdapterSettings
    folder: Path
    model: Path | None
    kept: Path
    quick: bool = False


def measure(asked: Asked, on_done: Callable[[str, int, int], None]) -> list[Measured]:
    """Measures what is not measured yet.

    Args:
        asked: what.
        on_done: told of each row with how many are done of how many.

    Returns:
        An entry a source, row and epoch; rows whose backbone is not installed are left out.
    """
    work = [(source, row) for source in asked.sources for row in rows_of(source.name)]
    found = []
    with recording(
        asked.kept, "digest", what="measurement", check=lambda one: one["values"]
    ) as done:
        for number, (source, row) in enumerate(work, 1):
            told = backbone(
                row.backbone or TFIDF, source.task.texts, asked.folder, asked.model,
                quick=asked.quick,
            )  # fmt: skip
            if told is not None:
                features = cached_features(told, source.task.texts, asked.folder)
                series = []
                for seed in range(asked.seeds):
                    digest = _digest(source, row, features, asked.settings, seed)
                    if done.get(digest) is None:
                        values = _measured(source, row, features, asked.settings, seed)
                        done.add({"digest": digest, "label": row.label, "values": values})
                    series.append(_values(done[digest]))
                found += _entries(source, row, series)
            on_done(f"{source.name}, {row.label}", number, len(work))
    return found


def _values(record: Record) -> Values:
    values: Values = record["values"]
    return values


def _digest(
    source: Source, row: Row, features: Features, settings: AdapterSettings, seed: int
) -> str:
    named = [
        __version__, source.name, source.task.digest, source.by, source.folds, row.label,
        repr(settings), seed, hashlib.sha256(features.tobytes()).hexdigest(), SHOWN,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()[:16]


def _measured(
    source: Source, row: Row, features: Features, settings: AdapterSettings, seed: int
) -> Values:
    """Means over the folds, by the names of measures; curves are lists over `SHOWN`."""
    folds = [_fold(source, row, features, split, settings, seed) for split in source.splits(seed)]
    names = dict.fromkeys(name for one in folds for name in one)
    means = {}
    for name in names:
        told = np.mean([one[name] for one in folds if name in one], axis=0)
        means[name] = [float(f"{value:.5g}") for value in told]
    return means


def _fold(
    source: Source, row: Row, features: Features, split: Split, settings: AdapterSettings,
    seed: int,
) -> Values:  # fmt: skip
    task = source.task
    if row.head == CEILING and source.ceiling is not None:
        return _ceiling(source, split, source.ceiling(split))
    if row.head == MAJORITY:
        return _of(source, judge(task, split.held_out, majority(task, split.train)))
    if row.head == NEAREST:
        scorer = nearest_neighbour(task, split.train, features)
        return _of(source, judge(task, split.held_out, scorer))
    if row.head == SHUFFLED:
        rng = np.random.default_rng(_SHUFFLES + seed)
        source = replace(source, task=with_shuffled_tails(task, split.train, rng))
    chosen = replace(settings, bottleneck=BOTTLENECK_OF.get(row.head, settings.bottleneck))
    return _trained(source, features, split, chosen, seed)


def _trained(
    source: Source, features: Features, split: Split, settings: AdapterSettings, seed: int
) -> Values:
    """Curves over `SHOWN`, and what holds at the end."""
    values: Values = {}

    def on_epoch(epoch: int, train: Judged, held: Judged | None) -> None:
        if held is None:
            return
        for part, told in (("train", train.means()), ("held", held.means())):
            for name in MEASURES:
                values.setdefault(f"{part} {name}", []).append(told[name])
        if epoch == settings.epochs:
            values.update(_of(source, held))

    train_network(
        source.task, features, split, settings, seed=seed, on_epoch=on_epoch,
        judged={*SHOWN, settings.epochs},
    )  # fmt: skip
    return values


def _of(source: Source, held: Judged) -> Values:
    """What is said of held-out facts at the end: of all, and of each group that has some."""
    values = {f"end {name}": [held.means()[name]] for name in (*MEASURES, "nats")}
    for group, members in source.groups.items():
        some = members[held.facts]
        if some.any():
            means = held.means(some)
            values[f"{group}: top"], values[f"{group}: pair"] = [means["top"]], [means["pair"]]
    return values


def _ceiling(source: Source, split: Split, right: Floats) -> Values:
    values = {"end top": [float(right.mean())]}
    for group, members in source.groups.items():
        some = members[split.held_out]
        if some.any():
            values[f"{group}: top"] = [float(right[some].mean())]
    return values


def _entries(source: Source, row: Row, series: Sequence[Values]) -> list[Measured]:
    """An entry for each epoch that is kept; that of the last one says what holds at the end."""
    names = [name for name in series[0] if all(name in one for one in series)]
    curves = [name for name in names if name.startswith(("train ", "held "))]
    epochs = SHOWN if not curves else SHOWN[: len(series[0][curves[0]])]
    entries = []
    for place, epoch in enumerate(epochs if curves else (LAST,)):
        is_last = not curves or epoch == epochs[-1]
        told = names if is_last else curves
        values = {
            name: np.array([one[name][place if name in curves else 0] for one in series])
            for name in told
        }
        entries.append(Measured(row.label, source.name, float(epoch), values))
    return entries
