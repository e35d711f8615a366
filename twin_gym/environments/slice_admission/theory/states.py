"""Which requests fit together: the network in whole units, and all its occupancies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import TooLargeError, too_large
from twin_gym.scenario.base import AMOUNT_RESOLUTION

Ints = NDArray[np.int64]

MAX_COUNTED = 2_000_000
"""Rows held at once while states are only counted."""


@dataclass(frozen=True, eq=False)
class WholeUnits:
    """Capacity and demand as whole numbers, each resource in the largest unit that divides demand.

    Resources that no slice needs are left out, and what no combination of demands can use of a
    capacity is cut off.

    Attributes:
        capacity: units of each resource; shape (resources,).
        demand: units that a request of each slice needs; shape (slices, resources).
    """

    capacity: Ints
    demand: Ints

    @property
    def num_lattice_points(self) -> int:
        """Number of combinations of used units, feasible or not."""
        points = 1
        for units in self.capacity.tolist():
            points *= units + 1
        return points


def whole_units(scenario: AdmissionScenario) -> WholeUnits:
    """The resources of a scenario in whole units.

    Args:
        scenario: the scenario.

    Returns:
        Its capacity and demands.
    """
    capacity, demand = [], []
    for resource, amount in scenario.capacity.items():
        needed = [_steps(one.demand.get(resource, 0.0)) for one in scenario.slices]
        unit = int(np.gcd.reduce(np.array(needed, dtype=np.int64)))
        if unit > 0:
            capacity.append(_steps(amount) // unit)
            demand.append([steps // unit for steps in needed])
    return WholeUnits(
        capacity=np.array(capacity, dtype=np.int64),
        demand=np.array(demand, dtype=np.int64).T.copy(),
    )


def _steps(amount: float) -> int:
    return round(amount / AMOUNT_RESOLUTION)


def room_for(units: WholeUnits, used: Ints, slice_index: int) -> Ints:
    """How many more requests of a slice fit.

    Args:
        units: the network.
        used: used units; shape (rows, resources).
        slice_index: the slice.

    Returns:
        A count a row; shape (rows,).
    """
    needed = units.demand[slice_index]
    (needs,) = np.nonzero(needed)
    room: Ints = ((units.capacity[needs] - used[:, needs]) // needed[needs]).min(axis=1)
    return room


def all_occupancies(units: WholeUnits, *, max_states: int, computation: str, each: int = 1) -> Ints:
    """Every vector of requests in service that fits, in lexicographic order.

    Args:
        units: the network.
        max_states: how many states are allowed.
        computation: what they are for, as the error calls it.
        each: states that the computation needs for each vector.

    Returns:
        Requests in service by slice; shape (vectors, slices).

    Raises:
        TooLargeError: if there are too many, with the count.
    """
    num_slices, num_resources = units.demand.shape
    vectors = np.zeros((1, num_slices), np.int64)
    used = np.zeros((1, num_resources), np.int64)
    for s in range(num_slices):
        room = room_for(units, used, s)
        # In floating point: the sum of whole numbers could overflow.
        if float(np.sum(room + 1.0)) * each > max_states:
            _refuse(units, max_states, computation, each)
        rows, more = _unfold(room)
        vectors, used = vectors[rows], used[rows]
        vectors[:, s] = more
        used += more[:, None] * units.demand[s]
    return vectors


def count_occupancies(units: WholeUnits) -> tuple[int, bool]:
    """How many vectors of requests in service fit.

    Vectors that use the same units are counted together.

    Args:
        units: the network.

    Returns:
        The count, and whether it is exact; where it is not, it is a lower bound.
    """
    used = np.zeros((1, units.capacity.size), np.int64)
    times: NDArray[np.float64] = np.ones(1)
    last = len(units.demand) - 1
    for s in range(last):
        room = room_for(units, used, s)
        if float(np.sum(room + 1.0)) > MAX_COUNTED:
            return int(np.sum(times * (room + 1.0))), False
        rows, more = _unfold(room)
        every = used[rows] + more[:, None] * units.demand[s]
        used, merged = np.unique(every, axis=0, return_inverse=True)
        times = np.bincount(merged, weights=times[rows]).astype(np.float64)
    return int(np.sum(times * (room_for(units, used, last) + 1.0))), True


def _unfold(room: Ints) -> tuple[Ints, Ints]:
    """For each row, one row a number of requests from 0 to its room: whose row, which number."""
    rows = np.repeat(np.arange(room.size), room + 1)
    first = np.cumsum(room + 1) - (room + 1)
    return rows, np.arange(rows.size) - first[rows]


def _refuse(units: WholeUnits, max_states: int, computation: str, each: int) -> None:
    count, is_exact = count_occupancies(units)
    if is_exact:
        raise too_large(computation, count * each, max_states)
    raise TooLargeError(
        f"{computation} needs more than {count * each:,} states and at most {max_states:,} are "
        "allowed; take a scenario with less capacity, shorter queues or fewer slices"
    )
