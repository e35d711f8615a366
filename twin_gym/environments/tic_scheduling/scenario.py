"""The scenario of tiny instant communication: sensors, gateways, deadlines, and channels."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from twin_gym.environments.tic_scheduling.links import LinkFile
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.scenario.base import Duration, FrozenModel, NonNegative, Probability, Scenario

MAX_SENSORS = 10_000
MAX_GATEWAYS = 1_000
MAX_GRANTS = 256
MAX_BUFFER = 1_000
MAX_PLACES = 4_000_000
MAX_DEADLINE_SLOTS = 100_000
MAX_PROCESSING_SLOTS = 1_000
MAX_SLOTS = 10_000_000
MAX_MESSAGE_BITS = 2_000
MAX_SIDE_M = 1e6
MIN_SIDE_M = 1e-6
MAX_MESSAGES = 1e9
MAX_LOOKS = 1e9

MIN_BACKGROUND_HZ = 1e-9
"""Least rate of background messages, unless there are none."""

MIN_PER_FRAME = 1e-12
"""Least messages a frame, on average: they are the unit of the reward."""

_ROUNDING = 1e-6  # of a slot: what a decimal fraction may be off as a float

Coordinate = Annotated[
    float, Field(strict=True, ge=-MAX_SIDE_M, le=MAX_SIDE_M, allow_inf_nan=False)
]
Position = tuple[Coordinate, Coordinate]
Deadline = Annotated[int, Field(strict=True, ge=1, le=MAX_DEADLINE_SLOTS)]


class Placement(FrozenModel):
    """Positions of sensors and gateways, and which gateway serves a sensor.

    Attributes:
        sensors_m: x and y of each sensor in metres.
        gateways_m: x and y of each gateway in metres.
        gateway_of: number of the one gateway of each sensor.
    """

    sensors_m: Annotated[tuple[Position, ...], Field(min_length=1, max_length=MAX_SENSORS)]
    gateways_m: Annotated[tuple[Position, ...], Field(min_length=1, max_length=MAX_GATEWAYS)]
    gateway_of: tuple[Annotated[int, Field(strict=True, ge=0, lt=MAX_GATEWAYS)], ...]

    @model_validator(mode="after")
    def _fits_together(self) -> Placement:
        if len(self.gateway_of) != len(self.sensors_m):
            raise ConfigError(
                f"every sensor has exactly one gateway: {len(self.sensors_m)} sensors need as many "
                f"entries of gateway_of, got {len(self.gateway_of)}"
            )
        if max(self.gateway_of) >= len(self.gateways_m):
            raise ConfigError(
                f"gateway_of names gateway {max(self.gateway_of)}; there are gateways 0 to "
                f"{len(self.gateways_m) - 1}"
            )
        return self


class TicScenario(Scenario):
    """Sensors with tiny messages up and down that are worth something only if they are on time.

    Attributes:
        name: how tables and errors call it.
        horizon_s: length of an episode; a whole number of frames.
        num_sensors: 1 to 10,000.
        num_gateways: each sensor is on its nearest one.
        topology_seed: where they stand in the square; the same in every world.
        side_m: of the square.
        placement: where they stand instead, such as from a file (see
            `tic_scheduling.topology.read_graphml`).
        cells_per_side: the square is cut into so many squares a side; the density of a sensor is
            the number of sensors in its square over that of the fullest one.
        grants: transmissions of each gateway in a slot, up and down together.
        buffer_messages: places of each sensor in each direction.
        slot_s: length of a slot.
        frame_slots: slots from one choice of weights to the next.
        deadline_slots: slots in which an uplink message can be delivered, its first one included.
        answer_deadline_slots: the same for a downlink answer, from when it is ready.
        answers: whether each delivered uplink message asks for an answer.
        processing_slots: slots from the one after the delivery to when the answer is ready.
        message_bits: of every message; at most 2 kbit.
        burst_fraction: share of the sensors, rounded to whole ones, that asks at once.
        burst_messages: that each of them brings.
        burst_period_s: one burst each period; a whole number of slots.
        burst_jitter_s: a burst begins evenly 0 to this long after its period has begun.
        background_rate_hz: messages of each sensor besides bursts, at most one a slot.
        good_success: probability that a transmission succeeds while the channel is good.
        bad_success: while it is bad.
        bad_share: share of the blocks in which a sensor's channel is bad.
        block_slots: slots in which a channel's state stays.
        channel_trace: measured links that channels are replayed from instead: sensor k takes the
            k-th of them, from the first one again after the last; a block of slots has the success
            of a block of the trace, from one that the world draws, the same for all sensors, and
            from the first one again after the last.
        channel_observable: whether an agent that picks sensors sees the states of their channels.
        loss_target: agreed loss ratio: what is above it is the `cost`.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "tic"

    num_sensors: Annotated[int, Field(strict=True, ge=1, le=MAX_SENSORS)]
    num_gateways: Annotated[int, Field(strict=True, ge=1, le=MAX_GATEWAYS)]
    topology_seed: Annotated[int, Field(strict=True, ge=0, lt=2**63)] = 0
    side_m: Annotated[
        float, Field(strict=True, ge=MIN_SIDE_M, le=MAX_SIDE_M, allow_inf_nan=False)
    ] = 1000.0
    placement: Placement | None = None
    cells_per_side: Annotated[int, Field(strict=True, ge=1, le=100)] = 4
    grants: Annotated[int, Field(strict=True, ge=1, le=MAX_GRANTS)] = 3
    buffer_messages: Annotated[int, Field(strict=True, ge=1, le=MAX_BUFFER)] = 4
    slot_s: Duration = 0.000125
    frame_slots: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 4
    deadline_slots: Deadline = 7
    answer_deadline_slots: Deadline = 4
    answers: Annotated[bool, Field(strict=True)] = True
    processing_slots: Annotated[int, Field(strict=True, ge=0, le=MAX_PROCESSING_SLOTS)] = 2
    message_bits: Annotated[int, Field(strict=True, ge=1, le=MAX_MESSAGE_BITS)] = 2_000
    burst_fraction: Probability = 0.45
    burst_messages: Annotated[int, Field(strict=True, ge=1, le=MAX_BUFFER)] = 1
    burst_period_s: Duration = 0.01
    burst_jitter_s: NonNegative = 0.002
    background_rate_hz: NonNegative = 20.0
    good_success: Probability = 0.98
    bad_success: Probability = 0.5
    bad_share: Probability = 0.1
    block_slots: Annotated[int, Field(strict=True, ge=1, le=MAX_SLOTS)] = 8
    channel_trace: LinkFile | None = None
    channel_observable: Annotated[bool, Field(strict=True)] = True
    loss_target: Probability = 0.01

    @model_validator(mode="after")
    def _fits_together(self) -> TicScenario:
        self._check_times()
        self._check_traffic()
        self._check_work()
        places = 2 * self.num_sensors * self.buffer_messages
        if places > MAX_PLACES:
            raise ConfigError(
                f"{self.num_sensors} sensors with {self.buffer_messages} places a direction make "
                f"{places} places; at most {MAX_PLACES} are simulated: shorten the buffers"
            )
        placement = self.placement
        if placement is None:
            return self
        given = (len(placement.sensors_m), len(placement.gateways_m))
        if given != (self.num_sensors, self.num_gateways):
            raise ConfigError(
                f"the placement has {given[0]} sensors and {given[1]} gateways: give num_sensors "
                f"and num_gateways the same numbers, got {self.num_sensors} and "
                f"{self.num_gateways}"
            )
        return self

    def _check_times(self) -> None:
        slots = self.horizon_s / self.slot_s
        if slots > MAX_SLOTS:
            raise ConfigError(
                f"{self.horizon_s:g} s hold {slots:.6g} slots of {self.slot_s:g} s; at most "
                f"{MAX_SLOTS} are simulated: shorten the horizon"
            )
        frames = slots / self.frame_slots
        if not _is_whole(frames) or round(frames) < 1:
            frame_s = self.frame_slots * self.slot_s
            raise ConfigError(
                f"the horizon must be a whole number of frames of {frame_s:g} s, got "
                f"{self.horizon_s:g} s: take {max(round(frames), 1) * frame_s:g} s"
            )
        for name in ("burst_period_s", "burst_jitter_s"):
            value = getattr(self, name) / self.slot_s
            if value > 2**40 or not _is_whole(value):
                raise ConfigError(
                    f"{name} must be a whole number of slots of {self.slot_s:g} s, got "
                    f"{getattr(self, name):g} s: take {round(value) * self.slot_s:g} s"
                )
        if self.burst_period_slots < 1 or self.burst_jitter_slots >= self.burst_period_slots:
            raise ConfigError(
                f"bursts need a period of a slot at least and less jitter than a period, got "
                f"{self.burst_period_s:g} s and {self.burst_jitter_s:g} s: lengthen the period"
            )

    def _check_traffic(self) -> None:
        if self.background_probability > 1.0:
            raise ConfigError(
                f"a sensor has at most one background message a slot: {self.background_rate_hz:g} "
                f"a second need slots of {1.0 / self.background_rate_hz:g} s at most, got "
                f"{self.slot_s:g} s"
            )
        if self.uplinks_per_slot <= 0.0:
            raise ConfigError(
                "no sensor ever asks: give a background_rate_hz, or a burst_fraction of at least "
                f"{0.5 / self.num_sensors:g}"
            )
        if 0.0 < self.background_rate_hz < MIN_BACKGROUND_HZ:
            raise ConfigError(
                f"background_rate_hz is 0 or {MIN_BACKGROUND_HZ:g} at least, got "
                f"{self.background_rate_hz:g}"
            )
        if self.messages_per_frame < MIN_PER_FRAME:
            raise ConfigError(
                f"a frame brings {self.messages_per_frame:.3g} messages on average, in which "
                f"rewards are counted, and {MIN_PER_FRAME:g} are needed: raise background_rate_hz "
                "or burst_fraction, or lengthen the frames"
            )

    def _check_work(self) -> None:
        """Refuses episodes of billions of messages, and frames that look at billions."""
        messages = self.messages_per_frame * (self.num_slots / self.frame_slots)
        if messages > MAX_MESSAGES:
            raise TooLargeError(
                f"an episode of {self.name!r} brings about {messages:.3g} messages and at most "
                f"{MAX_MESSAGES:.0e} are simulated: shorten the horizon or lower the rates"
            )
        looks = self.frame_slots * self.most_looks_per_slot
        if looks > MAX_LOOKS:
            raise TooLargeError(
                f"a frame of {self.name!r} may look at {looks:.3g} messages and gateways, slot by "
                f"slot, and at most {MAX_LOOKS:.0e} are simulated: shorten the frames, the "
                "deadlines or the buffers"
            )

    def _content(self) -> dict[str, Any]:
        """Without links where there are none: digests are older than the field."""
        content = super()._content()
        if self.channel_trace is None:
            del content["channel_trace"]
        return content

    @property
    def num_slots(self) -> int:
        """Slots in an episode."""
        return round(self.horizon_s / self.slot_s)

    @property
    def burst_period_slots(self) -> int:
        """Slots from the beginning of one burst's period to the next."""
        return round(self.burst_period_s / self.slot_s)

    @property
    def burst_jitter_slots(self) -> int:
        """Most slots by which a burst is late."""
        return round(self.burst_jitter_s / self.slot_s)

    @property
    def burst_sensors(self) -> int:
        """Sensors that ask in a burst."""
        return round(self.burst_fraction * self.num_sensors)

    @property
    def background_probability(self) -> float:
        """Probability that a sensor has a background message in a slot."""
        return self.background_rate_hz * self.slot_s

    @property
    def most_deadline_slots(self) -> int:
        """The longer of the two deadlines."""
        return max(self.deadline_slots, self.answer_deadline_slots if self.answers else 1)

    @property
    def uplinks_per_slot(self) -> float:
        """Uplink messages that the sensors bring in a slot, on average.

        Example:
            >>> from twin_gym.scenario.loading import load
            >>> load("tic-small-20", TicScenario).uplinks_per_slot
            0.25
        """
        bursts = self.burst_sensors * self.burst_messages / self.burst_period_slots
        return bursts + self.num_sensors * self.background_probability

    @property
    def most_looks_per_slot(self) -> float:
        """About so many messages, sensors and gateways are gone through in a slot, at most."""
        places = 2.0 * self.num_sensors * self.buffer_messages
        ways = 2 if self.answers else 1
        burst = ways * self.burst_sensors * self.burst_messages
        waiting = ways * self.uplinks_per_slot * self.most_deadline_slots + 2.0 * burst
        bursts = self.num_sensors / self.burst_period_slots
        return min(places, waiting) + bursts + self.num_gateways + 1.0

    @property
    def messages_per_frame(self) -> float:
        """Messages of a frame if every uplink was answered, on average: the unit of the reward."""
        return self.uplinks_per_slot * self.frame_slots * (2 if self.answers else 1)

    @property
    def time_unit_s(self) -> float:
        """The longest time from asking to the answer."""
        slots = self.deadline_slots
        if self.answers:
            slots += self.processing_slots + self.answer_deadline_slots
        return max(slots, self.frame_slots) * self.slot_s


def _is_whole(number: float) -> bool:
    return math.isclose(number, round(number), rel_tol=_ROUNDING, abs_tol=_ROUNDING)


SCENARIO = TicScenario
"""The model that this environment runs."""
