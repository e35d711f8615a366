"""The commands. Whatever is heavy is imported when a command runs, so that help comes at once."""

from __future__ import annotations

from enum import StrEnum
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, Any

import typer

from twin_gym.cli.error_reporting import ErrorReportingGroup
from twin_gym.cli.scenario_app import scenario_app

app = typer.Typer(
    name="twin-gym",
    cls=ErrorReportingGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    rich_markup_mode=None,
    help="Environments for 6G sliced networks: see what there is, and try policies on it.",
)


class Kind(StrEnum):
    """What can be listed."""

    environments = "environments"
    scenarios = "scenarios"
    policies = "policies"


class FamilyName(StrEnum):
    """Families of worlds that share none; those to test on belong to the benchmark alone."""

    train = "train"
    validation = "validation"


ScenarioOption = Annotated[
    str,
    typer.Option("--scenario", "-s", metavar="NAME", help="A scenario by name, or a TOML file."),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME",
        show_default="the environment's",
        help="A policy; give the option again for more, or 'all'.",
    ),
]
ActionOption = Annotated[
    str | None,
    typer.Option(
        metavar="FORM",
        show_default="the environment's",
        help="Form of the action, such as 'slot' or 'pick' (see 'describe').",
    ),
]


FamilyOption = Annotated[FamilyName, typer.Option(help="Worlds to train on, or to choose on.")]
FirstOption = Annotated[
    int, typer.Option(min=0, metavar="INDEX", help="Number of the first world.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and no table.")]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="PATH=VALUE", help="What changes; give the option again for more."
    ),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="NAME", help="Another scenario instead of --set.")
]
AgentOption = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY", help="Who runs the network.", show_default="the operator's default"
    ),
]
AgainstOption = Annotated[
    str | None, typer.Option(metavar="POLICY", help="Who might run the changed network instead.")
]
PairsOption = Annotated[
    int,
    typer.Option(
        "--worlds", min=2, max=100_000, metavar="COUNT", help="How many worlds, both sides in each."
    ),
]
ReconfigureOption = Annotated[
    bool,
    typer.Option("--reconfigure", help="Make policies for the changed network; else they stay."),
]
EverythingOption = Annotated[bool, typer.Option("--all", help="Single slices and directions too.")]
FigureOption = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Draw the differences.")
]
SaveOption = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Keep the changed network.")
]

StoreOption = Annotated[Path, typer.Option(metavar="FILE.db", help="Made, or added to.")]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--policy", "-p", metavar="NAME", help="Who decides.", show_default="the operator's default"
    ),
]
WorldOption = Annotated[int, typer.Option(min=0, metavar="INDEX", help="Number of the world.")]
EpisodesOption = Annotated[
    int, typer.Option(min=1, max=100_000, metavar="COUNT", help="This world, and those after it.")
]
PeriodOption = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="S",
        help="Simulated seconds from one measurement to the next; 0: at each decision.",
    ),
]
GraphsOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="S",
        help="Simulated seconds from one kept graph to the next.",
        show_default="the last one alone",
    ),
]
LossOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="Of values, lost on their way.")
]
DelayOption = Annotated[
    float, typer.Option(min=0, metavar="S", help="Least delay of values on their way.")
]
JitterOption = Annotated[
    float, typer.Option(min=0, metavar="S", help="Mean of the random delay on top.")
]


def _kept(what: str) -> Any:  # noqa: ANN401 - typer's own type
    """An option that bounds the store."""
    told = f"Keep the last so many {what} of the store alone."
    return typer.Option(min=1, metavar="COUNT", help=told, show_default="all")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"twin-gym {version_of('twin-gym')}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Environments for 6G sliced networks: see what there is, and try policies on it."""


@app.command("list")
def list_names(
    kind: Annotated[Kind | None, typer.Argument(help="Only these.", show_default="all")] = None,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="NAME", help="Only what belongs to this one."),
    ] = None,
) -> None:
    """List environments, with their scenarios and policies.

    For example: twin-gym list scenarios -e TicScheduling
    """
    from twin_gym.cli.list_command import show_lists

    show_lists(None if kind is None else kind.value, environment)


@app.command()
def describe(
    name: Annotated[str, typer.Argument(help="An environment, a scenario, a policy, or a file.")],
) -> None:
    """Describe an environment, a scenario or a policy.

    For example: twin-gym describe TicScheduling
    """
    from twin_gym.cli.describe_command import show

    show(name)


@app.command("kind")
def show_kind(
    name: Annotated[
        str | None, typer.Argument(metavar="KIND", help="Of which facets are told.")
    ] = None,
) -> None:
    """List the kinds of environments, or what one of them brings.

    For example: twin-gym kind tic
    """
    from twin_gym.cli.kind_command import show

    show(name)


@app.command("new-environment")
def new_environment(
    name: Annotated[str, typer.Argument(help="Of the package, such as edge_caching.")],
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the package and its tests are written.")
    ] = Path(),
) -> None:
    """Write a small environment that works, for you to change.

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
            min=1, max=100_000, metavar="COUNT", help="How many worlds, an episode in each."
        ),
    ] = 32,
    family: FamilyOption = FamilyName.validation,
    first: FirstOption = 0,
    action: ActionOption = None,
    render: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Show the first world too: 'ansi' plays it here, FILE.png receives its end.",
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run policies in the same worlds and compare them.

    The scenario says which environment they run in. For example:
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
    """Ask what a change would do, in the same worlds.

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
    world: WorldOption = 0,
    episodes: EpisodesOption = 1,
    period_s: PeriodOption = 0.0,
    snapshot_period_s: GraphsOption = None,
    loss: LossOption = 0.0,
    delay_s: DelayOption = 0.0,
    jitter_s: JitterOption = 0.0,
    keep_rows: Annotated[int | None, _kept("values")] = None,
    keep_episodes: Annotated[int | None, _kept("episodes")] = None,
    keep_snapshots: Annotated[int | None, _kept("graphs")] = None,
) -> None:
    """Record a running network into a historical store.

    What its twin hears and what is decided is kept. For example:
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


app.add_typer(scenario_app, name="scenario")


@app.command("reservation-search")
def reservation_search(
    scenario: ScenarioOption = "contention",
    budget: Annotated[
        int, typer.Option(min=1, metavar="EPISODES", help="Most episodes to run.")
    ] = 24_000,
    worlds: Annotated[
        int, typer.Option(min=1, max=4096, metavar="COUNT", help="Validation worlds to search on.")
    ] = 24,
    toml: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Add the result to this file (as reservations.toml has it)."
        ),
    ] = None,
) -> None:
    """Search what to keep free for better requests.

    It tries thresholds of the reservation rule on validation worlds, which takes about a minute,
    and says what the best ones earn in worlds that the search has not seen.
    """
    from twin_gym.cli.reservation_search import run

    run(scenario, budget, worlds, toml)
