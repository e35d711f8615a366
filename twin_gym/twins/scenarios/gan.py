"""H+R+GAI: a conditional generative adversarial network over the next state of a network.

The generator maps a state, the prioritised indicators and noise to the next state; the
discriminator distinguishes observed from generated pairs of successive states. Both work on
coordinates in standard deviations of the history. The generator starts as the first-order
autoregression with normal changes that `hybrid` uses, and learns the difference to it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor, nn

from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.scenario.base import FrozenModel
from twin_gym.twins.plain import file_path
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gaussian import Step
from twin_gym.twins.scenarios.generator import PointGenerator
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Coordinates
from twin_gym.twins.strict_json import read_object
from twin_gym.twins.weights import load_weights

FORMAT = "twin_gym scenario gan 3"
METADATA_FILE, WEIGHTS_FILE = "generator.json", "generator.safetensors"
_DIGEST = "weights_sha256"
NUM_CONDITIONS = 5
"""The four indicators, and whether any of them is prioritised."""

MIN_SCALE = 1e-6
"""Smallest standard deviation that a state is counted in."""

_MAX_METADATA_BYTES = 2_000_000
_MAX_WEIGHTS_BYTES = 2**28
_MAX_PATHS, _MOST = 4096, 1e100  # of a coordinate: sums and products of them stay finite
_SLOPE = 0.2
_MOST_UNITS = 8.0  # beyond what was learned from, a network's answer would grow without a bound

_Path = Annotated[str, Field(strict=True, max_length=500)]
_Coordinate = Annotated[float, Field(strict=True, ge=-_MOST, le=_MOST)]
_Scale = Annotated[float, Field(strict=True, ge=MIN_SCALE, le=_MOST)]
_Share = Annotated[float, Field(strict=True, ge=0.0, le=1.0)]


class NextState(nn.Module):
    """Maps state, condition and noise to the deviation of the next state from the expected one.

    It starts as the normal distribution of observed changes, from which `hybrid` draws too, and
    learns the rest: the last layer is zero at first.

    Args:
        num_parameters: coordinates of a state.
        noise_size: noise inputs of the network, in addition to the normal deviation.
        width: width of the two hidden layers.
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


class GanMetadata(FrozenModel):
    """Metadata of a trained generator: everything but its weights.

    Attributes:
        paths: paths of the parameters, in order.
        mean: mean coordinates of the windows.
        scale: standard deviations of the windows.
        keep: autoregression coefficient: share of a deviation that remains after a window.
        noise_size: noise inputs of the network, in addition to the normal deviation.
        width: width of the hidden layers.
        num_windows: number of windows in the training history.
        num_steps: training steps of the saved weights; 0 if no later weights were clearly better
            than the initial normal distribution.
        held_out_distance: energy distance to the held-out windows with these weights.
        seed: seed of the training.
        format: format of the two files.

    Raises:
        ConfigError: if a value has a wrong type or is out of range.
    """

    paths: Annotated[
        tuple[_Path, ...], Field(strict=False, fail_fast=True, min_length=1, max_length=_MAX_PATHS)
    ]
    mean: Annotated[tuple[_Coordinate, ...], Field(strict=False, fail_fast=True)]
    scale: Annotated[tuple[_Scale, ...], Field(strict=False, fail_fast=True)]
    keep: Annotated[tuple[_Share, ...], Field(strict=False, fail_fast=True)]
    noise_size: Annotated[int, Field(strict=True, ge=1, le=1024)]
    width: Annotated[int, Field(strict=True, ge=1, le=4096)]
    num_windows: Annotated[int, Field(strict=True, ge=1, le=10**9)]
    num_steps: Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
    held_out_distance: Annotated[float, Field(strict=True, ge=0.0, le=_MOST)]
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**31)]
    format: str = FORMAT

    @model_validator(mode="after")
    def _fits_together(self) -> GanMetadata:
        if self.format != FORMAT:
            raise ConfigError(
                f"the format is {self.format!r:.80}, not {FORMAT!r}: train the GAN anew"
            )
        if len(set(self.paths)) < len(self.paths):
            raise ConfigError("`paths` of a GAN are different names")
        for name in ("mean", "scale", "keep"):
            count = len(getattr(self, name))
            if count != len(self.paths):
                raise ConfigError(
                    f"`{name}` of a GAN has {count} values for {len(self.paths)} paths"
                )
        return self


