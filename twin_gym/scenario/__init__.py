"""Scenarios of networks: frozen, validated values, by name, from a file or built in code."""

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
from twin_gym.scenario.loading import load, names, parse
from twin_gym.scenario.toml import to_toml
from twin_gym.scenario.traces import RequestTrace, Trace, read_requests

__all__ = [
    "MMPP",
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
    "Trace",
    "load",
    "names",
    "parse",
    "read_requests",
    "to_toml",
]
