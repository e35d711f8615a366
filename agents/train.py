"""`python -m agents.train --help`: trains one agent, once or with several seeds."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.models import OptionInfo

from agents.defaults import settings_for
from agents.settings import AGENTS, AgentName, TrainSettings, whole_rollouts
from twin_gym.console.error_reporting import ErrorReportingCommand
from twin_gym.console.printing import messages, output, table
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.files.places import check_folder

INTERRUPTED = 130
"""Exit code of a training that was stopped by its user."""

_D = TrainSettings()
_HIDDEN = ",".join(map(str, _D.hidden))
_MAX_SEEDS = 1000
OPTION_OF = {
    "total_steps": "steps",
    "discount_holding_times": "discount",
    "trace_holding_times": "trace",
    "num_decisions": "decisions",
    "critic_warm_up_steps": "critic_warm_up",
    "num_epochs": "epochs",
}
"""By name of a setting, that of its parameter here, where it has another one."""
_WHOLE_ROLLOUTS = {
    "total_steps": "--steps",
    "leg_steps": "--leg-steps",
    "critic_warm_up_steps": "--critic-warm-up",
}

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


def _option(
    name: str, text: str, metavar: str | None = None, *, old: str | None = None
) -> OptionInfo:
    """An option; `old` is a name that it had before and still takes."""
    names = (name,) if old is None else (name, old)
    made: OptionInfo = typer.Option(*names, help=text, metavar=metavar)
    return made


Agent = Annotated[str, typer.Argument(help="What is trained; --list names them.")]
List = Annotated[
    bool, typer.Option("--list", callback=_print_agents, is_eager=True, help="List the agents.")
]
MoreScenarios = Annotated[
    str,
    typer.Option(
        "--more-scenarios",
        metavar="NAMES",
        help="Others with commas between, which episodes may be in as well: what-if training.",
    ),
]
Scenario = Annotated[
    str,
    typer.Option("--scenario", "-s", metavar="NAME", help="A scenario by name, or a TOML file."),
]
Seed = Annotated[int, _option("--seed", "Of weights, draws and worlds; the first of several.")]
Seeds = Annotated[
    int, typer.Option("--seeds", min=1, max=_MAX_SEEDS, metavar="COUNT", help="How many seeds.")
]
Steps = Annotated[int, _option("--steps", "Environment steps, rounded to whole rollouts.")]
Leg = Annotated[int, _option("--leg-steps", "Steps between checkpoints; part of the training.")]
Envs = Annotated[int, _option("--n-envs", "Networks side by side.", old="--rows")]
Rollout = Annotated[
    int, _option("--n-steps", "Decisions of a network between two updates.", old="--rollout-steps")
]
LearningRate = Annotated[float, _option("--learning-rate", "Of Adam.")]
Entropy = Annotated[
    float, _option("--ent-coef", "Of the entropy in the loss.", old="--entropy-weight")
]
Hidden = Annotated[str, _option("--hidden", "Widths of actor and critic.", "N,N")]
Discount = Annotated[
    float,
    _option(
        "--discount",
        "A reward so many time units ahead counts 1/e. The unit of admission is the mean holding "
        "time.",
        "UNITS",
    ),
]
Trace = Annotated[
    float, _option("--trace", "Time units in which an advantage's trace decays.", "UNITS")
]
DefaultPolicy = Annotated[
    str, _option("--default-policy", "What is logged on the physical network.", "NAME")
]
Decisions = Annotated[int, _option("--decisions", "Length of the log.")]
Smoothing = Annotated[float, _option("--smoothing", "Label smoothing of the clone.")]
Temperature = Annotated[float, _option("--temperature", "Divides the logits of the twin.")]
Synthetic = Annotated[
    float, _option("--synthetic-share", "GAN pairs for each logged one (a2c-gan-twin).")
]
Centre = Annotated[bool, _option("--centre-rewards/--raw-rewards", "Take off the average reward.")]
Simulated = Annotated[
    bool, _option("--simulated-time/--step-discount", "What credit decays with: seconds or steps.")
]
WarmUp = Annotated[int, _option("--critic-warm-up", "First steps, with the actor frozen.", "STEPS")]
Action = Annotated[
    str | None,
    _option("--action", "Form of the actions; the environment's default unless given.", "FORM"),
]
InitialStd = Annotated[
    float,
    _option("--initial-std", "Spread of the first draws, where actions are amounts.", "BOX WIDTHS"),
]
Shared = Annotated[
    bool,
    _option("--shared/--whole", "One network for each candidate, or one on all that is seen."),
]
Anneal = Annotated[
    bool,
    _option(
        "--anneal/--steady", "Learning rate and entropy coefficient fall to 0.", old="--annealed"
    ),
]
Staggered = Annotated[
    bool,
    _option(
        "--staggered/--rows-in-step",
        "Networks begin at different points of their episodes.",
        old="--spread-rows",
    ),
]
Batch = Annotated[int, _option("--batch-size", "Decisions in a gradient step (PPO).")]
Epochs = Annotated[int, _option("--epochs", "How often a rollout is gone through (PPO).")]
CriticRate = Annotated[
    float, _option("--critic-rate-ratio", "Rate of the critic over the actor's.")
]
Out = Annotated[Path, _option("--out", "Where trainings and results.jsonl are kept.", "FOLDER")]
Every = Annotated[
    int, typer.Option("--evaluate-every", min=1, metavar="STEPS", help="Between points of a curve.")
]
Worlds = Annotated[
    int,
    typer.Option(
        "--worlds", min=1, max=4096, metavar="COUNT", help="Validation worlds to judge by."
    ),
]
Horizon = Annotated[
    float | None,
    typer.Option(
        "--evaluation-horizon",
        min=1e-9,
        metavar="SECONDS",
        help="Shorter episodes for the curve, not for the results.",
    ),
]
TensorBoard = Annotated[
    Path | None, _option("--tensorboard", "Where TensorBoard's files go, if anywhere.", "FOLDER")
]


@app.command(cls=ErrorReportingCommand, no_args_is_help=True)
def main(
    context: typer.Context,
    agent: Agent,
    list_agents: List = False,
    scenario: Scenario = _D.scenario,
    more_scenarios: MoreScenarios = "",
    seed: Seed = _D.seed,
    seeds: Seeds = 1,
    steps: Steps = _D.total_steps,
    leg_steps: Leg = _D.leg_steps,
    n_envs: Envs = _D.n_envs,
    n_steps: Rollout = _D.n_steps,
    learning_rate: LearningRate = _D.learning_rate,
    ent_coef: Entropy = _D.ent_coef,
    hidden: Hidden = _HIDDEN,
    discount: Discount = _D.discount_holding_times,
    trace: Trace = _D.trace_holding_times,
    default_policy: DefaultPolicy = _D.default_policy,
    decisions: Decisions = _D.num_decisions,
    smoothing: Smoothing = _D.smoothing,
    temperature: Temperature = _D.temperature,
    synthetic_share: Synthetic = _D.synthetic_share,
    centre_rewards: Centre = _D.centre_rewards,
    simulated_time: Simulated = _D.simulated_time,
    critic_warm_up: WarmUp = _D.critic_warm_up_steps,
    action: Action = _D.action,
    initial_std: InitialStd = _D.initial_std,
    batch_size: Batch = _D.batch_size,
    epochs: Epochs = _D.num_epochs,
    shared: Shared = _D.shared,
    anneal: Anneal = _D.anneal,
    staggered: Staggered = _D.staggered,
    critic_rate_ratio: CriticRate = _D.critic_rate_ratio,
    out: Out = Path("results/train"),
    evaluate_every: Every = 16_384,
    worlds: Worlds = 32,
    evaluation_horizon: Horizon = None,
    tensorboard: TensorBoard = None,
) -> None:
    """Train an agent on a scenario, judge it, and keep the model and its results.

    The defaults shown are those of most agents for admission; what differs for PPO from a twin and
    for other kinds of scenario stands in agents/defaults.py and the kind's learning.py.

    The same command goes on with a training that was stopped, from its last checkpoint. Every
    finished training adds a line to results.jsonl.

    For example: python -m agents.train a2c-twin --scenario contention --seeds 5
    """
    if agent not in AGENTS:
        raise unknown_name("agent", agent, AGENTS)
    settings = _settings(agent, scenario, _given(context))
    _run(settings, seeds, (out, evaluate_every, worlds, evaluation_horizon, tensorboard))


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--hidden takes widths such as 64,64, got {text!r}") from None


def _given(context: typer.Context) -> dict[str, Any]:
    """The settings that the user gave."""
    given: dict[str, Any] = {}
    for name in sorted({field.name for field in fields(TrainSettings)} - {"agent", "scenario"}):
        option = OPTION_OF.get(name, name)
        source = context.get_parameter_source(option)
        if source is not None and source.name != "DEFAULT":
            given[name] = context.params[option]
    if "hidden" in given:
        given["hidden"] = _widths(given["hidden"])
    if "more_scenarios" in given:
        given["more_scenarios"] = tuple(one for one in given["more_scenarios"].split(",") if one)
    return given


def _settings(agent: AgentName, scenario: str, given: dict[str, Any]) -> TrainSettings:
    """The given settings with the defaults of the kind; says where steps are rounded."""
    usual = settings_for(agent, scenario, **_few(given))
    rows, each = usual.n_envs, usual.n_steps
    rounded = dict(given)
    for name, option in _WHOLE_ROLLOUTS.items():
        if given.get(name, 0) > 0:
            rounded[name] = whole_rollouts(given[name], rows * each)
        if rounded.get(name) != given.get(name):
            messages().print(
                f"{option} {given[name]:,} is rounded to {rounded[name]:,}: whole rollouts of "
                f"{rows} rows x {each} decisions"
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
