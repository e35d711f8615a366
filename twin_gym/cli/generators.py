"""Generators by name, made ready: a GAN is trained or read, a language model is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, TimeElapsedColumn

from twin_gym.cli.console import messages, number, progress_bar
from twin_gym.cli.plain import PlainColumn
from twin_gym.errors import ConfigError, missing_extra, unknown_name
from twin_gym.files.places import check_folder
from twin_gym.twins.scenarios import Generator, HistoricalGenerator, HybridGenerator, Lived

if TYPE_CHECKING:
    from twin_gym.twins.scenarios.gan import GanGenerator

GAN, LLM = "gan", "llm"


@dataclass(frozen=True)
class Choice:
    """Which generator, and what it is made with; None: not said.

    Attributes:
        name: of the generator.
        seed: of a training.
        gan: folder of a trained network.
        steps: most steps of a training.
        model: name of a language model.
        url: of its endpoint.
    """

    name: str
    seed: int = 0
    gan: Path | None = None
    steps: int | None = None
    model: str | None = None
    url: str | None = None

    def __post_init__(self) -> None:
        """Refuses an unknown name, and options of another generator."""
        if self.name not in MAKERS:
            raise unknown_name("generator", self.name, MAKERS)
        for of, option, value in (
            (GAN, "--gan", self.gan),
            (GAN, "--steps", self.steps),
            (LLM, "--model", self.model),
            (LLM, "--url", self.url),
        ):
            if value is not None and self.name != of:
                raise ConfigError(f"{option} is for --generator {of}, and {self.name} has no use")


def _gan(choice: Choice, lived: Lived) -> Generator:
    try:
        from twin_gym.twins.scenarios.gan import CARD_FILE, GanGenerator
    except ImportError as error:
        raise missing_extra("the GAN generator", "twins") from error
    if choice.gan is None or not (choice.gan / CARD_FILE).exists():
        found, told = _trained(choice, lived), "trained"
    elif choice.steps is not None:
        raise ConfigError(f"{str(choice.gan)!r} holds a trained GAN: leave --steps out")
    else:
        found, told = GanGenerator.load(choice.gan), "read"
        _check_parameters(choice.gan, found.card.paths, lived)
    card = found.card
    folder = "" if choice.gan is None else f" ({choice.gan})"
    learned = f"{card.num_steps:,} steps" if card.num_steps else "nothing beyond hybrid is learned"
    messages().print(
        f"GAN {told}{folder}: {learned} on {card.num_windows:,} windows, energy distance "
        f"{number(card.held_out_distance, 3)} to those held out",
        markup=False,
    )
    return found


def _check_parameters(folder: Path, paths: tuple[str, ...], lived: Lived) -> None:
    """Refuses a GAN of other parameters than vary here."""
    if paths != lived.space.paths:
        other = min(set(paths) ^ set(lived.space.paths), default="the order")
        raise ConfigError(
            f"the GAN in {str(folder)!r} is of {len(paths)} parameters, and here "
            f"{len(lived.space.paths)} vary; they differ in {other}: give the same --parameter, or "
            "another folder"
        )


def _trained(choice: Choice, lived: Lived) -> GanGenerator:
    from twin_gym.twins.scenarios.gan import CARD_FILE
    from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_gan

    if choice.gan is not None:
        check_folder(choice.gan, with_parents=False)
    steps = {} if choice.steps is None else {"max_steps": choice.steps}
    settings = ScenarioGanSettings(seed=choice.seed, **steps)
    columns = (
        PlainColumn("steps"), BarColumn(), MofNCompleteColumn(),
        PlainColumn("distance {task.description}"), TimeElapsedColumn(),
    )  # fmt: skip
    try:
        with progress_bar(*columns) as bar:
            task = bar.add_task("-", total=settings.max_steps)
            return train_gan(
                lived, settings, folder=choice.gan,
                on_progress=lambda step, best: bar.update(
                    task, completed=step, description=number(best, 3)
                ),
            )  # fmt: skip
    except KeyboardInterrupt:
        if choice.gan is not None and (choice.gan / CARD_FILE).exists():
            told = f"stopped: {choice.gan} has the best network so far; delete it to train anew"
            messages().print(told, markup=False)
        raise


def _llm(choice: Choice, lived: Lived) -> Generator:
    from twin_gym.twins.scenarios.endpoint import Endpoint
    from twin_gym.twins.scenarios.llm import LlmGenerator

    return LlmGenerator(Endpoint.from_environment(choice.model, choice.url))


MAKERS: MappingProxyType[str, Callable[[Choice, Lived], Generator]] = MappingProxyType(
    {
        HistoricalGenerator.name: lambda choice, lived: HistoricalGenerator(),
        HybridGenerator.name: lambda choice, lived: HybridGenerator(),
        GAN: _gan,
        LLM: _llm,
    }
)


def make_generator(choice: Choice, lived: Lived) -> Generator:
    """A generator that is ready to generate.

    Args:
        choice: which one.
        lived: what a GAN learns from, unless it is there already.

    Returns:
        The generator.

    Raises:
        ConfigError: if a folder holds no GAN, or no language model is named.
        MissingExtraError: if what it needs is not installed.
    """
    return MAKERS[choice.name](choice, lived)
