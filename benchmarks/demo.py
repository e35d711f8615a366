"""The demonstration: an agent that starts from a policy twin, between random and a proven bound.

`make demo` runs it. The twin is made of what runs today; a guard keeps the best actor so far, so
that what is deployed is never worse in the guard's worlds than the twin. Everything is measured
here and now; the tables and the figure go to `results/demo/<scenario>`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from agents.defaults import settings_for
from agents.settings import AgentName, TrainSettings
from benchmarks.comparison import Row, as_markdown, cell
from benchmarks.environments import short_horizon_s
from benchmarks.figures import learning_curves
from benchmarks.progress import training_progress
from benchmarks.protocol import Anchors, anchors_of
from benchmarks.runs import Judging, Run, final_worlds, run_all, steps_to_stay
from benchmarks.statistics import Interval, interval, mean_interval
from twin_gym.console.error_reporting import ErrorReportingCommand, deliver
from twin_gym.console.printing import messages, output, table
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.files.locks import writing_to
from twin_gym.files.places import check_folder
from twin_gym.files.whole import write_text
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.loading import load

JUDGING = Judging(every_steps=8_192, curve_worlds=8, final_worlds=24)
EARNED, SCORE = "earned", "score"
COLUMNS = {EARNED: "earned a second", SCORE: "score (0 random, 100 bound)"}

app = typer.Typer(add_completion=False, help=__doc__)


@dataclass(frozen=True)
class Demo:
    """What is shown.

    Attributes:
        scenario: the network.
        action: form of the actions; None: the default of the environment.
        agents: by name, its label: the twin as it is, from the twin, from scratch.
        anchors: of the board for this scenario, or None where it has none.
    """

    scenario: Scenario
    action: str | None
    agents: Mapping[AgentName, str]
    anchors: Anchors | None

    @property
    def from_twin(self) -> AgentName:
        """The agent that starts from the twin."""
        return next(name for name in self.agents if name.endswith("-twin"))

    @property
    def score(self) -> str:
        """The indicator that agents are judged by."""
        name: str = kind_named(self.scenario.kind).facet("score", "return_per_s")
        return name


@app.command(cls=ErrorReportingCommand)
def main(
    scenario: Annotated[str, typer.Option(help="Preset or TOML file.")] = "tic-pick",
    action: Annotated[
        str | None, typer.Option(help="Form of the actions; the one of the board's track.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each agent.")] = 3,
    steps: Annotated[int, typer.Option(help="Environment steps of each training.")] = 49_152,
    jobs: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 2,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/demo"),
) -> None:
    """Trains, compares, prints the table and draws the curves."""
    console = output()
    demo = _demo(load(scenario), action)
    cells = [
        settings_for(
            agent, scenario, action=demo.action, seed=seed, total_timesteps=steps, leg_steps=steps
        )
        for seed in range(seeds)
        for agent in demo.agents
    ]
    folder = out / demo.scenario.name
    check_folder(folder)
    with writing_to(folder):
        start = time.perf_counter()
        console.print(f"{demo.scenario.name}: {demo.scenario.description}", markup=False)
        default = cells[0].default_policy
        rows = _rule_rows(demo, default)
        groups = _by_agent(demo, _train(demo, cells, jobs))
        rows += [_learned_row(demo, agent, groups[agent]) for agent in demo.agents]
        deliver(
            lambda: _print(demo, rows, groups),
            *_saving(folder, demo, rows, groups),
        )
    console.print(f"{time.perf_counter() - start:.0f} s; table and figure in {folder}")


def _demo(scenario: Scenario, action: str | None) -> Demo:
    """The demonstration on a scenario: which agents, and between which anchors."""
    action, anchors = _anchored(scenario, action)
    scratch: AgentName = "maskable-ppo" if form_of(scenario.kind, action).is_masked else "ppo"
    from_twin: AgentName = "maskable-ppo-twin" if scratch == "maskable-ppo" else "ppo-twin"
    agents: dict[AgentName, str] = {
        "clone": "policy twin, as it is",
        from_twin: f"{from_twin}: from the twin, guarded",
        scratch: f"{scratch}: from scratch",
    }
    return Demo(scenario, action, agents, anchors)


def _anchored(scenario: Scenario, action: str | None) -> tuple[str | None, Anchors | None]:
    """The form of the actions and the anchors; those of a track of the board where there is one."""
    from benchmarks.tracks import tracks

    for track in tracks().values():
        fits = track.kind == scenario.kind and not track.data and action in (None, track.action)
        if fits and scenario.name in track.test:
            try:
                return track.action, anchors_of(scenario, track.objective, track.action)
            except ConfigError:
                continue  # another scenario of the same name
    return action, None


def _train(demo: Demo, cells: list[TrainSettings], jobs: int) -> list[Run]:
    with training_progress(messages()) as progress:
        task = progress.add_task("training", total=len(cells))

        def show(run: Run) -> None:
            last = run.final[demo.score]
            what = f"{run.settings.agent} seed {run.settings.seed}: {last:.4g}/s"
            progress.update(task, advance=1, description=f"{what:36}")

        return run_all(cells, JUDGING, jobs=jobs, on_done=show)


def _by_agent(demo: Demo, runs: list[Run]) -> dict[AgentName, list[Run]]:
    return {agent: [run for run in runs if run.settings.agent == agent] for agent in demo.agents}


def _rule_rows(demo: Demo, default: str) -> list[Row]:
    """The bound, the rule that runs today, and the random policy, in the final worlds."""
    rows = []
    if demo.anchors is not None:
        bound = demo.anchors.bound_per_s
        rows.append(_row(demo, "bound", Interval(bound, bound, bound), demo.anchors.kind))
    for name in (default, "random"):
        label = f"{name}: what runs today" if name == default else name
        earned = mean_interval(_earned(demo, name, final_worlds(JUDGING.final_worlds)))
        rows.append(_row(demo, label, earned, f"{JUDGING.final_worlds} worlds"))
    return rows


def _earned(
    demo: Demo, name: str, seeds: Sequence[int], horizon_s: float | None = None
) -> NDArray[np.float64]:
    """What a rule earns a second, one value a world."""
    from twin_gym.sb3 import indicators

    scenario = demo.scenario if horizon_s is None else demo.scenario.replace(horizon_s=horizon_s)
    policy = make_policy(name, scenario, demo.action)
    evaluation = evaluate(policy, scenario, seeds, action=demo.action)
    return indicators(evaluation, [scenario])[demo.score]


def _learned_row(demo: Demo, agent: AgentName, runs: Sequence[Run]) -> Row:
    earned = interval([run.final[demo.score] for run in runs])
    return _row(demo, demo.agents[agent], earned, f"{len(runs)} seeds")


def _row(demo: Demo, name: str, earned: Interval, over: str) -> Row:
    values = {EARNED: earned}
    if demo.anchors is not None:
        ends = (earned.estimate, earned.low, earned.high)
        values[SCORE] = Interval(*map(demo.anchors.normalised, ends))
    return Row(name, values, over)


def _print(demo: Demo, rows: list[Row], groups: Mapping[AgentName, list[Run]]) -> None:
    """A table that fits a terminal, and in words what the twin was worth."""
    console = output()
    names = [name for name in COLUMNS if name in rows[0].values]
    made = table(None, ["", *(COLUMNS[name] for name in names)])
    for row in rows:
        made.add_row(row.name, *(cell(row.values.get(name)) for name in names))
    console.print(made)
    console.print("± half a 95 % interval, over worlds for rules and over seeds for agents")
    for line in _summary_lines(demo, groups):
        console.print(line, markup=False)


def _saving(
    folder: Path, demo: Demo, rows: list[Row], groups: Mapping[AgentName, list[Run]]
) -> list[Callable[[], None]]:
    """The functions that write the files; if one fails, the others still run."""
    runs = [run for group in groups.values() for run in group]
    columns = {name: text for name, text in COLUMNS.items() if name in rows[0].values}
    return [
        lambda: write_text(folder / "table.md", as_markdown(rows, columns), makes_folder=True),
        lambda: write_text(
            folder / "runs.jsonl",
            "".join(json.dumps(run.as_record()) + "\n" for run in runs),
            makes_folder=True,
        ),
        lambda: _draw(folder / "curves.png", demo, groups),
    ]


def _draw(path: Path, demo: Demo, groups: Mapping[AgentName, list[Run]]) -> None:
    score, twin = demo.score, demo.from_twin
    shown = {demo.agents[agent]: groups[agent] for agent in demo.agents if agent != "clone"}
    learner = _as_learner(groups[twin], score)
    if learner:
        shown[f"{twin}: its learner, without the guard"] = learner
    learning_curves(
        path,
        f"{demo.scenario.name}: interquartile mean over seeds, 95 % bootstrap interval",
        shown,
        _reference_lines(demo, groups[twin][0].settings.default_policy),
        panels={
            score: "acting greedily, validation worlds: earned a second",
            f"online_{score}": "while learning (on-line): earned a second",
        },
    )


def _as_learner(runs: Sequence[Run], score: str) -> list[Run]:
    """The same runs with the learner's curve in the place of what is deployed."""
    if not all(f"learner_{score}" in point for run in runs for point in run.points):
        return []
    nothing = {f"online_{score}": float("nan")}
    return [
        Run(
            run.settings,
            [{**point, score: point[f"learner_{score}"], **nothing} for point in run.points],
            run.final, run.warm_start, run.seconds,
        )
        for run in runs
    ]  # fmt: skip


