"""Tables and texts of massive access for the commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from twin_gym.cli.view import PERCENT, Column, Measure, indicator_table, pairs
from twin_gym.console.printing import number
from twin_gym.environments.massive_access.scenario import AccessScenario, SimultaneousArrivals
from twin_gym.environments.massive_access.theory import access_bound, expected_arrivals
from twin_gym.policies import Evaluation


class AccessView:
    """Devices, preambles, and the peak against what an opportunity can answer (see `View`)."""

    measure = Measure("peak", "new devices at one opportunity over those it can answer")
    columns = (
        Column("return", ""),
        Column("answered %", "access_success_probability", PERCENT, 2),
        Column("mean delay s", "mean_delay_s", most_decimals=3),
        Column("95 % delay s", "p95_delay_s", most_decimals=3),
    )

    def measured(self, scenario: AccessScenario) -> str:
        """The peak over the ceiling."""
        return number(_peak(scenario) / scenario.best_expected_successes, 3)

    def about(self, scenario: AccessScenario) -> str:
        """How many decisions."""
        return f"{scenario.num_opportunities:,} opportunities"

    def tables(self, scenario: AccessScenario) -> Sequence[Table]:
        """Devices and the random access."""
        return _devices(scenario), _access(scenario)

    def known(self, scenario: AccessScenario) -> str:
        """The peak, the ceiling, and the bound on answers."""
        ceiling = scenario.best_expected_successes
        peak = _peak(scenario)
        crowd = "more than" if peak > ceiling else "within"
        bound = access_bound(scenario)
        return (
            f"An opportunity answers at most {ceiling:.2f} devices on average (as many senders as "
            f"preambles); at the peak {number(peak, 3)} new ones come, {crowd} that. No policy has "
            f"more than {number(bound.successes, 6)} devices answered in an episode, nor a return "
            f"above {number(bound.total_return)}, on average."
        )

    def details(self, scenario: AccessScenario, evaluation: Evaluation) -> Sequence[Table]:
        """All indicators."""
        return (indicator_table(evaluation),)

    def bound(self, scenario: AccessScenario, seeds: Sequence[int]) -> str | None:
        """Of the return."""
        most = number(access_bound(scenario).total_return)
        return f"No policy has a return above {most} on average."


def _peak(scenario: AccessScenario) -> float:
    """Most new devices at one opportunity: on average, or all of a burst."""
    if isinstance(scenario.arrivals, SimultaneousArrivals):
        return float(max(scenario.burst_devices, expected_arrivals(scenario).max()))
    return float(expected_arrivals(scenario).max())


def _devices(scenario: AccessScenario) -> Table:
    law = scenario.arrivals
    crowded = expected_arrivals(scenario) > scenario.best_expected_successes
    rows = [
        ("devices, each asks once", f"{scenario.num_devices:,}"),
        ("law of the moments", law.law),
        ("window of the arrivals, s", number(law.window_s)),
    ]
    if isinstance(law, SimultaneousArrivals):
        rows.append(("bursts", str(law.bursts)))
        rows.append(("devices that ask in a burst", f"{scenario.burst_devices:,}"))
    else:
        rows.append(("time with more new devices than can be answered, s",
                     number(float(np.count_nonzero(crowded)) * scenario.slot_s)))  # fmt: skip
    return pairs("Devices", rows)


def _access(scenario: AccessScenario) -> Table:
    levels = scenario.barring_probabilities
    return pairs(
        "Random access",
        [
            ("from one opportunity to the next, s", number(scenario.slot_s)),
            ("preambles", str(scenario.preambles)),
            ("answers of an opportunity at most, on average",
             f"{scenario.best_expected_successes:.2f}"),
            ("tries of a device", str(scenario.max_tries)),
            ("backoff after a collision, s", f"0 to {number(scenario.backoff_s)}"),
            ("barring levels", f"{len(levels)}, from 1 down to {number(levels[-1], 3)}"),
            ("what waiting costs (1: a success at the end is worth nothing)",
             number(scenario.delay_weight)),
        ],
    )  # fmt: skip


VIEW = AccessView()
"""The view of this environment on the command line."""
