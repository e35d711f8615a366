"""The frozen models whose features are learned on, and the features beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from twin_gym.errors import MissingExtraError
from twin_gym.twins.knowledge.adapter import (
    Backbone,
    Features,
    FolderBackbone,
    IdentityBackbone,
    TfidfBackbone,
    TinyBackbone,
    TinySettings,
    city_sentences,
    pretrain_tiny,
    smollm2,
)
from twin_gym.twins.knowledge.adapter.backbone import digest_of
from twin_gym.twins.knowledge.cities import CityPlan

MODEL, RANDOM_MODEL = "language model", "random language model"
TINY, RANDOM_TINY, TFIDF, IDS, NUMBERS = "tiny", "random tiny", "TF-IDF", "ids", "numbers"
NAMES = (MODEL, RANDOM_MODEL, TINY, RANDOM_TINY, TFIDF, NUMBERS, IDS)

CITIES = 100
READ = CityPlan(sensors=30, gateways=6, assignment="nearest")
"""How many cities `tiny` has read of, and their plan."""

TINY_SETTINGS = TinySettings(num_steps=400)
QUICK_TINY = TinySettings(layers=2, width=32, num_steps=20)

_NUMBER = re.compile(r"[0-9.]+")
_PLACE_M = 5_000.0


class NumbersBackbone:
    """What a text of a city says, read by a rule: its kind, its place, and products of both places.

    With squares, the squared distance of two entities is a bilinear form: the relation head can
    say which gateway is nearest, and what it does not learn here is not for want of a form.

    Args:
        corpus: texts that say which kinds there are.
    """

    name = NUMBERS

    def __init__(self, corpus: Sequence[str]) -> None:
        self._kinds = sorted({_NUMBER.sub("", text) for text in corpus})
        self.digest = digest_of("numbers 1", *self._kinds)

    def features(self, texts: Sequence[str]) -> Features:
        """Shape (texts, kinds + 6); the place of an entity without one is the middle."""
        rows = []
        for text in texts:
            kind = [float(one == _NUMBER.sub("", text)) for one in self._kinds]
            found = [float(one) / _PLACE_M - 0.5 for one in _NUMBER.findall(text)]
            x, y = found if len(found) == 2 else (0.0, 0.0)  # noqa: PLR2004 - a place
            rows.append([*kind, 1.0, x, y, x * x, y * y, x * y])
        return np.array(rows, np.float32)


def backbone(
    name: str, texts: Sequence[str], folder: Path, model: Path | None, *, quick: bool = False
) -> Backbone | None:
    """A backbone by name.

    Args:
        name: one of `NAMES`.
        texts: of all entities.
        folder: where `tiny` is kept.
        model: folder of a language model; None: SmolLM2.
        quick: whether `tiny` is a smaller one.

    Returns:
        It, or None if its packages are not installed.
    """
    if name in (MODEL, RANDOM_MODEL):
        try:
            return _model(model, None if name == MODEL else 0)
        except MissingExtraError:
            return None
    if name == TFIDF:
        return TfidfBackbone(texts)
    if name == IDS:
        return IdentityBackbone(texts)
    if name == NUMBERS:
        return NumbersBackbone(texts)
    return _tiny(folder, QUICK_TINY if quick else TINY_SETTINGS, random=name == RANDOM_TINY)


@cache
def _model(folder: Path | None, random_seed: int | None) -> FolderBackbone:
    if folder is None:
        return smollm2(random_seed=random_seed)
    return FolderBackbone(folder, random_seed=random_seed)


@cache
def _tiny(folder: Path, settings: TinySettings, *, random: bool) -> TinyBackbone:
    """`tiny`, pre-trained once and kept in a folder that its settings name."""
    chosen = replace(settings, num_steps=0) if random else settings
    place = folder / f"tiny-{chosen.layers}-{chosen.width}-{chosen.num_steps}-{CITIES}"
    if place.exists():
        return TinyBackbone.load(place)
    made = pretrain_tiny(city_sentences(1 if random else CITIES, READ), chosen)
    made.save(place)
    return made
