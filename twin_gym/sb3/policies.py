"""Actor-critic policies that obey the mask unasked: they read it in what they see; and amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.torch_layers import MlpExtractor
from stable_baselines3.common.type_aliases import Schedule
from stable_baselines3.common.vec_env import VecEnv
from torch import nn

from twin_gym.core.forms import form_named
from twin_gym.environments.factory import form_of, forms_of
from twin_gym.errors import ConfigError
from twin_gym.sb3.vec_env import native_env
from twin_gym.scenario import Scenario
from twin_gym.twins.layout import QueueLayout
from twin_gym.twins.networks import FLAT_HIDDEN, SLOT_HIDDEN, ObservedMask, SlotNetwork

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

    The last `num_masked` inputs are the mask of the first `num_masked` actions, above 0 where one
    is allowed; the last action is always allowed.
    """

    def __init__(self, latent_size: int, num_actions: int) -> None:
        super().__init__(latent_size, num_actions)
        self.num_masked = num_actions - 1

    def forward(self, latent_and_mask: torch.Tensor) -> torch.Tensor:
        latent = latent_and_mask[:, : self.in_features]
        logits = super().forward(latent)
        blocked = (latent_and_mask[:, self.in_features :] <= 0.0).to(logits.dtype)
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
            is allowed: by a value above 0.
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


class AmountsActorCriticPolicy(ActorCriticPolicy):
    """`MlpPolicy` for actions in a box: its first draws spread around the middle of the box.

    Its parameters have the names and shapes of `MlpPolicy`, so that a twin fits both. There the
    first mean is 0, an edge of our boxes, and the first standard deviation 1, their whole width:
    two draws of three would lie outside and be cut off.

    Args:
        args: as for `ActorCriticPolicy`.
        initial_std: standard deviation of the first draws, in widths of the box.
        kwargs: as for `ActorCriticPolicy`.

    Raises:
        ConfigError: if the action space is no bounded box, or the deviation is not positive.
    """

    def __init__(self, *args: Any, initial_std: float = 0.25, **kwargs: Any) -> None:
        if not 0.0 < initial_std < float("inf"):
            raise ConfigError(f"initial_std must be positive and finite, got {initial_std!r}")
        self.initial_std = initial_std
        super().__init__(*args, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        box = self.action_space
        if not isinstance(box, spaces.Box) or not box.is_bounded():
            raise ConfigError(f"this policy is for actions in a bounded box, got {box}")
        super()._build(lr_schedule)
        net: Any = self.action_net
        with torch.no_grad():
            net.bias.copy_(torch.as_tensor((box.low + box.high) / 2.0).flatten())
            width = torch.as_tensor(box.high - box.low).flatten()
            self.log_std.copy_((self.initial_std * width).log())

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | {"initial_std": self.initial_std}


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

    def __init__(self, layout: QueueLayout, hidden: int) -> None:
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

    def __init__(self, *args: Any, layout: QueueLayout, hidden: int = 64, **kwargs: Any) -> None:
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
    scenario: Scenario,
    hidden: Sequence[int] = FLAT_HIDDEN,
    action: str | None = None,
) -> dict[str, Any]:
    """`policy_kwargs` for `MaskedActorCriticPolicy` on a scenario.

    Args:
        scenario: gives the places of the mask in the observation.
        hidden: widths of the actor and of the critic; those of the twin for a warm start.
        action: form of the actions; None: the first one whose mask is shown.

    Returns:
        Arguments for the model.

    Raises:
        ConfigError: if the observation does not show what is allowed.
    """
    columns = _mask_columns(scenario, action)
    if columns is None:
        raise ConfigError(
            f"the observation of {scenario.name!r} shows no mask for the action {action!r}: take "
            "`MlpPolicy`, or what `actor_critic_for` names"
        )
    return {"mask_columns": columns, "net_arch": list(hidden)}


def _mask_columns(scenario: Scenario, action: str | None) -> tuple[int, ...] | None:
    """Fields above 0 where an action is allowed, for all actions but the last; None: not shown."""
    forms = forms_of(scenario.kind)
    default = next((one for one in forms if one.mask_group is not None), forms[0])
    form = default if action is None else form_named(forms, action)
    return form.mask_columns(scenario)


def actor_critic_for(
    env: VecEnv, hidden: Sequence[int] = FLAT_HIDDEN, *, initial_std: float = 0.25
) -> tuple[type[ActorCriticPolicy], dict[str, Any]]:
    """The policy of A2C and PPO that suits an environment, and its `policy_kwargs`.

    Args:
        env: from `make_vec_env`.
        hidden: widths of the actor and of the critic; the first one is that of the slot network.
        initial_std: where actions are amounts, see `AmountsActorCriticPolicy`.

    Returns:
        `AmountsActorCriticPolicy` where actions are amounts, `SlotActorCriticPolicy` for admission
        by queue position, `MaskedActorCriticPolicy` where the observation shows what is allowed,
        else the usual one.
    """
    native = native_env(env)
    action, kwargs = native.batch.arguments["action"], {"net_arch": list(hidden)}
    if isinstance(native.action_space, spaces.Box):
        return AmountsActorCriticPolicy, kwargs | {"initial_std": initial_std}
    if form_of(native.scenario.kind, action).by_position:
        return SlotActorCriticPolicy, slot_policy_kwargs(native.scenario, hidden[0])
    columns = _mask_columns(native.scenario, action)
    if columns is None:
        return ActorCriticPolicy, kwargs
    return MaskedActorCriticPolicy, kwargs | {"mask_columns": columns}


def slot_policy_kwargs(scenario: Scenario, hidden: int = SLOT_HIDDEN[0]) -> dict[str, Any]:
    """`policy_kwargs` for `SlotActorCriticPolicy` on a scenario, `action="slot"`.

    Args:
        scenario: gives the places of the fields.
        hidden: width of the actor and of the critic; that of the twin for a warm start.

    Returns:
        Arguments for the model.
    """
    return {"layout": QueueLayout.of(scenario), "hidden": hidden}
