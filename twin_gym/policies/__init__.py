"""What an operator runs by default and what an agent must beat, and how to evaluate either."""

from twin_gym.policies.base import Policy
from twin_gym.policies.bid_price import BidPricePolicy
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.optimum import OptimalPolicy
from twin_gym.policies.registry import POLICIES, describe_policy, make_policy, policies_for
from twin_gym.policies.reservation import ReservationPolicy
from twin_gym.policies.rules import DensityPolicy, FifoPolicy, MaxRevenuePolicy, RandomPolicy
from twin_gym.policies.search import ReservationSearch, search_reservation
from twin_gym.policies.worlds import Family, world_seeds

__all__ = [
    "POLICIES",
    "BidPricePolicy",
    "DensityPolicy",
    "Evaluation",
    "Family",
    "FifoPolicy",
    "MaxRevenuePolicy",
    "OptimalPolicy",
    "Policy",
    "RandomPolicy",
    "ReservationPolicy",
    "ReservationSearch",
    "describe_policy",
    "evaluate",
    "make_policy",
    "policies_for",
    "search_reservation",
    "world_seeds",
]
