"""Scenario twins: networks that may exist in future, generated from a network's history."""

from typing import TYPE_CHECKING

from twin_gym.moved import moved_names
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.estimation import current_state_from_store, history_from_store
from twin_gym.twins.scenarios.gaps import (
    IndicatorGap,
    KpiGaps,
    ScenarioFidelity,
    kpi_gaps,
    scenario_fidelity,
)
from twin_gym.twins.scenarios.gaussian import HistoricalGenerator, HybridGenerator
from twin_gym.twins.scenarios.generator import GenerationError, Generator
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import Parameter, ParameterSpace, parameters_of

__all__ = [
    "Criteria",
    "CurrentState",
    "GenerationError",
    "Generator",
    "HistoricalGenerator",
    "HybridGenerator",
    "IndicatorGap",
    "KpiGaps",
    "Parameter",
    "ParameterHistory",
    "ParameterSpace",
    "ScenarioFidelity",
    "current_state_from_store",
    "history_from_store",
    "kpi_gaps",
    "parameters_of",
    "scenario_fidelity",
]

if not TYPE_CHECKING:  # a type checker knows the new names alone
    __getattr__ = moved_names(__name__)
