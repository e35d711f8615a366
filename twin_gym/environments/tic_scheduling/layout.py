"""How tiny instant communication lies in memory: tables of scenarios, and the arrays of rows.

All times are numbers of slots. A message is one integer: the slot of its arrival, its sensor and
its direction, in this order of significance, so that the smaller of two messages is the one that
came first, or of the smaller sensor. The last bits name its queue: 2 sensor + direction.
Each gateway has a stretch of the row's messages, in any order, those that wait in front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.compiled import Integer
from twin_gym.environments.tic_scheduling.links import MAX_LINK_BLOCKS, load_links
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import Topology, topology_of

UPLINK, DOWNLINK = 0, 1
NUM_WEIGHTS = 4
MAX_PICK_SENSORS = 64
MAX_PICK_QUEUES = 2 * MAX_PICK_SENSORS

QUEUE_BITS: Integer = np.int64(15)
QUEUE_MASK: Integer = np.int64((1 << 15) - 1)
GONE: Integer = np.int64(-1)
"""Stands for a message that was delivered in this slot."""

NETWORK = np.dtype(
    [
        ("num_sensors", "i8"),
        ("num_gateways", "i8"),
        ("num_slots", "i8"),
        ("frame_slots", "i8"),
        ("grants", "i8"),
        ("buffer", "i8"),
        ("deadline", "i8", (2,)),
        ("most_deadline", "i8"),
        ("answers", "i8"),
        ("ring", "i8"),  # slots for which answers are kept until they are ready
        ("most_answers", "i8"),  # that become ready in a slot
        ("burst_period", "i8"),
        ("burst_jitter", "i8"),
        ("burst_sensors", "i8"),
        ("burst_messages", "i8"),
        ("background", "f8"),  # probability of a message of a sensor in a slot
        ("background_scale", "f8"),  # 1 / log(1 - background)
        ("good", "f8"),
        ("bad", "f8"),
        ("bad_share", "f8"),
        ("block_slots", "i8"),
        ("observable", "i8"),
        ("slot_s", "f8"),
        ("message_bits", "f8"),
        ("loss_target", "f8"),
        ("value", "f8"),  # of a message: 1 / messages of a frame
        ("num_links", "i8"),  # measured links that are replayed; 0: none
        ("num_blocks", "i8"),  # of each of them
        ("links", "f8", (MAX_LINK_BLOCKS,)),  # success, link after link, block after block
    ],
    align=True,
)
"""A scenario: everything that does not change while it runs."""

SENSOR = np.dtype([("density", "f8"), ("gateway", "i8")], align=True)

ROW = np.dtype(
    [
        ("queued", "i8"),
        ("burst", "i8"),  # number of the next burst
        ("burst_slot", "i8"),  # when it begins
        ("background", "i8"),  # next background message, as slot * sensors + sensor
        ("background_count", "i8"),  # background messages drawn
        ("offered", "i8", (2,)),
        ("delivered", "i8", (2,)),
        ("expired", "i8", (2,)),
        ("dropped", "i8", (2,)),
        ("waited", "i8", (2,)),  # slots that delivered messages took
        ("attempts", "i8"),  # grants used
        ("step_delivered", "i8"),
        ("step_expired", "i8"),
        ("step_dropped", "i8"),
        ("step_attempts", "i8"),
        ("window_start", "i8"),  # delivered before this window of throughput
        ("windows", "i8"),  # that are over
        ("window_sum", "i8"),
        ("window_squares", "i8"),
        ("used", "i8"),  # grants of this slot, where sensors are picked one by one
        ("weights", "f8", (NUM_WEIGHTS,)),
        ("failed", "u1", (MAX_PICK_QUEUES,)),  # queues whose channel has failed in this slot
    ],
    align=True,
)
"""A running network: its counters."""

BEST = np.dtype([("index", "f8"), ("message", "i8"), ("place", "i8")], align=True)
"""Scratch of the choice: one of the messages that were best so far."""


@dataclass(frozen=True)
class Tables:
    """Scenarios as arrays.

    Attributes:
        networks: records of `NETWORK`; shape (scenarios,).
        sensors: records of `SENSOR`; shape (scenarios, most sensors).
        firsts: where each gateway's stretch of messages begins, and the end; shape (scenarios,
            most gateways + 1).
        topologies: of the scenarios.
    """

    networks: NDArray[np.void]
    sensors: NDArray[np.void]
    firsts: NDArray[np.int64]
    topologies: tuple[Topology, ...]


def build_tables(scenarios: Sequence[TicScenario]) -> Tables:
    """The scenarios as arrays.

    Args:
        scenarios: at least one.

    Returns:
        The tables, in the order of the scenarios.

    Raises:
        TraceError: if measured links are asked for and cannot be read.
    """
    topologies = tuple(topology_of(one) for one in scenarios)
    most_sensors = max(one.num_sensors for one in scenarios)
    most_gateways = max(one.num_gateways for one in scenarios)
    networks = np.zeros(len(scenarios), NETWORK)
    sensors = np.zeros((len(scenarios), most_sensors), SENSOR)
    firsts = np.zeros((len(scenarios), most_gateways + 1), np.int64)
    for i, (one, topology) in enumerate(zip(scenarios, topologies, strict=True)):
        for name, value in _values(one).items():
            networks[i][name] = value
        if one.channel_trace is not None:
            success = load_links(one.channel_trace)
            networks[i]["num_links"], networks[i]["num_blocks"] = success.shape
            networks[i]["links"][: success.size] = success.ravel()
        sensors[i]["density"][: one.num_sensors] = topology.density
        sensors[i]["gateway"][: one.num_sensors] = topology.gateway_of
        counts = np.bincount(topology.gateway_of, minlength=most_gateways)
        firsts[i, 1:] = np.cumsum(counts) * 2 * one.buffer_messages
    return Tables(networks, sensors, firsts, topologies)


def _values(one: TicScenario) -> dict[str, Any]:
    """The fields of a scenario's record."""
    background = one.background_probability
    is_drawn = 0.0 < background < 1.0
    return {
        "num_sensors": one.num_sensors,
        "num_gateways": one.num_gateways,
        "num_slots": one.num_slots,
        "frame_slots": one.frame_slots,
        "grants": one.grants,
        "buffer": one.buffer_messages,
        "deadline": (one.deadline_slots, one.answer_deadline_slots),
        "most_deadline": one.most_deadline_slots,
        "answers": one.answers,
        "ring": one.processing_slots + 1,
        "most_answers": one.num_gateways * one.grants,
        "burst_period": one.burst_period_slots,
        "burst_jitter": one.burst_jitter_slots,
        "burst_sensors": one.burst_sensors,
        "burst_messages": one.burst_messages,
        "background": background,
        "background_scale": 1.0 / math.log1p(-background) if is_drawn else 0.0,
        "good": one.good_success,
        "bad": one.bad_success,
        "bad_share": one.bad_share,
        "block_slots": one.block_slots,
        "observable": one.channel_observable,
        "slot_s": one.slot_s,
        "message_bits": one.message_bits,
        "loss_target": one.loss_target,
        "value": 1.0 / one.messages_per_frame,
    }


