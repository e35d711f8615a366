"""H+R+GAI: a conditional generative adversarial network over the next state of a network.

The generator is given a state, the prioritised indicators and noise, and answers with the next
state; the discriminator tells pairs of successive states that were lived from pairs that were made
up. Both work on coordinates in units of the history's standard deviations. The generator begins as
the first-order autoregression with normal changes that `hybrid` uses, and learns the difference:
what straight lines and normal laws explain need not be learned.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from twin_gym.errors import ConfigError
from twin_gym.twins.files import read_bytes, write_bytes
from twin_gym.twins.plain import file_path
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gaussian import Step
from twin_gym.twins.scenarios.generator import PointGenerator
from twin_gym.twins.scenarios.lived import Lived, Now
from twin_gym.twins.scenarios.parameters import Coordinates
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import load_weights

FORMAT = "twin_gym scenario gan 3"
CARD_FILE, WEIGHTS_FILE = "generator.json", "generator.safetensors"
_DIGEST = "weights_sha256"
NUM_CONDITIONS = 5
"""The four indicators, and whether anything is asked at all."""

MIN_SCALE = 1e-6
"""Smallest standard deviation that a state is counted in."""

_MAX_CARD_BYTES = 2_000_000
_MAX_WEIGHTS_BYTES = 2**28
_MAX_PATHS, _MAX_PATH = 4096, 500
_RANGES = (
    ("noise_size", 1, 1024),
    ("width", 1, 4096),
    ("num_windows", 1, 10**9),
    ("num_steps", 0, 10_000_000),
    ("seed", 0, 2**31 - 1),
)
_MOST = 1e100  # of a coordinate: sums and products of them stay finite
_LISTS = ("paths", "mean", "scale", "keep")
_SPANS = (("mean", -_MOST, _MOST), ("scale", MIN_SCALE, _MOST), ("keep", 0.0, 1.0))
_SLOPE = 0.2
_MOST_UNITS = 8.0  # beyond what was learned from, a network's answer would grow without a bound


class NextState(nn.Module):
    """From a state, a condition and noise to the difference of the next state to the expected one.

    It begins as the normal law of the changes that were lived, which `hybrid` draws from too, and
    learns what that law leaves out: the last layer is zero at first.

    Args:
        num_parameters: coordinates of a state.
        noise_size: random numbers a draw beside those of the normal law.
        width: of the two hidden layers.
    """

    root: Tensor

    def __init__(self, num_parameters: int, noise_size: int, width: int) -> None:
        super().__init__()
        self.num_parameters = num_parameters
        self.noise_size = num_parameters + noise_size
        self.register_buffer("root", torch.zeros(num_parameters, num_parameters))
        last = nn.Linear(width, num_parameters)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(
            nn.Linear(num_parameters + NUM_CONDITIONS + self.noise_size, width),
            nn.LeakyReLU(_SLOPE),
            nn.Linear(width, width),
            nn.LeakyReLU(_SLOPE),
            last,
        )

    def forward(self, states: Tensor, conditions: Tensor, noise: Tensor) -> Tensor:
        """Differences in standard deviations; shape (points, parameters).

        Args:
            states: in standard deviations; shape (points, parameters).
            conditions: see `asked`; shape (points, 5).
            noise: standard normal; shape (points, `noise_size`).
        """
        usual = noise[:, : self.num_parameters] @ self.root
        learned: Tensor = self.layers(torch.cat([states, conditions, noise], 1))
        return usual + learned


@dataclass(frozen=True)
class GanCard:
    """Everything about a trained generator but its weights.

    Attributes:
        paths: of the parameters, in order.
        mean: coordinates of the average window.
        scale: standard deviations of the windows.
        keep: share of a deviation that is left after a window.
        noise_size: random numbers a draw beside those of the normal law.
        width: of the hidden layers.
        num_windows: of the history that it has learned from.
        num_steps: of the training that gave the kept weights; 0: nothing was clearly better than
            the normal law that it began as.
        held_out_distance: energy distance to the windows held out, at these weights.
        seed: of the training.
        format: of the two files.

    Raises:
        ConfigError: if a value has a wrong type or is out of range.
    """

    paths: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    keep: tuple[float, ...]
    noise_size: int
    width: int
    num_windows: int
    num_steps: int
    held_out_distance: float
    seed: int
    format: str = field(default=FORMAT)

    def __post_init__(self) -> None:
        """Refuses what no training leaves."""
        if self.format != FORMAT:
            raise ConfigError(
                f"the format is {self.format!r:.80}, not {FORMAT!r}: train the GAN anew"
            )
        if not all(isinstance(path, str) and len(path) <= _MAX_PATH for path in self.paths):
            raise ConfigError(f"`paths` of a GAN are texts of at most {_MAX_PATH} signs")
        if not 1 <= len(set(self.paths)) == len(self.paths) <= _MAX_PATHS:
            raise ConfigError(f"`paths` of a GAN are 1 to {_MAX_PATHS} different names")
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise ConfigError(f"`{name}` of a GAN is {low} to {high:,}, got {value!r:.40}")
        _check_numbers("held_out_distance", (self.held_out_distance,), 0.0, _MOST)
        for name, least, most in _SPANS:
            values = getattr(self, name)
            if len(values) != len(self.paths):
                raise ConfigError(
                    f"`{name}` of a GAN has {len(values)} values for {len(self.paths)} paths"
                )
            _check_numbers(name, values, least, most)


class GanGenerator(PointGenerator):
    """Draws next states from a trained network (see `train_gan`).

    Args:
        card: what the network is.
        network: its weights are those of the card.
    """

    name = "gan"

    def __init__(self, card: GanCard, network: NextState) -> None:
        self.card = card
        self.network = network.eval()

    def draw(
        self,
        criteria: Criteria,
        history: Lived,
        realtime: Now | None,
        count: int,
        rng: np.random.Generator,
    ) -> Coordinates:
        """Next states of what the real-time twin sees; without one, of the last window.

        What is unknown now is filled by the law of history, drawn anew for each point.

        Raises:
            ConfigError: if the history has other parameters than the network.
        """
        if history.space.paths != self.card.paths:
            raise ConfigError(
                f"the GAN was trained on {list(self.card.paths)}, and the history has "
                f"{list(history.space.paths)}: train one for it"
            )
        step = Step.fit(history.points)
        if realtime is None:
            states = np.tile(history.points[-1], (count, 1))
        else:
            states = step.state(realtime.point, realtime.ages).draw(count, rng)
        return self.next_states(states, asked(criteria.condition), rng)

    def next_states(
        self, states: Coordinates, condition: NDArray[np.float64], rng: np.random.Generator
    ) -> Coordinates:
        """One next state of each state.

        Args:
            states: coordinates; shape (points, parameters).
            condition: see `asked`; shape (5,) or (points, 5).
            rng: of the noise.

        Returns:
            Shape (points, parameters).
        """
        mean, scale, keep = (
            np.array(one, np.float64) for one in (self.card.mean, self.card.scale, self.card.keep)
        )
        units = (states - mean) / scale
        conditions = np.broadcast_to(condition, (len(states), NUM_CONDITIONS))
        noise = rng.standard_normal((len(states), self.network.noise_size))
        with torch.no_grad():
            seen = np.clip(units, -_MOST_UNITS, _MOST_UNITS)
            new = self.network(_tensor(seen), _tensor(conditions), _tensor(noise)).numpy()
        expected = keep * units
        found: Coordinates = mean + scale * (expected + new.astype(np.float64))
        return found

    def save(self, folder: Path) -> None:
        """Writes card and weights, each whole; the card last, which says that both are there."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = safetensors.torch.save(self.network.state_dict())
        write_bytes(folder / WEIGHTS_FILE, weights)
        card = asdict(self.card) | {_DIGEST: hashlib.sha256(weights).hexdigest()}
        text = json.dumps(card, indent=1, allow_nan=False) + "\n"
        write_bytes(folder / CARD_FILE, text.encode())

    @classmethod
    def load(cls, folder: Path) -> GanGenerator:
        """Reads what `save` wrote; no pickle is read.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or of another format.
        """
        folder = file_path(folder, "the folder of a generator")
        content = read_bytes(folder / WEIGHTS_FILE, _MAX_WEIGHTS_BYTES)
        values = read_object(read_bytes(folder / CARD_FILE, _MAX_CARD_BYTES), repr(str(folder)))
        try:
            card = _card_of(values, hashlib.sha256(content).hexdigest())
            with torch.device("meta"):  # names and shapes alone, whatever the card says
                network = NextState(len(card.paths), card.noise_size, card.width)
            weights = load_weights(content, network, repr(WEIGHTS_FILE))
        except ConfigError as error:
            raise ConfigError(f"{str(folder)!r} holds no scenario GAN: {error}") from None
        network.load_state_dict(weights, assign=True)
        return cls(card, network)


