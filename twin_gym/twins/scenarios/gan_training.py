"""Training of the scenario GAN: batches of successive windows, held-out fidelity, checkpoints."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
    GanCard,
    GanGenerator,
    NextState,
    asked,
)
from twin_gym.twins.scenarios.gaussian import Normal, Step
from twin_gym.twins.scenarios.lived import Lived

OnProgress = Callable[[int, float], None]
"""Told the steps done and the best distance to the held-out windows so far."""

_BETAS = (0.5, 0.9)  # short memory of the opponent, as usual for GANs
_SLOPE = 0.2
_REAL_LABEL = 0.9
_LEAST_HELD_OUT = 4
_MOST_HELD_OUT = 125
_COPIES = 8
_LEAST_GAIN = (
    0.1  # of the distance: the best of many looks at few windows is a little better by chance
)
_TOLD_SHARE = 0.5  # of the pairs: for the others the network learns "whatever comes"


@dataclass(frozen=True)
class ScenarioGanSettings:
    """How a scenario GAN is trained.

    Attributes:
        max_steps: how often discriminator and generator learn at most.
        check_every: steps between looks at the held-out windows.
        patience: looks without a better one after which it ends.
        batch_size: pairs a step.
        learning_rate: of Adam, for both.
        noise_size: random numbers a draw beside those of the normal law.
        width: of the hidden layers.
        jitter: noise on lived pairs, in standard deviations: few windows cannot be learned by
            heart.
        held_out_share: the latest share of the windows that is not learned from.
        seed: of weights, batches and noise.

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
        """Refuses what cannot be trained with."""
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
        states: of the first of each pair.
        changes: of the second, less what is expected.
        conditions: the indicators that the second one's own values prioritise.
    """

    states: NDArray[np.float64]
    changes: NDArray[np.float64]
    conditions: NDArray[np.float64]

    def part(self, places: slice) -> _Pairs:
        return _Pairs(self.states[places], self.changes[places], self.conditions[places])


def train_gan(
    history: Lived,
    settings: ScenarioGanSettings = _DEFAULTS,
    *,
    folder: Path | None = None,
    on_progress: OnProgress | None = None,
) -> GanGenerator:
    """Trains a scenario GAN on the windows that a network has lived.

    The generator begins as the law that `hybrid` draws from. Of all looks at the held-out windows
    the weights of the best one are kept: those whose pairs of states have the least energy distance
    from the pairs that came, if it is a tenth less than that of the beginning; else the beginning.

    Args:
        history: of which the latest windows are held out.
        settings: of the training.
        folder: where the best weights so far are written at every better look; None: nowhere.
        on_progress: see `OnProgress`.

    Returns:
        The generator at its best.

    Raises:
        ConfigError: if the history is too short to hold any windows out.
    """
    told = [condition_of(history.space, point, Thresholds()) for point in history.points[1:]]
    return train_on_points(
        history.points, history.space.paths, settings,
        conditions=np.array(told), folder=folder, on_progress=on_progress,
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
    """Trains a GAN on successive states of anything, as `train_gan` on those of a network.

    Args:
        points: states, oldest first; shape (windows, coordinates).
        paths: what the coordinates are called.
        settings: of the training.
        conditions: indicators that each state but the first prioritises; shape (windows - 1, 4);
            None: nothing is asked, ever.
        folder: see `train_gan`.
        on_progress: see `OnProgress`.

    Returns:
        The generator at its best.

    Raises:
        ConfigError: if there are too few states to hold any out.
    """
    card, pairs = _prepared(points, paths, conditions, settings)
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
        return _trained(card, learned, held_out, settings, folder, on_progress or _untold)


def _trained(
    card: GanCard,
    learned: _Pairs,
    held_out: _Pairs,
    settings: ScenarioGanSettings,
    folder: Path | None,
    tell: OnProgress,
) -> GanGenerator:
    """The best of all looks, the one before the first step among them."""
    contest = _Contest(len(card.paths), learned, settings)
    best = _Best(card, contest.generator, folder)
    beginning = _held_out_distance(contest.generator, held_out, settings)
    best.take(0, beginning)
    looks = 0
    for step in range(1, settings.max_steps + 1):
        contest.step()
        if step % settings.check_every and step != settings.max_steps:
            continue
        distance = _held_out_distance(contest.generator, held_out, settings)
        looks += 1
        if distance < min(best.card.held_out_distance, (1.0 - _LEAST_GAIN) * beginning):
            best.take(step, distance)
            looks = 0
        tell(step, best.card.held_out_distance)
        if looks >= settings.patience:
            break
    return best.generator()


class _Best:
    """The best weights so far, in memory and on the disk."""

    def __init__(self, card: GanCard, network: NextState, folder: Path | None) -> None:
        self.card = card
        self._network, self._folder = network, folder

    def take(self, step: int, distance: float) -> None:
        """Keeps the weights as they are now."""
        self._weights = copy.deepcopy(self._network.state_dict())
        self.card = replace(self.card, num_steps=step, held_out_distance=distance)
        if self._folder is not None:
            GanGenerator(self.card, self._network).save(self._folder)
            self._network.train()

    def generator(self) -> GanGenerator:
        """With the weights that were kept."""
        self._network.load_state_dict(self._weights)
        return GanGenerator(self.card, self._network)


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
) -> tuple[GanCard, _Pairs]:
    """The card but for its results, and the pairs."""
    step = Step.fit(points)
    mean = step.law.mean
    scale = np.maximum(points.std(0), MIN_SCALE)
    units = (points - mean) / scale
    if conditions is None:
        conditions = np.zeros((len(points) - 1, len(INDICATORS)))
    card = GanCard(
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
    return card, _Pairs(units[:-1], units[1:] - step.keep * units[:-1], asked(conditions))


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
