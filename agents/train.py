"""`python -m agents.train --help`: trains one agent, once or with several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from agents.defaults import settings_for
from agents.options import given_settings, option_name, settings_table, with_settings
from agents.settings import AGENTS, AgentName, TrainSettings, whole_rollouts
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import messages, output, table
from twin_gym.errors import unknown_name
from twin_gym.files.places import check_folder

INTERRUPTED = 130
"""Exit code of a training that was stopped by its user."""

_D = TrainSettings()
_MAX_SEEDS = 1000
_WHOLE_ROLLOUTS = ("total_timesteps", "leg_steps", "critic_warm_up_steps")

app = typer.Typer(
    add_completion=False, pretty_exceptions_show_locals=False, rich_markup_mode=None
)  # fmt: skip


def _print_agents(is_asked: bool) -> None:
    if is_asked:
        made = table("Agents", ["name", "what it does"], left=2, wrapped=1)
        for name, text in AGENTS.items():
            made.add_row(name, text)
        output().print(made)
        raise typer.Exit


Agent = Annotated[str, typer.Argument(help="Its name; --list shows them all.")]
List = Annotated[
    bool, typer.Option("--list", callback=_print_agents, is_eager=True, help="List the agents.")
]
Scenario = Annotated[
    str,
    typer.Option("--scenario", "-s", metavar="NAME", help="A scenario, or a TOML file."),
]
MoreScenarios = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Others, with commas, for what-if training."),
]
Action = Annotated[str | None, typer.Option(metavar="FORM", help="Form of the actions.")]
TotalSteps = Annotated[
    int | None,
    typer.Option("--total-timesteps", "--steps", help="Environment steps to learn from."),
]
Seed = Annotated[int, typer.Option(help="Of weights, draws and worlds.")]
Seeds = Annotated[
    int,
    typer.Option(
        min=1, max=_MAX_SEEDS, metavar="COUNT", help="How many trainings, from --seed on."
    ),
]
DefaultPolicy = Annotated[
    str | None, typer.Option(metavar="NAME", help="The rule that a twin is made of.")
]
Settings = Annotated[
    bool, typer.Option("--settings", help="List all other settings, and their values here.")
]
Out = Annotated[Path, typer.Option(metavar="FOLDER", help="Where results are kept.")]
Every = Annotated[int, typer.Option(min=1, metavar="STEPS", help="Between points of the curve.")]
Worlds = Annotated[
    int, typer.Option(min=1, max=4096, metavar="COUNT", help="Validation worlds to judge by.")
]
Horizon = Annotated[
    float | None,
    typer.Option(
        "--evaluation-horizon", min=1e-9, metavar="SECONDS", help="Shorter, for the curve alone."
    ),
]
TensorBoard = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="Where TensorBoard's files go.")
]


@app.command(cls=ErrorReportingCommand, no_args_is_help=True)
@with_settings
def main(
    agent: Agent,
    list_agents: List = False,
    scenario: Scenario = _D.scenario,
    more_scenarios: MoreScenarios = None,
    action: Action = None,
    total_timesteps: TotalSteps = None,
    seed: Seed = _D.seed,
    seeds: Seeds = 1,
    default_policy: DefaultPolicy = None,
    list_settings: Settings = False,
    out: Out = Path("results/train"),
    evaluate_every: Every = 16_384,
    worlds: Worlds = 32,
    evaluation_horizon: Horizon = None,
    tensorboard: TensorBoard = None,
    **settings: Any,
) -> None:
    """Train an agent on a scenario, judge it, and keep the model and its results.

    What is not given is as agents/defaults.py has it for this kind of scenario; every setting that
    --settings lists is an option, too. The same command goes on with a training that was stopped.

    For example: python -m agents.train a2c-twin --scenario contention --seeds 5
    """
    if agent not in AGENTS:
        raise unknown_name("agent", agent, AGENTS)
    options = settings | {
        "action": action, "total_timesteps": total_timesteps, "default_policy": default_policy,
        "more_scenarios": _names(more_scenarios),
    }  # fmt: skip
    chosen = _settings(agent, scenario, {"seed": seed, **given_settings(options)})
    if list_settings:
        output().print(settings_table(chosen))
        return
    _run(chosen, seeds, (out, evaluate_every, worlds, evaluation_horizon, tensorboard))


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(one for one in text.split(",") if one)


def _settings(agent: AgentName, scenario: str, given: dict[str, Any]) -> TrainSettings:
    """The given settings with the defaults of the kind; says where steps are rounded."""
    usual = settings_for(agent, scenario, **_few(given))
    rows, each = usual.n_envs, usual.n_steps
    rounded = dict(given)
    for name in _WHOLE_ROLLOUTS:
        if given.get(name, 0) > 0:
            rounded[name] = whole_rollouts(given[name], rows * each)
        if rounded.get(name) != given.get(name):
            messages().print(
                f"{option_name(name)} {given[name]:,} is rounded to {rounded[name]:,}: whole "
                f"rollouts of {rows} rows x {each} decisions"
            )
    return settings_for(agent, scenario, **rounded)


def _few(given: dict[str, Any]) -> dict[str, Any]:
    """The given settings that decide the length of a rollout."""
    names = ("n_envs", "n_steps", "more_scenarios")
    return {name: given[name] for name in names if name in given}


def _run(settings: TrainSettings, count: int, judging: tuple[Any, ...]) -> None:
    """All seeds in a row; an interrupt is answered with what to do."""
    from agents.session import Session  # loads torch

    session = Session(*judging)
    check_folder(session.out)
    if session.tensorboard is not None:
        check_folder(session.tensorboard)
    try:
        for seed in range(settings.seed, settings.seed + count):
            session.run(settings.with_(seed=seed))
    except KeyboardInterrupt:
        messages().print("stopped: the same command goes on from the last checkpoint")
        raise typer.Exit(INTERRUPTED) from None


if __name__ == "__main__":
    app(prog_name="python -m agents.train")
