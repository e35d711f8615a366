"""`python -m benchmarks.bounds`: every bound of each scenario of the board, as a page and as data.

Of the environments that list their bounds; what is known of the others stands in anchors.toml.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID

from benchmarks.bounds.page import POLICY_WORLDS, WORLDS, Row, as_page
from benchmarks.environments import facet
from benchmarks.progress import training_progress
from benchmarks.tracks import tracks
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import messages
from twin_gym.environments.kinds import kind_names
from twin_gym.errors import ConfigError
from twin_gym.files.locks import adding_to
from twin_gym.files.places import check_file
from twin_gym.files.reading import reading
from twin_gym.files.whole import write_text
from twin_gym.scenario import Scenario

RESULTS = Path(__file__).parents[1] / "results" / "bounds.json"
app = typer.Typer(add_completion=False)


@app.command(cls=ErrorReportingCommand)
def work_out(
    only: Annotated[
        list[str] | None, typer.Option("--scenario", help="Only this one; may be repeated.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Work out those that are there, too.")
    ] = False,
    worlds: Annotated[int, typer.Option(min=0, help="Validation worlds of a sampled bound.")] = (
        WORLDS
    ),
    policy_worlds: Annotated[int, typer.Option(min=2, help="Validation worlds of a rule.")] = (
        POLICY_WORLDS
    ),
    out: Annotated[Path, typer.Option(help="The data; the page stands beside it.")] = RESULTS,
) -> None:
    """Work out all bounds of the scenarios that tracks test on; what is there is kept."""
    check_file(out, [".json"], makes_folder=True)
    scenarios = _wanted(only or [])
    with adding_to(out, "--out"):
        _work_out_missing(scenarios, out, again=again, worlds=worlds, policy_worlds=policy_worlds)


def _work_out_missing(
    scenarios: list[Scenario], out: Path, *, again: bool, worlds: int, policy_worlds: int
) -> None:
    known = read_rows(out)
    missing = [one for one in scenarios if again or not _is_known(known, one)]
    console = messages()
    with training_progress(console) as progress:
        task = progress.add_task("bounds", total=float(len(missing)))
        for k, scenario in enumerate(missing):
            progress.update(task, description=scenario.name)
            known[scenario.name] = facet(scenario.kind, "bound_rows")(
                scenario,
                worlds=worlds,
                policy_worlds=policy_worlds,
                progress=_progress_from(progress, task, k),
            )
            write_rows(out, known)
            progress.update(task, completed=k + 1.0)
    write_rows(out, known)
    console.print(f"{len(missing)} worked out, {len(known)} in {out.name}", markup=False)


def _progress_from(progress: Progress, task: TaskID, done: int) -> Callable[[float], None]:
    def tell(share: float) -> None:
        progress.update(task, completed=done + share)

    return tell


def _is_known(known: dict[str, list[Row]], scenario: Scenario) -> bool:
    entries = known.get(scenario.name, [])
    return bool(entries) and entries[0].digest == scenario.digest


def _wanted(only: list[str]) -> list[Scenario]:
    by_name = {
        scenario.name: scenario
        for track in tracks().values()
        if track.unavailable() is None
        for scenario in track.test_scenarios()
        if facet(scenario.kind, "bound_rows", None) is not None
    }
    unknown = [name for name in only if name not in by_name]
    if unknown:
        raise ConfigError(
            f"no track whose bounds are listed tests on {unknown[0]!r} here; known: "
            f"{', '.join(by_name)}"
        )
    return [scenario for name, scenario in by_name.items() if not only or name in only]


def read_rows(path: Path) -> dict[str, list[Row]]:
    """The bounds that an earlier run computed, by scenario.

    Raises:
        ConfigError: if the file holds no bounds.
    """
    if not path.exists():
        return {}
    with reading(path, "bounds"):
        data: dict[str, list[dict[str, object]]] = json.loads(path.read_text("utf-8"))
        return {name: [Row(**entry) for entry in rows] for name, rows in data.items()}  # type: ignore[arg-type]


def write_rows(path: Path, rows: dict[str, list[Row]]) -> None:
    """Writes data and page; each file is written atomically."""
    data = {name: [asdict(one) for one in entries] for name, entries in rows.items()}
    write_text(path, json.dumps(data, indent=1) + "\n", makes_folder=True)
    notes = [facet(kind, "bound_notes", None) for kind in kind_names()]
    write_text(
        path.with_suffix(".md"), as_page(rows, [one for one in notes if one]), makes_folder=True
    )


if __name__ == "__main__":
    app(prog_name="python -m benchmarks.bounds")
