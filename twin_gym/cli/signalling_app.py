"""`twin-gym signalling`: messages of a 5G core. Heavy modules are imported on use."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from twin_gym.cli.options import JsonOption, SetOption

signalling_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Record and read the signalling of a 5G core.",
)


class NetworkName(StrEnum):
    """Networks of message twins."""

    transformer = "transformer"
    lstm = "lstm"


class ContextName(StrEnum):
    """What a message twin sees."""

    interleaved = "interleaved"
    per_ue = "per-ue"


class Verdict(StrEnum):
    """What the security algorithms say of a message."""

    passed = "passed"
    failed = "failed"


FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A capture (.pcap), or a log (.npz) of 'record'.")
]
ScenarioOption = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME",
        help="Scenario, or a TOML file.",
        show_default="signalling-four-slices; with --mix signalling-mix",
    ),
]
KnownScenarioOption = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME",
        help="Scenario of the network: names and limits of its slices.",
        show_default="that of the log, if it names one",
    ),
]
MixOption = Annotated[
    str | None,
    typer.Option(
        metavar="COUNTS",
        help="Counts of procedures, such as '100 registrations, 30 sessions, 10 handovers'; "
        "failures of the scenario add repetitions.",
        show_default="the behaviour of the slices",
    ),
]
OutputOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Capture (.pcap) or log (.npz) to write. Repeatable.",
        show_default="none",
    ),
]
UesOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="COUNT",
        help="Number of UEs.",
        show_default="the scenario's, or the registrations of the mix",
    ),
]
HorizonOption = Annotated[
    float | None,
    typer.Option(
        min=0, metavar="S", help="Length of the log in seconds.", show_default="the scenario's"
    ),
]
SeedOption = Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="SEED", help="World.")]
UeOption = Annotated[
    int | None, typer.Option(min=0, metavar="NUMBER", help="Only this UE.", show_default="all")
]
MostOption = Annotated[
    int, typer.Option(min=0, metavar="COUNT", help="Show at most so many; 0: all.")
]
MessageOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="NUMBER",
        help="Message to answer, as 'decode' numbers it.",
        show_default="the last one that a UE sends",
    ),
]
DecisionOption = Annotated[
    str | None,
    typer.Option(
        metavar="DECISION",
        help="What the policy says of it: 'granted', or a cause such as '5GSM 69'.",
        show_default="that of the log",
    ),
]
VerdictOption = Annotated[
    Verdict | None,
    typer.Option(help="What the security algorithms say of it.", show_default="that of the log"),
]
TwinOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Message twin that 'train' wrote, to answer in place of the grammar.",
        show_default="the exact automaton",
    ),
]
FolderOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the twin.")
]


@signalling_app.callback()
def signalling() -> None:
    """Record and read the signalling of a 5G core."""


@signalling_app.command()
def record(
    scenario: ScenarioOption = None,
    assignments: SetOption = None,
    mix: MixOption = None,
    output: OutputOption = None,
    ues: UesOption = None,
    horizon_s: HorizonOption = None,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Emulate the signalling of many UEs, and write it as a capture.

    For example: twin-gym signalling record -o core.pcap
    --mix '100 registrations, 30 sessions, 10 handovers'
    """
    from twin_gym.cli.signalling_record import RecordOptions, run

    options = RecordOptions(
        scenario=scenario, assignments=tuple(assignments or ()), mix=mix,
        outputs=tuple(output or ()), num_ues=ues, horizon_s=horizon_s, seed=seed, as_json=json,
    )  # fmt: skip
    run(options)


@signalling_app.command()
def decode(
    file: FileArgument,
    ue: UeOption = None,
    most: MostOption = 40,
    output: OutputOption = None,
    json: JsonOption = False,
) -> None:
    """Show the messages of a capture, and count what is not understood.

    For example: twin-gym signalling decode core.pcap --ue 3
    """
    from twin_gym.cli.signalling_decode import DecodeOptions, run

    run(DecodeOptions(file, ue, most, tuple(output or ()), json))


@signalling_app.command()
def answer(
    file: FileArgument,
    message: MessageOption = None,
    decision: DecisionOption = None,
    verdict: VerdictOption = None,
    twin: TwinOption = None,
    json: JsonOption = False,
) -> None:
    """Say what the core answers to a message, given those before it.

    For example: twin-gym signalling answer core.pcap --message 120 --decision '5GSM 69'
    """
    from twin_gym.cli.signalling_answer import AnswerOptions, run

    said = None if verdict is None else verdict.value
    run(AnswerOptions(file, message, decision, said, twin, json))


@signalling_app.command()
def train(
    file: FileArgument,
    output: FolderOption,
    network: Annotated[
        NetworkName, typer.Option(help="Network; both have as many parameters.")
    ] = NetworkName.transformer,
    context: Annotated[
        ContextName, typer.Option(help="Messages that it sees: of all UEs, or of one.")
    ] = ContextName.per_ue,
    steps: Annotated[int, typer.Option(min=1, metavar="COUNT", help="Steps of training.")] = 1000,
    layers: Annotated[int, typer.Option(min=1, metavar="COUNT", help="Layers.")] = 2,
    width: Annotated[
        int, typer.Option(min=4, metavar="COUNT", help="Width; a multiple of 4.")
    ] = 64,
    window: Annotated[
        int, typer.Option(min=1, metavar="COUNT", help="Messages that it sees.")
    ] = 96,
    seed: SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Train a message twin; a training that was stopped goes on.

    A quarter of the UEs and of the time is held out, and judged. For example:
    twin-gym signalling train busy.npz -o twin
    """
    from twin_gym.cli.signalling_train import TrainOptions, run

    options = TrainOptions(
        file=file, output=output, network=network.value, context=context.value, steps=steps,
        layers=layers, width=width, window=window, seed=seed, as_json=json,
    )  # fmt: skip
    run(options)


@signalling_app.command()
def why(
    file: FileArgument,
    scenario: KnownScenarioOption = None,
    assignments: SetOption = None,
    ue: UeOption = None,
    most: MostOption = 20,
    json: JsonOption = False,
) -> None:
    """Say why PDU sessions were rejected, and what was free.

    For example: twin-gym signalling why core.pcap --scenario signalling-four-slices
    """
    from twin_gym.cli.signalling_why import WhyOptions, run

    run(WhyOptions(file, scenario, tuple(assignments or ()), ue, most, json))