def row_arrays(num_rows: int, scenarios: Sequence[TicScenario]) -> dict[str, NDArray[Any]]:
    """Empty arrays of rows, by name, in the order in which the kernel takes them.

    Args:
        num_rows: rows.
        scenarios: which each of them must have room for.

    Returns:
        `rows`; `messages`; `waiting` (messages of each gateway); `fills` (messages of each queue);
        `answers` (sensors whose answer will be ready, a stretch a slot) and `answer_counts`;
        `latencies` (delivered messages that took so many slots); `best` (scratch).
    """

    def most(values: list[int]) -> int:
        return max(values)

    places = most([2 * one.num_sensors * one.buffer_messages for one in scenarios])
    ready = most([(one.processing_slots + 1) * one.num_gateways * one.grants for one in scenarios])
    return {
        "rows": np.zeros(num_rows, ROW),
        "messages": np.zeros((num_rows, places), np.int64),
        "waiting": np.zeros((num_rows, most([one.num_gateways for one in scenarios])), np.int64),
        "fills": np.zeros((num_rows, most([2 * one.num_sensors for one in scenarios])), np.int16),
        "answers": np.zeros((num_rows, ready), np.int32),
        "answer_counts": np.zeros(
            (num_rows, most([one.processing_slots + 1 for one in scenarios])), np.int64
        ),
        "latencies": np.zeros(
            (num_rows, most([one.most_deadline_slots for one in scenarios]) + 1), np.int32
        ),
        "best": np.zeros((num_rows, most([one.grants for one in scenarios])), BEST),
    }
