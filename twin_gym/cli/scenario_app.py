"""`twin-gym scenario`: commands that create scenarios. Heavy modules are imported on use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twin_gym.cli.options import JsonOption

scenario_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Create scenarios from a network's history."
)

HistoryOption = Annotated[
    list[Path],
    typer.Option(
        metavar="PATH",
        help="A store (see 'record'), or TOML files with one window each, or a folder of them.",
    ),
]
OutputOption = Annotated[
    Path,
    typer.Option(
        "--output", "-o", metavar="FOLDER", help="Folder for the twins, one TOML file each."
    ),
]
GeneratorOption = Annotated[
    str,
    typer.Option(
        "--generator", "-g", metavar="NAME", help="'historical', 'hybrid', 'gan' or 'llm'."
    ),
]
CountOption = Annotated[
    int, typer.Option(min=1, max=100_000, metavar="COUNT", help="Number of twins.")
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, metavar="SEED", help="Seed of sampling and training.")
]
BaseOption = Annotated[
    str | None,
    typer.Option(
        "--scenario",
        "-s",
        metavar="NAME",
        help="Base scenario: gives all values that do not vary.",
        show_default="the last one of the history",
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATH",
        help="Parameter that may vary. Repeatable.",
        show_default="all default ones",
    ),
]
WindowOption = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="S",
        help="Length of the windows of a store, in simulated seconds.",
        show_default="a twentieth of the horizon",
    ),
]
EpisodeOption = Annotated[
    list[int] | None,
    typer.Option(
        metavar="NUMBER", help="Episode of the store to use. Repeatable.", show_default="all"
    ),
]
NowOption = Annotated[
    bool,
    typer.Option("--now/--no-now", help="Start from the current state, the end of the history."),
]
DevicesOption = Annotated[
    int | None, typer.Option(min=0, metavar="COUNT", help="Demand: minimum number of devices.")
]
LatencyOption = Annotated[
    float | None, typer.Option(min=0, metavar="S", help="Demand: maximum latency in seconds.")
]
AccuracyOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, metavar="SHARE", help="Demand: minimum scenario accuracy."),
]
GanOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="For 'gan': saves the trained GAN, or loads it if it exists."
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="COUNT", help="For 'gan': maximum training steps.", show_default="6000"
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="For 'llm': name of the model.", show_default="TWIN_GYM_LLM_MODEL"
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="For 'llm': endpoint with OpenAI's protocol; TWIN_GYM_LLM_KEY holds its key.",
        show_default="TWIN_GYM_LLM_URL",
    ),
]
NameOption = Annotated[
    str, typer.Option(metavar="NAME", help="Names of the twins: NAME-0, NAME-1 and so on.")
]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Replace existing twins of the same name.")
]


@scenario_app.callback()
def scenario() -> None:
    """Create scenarios from a network's history."""


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
    """Generate scenario twins: networks that may exist in future.

    'historical' draws from the whole history, 'hybrid' from what may follow the current state,
    'gan' learns what follows, and 'llm' asks a language model. For example:
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
