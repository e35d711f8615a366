"""Scenarios of networks: frozen, validated values, by name, from a file or built in code."""

from typing import TYPE_CHECKING

from twin_gym.moved import moved_names
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

if not TYPE_CHECKING:  # a type checker knows the new names alone
    __getattr__ = moved_names(__name__)
