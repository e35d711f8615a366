"""One network for all candidates: a score of each queue or entity by what is seen of it.

Where an action picks one of many like things, a network on the whole observation has to learn for
each of them anew what makes one worth picking. Here the same small network looks at each in turn
(deep sets: Zaheer et al., 2017), with a few numbers of its own for what tells them apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from twin_gym.environments.factory import form_of, forms_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario

Columns = tuple[int, ...]

_FORBIDDEN = -1e8
_OWN = 4
"""Numbers of its own that a candidate has."""
_OWN_SPREAD = 0.1


class SharedScorer(nn.Module):
    """Logits: of each candidate by one network, and of nobody.

    Args:
        columns: fields of the observation that tell of each candidate, as many for each.
        common: fields that tell of all.
        mask_columns: the field of each candidate that is above 0 where it may be picked.
        width: of the two hidden layers.

    Attributes:
        columns: as given; shape (candidates, fields).
        common: as given.
    """

    def __init__(
        self,
        columns: tuple[Columns, ...],
        common: Columns,
        mask_columns: Columns,
        width: int = 16,
    ) -> None:
        super().__init__()
        self.columns, self.common = torch.tensor(columns), list(common)
        self._mask_columns = list(mask_columns)
        inputs = len(columns[0]) + len(common) + _OWN
        self.own = nn.Parameter(_OWN_SPREAD * torch.randn(len(columns), _OWN))
        self.first, self.second = nn.Linear(inputs, width), nn.Linear(width, width)
        self.score = nn.Linear(width, 1)
        self.nobody = nn.Parameter(torch.zeros(1))
        with torch.no_grad():
            self.score.weight.mul_(0.1)  # all candidates nearly alike at first
            self.score.bias.zero_()

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Logits, those of candidates that may not be picked out of reach; nobody last."""
        rows, count = len(observations), len(self.own)
        common = observations[:, None, self.common].expand(rows, count, len(self.common))
        seen = torch.cat(
            [observations[:, self.columns], common, self.own.expand(rows, count, _OWN)], dim=2
        )
        hidden = torch.tanh(self.second(torch.tanh(self.first(seen))))
        scores = self.score(hidden)[:, :, 0]
        blocked = (observations[:, self._mask_columns] <= 0.0).to(scores.dtype)
        return torch.cat([scores + _FORBIDDEN * blocked, self.nobody.expand(rows, 1)], dim=1)

    def as_layers(self, num_fields: int) -> dict[str, torch.Tensor]:
        """The same function, without the mask, as layers of tanh on the whole observation.

        Args:
            num_fields: length of an observation.

        Returns:
            Parameters of a `SliceNetwork` with two hidden layers of candidates times width.
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


class PlainScorer:
    """A copy of a `SharedScorer` that gives its logits in NumPy, without the mask.

    Args:
        scorer: what is copied.
    """

    def __init__(self, scorer: SharedScorer) -> None:
        columns, common, self._own = (
            scorer.columns.numpy(), scorer.common, scorer.own.detach().numpy().copy()
        )  # fmt: skip
        self._columns = np.concatenate([columns, np.tile(common, (len(columns), 1))], axis=1)
        self._layers = [
            (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
            for layer in (scorer.first, scorer.second, scorer.score)
        ]
        self._nobody = scorer.nobody.detach().numpy().copy()

    def __call__(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits of all candidates, allowed or not, and of nobody; shape (rows, actions)."""
        rows = len(observations)
        own = np.broadcast_to(self._own, (rows, *self._own.shape))
        values = np.concatenate([observations[:, self._columns], own], axis=2)
        values = values.reshape(rows * len(self._own), -1)
        *hidden, (weight, bias) = self._layers
        for inner, offset in hidden:
            values = np.tanh(values @ inner + offset)
        scores = (values @ weight + bias).reshape(rows, len(self._own))
        return np.concatenate([scores, np.broadcast_to(self._nobody, (rows, 1))], axis=1)


class _SharedExtractor(nn.Module):
    """Hands the observation on to the scorer, and layers of tanh on it to the critic."""

    def __init__(self, features_dim: int, widths: list[int]) -> None:
        super().__init__()
        self.latent_dim_pi, self.latent_dim_vf = features_dim, widths[-1]
        layers: list[nn.Module] = []
        for inputs, outputs in zip([features_dim, *widths], widths, strict=False):
            layers += [nn.Linear(inputs, outputs), nn.Tanh()]
        self.value_net = nn.Sequential(*layers)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return features, self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.value_net(features)
        return values


class _SharedPolicy:
    """The base of both policies: the scorer in the place of the actor.

    Args:
        args: as for the policy.
        scorer: arguments of `SharedScorer` (see `shared_policy_kwargs`).
        kwargs: as for the policy; `net_arch` has the widths of the critic.
    """

    def __init__(self, *args: Any, scorer: dict[str, Any], **kwargs: Any) -> None:
        self.scorer = scorer
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self: Any) -> None:
        self.mlp_extractor = _SharedExtractor(self.features_dim, list(self.net_arch))

    def _build(self: Any, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)  # type: ignore[misc]
        self.action_net = SharedScorer(**self.scorer)
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),
            **self.optimizer_kwargs,
        )

    def _get_constructor_parameters(self: Any) -> dict[str, Any]:
        parameters: dict[str, Any] = super()._get_constructor_parameters()  # type: ignore[misc]
        return parameters | {"scorer": self.scorer}


class SharedActorCriticPolicy(_SharedPolicy, ActorCriticPolicy):  # type: ignore[misc]
    """A score of each candidate by one network, for A2C and PPO; it reads the mask it sees."""


class SharedMaskablePolicy(_SharedPolicy, MaskableActorCriticPolicy):  # type: ignore[misc]
    """The shared scorer as the actor of MaskablePPO."""


def shared_policy_kwargs(
    scenario: Scenario,
    width: int = 16,
    critic: tuple[int, ...] = (64, 64),
    *,
    action: str | None = None,
) -> dict[str, Any]:
    """`policy_kwargs` for the two policies where an action picks one of many like things.

    Args:
        scenario: gives the places of the fields.
        width: of the scorer's hidden layers.
        critic: widths of the critic.
        action: form of the actions; None: the first one of the environment with candidates.

    Returns:
        Arguments for the model.

    Raises:
        ConfigError: if nothing is picked on scenarios of this kind, or in this form.
        UnknownNameError: if there is no such form.
    """
    forms = forms_of(scenario.kind) if action is None else (form_of(scenario.kind, action),)
    form = next((one for one in forms if one.candidate_groups), None)
    if form is None:
        raise ConfigError(
            f"on scenarios of the kind {scenario.kind!r} nothing is picked out of many like "
            "things: take `actor_critic_for`"
        )
    columns, common = form.candidate_columns(scenario), form.common_columns(scenario)
    mask = form.mask_columns(scenario)
    scorer = {"columns": columns, "common": common, "mask_columns": mask, "width": width}
    return {"scorer": scorer, "net_arch": list(critic)}
