"""More decisions than were logged: a generative adversarial network over states and actions.

Tao et al., Wireless Network Digital Twin for 6G, IEEE Wireless Communications 31(4), 2024, section
IV-A: the generator takes a random sample of the state space and gives an action, the discriminator
tells logged pairs of state and action from made-up ones. The actions are discrete, so that the
generator draws them by the straight-through Gumbel-softmax (Jang, Gu, Poole, ICLR 2017), among the
allowed ones only; the states are feasible ones only.

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

from twin_gym.envs.slice_admission.observation import ActionForm, field_names
from twin_gym.errors import ConfigError
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins.decision_log import DecisionLog
from twin_gym.twins.feasible_states import draw_feasible_states
from twin_gym.twins.layout import ObservationLayout
from twin_gym.twins.networks import SliceNetwork, SlotNetwork, build_network

Progress = Callable[[int, float, float], None]
"""Called now and then with the step, the loss of the discriminator and that of the generator."""

_NEVER = -1e9  # a logit that no Gumbel noise lifts
_LARGEST_UNIFORM = 1.0 - 2.0**-24
_BETAS = (0.5, 0.9)  # short memory of the opponent, as usual for GANs
_PROGRESS_EVERY = 50
_POOL_PER_BATCH = 80


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
            away from whatever it does where nothing was logged.
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
        for name, low, high in (
            ("num_steps", 1, 10_000_000),
            ("batch_size", 2, 1_000_000),
            ("learning_rate", 1e-9, 1.0),
            ("noise_size", 0, 1024),
            ("temperature", 1e-3, 100.0),
            ("logged_share", 0.0, 1.0),
            ("real_label", 0.5, 1.0),
            ("held_out_share", 1e-3, 1.0 - 1e-3),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"`{name}` of a GAN is {low:g} to {high:g}, got {value!r}")


_DEFAULTS = GanSettings()


class DecisionGenerator(nn.Module):
    """From a feasible state and noise to a discrete action.

    Args:
        scenario: whose states.
        action: form of the actions.
        noise_size: random numbers with each state.
        generator: where the first weights are drawn from.
    """

    def __init__(
        self,
        scenario: AdmissionScenario,
        action: ActionForm,
        noise_size: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        names = field_names(scenario, action)
        layout = ObservationLayout.from_names(names)
        self.noise_size = noise_size
        self._num_global = layout.num_global
        self.network: SliceNetwork | SlotNetwork
        if action == "slice":
            actions = layout.num_actions(len(names), action)
            self.network = SliceNetwork(len(names) + noise_size, actions, generator=generator)
        else:  # the noise is one more global field
            wider = replace(layout, num_global=layout.num_global + noise_size)
            self.network = SlotNetwork(wider, generator=generator)

    def forward(
        self, states: Tensor, masks: Tensor, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Actions as one-hot rows that let gradients through as if they were the softmax.

        Args:
            states: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions).
            temperature: of the softmax that gives the gradient.
            generator: where the noise is drawn from.

        Returns:
            Shape (rows, actions).
        """
        noise = torch.randn((len(states), self.noise_size), generator=generator)
        cut = self._num_global
        logits = self.network(torch.cat((states[:, :cut], noise, states[:, cut:]), 1))
        logits = logits.masked_fill(masks == 0, _NEVER)
        uniform = torch.rand(logits.shape, generator=generator).clamp(1e-12, _LARGEST_UNIFORM)
        soft = torch.softmax((logits - torch.log(-torch.log(uniform))) / temperature, 1)
        hard = one_hot(soft.argmax(1), soft.shape[1]).to(soft.dtype)
        return hard + soft - soft.detach()


