"""More decisions than were logged: a generative adversarial network over states and actions.

Tao et al., Wireless Network Digital Twin for 6G, IEEE Wireless Communications 31(4), 2024, section
IV-A: the generator takes a random sample of the state space and gives an action, the discriminator
tells logged pairs of state and action from made-up ones. The actions are discrete, so that the
generator draws them by the straight-through Gumbel-softmax (Jang, Gu, Poole, ICLR 2017), among the
allowed ones only; the states are feasible ones only. Amounts are a sigmoid of the generator's
outputs, and the discriminator sees them beside the state.

What the whole state space is, is known for admission alone (`draw_feasible_states`). For other
kinds of scenario the states are logged ones, moved a little within the bounds of what can be seen.

Generator and discriminator see the whole state at once, whatever the network of the clone that
learns from their pairs is.

Nothing guarantees that this helps a clone. The discriminator has seen what the policy does where
the log has been, and nothing of what it would do elsewhere: there the generator extrapolates.
Always report it beside the plain clone from the same log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Masks, Observations
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_log import DecisionLog
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.layout import QueueLayout
from twin_gym.twins.networks import FlatNetwork, PolicyNetwork, SlotNetwork, network_for
from twin_gym.twins.plain import keep_within

Progress = Callable[[int, float, float], None]
"""Called now and then with the step, the loss of the discriminator and that of the generator."""

_NEVER = -1e9  # a logit that no Gumbel noise lifts
_LARGEST_UNIFORM = 1.0 - 2.0**-24
_BETAS = (0.5, 0.9)  # short memory of the opponent, as usual for GANs
_PROGRESS_EVERY = 50
_POOL_PER_BATCH = 80
_MOVED = 0.1  # of a field's standard deviation


@dataclass(frozen=True)
class GanSettings:
    """How a GAN is trained.

    Attributes:
        num_steps: how often the discriminator and then the generator learn.
        batch_size: pairs a step, real ones and made-up ones.
        learning_rate: of Adam, for both.
        noise_size: random numbers that the generator gets with each state.
        temperature: of the Gumbel-softmax, > 0.
        logged_share: of the states that the generator learns on, taken from the log; the others
            are drawn over the state space. 0 is the paper read to the letter: then the
            discriminator can tell the pairs apart by their states alone, and pushes the generator
            away from whatever it does where nothing was logged. For other kinds than admission
            nothing but 1 is there.
        real_label: what the discriminator is told of a logged pair (one-sided label smoothing).
        held_out_share: the latest share of the log that is not looked at: the one by which a clone
            is judged.

    Raises:
        ConfigError: if a value is out of range.
    """

    num_steps: int = 1000
    batch_size: int = 128
    learning_rate: float = 1e-3
    noise_size: int = 4
    temperature: float = 1.0
    logged_share: float = 1.0
    real_label: float = 0.9
    held_out_share: float = 0.2

    def __post_init__(self) -> None:
        """Refuses what cannot be trained with."""
        keep_within(
            self,
            "a GAN",
            ("num_steps", 1, 10_000_000),
            ("batch_size", 2, 1_000_000),
            ("learning_rate", 1e-9, 1.0),
            ("noise_size", 0, 1024),
            ("temperature", 1e-3, 100.0),
            ("logged_share", 0.0, 1.0),
            ("real_label", 0.5, 1.0),
            ("held_out_share", 1e-3, 1.0 - 1e-3),
        )


_DEFAULTS = GanSettings()


class DecisionGenerator(nn.Module):
    """From a state and noise to an action.

    Args:
        scenario: whose states.
        action: form of the actions.
        noise_size: random numbers with each state.
        generator: where the first weights are drawn from.

    Attributes:
        held_out_share: the latest share of the log that it has not looked at.
    """

    def __init__(
        self,
        scenario: Scenario,
        action: str,
        noise_size: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        space = DecisionSpace.of(scenario, action)
        self.noise_size = noise_size
        self.held_out_share = _DEFAULTS.held_out_share
        self._bounds = None if space.is_discrete else torch.tensor([space.low, space.high])
        self._num_before = len(space.field_names)
        self.network: PolicyNetwork
        if form_of(space.kind, action).by_position:  # the noise is one more global field
            layout = QueueLayout.from_names(space.field_names)
            self._num_before = layout.num_global
            wider = replace(layout, num_global=layout.num_global + noise_size)
            self.network = SlotNetwork(wider, generator=generator)
        else:
            self.network = FlatNetwork(
                self._num_before + noise_size, space.num_actions, generator=generator
            )

    def forward(
        self, states: Tensor, masks: Tensor, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Amounts; or actions as one-hot rows whose gradients are those of the softmax.

        Args:
            states: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions), or (rows, 0).
            temperature: of the softmax that gives the gradient; amounts have none.
            generator: where the noise is drawn from.

        Returns:
            Shape (rows, actions).
        """
        noise = torch.randn((len(states), self.noise_size), generator=generator)
        cut = self._num_before
        logits = self.network(torch.cat((states[:, :cut], noise, states[:, cut:]), 1))
        if self._bounds is not None:
            amounts: Tensor = torch.lerp(self._bounds[0], self._bounds[1], torch.sigmoid(logits))
            return amounts
        logits = logits.masked_fill(masks == 0, _NEVER)
        uniform = torch.rand(logits.shape, generator=generator).clamp(1e-12, _LARGEST_UNIFORM)
        soft = torch.softmax((logits - torch.log(-torch.log(uniform))) / temperature, 1)
        hard = one_hot(soft.argmax(1), soft.shape[1]).to(soft.dtype)
        return hard + soft - soft.detach()


