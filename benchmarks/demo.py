"""The demonstration: A2C that starts from a policy twin, between random and a proven bound.

`make demo` runs it. Everything is measured here and now; the tables and the figure go to
`results/demo/<scenario>`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from agents.settings import AgentName, TrainSettings
from benchmarks.comparison import Row, as_markdown, cell, learned_row
from benchmarks.environments import short_horizon_s
from benchmarks.environments.slice_admission.comparison import bound_row, classical_rows, columns
from benchmarks.figures import learning_curves
from benchmarks.progress import training_progress
from benchmarks.runs import Judging, Run, final_worlds, run_all
from benchmarks.statistics import interval
from twin_gym.console.error_reporting import ErrorReportingCommand, deliver
from twin_gym.console.printing import messages, output, table
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import TwinGymError
from twin_gym.files.locks import writing_to
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load

AGENTS: dict[AgentName, str] = {
    "clone": "policy twin (clone)",
    "a2c": "A2C from scratch",
    "a2c-twin": "A2C from the twin",
    "a2c-gan-twin": "A2C from the GAN twin",
}
LEARNERS = tuple(name for name in AGENTS if name != "clone")
JUDGING = Judging(every_steps=16_384, curve_worlds=16, final_worlds=48)
TITLES = {
    "revenue_rate": "acting greedily, validation worlds: revenue a second",
    "online_revenue_rate": "while learning (on-line): revenue a second",
}

app = typer.Typer(add_completion=False, help=__doc__)


@app.command(cls=ErrorReportingCommand)
def main(
    scenario: Annotated[str, typer.Option(help="Preset or TOML file.")] = "contention",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each agent.")] = 5,
    steps: Annotated[int, typer.Option(help="Environment steps of each training.")] = 163_840,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/demo"),
) -> None:
    """Trains, compares, prints the table and draws the curves."""
    console = output()
    network = load(scenario, AdmissionScenario)
    cells = [
        TrainSettings(agent=agent, scenario=scenario, seed=seed, total_steps=steps, leg_steps=steps)
        for seed in range(seeds)
        for agent in AGENTS
    ]
    folder = out / network.name
    check_folder(folder)
    with writing_to(folder):
        start = time.perf_counter()
        console.print(f"{network.name}: {network.description}", markup=False)
        rows = [bound_row(network), *classical_rows(network, JUDGING.final_worlds)]
        groups = _by_agent(_train(cells, jobs))
        rows += [
            learned_row(AGENTS[agent], runs, columns(network)) for agent, runs in groups.items()
        ]
        deliver(
            lambda: _print(rows, groups, network),
            *_saving(folder, rows, groups, network),
        )
    console.print(f"{time.perf_counter() - start:.0f} s; table and figure in {folder}")


def _train(cells: list[TrainSettings], jobs: int) -> list[Run]:
    with training_progress(messages()) as progress:
        task = progress.add_task("training", total=len(cells))

        def show(run: Run) -> None:
            last = run.final["revenue_rate"]
            what = f"{run.settings.agent} seed {run.settings.seed}: {last:.4g}/s"
            progress.update(task, advance=1, description=f"{what:36}")

        return run_all(cells, JUDGING, jobs=jobs, on_done=show)


def _by_agent(runs: list[Run]) -> dict[AgentName, list[Run]]:
    return {agent: [run for run in runs if run.settings.agent == agent] for agent in AGENTS}


def _print(
    rows: list[Row], groups: dict[AgentName, list[Run]], scenario: AdmissionScenario
) -> None:
    """Two tables, each of which fits a terminal: what is earned and used, and what is lost."""
    console = output()
    names = columns(scenario)
    lost = [name for name in names if name.startswith("loss_ratio")]
    for chosen in ([name for name in names if name not in lost], lost):
        made = table(None, ["", *(names[name] for name in chosen)])
        for row in rows:
            if any(name in row.values for name in chosen):
                made.add_row(row.name, *(cell(row.values.get(name)) for name in chosen))
        console.print(made)
    console.print("± half a 95 % interval, over worlds for rules and over seeds for agents")
    for line in _summary_lines(groups, scenario):
        console.print(line, markup=False)


def _saving(
    folder: Path,
    rows: list[Row],
    groups: dict[AgentName, list[Run]],
    scenario: AdmissionScenario,
) -> list[Callable[[], None]]:
    """The functions that write the files; if one fails, the others still run."""
    runs = [run for group in groups.values() for run in group]
    return [
        lambda: write_text(
            folder / "table.md", as_markdown(rows, columns(scenario)), makes_folder=True
        ),
        lambda: write_text(
            folder / "runs.jsonl",
            "".join(json.dumps(run.as_record()) + "\n" for run in runs),
            makes_folder=True,
        ),
        lambda: learning_curves(
            folder / "curves.png",
            f"{scenario.name}: interquartile mean over seeds, 95 % bootstrap interval",
            {AGENTS[agent]: groups[agent] for agent in LEARNERS},
            reference_lines(scenario),
            panels=TITLES,
        ),
    ]


def reference_lines(scenario: AdmissionScenario) -> list[Row]:
    """The rules on the very worlds and horizon of the curves."""
    short = scenario.replace(horizon_s=short_horizon_s(scenario))
    seeds = world_seeds("validation", JUDGING.curve_worlds)
    rows = []
    for name in ("random", "density", "reservation"):
        try:
            policy = make_policy(name, scenario)
        except TwinGymError:
            continue
        rate = evaluate(policy, short, seeds).kpi["revenue_rate"]
        rows.append(Row(name, {"revenue_rate": interval([rate.mean()])}, "worlds"))
    return rows


def _summary_lines(groups: dict[AgentName, list[Run]], scenario: AdmissionScenario) -> list[str]:
    """In words: where the twin's agent began, and whether it passed its default policy."""
    runs = groups["a2c-twin"]
    first = interval([run.points[0]["revenue_rate"] for run in runs])
    scratch = interval([run.points[0]["revenue_rate"] for run in groups["a2c"]])
    last = interval([run.final["revenue_rate"] for run in runs])
    default = make_policy(runs[0].settings.default_policy, scenario)
    earned = evaluate(default, scenario, final_worlds(JUDGING.final_worlds)).mean()
    return [
        runs[0].warm_start,
        f"before learning: {first:.4g} from the twin, {scratch:.4g} from scratch",
        f"after: {last:.4g}; the default policy ({runs[0].settings.default_policy}) earns "
        f"{earned:.4g}: {last.estimate / earned - 1:+.1%}",
    ]


if __name__ == "__main__":
    app()
