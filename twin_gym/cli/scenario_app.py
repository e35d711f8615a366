"""`twin-gym scenario`: commands that make scenarios. What is heavy is imported when one runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

scenario_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Make scenarios out of what a network lived."
)

HistoryOption = Annotated[
    list[Path],
    typer.Option(
        metavar="PATH",
        help="A store (see 'record'); or TOML files, one a window, or a folder of them.",
    ),
]
OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="FOLDER", help="Receives one TOML file a twin.")
]
GeneratorOption = Annotated[
    str, typer.Option("--generator", "-g", metavar="NAME", help="historical, hybrid, gan or llm.")
]
CountOption = Annotated[
    int, typer.Option(min=1, max=100_000, metavar="COUNT", help="How many twins.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, metavar="SEED", help="Of all draws and trainings.")
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME",
        help="Gives all that generators do not choose.",
        show_default="the latest of the history",
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH",
        help="May vary; give the option again for more.",
        show_default="all usual ones",
    ),
]
WindowOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="S",
        help="Seconds of a window of a store.",
        show_default="a twentieth of the horizon",
    ),
]
EpisodeOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="NUMBER", help="Of a store; give the option again for more.", show_default="all"
    ),
]
NowOption = Annotated[
    bool,
    typer.Option("--now/--no-now", help="Start from what is known now: the end of the history."),
]
DevicesOption = Annotated[
    int | None, typer.Option(min=0, metavar="COUNT", help="Demand: devices at least.")
]
LatencyOption = Annotated[
    float | None, typer.Option(min=0, metavar="S", help="Demand: seconds of latency at most.")
]
AccuracyOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="SHARE", help="Demand: scenario accuracy at least."),
]
GanOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Of 'gan': keeps the trained network, or has one to use."),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="COUNT", help="Of 'gan': most steps of the training.", show_default="6000"
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Of 'llm'.", show_default="TWIN_GYM_LLM_MODEL"),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Of 'llm': an endpoint that speaks OpenAI's protocol; its key is read from "
        "TWIN_GYM_LLM_KEY.",
        show_default="TWIN_GYM_LLM_URL",
    ),
]
NameOption = Annotated[
    str, typer.Option(metavar="NAME", help="The twins are NAME-0, NAME-1 and so on.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace twins of the same name.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and no table.")]


@scenario_app.callback()
def scenario() -> None:
    """Make scenarios out of what a network lived."""


@scenario_app.command()
def generate(
    history: HistoryOption,
    output: OutputOption,
    generator: GeneratorOption = "hybrid",
    count: CountOption = 8,
    seed: SeedOption = 0,
    scenario: BaseOption = None,
    parameter: ParameterOption = None,
    window_s: WindowOption = None,
    episode: EpisodeOption = None,
    now: NowOption = True,
    devices: DevicesOption = None,
    latency_s: LatencyOption = None,
    accuracy: AccuracyOption = None,
    gan: GanOption = None,
    steps: StepsOption = None,
    model: ModelOption = None,
    url: UrlOption = None,
    name: NameOption = "twin",
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Generate scenario twins: networks that may come.

    'historical' draws from all that was, 'hybrid' from what follows on what is, 'gan' learns what
    follows, and 'llm' asks a language model. For example:
    twin-gym scenario generate --history history.db --output twins
    """
    from twin_gym.cli.generate_command import GenerateOptions, run

    options = GenerateOptions(
        history=tuple(history), output=output, generator=generator, count=count, seed=seed,
        scenario=scenario, parameters=None if parameter is None else tuple(parameter),
        window_s=window_s, episodes=None if episode is None else tuple(episode), uses_now=now,
        devices=devices, latency_s=latency_s, accuracy=accuracy, gan=gan, steps=steps,
        model=model, url=url, name=name, overwrites=force, as_json=json,
    )  # fmt: skip
    run(options)
