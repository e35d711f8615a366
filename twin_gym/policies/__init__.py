"""Classical policies by name, and the evaluation of any policy on paired worlds."""

from typing import TYPE_CHECKING

from twin_gym.moved import moved_names
from twin_gym.policies.base import Policy, PrivilegedPolicy, unseen_of
from twin_gym.policies.draws import Draws
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.registry import (
    describe_policy,
    make_policy,
    policies_for,
    policies_of,
)
from twin_gym.policies.rollout import RolloutPolicy
from twin_gym.policies.worlds import Family, world_seeds

__all__ = [
    "Draws",
    "Evaluation",
    "Family",
    "Policy",
    "PrivilegedPolicy",
    "RolloutPolicy",
    "describe_policy",
    "evaluate",
    "make_policy",
    "policies_for",
    "policies_of",
    "unseen_of",
    "world_seeds",
]

if not TYPE_CHECKING:  # a type checker knows the new names alone
    __getattr__ = moved_names(__name__)
