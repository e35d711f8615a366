"""A learned actor as weights and a card, without pickles: what others can run and compare."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.settings import TrainSettings
from twin_gym.envs.slice_admission import field_names
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.sb3 import native_env
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins import PlainNetwork, SliceNetwork
from twin_gym.twins.files import read_bytes, write_bytes

FORMAT = "twin_gym actor 1"
CARD_FILE, WEIGHTS_FILE = "actor.json", "actor.safetensors"

_MAX_CARD_BYTES, _MAX_WEIGHTS_BYTES = 1_000_000, 2**28
_WIDEST = 4096
_PLACES = {"mlp_extractor.policy_net.": "policy_net.", "action_net.": "action_net."}


@dataclass
class LearnedActor:
    """The greedy policy of a learned actor.

    Attributes:
        network: gives the logits.
        field_names: what it looks at, in order.
        name: how tables call it.
    """

    network: SliceNetwork
    field_names: tuple[str, ...]
    name: str

    def __post_init__(self) -> None:
        """Copies the weights out of torch: a call then takes an eighth of the time."""
        state = self.network.state_dict()
        self._plain = PlainNetwork({name: values.numpy() for name, values in state.items()})

    def reset(self, seed: int) -> None:
        """Nothing is drawn."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The likeliest allowed action of each row."""
        logits = self._plain(np.asarray(observations, np.float32))
        chosen: NDArray[np.int64] = np.where(masks > 0, logits, -np.inf).argmax(axis=1)
        return chosen

    def check_fits(self, scenario: AdmissionScenario) -> None:
        """Refuses a scenario whose observations mean something else."""
        if field_names(scenario, "slice") != self.field_names:
            raise ConfigError(
                f"{self.name!r} sees other fields than {scenario.name!r} has: train one there"
            )


def save_actor(model: OnPolicyAlgorithm, settings: TrainSettings, folder: Path) -> None:
    """Writes `actor.safetensors` and `actor.json`.

    Args:
        model: trained.
        settings: of its training.
        folder: made if it does not exist; an actor that is there already is replaced.
    """
    env = model.get_env()
    if env is None:
        raise ConfigError("the model has no environment")
    scenario = native_env(env).scenario
    weights = {}
    for name, values in model.policy.state_dict().items():
        for place, short in _PLACES.items():
            if name.startswith(place):
                weights[short + name.removeprefix(place)] = values
    write_actor(
        weights,
        scenario,
        folder,
        agent=settings.agent,
        hidden=settings.hidden,
        steps=model.num_timesteps,
        settings=asdict(settings),
    )


def write_actor(
    weights: Mapping[str, torch.Tensor],
    scenario: AdmissionScenario,
    folder: Path,
    *,
    agent: str,
    hidden: Sequence[int],
    steps: int,
    settings: Mapping[str, Any],
) -> None:
    """Writes the two files of an actor, whatever it was trained with.

    Args:
        weights: of a `SliceNetwork`, by its own names.
        scenario: what it was trained on.
        folder: made if it does not exist; an actor that is there already is replaced.
        agent: how tables call it.
        hidden: widths of the network.
        steps: environment steps that it learned from.
        settings: of its training; what JSON can say.
    """
    content = safetensors.torch.save({name: one.contiguous() for name, one in weights.items()})
    card = {
        "format": FORMAT,
        "agent": agent,
        "action": "slice",
        "field_names": list(field_names(scenario, "slice")),
        "num_actions": len(scenario.slices) + 1,
        "hidden": list(hidden),
        "scenario": scenario.name,
        "scenario_digest": scenario.digest,
        "steps": steps,
        "settings": dict(settings),
        "weights_sha256": hashlib.sha256(content).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / WEIGHTS_FILE, content)
    write_bytes(folder / CARD_FILE, (json.dumps(card, indent=1) + "\n").encode())


def load_actor(folder: Path) -> LearnedActor:
    """An actor from its two files, checked; nothing in them is executed.

    Args:
        folder: what `save_actor` wrote.

    Returns:
        The greedy policy.

    Raises:
        ConfigError: if a file is missing, too large, damaged, or they do not belong together.
    """
    content = read_bytes(folder / WEIGHTS_FILE, _MAX_WEIGHTS_BYTES)
    origin = str(folder / CARD_FILE)
    try:
        card: dict[str, Any] = json.loads(read_bytes(folder / CARD_FILE, _MAX_CARD_BYTES))
        if card["format"] != FORMAT:
            raise ConfigError(f"{origin!r} has the format {card['format']!r}, not {FORMAT!r}")
        if card["weights_sha256"] != hashlib.sha256(content).hexdigest():
            raise ConfigError(f"{str(folder / WEIGHTS_FILE)!r} is not the file of {origin!r}")
        names = tuple(str(name) for name in card["field_names"])
        network = _network(names, card)
        network.load_state_dict(safetensors.torch.load(content))
        if not all(bool(torch.isfinite(values).all()) for values in network.parameters()):
            raise ConfigError(f"{str(folder / WEIGHTS_FILE)!r} holds values that are not finite")
        return LearnedActor(network.eval(), names, str(card["agent"]))
    except ConfigError:
        raise
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ConfigError(f"{str(folder)!r} holds no actor: {error}") from None


def _network(names: tuple[str, ...], card: dict[str, Any]) -> SliceNetwork:
    """A network of the card's widths, which are bounded before anything is allocated."""
    widths = [card["num_actions"], *card["hidden"]]
    if not all(isinstance(width, int) and 0 < width <= _WIDEST for width in widths):
        raise ConfigError(f"an actor has widths of 1 to {_WIDEST}, got {widths}")
    return SliceNetwork(len(names), widths[0], widths[1:])
