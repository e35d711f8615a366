"""Key performance indicators of right-time synchronisation, from the counters of a row.

| name | meaning |
|---|---|
| `scenario_accuracy` | share of entities that the twin has within the tolerance, over inspections |
| `final_accuracy` | the same at the last inspection |
| `known_share` | entities of which the twin has a value |
| `mean_error` | weighted mean squared error in squared ranges, over slots (expected or realised) |
| `beyond_share` | entities whose error is beyond the tolerance, over slots |
| `mean_age_s` | mean age of what the twin holds, over time and entities |
| `peak_age_s` | mean age that an update put an end to |
| `updates` | sent |
| `delivered` | arrived |
| `alignment_ratio` | updates that arrived over planned ones (Cakir et al.: f_a / f_p) |
| `energy_j` | spent on updates sent |

Within a slot an age grows in a straight line, so that its mean over the slot is half a slot less
than at its end. A ratio of nothing to nothing is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Records, compiled, entry_point

NAMES = (
    "scenario_accuracy", "final_accuracy", "known_share", "mean_error", "beyond_share",
    "mean_age_s", "peak_age_s", "updates", "delivered", "alignment_ratio", "energy_j",
)  # fmt: skip


@entry_point
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    at: NDArray[np.int64],
    table: NDArray[np.float64],
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and slots that are over.
        rows: counters of all rows.
        at: indices of the rows to look at.
        table: written; shape (rows to look at, names).
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        count = np.float64(network.num_entities)
        out[0] = _ratio(row.accurate, row.inspections * count)
        out[1] = row.last_accurate / count
        out[2] = row.known / count
        out[3] = _ratio(row.error_sum, slots)
        out[4] = _ratio(row.beyond_sum, slots * count)
        out[5] = (_ratio(row.age_sum, slots * count) - 0.5) * network.slot_s if slots else 0.0
        out[6] = _ratio(row.peak_sum, row.peaks) * network.slot_s
        out[7] = row.updates
        out[8] = row.delivered
        out[9] = _ratio(row.delivered, slots * network.planned_rate)
        out[10] = row.updates * network.energy_j


@compiled
def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


RECORDED = ("scenario_accuracy", "mean_age_s", "updates")
"""Indicators that training curves keep."""
