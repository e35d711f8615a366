"""Tables and texts of tiny instant communication for the commands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table

from twin_gym.cli.view import MILLISECONDS, PERCENT, Column, Measure, indicator_table, pairs, spread
from twin_gym.console.printing import number
from twin_gym.environments.tic_scheduling.bound import most_deliveries
from twin_gym.environments.tic_scheduling.links import load_links
from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.environments.tic_scheduling.topology import topology_of
from twin_gym.errors import TraceError
from twin_gym.policies import Evaluation, world_seeds

_MATCHED_MESSAGES = 4_000
_LEAST_BURSTS = 2


class TicView:
    """Sensors, gateways, deadlines, and the matching's bound (see `View`)."""

    measure = Measure("load", "messages and answers over what grants get through, on average")
    columns = (
        Column("return", ""),
        Column("on time %", "on_time_share", PERCENT, 2),
        Column("99.9 % ms", "latency_p999_s", MILLISECONDS, 3),
        Column("stability %", "throughput_stability", PERCENT, 2),
    )

    def measured(self, scenario: TicScenario) -> str:
        """The load on average: the bursts are what makes it hard."""
        return number(_load(scenario), 3)

    def about(self, scenario: TicScenario) -> str:
        """The slots, frames and horizon."""
        slot_ms = MILLISECONDS * scenario.slot_s
        return (
            f"{scenario.num_slots:,} slots of {number(slot_ms)} ms, {scenario.frame_slots} a frame"
        )

    def tables(self, scenario: TicScenario) -> Sequence[Table]:
        """The network, the traffic, the channel."""
        return _network(scenario), _traffic(scenario), _channel(scenario)

    def known(self, scenario: TicScenario) -> str:
        """Stability, and the matching's bound in a short first world."""
        load = _load(scenario)
        state = (
            "below 1: queues are stable between bursts"
            if load < 1.0
            else "not below 1: queues grow until buffers and deadlines end it"
        )
        return f"The load is {number(load, 3)}, {state}. {_matched(scenario)}"

    def details(self, scenario: TicScenario, evaluation: Evaluation) -> Sequence[Table]:
        """All indicators."""
        return (indicator_table(evaluation),)

    def bound(self, scenario: TicScenario, seeds: Sequence[int]) -> str | None:
        """The matching's, where it does not take long."""
        messages = scenario.messages_per_frame / scenario.frame_slots * scenario.num_slots
        if messages * len(seeds) > 10 * _MATCHED_MESSAGES:
            return None
        most = float(np.mean([most_deliveries(scenario, seed) for seed in seeds]))
        return (
            f"No policy delivers more than {number(most, 6)} messages in time on average in these "
            "worlds (matching that knows them)."
        )


def _success(scenario: TicScenario) -> float:
    """Probability that a transmission succeeds, over all blocks; 1 where it is in a trace alone."""
    if scenario.channel_trace is not None:
        try:
            return float(load_links(scenario.channel_trace).mean())
        except TraceError:
            return 1.0
    return (
        scenario.bad_share * scenario.bad_success
        + (1.0 - scenario.bad_share) * scenario.good_success
    )


def _load(scenario: TicScenario) -> float:
    """Messages a slot, answers included, over what the grants of all gateways get through."""
    messages = scenario.messages_per_frame / scenario.frame_slots
    through = scenario.num_gateways * scenario.grants * _success(scenario)
    return messages / through if through > 0.0 else float("inf")


def _matched(scenario: TicScenario) -> str:
    """The matching's bound in the first validation world, cut short where it is long."""
    try:
        return _matched_in_short(scenario)
    except TraceError as error:
        return f"No bound without the data (the load is that of a perfect channel): {error}"


def _matched_in_short(scenario: TicScenario) -> str:
    a_slot = scenario.messages_per_frame / scenario.frame_slots
    least = _LEAST_BURSTS * scenario.burst_period_slots
    slots = int(min(max(_MATCHED_MESSAGES / a_slot, least), scenario.num_slots))
    frames = max(slots // scenario.frame_slots, 1)
    short = scenario.replace(horizon_s=frames * scenario.frame_slots * scenario.slot_s)
    most = most_deliveries(short, world_seeds("validation", 1)[0])
    return (
        f"In the first {number(short.horizon_s, 3)} s of a first world no policy delivers more "
        f"than {most:,} messages in time, whatever it knows (matching)."
    )


def _network(scenario: TicScenario) -> Table:
    served = np.bincount(topology_of(scenario).gateway_of, minlength=scenario.num_gateways)
    placed = "as given" if scenario.placement else f"drawn, {number(scenario.side_m)} m a side"
    return pairs(
        "Network",
        [
            ("sensors", f"{scenario.num_sensors:,}"),
            ("gateways", str(scenario.num_gateways)),
            ("sensors of a gateway", spread(served)),
            ("where they stand", placed),
            ("grants of a gateway in a slot, up and down together", str(scenario.grants)),
            ("places of a sensor in each direction", str(scenario.buffer_messages)),
        ],
    )


def _traffic(scenario: TicScenario) -> Table:
    slot_ms = MILLISECONDS * scenario.slot_s
    rows = [
        ("sensors that ask at once", f"{scenario.burst_sensors:,} ({scenario.burst_fraction:.0%})"),
        ("one such burst every ms", number(MILLISECONDS * scenario.burst_period_s)),
        ("and up to so many ms late", number(MILLISECONDS * scenario.burst_jitter_s)),
        ("messages of a sensor in between, a second", number(scenario.background_rate_hz)),
        ("deadline", f"{scenario.deadline_slots} slots "
                     f"({number(scenario.deadline_slots * slot_ms)} ms)"),
    ]  # fmt: skip
    if scenario.answers:
        due = scenario.answer_deadline_slots
        rows.append(("answers are ready after, slots", str(scenario.processing_slots)))
        rows.append(("deadline of an answer", f"{due} slots ({number(due * slot_ms)} ms)"))
    rows.append(("bits of a message", f"{scenario.message_bits:,}"))
    rows.append(("messages and answers over what grants get through", number(_load(scenario), 3)))
    burst = scenario.burst_sensors * scenario.burst_messages
    until = scenario.num_gateways * scenario.grants * scenario.deadline_slots
    rows.append(
        ("messages of a burst over the grants until they are due", number(burst / until, 3))
    )
    return pairs("Traffic", rows)


def _channel(scenario: TicScenario) -> Table:
    block_ms = MILLISECONDS * scenario.block_slots * scenario.slot_s
    trace = scenario.channel_trace
    if trace is not None:
        rows = [
            ("replayed from", trace.path),
            ("measured links, one after the other for each sensor", str(len(trace.links))),
            ("blocks of each", f"{trace.num_blocks} of {number(block_ms)} ms"),
            ("agreed loss ratio: what is above it is the cost", f"{scenario.loss_target:.1%}"),
        ]
        return pairs("Channel of a sensor", rows)
    return pairs(
        "Channel of a sensor",
        [
            ("a transmission succeeds while it is good", f"{scenario.good_success:.0%}"),
            ("while it is bad", f"{scenario.bad_success:.0%}"),
            ("it is bad in", f"{scenario.bad_share:.0%} of the blocks of {number(block_ms)} ms"),
            ("a transmission succeeds on average", f"{_success(scenario):.1%}"),
            ("agreed loss ratio: what is above it is the cost", f"{scenario.loss_target:.1%}"),
        ],
    )


VIEW = TicView()
"""The view of this environment on the command line."""
