"""Does A2C learn better from a twin of the default policy (paper B, Fig. 4b)?

Tao et al., Wireless Network Digital Twin for 6G, IEEE Wireless Communications 31(4), 2024, section
IV-B, Fig. 4b: reward over iterations of reinforcement learning with and without a policy-level
twin as initial actor. The paper gives neither its network nor its numbers; the companion paper
claims up to 26.39 % (an earlier version 40 %) better utilisation, early in training.

`python -m benchmarks.experiments.twin_init` trains scratch, clone-started and GAN-started agents
for logs of 100, 1,000 and 10,000 decisions, and an ablation of what makes the start work. It can
be stopped and goes on where it was.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from agents.settings import TrainSettings
from benchmarks.comparison import Row, as_markdown, learned_row
from benchmarks.environments.slice_admission.comparison import (
    bound_row,
    classical_rows,
    columns,
    reference_lines,
)
from benchmarks.experiments.pages import show_and_keep
from benchmarks.figures import learning_curves
from benchmarks.progress import training_progress
from benchmarks.runs import Judging, Run, run_all
from benchmarks.statistics import Interval, interval
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.scenario.loading import load

LOGS = (100, 1_000, 10_000)
JUDGING = Judging(every_steps=8_192, curve_worlds=16, final_worlds=48)
EARLY_STEPS = 32_768
"""The early part of a training, over which the paper's claim is read."""

FIRST_SHARE, LOWEST_SHARE, STEPS_SHARE, EARLY_GAIN = 0.97, 0.95, 0.5, 0.26
"""The criteria for the agent that starts from a twin (the page explains them)."""

TITLES = {
    "revenue_rate": "acting greedily, validation worlds: revenue a second",
    "online_revenue_rate": "while learning (on-line): revenue a second",
}
SCRATCH, TWIN = "scratch", "twin, N=10000"

ABLATION: dict[str, dict[str, object]] = {
    "labels not smoothed": {"smoothing": 0.0},
    "smoothing 0.3": {"smoothing": 0.3},
    "smoothing 0.9": {"smoothing": 0.9},
    "smoothing 0.3, temperature 3": {"smoothing": 0.3, "temperature": 3.0},
    "critic warmed up 16k steps": {"critic_warm_up_steps": 16_384},
    "rewards not centred": {"centre_rewards": False},
    "credit by step": {"simulated_time": False},
    "twin of fifo": {"default_policy": "fifo"},
}

app = typer.Typer(add_completion=False, help=__doc__)


def cells(scenario: str, seeds: int, steps: int) -> dict[str, list[TrainSettings]]:
    """The settings of the trainings, by label."""
    base = TrainSettings(scenario=scenario, total_timesteps=steps, leg_steps=steps)
    groups = {SCRATCH: base.with_(agent="a2c")}
    for count in LOGS:
        groups[f"twin, N={count}"] = base.with_(agent="a2c-twin", num_decisions=count)
        groups[f"GAN twin, N={count}"] = base.with_(agent="a2c-gan-twin", num_decisions=count)
    groups |= {label: base.with_(**changes) for label, changes in ABLATION.items()}
    groups["scratch, rewards not centred"] = base.with_(agent="a2c", centre_rewards=False)
    groups["scratch, credit by step"] = base.with_(agent="a2c", simulated_time=False)
    groups["MaskablePPO from scratch"] = base.with_(agent="maskable-ppo", learning_rate=5e-4)
    return {label: [one.with_(seed=seed) for seed in range(seeds)] for label, one in groups.items()}


