"""What a network is: frozen, validated values, by name, from a file or built in code."""

from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
    UniformArrivals,
)
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.series import Series, SeriesFile, load_series
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.tic_scheduling.scenario import Placement, TicScenario
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
    "AccessScenario",
    "AdmissionScenario",
    "BetaArrivals",
    "Daily",
    "Deterministic",
    "Empirical",
    "EntityGroup",
    "Exponential",
    "Lognormal",
    "MeanReverting",
    "Pareto",
    "Placement",
    "Poisson",
    "Replay",
    "RequestTrace",
    "Scenario",
    "Schedule",
    "Series",
    "SeriesFile",
    "SimultaneousArrivals",
    "Slice",
    "SyncScenario",
    "TicScenario",
    "Trace",
    "TwoState",
    "UniformArrivals",
    "Walk",
    "load",
    "load_series",
    "load_trace",
    "names",
    "parse",
    "read_requests",
    "to_toml",
]
