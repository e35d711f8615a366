"""Key performance indicators of a network's episode, from the counters of its row.

Flat names; per slice `name/slice`, per resource `utilisation/resource`; without a slice, over all
slices. Blocked requests did not fit and had no place to wait, or found their queue full; declined
ones fitted, had no place to wait, and were not admitted; expired ones lost patience. All three are
lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.sim.admission.tables import NetworkTables
from twin_gym.sim.clock import SECONDS_PER_TICK

Kpis = dict[str, NDArray[np.float64]]

COUNTERS = ("offered", "admitted", "blocked", "expired", "declined")


def kpis(rows: NDArray[np.void], tables: NetworkTables) -> Kpis:
    """The indicators of each row, exact at the end of its episode.

    Args:
        rows: running or finished networks; shape (rows,).
        tables: the scenarios that they run.

    Returns:
        By flat name, an array of shape (rows,). Counts are numbers of requests, `mean_wait_s`
        is over admitted requests, `revenue_rate` is money a second after penalties,
        `utilisation` is time-averaged share in use (over all resources without a name), and
        `fairness` is Jain's index of the slices' acceptance ratios. A ratio of nothing to nothing
        is 0, except that `fairness` is then 1.
    """
    scenario = tables.scenarios[0]
    networks = tables.networks[rows["network"]]
    count = len(scenario.slices)
    by_slice = {name: rows[name][:, :count].astype(np.float64) for name in COUNTERS}
    lost = by_slice["blocked"] + by_slice["expired"] + by_slice["declined"]
    wait_s = rows["waited"][:, :count] * SECONDS_PER_TICK
    found: Kpis = {}
    for name in COUNTERS:
        _add(found, name, scenario.slice_names, by_slice[name])
    ratios = {
        "mean_wait_s": (wait_s, by_slice["admitted"]),
        "loss_ratio": (lost, by_slice["offered"]),
        "blocking_probability": (by_slice["blocked"], by_slice["offered"]),
    }
    for name, (part, whole) in ratios.items():
        found[name] = _ratio(part.sum(axis=1), whole.sum(axis=1))
        for s, slice_name in enumerate(scenario.slice_names):
            found[f"{name}/{slice_name}"] = _ratio(part[:, s], whole[:, s])
    elapsed_s = rows["now"] * SECONDS_PER_TICK
    earned = by_slice["admitted"] * networks["revenue"][:, :count]
    earned = earned - lost * networks["lost_penalty"][:, :count]
    found["revenue_rate"] = _ratio(earned.sum(axis=1), elapsed_s)
    _add_utilisation(found, rows, networks, scenario.resource_names)
    found["fairness"] = _jain(_ratio(by_slice["admitted"], by_slice["offered"]))
    return found


def _add(found: Kpis, name: str, labels: tuple[str, ...], values: NDArray[np.float64]) -> None:
    found[name] = values.sum(axis=1)
    for column, label in enumerate(labels):
        found[f"{name}/{label}"] = values[:, column].copy()


def _add_utilisation(
    found: Kpis, rows: NDArray[np.void], networks: NDArray[np.void], resources: tuple[str, ...]
) -> None:
    slices = int(networks["num_slices"][0]) if len(networks) else 0
    busy = rows["busy"][:, :slices].astype(np.float64)
    shares = []
    for k, resource in enumerate(resources):
        work = (busy * networks["demand"][:, :slices, k]).sum(axis=1)
        shares.append(_ratio(work, networks["capacity"][:, k] * rows["now"].astype(np.float64)))
        found[f"utilisation/{resource}"] = shares[-1]
    found["utilisation"] = np.mean(shares, axis=0)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)


def _jain(ratios: NDArray[np.float64]) -> NDArray[np.float64]:
    """Jain, Chiu, Hawe (DEC TR-301, 1984): (sum x)^2 / (n sum x^2)."""
    squares = ratios.shape[1] * (ratios**2).sum(axis=1)
    index = np.ones(len(ratios))
    return np.divide(ratios.sum(axis=1) ** 2, squares, out=index, where=squares > 0)
