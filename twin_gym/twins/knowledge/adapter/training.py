"""Training of an adapter on features that were computed once."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge.adapter.backbone import Features
from twin_gym.twins.knowledge.adapter.measures import Judged, Scorer, judge
from twin_gym.twins.knowledge.adapter.network import AdapterNetwork
from twin_gym.twins.knowledge.adapter.settings import AdapterSettings
from twin_gym.twins.knowledge.adapter.task import Indices, RelationTask, Split

Progress = Callable[[int, Judged, Judged | None], None]
"""Called after each epoch, and with 0 before the first, with what is judged of both parts."""


def train_network(
    task: RelationTask,
    features: Features,
    split: Split,
    settings: AdapterSettings,
    *,
    seed: int = 0,
    on_epoch: Progress | None = None,
    judged: Collection[int] | None = None,
) -> AdapterNetwork:
    """An adapter that says to which entity a relation leads. The features stay as they are.

    Args:
        task: that has the facts.
        features: of its entities; shape (entities, width).
        split: facts that are learned from; held-out ones are judged only, and may be none.
        settings: of network and training.
        seed: of weights and batches; 0 or more.
        on_epoch: told of the progress.
        judged: the epochs that it is told of; None: all.

    Returns:
        The network. The same arguments give the same one on the same machine.

    Raises:
        ConfigError: if features are missing, or there are no facts to learn from.
    """
    if len(features) != len(task.entities):
        raise ConfigError(
            f"an adapter learns on a row of features an entity, got {len(features)} rows for "
            f"{len(task.entities)} entities"
        )
    if not len(split.train):
        raise ConfigError("an adapter learns from facts, got none")
    generator = torch.Generator().manual_seed(seed)
    told = torch.from_numpy(np.ascontiguousarray(features, np.float32))
    network = AdapterNetwork(told.shape[1], len(task.relations), settings, generator)
    network.standardise(told[_met(task, split.train)])
    optimiser = torch.optim.AdamW(
        network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
    )
    tell = partial(_tell, on_epoch, judged, task, told, split, network)
    tell(0)
    for epoch in range(1, settings.epochs + 1):
        order = torch.randperm(len(split.train), generator=generator).numpy()
        for start in range(0, len(order), settings.batch_size):
            facts = split.train[order[start : start + settings.batch_size]]
            loss = loss_of(network, task, told, facts)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate(epoch, settings.epochs)
        tell(epoch)
    return network.eval()


def scorer_of(task: RelationTask, features: Tensor, network: AdapterNetwork) -> Scorer:
    """The scores of a network, as NumPy's.

    Args:
        task: that has the candidates.
        features: of its entities.
        network: that scores.
    """

    def scores(heads: Indices, relation: int) -> NDArray[np.float64]:
        with torch.no_grad():
            found: Tensor = network(features[heads], features[task.candidates[relation]], relation)
        return np.asarray(found.numpy(), np.float64)

    return scores


def _met(task: RelationTask, train: Indices) -> Indices:
    """The entities that a training meets: heads of its facts, and all candidates."""
    parts = [task.facts[train, 0], *task.candidates]
    met: Indices = np.unique(np.concatenate(parts))
    return met


def loss_of(
    network: AdapterNetwork, task: RelationTask, features: Tensor, facts: Indices
) -> Tensor:
    """Cross-entropy in nats a fact; candidates that are true as well are left out.

    Args:
        network: that scores.
        task: that has the facts.
        features: of its entities.
        facts: numbers of some of them, one at least.
    """
    total = torch.zeros(())
    for relation, candidates in enumerate(task.candidates):
        of_it = task.of_relation(facts, relation)
        if not len(of_it):
            continue
        scores = network(features[task.facts[of_it, 0]], features[candidates], relation)
        scores = scores.masked_fill(torch.from_numpy(task.others(of_it, relation)), -math.inf)
        places = torch.from_numpy(task.places[of_it])
        total = total + cross_entropy(scores, places, reduction="sum")
    return total / len(facts)


def _rate(epoch: int, epochs: int) -> float:
    """Share of the learning rate after an epoch."""
    return 0.5 * (1.0 + math.cos(math.pi * epoch / epochs))


def _tell(
    on_epoch: Progress | None, judged: Collection[int] | None, task: RelationTask,
    features: Tensor, split: Split, network: AdapterNetwork, epoch: int,
) -> None:  # fmt: skip
    if on_epoch is not None and (judged is None or epoch in judged):
        scorer = scorer_of(task, features, network)
        held = judge(task, split.held_out, scorer) if len(split.held_out) else None
        on_epoch(epoch, judge(task, split.train, scorer), held)
