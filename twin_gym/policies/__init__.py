"""What an operator runs by default and what an agent must beat, and how to evaluate either."""

from twin_gym.environments.massive_access.policies.barring import (
    FixedBarring,
    GeniePolicy,
    IdleEstimator,
    NoBarring,
    RandomBarring,
)
from twin_gym.environments.massive_access.policies.tuning import search_level
from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.policies.optimum import OptimalPolicy
from twin_gym.environments.slice_admission.policies.reservation import ReservationPolicy
from twin_gym.environments.slice_admission.policies.rules import (
    DensityPolicy,
    FifoPolicy,
    MaxRevenuePolicy,
    RandomPolicy,
)
from twin_gym.environments.slice_admission.policies.search import (
    ReservationSearch,
    search_reservation,
)
from twin_gym.environments.tic_scheduling.policies import ConstantWeights, ObjectiveWeights
from twin_gym.policies.base import Policy, Seer
from twin_gym.policies.draws import Draws
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.registry import (
    POLICIES,
    POLICIES_OF_KIND,
    describe_policy,
    make_policy,
    policies_for,
)
from twin_gym.policies.worlds import Family, world_seeds

__all__ = [
    "POLICIES",
    "POLICIES_OF_KIND",
    "BidPricePolicy",
    "ConstantWeights",
    "DensityPolicy",
    "Draws",
    "Evaluation",
    "Family",
    "FifoPolicy",
    "FixedBarring",
    "GeniePolicy",
    "IdleEstimator",
    "MaxRevenuePolicy",
    "NoBarring",
    "ObjectiveWeights",
    "OptimalPolicy",
    "Policy",
    "RandomBarring",
    "RandomPolicy",
    "ReservationPolicy",
    "ReservationSearch",
    "Seer",
    "describe_policy",
    "evaluate",
    "make_policy",
    "policies_for",
    "search_level",
    "search_reservation",
    "world_seeds",
]
