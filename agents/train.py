"""`python -m agents.train --help`: trains one agent, once or with several seeds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.models import OptionInfo

from agents.settings import AGENTS, TrainSettings, whole_rollouts
from twin_gym.cli.console import messages, one_line_errors, output, table
from twin_gym.errors import ConfigError, unknown_name

if TYPE_CHECKING:
    from agents.session import Session

INTERRUPTED = 130
"""Exit code of a training that was stopped by its user."""

_D = TrainSettings()
_HIDDEN = ",".join(map(str, _D.hidden))
_MAX_SEEDS = 1000
_WHOLE_ROLLOUTS = {
    "total_steps": "--steps",
    "leg_steps": "--leg-steps",
    "critic_warm_up_steps": "--critic-warm-up",
}

app = typer.Typer(
    add_completion=False, pretty_exceptions_show_locals=False, rich_markup_mode=None
)  # fmt: skip


def _print_agents(wanted: bool) -> None:
    if wanted:
        made = table("Agents", ["name", "what it does"], left=2, wrapped=1)
        for name, text in AGENTS.items():
            made.add_row(name, text)
        output().print(made)
        raise typer.Exit


def _option(name: str, text: str, metavar: str | None = None) -> OptionInfo:
    made: OptionInfo = typer.Option(name, help=text, metavar=metavar)
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
Rows = Annotated[int, _option("--rows", "Networks side by side.")]
Rollout = Annotated[int, _option("--rollout-steps", "Decisions of a row between two updates.")]
LearningRate = Annotated[float, _option("--learning-rate", "Of Adam.")]
Entropy = Annotated[float, _option("--entropy-weight", "Of the entropy in the loss.")]
Hidden = Annotated[str, _option("--hidden", "Widths of actor and critic.", "N,N")]
Discount = Annotated[
    float,
    _option("--discount", "A reward so many mean holding times ahead counts 1/e.", "TIMES"),
]
Trace = Annotated[
    float, _option("--trace", "Mean holding times in which an advantage's trace decays.", "TIMES")
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


@app.command(no_args_is_help=True)
@one_line_errors
def main(
    agent: Agent,
    list_agents: List = False,
    scenario: Scenario = _D.scenario,
    more_scenarios: MoreScenarios = "",
    seed: Seed = _D.seed,
    seeds: Seeds = 1,
    steps: Steps = _D.total_steps,
    leg_steps: Leg = _D.leg_steps,
    rows: Rows = _D.num_rows,
    rollout_steps: Rollout = _D.rollout_steps,
    learning_rate: LearningRate = _D.learning_rate,
    entropy_weight: Entropy = _D.entropy_weight,
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
    out: Out = Path("results/train"),
    evaluate_every: Every = 16_384,
    worlds: Worlds = 32,
    evaluation_horizon: Horizon = None,
    tensorboard: TensorBoard = None,
) -> None:
    """Train an agent on a scenario, judge it, and keep the model and its results.

    The same command goes on with a training that was stopped, from its last checkpoint. Every
    finished training adds a line to results.jsonl.

    For example: python -m agents.train a2c-twin --scenario contention --seeds 5
    """
    if agent not in AGENTS:
        raise unknown_name("agent", agent, AGENTS)
    given = dict(
        agent=agent, scenario=scenario, seed=seed, total_steps=steps, leg_steps=leg_steps,
        num_rows=rows, rollout_steps=rollout_steps, learning_rate=learning_rate,
        entropy_weight=entropy_weight, hidden=_widths(hidden), discount_holding_times=discount,
        trace_holding_times=trace, default_policy=default_policy, num_decisions=decisions,
        smoothing=smoothing, temperature=temperature, synthetic_share=synthetic_share,
        centre_rewards=centre_rewards, simulated_time=simulated_time,
        critic_warm_up_steps=critic_warm_up,
        more_scenarios=tuple(name for name in more_scenarios.split(",") if name),
    )  # fmt: skip
    settings = TrainSettings(**_rounded(given))
    from agents.session import Session

    session = Session(out, evaluate_every, worlds, evaluation_horizon, tensorboard)
    _run(session, settings, seeds)


def _widths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(f"--hidden takes widths such as 64,64, got {text!r}") from None


def _rounded(given: dict[str, Any]) -> dict[str, Any]:
    """The same with whole rollouts, said where that changes a number."""
    rows, each = given["num_rows"], given["rollout_steps"]
    if rows < 1 or each < 1:
        return given  # refused with everything else
    rounded = dict(given)
    for name, option in _WHOLE_ROLLOUTS.items():
        if given[name] > 0:
            rounded[name] = whole_rollouts(given[name], rows * each)
        if rounded[name] != given[name]:
            messages().print(
                f"{option} {given[name]:,} is rounded to {rounded[name]:,}: whole rollouts of "
                f"{rows} rows x {each} decisions"
            )
    return rounded


def _run(session: Session, settings: TrainSettings, count: int) -> None:
    """All seeds in a row; an interrupt is answered with what to do."""
    try:
        for seed in range(settings.seed, settings.seed + count):
            session.run(settings.with_(seed=seed))
    except KeyboardInterrupt:
        messages().print("stopped: the same command goes on from the last checkpoint")
        raise typer.Exit(INTERRUPTED) from None


if __name__ == "__main__":
    app(prog_name="python -m agents.train")
