"""Training of the scenario GAN: batches of successive windows, held-out fidelity, checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from twin_gym.errors import ConfigError
from twin_gym.scenario.objective import INDICATORS, Thresholds
from twin_gym.twins.plain import keep_within
from twin_gym.twins.scenarios.criteria import condition_of
from twin_gym.twins.scenarios.distances import energy_distance
from twin_gym.twins.scenarios.gan import (
    MIN_SCALE,
    NUM_CONDITIONS,
    GanGenerator,
    GanMetadata,
    NextState,
    asked,
)
from twin_gym.twins.scenarios.gaussian import Normal, Step
from twin_gym.twins.scenarios.parameter_history import ParameterHistory

OnProgress = Callable[[int, float], None]
"""Called with the number of steps done and the best distance to the held-out windows so far."""

_BETAS = (0.5, 0.9)  # short memory of the opponent, as usual for GANs
_SLOPE = 0.2
_REAL_LABEL = 0.9
_LEAST_HELD_OUT = 4
_MOST_HELD_OUT = 125
_COPIES = 8
_LEAST_GAIN = 0.1  # of the distance: the best of many checks is a little better by chance
_TOLD_SHARE = 0.5  # of the pairs; the others are trained without a condition


@dataclass(frozen=True)
class ScenarioGanSettings:
    """Settings of the training of a scenario GAN.

    Attributes:
        max_steps: maximum number of updates of discriminator and generator.
        check_every: steps between evaluations on the held-out windows.
        patience: evaluations without improvement after which training stops.
        batch_size: pairs in a step.
        learning_rate: learning rate of Adam, for both networks.
        noise_size: noise inputs of the generator, in addition to the normal deviation.
        width: width of the hidden layers.
        jitter: noise on observed pairs, in standard deviations, against memorising few windows.
        held_out_share: share of the windows, the latest ones, that is held out.
        seed: seed of weights, batches and noise.

    Raises:
        ConfigError: if a value is out of range.
    """

    max_steps: int = 6_000
    check_every: int = 100
    patience: int = 15
    batch_size: int = 64
    learning_rate: float = 1e-3
    noise_size: int = 8
    width: int = 64
    jitter: float = 0.05
    held_out_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        """Checks all values."""
        keep_within(
            self,
            "the GAN",
            ("max_steps", 1, 10_000_000),
            ("check_every", 1, 1_000_000),
            ("patience", 1, 1_000_000),
            ("batch_size", 2, 100_000),
            ("learning_rate", 1e-9, 1.0),
            ("noise_size", 1, 1024),
            ("width", 1, 4096),
            ("jitter", 0.0, 10.0),
            ("held_out_share", 1e-3, 0.9),
            ("seed", 0, 2**31 - 1),
        )


_DEFAULTS = ScenarioGanSettings()


@dataclass(frozen=True)
class _Pairs:
    """Successive windows in units of standard deviations.

    Attributes:
        states: first states of the pairs.
        changes: second states minus their expected values.
        conditions: indicators that the second states' own values prioritise.
    """

    states: NDArray[np.float64]
    changes: NDArray[np.float64]
    conditions: NDArray[np.float64]

    def part(self, places: slice) -> _Pairs:
        return _Pairs(self.states[places], self.changes[places], self.conditions[places])


def train_gan(
    history: ParameterHistory,
    settings: ScenarioGanSettings = _DEFAULTS,
    *,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> GanGenerator:
    """Trains a scenario GAN on a parameter history.

    The generator starts as the distribution of `hybrid`. The result has the weights with the least
    energy distance between generated and held-out pairs of states, if that is at least a tenth
    below the initial distance; otherwise it has the initial weights.

    Args:
        history: the history; its latest windows are held out.
        settings: settings of the training.
        folder: folder to which the best weights are written at each improvement; None: none.
        on_progress: see `OnProgress`.

    Returns:
        The best generator.

    Raises:
        ConfigError: if the history is too short to hold any windows out.
    """
    conditions = [condition_of(history.space, point, Thresholds()) for point in history.points[1:]]
    return train_on_points(
        history.points, history.space.paths, settings,
        conditions=np.array(conditions), folder=folder, on_progress=on_progress,
    )  # fmt: skip


def train_on_points(
    points: NDArray[np.float64],
    paths: tuple[str, ...],
    settings: ScenarioGanSettings = _DEFAULTS,
    *,
    conditions: NDArray[np.float64] | None = None,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> GanGenerator:
    """Trains a GAN on arbitrary successive states, like `train_gan` on those of a network.

    Args:
        points: states, oldest first; shape (windows, coordinates).
        paths: names of the coordinates.
        settings: settings of the training.
        conditions: indicators that each state but the first prioritises; shape (windows - 1, 4);
            None: no conditions.
        folder: see `train_gan`.
        on_progress: see `OnProgress`.

    Returns:
        The generator at its best.

    Raises:
        ConfigError: if there are too few states to hold any out.
    """
    metadata, pairs = _prepared(points, paths, conditions, settings)
    num_held_out = max(round(len(pairs.states) * settings.held_out_share), _LEAST_HELD_OUT)
    if len(pairs.states) - num_held_out < _LEAST_HELD_OUT:
        raise ConfigError(
            f"a scenario GAN needs {2 * _LEAST_HELD_OUT + 1} windows at least, got "
            f"{len(points)}: watch the network for longer, or use `hybrid`"
        )
    apart = -(-num_held_out // _MOST_HELD_OUT)  # of very many only every so-manieth is looked at
    learned = pairs.part(slice(-num_held_out))
    held_out = pairs.part(slice(-num_held_out, None, apart))
    with _one_thread():
        return _trained(metadata, learned, held_out, settings, folder, on_progress or _untold)


def _trained(
    metadata: GanMetadata,
    learned: _Pairs,
    held_out: _Pairs,
    settings: ScenarioGanSettings,
    folder: Path | None,
    tell: OnProgress,
) -> GanGenerator:
    """The best of all looks, the one before the first step among them."""
    contest = _Contest(len(metadata.paths), learned, settings)
    best = _Best(metadata, contest.generator, folder)
    beginning = _held_out_distance(contest.generator, held_out, settings)
    best.take(0, beginning)
    looks = 0
    for step in range(1, settings.max_steps + 1):
        contest.step()
        if step % settings.check_every and step != settings.max_steps:
            continue
        distance = _held_out_distance(contest.generator, held_out, settings)
        looks += 1
        if distance < min(best.metadata.held_out_distance, (1.0 - _LEAST_GAIN) * beginning):
            best.take(step, distance)
            looks = 0
        tell(step, best.metadata.held_out_distance)
        if looks >= settings.patience:
            break
    return best.generator()


class _Best:
    """The best weights so far, in memory and on the disk."""

    def __init__(self, metadata: GanMetadata, network: NextState, folder: Path | None) -> None:
        self.metadata = metadata
        self._network, self._folder = network, folder

    def take(self, step: int, distance: float) -> None:
        """Keeps the weights as they are now."""
        self._weights = copy.deepcopy(self._network.state_dict())
        self.metadata = self.metadata.replace(num_steps=step, held_out_distance=distance)
        if self._folder is not None:
            GanGenerator(self.metadata, self._network).save(self._folder)
            self._network.train()

    def generator(self) -> GanGenerator:
        """With the weights that were kept."""
        self._network.load_state_dict(self._weights)
        return GanGenerator(self.metadata, self._network)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Small networks learn several times faster without threads that wait for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _untold(step: int, distance: float) -> None:
    """Nobody wants to know."""


def _prepared(
    points: NDArray[np.float64],
    paths: tuple[str, ...],
    conditions: NDArray[np.float64] | None,
    settings: ScenarioGanSettings,
) -> tuple[GanMetadata, _Pairs]:
    """The metadata but for its results, and the pairs."""
    step = Step.fit(points)
    mean = step.law.mean
    scale = np.maximum(points.std(0), MIN_SCALE)
    units = (points - mean) / scale
    if conditions is None:
        conditions = np.zeros((len(points) - 1, len(INDICATORS)))
    metadata = GanMetadata(
        paths=paths,
        mean=tuple(mean.tolist()),
        scale=tuple(scale.tolist()),
        keep=tuple(step.keep.tolist()),
        noise_size=settings.noise_size,
        width=settings.width,
        num_windows=len(points),
        num_steps=0,
        held_out_distance=0.0,
        seed=settings.seed,
    )
    return metadata, _Pairs(units[:-1], units[1:] - step.keep * units[:-1], asked(conditions))


class _Contest:
    """A generator and a discriminator that learn in turn."""

    def __init__(self, num_parameters: int, pairs: _Pairs, settings: ScenarioGanSettings) -> None:
        self._rng = np.random.default_rng(settings.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.generator = NextState(num_parameters, settings.noise_size, settings.width)
            self.generator.root.copy_(_tensor(Normal.fit(pairs.changes).root))
            self._discriminator = nn.Sequential(
                nn.Linear(2 * num_parameters + NUM_CONDITIONS, settings.width),
                nn.LeakyReLU(_SLOPE),
                nn.Linear(settings.width, settings.width),
                nn.LeakyReLU(_SLOPE),
                nn.Linear(settings.width, 1),
            )
        self._settings, self._pairs = settings, pairs
        self._of_generator = _adam(self.generator, settings)
        self._of_discriminator = _adam(self._discriminator, settings)

    def step(self) -> None:
        """One batch for each."""
        states, changes, conditions = self._batch()
        made = self.generator(states, conditions, self._noise())
        real = self._told(states, changes, conditions)
        fake = self._told(states, made.detach(), conditions)
        loss = binary_cross_entropy_with_logits(real, torch.full_like(real, _REAL_LABEL))
        loss = loss + binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
        _learn(self._of_discriminator, loss)
        states, _, conditions = self._batch()
        made = self.generator(states, conditions, self._noise())
        told = self._told(states, made, conditions)
        _learn(self._of_generator, binary_cross_entropy_with_logits(told, torch.ones_like(told)))

    def _told(self, states: Tensor, changes: Tensor, conditions: Tensor) -> Tensor:
        told: Tensor = self._discriminator(torch.cat([states, changes, conditions], 1))
        return told

    def _batch(self) -> tuple[Tensor, Tensor, Tensor]:
        size, jitter = self._settings.batch_size, self._settings.jitter
        chosen = self._rng.integers(len(self._pairs.states), size=size)
        states = self._pairs.states[chosen]
        changes = self._pairs.changes[chosen]
        states = states + jitter * self._rng.standard_normal(states.shape)
        changes = changes + jitter * self._rng.standard_normal(changes.shape)
        is_told = self._rng.random((size, 1)) < _TOLD_SHARE
        return _tensor(states), _tensor(changes), _tensor(self._pairs.conditions[chosen] * is_told)

    def _noise(self) -> Tensor:
        shape = (self._settings.batch_size, self.generator.noise_size)
        return _tensor(self._rng.standard_normal(shape))


def _held_out_distance(generator: NextState, pairs: _Pairs, settings: ScenarioGanSettings) -> float:
    """Energy distance of made-up pairs to those that came, several draws a state."""
    rng = np.random.default_rng(settings.seed + 1)  # the same noise at every look
    states = np.repeat(pairs.states, _COPIES, 0)
    conditions = np.zeros((len(states), NUM_CONDITIONS))  # nothing is known of what comes
    noise = rng.standard_normal((len(states), generator.noise_size))
    with torch.no_grad():
        made = generator(_tensor(states), _tensor(conditions), _tensor(noise)).numpy()
    first = np.concatenate([states, made.astype(np.float64)], 1)
    second = np.concatenate([pairs.states, pairs.changes], 1)
    return energy_distance(first, second)


def _adam(module: nn.Module, settings: ScenarioGanSettings) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), lr=settings.learning_rate, betas=_BETAS)


def _learn(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
