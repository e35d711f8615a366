"""Creates generators by name: trains or loads a GAN, finds the endpoint of a language model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn

from twin_gym.console.printing import messages, number, progress_bar
from twin_gym.console.sanitising import LiteralColumn
from twin_gym.errors import ConfigError, missing_extra, unknown_name
from twin_gym.files.places import check_folder
from twin_gym.twins.scenarios import (
    Generator,
    HistoricalGenerator,
    HybridGenerator,
    ParameterHistory,
)

if TYPE_CHECKING:
    from twin_gym.twins.scenarios.gan import GanGenerator

GAN, LLM = "gan", "llm"


@dataclass(frozen=True)
class GeneratorOptions:
    """The generator and its options; None: the default.

    Attributes:
        name: name of the generator.
        seed: seed of GAN training.
        gan: folder of a trained GAN.
        steps: maximum steps of GAN training.
        model: name of a language model.
        url: URL of its endpoint.
    """

    name: str
    seed: int = 0
    gan: Path | None = None
    steps: int | None = None
    model: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        """Checks the name, and that no option belongs to another generator."""
        if self.name not in MAKERS:
            raise unknown_name("generator", self.name, MAKERS)
        for of, option, value in (
            (GAN, "--gan", self.gan),
            (GAN, "--steps", self.steps),
            (LLM, "--model", self.model),
            (LLM, "--url", self.url),
        ):
            if value is not None and self.name != of:
                raise ConfigError(
                    f"{option} is an option of --generator {of}; leave it out with {self.name}"
                )


def _gan(options: GeneratorOptions, history: ParameterHistory) -> Generator:
    try:
        from twin_gym.twins.scenarios.gan import METADATA_FILE, GanGenerator
    except ImportError as error:
        raise missing_extra("the GAN generator", "twins") from error
    if options.gan is None or not (options.gan / METADATA_FILE).exists():
        generator, how = _trained(options, history), "trained"
    elif options.steps is not None:
        raise ConfigError(f"{str(options.gan)!r} holds a trained GAN: leave --steps out")
    else:
        generator, how = GanGenerator.load(options.gan), "read"
        _check_parameters(options.gan, generator.metadata.paths, history)
    metadata = generator.metadata
    folder = "" if options.gan is None else f" ({options.gan})"
    learned = (
        f"{metadata.num_steps:,} steps"
        if metadata.num_steps
        else "nothing beyond hybrid is learned"
    )
    messages().print(
        f"GAN {how}{folder}: {learned} on {metadata.num_windows:,} windows, energy distance "
        f"{number(metadata.held_out_distance, 3)} to those held out",
        markup=False,
    )
    return generator


def _check_parameters(folder: Path, paths: tuple[str, ...], history: ParameterHistory) -> None:
    """Refuses a GAN of other parameters than vary here."""
    if paths != history.space.paths:
        other = min(set(paths) ^ set(history.space.paths), default="the order")
        raise ConfigError(
            f"the GAN in {str(folder)!r} was trained on {len(paths)} parameters, and "
            f"{len(history.space.paths)} vary here; they differ in {other}: give the same "
            "--parameter options, or another folder"
        )


def _trained(options: GeneratorOptions, history: ParameterHistory) -> GanGenerator:
    from twin_gym.twins.scenarios.gan import METADATA_FILE
    from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_gan

    if options.gan is not None:
        check_folder(options.gan, with_parents=False)
    steps = {} if options.steps is None else {"max_steps": options.steps}
    settings = ScenarioGanSettings(seed=options.seed, **steps)
    columns = (
        LiteralColumn("steps"), BarColumn(), MofNCompleteColumn(),
        LiteralColumn("distance {task.description}"), TimeElapsedColumn(),
    )  # fmt: skip
    try:
        with progress_bar(*columns) as bar:
            task = bar.add_task("-", total=settings.max_steps)
            return train_gan(
                history, settings, folder=options.gan,
                on_progress=lambda step, best: bar.update(
                    task, completed=step, description=number(best, 3)
                ),
            )  # fmt: skip
    except KeyboardInterrupt:
        if options.gan is not None and (options.gan / METADATA_FILE).exists():
            message = f"stopped: {options.gan} has the best network so far; delete it to train anew"
            messages().print(message, markup=False)
        raise


def _llm(options: GeneratorOptions, history: ParameterHistory) -> Generator:
    from twin_gym.twins.scenarios.endpoint import Endpoint
    from twin_gym.twins.scenarios.llm import LlmGenerator

    return LlmGenerator(Endpoint.from_environment(options.model, options.url))


MAKERS: MappingProxyType[str, Callable[[GeneratorOptions, ParameterHistory], Generator]] = (
    MappingProxyType(
        {
            HistoricalGenerator.name: lambda options, history: HistoricalGenerator(),
            HybridGenerator.name: lambda options, history: HybridGenerator(),
            GAN: _gan,
            LLM: _llm,
        }
    )
)


def make_generator(options: GeneratorOptions, history: ParameterHistory) -> Generator:
    """Creates a generator.

    Args:
        options: the generator and its options.
        history: training data of a GAN that is not trained yet.

    Returns:
        The generator.

    Raises:
        ConfigError: if the folder holds no GAN, or no language model is named.
        MissingExtraError: if a package that it needs is not installed.
    """
    return MAKERS[options.name](options, history)
