"""Classical policies by name, and the evaluation of any policy on paired worlds."""

from twin_gym.policies.base import Policy, PrivilegedPolicy
from twin_gym.policies.draws import Draws
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.registry import (
    describe_policy,
    make_policy,
    policies_for,
    policies_of,
)
from twin_gym.policies.worlds import Family, world_seeds

__all__ = [
    "Draws",
    "Evaluation",
    "Family",
    "Policy",
    "PrivilegedPolicy",
    "describe_policy",
    "evaluate",
    "make_policy",
    "policies_for",
    "policies_of",
    "world_seeds",
]
