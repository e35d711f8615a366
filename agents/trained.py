"""From settings to an agent that can be kept, whether it is trained or cloned; each one once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from agents.actor import CARD_FILE, LearnedActor, load_actor, save_actor
from agents.models import Built
from agents.settings import TrainSettings
from agents.training import OnBegin, train, trained_policy
from agents.twin import make_twin
from twin_gym.policies import Policy
from twin_gym.twins import PolicyTwin

ACTOR_FOLDER, TWIN_FOLDER = "actor", "twin"
"""Names of the folders that `Trained.save` writes: of an actor, or of a clone."""


@dataclass(frozen=True)
class Trained:
    """An agent that has learned.

    Attributes:
        policy: its greedy policy.
        points: its curve (see `agents.training.Curve`); a clone has none.
        steps: environment steps that it took, those of a guard's looks included; a clone takes
            none.
        num_parameters: of its networks.
        warm_start: what the warm start said, or "".
        keep: writes it to a folder.
    """

    policy: Policy
    points: list[dict[str, float]]
    steps: int
    num_parameters: int
    warm_start: str
    keep: Callable[[Path], None]

    def save(self, folder: Path) -> None:
        """Writes weights and a card, no pickles, to a folder in `folder` (see `saved_policy`)."""
        self.keep(folder / (TWIN_FOLDER if isinstance(self.policy, PolicyTwin) else ACTOR_FOLDER))


def train_agent(settings: TrainSettings, *, on_begin: OnBegin | None = None, **how: Any) -> Trained:
    """Trains an agent or goes on with its training, or makes a clone; on one thread.

    Args:
        settings: of any agent of `agents.settings.AGENTS`.
        on_begin: see `agents.training.train`.
        how: its other arguments. A clone needs none.

    Returns:
        The agent.

    Raises:
        ConfigError: see `agents.training.train`.
    """
    torch.set_num_threads(1)  # the networks are small, and one thread adds up in one order
    if settings.agent == "clone":
        twin = make_twin(settings)
        return Trained(twin, [], 0, _size(twin.network), "", twin.save)
    warm_starts = []

    def begin(built: Built, first_step: int) -> None:
        warm_starts.append(str(built.started or ""))
        if on_begin is not None:
            on_begin(built, first_step)

    model, curve = train(settings, on_begin=begin, **how)
    return Trained(
        trained_policy(model, settings),
        curve.points,
        model.num_timesteps + curve.guard_steps,
        _size(model.policy),
        warm_starts[0],
        partial(save_actor, model, settings),
    )


def saved_policy(settings: TrainSettings, folder: Path) -> LearnedActor | PolicyTwin:
    """The greedy policy that `Trained.save` wrote.

    Args:
        settings: of its training.
        folder: the same as then.

    Raises:
        ConfigError: if it is not there or damaged.
    """
    if settings.agent == "clone":
        return PolicyTwin.load(folder / TWIN_FOLDER)
    return load_actor(folder / ACTOR_FOLDER)


def actor_once(settings: TrainSettings, folder: Path) -> LearnedActor:
    """The actor that a folder holds, which is trained if there is none yet.

    Args:
        settings: of its training, which the name of the folder tells from others.
        folder: of the actor alone.
    """
    if not (folder / CARD_FILE).exists():  # it is written last
        train_agent(settings, evaluate_every=settings.total_timesteps, num_worlds=2).keep(folder)
    return load_actor(folder)


def _size(network: torch.nn.Module) -> int:
    return sum(values.numel() for values in network.parameters())