@app.command(cls=ErrorReportingCommand)
def main(
    scenario: Annotated[str, typer.Option(help="Preset or TOML file.")] = "contention",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each agent.")] = 5,
    steps: Annotated[int, typer.Option(help="Environment steps of each training.")] = 98_304,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("benchmarks/results"),
) -> None:
    """Trains what is not trained yet, and writes JSON, PNG and a Markdown page."""
    network = load(scenario, AdmissionScenario)
    check_folder(out)
    asked = cells(scenario, seeds, steps)
    name = "twin_init" if scenario == "contention" else f"twin_init_{network.name}"
    kept = Path("results/experiments") / f"{name}.jsonl"
    runs = _train([cell for group in asked.values() for cell in group], jobs, kept)
    by_digest = {run.settings.digest: run for run in runs}
    groups = {label: [by_digest[cell.digest] for cell in group] for label, group in asked.items()}
    lines = reference_lines(network, JUDGING.curve_worlds)
    rows = [bound_row(network), *classical_rows(network, JUDGING.final_worlds)]
    rows += [learned_row(label, group, columns(network)) for label, group in groups.items()]
    page = _page(name, network, groups, rows, lines)
    show_and_keep(
        page,
        lambda: write_text(out / f"{name}.md", page, makes_folder=True),
        lambda: write_text(out / f"{name}.json", _as_json(groups), makes_folder=True),
        lambda: _draw(out, name, network, groups, lines),
    )


def _train(asked: Sequence[TrainSettings], jobs: int, kept: Path) -> list[Run]:
    with training_progress() as progress:
        task = progress.add_task("training", total=len(asked))
        return run_all(
            asked, JUDGING, jobs=jobs, kept=kept, on_done=lambda _: progress.advance(task)
        )


def early(run: Run, name: str) -> float:
    """Average of an indicator over the early points after the start."""
    points = [p for p in run.points if 0 < p["step"] <= EARLY_STEPS]
    return float(np.mean([point[name] for point in points]))


def steps_to(run: Run, level: float) -> float:
    """First point of the curve that is at or above the level; infinite if none is."""
    passed = [point["step"] for point in run.points if point["revenue_rate"] >= level]
    return passed[0] if passed else float("inf")


def _draw(
    out: Path,
    name: str,
    network: AdmissionScenario,
    groups: dict[str, list[Run]],
    lines: Sequence[Row],
) -> None:
    main_labels = [SCRATCH, *(f"{kind}, N={n}" for n in LOGS for kind in ("twin", "GAN twin"))]
    title = f"{network.name}: interquartile mean over seeds, 95 % bootstrap interval"
    curves = {label: groups[label] for label in main_labels}
    learning_curves(out / f"{name}.png", title, curves, lines, panels=TITLES)
    ablated = {label: groups[label] for label in (SCRATCH, TWIN, *list(ABLATION)[:6])}
    learning_curves(out / f"{name}_ablation.png", title, ablated, lines, panels=TITLES)


def _page(
    name: str,
    network: AdmissionScenario,
    groups: dict[str, list[Run]],
    rows: Sequence[Row],
    lines: Sequence[Row],
) -> str:
    level = {row.name: row.values["revenue_rate"].estimate for row in lines}
    first = groups[SCRATCH][0]
    parts = [
        f"# A2C from a policy twin on `{network.name}`",
        __doc__ or "",
        f"Measured with `python -m benchmarks.experiments.twin_init --scenario {network.name} "
        f"--seeds {len(groups[SCRATCH])} --steps {first.settings.total_timesteps}` on "
        f"{platform.processor() or platform.machine()}, Python {platform.python_version()}. "
        "Agents: interquartile mean over seeds with 95 % bootstrap intervals.",
        f"![curves]({name}.png)",
        "## Final results, test worlds, whole episodes\n\n" + as_markdown(rows, columns(network)),
        "## Asked and measured\n\n" + _verdict(groups, level),
        "## Early training\n\n" + _early_table(groups, level),
        f"![ablation]({name}_ablation.png)",
    ]
    return "\n\n".join(parts) + "\n"


