"""`python -m benchmarks.experiments.hierarchy --help`: measures, and writes the page."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.experiments.blocks import Cell, Measured
from benchmarks.experiments.command import Asked, Page, experiment
from benchmarks.experiments.hierarchy.measuring import cells_of
from benchmarks.experiments.hierarchy.page import draw, page_text
from benchmarks.experiments.hierarchy.plan import NAME, QUICK, Plan


def _cells(asked: Asked) -> list[Cell]:
    return cells_of(_plan(asked), asked.seeds, learners=asked.learners)


def _page(asked: Asked, measured: Sequence[Measured]) -> Page:
    plan = _plan(asked)
    text = page_text(plan, asked, measured)
    return Page(text, {".png": lambda path: draw(path, plan, measured)})


def _plan(asked: Asked) -> Plan:
    return QUICK if asked.quick else Plan()


app = experiment(NAME, __doc__, _cells, _page, seeds=5, worlds=1)

if __name__ == "__main__":
    app()
