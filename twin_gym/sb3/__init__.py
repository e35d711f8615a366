"""Stable-Baselines3 on twin_gym: environments, credit in simulated time, warm start."""

from twin_gym.errors import missing_extra

try:
    import sb3_contrib as _sb3_contrib  # noqa: F401
    import stable_baselines3 as _stable_baselines3  # noqa: F401
except ModuleNotFoundError as error:
    raise missing_extra("twin_gym.sb3", "sb3") from error

from twin_gym.sb3.actors import FrozenActor, actor_layers
from twin_gym.sb3.evaluation import EvaluateOnWorlds, indicators, score_name
from twin_gym.sb3.guided import GuidedRows
from twin_gym.sb3.keep_best import KeepBest
from twin_gym.sb3.keep_best_state import KeepBestState, Look
from twin_gym.sb3.model_policy import ModelPolicy
from twin_gym.sb3.policies import (
    AmountsActorCriticPolicy,
    MaskedActorCriticPolicy,
    SlotActorCriticPolicy,
    actor_critic_for,
    masked_policy_kwargs,
    slot_policy_kwargs,
)
from twin_gym.sb3.semi_markov import (
    SemiMarkovA2C,
    SemiMarkovMaskablePPO,
    SemiMarkovPPO,
    credit_times_s,
)
from twin_gym.sb3.shared import (
    SharedActorCriticPolicy,
    SharedMaskablePolicy,
    SharedScorer,
    shared_policy_kwargs,
)
from twin_gym.sb3.vec_env import NativeVecEnv, make_vec_env, native_env
from twin_gym.sb3.warm_start import WarmStart, actor_parameters, warm_start

__all__ = [
    "AmountsActorCriticPolicy",
    "EvaluateOnWorlds",
    "FrozenActor",
    "GuidedRows",
    "KeepBest",
    "KeepBestState",
    "Look",
    "MaskedActorCriticPolicy",
    "ModelPolicy",
    "NativeVecEnv",
    "SemiMarkovA2C",
    "SemiMarkovMaskablePPO",
    "SemiMarkovPPO",
    "SharedActorCriticPolicy",
    "SharedMaskablePolicy",
    "SharedScorer",
    "SlotActorCriticPolicy",
    "WarmStart",
    "actor_critic_for",
    "actor_layers",
    "actor_parameters",
    "credit_times_s",
    "indicators",
    "make_vec_env",
    "masked_policy_kwargs",
    "native_env",
    "score_name",
    "shared_policy_kwargs",
    "slot_policy_kwargs",
    "warm_start",
]
