"""What a network is: frozen, validated values, by name, from a file or built in code."""

from twin_gym.scenario.access import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
    UniformArrivals,
)
from twin_gym.scenario.admission import AdmissionScenario, Slice
from twin_gym.scenario.base import Scenario
from twin_gym.scenario.laws import (
    MMPP,
    Daily,
    Deterministic,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    Poisson,
    Schedule,
)
from twin_gym.scenario.presets import load, names, parse
from twin_gym.scenario.replay import load_trace
from twin_gym.scenario.toml import to_toml
from twin_gym.scenario.traces import RequestTrace, Trace, read_requests

__all__ = [
    "MMPP",
    "AccessScenario",
    "AdmissionScenario",
    "BetaArrivals",
    "Daily",
    "Deterministic",
    "Empirical",
    "Exponential",
    "Lognormal",
    "Pareto",
    "Poisson",
    "RequestTrace",
    "Scenario",
    "Schedule",
    "SimultaneousArrivals",
    "Slice",
    "Trace",
    "UniformArrivals",
    "load",
    "load_trace",
    "names",
    "parse",
    "read_requests",
    "to_toml",
]
