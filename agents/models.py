"""From settings to a model of Stable-Baselines3, its actor set from a twin where asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stable_baselines3 import A2C
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm

from agents.settings import WITH_TWIN, TrainSettings
from agents.twin import make_twin
from twin_gym.errors import ConfigError
from twin_gym.sb3 import (
    MaskedActorCriticPolicy,
    NativeVecEnv,
    SemiMarkovA2C,
    SemiMarkovMaskablePPO,
    WarmStart,
    make_vec_env,
    masked_policy_kwargs,
    warm_start,
)
from twin_gym.twins import PolicyTwin

ENV_ID = "twin_gym/SliceAdmission-v0"
STEP_DISCOUNT, STEP_TRACE = 0.99, 0.95
PPO_BATCH, PPO_EPOCHS = 512, 4


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
        ConfigError: if the agent does not learn by itself.
    """
    if settings.agent == "clone":
        raise ConfigError("`clone` is the twin itself and learns nothing more: see `make_twin`")
    env = make_vec_env(ENV_ID, settings.num_rows, scenario=settings.scenarios, reward_scale="auto")
    model = _model(settings, env)
    if not start or settings.agent not in WITH_TWIN:
        return Built(model)
    twin = make_twin(settings)
    return Built(model, twin, warm_start(model, twin, temperature=settings.temperature))


def _model(settings: TrainSettings, env: NativeVecEnv) -> OnPolicyAlgorithm:
    unit_s = env.scenario.mean_holding_time_s
    if settings.agent == "maskable-ppo":
        return SemiMarkovMaskablePPO(
            "MlpPolicy",
            env,
            n_steps=settings.rollout_steps,
            batch_size=min(PPO_BATCH, settings.num_rows * settings.rollout_steps),
            n_epochs=PPO_EPOCHS,
            learning_rate=settings.learning_rate,
            ent_coef=settings.entropy_weight,
            discount_time_s=settings.discount_holding_times * unit_s,
            trace_time_s=settings.trace_holding_times * unit_s,
            policy_kwargs={"net_arch": list(settings.hidden)},
            seed=settings.seed,
            device="cpu",
        )
    common: dict[str, Any] = {
        "n_steps": settings.rollout_steps,
        "learning_rate": settings.learning_rate,
        "ent_coef": settings.entropy_weight,
        "use_rms_prop": False,
        "normalize_advantage": True,
        "policy_kwargs": masked_policy_kwargs(env.scenario, settings.hidden),
        "seed": settings.seed,
        "device": "cpu",
    }
    if not settings.simulated_time:
        return A2C(
            MaskedActorCriticPolicy, env, gamma=STEP_DISCOUNT, gae_lambda=STEP_TRACE, **common
        )
    model = SemiMarkovA2C(
        MaskedActorCriticPolicy,
        env,
        discount_time_s=settings.discount_holding_times * unit_s,
        trace_time_s=settings.trace_holding_times * unit_s,
        **common,
    )
    if not settings.centre_rewards:
        model.reward_centre.rate_per_s, model.reward_centre.step_size = 0.0, 0.0
    return model
