"""`twin-gym reservation-search`: tunes the thresholds of the reservation policy."""

from __future__ import annotations

from pathlib import Path

from rich.progress import BarColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.console.error_reporting import deliver
from twin_gym.console.printing import messages, number, output, progress_bar, table
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.environments.slice_admission.policies.search import (
    FRESH_WORLDS,
    ReservationSearch,
    search_reservation,
)
from twin_gym.environments.slice_admission.policies.thresholds import entry_toml
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.files.lines import append_text
from twin_gym.files.places import check_file
from twin_gym.policies import world_seeds
from twin_gym.scenario.loading import load


def run(scenario_name: str, budget: int, worlds: int, toml: Path | None) -> None:
    """Runs the search and prints the result.

    Args:
        scenario_name: the scenario to tune for.
        budget: maximum number of episodes.
        worlds: number of validation worlds to search on; the next ones are used for the report.
        toml: file to which the result is appended, or None.

    Raises:
        TwinGymError: if the scenario is unknown, the budget too small, or the file not writable.
    """
    scenario = load(scenario_name, AdmissionScenario)
    if toml is not None:
        check_file(toml, apart_from=[scenario_name])
    result = _search(scenario, budget, worlds)
    command = f"twin-gym reservation-search --scenario {scenario_name} --budget {budget}"
    entry = "\n" + entry_toml(scenario, result, f"{command} --worlds {worlds}")
    deliver(lambda: _print(scenario, result, worlds), lambda: _add(toml, entry))


def _print(scenario: AdmissionScenario, result: ReservationSearch, worlds: int) -> None:
    console = output()
    console.print(_rounds(result))
    console.print()
    console.print(_thresholds(scenario, result))
    console.print()
    half = result.fresh_half_width
    console.print(
        f"Revenue per second: {number(result.start_score)} without reservation, "
        f"{number(result.score)} with these thresholds ({worlds} worlds of the search);\n"
        f"{number(result.fresh_score)} ± {number(half, 2)} in {FRESH_WORLDS} worlds that the "
        "search has not used."
    )


def _search(scenario: AdmissionScenario, budget: int, worlds: int) -> ReservationSearch:
    columns = (
        LiteralColumn("{task.completed:,} of at most {task.total:,} episodes"),
        BarColumn(), LiteralColumn("best {task.description}"), TimeElapsedColumn(),
    )  # fmt: skip
    with progress_bar(*columns) as bar:
        task = bar.add_task("-", total=budget)
        return search_reservation(
            scenario,
            seeds=world_seeds("validation", worlds),
            fresh_seeds=world_seeds("validation", FRESH_WORLDS, first=worlds),
            budget=budget,
            progress=lambda done, _, best: bar.update(
                task, completed=done, description=number(best)
            ),
        )


def _rounds(result: ReservationSearch) -> Table:
    columns = ["step", "sets tried", "changed", "best /s", "episodes"]
    made = table("Rounds of the search", columns)
    for one in result.log:
        step = "all tenths" if one.step is None else f"{one.step:.1%}"
        counts = str(one.candidates), str(one.changed)
        made.add_row(step, *counts, number(one.score, 5), f"{one.episodes:,}")
    return made


def _thresholds(scenario: AdmissionScenario, result: ReservationSearch) -> Table:
    made = table(
        "Capacity that must stay free after an admission", ["slice", *scenario.resource_names]
    )
    for one, row in zip(scenario.slices, result.reserve, strict=True):
        made.add_row(one.name, *(number(float(amount)) for amount in row))
    return made


def _add(path: Path | None, text: str) -> None:
    if path is not None:
        append_text(path, text)
        messages().print(f"added to {path}", markup=False)
