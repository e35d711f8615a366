"""How a sliced network lies in memory: one record a scenario, one record a running network (a row).

Both are NumPy record types of fixed size, so that a compiled function can work on a row with no
Python object and no allocation. All times are ticks (nanoseconds), all amounts are multiples of
`AMOUNT_RESOLUTION`. There is one type object for each size, for Numba knows a type that it has met
by its address, and looks closely, for microseconds a call, at one that it has not.

An event is packed into one integer that sorts as the rules say: by time, then departures before
timeouts before arrivals, then by slice.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from twin_gym.environments.slice_admission.scenario import MAX_RESOURCES, MAX_SLICES

DEPARTURE, TIMEOUT, ARRIVAL = 0, 1, 2
KIND_SHIFT = 4
TICK_SHIFT = 6
SLICE_MASK = 15

RUNNING, OVER, OVER_UNTOLD = 0, 1, 2
"""Whether a row's episode is over. Untold: the horizon came before the first decision, and the next
step says so, with nothing left to do."""

CUT, CUT_IN_BEGINNING, CUT_IN_NEXT = 3, 4, 5
"""A row of which a call has left the step unfinished: between decisions, before the first one of an
episode, or before that of the episode that follows one that has ended in the same step."""

IMPOSSIBLE = 2**62
"""Demand of the slices that a record has room for and the scenario has not: never fits."""

SMALL_SLICES, SMALL_RESOURCES = 4, 4
"""Most networks are this small, and their rows then take a third of the memory."""

ARRIVAL_POISSON, ARRIVAL_PROFILE, ARRIVAL_MMPP, ARRIVAL_TRACE = 0, 1, 2, 3
HOLDING_EXPONENTIAL, HOLDING_DETERMINISTIC, HOLDING_LOGNORMAL = 0, 1, 2
HOLDING_PARETO, HOLDING_EMPIRICAL, HOLDING_TRACE = 3, 4, 5
PATIENCE_DETERMINISTIC, PATIENCE_EXPONENTIAL = 0, 1

QUEUE_ENTRY = np.dtype([("arrival", "i8"), ("expiry", "i8"), ("holding", "i8")], align=True)
"""A waiting request: when it came, when it gives up, and how long it would be served."""

NO_SLICE = np.int64(62)
"""Stands for no slice: a bit that is never set in a mask of slices."""

LANES = 4
"""Room is a multiple of this, so that compiled loops can take as many slices at a time."""


def padded_counts(num_slices: int, num_resources: int) -> tuple[int, int]:
    """Slices and resources that the records have room for.

    Args:
        num_slices: most slices of any scenario in the batch.
        num_resources: most resources of any scenario in the batch.

    Returns:
        Room for slices and for resources.
    """
    if num_slices <= SMALL_SLICES and num_resources <= SMALL_RESOURCES:
        return SMALL_SLICES, SMALL_RESOURCES
    return MAX_SLICES, MAX_RESOURCES


@cache
def network_dtype(slices: int, resources: int) -> np.dtype[np.void]:
    """Record of a scenario: everything about a network that does not change while it runs."""
    return np.dtype(
        [
            ("num_slices", "i8"),
            ("num_resources", "i8"),
            ("horizon", "i8"),
            ("patience_law", "i8"),
            ("period", "i8"),
            ("trace_duration", "i8"),
            ("trace_first", "i8"),
            ("capacity", "i8", (resources,)),
            ("demand", "i8", (slices, resources)),
            ("share", "f8", (slices,)),
            ("queue_limit", "i8", (slices,)),
            ("queue_start", "i8", (slices,)),
            ("queue_mask", "i8", (slices,)),
            ("position_start", "i8", (slices,)),
            ("most_in_service", "i8", (slices,)),
            ("arrival_law", "i8", (slices,)),
            ("mean_gap_s", "f8", (slices,)),
            ("arrival_table", "i8", (slices, 2)),
            ("bin_ticks", "i8", (slices,)),
            ("holding_law", "i8", (slices,)),
            ("mean_holding_s", "f8", (slices,)),
            ("holding_shape", "f8", (slices,)),
            ("holding_table", "i8", (slices, 2)),
            ("mean_patience_s", "f8", (slices,)),
            ("revenue", "f8", (slices,)),
            ("lost_penalty", "f8", (slices,)),
            ("agreed_loss_ratio", "f8", (slices,)),
        ],
        align=True,
    )


@cache
def row_dtype(slices: int, resources: int) -> np.dtype[np.void]:
    """Record of a running network: its world, its state, its counters, and its last step."""
    return np.dtype(
        [
            # what every step looks at: its world, its state
            ("world", "u8"),
            ("network", "i8"),
            ("now", "i8"),
            ("is_over", "i8"),
            ("num_in_service", "i8"),
            ("pending", "i8"),  # slice of an arrival that has no place to wait, or NO_SLICE
            ("fitting", "i8"),  # bit s: a request of slice s would fit
            ("waiting", "i8"),  # bit s: a request of slice s waits
            ("carried_share", "f8"),  # mean over resources of the share in use
            ("free", "i8", (resources,)),
            ("in_service", "i8", (slices,)),
            ("queue_head", "i8", (slices,)),
            ("queue_length", "i8", (slices,)),
            ("oldest", "i8", (slices,)),  # arrival of the oldest waiting request, if one waits
            ("oldest_holding", "i8", (slices,)),  # its holding time
            ("next_arrival", "i8", (slices,)),  # packed event
            ("next_timeout", "i8", (slices,)),  # packed event
            ("following_arrival", "i8", (slices,)),  # tick of the arrival after the next
            # counters since the start of the episode
            ("disallowed", "i8"),
            ("offered", "i8", (slices,)),
            ("admitted", "i8", (slices,)),
            ("blocked", "i8", (slices,)),
            ("expired", "i8", (slices,)),
            ("declined", "i8", (slices,)),
            ("waited", "i8", (slices,)),  # ticks that the admitted ones waited
            ("busy", "i8", (slices,)),  # ticks of service within the horizon
            # since the last decision
            ("elapsed", "i8"),
            ("revenue", "f8"),
            ("penalty", "f8"),
            ("carried", "f8"),  # share x seconds
            ("fairness", "f8"),
            ("cost", "f8"),
            # what few steps look at
            ("seed", "u8"),
            ("episode", "i8"),
            ("trace_offset", "i8"),
            ("phase", "i8", (slices,)),
            ("phase_end", "i8", (slices,)),
            ("phase_count", "i8", (slices,)),
        ],
        align=True,
    )
