"""What is known exactly: formulas of loss, delay and age, optimal policies, and bounds."""

from twin_gym.theory.age import (
    cycle_errors,
    error_by_age,
    fresh_share_periodic,
    held_error_by_age,
    least_average,
    least_total,
    mean_age_periodic,
    relaxation_bound,
    updated_share,
    whittle_index,
)
from twin_gym.theory.bisimulation import (
    TabularModel,
    admission_model,
    bisimulation_distances,
)
from twin_gym.theory.bounds import FluidBound, fluid_bound, utilisation_bound
from twin_gym.theory.erlang import ErlangA, erlang_a, erlang_b
from twin_gym.theory.evaluation import PolicyFunction, PolicyValue, evaluate_policy, first_fit
from twin_gym.theory.finite_horizon import FiniteHorizonOptimum, finite_horizon_optimum
from twin_gym.theory.matching import (
    mean_wait_slots,
    most_by_earliest_deadline,
    most_by_matching,
    most_with_answers,
)
from twin_gym.theory.optimal import OptimalPolicy, optimal_policy
from twin_gym.theory.option_bound import OptionBound, option_bound
from twin_gym.theory.product_form import (
    KaufmanRoberts,
    ProductForm,
    kaufman_roberts,
    product_form,
)
from twin_gym.theory.random_access import (
    AccessBound,
    access_bound,
    best_senders,
    beta_share,
    expected_arrivals,
    expected_collisions,
    expected_idle,
    expected_successes,
    sender_mean_given_collision,
)

__all__ = [
    "AccessBound",
    "ErlangA",
    "FiniteHorizonOptimum",
    "FluidBound",
    "KaufmanRoberts",
    "OptimalPolicy",
    "OptionBound",
    "PolicyFunction",
    "PolicyValue",
    "ProductForm",
    "TabularModel",
    "access_bound",
    "admission_model",
    "best_senders",
    "beta_share",
    "bisimulation_distances",
    "cycle_errors",
    "erlang_a",
    "erlang_b",
    "error_by_age",
    "evaluate_policy",
    "expected_arrivals",
    "expected_collisions",
    "expected_idle",
    "expected_successes",
    "finite_horizon_optimum",
    "first_fit",
    "fluid_bound",
    "fresh_share_periodic",
    "held_error_by_age",
    "kaufman_roberts",
    "least_average",
    "least_total",
    "mean_age_periodic",
    "mean_wait_slots",
    "most_by_earliest_deadline",
    "most_by_matching",
    "most_with_answers",
    "optimal_policy",
    "option_bound",
    "product_form",
    "relaxation_bound",
    "sender_mean_given_collision",
    "updated_share",
    "utilisation_bound",
    "whittle_index",
]