def _early_table(groups: dict[str, list[Run]], level: dict[str, float]) -> str:
    default = level["density"]
    heads = [
        "", "before learning", "lowest point", f"greedy revenue to {EARLY_STEPS // 1024}k steps",
        "on-line revenue", "utilisation", "steps to 98 % of the best reservation", "passes it",
    ]  # fmt: skip
    table = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    best = level.get("reservation", float("inf"))
    for label, runs in groups.items():
        start = interval([run.points[0]["revenue_rate"] / default for run in runs])
        worst = interval(
            [min(point["revenue_rate"] for point in run.points) / default for run in runs]
        )
        cells_ = [
            f"{start:.3f}",
            f"{worst:.3f}",
            *(f"{interval([early(run, n) for run in runs]):.4g}" for n in _EARLY),
            _steps([steps_to(run, 0.98 * best) for run in runs]),
            f"{sum(steps_to(run, best) < float('inf') for run in runs)} of {len(runs)}",
        ]
        table.append("| " + " | ".join([label, *cells_]) + " |")
    note = (
        "Before learning and lowest point: greedy revenue over that of `density` on the same "
        f"worlds ({default:.4g} a second; the best static reservation earns {best:.4g}). On-line: "
        "what the network earned while the agent learned in it."
    )
    return "\n".join(table) + "\n\n" + note


def _verdict(groups: dict[str, list[Run]], level: dict[str, float]) -> str:
    """The criteria for the agent that starts from a twin, and whether it met them."""
    twin, scratch, default = groups[TWIN], groups[SCRATCH], level["density"]
    best = level.get("reservation", float("inf"))
    rates = [[point["revenue_rate"] for point in run.points] for run in twin]
    needed = {
        label: interval([min(steps_to(run, 0.98 * best), np.inf) for run in runs]).estimate
        for label, runs in ((TWIN, twin), (SCRATCH, scratch))
    }
    gains = {
        name: interval([early(run, name) for run in twin]).estimate
        / interval([early(run, name) for run in scratch]).estimate
        - 1.0
        for name in _EARLY
    }
    first = interval([rate[0] / default for rate in rates]).estimate
    worst = interval([min(rate) / default for rate in rates]).estimate
    last = interval([rate[-1] / best for rate in rates]).estimate
    lines = [
        "| asked | measured | |",
        "|---|---|---|",
        _line(
            "first evaluation at least 97 % of the default policy",
            f"{first:.1%}",
            first >= FIRST_SHARE,
        ),
        _line("never less than 95 % of it after", f"{worst:.1%}", worst >= LOWEST_SHARE),
        _line("passes the best static reservation", f"{last:.1%} of it", last > 1.0),
        _line(
            "needs at most half the steps that scratch needs (to 98 % of that reservation)",
            f"{needed[TWIN] / needed[SCRATCH]:.0%}",
            needed[TWIN] <= STEPS_SHARE * needed[SCRATCH],
        ),
        _line(
            f"at least 26 % early gain over scratch (to {EARLY_STEPS // 1024}k steps)",
            f"greedy revenue {gains['revenue_rate']:+.1%}, on-line revenue "
            f"{gains['online_revenue_rate']:+.1%}, utilisation {gains['utilisation']:+.1%}",
            max(gains.values()) >= EARLY_GAIN,
        ),
    ]
    return "\n".join(lines)


def _line(asked: str, measured: str, is_reached: bool) -> str:
    return f"| {asked} | {measured} | {'reached' if is_reached else 'not reached'} |"


_EARLY = ("revenue_rate", "online_revenue_rate", "utilisation")


def _steps(values: Sequence[float]) -> str:
    reached = [value for value in values if value < float("inf")]
    if len(reached) < len(values):
        return f"{len(reached)} of {len(values)} seeds"
    steps: Interval = interval(reached)
    return f"{steps:.0f}"


def _as_json(groups: dict[str, list[Run]]) -> str:
    content = {label: [run.as_record() for run in runs] for label, runs in groups.items()}
    return json.dumps(content) + "\n"


if __name__ == "__main__":
    app()