def _card_of(values: dict[str, Any], digest: str) -> GanCard:
    """The card that a file holds beside weights of this digest; every key is there, and no other.

    The format is looked at first: files of other formats have other keys.
    """
    given = values.get("format")
    if given != FORMAT:
        raise ConfigError(f"the format is {given!r:.80}, not {FORMAT!r}: train the GAN anew")
    wanted = {one.name for one in fields(GanCard)} | {_DIGEST}
    if values.keys() != wanted:
        differing = sorted(values.keys() ^ wanted)
        raise ConfigError(f"its card lacks keys or has others: {differing[:4]!r:.200}")
    if values[_DIGEST] != digest:
        raise ConfigError(
            f"{WEIGHTS_FILE!r} is not the file that {CARD_FILE!r} belongs to: one of them was "
            "changed or not written to its end; train the GAN anew"
        )
    del values[_DIGEST]
    for name in _LISTS:
        if not isinstance(values[name], list):
            raise ConfigError(f"`{name}` of a GAN is a list, got {values[name]!r:.40}")
    told: dict[str, Any] = {name: tuple(values[name]) for name in _LISTS}
    return GanCard(**{**values, **told})


def _check_numbers(name: str, values: Iterable[Any], low: float, high: float) -> None:
    """Refuses what is no number between two others; NaN is none."""
    for one in values:
        is_number = isinstance(one, float | int) and not isinstance(one, bool)
        if not is_number or not low <= one <= high:
            raise ConfigError(f"`{name}` of a GAN is {low:g} to {high:g}, got {one!r:.40}")


def asked(condition: NDArray[np.float64]) -> NDArray[np.float64]:
    """The prioritised indicators and whether there are any: what the network is told.

    Args:
        condition: 1 for each prioritised indicator; shape (..., 4).

    Returns:
        Shape (..., 5). All zero stands for "whatever comes", which the training knows too.
    """
    any_asked = condition.max(-1, keepdims=True)
    return np.concatenate([condition, any_asked], -1)


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
