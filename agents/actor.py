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
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.actor_card import FORMAT, ActorCard
from agents.settings import TrainSettings
from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_bytes
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.sb3 import actor_layers, native_env
from twin_gym.scenario import Scenario
from twin_gym.twins import FlatNetwork, PlainNetwork
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.weights import load_weights

CARD_FILE, WEIGHTS_FILE = "actor.json", "actor.safetensors"

_MAX_CARD_BYTES, _MAX_WEIGHTS_BYTES = 1_000_000, 2**28


@dataclass
class LearnedActor:
    """The greedy policy of a learned actor.

    Attributes:
        network: gives the logits, or the means of amounts.
        space: what it looks at, in order, and what it can do.
        name: how tables call it.
    """

    network: FlatNetwork
    space: DecisionSpace
    name: str

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the observed fields, in order."""
        return self.space.field_names

    def __post_init__(self) -> None:
        """Copies the weights out of torch: a call then takes an eighth of the time."""
        state = self.network.state_dict()
        self._plain = PlainNetwork({name: values.numpy() for name, values in state.items()})
        self._low = np.array(self.space.low, np.float32)
        self._high = np.array(self.space.high, np.float32)

    def reset(self, seed: int) -> None:
        """Does nothing: greedy actions need no random numbers."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The likeliest allowed action of each row; or the mean amounts, cut to their box."""
        outputs = self._plain(np.asarray(observations, np.float32))
        if not self.space.is_discrete:
            return np.clip(outputs, self._low, self._high)
        chosen: NDArray[np.int64] = np.where(masks > 0, outputs, -np.inf).argmax(axis=1)
        return chosen

    def check_fits(self, scenario: Scenario) -> None:
        """Refuses a scenario whose observations or actions mean something else."""
        if scenario.kind != self.space.kind:
            raise ConfigError(
                f"{self.name!r} is for scenarios of the kind {self.space.kind!r}, and "
                f"{scenario.name!r} is of the kind {scenario.kind!r}: train one there"
            )
        other = DecisionSpace.of(scenario, self.space.action)
        if other.field_names != self.space.field_names:
            raise ConfigError(
                f"{self.name!r} sees other fields than {scenario.name!r} has: train one there"
            )
        mine, theirs = (
            (space.action_names, space.low, space.high) for space in (self.space, other)
        )
        if mine != theirs:
            raise ConfigError(
                f"{self.name!r} has other actions than {scenario.name!r}: train one there"
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
    weights = actor_layers(model)
    if weights is None:
        raise ConfigError(f"the actor of {type(model.policy).__name__} is no layers of tanh")
    hidden = [len(values) for name, values in weights.items() if name.endswith(".bias")][:-1]
    write_actor(
        weights,
        scenario,
        folder,
        agent=settings.agent,
        hidden=hidden,
        steps=model.num_timesteps,
        settings=settings.as_stored(),
        action=settings.action,
    )


def write_actor(
    weights: Mapping[str, torch.Tensor],
    scenario: Scenario,
    folder: Path,
    *,
    agent: str,
    hidden: Sequence[int],
    steps: int,
    settings: Mapping[str, Any],
    action: str | None = None,
) -> None:
    """Writes the two files of an actor, whatever it was trained with.

    Args:
        weights: of a `FlatNetwork`, by its own names.
        scenario: what it was trained on.
        folder: made if it does not exist; an actor that is there already is replaced.
        agent: how tables call it.
        hidden: widths of the network.
        steps: environment steps that it learned from.
        settings: of its training; what JSON can say.
        action: form of its actions; None: the default of the environment.
    """
    space = DecisionSpace.of(scenario, action)
    content = safetensors.torch.save({name: one.contiguous() for name, one in weights.items()})
    card = {
        "format": FORMAT,
        "agent": agent,
        **asdict(space),
        "num_actions": space.num_actions,
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
    text = read_bytes(folder / CARD_FILE, _MAX_CARD_BYTES)
    try:
        card = ActorCard.from_json(text, repr(str(folder / CARD_FILE)))
        if card.weights_sha256 != hashlib.sha256(content).hexdigest():
            raise ConfigError(
                f"{str(folder / WEIGHTS_FILE)!r} is not the file of {str(folder / CARD_FILE)!r}"
            )
        network = FlatNetwork.blank(len(card.field_names), card.num_actions, card.hidden)
        weights = load_weights(content, network, repr(str(folder / WEIGHTS_FILE)))
    except ConfigError as error:
        raise ConfigError(f"{str(folder)!r} holds no actor: {error}") from None
    network.load_state_dict(weights, assign=True)
    return LearnedActor(network.eval(), card.space, card.agent)
