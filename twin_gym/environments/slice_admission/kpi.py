"""Key performance indicators of a network's episode, from the counters of its row.

Flat names; per slice `name/slice`, per resource `utilisation/resource`; without a slice, over all
slices. Counts are numbers of requests, `mean_wait_s` is over admitted requests, `revenue_rate` is
money a second after penalties, `utilisation` is the time-averaged share in use (over all resources
without a name), and `fairness` is Jain's index of the slices' acceptance ratios. A ratio of nothing
to nothing is 0, except that `fairness` is then 1.

Blocked requests did not fit and had no place to wait, or found their queue full; declined ones
fitted, had no place to wait, and were not admitted; expired ones lost patience. All three are lost.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import clock, ratios
from twin_gym.core import compiled as compiling
from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.core.compiled import Record, Records, compiled, entry_point_over
from twin_gym.core.ratios import ratio
from twin_gym.environments.slice_admission.tables import NetworkTables

COUNTERS = ("offered", "admitted", "blocked", "expired", "declined")
_RATIOS = ("mean_wait_s", "loss_ratio", "blocking_probability")

_COMPILED_IN = (compiling, clock, ratios)

# Groups of columns: the sum or mean over slices, then one column a slice.
_OFFERED, _ADMITTED, _BLOCKED, _EXPIRED, _DECLINED, _MEAN_WAIT, _LOSS, _BLOCKING = range(8)


def kpi_names(tables: NetworkTables) -> tuple[str, ...]:
    """The flat names of the indicators, in the order of `kpi_table`."""
    scenario = tables.scenarios[0]
    return _names(scenario.slice_names, scenario.resource_names)


@lru_cache(maxsize=64)
def _names(slices: tuple[str, ...], resources: tuple[str, ...]) -> tuple[str, ...]:
    names: list[str] = []
    for name in (*COUNTERS, *_RATIOS):
        names += [name, *(f"{name}/{one}" for one in slices)]
    names += ["revenue_rate", "utilisation", *(f"utilisation/{one}" for one in resources)]
    return (*names, "fairness")


def kpi_table(
    rows: NDArray[np.void], tables: NetworkTables, at: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The indicators as one array, exact at the end of an episode.

    Args:
        rows: running or finished networks.
        tables: the scenarios that they run.
        at: indices of the rows to look at.

    Returns:
        Shape (rows to look at, indicators).
    """
    scenario = tables.scenarios[0]
    slices, resources = len(scenario.slices), len(scenario.resource_names)
    table = np.zeros((len(at), len(kpi_names(tables))))
    fill_table(tables.networks, rows, at, slices, resources, table)
    return table


@entry_point_over(*_COMPILED_IN)
def fill_table(
    networks: Records,
    rows: Records,
    at_rows: NDArray[np.int64],
    slices: int,
    resources: int,
    table: NDArray[np.float64],
) -> None:
    """Writes the indicators of `kpi_table`."""
    width = slices + 1
    for i in range(len(at_rows)):
        row, out = rows[at_rows[i]], table[i]
        network = networks[row.network]
        wait_s, earned = 0.0, 0.0
        for s in range(slices):
            lost = row.blocked[s] + row.expired[s] + row.declined[s]
            earned += row.admitted[s] * network.revenue[s] - lost * network.lost_penalty[s]
            wait_s += row.waited[s] * SECONDS_PER_TICK
        _count(out, _OFFERED * width, row.offered, slices)
        _count(out, _ADMITTED * width, row.admitted, slices)
        _count(out, _BLOCKED * width, row.blocked, slices)
        _count(out, _EXPIRED * width, row.expired, slices)
        _count(out, _DECLINED * width, row.declined, slices)
        for group in range(width):
            offered, admitted = out[_OFFERED * width + group], out[_ADMITTED * width + group]
            blocked = out[_BLOCKED * width + group]
            lost = blocked + out[_EXPIRED * width + group] + out[_DECLINED * width + group]
            if group > 0:
                wait_s = row.waited[group - 1] * SECONDS_PER_TICK
            out[_MEAN_WAIT * width + group] = ratio(wait_s, admitted)
            out[_LOSS * width + group] = ratio(lost, offered)
            out[_BLOCKING * width + group] = ratio(blocked, offered)
        at = (_BLOCKING + 1) * width
        out[at] = ratio(earned, row.now * SECONDS_PER_TICK)
        for k in range(resources):
            work = 0.0
            for s in range(slices):
                work += np.float64(row.busy[s]) * network.demand[s, k]
            out[at + 2 + k] = ratio(work, np.float64(network.capacity[k]) * row.now)
            out[at + 1] += out[at + 2 + k] / resources
        out[at + 2 + resources] = _jain(row, slices)


@compiled
def _count(out: NDArray[np.float64], at: int, counts: NDArray[np.int64], slices: int) -> None:
    for s in range(slices):
        out[at] += counts[s]
        out[at + 1 + s] = counts[s]


@compiled
def _jain(row: Record, slices: int) -> float:
    """Jain, Chiu, Hawe (DEC TR-301, 1984): (sum x)^2 / (n sum x^2)."""
    total, squares = 0.0, 0.0
    for s in range(slices):
        accepted = ratio(np.float64(row.admitted[s]), np.float64(row.offered[s]))
        total += accepted
        squares += accepted * accepted
    return total * total / (slices * squares) if squares > 0 else 1.0


RECORDED = ("revenue_rate", "utilisation", "fairness", "loss_ratio")
"""Indicators that training curves keep."""

SCORE = "revenue_rate"
"""The indicator that agents are judged by."""
