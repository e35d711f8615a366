"""From settings to a model of Stable-Baselines3, its actor set from a twin where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.policies import ActorCriticPolicy

from agents.defaults import kind_of
from agents.settings import MASKABLE, PPO_NAMES, WITH_TWIN, TrainSettings
from agents.twin import make_twin
from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.sb3 import (
    GuidedRows,
    NativeVecEnv,
    SemiMarkovA2C,
    SemiMarkovMaskablePPO,
    SemiMarkovPPO,
    SharedActorCriticPolicy,
    SharedMaskablePolicy,
    WarmStart,
    actor_critic_for,
    make_vec_env,
    shared_policy_kwargs,
    warm_start,
)
from twin_gym.twins import PolicyTwin

SemiMarkov = SemiMarkovA2C | SemiMarkovPPO | SemiMarkovMaskablePPO

_BY_STEPS: dict[str, Any] = {"gamma": 0.99, "gae_lambda": 0.95}  # as is usual


@dataclass(frozen=True)
class Built:
    """A model before its first step.

    Attributes:
        model: as built.
        twin: the twin it starts from, if it does.
        started: what the warm start did, if there was one.
    """

    model: OnPolicyAlgorithm
    twin: PolicyTwin | None = None
    started: WarmStart | None = None


def build(settings: TrainSettings, *, start: bool = True) -> Built:
    """The model that a training with these settings begins with.

    Args:
        settings: whose agent is one that learns by itself (not `clone`).
        start: whether a twin is made and loaded; not needed where parameters come from a file.

    Returns:
        The model and where its actor comes from.

    Raises:
        ConfigError: if the agent does not learn by itself or needs a mask that is not there, or the
            scenarios are of several kinds.
    """
    if settings.agent == "clone":
        raise ConfigError("`clone` is the twin itself and learns nothing more: see `make_twin`")
    env = _environment(settings)
    model = _model(settings, env)
    is_guided = settings.learner_share < 1.0
    if settings.agent not in WITH_TWIN or not (start or is_guided):
        return Built(model)
    twin = make_twin(settings)
    if is_guided:
        model.set_env(GuidedRows(env, twin, settings.learner_share))
    if not start:
        return Built(model)
    return Built(model, twin, warm_start(model, twin, temperature=settings.temperature))


def _environment(settings: TrainSettings) -> NativeVecEnv:
    given: dict[str, Any] = {} if settings.action is None else {"action": settings.action}
    return make_vec_env(
        kind_named(kind_of(settings.scenarios)).id,
        settings.n_envs,
        scenario=settings.scenarios,
        reward_scale="auto",
        staggered=settings.staggered,
        **given,
    )


def _model(settings: TrainSettings, env: NativeVecEnv) -> OnPolicyAlgorithm:
    model = _ppo(settings, env) if settings.agent in PPO_NAMES else _a2c(settings, env)
    if not settings.centre_rewards and isinstance(model, SemiMarkov):
        model.reward_centre.rate_per_s, model.reward_centre.step_size = 0.0, 0.0
    return model


def _ppo(settings: TrainSettings, env: NativeVecEnv) -> OnPolicyAlgorithm:
    arguments = _common(settings) | {
        "batch_size": min(settings.batch_size, settings.n_envs * settings.n_steps),
        "n_epochs": settings.n_epochs,
    }
    if settings.agent in MASKABLE:
        if env.batch.masks is None:
            raise ConfigError(
                f"the actions of {settings.scenario!r} are amounts and nothing masks them: train "
                f"`{settings.agent.removeprefix('maskable-')}`"
            )
        policy_class: type[MaskableActorCriticPolicy] = MaskableActorCriticPolicy
        kwargs: dict[str, Any] = {"net_arch": list(settings.net_arch)}
        if settings.shared:
            policy_class, kwargs = SharedMaskablePolicy, _shared(settings, env)
        return SemiMarkovMaskablePPO(
            policy_class,
            env,
            policy_kwargs=kwargs,
            **_credit(settings, env),
            **arguments,
        )
    policy, policy_kwargs = _policy(settings, env)
    if not settings.simulated_time:
        return PPO(policy, env, policy_kwargs=policy_kwargs, **_BY_STEPS, **arguments)
    return SemiMarkovPPO(
        policy, env, policy_kwargs=policy_kwargs, **_credit(settings, env), **arguments
    )


def _a2c(settings: TrainSettings, env: NativeVecEnv) -> OnPolicyAlgorithm:
    arguments = _common(settings) | {"use_rms_prop": False, "normalize_advantage": True}
    policy, policy_kwargs = _policy(settings, env)
    if not settings.simulated_time:
        return A2C(policy, env, policy_kwargs=policy_kwargs, **_BY_STEPS, **arguments)
    return SemiMarkovA2C(
        policy, env, policy_kwargs=policy_kwargs, **_credit(settings, env), **arguments
    )


def _policy(
    settings: TrainSettings, env: NativeVecEnv
) -> tuple[type[ActorCriticPolicy], dict[str, Any]]:
    if settings.shared:
        return SharedActorCriticPolicy, _shared(settings, env)
    return actor_critic_for(env, settings.net_arch, initial_std=settings.initial_std)


def _shared(settings: TrainSettings, env: NativeVecEnv) -> dict[str, Any]:
    action: str = env.batch.arguments["action"]
    if not form_of(env.scenario.kind, action).candidate_groups:
        raise ConfigError(
            f"with `shared` an action picks one of many, and here it is of the form "
            f"{action!r}: leave `shared` False"
        )
    return shared_policy_kwargs(env.scenario, critic=settings.net_arch, action=action)


def _credit(settings: TrainSettings, env: NativeVecEnv) -> dict[str, float]:
    unit_s: float = env.scenario.time_unit_s
    return {
        "discount_time_s": settings.discount_holding_times * unit_s,
        "trace_time_s": settings.trace_holding_times * unit_s,
        "critic_rate_ratio": settings.critic_rate_ratio,
    }


def _common(settings: TrainSettings) -> dict[str, Any]:
    return {
        "n_steps": settings.n_steps,
        "learning_rate": settings.learning_rate,
        "ent_coef": settings.ent_coef,
        "seed": settings.seed,
        "device": "cpu",
    }
