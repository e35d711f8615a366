"""Behaviour cloning: the default policy learned from its log, by supervised learning.

Tao et al., Wireless Network Digital Twin for 6G, IEEE Wireless Communications 31(4), 2024, section
IV-A: a multilayer network trained on logged states and actions. The loss is the cross-entropy over
the allowed actions. Label smoothing (Szegedy et al., Rethinking the Inception Architecture, CVPR
2016, section 7) keeps a share of the probability on every other allowed action, and none on the
others: a learner that starts from the twin must be able to explore.

Where actions are amounts the loss is the mean square error, as of a censored regression (Tobin,
Estimation of relationships for limited dependent variables, Econometrica 26(1), 1958): an amount at
a bound of its box is met by any output beyond the bound. The twin cuts its outputs to the box, and
so meets a corner of it exactly, which the plain square error approaches and does not reach.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from twin_gym.core.forms import LEAST_AMOUNT, MOST_AMOUNT
from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_log import DecisionLog
from twin_gym.twins.metadata import PolicyMetadata, package_versions
from twin_gym.twins.networks import (
    PolicyNetwork,
    check_widths,
    default_hidden,
    masked_log_probabilities,
    network_for,
)
from twin_gym.twins.plain import keep_within
from twin_gym.twins.policy_twin import PolicyTwin
from twin_gym.twins.shared_network import SharedNetwork

Progress = Callable[[int, float, float], None]
"""Called after each epoch with its number from 1 on, the training loss and the held-out loss."""


@dataclass(frozen=True)
class CloneSettings:
    """How a clone is trained.

    Attributes:
        smoothing: probability that the label gives away, evenly over all allowed actions; 0 to
            below 1. Amounts have no label to smooth.
        margin: how far beyond the box an output should be where an amount lies at a bound; amounts
            are 0 to 1.
        shared: whether a `SharedNetwork` scores each candidate; None: wherever an action picks one
            of many like things.
        hidden: widths of the network; None: those of its kind and of the form of the action.
        learning_rate: of Adam, at the start; it falls to a hundredth along a cosine. A shared
            network, of far fewer weights, learns at three times this rate.
        batch_size: decisions a step.
        max_epochs: most passes over the decisions.
        min_steps: short logs are passed over more often, until so many steps are done.
        patience: share of the epochs without a better held-out loss after which it stops.
        held_out_share: of the log, kept to judge by.
        allow_unseen: whether a policy is cloned that decides by something its observations do not
            show (see `twin_gym.policies.unseen_of`): a rough likeness at best.

    Raises:
        ConfigError: if a value is out of range.
    """

    smoothing: float = 0.1
    margin: float = 0.05
    shared: bool | None = None
    hidden: tuple[int, ...] | None = None
    learning_rate: float = 3e-3
    batch_size: int = 128
    max_epochs: int = 20
    min_steps: int = 1000
    patience: float = 0.25
    held_out_share: float = 0.2
    allow_unseen: bool = False

    def __post_init__(self) -> None:
        """Refuses what cannot be trained with."""
        keep_within(
            self,
            "a clone",
            ("smoothing", 0.0, 1.0 - 1e-6),
            ("margin", 0.0, 1.0),
            ("learning_rate", 1e-9, 1.0),
            ("batch_size", 1, 1_000_000),
            ("max_epochs", 1, 1_000_000),
            ("min_steps", 0, 100_000_000),
            ("patience", 0.0, 1.0),
            ("held_out_share", 1e-3, 1.0 - 1e-3),
        )
        if self.hidden is not None:
            check_widths(self.hidden)


_DEFAULTS = CloneSettings()
_SHARED_RATE = 3.0


def clone(
    log: DecisionLog,
    scenario: Scenario,
    *,
    settings: CloneSettings = _DEFAULTS,
    synthetic: DecisionLog | None = None,
    seed: int = 0,
    on_epoch: Progress | None = None,
) -> PolicyTwin:
    """A policy twin of whoever took the logged decisions.

    It stops when the held-out decisions are not foretold better any more, and keeps the weights
    that foretold them best. No global random state is read or touched; the same arguments give
    the same weights on the same machine.

    Args:
        log: the decisions.
        scenario: what was logged.
        settings: how it is trained.
        synthetic: further decisions to learn from, such as those of a GAN; never held out.
        seed: of the first weights and the batches; 0 or more.
        on_epoch: told of the progress.

    Returns:
        The twin, acting greedily.

    Raises:
        ConfigError: if the log is of another scenario or too short to hold anything out, the policy
            decides by something that its observations do not show, or `shared` is asked for where
            nothing is picked.
    """
    space = log.check_fits(scenario)
    if log.unseen and not settings.allow_unseen:
        raise ConfigError(
            f"{log.policy!r} decides by {log.unseen}, which its observations do not show, so that "
            "no clone can tell what it does: log a policy that decides by what it observes, or "
            "give `allow_unseen=True` if a rough likeness is enough"
        )
    generator = torch.Generator().manual_seed(seed)
    learned, held_out = (_Pairs.of(part) for part in log.split(settings.held_out_share))
    if synthetic is not None:
        synthetic.check_fits(scenario)
        learned = learned.joined(_Pairs.of(synthetic))
    has_candidates = bool(form_of(scenario.kind, log.action).candidate_groups)
    shared = has_candidates if settings.shared is None else settings.shared
    hidden = settings.hidden or default_hidden(scenario.kind, log.action, shared=shared)
    network = network_for(space, hidden=hidden, shared=shared, generator=generator)
    loss = _train(network, learned, held_out, settings, generator, on_epoch)
    metadata = PolicyMetadata(
        action=log.action,
        field_names=space.field_names,
        hidden=hidden,
        scenario=scenario.name,
        scenario_digest=scenario.digest,
        default_policy=log.policy,
        num_decisions=len(log),
        num_synthetic=0 if synthetic is None else len(synthetic),
        smoothing=float(settings.smoothing) if space.is_discrete else 0.0,
        seed=seed,
        held_out_loss=loss,
        versions=package_versions(),
        kind=space.kind,
        action_names=space.action_names,
        action_low=space.low,
        action_high=space.high,
        shared=shared,
    )
    return PolicyTwin(network.eval(), metadata)


def smoothed_cross_entropy(
    logits: Tensor, masks: Tensor, actions: Tensor, smoothing: float
) -> Tensor:
    """Cross-entropy to labels that give `smoothing` away, evenly over all allowed actions.

    Args:
        logits: shape (rows, actions).
        masks: 1 = allowed; shape (rows, actions).
        actions: labels, each of them allowed; shape (rows,).
        smoothing: 0 to below 1.

    Returns:
        Mean over the rows.
    """
    allowed = masks.to(torch.bool)
    logs = masked_log_probabilities(logits, allowed)
    labelled = logs.gather(1, actions.unsqueeze(1)).squeeze(1)
    everywhere = logs.masked_fill(~allowed, 0.0).sum(1) / allowed.sum(1)
    return -((1.0 - smoothing) * labelled + smoothing * everywhere).mean()


def censored_square_error(outputs: Tensor, amounts: Tensor, margin: float) -> Tensor:
    """Square error of amounts, where one at a bound is met by any output `margin` beyond it.

    Args:
        outputs: shape (rows, amounts).
        amounts: labels, `LEAST_AMOUNT` to `MOST_AMOUNT`; same shape.
        margin: 0 or more.

    Returns:
        Mean over rows and amounts.

    Example:
        >>> amounts = torch.tensor([[0.0, 1.0, 0.5]])
        >>> float(censored_square_error(torch.tensor([[-0.3, 1.2, 0.5]]), amounts, 0.1))
        0.0
    """
    wanted = amounts - margin * (amounts <= LEAST_AMOUNT) + margin * (amounts >= MOST_AMOUNT)
    differences = outputs - wanted
    differences = torch.where(amounts <= LEAST_AMOUNT, differences.clamp(min=0.0), differences)
    differences = torch.where(amounts >= MOST_AMOUNT, differences.clamp(max=0.0), differences)
    return differences.square().mean()


@dataclass(frozen=True)
class _Pairs:
    observations: Tensor
    masks: Tensor
    actions: Tensor

    @classmethod
    def of(cls, log: DecisionLog) -> _Pairs:
        actions = log.actions if log.is_discrete else log.actions.astype(np.float32)
        arrays = (log.observations, log.masks, actions)
        return cls(*(torch.from_numpy(array) for array in arrays))

    def joined(self, other: _Pairs) -> _Pairs:
        return _Pairs(
            torch.cat((self.observations, other.observations)),
            torch.cat((self.masks, other.masks)),
            torch.cat((self.actions, other.actions)),
        )

    def loss(self, network: nn.Module, chosen: Tensor, settings: CloneSettings) -> Tensor:
        outputs, actions = network(self.observations[chosen]), self.actions[chosen]
        if actions.is_floating_point():
            return censored_square_error(outputs, actions, settings.margin)
        return smoothed_cross_entropy(outputs, self.masks[chosen], actions, settings.smoothing)


def _train(
    network: PolicyNetwork,
    learned: _Pairs,
    held_out: _Pairs,
    settings: CloneSettings,
    generator: torch.Generator,
    on_epoch: Progress | None,
) -> float:
    """Trains the network in place; returns the held-out loss of the weights that were kept."""
    count = len(learned.actions)
    batches = math.ceil(count / settings.batch_size)
    epochs = max(settings.max_epochs, math.ceil(settings.min_steps / batches))
    rate = settings.learning_rate * (_SHARED_RATE if isinstance(network, SharedNetwork) else 1.0)
    optimiser = torch.optim.Adam(network.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs, rate / 100)
    best, best_epoch, kept = math.inf, 0, copy.deepcopy(network.state_dict())
    for epoch in range(1, epochs + 1):
        total = 0.0
        order = torch.randperm(count, generator=generator)
        for chosen in torch.split(order, settings.batch_size):
            optimiser.zero_grad()
            loss = learned.loss(network, chosen, settings)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.item() * len(chosen)
        schedule.step()
        with torch.no_grad():
            everyone = torch.arange(len(held_out.actions))
            judged = held_out.loss(network, everyone, settings).item()
        if on_epoch is not None:
            on_epoch(epoch, total / count, judged)
        if judged < best:
            best, best_epoch, kept = judged, epoch, copy.deepcopy(network.state_dict())
        elif epoch - best_epoch > settings.patience * epochs:
            break
    network.load_state_dict(kept)
    return best