class GanGenerator(PointGenerator):
    """Draws next states from a trained network (see `train_gan`).

    Args:
        metadata: parameters, normalisation and training of the network.
        network: the network with the trained weights.
    """

    name = "gan"

    def __init__(self, metadata: GanMetadata, network: NextState) -> None:
        self.metadata = metadata
        self.network = network.eval()

    def draw(
        self,
        criteria: Criteria,
        history: ParameterHistory,
        realtime: CurrentState | None,
        count: int,
        rng: np.random.Generator,
    ) -> Coordinates:
        """Next states after the current state; without one, after the last window.

        Unknown values of the current state are drawn from the history, anew for each point.

        Raises:
            ConfigError: if the history has other parameters than the network.
        """
        if history.space.paths != self.metadata.paths:
            raise ConfigError(
                f"the GAN was trained on {list(self.metadata.paths)}, and the history has "
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
        """Draws one next state for each state.

        Args:
            states: coordinates; shape (points, parameters).
            condition: see `asked`; shape (5,) or (points, 5).
            rng: source of randomness.

        Returns:
            Shape (points, parameters).
        """
        mean, scale, keep = (
            np.array(one, np.float64)
            for one in (self.metadata.mean, self.metadata.scale, self.metadata.keep)
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
        """Writes weights, then metadata; each file is written atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = safetensors.torch.save(self.network.state_dict())
        write_bytes(folder / WEIGHTS_FILE, weights)
        metadata = self.metadata.model_dump(mode="json") | {
            _DIGEST: hashlib.sha256(weights).hexdigest()
        }
        text = json.dumps(metadata, indent=1, allow_nan=False) + "\n"
        write_bytes(folder / METADATA_FILE, text.encode())

    @classmethod
    def load(cls, folder: Path) -> GanGenerator:
        """Loads a generator that `save` wrote; no pickle is read.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or of another format.
        """
        folder = file_path(folder, "the folder of a generator")
        content = read_bytes(folder / WEIGHTS_FILE, _MAX_WEIGHTS_BYTES)
        values = read_object(
            read_bytes(folder / METADATA_FILE, _MAX_METADATA_BYTES), repr(str(folder))
        )
        try:
            metadata = _metadata_of(values, hashlib.sha256(content).hexdigest())
            with torch.device("meta"):  # allocates nothing, however large the metadata says
                network = NextState(len(metadata.paths), metadata.noise_size, metadata.width)
            weights = load_weights(content, network, repr(WEIGHTS_FILE))
        except ConfigError as error:
            raise ConfigError(f"{str(folder)!r} holds no scenario GAN: {error}") from None
        network.load_state_dict(weights, assign=True)
        return cls(metadata, network)


def _metadata_of(values: dict[str, Any], digest: str) -> GanMetadata:
    """The metadata in a file beside weights of this digest.

    The format is looked at first: files of other formats have other keys.
    """
    given = values.get("format")
    if given != FORMAT:
        raise ConfigError(f"the format is {given!r:.80}, not {FORMAT!r}: train the GAN anew")
    if values.pop(_DIGEST, None) != digest:
        raise ConfigError(
            f"{WEIGHTS_FILE!r} is not the file of the {_DIGEST} in {METADATA_FILE!r}: one of them "
            "was changed or not written to its end; train the GAN anew"
        )
    return GanMetadata(**values)


def asked(condition: NDArray[np.float64]) -> NDArray[np.float64]:
    """The network's condition: prioritised indicators, and whether there are any.

    Args:
        condition: 1 for each prioritised indicator; shape (..., 4).

    Returns:
        Shape (..., 5). All zero means no condition, which occurs in training too.
    """
    any_asked = condition.max(-1, keepdims=True)
    return np.concatenate([condition, any_asked], -1)


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))