def train_generator(
    log: DecisionLog,
    scenario: Scenario,
    *,
    settings: GanSettings = _DEFAULTS,
    seed: int = 0,
    on_step: Progress | None = None,
) -> DecisionGenerator:
    """A generator whose pairs of state and action a discriminator takes for logged ones.

    The discriminator gives every action a score in a state and looks up that of the pair's action:
    any function of pairs can be written so, and it needs no other network than a policy does.
    Amounts it sees beside the state.

    Args:
        log: the decisions.
        scenario: what was logged.
        settings: how it is trained.
        seed: of weights, noise and states; 0 or more.
        on_step: told of the progress.

    Returns:
        The generator. The same arguments give the same one on the same machine.

    Raises:
        ConfigError: if the log is of another scenario or too short to hold anything out, or states
            are to be drawn over a state space that is not known.
    """
    space = log.check_fits(scenario)
    learned, _ = log.split(settings.held_out_share)
    generator = torch.Generator().manual_seed(seed)
    made = DecisionGenerator(scenario, log.action, settings.noise_size, generator)
    made.held_out_share = settings.held_out_share
    discriminator = _Discriminator(space, generator)
    optimisers = [
        torch.optim.Adam(network.parameters(), settings.learning_rate, _BETAS, fused=True)
        for network in (discriminator, made)
    ]
    batches = _Batches(learned, scenario, settings, generator, seed)
    for step in range(1, settings.num_steps + 1):
        states, _, actions = batches.logged(settings.batch_size)
        drawn, allowed = batches.mixed()
        pairs = made(drawn, allowed, settings.temperature, generator)
        scores = discriminator(torch.cat((states, drawn)), torch.cat((actions, pairs.detach())))
        real, fake = torch.split(scores, settings.batch_size)
        judged = _bce_loss(real, settings.real_label) + _bce_loss(fake, 0.0)
        _optimise(optimisers[0], judged)
        fooled = _bce_loss(discriminator(drawn, pairs), 1.0)
        _optimise(optimisers[1], fooled)
        if on_step is not None and step % _PROGRESS_EVERY == 0:
            on_step(step, judged.item(), fooled.item())
    return made.eval()


def synthesise(
    made: DecisionGenerator,
    log: DecisionLog,
    scenario: Scenario,
    num_pairs: int,
    *,
    seed: int = 0,
) -> DecisionLog:
    """Made-up decisions in states drawn over the whole feasible state space.

    For other kinds than admission: in states near those that the generator learned on, every value
    of which lies within the bounds of what can be seen; their masks are those of the logged states.

    Args:
        made: a trained generator.
        log: what it learned from.
        scenario: whose states.
        num_pairs: how many, at least one.
        seed: of states and noise; 0 or more.

    Returns:
        A log in which every action is allowed, for `clone(..., synthetic=...)`.

    Raises:
        ConfigError: if the count is not positive or the log is of another scenario.
    """
    log.check_fits(scenario)
    if num_pairs < 1:
        raise ConfigError(f"at least one pair can be made up, got {num_pairs}")
    rng = np.random.default_rng([seed, 1])
    draw_states = kind_named(scenario.kind).facet("states")
    if draw_states is not None:
        states = draw_states(scenario, num_pairs, rng, action=log.action)
        observations, masks = states.observations, states.masks
    else:
        observations, masks = _near(log.split(made.held_out_share)[0], num_pairs, rng)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        chosen = made(torch.from_numpy(observations), torch.from_numpy(masks), 1.0, generator)
    return DecisionLog(
        observations=observations,
        masks=masks,
        actions=(chosen.argmax(1) if log.is_discrete else chosen.double()).numpy(),
        networks=np.zeros(num_pairs, np.int64),
        scenario_digest=log.scenario_digest,
        action=log.action,
        policy=f"gan-of-{log.policy}",
        kind=log.kind,
    )


