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

from twin_gym.core.compiled import Record, Records, compiled, entry_point

QUANTILES = (0.5, 0.95, 0.99, 0.999)
DIRECTIONS = ("uplink", "downlink")
NAMES = (
    "offered", "delivered", "expired", "dropped", "unresolved", "on_time_share", "loss_ratio",
    "latency_mean_s", "latency_p50_s", "latency_p95_s", "latency_p99_s", "latency_p999_s",
    "throughput_bps", "throughput_stability", "grant_utilisation", "transmission_success",
    *(f"{name}/{direction}" for direction in DIRECTIONS
      for name in ("offered", "on_time_share", "latency_mean_s")),
)  # fmt: skip

_FIRST_OF_DIRECTION = 16
_PER_DIRECTION = 3


@entry_point
def fill_table(
    networks: Records,
    heads: Records,
    rows: Records,
    latencies: NDArray[np.int32],
    at: NDArray[np.int64],
    table: NDArray[np.float64],
) -> None:
    """Writes the indicators of some rows.

    Args:
        networks: the scenarios.
        heads: of all rows: which scenario, and slots that are over.
        rows: counters of all rows.
        latencies: delivered messages that took so many slots; shape (rows, slots).
        at: indices of the rows to look at.
        table: written; shape (rows to look at, names).
    """
    for i in range(len(at)):
        head, row, out = heads[at[i]], rows[at[i]], table[i]
        network = networks[head.network]
        slots = np.float64(head.slot)
        delivered = row.delivered[0] + row.delivered[1]
        expired, dropped = row.expired[0] + row.expired[1], row.dropped[0] + row.dropped[1]
        resolved = delivered + expired + dropped
        out[0] = row.offered[0] + row.offered[1]
        out[1] = delivered
        out[2] = expired
        out[3] = dropped
        out[4] = row.queued
        out[5] = _ratio(delivered, resolved)
        out[6] = _ratio(expired + dropped, resolved)
        out[7] = _ratio((row.waited[0] + row.waited[1]) * network.slot_s, delivered)
        for k in range(len(QUANTILES)):
            out[8 + k] = _quantile(latencies[at[i]], delivered, QUANTILES[k]) * network.slot_s
        out[12] = _ratio(delivered * network.message_bits, slots * network.slot_s)
        out[13] = _stability(row)
        out[14] = _ratio(row.attempts, slots * network.num_gateways * network.grants)
        out[15] = _ratio(delivered, row.attempts)
        for k in range(2):
            first = _FIRST_OF_DIRECTION + k * _PER_DIRECTION
            over = row.delivered[k] + row.expired[k] + row.dropped[k]
            out[first] = row.offered[k]
            out[first + 1] = _ratio(row.delivered[k], over)
            out[first + 2] = _ratio(row.waited[k] * network.slot_s, row.delivered[k])


@compiled
def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


@compiled
def _stability(row: Record) -> float:
    if row.windows < 2 or row.window_sum == 0:  # noqa: PLR2004  one window has no variation
        return 0.0
    # Whole numbers until the root: n sum(x^2) - (sum x)^2 is n^2 times the variance.
    spread = row.windows * row.window_squares - row.window_sum * row.window_sum
    stability: float = 1.0 - math.sqrt(np.float64(spread)) / row.window_sum
    return stability


@compiled
def _quantile(latencies: NDArray[np.int32], delivered: int, share: float) -> float:
    """The least latency in slots that a share of the delivered messages did not exceed."""
    if delivered == 0:
        return 0.0
    wanted = share * delivered
    latency, counted = 0, np.int64(0)
    while counted < wanted:
        latency += 1
        counted += latencies[latency]
    return np.float64(latency)


RECORDED = ("on_time_share", "loss_ratio", "grant_utilisation")
"""Indicators that training curves keep."""
