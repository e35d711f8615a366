"""Key performance indicators of tiny instant communication, from the counters of a row.

| name | meaning |
|---|---|
| `offered` | messages that have arrived, up and down |
| `delivered` | messages delivered; all of them in time, for late ones expire |
| `expired` | messages whose deadline passed while they waited |
| `dropped` | messages that found their buffer full |
| `unresolved` | messages that still wait |
| `on_time_share` | delivered over delivered, expired and dropped |
| `loss_ratio` | expired and dropped over the same |
| `latency_mean_s` | from the beginning of the slot of arrival to the end of that of delivery |
| `latency_p50_s`, `_p95_s`, `_p99_s`, `_p999_s` | latency that such a share did not exceed |
| `throughput_bps` | bits delivered a second |
| `throughput_stability` | 1 - coefficient of variation of the throughput of burst periods |
| `grant_utilisation` | grants used over grants |
| `transmission_success` | messages delivered over grants used |
| `on_time_share/uplink`, `/downlink` | of one direction; also `offered` and `latency_mean_s` |

A ratio of nothing to nothing is 0. The stability needs two whole periods, and is 0 before.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from twin_gym.core import compiled as compiling
from twin_gym.core import ratios
from twin_gym.core.compiled import Record, Records, compiled, entry_point_over
from twin_gym.core.ratios import quantile, ratio

DIRECTIONS = ("uplink", "downlink")
NAMES = (
    "offered", "delivered", "expired", "dropped", "unresolved", "on_time_share", "loss_ratio",
    "latency_mean_s", "latency_p50_s", "latency_p95_s", "latency_p99_s", "latency_p999_s",
    "throughput_bps", "throughput_stability", "grant_utilisation", "transmission_success",
    *(f"{name}/{direction}" for direction in DIRECTIONS
      for name in ("offered", "on_time_share", "latency_mean_s")),
)  # fmt: skip
KPI = np.dtype([(name.replace("/", "_"), "f8") for name in NAMES])

_COMPILED_IN = (compiling, ratios)


@entry_point_over(*_COMPILED_IN)
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    latencies: NDArray[np.int32],
    at: NDArray[np.int64],
    table: Records,
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and slots that are over.
        rows: counters of all rows.
        latencies: delivered messages that took so many slots; shape (rows, slots).
        at: indices of the rows to look at.
        table: written; records of `KPI`, one a row to look at.
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        delivered = row.delivered[0] + row.delivered[1]
        expired, dropped = row.expired[0] + row.expired[1], row.dropped[0] + row.dropped[1]
        resolved = delivered + expired + dropped
        out.offered = row.offered[0] + row.offered[1]
        out.delivered = delivered
        out.expired = expired
        out.dropped = dropped
        out.unresolved = row.queued
        out.on_time_share = ratio(delivered, resolved)
        out.loss_ratio = ratio(expired + dropped, resolved)
        out.latency_mean_s = ratio((row.waited[0] + row.waited[1]) * network.slot_s, delivered)
        counts = latencies[at[i]]
        out.latency_p50_s = quantile(counts, delivered, 0.5) * network.slot_s
        out.latency_p95_s = quantile(counts, delivered, 0.95) * network.slot_s
        out.latency_p99_s = quantile(counts, delivered, 0.99) * network.slot_s
        out.latency_p999_s = quantile(counts, delivered, 0.999) * network.slot_s
        out.throughput_bps = ratio(delivered * network.message_bits, slots * network.slot_s)
        out.throughput_stability = _stability(row)
        out.grant_utilisation = ratio(row.attempts, slots * network.num_gateways * network.grants)
        out.transmission_success = ratio(delivered, row.attempts)
        up, down = _on_time_share(row, 0), _on_time_share(row, 1)
        out.offered_uplink, out.offered_downlink = row.offered[0], row.offered[1]
        out.on_time_share_uplink, out.on_time_share_downlink = up, down
        out.latency_mean_s_uplink = ratio(row.waited[0] * network.slot_s, row.delivered[0])
        out.latency_mean_s_downlink = ratio(row.waited[1] * network.slot_s, row.delivered[1])


@compiled
def _on_time_share(row: Record, k: int) -> float:
    return ratio(row.delivered[k], row.delivered[k] + row.expired[k] + row.dropped[k])


@compiled
def _stability(row: Record) -> float:
    if row.windows < 2 or row.window_sum == 0:  # noqa: PLR2004  one window has no variation
        return 0.0
    # Whole numbers until the root: n sum(x^2) - (sum x)^2 is n^2 times the variance.
    spread = row.windows * row.window_squares - row.window_sum * row.window_sum
    stability: float = 1.0 - math.sqrt(np.float64(spread)) / row.window_sum
    return stability


RECORDED = ("on_time_share", "loss_ratio", "grant_utilisation")
"""Indicators that training curves keep."""
