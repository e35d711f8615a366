"""The requirements of the formulas on a scenario, and the errors where they are not met."""

from __future__ import annotations

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario import Exponential, Poisson


def require_no_trace(scenario: AdmissionScenario, computation: str) -> None:
    """Refuses a scenario that replays a trace.

    Args:
        scenario: the scenario.
        computation: what was asked for, such as "the product form".

    Raises:
        ConfigError: if there is a trace.
    """
    if scenario.trace is not None:
        raise ConfigError(
            f"{computation} needs laws of arrival and holding, and the scenario "
            f"{scenario.name!r} replays the trace {scenario.trace.path!r}: set the rates and means "
            "to those of the trace and take `scenario.replace(trace=None)`"
        )


def require_poisson(scenario: AdmissionScenario, computation: str) -> None:
    """Refuses a scenario with arrivals that are not Poisson.

    Args:
        scenario: the scenario.
        computation: what was asked for.

    Raises:
        ConfigError: if a slice has another law; the message names it.
    """
    for one in scenario.slices:
        if not isinstance(one.arrival, Poisson):
            raise ConfigError(
                f"{computation} needs Poisson arrivals, and slice {one.name!r} has the law "
                f"{one.arrival.law!r}: set its `arrival` to Poisson()"
            )


def require_no_queue(scenario: AdmissionScenario, computation: str) -> None:
    """Refuses a scenario in which requests wait.

    Args:
        scenario: the scenario.
        computation: what was asked for.

    Raises:
        ConfigError: if a slice has a queue; the message names it.
    """
    for one in scenario.slices:
        if one.queue_limit > 0:
            raise ConfigError(
                f"{computation} is that of a loss system, and slice {one.name!r} lets up to "
                f"{one.queue_limit} requests wait: set its `queue_limit` to 0"
            )


def require_memoryless(scenario: AdmissionScenario, computation: str) -> None:
    """Refuses a scenario whose numbers in service and waiting are not a Markov chain.

    Args:
        scenario: the scenario.
        computation: what was asked for.

    Raises:
        ConfigError: if a law has a memory; the message says whose, and what to change.
    """
    require_no_trace(scenario, computation)
    require_poisson(scenario, computation)
    for one in scenario.slices:
        if not isinstance(one.holding, Exponential):
            raise ConfigError(
                f"{computation} needs exponential holding times, and slice {one.name!r} has the "
                f"law {one.holding.law!r}: set its `holding` to Exponential()"
            )
        if one.queue_limit > 0 and scenario.patience_law != "exponential":
            raise ConfigError(
                f"{computation} needs exponential patience where requests wait, and slice "
                f"{one.name!r} has a queue under the patience law {scenario.patience_law!r}: set "
                "the scenario's `patience_law` to 'exponential' or the slice's `queue_limit` to 0"
            )
