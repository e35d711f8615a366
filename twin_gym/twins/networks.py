"""Policy networks: from observations to one logit an action.

`SliceNetwork` is the actor of Stable-Baselines3's `MlpPolicy`, parameter by parameter, so that its
weights can be put into one. `SlotNetwork` is the "output layer customised for queuing systems" of
Tao, Xu and You (arXiv 2310.09299): one logit a queue position from a shared encoder, so that it
does not matter how long the queues are nor in which order the requests stand.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from twin_gym.envs.slice_admission.observation import VALUES_PER_POSITION, ActionForm
from twin_gym.errors import ConfigError
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins.layout import ObservationLayout, num_actions

_HIDDEN_GAIN = math.sqrt(2.0)
_OUTPUT_GAIN = 0.01  # nearly all actions alike before training; both gains as SB3 has them
_SAME_AGE = 1e-5  # two float32 roundings of one age are closer than this


def _linear(inputs: int, outputs: int, gain: float, generator: torch.Generator | None) -> nn.Linear:
    """A layer with orthogonal weights and no bias, drawn from the generator alone."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")  # draws nothing
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class SliceNetwork(nn.Module):
    """The actor of SB3's `MlpPolicy`: layers of tanh, then one logit an action.

    Its parameters are called `policy_net.0.weight`, …, `action_net.bias`, as SB3 calls them behind
    `mlp_extractor.`.

    Args:
        num_fields: length of an observation.
        num_actions: how many logits.
        hidden: widths of the hidden layers, at least one.
        generator: where the first weights are drawn from; None: torch's own.

    Raises:
        ConfigError: if a width is not positive.
    """

    def __init__(
        self,
        num_fields: int,
        num_actions: int,
        hidden: Sequence[int] = (64, 64),
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        widths = (num_fields, *hidden)
        if not hidden or min(*widths, num_actions) < 1:
            raise ConfigError(
                f"a network needs positive widths, got {num_fields} fields, hidden "
                f"{tuple(hidden)}, {num_actions} actions"
            )
        layers: list[nn.Module] = []
        for inputs, outputs in itertools.pairwise(widths):
            layers += [_linear(inputs, outputs, _HIDDEN_GAIN, generator), nn.Tanh()]
        self.policy_net = nn.Sequential(*layers)
        self.action_net = _linear(widths[-1], num_actions, _OUTPUT_GAIN, generator)

    def forward(self, observations: Tensor) -> Tensor:
        """Logits of all actions, allowed or not.

        Args:
            observations: float32; shape (rows, fields).

        Returns:
            Shape (rows, actions).
        """
        logits: Tensor = self.action_net(self.policy_net(observations))
        return logits


class SlotNetwork(nn.Module):
    """One logit a queue position from one shared encoder, and one for waiting.

    A position is encoded from its slice (one-hot), its age, whether it is valid, whether it is the
    oldest of its slice, and the global fields. Waiting is judged from the mean encoding of the
    valid positions and the global fields. So positions may be permuted (their logits are permuted
    alike), and the same weights work for any queue limits.

    Args:
        layout: where the fields are; see `ObservationLayout.of`.
        hidden: width of every hidden layer.
        generator: where the first weights are drawn from; None: torch's own.

    Raises:
        ConfigError: if the width is not positive.
    """

    def __init__(
        self,
        layout: ObservationLayout,
        hidden: int = 64,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if hidden < 1:
            raise ConfigError(f"a network needs a positive width, got {hidden}")
        self.layout = layout
        features = layout.num_slices + 3
        self.position_net = _linear(features, hidden, _HIDDEN_GAIN, generator)
        self.global_net = _linear(layout.num_global, hidden, _HIDDEN_GAIN, generator)
        self.encoder_net = _linear(hidden, hidden, _HIDDEN_GAIN, generator)
        self.action_net = _linear(hidden, 1, _OUTPUT_GAIN, generator)
        self.wait_net = nn.Sequential(
            _linear(hidden + layout.num_global, hidden, _HIDDEN_GAIN, generator),
            nn.Tanh(),
            _linear(hidden, 1, _OUTPUT_GAIN, generator),
        )

    def forward(self, observations: Tensor) -> Tensor:
        """Logits of all actions, allowed or not.

        Args:
            observations: float32; shape (rows, global fields + 3 positions).

        Returns:
            Shape (rows, positions + 1); the last one waits.
        """
        layout = self.layout
        around = observations[:, : layout.num_global]
        features = self._features(observations)
        mixed = self.position_net(features) + self.global_net(around).unsqueeze(1)
        encoded = torch.tanh(self.encoder_net(torch.tanh(mixed)))
        valid = features[:, :, layout.num_slices + 1 : layout.num_slices + 2]
        pooled = (encoded * valid).sum(1) / valid.sum(1).clamp(min=1.0)
        waiting = self.wait_net(torch.cat((pooled, around), 1))
        return torch.cat((self.action_net(encoded).squeeze(2), waiting), 1)

    def _features(self, observations: Tensor) -> Tensor:
        """What is known of each position alone; shape (rows, positions, slices + 3)."""
        layout = self.layout
        positions = _positions(observations, layout)
        owner = _owner_one_hot(positions, layout.num_slices)
        first = layout.head_patience
        patience = observations[:, first : first + layout.num_slices]
        head_age = 1.0 - (owner @ patience.unsqueeze(2)).squeeze(2)
        age, valid = positions[:, :, 1], positions[:, :, 2]
        is_head = valid * (age >= head_age - _SAME_AGE)
        return torch.cat((owner, torch.stack((age, valid, is_head), 2)), 2)


class ObservedMask(nn.Module):
    """The action mask, read out of the observation itself.

    Policies that are given no mask (SB3's plain A2C) can obey it so: the fields
    `admissible/<slice>` tell what fits, and each position tells its slice.

    Args:
        layout: where the fields are.
        action: the form of the action.
    """

    def __init__(self, layout: ObservationLayout, action: ActionForm) -> None:
        super().__init__()
        self.layout = layout
        self.action: ActionForm = action

    def forward(self, observations: Tensor) -> Tensor:
        """What is allowed; waiting always is.

        Args:
            observations: shape (rows, fields).

        Returns:
            Booleans; shape (rows, actions).
        """
        layout = self.layout
        first = layout.admissible
        admissible = observations[:, first : first + layout.num_slices]
        if self.action == "slot":
            positions = _positions(observations, layout)
            owner = _owner_one_hot(positions, layout.num_slices)
            admissible = (owner @ admissible.unsqueeze(2)).squeeze(2) * positions[:, :, 2]
        waiting = torch.ones_like(admissible[:, :1])
        return torch.cat((admissible, waiting), 1) > 0.5  # noqa: PLR2004 - they are 0 or 1


def mask_from_observations(
    observations: Tensor, scenario: AdmissionScenario, action: ActionForm
) -> Tensor:
    """The action mask of observations, as the environment would give it.

    Args:
        observations: shape (rows, fields).
        scenario: whose observations they are.
        action: the form of the action.

    Returns:
        Booleans; shape (rows, actions).

    Example:
        >>> from twin_gym.scenario import load
        >>> mask_from_observations(torch.zeros(1, 19), load("contention"), "slice").tolist()
        [[False, False, False, False, True]]
    """
    mask: Tensor = ObservedMask(ObservationLayout.of(scenario), action)(observations)
    return mask


def build_network(
    scenario: AdmissionScenario,
    action: ActionForm,
    *,
    hidden: Sequence[int] | None = None,
    generator: torch.Generator | None = None,
) -> SliceNetwork | SlotNetwork:
    """The network that fits a scenario and a form of the action.

    Args:
        scenario: gives the numbers of fields and actions.
        action: `slice` gives a `SliceNetwork`, `slot` a `SlotNetwork`.
        hidden: widths; for `slot` one single width. None: 64 in each of two layers.
        generator: where the first weights are drawn from; None: torch's own.

    Returns:
        An untrained network.

    Raises:
        ConfigError: if the widths do not suit the form.
    """
    layout = ObservationLayout.of(scenario)
    if action == "slice":
        widths = (64, 64) if hidden is None else tuple(hidden)
        actions = num_actions(scenario, action)
        return SliceNetwork(layout.num_global, actions, widths, generator)
    if hidden is not None and len(hidden) != 1:
        raise ConfigError(f"a slot network has one width, got {tuple(hidden)}")
    return SlotNetwork(layout, 64 if hidden is None else hidden[0], generator)


def _positions(observations: Tensor, layout: ObservationLayout) -> Tensor:
    """The fields of the positions; shape (rows, positions, 3)."""
    tail = observations[:, layout.num_global :]
    return tail.reshape(len(observations), -1, VALUES_PER_POSITION)


def _owner_one_hot(positions: Tensor, num_slices: int) -> Tensor:
    """The slice of each position, none if it is empty; shape (rows, positions, slices)."""
    number = torch.round(positions[:, :, 0] * num_slices)
    slices = torch.arange(1, num_slices + 1, dtype=number.dtype, device=number.device)
    return (number.unsqueeze(2) == slices).to(positions.dtype)
