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

from twin_gym.core import compiled as compiling
from twin_gym.core import ratios
from twin_gym.core.compiled import Records, entry_point_over
from twin_gym.core.ratios import ratio

NAMES = (
    "scenario_accuracy", "final_accuracy", "known_share", "mean_error", "beyond_share",
    "mean_age_s", "peak_age_s", "updates", "delivered", "alignment_ratio", "energy_j",
)  # fmt: skip
KPI = np.dtype([(name, "f8") for name in NAMES])

_COMPILED_IN = (compiling, ratios)


@entry_point_over(*_COMPILED_IN)
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    at: NDArray[np.int64],
    table: Records,
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and slots that are over.
        rows: counters of all rows.
        at: indices of the rows to look at.
        table: written; records of `KPI`, one a row to look at.
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        count = np.float64(network.num_entities)
        out.scenario_accuracy = ratio(row.accurate, row.inspections * count)
        out.final_accuracy = row.last_accurate / count
        out.known_share = row.known / count
        out.mean_error = ratio(row.error_sum, slots)
        out.beyond_share = ratio(row.beyond_sum, slots * count)
        mean_age = ratio(row.age_sum, slots * count) - 0.5
        out.mean_age_s = mean_age * network.slot_s if slots else 0.0
        out.peak_age_s = ratio(row.peak_sum, row.peaks) * network.slot_s
        out.updates = row.updates
        out.delivered = row.delivered
        out.alignment_ratio = ratio(row.delivered, slots * network.planned_rate)
        out.energy_j = row.updates * network.energy_j


RECORDED = ("scenario_accuracy", "mean_age_s", "updates")
"""Indicators that training curves keep."""
