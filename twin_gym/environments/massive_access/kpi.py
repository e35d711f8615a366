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

from twin_gym.core.compiled import Record, Records, compiled, entry_point

NAMES = (
    "offered", "succeeded", "lost", "unresolved", "access_success_probability", "mean_delay_s",
    "p95_delay_s", "service_time_s", "preamble_use", "mean_collisions", "collision_probability",
    "mean_tries", "mean_barring",
)  # fmt: skip

_QUANTILE = 0.95


@entry_point
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    delays: NDArray[np.int32],
    at: NDArray[np.int64],
    table: NDArray[np.float64],
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and opportunities that are over.
        rows: counters of all rows.
        delays: how many succeeded after so many opportunities; shape (rows, opportunities).
        at: indices of the rows to look at.
        table: written; shape (rows to look at, names).
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        out[0] = row.num_arrived
        out[1] = row.succeeded
        out[2] = row.lost
        out[3] = row.num_waiting
        out[4] = _ratio(row.succeeded, row.num_arrived)
        out[5] = _ratio(row.waited * network.slot_s, row.succeeded)
        out[6] = _delay_quantile(row, delays[at[i]]) * network.slot_s
        out[7] = (row.last_success + 1) * network.slot_s
        out[8] = _ratio(row.succeeded, slots * network.preambles)
        out[9] = _ratio(row.collided, slots)
        out[10] = _ratio(row.attempts - row.succeeded, row.attempts)
        out[11] = _ratio(row.attempts, row.num_arrived)
        out[12] = _ratio(row.barred, slots)


@compiled
def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


@compiled
def _delay_quantile(row: Record, delays: NDArray[np.int32]) -> float:
    """The least delay in opportunities that a share of those who succeeded did not exceed."""
    if row.succeeded == 0:
        return 0.0
    wanted = _QUANTILE * row.succeeded
    delay, counted = 0, np.int64(delays[0])
    while counted < wanted:
        delay += 1
        counted += delays[delay]
    return np.float64(delay)


RECORDED = ("access_success_probability", "mean_delay_s", "preamble_use")
"""Indicators that training curves keep."""
