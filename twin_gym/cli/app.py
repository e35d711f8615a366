"""The commands of `twin-gym`. Heavy modules are imported when a command runs: help is fast."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any

import typer

from twin_gym.cli.options import (
    ActionOption,
    AgainstOption,
    AgentOption,
    DelayOption,
    EpisodesOption,
    EverythingOption,
    FamilyName,
    FamilyOption,
    FigureOption,
    FirstOption,
    GraphsOption,
    JitterOption,
    JsonOption,
    LossOption,
    PairsOption,
    PeriodOption,
    PolicyOption,
    ReconfigureOption,
    RulesOption,
    SaveOption,
    ScenarioOption,
    SetOption,
    StoreOption,
    ToOption,
)
from twin_gym.cli.scenario_app import scenario_app
from twin_gym.cli.signalling_app import signalling_app
from twin_gym.console.error_reporting import ErrorReportingGroup

app = typer.Typer(
    name="twin-gym",
    cls=ErrorReportingGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="Gymnasium environments for 6G sliced networks: list, describe, simulate, compare.",
)


class Kind(StrEnum):
    """The tables that `list` can show."""

    environments = "environments"
    scenarios = "scenarios"
    policies = "policies"


def _kept(what: str) -> Any:  # noqa: ANN401 - typer's own type
    """An option that limits the size of the store."""
    help_text = f"Keep only the last COUNT {what}."
    return typer.Option(min=1, metavar="COUNT", help=help_text, show_default="all")


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"twin-gym {version_of('twin-gym')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Gymnasium environments for 6G sliced networks: list, describe, simulate, compare."""


@app.command("list")
def list_names(
    kind: Annotated[Kind | None, typer.Argument(help="Table to show.", show_default="all")] = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="NAME", help="Show only this environment."),
    ] = None,
) -> None:
    """List environments, scenarios and policies.

    For example: twin-gym list scenarios -e TicScheduling
    """
    from twin_gym.cli.list_command import show_lists

    show_lists(None if kind is None else kind.value, environment)


@app.command()
def describe(
    name: Annotated[
        str, typer.Argument(help="Name of an environment, scenario or policy, or a file.")
    ],
) -> None:
    """Describe an environment, a scenario or a policy.

    For example: twin-gym describe TicScheduling
    """
    from twin_gym.cli.describe_command import run

    run(name)


@app.command("kind")
def show_kind(
    name: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Of which facets are told.")
    ] = None,
) -> None:
    """List the kinds of environments, or the facets of one.

    For example: twin-gym kind tic
    """
    from twin_gym.cli.kind_command import run

    run(name)


@app.command("new-environment")
def new_environment(
    name: Annotated[str, typer.Argument(help="Of the package, such as edge_caching.")],
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the package and its tests are written.")
    ] = Path(),
) -> None:
    """Write a small environment that works, to be changed.

    For example: twin-gym new-environment my_network --folder .
    """
    from twin_gym.cli.new_environment import write

    write(name, folder)


