"""The scenario of right-time synchronisation: entities that change, and a twin of them.

Values are in units of the attribute's range, around the mean of the process: an error of 0.05 is
5 % of the range, whatever the attribute.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import (
    Duration,
    FrozenModel,
    Name,
    NonNegative,
    Probability,
    Rate,
    Scenario,
)

MAX_ENTITIES = 10_000
MAX_GROUPS = 64
MAX_SLOTS = 100_000
MAX_DELAY_SLOTS = 64
MAX_REPLAYED = 50_000_000

MIN_TOLERANCE = 1e-9
"""Least tolerance, in ranges: errors are compared with its square."""

_ROUNDING = 1e-6  # of a slot: what a decimal fraction may be off as a float

Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(strict=True, ge=MIN_TOLERANCE, le=1, allow_inf_nan=False)]
Spread = Annotated[float, Field(strict=True, ge=1, le=1e6, allow_inf_nan=False)]


class Walk(FrozenModel):
    """A random walk: independent normal changes, slot after slot.

    Attributes:
        variance_rate_hz: mean square change over a second, in squared ranges.
        initial_sd: standard deviation of the value with which an episode begins, in ranges.
    """

    law: Literal["walk"] = "walk"
    variance_rate_hz: Rate
    initial_sd: Share = 0.25


class MeanReverting(FrozenModel):
    """A stationary value that is drawn back to its mean (Ornstein and Uhlenbeck; AR(1) in slots).

    Attributes:
        sd: its standard deviation, in ranges.
        relaxation_s: after so long a deviation has shrunk to 1/e on average.
    """

    law: Literal["mean-reverting"] = "mean-reverting"
    sd: Share = 0.2
    relaxation_s: Duration


class TwoState(FrozenModel):
    """On or off: each state is left at the same rate, and both are as likely.

    Attributes:
        change_rate_hz: changes a second.
    """

    law: Literal["two-state"] = "two-state"
    change_rate_hz: Rate


class Replay(FrozenModel):
    """Measured series, one an entity; an episode begins at a moment that its world draws.

    All replayed entities of a scenario begin equally long after the starts of their windows, so
    that what was measured together stays together where the windows are equal.

    Attributes:
        file: where the series stand.
        sources: the names of the series in the file, one an entity of the group.
        low: lower end of the attribute's range, in the unit of the file.
        high: upper end of it.
        losses: whether an update is lost when the sensor's own frame was lost in that slot; the
            scenario's delivery probability then does not apply.
    """

    law: Literal["replay"] = "replay"
    file: SeriesFile
    sources: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MAX_ENTITIES)]
    low: Annotated[float, Field(strict=True, ge=-1e9, le=1e9, allow_inf_nan=False)]
    high: Annotated[float, Field(strict=True, ge=-1e9, le=1e9, allow_inf_nan=False)]
    losses: bool = False

    @model_validator(mode="after")
    def _has_a_range(self) -> Replay:
        if not self.low < self.high:
            raise ConfigError(f"the range must have a width, got {self.low:g} to {self.high:g}")
        return self


Process = Annotated[Walk | MeanReverting | TwoState | Replay, Field(discriminator="law")]


class EntityGroup(FrozenModel):
    """Entities of one kind.

    Attributes:
        name: of the group.
        count: how many.
        process: how their values change.
        spread: how much faster the fastest of the group changes than the slowest; the others stand
            between them in equal ratios, around what the process says.
        weight: what an error of one of them counts.
        delivery_probability: of an update of one of them that is alone in its slot; None: the
            scenario's.
    """

    name: Name
    count: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTITIES)]
    process: Process
    spread: Spread = 1.0
    weight: Annotated[float, Field(strict=True, ge=1e-6, le=1e6, allow_inf_nan=False)] = 1.0
    delivery_probability: Share | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> EntityGroup:
        if isinstance(self.process, Replay):
            if len(self.process.sources) != self.count:
                raise ConfigError(
                    f"the group {self.name!r} has {self.count} entities and names "
                    f"{len(self.process.sources)} series: name one for each"
                )
            if self.spread > 1.0:
                raise ConfigError(
                    f"the group {self.name!r} is replayed, so nothing spreads its rates: leave "
                    "`spread` out"
                )
            if self.process.losses and self.delivery_probability is not None:
                raise ConfigError(
                    f"the losses of the group {self.name!r} are replayed: leave its "
                    "`delivery_probability` out, or `losses`"
                )
        return self

    def rate_factor(self, member: int) -> float:
        """How much faster than the process says a member changes.

        Args:
            member: 0 to count - 1, the slowest first.

        Returns:
            1 on geometric average.

        Example:
            >>> door = TwoState(change_rate_hz=1.0)
            >>> pair = EntityGroup(name="doors", count=2, spread=16.0, process=door)
            >>> pair.rate_factor(0), pair.rate_factor(1)
            (0.5, 2.0)
        """
        return float(self.spread ** ((member + 0.5) / self.count - 0.5))


class SyncScenario(Scenario):
    """Entities, the channel through which their twin is told of them, and what that costs.

    Attributes:
        name: how tables and errors call it.
        horizon_s: length of an episode. A whole number of slots.
        slot_s: from one decision to the next.
        groups: the entities; together 1 to 10,000.
        predictor: what the twin takes for the value between updates: the last value (`hold`), a
            line through the last two (`trend`), or the mean that the process has then (`fitted`).
            A two-state entity is held whatever the predictor.
        delivery_probability: of an update that is alone in its slot, where its group says nothing.
        delay_slots: an update arrives so many slots later.
        load_loss: with which probability each other update of the slot spoils one.
        updates_per_round: most updates in a slot where the action is `rounds`; None: a tenth of
            the entities, rounded up.
        update_budget: most updates in an episode; None: no limit.
        update_cost: what an update takes from the reward.
        energy_per_update_j: what a sensor spends on one.
        tolerance: an entity is accurate within this share of the attribute's range.
        agreed_share: of the entities that may be beyond the tolerance at no `cost`.
        initial: whether the twin knows every value at first, or none.
        inspection_slots: accuracy is measured this often, and at the horizon.
        planned_period_s: how often each entity should be heard of; None: one turn through all.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "sync"

    slot_s: Duration = 1.0
    groups: Annotated[tuple[EntityGroup, ...], Field(min_length=1, max_length=MAX_GROUPS)]
    predictor: Literal["hold", "trend", "fitted"] = "hold"
    delivery_probability: Share = 0.8
    delay_slots: Annotated[int, Field(strict=True, ge=0, le=MAX_DELAY_SLOTS)] = 0
    load_loss: Probability = 0.0
    updates_per_round: Annotated[int, Field(strict=True, ge=1, le=MAX_ENTITIES)] | None = None
    update_budget: Annotated[int, Field(strict=True, ge=0, le=10**9)] | None = None
    update_cost: NonNegative = 0.0
    energy_per_update_j: NonNegative = 0.05
    tolerance: Tolerance = 0.05
    agreed_share: Probability = 0.1
    initial: Literal["synchronised", "unknown"] = "synchronised"
    inspection_slots: Annotated[int, Field(strict=True, ge=1, le=MAX_SLOTS)] = 100
    planned_period_s: Duration | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> SyncScenario:
        slots = self.horizon_s / self.slot_s
        if slots > MAX_SLOTS:
            raise ConfigError(
                f"{self.horizon_s:g} s hold {slots:.6g} slots of {self.slot_s:g} s; at most "
                f"{MAX_SLOTS} are simulated: shorten the horizon"
            )
        if round(slots) < 1 or abs(slots - round(slots)) > _ROUNDING * max(slots, 1.0):
            raise ConfigError(
                f"the horizon must be a whole number of slots, got {self.horizon_s:g} s of "
                f"{self.slot_s:g} s: take {max(round(slots), 1) * self.slot_s:g} s"
            )
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ConfigError(f"two groups have one name, got {', '.join(names)}: rename one")
        if self.num_entities > MAX_ENTITIES:
            raise ConfigError(
                f"the groups have {self.num_entities} entities; at most {MAX_ENTITIES} are "
                "simulated: remove some"
            )
        if self.updates_per_round is not None and self.updates_per_round > self.num_entities:
            raise ConfigError(
                f"{self.updates_per_round} updates a round are more than the "
                f"{self.num_entities} entities: ask for fewer"
            )
        for group in self.groups:
            if isinstance(group.process, Walk):
                self._check_walk(group, group.process)
        self._check_replayed()
        return self

    def _check_replayed(self) -> None:
        """The replayed windows are held in memory, a value a slot."""
        windows_s = [
            group.count * (group.process.file.last_s - group.process.file.first_s)
            for group in self.groups
            if isinstance(group.process, Replay)
        ]
        values = sum(windows_s) / self.slot_s
        if values > MAX_REPLAYED:
            raise ConfigError(
                f"the replayed windows hold {values:.3g} values, one a slot of {self.slot_s:g} s; "
                f"at most {MAX_REPLAYED} are kept: shorten the windows or lengthen the slots"
            )

    def _check_walk(self, group: EntityGroup, walk: Walk) -> None:
        """A walk that leaves its range at once is a mistake in the unit."""
        fastest = walk.variance_rate_hz * math.sqrt(group.spread) * self.slot_s
        if fastest > 1.0:
            raise ConfigError(
                f"the walk of the group {group.name!r} moves by {math.sqrt(fastest):.3g} ranges in "
                f"a slot of {self.slot_s:g} s; at most 1 is simulated: lower `variance_rate_hz`"
            )

    def _content(self) -> dict[str, Any]:
        """A group that leaves its delivery to the scenario has nothing of it in the digest."""
        content = super()._content()
        for group in content["groups"]:
            if group["delivery_probability"] is None:
                del group["delivery_probability"]
        return content

    def delivery_of(self, group: EntityGroup) -> float:
        """Probability that an update which is alone in its slot is delivered.

        Args:
            group: whose entity sends it.
        """
        given = group.delivery_probability
        return self.delivery_probability if given is None else given

    @property
    def num_entities(self) -> int:
        """Entities of all groups."""
        return sum(group.count for group in self.groups)

    @property
    def num_slots(self) -> int:
        """Slots in an episode: the decisions."""
        return round(self.horizon_s / self.slot_s)

    @property
    def round_size(self) -> int:
        """Most updates in a slot where the action is `rounds`."""
        if self.updates_per_round is not None:
            return self.updates_per_round
        return math.ceil(self.num_entities / 10)

    @property
    def entity_names(self) -> tuple[str, ...]:
        """`group/member` of every entity, in the order of the actions."""
        return tuple(f"{group.name}/{k}" for group in self.groups for k in range(group.count))

    @property
    def time_unit_s(self) -> float:
        """One turn through all entities."""
        return self.num_entities * self.slot_s


SCENARIO = SyncScenario
"""The model that this environment runs."""
