"""Actor-critic policies that obey the mask unasked: they read it in what they see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import Schedule
from torch import nn

from twin_gym.errors import ConfigError
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins.layout import ObservationLayout
from twin_gym.twins.networks import DEFAULT_HIDDEN, ObservedMask, SlotNetwork

_FORBIDDEN = -1e8


class _MaskCarrier(MlpExtractor):
    """The usual two networks; the actor's latent values carry the mask along."""

    def __init__(self, columns: tuple[int, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._columns = list(columns)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        latent = super().forward_actor(features)
        return torch.cat([latent, features[:, self._columns]], dim=1)


class _MaskedLinear(nn.Linear):
    """Logits of a linear layer, with those of disallowed actions out of reach.

    The last `num_masked` inputs are the mask of the first `num_masked` actions; the last action is
    always allowed.
    """

    def __init__(self, latent_size: int, num_actions: int) -> None:
        super().__init__(latent_size, num_actions)
        self.num_masked = num_actions - 1

    def forward(self, latent_and_mask: torch.Tensor) -> torch.Tensor:
        latent = latent_and_mask[:, : self.in_features]
        logits = super().forward(latent)
        blocked = 1.0 - latent_and_mask[:, self.in_features :]
        return torch.cat(
            [logits[:, : self.num_masked] + _FORBIDDEN * blocked, logits[:, self.num_masked :]], 1
        )


class MaskedActorCriticPolicy(ActorCriticPolicy):
    """`MlpPolicy` for environments that show the mask in the observation.

    Its parameters have the names and shapes of `MlpPolicy`, so that a twin fits both. It reads the
    mask where the environment wrote it: do not let `VecNormalize` change the observations, which
    are in [0, 1] already (`norm_obs=False`).

    Args:
        args: as for `ActorCriticPolicy`.
        mask_columns: where in the observation it says, for each action but the last, whether it
            is allowed.
        kwargs: as for `ActorCriticPolicy`.

    Raises:
        ConfigError: if there are more or fewer columns than actions but the last.
    """

    def __init__(self, *args: Any, mask_columns: tuple[int, ...], **kwargs: Any) -> None:
        self.mask_columns = tuple(mask_columns)
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _MaskCarrier(
            self.mask_columns,
            self.features_dim,
            net_arch=self.net_arch,
            activation_fn=self.activation_fn,
            device=self.device,
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        plain: Any = self.action_net
        num_actions = len(self.mask_columns) + 1
        if plain.out_features != num_actions:
            raise ConfigError(
                f"mask_columns names {num_actions - 1} actions besides waiting and the environment "
                f'has {plain.out_features - 1}: use masked_policy_kwargs, and action="slice"'
            )
        self.action_net = _MaskedLinear(self.mlp_extractor.latent_dim_pi, num_actions)
        self.action_net.load_state_dict(plain.state_dict())
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | {"mask_columns": self.mask_columns}


class _SlotExtractor(nn.Module):
    """Hands the observation on to the slot network, and the critic's features to the critic."""

    def __init__(self, features_dim: int, num_global: int, width: int) -> None:
        super().__init__()
        self.latent_dim_pi = features_dim
        self.latent_dim_vf = width
        self._num_global = num_global
        self.value_net = nn.Sequential(
            nn.Linear(num_global, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()
        )

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.forward_actor(features), self.forward_critic(features)

    def forward_actor(self, features: torch.Tensor) -> torch.Tensor:
        return features

    def forward_critic(self, features: torch.Tensor) -> torch.Tensor:
        values: torch.Tensor = self.value_net(features[:, : self._num_global])
        return values


class _MaskedSlotNetwork(SlotNetwork):
    """Logits of the queue positions, with those of disallowed actions out of reach."""

    def __init__(self, layout: ObservationLayout, hidden: int) -> None:
        super().__init__(layout, hidden)
        self.observed_mask = ObservedMask(layout, "slot")

    def forward(self, observations: torch.Tensor) -> torch.Tensor:
        allowed = self.observed_mask(observations)
        return super().forward(observations).masked_fill(~allowed, _FORBIDDEN)


class SlotActorCriticPolicy(ActorCriticPolicy):
    """The queue-slot network as actor, for `action="slot"`: it reads the mask, too.

    The critic sees the global fields (free shares, in service, queue lengths, heads), which are as
    many for every queue limit.

    Args:
        args: as for `ActorCriticPolicy`.
        layout: where the fields are (see `slot_policy_kwargs`).
        hidden: width of the slot network and the critic.
        kwargs: as for `ActorCriticPolicy`.
    """

    def __init__(
        self, *args: Any, layout: ObservationLayout, hidden: int = 64, **kwargs: Any
    ) -> None:
        self.slot_layout = layout
        self.slot_hidden = hidden
        super().__init__(*args, **kwargs)

    def _build_mlp_extractor(self) -> None:
        self.mlp_extractor = _SlotExtractor(  # type: ignore[assignment]
            self.features_dim, self.slot_layout.num_global, self.slot_hidden
        )

    def _build(self, lr_schedule: Schedule) -> None:
        super()._build(lr_schedule)
        self.action_net = _MaskedSlotNetwork(self.slot_layout, self.slot_hidden)
        self.optimizer = self.optimizer_class(
            self.parameters(),
            lr=lr_schedule(1),  # type: ignore[call-arg]
            **self.optimizer_kwargs,
        )

    def _get_constructor_parameters(self) -> dict[str, Any]:
        own = {"layout": self.slot_layout, "hidden": self.slot_hidden}
        return super()._get_constructor_parameters() | own


def masked_policy_kwargs(
    scenario: AdmissionScenario, hidden: Sequence[int] = DEFAULT_HIDDEN["slice"]
) -> dict[str, Any]:
    """`policy_kwargs` for `MaskedActorCriticPolicy` on a scenario, `action="slice"`.

    Args:
        scenario: gives the places of the mask in the observation.
        hidden: widths of the actor and of the critic; those of the twin for a warm start.

    Returns:
        Arguments for the model.
    """
    first = ObservationLayout.of(scenario).admissible
    columns = tuple(range(first, first + len(scenario.slices)))
    return {"mask_columns": columns, "net_arch": list(hidden)}


def slot_policy_kwargs(
    scenario: AdmissionScenario, hidden: int = DEFAULT_HIDDEN["slot"][0]
) -> dict[str, Any]:
    """`policy_kwargs` for `SlotActorCriticPolicy` on a scenario, `action="slot"`.

    Args:
        scenario: gives the places of the fields.
        hidden: width of the actor and of the critic; that of the twin for a warm start.

    Returns:
        Arguments for the model.
    """
    return {"layout": ObservationLayout.of(scenario), "hidden": hidden}
