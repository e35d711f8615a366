"""Key performance indicators of massive access, from the counters of a row.

| name | meaning |
|---|---|
| `offered` | devices that have asked |
| `succeeded` | devices that were answered |
| `lost` | devices that gave up after their last try |
| `unresolved` | devices that still try |
| `access_success_probability` | succeeded over offered |
| `mean_delay_s` | from its first opportunity to its success, over those who succeeded |
| `p95_delay_s` | the least delay that 95 % of those who succeeded did not exceed |
| `service_time_s` | when the last success came, from the start of the episode |
| `preamble_use` | share of all preambles that brought a success |
| `mean_collisions` | preambles an opportunity that several devices sent |
| `collision_probability` | share of the preambles sent that collided |
| `mean_tries` | preambles sent over devices offered |
| `mean_barring` | average of the barring probabilities broadcast |

A ratio of nothing to nothing is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import ratios
from twin_gym.core.compiled import Records, entry_point_over
from twin_gym.core.ratios import quantile, ratio

NAMES = (
    "offered", "succeeded", "lost", "unresolved", "access_success_probability", "mean_delay_s",
    "p95_delay_s", "service_time_s", "preamble_use", "mean_collisions", "collision_probability",
    "mean_tries", "mean_barring",
)  # fmt: skip
KPI = np.dtype([(name, "f8") for name in NAMES])

_QUANTILE = 0.95

_COMPILED_IN = (compiling, ratios)


@entry_point_over(*_COMPILED_IN)
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    delays: NDArray[np.int32],
    at: NDArray[np.int64],
    table: Records,
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and opportunities that are over.
        rows: counters of all rows.
        delays: how many succeeded after so many opportunities; shape (rows, opportunities).
        at: indices of the rows to look at.
        table: written; records of `KPI`, one a row to look at.
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        out.offered = row.num_arrived
        out.succeeded = row.succeeded
        out.lost = row.lost
        out.unresolved = row.num_waiting
        out.access_success_probability = ratio(row.succeeded, row.num_arrived)
        out.mean_delay_s = ratio(row.waited * network.slot_s, row.succeeded)
        out.p95_delay_s = quantile(delays[at[i]], row.succeeded, _QUANTILE) * network.slot_s
        out.service_time_s = (row.last_success + 1) * network.slot_s
        out.preamble_use = ratio(row.succeeded, slots * network.preambles)
        out.mean_collisions = ratio(row.collided, slots)
        out.collision_probability = ratio(row.attempts - row.succeeded, row.attempts)
        out.mean_tries = ratio(row.attempts, row.num_arrived)
        out.mean_barring = ratio(row.barred, slots)


RECORDED = ("access_success_probability", "mean_delay_s", "preamble_use")
"""Indicators that training curves keep."""
