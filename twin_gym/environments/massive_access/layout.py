"""How massive access lies in memory: a record a scenario, a row's counters, a record a device.

All times are numbers of opportunities. Of a row's devices, those that have asked and have no answer
stand first (in any order); those that have not asked yet keep their places at the end, in the order
in which they will ask. As everybody who waits has left a place there, the two never meet.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.massive_access.scenario import (
    MAX_PREAMBLES,
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
)

HISTORY = 8
"""Opportunities that the base station remembers."""

ARRIVALS_BETA, ARRIVALS_UNIFORM, ARRIVALS_SIMULTANEOUS = 0, 1, 2

NETWORK = np.dtype(
    [
        ("num_devices", "i8"),
        ("num_opportunities", "i8"),
        ("preambles", "i8"),
        ("max_tries", "i8"),
        ("backoff", "f8"),  # longest backoff in opportunities
        ("law", "i8"),
        ("window", "f8"),  # of the arrivals, in opportunities
        ("burst_devices", "i8"),
        ("bursts", "i8"),
        ("slot_s", "f8"),
        ("best", "f8"),  # most successes an opportunity, on average
        ("delay_price", "f8"),  # what a device that waits costs an opportunity
        ("log_least_barring", "f8"),
    ],
    align=True,
)
"""A scenario: everything that does not change while it runs."""

ROW = np.dtype(
    [
        ("num_waiting", "i8"),  # devices that have asked and have no answer
        ("num_arrived", "i8"),
        ("succeeded", "i8"),
        ("lost", "i8"),
        ("attempts", "i8"),  # preambles sent
        ("used", "i8"),  # preambles that somebody sent
        ("collided", "i8"),  # preambles that several sent
        ("waited", "i8"),  # opportunities that those who succeeded waited
        ("last_success", "i8"),  # its opportunity, -1 if there is none
        ("barring", "f8"),  # in force
        ("barred", "f8"),  # sum of the barring probabilities in force
        ("step_successes", "i8"),
        ("step_lost", "i8"),
        ("success_history", "i8", (HISTORY,)),  # by opportunity modulo HISTORY
        ("collision_history", "i8", (HISTORY,)),
        ("uses", "i8", (MAX_PREAMBLES,)),  # scratch: senders of each preamble; 0 between steps
    ],
    align=True,
)
"""A running network: its counters and what the base station remembers."""

DEVICE = np.dtype(
    [
        ("number", "i4"),
        ("joined", "i4"),  # its first opportunity
        ("ready", "i4"),  # its backoff is over from this opportunity on
        ("tries", "i4"),  # collisions so far
    ],
    align=True,
)
"""A device that has asked, or will."""

SENDER_SHIFT = 6
"""A sender is packed as its place among the devices and its preamble in the lowest six bits."""


def build_networks(scenarios: Sequence[AccessScenario]) -> NDArray[np.void]:
    """The scenarios as records.

    Args:
        scenarios: at least one.

    Returns:
        Records of `NETWORK`; shape (scenarios,).
    """
    networks = np.zeros(len(scenarios), NETWORK)
    for network, one in zip(networks, scenarios, strict=True):
        law = one.arrivals
        network["num_devices"] = one.num_devices
        network["num_opportunities"] = one.num_opportunities
        network["preambles"] = one.preambles
        network["max_tries"] = one.max_tries
        network["backoff"] = one.backoff_s / one.slot_s
        network["window"] = law.window_s / one.slot_s
        network["slot_s"] = one.slot_s
        network["best"] = one.best_expected_successes
        network["delay_price"] = one.delay_weight / (
            one.best_expected_successes * one.num_opportunities
        )
        network["log_least_barring"] = np.log(one.least_barring)
        network["law"] = ARRIVALS_UNIFORM
        network["bursts"] = 1
        if isinstance(law, BetaArrivals):
            network["law"] = ARRIVALS_BETA
        elif isinstance(law, SimultaneousArrivals):
            network["law"] = ARRIVALS_SIMULTANEOUS
            network["burst_devices"] = one.burst_devices
            network["bursts"] = law.bursts
    return networks
