"""TIC scheduling: background, bursts, channels, and the sizes that are told with the twins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.tic_scheduling.scenario import TicScenario
from twin_gym.twins.history.records import Series
from twin_gym.twins.scenarios.estimation.evidence import Average, Evidence, Rate, Reported
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry

Floats = NDArray[np.float64]

_UPLINK, _DOWNLINK, _NETWORK = "service/uplink", "service/downlink", "network"
_MOST_SLOTS = 1_000  # of a block: nothing is retried for longer
_HALVINGS = 50
_ROUNDING = 1e-6  # of a period: what a decimal fraction may be off as a float


def estimate_parameters(
    telemetry: EpisodeTelemetry, base: TicScenario, start_s: float, end_s: float
) -> dict[str, Evidence]:
    """Estimates the parameters of traffic, channels and sizes from a window.

    - `background_rate_hz`: uplink messages offered while no burst can begin, over the time of all
      sensors together: the maximum likelihood of a Poisson process.
    - `burst_fraction`: what the counter grew by around each burst, less the background of that
      time, over what all sensors together would bring.
    - `bad_share`: from transmissions and deliveries, see `Channels`.
    - `deadline_slots`, `buffer_messages`, `num_sensors`, `num_gateways`: told with the twins.

    When bursts may begin, how many messages a sensor brings in one, the length of a slot and how
    good channels are is the base's.

    Args:
        telemetry: the episode.
        base: the scenario that gives the other values.
        start_s: of the window.
        end_s: of the window.

    Returns:
        By path.
    """
    sensors = telemetry.count("Sensor")
    background, burst = _traffic(telemetry, base, sensors or base.num_sensors, start_s, end_s)
    deadline_s = telemetry.told(_UPLINK, "deadline_s")
    slots = None if deadline_s is None else max(float(round(deadline_s / base.slot_s)), 1.0)
    return {
        "background_rate_hz": background,
        "burst_fraction": burst,
        "bad_share": _channels(telemetry, base, start_s, end_s),
        "deadline_slots": _told(slots),
        "buffer_messages": _told(telemetry.told("sensor/0", "buffer_messages")),
        "num_sensors": _told(float(sensors) if sensors else None),
        "num_gateways": _told(float(telemetry.count("Gateway")) if sensors else None),
    }


def _told(value: float | None) -> Reported:
    return Reported(0.0, () if value is None else (value,))


def _traffic(
    telemetry: EpisodeTelemetry, base: TicScenario, sensors: int, start_s: float, end_s: float
) -> tuple[Rate, Average]:
    """Background and burst of the sensors, by the periods that begin within a window."""
    last_s = telemetry.last_s(_UPLINK, "offered", end_s=end_s)
    slots, counts = _by_slot(telemetry.moments(_UPLINK, "offered"), base.slot_s)
    period, jitter = base.burst_period_slots, base.burst_jitter_slots
    first = int(np.ceil(start_s / base.slot_s / period - _ROUNDING))
    last = int(
        np.ceil(min(end_s, telemetry.end_s + base.slot_s) / base.slot_s / period - _ROUNDING)
    )
    events, quiet, bursts = 0.0, 0, []
    for number in range(first, last):
        begin = number * period
        before, early, late, after = np.searchsorted(
            slots, [begin - period + jitter, begin, begin + jitter, begin + period]
        )
        if after - late > 1:
            events += counts[after - 1] - counts[late]
            quiet += int(slots[after - 1] - slots[late])
        if early > before and after > late:
            grown = counts[late] - counts[early - 1]
            bursts.append((grown, slots[late] - slots[early - 1]))
    each = events / quiet if quiet else sensors * base.background_probability
    total = sum(max(float(grown - each * length), 0.0) for grown, length in bursts)
    share = total / (sensors * base.burst_messages)
    return (
        Rate(last_s, events, quiet * base.slot_s * sensors),
        Average(last_s, share, float(len(bursts))),
    )


def _by_slot(series: Series, slot_s: float) -> tuple[NDArray[np.int64], Floats]:
    """The slots after whose arrivals a counter was heard, and what it was; each slot once."""
    return np.rint(series.times_s / slot_s).astype(np.int64), series.values


@dataclass(frozen=True)
class Channels(Evidence):
    """Transmissions and deliveries over channels that are good or bad for a block at a time.

    A message that fails is sent again in the next slot, most often over the same bad channel: the
    share of transmissions that fail is therefore more than that of the slots. The estimate is the
    share of bad blocks for which `expected_tries` is what was seen, with one more delivery as the
    centre expects it. A message that has to wait between its tries finds its channel changed more
    often, and the share then comes out too low; schedulers that see channels bias it too.

    Attributes:
        tries: transmissions.
        delivered: of them.
        good: probability that a transmission succeeds over a good channel.
        bad: likewise.
        block_slots: slots for which a channel keeps its state.
    """

    tries: float
    delivered: float
    good: float
    bad: float
    block_slots: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing was sent."""
        return self.tries <= 0.0

    def joined(self, others: Sequence[Self]) -> Self:
        """Transmissions and deliveries add up."""
        return self.added(others, "tries", "delivered")

    def estimate(self, centre: float) -> float:
        """The share of bad blocks."""
        law = (self.good, self.bad, self.block_slots)
        seen = (self.tries + expected_tries(centre, *law)) / (self.delivered + 1.0)
        low, high = 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            is_more = expected_tries(middle, *law) > seen
            low, high = (low, middle) if is_more else (middle, high)
        return 0.5 * (low + high)


def expected_tries(bad_share: float, good: float, bad: float, block_slots: int) -> float:
    """Mean transmissions of a message that is sent in every slot until it gets through.

    Its first slot is as likely to be any of a block. Within a block each try fails with the
    probability q of the block's state; after one it is as at the beginning of another one.

    Args:
        bad_share: of the blocks.
        good: probability of a success in a good block.
        bad: likewise.
        block_slots: of a block.

    Returns:
        1 or more; infinite if nothing ever gets through.

    Example:
        >>> expected_tries(0.25, 1.0, 0.5, 1)
        1.1428571428571428
    """
    slots = min(block_slots, _MOST_SLOTS)
    shares = np.array([1.0 - bad_share, bad_share])
    left = np.array([1.0 - good, 1.0 - bad])[:, None] ** np.arange(slots + 1)
    tries = shares @ np.cumsum(left[:, :-1], axis=1)  # in 1 ... slots that are left of a block
    failed = shares @ left[:, 1:]
    if failed[-1] >= 1.0:
        return float("inf")
    fresh = tries[-1] / (1.0 - failed[-1])
    return float((tries + failed * fresh).mean())


def _channels(
    telemetry: EpisodeTelemetry, base: TicScenario, start_s: float, end_s: float
) -> Channels:
    """Nothing where links are replayed, or good and bad ones do not differ."""
    last_s = telemetry.last_s(_NETWORK, "transmissions", end_s=end_s)
    deliveries = [(service, "served") for service in (_UPLINK, _DOWNLINK)]
    several = [(_NETWORK, "transmissions"), *deliveries]
    start_s, end_s = telemetry.known(several, start_s, end_s)
    tries, exposure_s = telemetry.growth(_NETWORK, "transmissions", start_s, end_s)
    delivered = sum(telemetry.growth(*one, start_s, end_s)[0] for one in deliveries)
    law = (base.good_success, base.bad_success, base.block_slots)
    if exposure_s <= 0.0 or base.channel_trace is not None or not law[0] > law[1]:
        tries = delivered = 0.0
    return Channels(last_s, tries, delivered, *law)