def train_generator(
    log: DecisionLog,
    scenario: AdmissionScenario,
    *,
    settings: GanSettings = _DEFAULTS,
    seed: int = 0,
    on_step: Progress | None = None,
) -> DecisionGenerator:
    """A generator whose pairs of state and action a discriminator takes for logged ones.

    The discriminator gives every action a score in a state and looks up that of the pair's action:
    any function of pairs can be written so, and it needs no other network than a policy does.

    Args:
        log: the decisions.
        scenario: what was logged.
        settings: how it is trained.
        seed: of weights, noise and states; 0 or more.
        on_step: told of the progress.

    Returns:
        The generator. The same arguments give the same one on the same machine.

    Raises:
        ConfigError: if the log is of another scenario or too short to hold anything out.
    """
    log.check_fits(scenario)
    learned, _ = log.split(settings.held_out_share)
    generator = torch.Generator().manual_seed(seed)
    made = DecisionGenerator(scenario, log.action, settings.noise_size, generator)
    names = field_names(scenario, log.action)
    judge = build_network(names, log.action, generator=generator)
    optimisers = [
        torch.optim.Adam(network.parameters(), settings.learning_rate, _BETAS, fused=True)
        for network in (judge, made)
    ]
    batches = _Batches(learned, scenario, settings, generator, seed)
    for step in range(1, settings.num_steps + 1):
        states, _, actions = batches.logged(settings.batch_size)
        drawn, allowed = batches.mixed()
        pairs = made(drawn, allowed, settings.temperature, generator)
        scores = judge(torch.cat((states, drawn))) * torch.cat((actions, pairs.detach()))
        real, fake = torch.split(scores.sum(1), settings.batch_size)
        judged = _belief(real, settings.real_label) + _belief(fake, 0.0)
        _descend(optimisers[0], judged)
        fooled = _belief((judge(drawn) * pairs).sum(1), 1.0)
        _descend(optimisers[1], fooled)
        if on_step is not None and step % _PROGRESS_EVERY == 0:
            on_step(step, judged.item(), fooled.item())
    return made.eval()


def synthesise(
    made: DecisionGenerator,
    log: DecisionLog,
    scenario: AdmissionScenario,
    num_pairs: int,
    *,
    seed: int = 0,
) -> DecisionLog:
    """Made-up decisions in states drawn over the whole feasible state space.

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
    rng = np.random.default_rng([seed, 1])
    states = draw_feasible_states(scenario, num_pairs, rng, action=log.action)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        chosen = made(
            torch.from_numpy(states.observations), torch.from_numpy(states.masks), 1.0, generator
        )
    return DecisionLog(
        observations=states.observations,
        masks=states.masks,
        actions=chosen.argmax(1).numpy(),
        networks=np.zeros(num_pairs, np.int64),
        scenario_digest=log.scenario_digest,
        action=log.action,
        policy=f"gan-of-{log.policy}",
    )


class _Batches:
    """Draws pairs of the log, and states for the generator."""

    def __init__(
        self,
        log: DecisionLog,
        scenario: AdmissionScenario,
        settings: GanSettings,
        generator: torch.Generator,
        seed: int,
    ) -> None:
        self._generator = generator
        self._num_logged = round(settings.batch_size * settings.logged_share)
        self._num_drawn = settings.batch_size - self._num_logged
        self._states = torch.from_numpy(log.observations)
        self._masks = torch.from_numpy(log.masks)
        self._actions = one_hot(torch.from_numpy(log.actions), log.masks.shape[1]).float()
        pool = draw_feasible_states(
            scenario,
            settings.batch_size * _POOL_PER_BATCH,
            np.random.default_rng([seed, 0]),
            action=log.action,
        )
        self._pool = torch.from_numpy(pool.observations)
        self._pool_masks = torch.from_numpy(pool.masks)

    def logged(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """States, masks and one-hot actions of logged pairs."""
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
        return torch.randint(size, (count,), generator=self._generator)


def _belief(scores: Tensor, label: float) -> Tensor:
    return binary_cross_entropy_with_logits(scores, torch.full_like(scores, label))


def _descend(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimiser.step()
