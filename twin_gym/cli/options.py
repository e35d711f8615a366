"""Options that several commands of `twin-gym` take."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class FamilyName(StrEnum):
    """Disjoint families of worlds; the family `test` is reserved for the leaderboard."""

    train = "train"
    validation = "validation"


ScenarioOption = Annotated[
    str,
    typer.Option("--scenario", "-s", metavar="NAME", help="Name of a scenario, or a TOML file."),
]
PolicyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME",
        show_default="the environment's",
        help="Name of a policy, or 'all'. Repeatable.",
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


FamilyOption = Annotated[
    FamilyName, typer.Option(help="Family of worlds: for training, or for choosing settings.")
]
FirstOption = Annotated[int, typer.Option(min=0, metavar="INDEX", help="Index of the first world.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]

SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change a value of the scenario. Repeatable."),
]
ToOption = Annotated[
    str | None,
    typer.Option("--to", metavar="NAME", help="Compare with this scenario, instead of --set."),
]
AgentOption = Annotated[
    str | None,
    typer.Option(
        metavar="POLICY",
        help="Policy that runs the network.",
        show_default="the operator's default",
    ),
]
AgainstOption = Annotated[
    str | None,
    typer.Option(metavar="POLICY", help="Also compare with this policy in the changed network."),
]
PairsOption = Annotated[
    int,
    typer.Option(
        "--worlds",
        min=2,
        max=100_000,
        metavar="COUNT",
        help="Number of worlds; both sides run in each.",
    ),
]
ReconfigureOption = Annotated[
    bool,
    typer.Option(
        "--reconfigure", help="Configure policies for the changed network, not for the base."
    ),
]
EverythingOption = Annotated[
    bool, typer.Option("--all", help="Also show indicators of single slices and directions.")
]
FigureOption = Annotated[
    Path | None, typer.Option(metavar="FILE.png", help="Draw the differences as a figure.")
]
SaveOption = Annotated[
    Path | None, typer.Option(metavar="FILE.toml", help="Save the changed scenario.")
]

StoreOption = Annotated[
    Path, typer.Option(metavar="FILE.db", help="The store; created, or appended to.")
]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        "-p",
        metavar="NAME",
        help="Policy that runs the network.",
        show_default="the operator's default",
    ),
]
EpisodesOption = Annotated[
    int,
    typer.Option(
        min=1, max=100_000, metavar="COUNT", help="Number of episodes, one in each world."
    ),
]
PeriodOption = Annotated[
    float,
    typer.Option(
        min=0,
        metavar="S",
        help="Simulated seconds between measurements; 0: measure at each decision.",
    ),
]
GraphsOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="S",
        help="Simulated seconds between stored snapshots of the twin.",
        show_default="only the last one",
    ),
]
LossOption = Annotated[
    float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of values lost in transit.")
]
DelayOption = Annotated[
    float, typer.Option(min=0, metavar="S", help="Minimum delay of values in transit.")
]
JitterOption = Annotated[
    float, typer.Option(min=0, metavar="S", help="Mean of the additional random delay.")
]
