"""Scenario twins: networks that may come, out of what has been, what is and what is asked."""

from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gaps import (
    IndicatorGap,
    KpiGaps,
    ScenarioFidelity,
    kpi_gaps,
    scenario_fidelity,
)
from twin_gym.twins.scenarios.gaussian import HistoricalGenerator, HybridGenerator
from twin_gym.twins.scenarios.generator import GenerationError, Generator
from twin_gym.twins.scenarios.lived import Lived, Now
from twin_gym.twins.scenarios.parameters import Parameter, ParameterSpace, parameters_of
from twin_gym.twins.scenarios.watching import lived_of_store, now_of_store

__all__ = [
    "Criteria",
    "GenerationError",
    "Generator",
    "HistoricalGenerator",
    "HybridGenerator",
    "IndicatorGap",
    "KpiGaps",
    "Lived",
    "Now",
    "Parameter",
    "ParameterSpace",
    "ScenarioFidelity",
    "kpi_gaps",
    "lived_of_store",
    "now_of_store",
    "parameters_of",
    "scenario_fidelity",
]
