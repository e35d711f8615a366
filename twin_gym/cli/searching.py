"""`twin-gym reservation-search`: tunes the reservation rule and says how."""

from __future__ import annotations

from pathlib import Path

from rich.progress import BarColumn, TimeElapsedColumn
from rich.table import Table

from twin_gym.cli.answering import deliver
from twin_gym.cli.console import messages, number, output, progress_bar, table
from twin_gym.cli.plain import PlainColumn
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
    """Searches and prints.

    Args:
        scenario_name: what is tuned.
        budget: most episodes.
        worlds: how many validation worlds to search on; as many as always after them are fresh.
        toml: where the result is added, or None.

    Raises:
        TwinGymError: if the scenario is unknown, the budget too small, or the file not writable.
    """
    scenario = load(scenario_name, AdmissionScenario)
    if toml is not None:
        check_file(toml, apart_from=[scenario_name])
    found = _search(scenario, budget, worlds)
    command = f"twin-gym reservation-search --scenario {scenario_name} --budget {budget}"
    entry = "\n" + entry_toml(scenario, found, f"{command} --worlds {worlds}")
    deliver(lambda: _print(scenario, found, worlds), lambda: _add(toml, entry))


def _print(scenario: AdmissionScenario, found: ReservationSearch, worlds: int) -> None:
    console = output()
    console.print(_rounds(found))
    console.print()
    console.print(_thresholds(scenario, found))
    console.print()
    half = found.fresh_half_width
    console.print(
        f"{number(found.start_score)} a second with nothing reserved, {number(found.score)} with "
        f"these thresholds ({worlds} worlds of the search);\n"
        f"{number(found.fresh_score)} ± {number(half, 2)} in {FRESH_WORLDS} worlds that it has "
        "not seen."
    )


def _search(scenario: AdmissionScenario, budget: int, worlds: int) -> ReservationSearch:
    columns = (
        PlainColumn("{task.completed:,} of at most {task.total:,} episodes"),
        BarColumn(), PlainColumn("best {task.description}"), TimeElapsedColumn(),
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


def _rounds(found: ReservationSearch) -> Table:
    columns = ["step", "sets tried", "changed", "best /s", "episodes"]
    made = table("Rounds of the search", columns)
    for one in found.log:
        step = "all tenths" if one.step is None else f"{one.step:.1%}"
        counts = str(one.candidates), str(one.changed)
        made.add_row(step, *counts, number(one.score, 5), f"{one.episodes:,}")
    return made


def _thresholds(scenario: AdmissionScenario, found: ReservationSearch) -> Table:
    made = table("What must stay free after an admission", ["slice", *scenario.resource_names])
    for one, row in zip(scenario.slices, found.reserve, strict=True):
        made.add_row(one.name, *(number(float(amount)) for amount in row))
    return made


def _add(path: Path | None, text: str) -> None:
    if path is not None:
        append_text(path, text)
        messages().print(f"added to {path}", markup=False)
