"""`python -m benchmarks.experiments.what_if_training --help`: trains, tests, writes the page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.experiments.pages import PUBLISHED, WORK, Out, Quick, page_of, show_and_keep
from benchmarks.experiments.what_if_training import page
from benchmarks.experiments.what_if_training.measuring import CaseResult, measure
from benchmarks.experiments.what_if_training.networks import (
    Case,
    seen_case,
    service_case,
    unforeseen_case,
)
from benchmarks.experiments.what_if_training.telling import ANSWER, QUESTION, SET_UP, TRIED
from benchmarks.experiments.what_if_training.trainings import FOLDER, Plan
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import output
from twin_gym.errors import unknown_name
from twin_gym.files.locks import writing_to
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text

NAME = "what_if_training"
CASES: dict[str, Callable[[], Case]] = {
    "service": service_case, "unforeseen": unforeseen_case, "seen": seen_case
}  # fmt: skip
QUICK = Plan(seeds=2, steps=8_192, num_twins=4, worlds=2, held_out=4)

app = typer.Typer(add_completion=False, help=__doc__)


@app.command(cls=ErrorReportingCommand)
def main(
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each kind.")] = Plan.seeds,
    steps: Annotated[int, typer.Option(min=1, help="Steps of each training.")] = Plan.steps,
    case: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(CASES)}; again for others.")
    ] = None,
    quick: Quick = False,
    out: Out = None,
    work: Annotated[Path, typer.Option(help="Folder of twins, actors and what is done.")] = FOLDER,
) -> None:
    """Trains and tests what is not done yet, and writes JSON, PNG and a Markdown page."""
    console = output()
    plan = QUICK if quick else Plan(seeds=seeds, steps=steps)
    chosen = list(CASES) if case is None else case
    for name in chosen:
        if name not in CASES:
            raise unknown_name("case", name, CASES)
    folder = out if out is not None else (WORK / "quick" if quick else PUBLISHED)
    check_folder(folder)
    check_folder(work)
    results = []
    with writing_to(work):
        for name in chosen:
            results.append(measure(CASES[name](), plan, console.print, folder=work))
    whole = whole_page(results, plan)
    show_and_keep(
        whole,
        lambda: write_text(folder / f"{NAME}.json", page.as_json(results), makes_folder=True),
        lambda: write_text(folder / f"{NAME}.md", whole, makes_folder=True),
        lambda: page.draw(folder / f"{NAME}.png", results),
    )


def whole_page(results: list[CaseResult], plan: Plan) -> str:
    """The page of all cases.

    Args:
        results: of each case.
        plan: of the run.

    Returns:
        Markdown.
    """
    return page_of(
        "What-if training: do generated twins help on the network that really comes?",
        QUESTION,
        f"{NAME} --seeds {plan.seeds} --steps {plan.steps}",
        [
            ANSWER,
            "## Set-up\n\n" + SET_UP,
            *(_section(one) for one in results),
            f"![matrices]({NAME}.png)",
            "## What was tried\n\n" + TRIED,
        ],
    )


def _section(result: CaseResult) -> str:
    parts = [
        f"## {result.title}",
        f"{result.source}. {result.training}.",
        page.main_table(result),
        page.verdict(result),
        "### The windows of history",
        page.past(result),
        "### Transfer matrix",
        page.matrix_table(result),
    ]
    return "\n\n".join(parts)


if __name__ == "__main__":
    app()
