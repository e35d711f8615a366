"""Policy networks: from observations to one logit an action, or to the mean of each amount.

`FlatNetwork` is the actor of Stable-Baselines3's `MlpPolicy`, parameter by parameter, so that its
weights can be put into one. `SharedNetwork` (in a file of its own) scores each of many like things
by one small network. `SlotNetwork` is the "output layer customised for queuing systems" of
Tao, Xu and You (arXiv 2310.09299): one logit a queue position from a shared encoder, so that it
does not matter how long the queues are nor in which order the requests stand. `network_for` says
which of them serves whom.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.layout import POSITION_GROUPS, QueueLayout
from twin_gym.twins.shared_network import SHARED_HIDDEN, SharedNetwork

_HIDDEN_GAIN = math.sqrt(2.0)
_OUTPUT_GAIN = 0.01  # nearly all actions alike before training; both gains as SB3 has them
_SAME_AGE = 1e-5  # two float32 roundings of one age are closer than this

MAX_LAYERS, MAX_WIDTH = 8, 4096
"""Most hidden layers of a saved network, and the largest width of one."""

EMPTY_LOGIT = -30.0
"""Logit of a queue position where nobody waits: next to never, with or without a mask."""


def _linear(inputs: int, outputs: int, gain: float, generator: torch.Generator | None) -> nn.Linear:
    """A layer with orthogonal weights and no bias, drawn from the generator alone."""
    layer = nn.Linear(inputs, outputs, device="meta")  # draws nothing
    if torch.get_default_device().type == "meta":  # see `blank_network`
        return layer
    layer = layer.to_empty(device="cpu")
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


class FlatNetwork(nn.Module):
    """The actor of SB3's `MlpPolicy`: layers of tanh, then one logit an action or one mean each.

    Its parameters are called `policy_net.0.weight`, …, `action_net.bias`, as SB3 calls them behind
    `mlp_extractor.`.

    Args:
        num_fields: length of an observation.
        num_actions: how many logits or means.
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

    @classmethod
    def blank(cls, num_fields: int, num_actions: int, hidden: Sequence[int]) -> FlatNetwork:
        """A network of names and shapes alone; see `blank_network`."""
        check_widths(hidden)
        with torch.device("meta"):
            return cls(num_fields, num_actions, hidden)

    def forward(self, observations: Tensor) -> Tensor:
        """Logits of all actions, allowed or not; or the means of the amounts.

        Args:
            observations: float32; shape (rows, fields).

        Returns:
            Shape (rows, actions).
        """
        logits: Tensor = self.action_net(self.policy_net(observations))
        return logits


