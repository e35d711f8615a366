"""What an operator runs by default and what an agent must beat, and how to evaluate either."""

from twin_gym.policies.base import Policy
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.worlds import Family, world_seeds

__all__ = ["Evaluation", "Family", "Policy", "evaluate", "world_seeds"]