@app.command()
def rollout(
    scenario: ScenarioOption = "contention",
    policy: PolicyOption = None,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100_000, metavar="COUNT", help="Number of worlds, one episode in each."
        ),
    ] = 32,
    family: FamilyOption = FamilyName.validation,
    first: FirstOption = 0,
    action: ActionOption = None,
    render: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Also show the first world: 'ansi' plays it here, FILE.png saves its last frame.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Compare policies on the same worlds.

    The scenario determines the environment. For example:
    twin-gym rollout --scenario tic-small-45 --policy all
    """
    from twin_gym.cli.rollout_command import RolloutOptions, run

    options = RolloutOptions(
        scenario=scenario,
        policies=tuple(policy or ()),
        count=seeds,
        family=family.value,
        first=first,
        action=action,
        render=render,
        as_json=json,
    )
    run(options)


@app.command("what-if")
def ask(
    scenario: ScenarioOption = "contention",
    assignments: SetOption = None,
    to: ToOption = None,
    agent: AgentOption = None,
    against: AgainstOption = None,
    action: ActionOption = None,
    worlds: PairsOption = 64,
    family: FamilyOption = FamilyName.validation,
    first: FirstOption = 0,
    reconfigure: ReconfigureOption = False,
    everything: EverythingOption = False,
    figure: FigureOption = None,
    save: SaveOption = None,
    json: JsonOption = False,
) -> None:
    """Ask what a change of the network would do.

    For example: twin-gym what-if --scenario contention --set slices.hrllc.arrival_rate_hz=4.8
    --agent density --against reservation
    """
    from twin_gym.cli.what_if_command import WhatIfOptions, run

    options = WhatIfOptions(
        scenario=scenario,
        assignments=tuple(assignments or ()),
        other=to,
        agent=agent,
        against=against,
        action=action,
        worlds=worlds,
        family=family.value,
        first=first,
        reconfigured=reconfigure,
        everything=everything,
        figure=figure,
        save=save,
        as_json=json,
    )
    run(options)


@app.command()
def record(
    store: StoreOption,
    scenario: ScenarioOption = "contention",
    policy: RulesOption = None,
    action: ActionOption = None,
    family: FamilyOption = FamilyName.validation,
    world: FirstOption = 0,
    episodes: EpisodesOption = 1,
    period_s: PeriodOption = 0.0,
    snapshot_period_s: GraphsOption = None,
    loss: LossOption = 0.0,
    delay_s: DelayOption = 0.0,
    jitter_s: JitterOption = 0.0,
    keep_rows: Annotated[int | None, _kept("values")] = None,
    keep_episodes: Annotated[int | None, _kept("episodes")] = None,
    keep_snapshots: Annotated[int | None, _kept("snapshots")] = None,
) -> None:
    """Record a network in a historical store.

    For example:
    twin-gym record --scenario contention --store history.db --episodes 4
    """
    from twin_gym.cli.record_command import RecordOptions, run

    options = RecordOptions(
        store=store,
        scenario=scenario,
        policy=policy,
        action=action,
        family=family.value,
        world=world,
        episodes=episodes,
        period_s=period_s,
        snapshot_period_s=snapshot_period_s,
        loss=loss,
        delay_s=delay_s,
        jitter_s=jitter_s,
        keep_rows=keep_rows,
        keep_episodes=keep_episodes,
        keep_snapshots=keep_snapshots,
    )
    run(options)


@app.command("ask")
def ask_twin(
    question: Annotated[
        str,
        typer.Argument(
            help="Such as 'which sensors are connected to gateway 3', "
            "'what is the queue length of gateway 3' or 'what is sensor 17'."
        ),
    ],
    store: Annotated[
        Path, typer.Option(metavar="FILE.db", help="The historical store; see 'record'.")
    ],
    at_s: Annotated[
        float | None,
        typer.Option(
            "--at-s",
            min=0,
            metavar="S",
            help="Answer as of this time, in simulated seconds of the episode.",
            show_default="the end of what was recorded",
        ),
    ] = None,
    episode: Annotated[
        int | None,
        typer.Option(min=1, metavar="NUMBER", help="Episode.", show_default="the last one"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Ask a recorded network; answers say how old they are.

    For example: twin-gym ask "to which gateway is sensor 17 connected" --store history.db
    """
    from twin_gym.cli.ask_command import run

    run(question, store, at_s=at_s, episode=episode, as_json=json)


app.add_typer(scenario_app, name="scenario")
app.add_typer(signalling_app, name="signalling")


@app.command("reservation-search")
def reservation_search(
    scenario: ScenarioOption = "contention",
    budget: Annotated[
        int, typer.Option(min=1, metavar="EPISODES", help="Maximum number of episodes.")
    ] = 24_000,
    worlds: Annotated[
        int,
        typer.Option(
            min=1, max=4096, metavar="COUNT", help="Number of validation worlds to search on."
        ),
    ] = 24,
    toml: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Append the result to this file, in the form of reservations.toml."
        ),
    ] = None,
) -> None:
    """Tune the thresholds of the reservation policy.

    The search runs on validation worlds and takes about a minute. It reports the revenue of the
    best thresholds on worlds that it has not used.
    """
    from twin_gym.cli.reservation_search import run

    run(scenario, budget, worlds, toml)
