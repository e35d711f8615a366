"""One network for all candidates: a score of each queue or entity by what is seen of it.

Where an action picks one of many like things, a network on the whole observation has to learn for
each of them anew what makes one worth picking. Here the same small network looks at each in turn
(deep sets: Zaheer et al., 2017), with a few numbers of its own for what tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from twin_gym.core.forms import ObservationLayout
from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.forward import PlainSharedNetwork

Columns = tuple[int, ...]

SHARED_HIDDEN = (16,)
"""Width of both hidden layers of a `SharedNetwork`."""

_OWN = 4
"""Numbers of its own that a candidate has."""
_OWN_SPREAD = 0.1
_FIRST_SCORES = 0.1
_KAIMING = math.sqrt(5.0)  # torch's own first weights of a linear layer


class SharedNetwork(nn.Module):
    """Logits: of each candidate by one small network, and of nobody.

    Args:
        columns: fields of the observation that tell of each candidate, as many for each.
        common: fields that tell of all.
        width: of the two hidden layers.
        generator: where the first weights are drawn from; None: torch's own.

    Attributes:
        columns: as given; shape (candidates, fields).
        common: as given.

    Raises:
        ConfigError: if there are no candidates, or the width is not positive.

    Example:
        >>> network = SharedNetwork(((0, 2), (1, 3)), (4,), width=8)
        >>> network(torch.zeros(5, 5)).shape
        torch.Size([5, 3])
    """

    def __init__(
        self,
        columns: tuple[Columns, ...],
        common: Columns,
        width: int = SHARED_HIDDEN[0],
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        if not columns or width < 1:
            raise ConfigError(
                f"a shared network needs candidates and a positive width, got {len(columns)} "
                f"candidates and {width}"
            )
        self.columns = torch.tensor(columns, device="cpu")
        self.common = list(common)
        inputs = len(columns[0]) + len(common) + _OWN
        self.own = nn.Parameter(_OWN_SPREAD * _normal((len(columns), _OWN), generator))
        self.first = _linear(inputs, width, generator)
        self.second = _linear(width, width, generator)
        self.score = _linear(width, 1, generator)
        self.nobody = nn.Parameter(torch.zeros(1))
        with torch.no_grad():
            self.score.weight.mul_(_FIRST_SCORES)  # all candidates nearly alike at first
            self.score.bias.zero_()

    @classmethod
    def of(
        cls,
        space: DecisionSpace,
        hidden: Sequence[int] = SHARED_HIDDEN,
        generator: torch.Generator | None = None,
    ) -> SharedNetwork:
        """The network for what is seen and done in a form of action with candidates.

        Args:
            space: names of fields and actions.
            hidden: one width.
            generator: where the first weights are drawn from; None: torch's own.

        Returns:
            An untrained network.

        Raises:
            ConfigError: if nothing is picked out of many like things in this form, or there are
                several widths.
        """
        form = form_of(space.kind, space.action)
        if not form.candidate_groups:
            raise ConfigError(
                f"in the form {space.action!r} of {space.kind!r} nothing is picked out of many "
                "like things: leave `shared` False"
            )
        if len(hidden) != 1:
            raise ConfigError(f"a shared network has one width, got {tuple(hidden)}")
        layout = ObservationLayout(space.field_names)
        columns = form.candidate_columns_in(layout, space.num_actions - 1)
        return cls(columns, form.common_columns_in(layout), hidden[0], generator)

    def forward(self, observations: Tensor) -> Tensor:
        """Logits of all candidates, allowed or not, and of nobody last.

        Args:
            observations: float32; shape (rows, fields).

        Returns:
            Shape (rows, candidates + 1).
        """
        rows, count = len(observations), len(self.own)
        common = observations[:, None, self.common].expand(rows, count, len(self.common))
        seen = torch.cat(
            [observations[:, self.columns], common, self.own.expand(rows, count, _OWN)], dim=2
        )
        hidden = torch.tanh(self.second(torch.tanh(self.first(seen))))
        scores = self.score(hidden)[:, :, 0]
        return torch.cat([scores, self.nobody.expand(rows, 1)], dim=1)

    def as_layers(self, num_fields: int) -> dict[str, Tensor]:
        """The same function as layers of tanh on the whole observation.

        Args:
            num_fields: length of an observation.

        Returns:
            Parameters of a `FlatNetwork` with two hidden layers of candidates times width.
        """
        count, width = len(self.own), self.first.out_features
        seen = self.columns.shape[1]
        own_from = seen + len(self.common)
        first = torch.zeros(count, width, num_fields)
        for candidate in range(count):
            first[candidate][:, self.columns[candidate]] += self.first.weight[:, :seen]
            first[candidate][:, self.common] += self.first.weight[:, seen:own_from]
        bias = self.first.bias + self.own @ self.first.weight[:, own_from:].T
        each = torch.eye(count)  # blocks on the diagonal: the candidates do not mix
        layers = {
            "policy_net.0.weight": first.reshape(count * width, num_fields),
            "policy_net.0.bias": bias.reshape(-1),
            "policy_net.2.weight": torch.kron(each, self.second.weight),
            "policy_net.2.bias": self.second.bias.repeat(count),
            "action_net.weight": torch.cat(
                [torch.kron(each, self.score.weight), torch.zeros(1, count * width)]
            ),
            "action_net.bias": torch.cat([self.score.bias.expand(count), self.nobody]),
        }
        return {name: value.detach().clone() for name, value in layers.items()}

    def plain(self) -> PlainSharedNetwork:
        """A copy that gives the same logits in NumPy, much faster."""
        state = {name: value.detach().numpy() for name, value in self.state_dict().items()}
        return PlainSharedNetwork(state, self.columns.numpy(), self.common)


def _linear(inputs: int, outputs: int, generator: torch.Generator | None) -> nn.Linear:
    """A layer with the first weights of `torch.nn.Linear`, drawn from the generator alone."""
    layer = nn.Linear(inputs, outputs, device="meta")  # draws nothing
    if torch.get_default_device().type == "meta":  # see `blank_network`
        return layer
    layer = layer.to_empty(device="cpu")
    nn.init.kaiming_uniform_(layer.weight, a=_KAIMING, generator=generator)
    bound = 1.0 / math.sqrt(inputs)
    nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
    return layer


def _normal(shape: tuple[int, ...], generator: torch.Generator | None) -> Tensor:
    return torch.randn(shape, generator=generator, device=torch.get_default_device())
