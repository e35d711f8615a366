"""Classical policies of slice admission."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.policies.bid_price import BidPricePolicy
from twin_gym.environments.slice_admission.policies.optimum import OptimalPolicy
from twin_gym.environments.slice_admission.policies.rules import (
    DensityPolicy,
    FifoPolicy,
    MaxRevenuePolicy,
    RandomPolicy,
)
from twin_gym.environments.slice_admission.policies.surrogate import (
    InformedSurrogateOptimumPolicy,
    SurrogateOptimumPolicy,
)
from twin_gym.environments.slice_admission.policies.thresholds import tuned_reservation
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.policies.base import Policy

POLICIES: Mapping[str, Callable[[AdmissionScenario, ActionName], Policy]] = MappingProxyType(
    {
        "random": RandomPolicy,
        "fifo": FifoPolicy,
        "density": DensityPolicy,
        "max-revenue": MaxRevenuePolicy,
        "bid-price": BidPricePolicy,
        "reservation": tuned_reservation,
        "optimum": OptimalPolicy,
        "surrogate-optimum": SurrogateOptimumPolicy,
        "informed-surrogate-optimum": InformedSurrogateOptimumPolicy,
    }
)
"""By name, what makes a policy for a scenario and a form of action, in the order of tables."""

DEFAULT_POLICY = "density"
"""What an operator runs today."""

__all__ = ["DEFAULT_POLICY", "POLICIES"]