class SlotNetwork(nn.Module):
    """One logit a queue position from one shared encoder, and one for waiting.

    A position is encoded from its slice (one-hot), its age, whether it is the oldest of its slice,
    and the global fields. Waiting is judged from the mean encoding of the positions and the global
    fields. So positions may be permuted (their logits are permuted alike), and the same weights
    work for any queue limits. Empty positions cost nothing and have the logit `EMPTY_LOGIT`.

    Args:
        layout: where the fields are; see `QueueLayout.of`.
        hidden: width of every hidden layer.
        generator: where the first weights are drawn from; None: torch's own.

    Raises:
        ConfigError: if the width is not positive.
    """

    def __init__(
        self,
        layout: QueueLayout,
        hidden: int = 64,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if hidden < 1:
            raise ConfigError(f"a network needs a positive width, got {hidden}")
        self.layout = layout
        features = layout.num_slices + 2
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
        positions = _positions(observations, layout)
        row, place = torch.nonzero(positions[:, :, 2], as_tuple=True)
        features = self._features(positions[row, place], around[row])
        mixed = self.position_net(features) + self.global_net(around)[row]
        encoded = torch.tanh(self.encoder_net(torch.tanh(mixed)))
        logits = observations.new_full(positions.shape[:2], EMPTY_LOGIT)
        logits = logits.index_put((row, place), self.action_net(encoded).squeeze(1))
        total = encoded.new_zeros(len(around), encoded.shape[1]).index_add(0, row, encoded)
        pooled = total / positions[:, :, 2].sum(1, keepdim=True).clamp(min=1.0)
        return torch.cat((logits, self.wait_net(torch.cat((pooled, around), 1))), 1)

    def _features(self, positions: Tensor, around: Tensor) -> Tensor:
        """Features of each waiting request; shape (requests, slices + 2)."""
        first, num_slices = self.layout.head_patience, self.layout.num_slices
        owner = _owner_one_hot(positions[:, 0], num_slices)
        head_age = 1.0 - (owner * around[:, first : first + num_slices]).sum(1)
        age = positions[:, 1]
        is_head = (age >= head_age - _SAME_AGE).to(age.dtype)
        return torch.cat((owner, torch.stack((age, is_head), 1)), 1)


SliceNetwork = FlatNetwork
"""The network of admission by slice: nothing in it knows of slices."""

PolicyNetwork = FlatNetwork | SlotNetwork | SharedNetwork

FLAT_HIDDEN = (64, 64)
"""Widths of a `FlatNetwork`: those of SB3."""

SLOT_HIDDEN = (64,)
"""Width of a `SlotNetwork`."""


def default_hidden(kind: str, action: str, *, shared: bool = False) -> tuple[int, ...]:
    """Widths of the network for a form of the action."""
    if shared:
        return SHARED_HIDDEN
    return SLOT_HIDDEN if form_of(kind, action).by_position else FLAT_HIDDEN


class ObservedMask(nn.Module):
    """The action mask, read out of the observation itself.

    Policies that are given no mask (SB3's plain A2C) can obey it so: the fields
    `admissible/<slice>` tell what fits, and each position tells its slice.

    Args:
        layout: where the fields are.
        action: the form of the action.
    """

    def __init__(self, layout: QueueLayout, action: str) -> None:
        super().__init__()
        self.layout = layout
        self.action: str = action

    def forward(self, observations: Tensor) -> Tensor:
        """The allowed actions; waiting is always one of them.

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
            owner = _owner_one_hot(positions[:, :, 0], layout.num_slices)
            admissible = (owner @ admissible.unsqueeze(2)).squeeze(2) * positions[:, :, 2]
        waiting = torch.ones_like(admissible[:, :1])
        return torch.cat((admissible, waiting), 1) > 0.5  # noqa: PLR2004 - they are 0 or 1


def network_for(
    space: DecisionSpace,
    *,
    hidden: Sequence[int] | None = None,
    shared: bool = False,
    generator: torch.Generator | None = None,
) -> PolicyNetwork:
    """The network that serves a kind of scenario and a form of action.

    Admission by slot has a `SlotNetwork`; everything else a `FlatNetwork`, or a `SharedNetwork`
    where that is asked for.

    Args:
        space: what is seen and done.
        hidden: widths; None: `default_hidden`.
        shared: whether one small network scores each candidate; the form must have candidates.
        generator: where the first weights are drawn from; None: torch's own.

    Returns:
        An untrained network.

    Raises:
        ConfigError: if the names or the widths do not suit, or nothing is picked.

    Example:
        >>> from twin_gym.scenario import Scenario
        >>> from twin_gym.scenario.loading import load
        >>> network_for(DecisionSpace.of(load("tic-small-45"), "weights")).action_net
        Linear(in_features=64, out_features=4, bias=True)
    """
    if shared:
        return SharedNetwork.of(space, SHARED_HIDDEN if hidden is None else hidden, generator)
    if not space.action_names:  # the fields tell how many there are
        return build_network(space.field_names, space.action, hidden=hidden, generator=generator)
    widths = tuple(FLAT_HIDDEN if hidden is None else hidden)
    return FlatNetwork(len(space.field_names), space.num_actions, widths, generator)


def blank_network(
    space: DecisionSpace, hidden: Sequence[int], *, shared: bool = False
) -> PolicyNetwork:
    """A network of names and shapes alone, to compare a file of weights with.

    It takes no memory and no time, whatever its widths, until
    `load_state_dict(weights, assign=True)` gives it its weights.

    Args:
        space: what is seen and done.
        hidden: widths of the hidden layers.
        shared: whether it is a `SharedNetwork`.

    Returns:
        A network on torch's device `meta`.

    Raises:
        ConfigError: if the names or the widths do not suit, or there are more than `MAX_LAYERS`.

    Example:
        >>> from twin_gym.scenario import Scenario
        >>> from twin_gym.scenario.loading import load
        >>> space = DecisionSpace.of(load("tic-small-45"), "weights")
        >>> blank_network(space, (4096, 4096)).action_net.weight.device
        device(type='meta')
    """
    check_widths(hidden)
    with torch.device("meta"):
        return network_for(space, hidden=hidden, shared=shared)


def check_widths(hidden: Sequence[object]) -> None:
    """Refuses hidden layers that no policy of this package has.

    Args:
        hidden: widths of the hidden layers.

    Raises:
        ConfigError: if they are not 1 to `MAX_LAYERS` whole numbers from 1 to `MAX_WIDTH`.
    """
    are_widths = all(type(width) is int and 1 <= width <= MAX_WIDTH for width in hidden)
    if not 1 <= len(hidden) <= MAX_LAYERS or not are_widths:
        raise ConfigError(
            f"a network has 1 to {MAX_LAYERS} hidden layers with widths of 1 to {MAX_WIDTH}, got "
            f"{len(hidden)} layers {list(hidden[: MAX_LAYERS + 1])!r:.100}"
        )


def build_network(
    names: Sequence[str],
    action: str,
    *,
    hidden: Sequence[int] | None = None,
    generator: torch.Generator | None = None,
) -> PolicyNetwork:
    """The network of admission, for observations whose fields have these names.

    Args:
        names: as `field_names(scenario, action)` gives them.
        action: `slice` gives a `FlatNetwork`, `slot` a `SlotNetwork`.
        hidden: widths; for `slot` one single width. None: `default_hidden`.
        generator: where the first weights are drawn from; None: torch's own.

    Returns:
        An untrained network.

    Raises:
        ConfigError: if the names or the widths do not suit the form.

    Example:
        >>> from twin_gym.environments.slice_admission.observation import field_names
        >>> from twin_gym.scenario.loading import load
        >>> build_network(field_names(load("contention")), "slice").action_net
        Linear(in_features=64, out_features=5, bias=True)
    """
    layout = QueueLayout.from_names(names)
    usual = FLAT_HIDDEN if action == "slice" else SLOT_HIDDEN
    widths = tuple(usual if hidden is None else hidden)
    if action == "slice":
        actions = layout.num_actions(len(names), action)
        return FlatNetwork(len(names), actions, widths, generator)
    if len(widths) != 1:
        raise ConfigError(f"a slot network has one width, got {widths}")
    return SlotNetwork(layout, widths[0], generator)


def masked_log_probabilities(logits: Tensor, masks: Tensor) -> Tensor:
    """Logarithms of the softmax over the allowed actions; the others get the lowest number.

    Args:
        logits: shape (rows, actions).
        masks: true or 1 = allowed, at least one a row; same shape.

    Returns:
        Same shape.
    """
    lowest = torch.finfo(logits.dtype).min
    allowed = masks.to(torch.bool)
    return torch.log_softmax(logits.masked_fill(~allowed, lowest), 1).masked_fill(~allowed, lowest)


def _positions(observations: Tensor, layout: QueueLayout) -> Tensor:
    """The fields of the positions; shape (rows, positions, 3)."""
    tail = observations[:, layout.num_global :]
    return tail.reshape(len(observations), -1, len(POSITION_GROUPS))


def _owner_one_hot(numbers: Tensor, num_slices: int) -> Tensor:
    """The slice of each position, none if it is empty; one dimension more."""
    slices = torch.arange(1, num_slices + 1, dtype=numbers.dtype, device=numbers.device)
    return (torch.round(numbers * num_slices).unsqueeze(-1) == slices).to(numbers.dtype)
