"""Key performance indicators of truck routing, from the counters of a row.

| name | meaning |
|---|---|
| `distance_km` | driven by all trucks, the ways that are under way included |
| `overflow_l` | litres that found no room in their bins |
| `deposited_l` | litres thrown in |
| `collected_l` | litres emptied into trucks |
| `service_level` | share of what was thrown in that found room; 1 at first |
| `stops` | at bins, those that are under way included |
| `wasted_stops` | stops at bins that were less than half full |
| `fill_at_stop` | mean share of the capacity that stops found |
| `unloads` | times that a truck unloaded at the depot |
| `duration_s` | of all trucks, out of the depot or unloading |
| `twin_error` | mean difference of predicted and true fill, of one bin a decision in turn |
| `age_s` | mean age of the last known fill, likewise |
| `co2_kg` | emitted by driving |
| `cost_total` | of driving, stops and overflow |

A ratio of nothing to nothing is 0, but for `service_level`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import ratios
from twin_gym.core.compiled import Records, entry_point_over
from twin_gym.core.ratios import ratio
from twin_gym.environments.truck_routing import layout

NAMES = (
    "distance_km", "overflow_l", "deposited_l", "collected_l", "service_level", "stops",
    "wasted_stops", "fill_at_stop", "unloads", "duration_s", "twin_error", "age_s", "co2_kg",
    "cost_total",
)  # fmt: skip
KPI = np.dtype([(name, "f8") for name in NAMES])

_COMPILED_IN = (compiling, ratios, layout)


@entry_point_over(*_COMPILED_IN)
def fill_table(
    networks: Records, heads: Records, rows: Records, at: NDArray[np.int64], table: Records
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario.
        rows: counters of all rows.
        at: indices of the rows to look at.
        table: written; records of `KPI`, one a row to look at.
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        out.distance_km = row.distance_m / layout.M_PER_KM
        out.overflow_l = row.overflow_l
        out.deposited_l = row.deposited_l
        out.collected_l = row.collected_l
        out.service_level = 1.0 - ratio(row.overflow_l, row.deposited_l)
        out.stops = row.stops
        out.wasted_stops = row.wasted
        out.fill_at_stop = ratio(row.fill_sum, np.float64(row.served))
        out.unloads = row.unloads
        out.duration_s = row.duty / layout.MS_PER_S
        out.twin_error = ratio(row.error_sum, np.float64(row.looks))
        out.age_s = ratio(row.age_sum, np.float64(row.looks)) / layout.MS_PER_S
        out.co2_kg = network.co2_kg_per_km * out.distance_km
        out.cost_total = (
            network.cost_per_km * out.distance_km
            + network.cost_per_stop * row.stops
            + network.penalty_per_l * row.overflow_l
        )


RECORDED = ("service_level", "distance_km", "overflow_l")
"""Indicators that training curves keep."""
