"""What is known exactly: loss and delay formulas, the optimal policy, and upper bounds."""

from twin_gym.theory.bounds import FluidBound, fluid_bound, utilisation_bound
from twin_gym.theory.erlang import ErlangA, erlang_a, erlang_b
from twin_gym.theory.evaluation import PolicyFunction, PolicyValue, evaluate_policy, first_fit
from twin_gym.theory.finite_horizon import FiniteHorizonOptimum, finite_horizon_optimum
from twin_gym.theory.optimal import OptimalPolicy, optimal_policy
from twin_gym.theory.option_bound import OptionBound, option_bound
from twin_gym.theory.product_form import (
    KaufmanRoberts,
    ProductForm,
    kaufman_roberts,
    product_form,
)

__all__ = [
    "ErlangA",
    "FiniteHorizonOptimum",
    "FluidBound",
    "KaufmanRoberts",
    "OptimalPolicy",
    "OptionBound",
    "PolicyFunction",
    "PolicyValue",
    "ProductForm",
    "erlang_a",
    "erlang_b",
    "evaluate_policy",
    "finite_horizon_optimum",
    "first_fit",
    "fluid_bound",
    "kaufman_roberts",
    "optimal_policy",
    "option_bound",
    "product_form",
    "utilisation_bound",
]