def _reference_lines(demo: Demo, default: str) -> list[Row]:
    """The rules on the very worlds and horizon of the curves, and the bound."""
    seeds = world_seeds("validation", JUDGING.curve_worlds)
    horizon_s = short_horizon_s(demo.scenario)
    rows = [
        Row(name, {demo.score: interval([_earned(demo, name, seeds, horizon_s).mean()])}, "worlds")
        for name in (default, "random")
    ]
    if demo.anchors is not None:
        bound = demo.anchors.bound_per_s
        rows.append(Row("bound", {demo.score: Interval(bound, bound, bound)}, demo.anchors.kind))
    return rows


def _summary_lines(demo: Demo, groups: Mapping[AgentName, list[Run]]) -> list[str]:
    """In words: where both began, and when each passed what runs today for good."""
    score, (twin, scratch) = demo.score, list(demo.agents)[1:]
    first = {
        agent: interval([run.points[0][score] for run in groups[agent]]).estimate
        for agent in (twin, scratch)
    }
    runs = groups[twin]
    default = runs[0].settings.default_policy
    level = next(row for row in _reference_lines(demo, default) if row.name == default)
    today = level.values[score].estimate
    return [
        runs[0].warm_start,
        f"before learning: {first[twin]:.4g} from the twin, "
        f"{first[scratch]:.4g} from scratch; {default} earns {today:.4g} there",
        f"steps until it earns as much as {default}, and from then on: "
        f"{_steps(runs, score, today)} from the twin, "
        f"{_steps(groups[scratch], score, today)} from scratch",
    ]


def _steps(runs: Sequence[Run], score: str, level: float) -> str:
    """From which point of the mean curve on it is at the level, at least 99 % of it."""
    mean = np.mean([[point[score] for point in run.points] for run in runs], axis=0)
    steps = [point["step"] for point in runs[0].points]
    reached = steps_to_stay(steps, mean.tolist(), level - 0.01 * abs(level))
    return f"{reached:,.0f}" if np.isfinite(reached) else f"more than {steps[-1]:,.0f}"


if __name__ == "__main__":
    app()
