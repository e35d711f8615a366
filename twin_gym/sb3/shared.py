"""Actor-critic policies whose actor is a `SharedNetwork`: one network for all candidates."""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from twin_gym.environments.factory import form_of, forms_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import Scenario
from twin_gym.twins.shared_network import SHARED_HIDDEN, Columns, SharedNetwork

_FORBIDDEN = -1e8


class SharedScorer(SharedNetwork):
    """The network with the logits of candidates that may not be picked out of reach.

    Args:
        columns: fields of the observation that tell of each candidate, as many for each.
        common: fields that tell of all.
        mask_columns: the field of each candidate that is above 0 where it may be picked.
        width: of the two hidden layers.
    """

    def __init__(
        self,
        columns: tuple[Columns, ...],
        common: Columns,
        mask_columns: Columns,
        width: int = SHARED_HIDDEN[0],
    ) -> None:
        super().__init__(columns, common, width)
        self._mask_columns = list(mask_columns)

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        """Logits, those of candidates that may not be picked out of reach; nobody last."""
        logits = super().forward(observations)
        blocked = (observations[:, self._mask_columns] <= 0.0).to(logits.dtype)
        scores, nobody = logits[:, :-1], logits[:, -1:]
        return torch.cat([scores + _FORBIDDEN * blocked, nobody], dim=1)


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
    width: int = SHARED_HIDDEN[0],
    critic: tuple[int, ...] = (64, 64),
    *,
    action: str | None = None,
) -> dict[str, Any]:
    """`policy_kwargs` for the two policies where an action picks one of many like things.

    Args:
        scenario: gives the places of the fields.
        width: of the scorer's hidden layers; that of the twin for a warm start.
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