def _near(log: DecisionLog, count: int, rng: np.random.Generator) -> tuple[Observations, Masks]:
    """Logged states, moved by a tenth of each field's standard deviation, and their masks.

    A value at a bound means something (nobody waits, never heard of) and is not moved; one that
    would leave the bounds is rejected, and stays as it was logged.
    """
    chosen = rng.integers(0, len(log), count)
    logged = log.observations[chosen]
    step = _MOVED * log.observations.std(axis=0)
    moved = logged + step * rng.standard_normal(logged.shape, np.float32)
    is_inside = np.minimum(logged, moved) > 0.0
    is_inside &= np.maximum(logged, moved) < 1.0
    return np.where(is_inside, moved, logged).astype(np.float32), log.masks[chosen]


class _Discriminator(nn.Module):
    """Scores pairs of state and action: the discriminator."""

    def __init__(self, space: DecisionSpace, generator: torch.Generator) -> None:
        super().__init__()
        self._is_discrete = space.is_discrete
        self.network: PolicyNetwork
        if space.is_discrete:
            self.network = network_for(space, generator=generator)
        else:
            fields = len(space.field_names) + space.num_actions
            self.network = FlatNetwork(fields, 1, generator=generator)

    def forward(self, states: Tensor, actions: Tensor) -> Tensor:
        """Scores of one-hot actions or amounts; shape (rows,)."""
        if self._is_discrete:
            scores: Tensor = (self.network(states) * actions).sum(1)
            return scores
        found: Tensor = self.network(torch.cat((states, actions), 1)).squeeze(1)
        return found


class _Batches:
    """Draws pairs of the log, and states for the generator."""

    def __init__(
        self,
        log: DecisionLog,
        scenario: Scenario,
        settings: GanSettings,
        generator: torch.Generator,
        seed: int,
    ) -> None:
        self._generator = generator
        self._num_logged = round(settings.batch_size * settings.logged_share)
        self._num_drawn = settings.batch_size - self._num_logged
        self._states = torch.from_numpy(log.observations)
        self._masks = torch.from_numpy(log.masks)
        actions = torch.from_numpy(log.actions)
        self._actions = one_hot(actions, log.masks.shape[1]) if log.is_discrete else actions
        self._actions = self._actions.float()
        draw_states = kind_named(scenario.kind).facet("states")
        if draw_states is None:
            if self._num_drawn:
                raise ConfigError(
                    f"`logged_share` of a GAN is 1 for {log.kind} scenarios, got "
                    f"{settings.logged_share!r}: their whole state space is not known"
                )
            self._pool, self._pool_masks = self._states[:0], self._masks[:0]
            return
        pool = draw_states(
            scenario,
            settings.batch_size * _POOL_PER_BATCH,
            np.random.default_rng([seed, 0]),
            action=log.action,
        )
        self._pool = torch.from_numpy(pool.observations)
        self._pool_masks = torch.from_numpy(pool.masks)

    def logged(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """States, masks and actions, one-hot or amounts, of logged pairs."""
        chosen = self._some(len(self._states), count)
        return self._states[chosen], self._masks[chosen], self._actions[chosen]

    def mixed(self) -> tuple[Tensor, Tensor]:
        """States and masks for the generator: some logged, the rest drawn."""
        states, masks, _ = self.logged(self._num_logged)
        chosen = self._some(len(self._pool), self._num_drawn)
        return (
            torch.cat((states, self._pool[chosen])),
            torch.cat((masks, self._pool_masks[chosen])),
        )

    def _some(self, size: int, count: int) -> Tensor:
        return torch.randint(max(size, 1), (count,), generator=self._generator)


def _bce_loss(scores: Tensor, label: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


def _optimise(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
