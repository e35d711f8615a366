"""The scenario of a sliced network under admission control: slices, resources, traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from twin_gym.environments.slice_admission.work import (
    check_events,
    check_sums,
    most_arrivals,
    parts_passed,
)
from twin_gym.errors import ConfigError, unknown_name
from twin_gym.scenario.base import (
    Duration,
    FrozenModel,
    Name,
    NonNegative,
    Probability,
    Rate,
    ResourceAmounts,
    Scenario,
)
from twin_gym.scenario.laws import ArrivalLaw, Daily, Exponential, HoldingLaw, Poisson
from twin_gym.scenario.traces import Trace

MAX_SLICES = 16
MAX_RESOURCES = 8
MAX_QUEUE_LIMIT = 4096

_PLACES_AN_EVENT = 16  # so many places of a queue are looked at in the time of an event

PatienceLaw = Literal["deterministic", "exponential"]


class Slice(FrozenModel):
    """A logical network: what one of its requests needs, how often they come, what they pay.

    Attributes:
        name: unique within the scenario; names its fields and KPIs.
        demand: amount of each resource that one request holds while it is served.
        arrival_rate_hz: long-run average requests a second.
        mean_holding_time_s: mean time that an admitted request is served.
        revenue: paid at admission.
        mean_patience_s: mean time that a request waits before it leaves unserved.
        queue_limit: requests that may go on waiting after the decision at their arrival.
        arrival: shape of the arrival process around its average rate.
        holding: shape of the holding time around its mean.
        lost_penalty: paid by the operator for each lost request (blocked, declined or expired).
        agreed_loss_ratio: service level; losses above this share of the offered requests count
            as `cost`. None: no agreement.
    """

    name: Name
    demand: ResourceAmounts
    arrival_rate_hz: Rate
    mean_holding_time_s: Duration
    revenue: NonNegative = 1.0
    mean_patience_s: Duration = 1.0
    queue_limit: Annotated[int, Field(strict=True, ge=0, le=MAX_QUEUE_LIMIT)] = 0
    arrival: ArrivalLaw = Poisson()
    holding: HoldingLaw = Exponential()
    lost_penalty: NonNegative = 0.0
    agreed_loss_ratio: Probability | None = None

    @field_validator("demand")
    @classmethod
    def _needs_something(cls, demand: Mapping[str, float]) -> Mapping[str, float]:
        if not any(amount > 0 for amount in demand.values()):
            raise ConfigError("a request must need a positive amount of at least one resource")
        return demand

    @property
    def offered_load_erlang(self) -> float:
        """Arrival rate times mean holding time."""
        return self.arrival_rate_hz * self.mean_holding_time_s


class AdmissionScenario(Scenario):
    """A sliced network whose operator admits service requests.

    Attributes:
        name: how tables and errors call it.
        capacity: amount of each resource; its order is the order of the resources everywhere.
        slices: 1 to 16 slices; their order is the order of the actions.
        horizon_s: length of an episode in simulated seconds.
        patience_law: whether a request leaves after exactly its mean patience (its due time is
            known) or after an exponential time (nobody knows when).
        trace: where given, arrivals and holding times are replayed from it, and the rates and
            means of the slices only describe it.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "admission"

    capacity: ResourceAmounts
    slices: Annotated[tuple[Slice, ...], Field(min_length=1, max_length=MAX_SLICES)]
    patience_law: PatienceLaw = "deterministic"
    trace: Trace | None = None

    @field_validator("capacity")
    @classmethod
    def _some_capacity(cls, capacity: Mapping[str, float]) -> Mapping[str, float]:
        if not 1 <= len(capacity) <= MAX_RESOURCES:
            raise ConfigError(f"1 to {MAX_RESOURCES} resources are possible, got {len(capacity)}")
        for resource, amount in capacity.items():
            if amount <= 0:
                raise ConfigError(
                    f"the capacity of {resource!r} must be positive, got {amount!r}: "
                    "leave out a resource that the network has none of"
                )
        return capacity

    @model_validator(mode="after")
    def _fits_together(self) -> AdmissionScenario:
        names = [one.name for one in self.slices]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"two slices are called {name!r}: give each its own name")
        for one in self.slices:
            self._check_demand(one)
        periods = {one.arrival.period_s for one in self.slices if isinstance(one.arrival, Daily)}
        if len(periods) > 1:
            raise ConfigError(
                f"daily profiles must share one period, got {sorted(periods)}: the agent sees one "
                "time of day"
            )
        if self.trace is not None:
            self._check_replay()
        else:
            self.check_work([
                most_arrivals(one.arrival, one.arrival_rate_hz, self.horizon_s)
                for one in self.slices
            ])  # fmt: skip
        return self

    def check_work(self, arrivals: Sequence[float]) -> None:
        """Refuses what would take for ever to simulate, or outgrow what it is counted in.

        Args:
            arrivals: by slice, requests to expect in an episode; of a trace, those it brings.

        Raises:
            TooLargeError: if they are too many, or their waits too long.
            ConfigError: if they are worth too much.
        """
        events, passed = 0.0, 0.0
        for one, requests in zip(self.slices, arrivals, strict=True):
            # Where patience is exponential, whoever leaves next is looked for in the whole queue.
            waiting = min(float(one.queue_limit), one.arrival_rate_hz * one.mean_patience_s)
            looked_at = waiting if self.patience_law == "exponential" else 0.0
            events += requests * (1.0 + looked_at / _PLACES_AN_EVENT)
            passed += parts_passed(one.arrival, self.horizon_s)
        check_events(self.name, events, passed)
        for one, requests in zip(self.slices, arrivals, strict=True):
            price = max(one.revenue, one.lost_penalty)
            patience_s, limit = one.mean_patience_s, one.queue_limit
            check_sums(one.name, requests, self.horizon_s, limit, patience_s, price)

    def _check_demand(self, one: Slice) -> None:
        for resource, amount in one.demand.items():
            if resource not in self.capacity:
                unknown = unknown_name("resource", resource, self.capacity)
                raise ConfigError(f"slice {one.name!r}: {unknown}")
            if amount > self.capacity[resource]:
                raise ConfigError(
                    f"slice {one.name!r} needs {amount:g} of {resource!r} a request and the "
                    f"network has {self.capacity[resource]:g}: no request could ever be admitted; "
                    "lower the demand or raise the capacity"
                )

    def _check_replay(self) -> None:
        for one in self.slices:
            if one.arrival != Poisson() or one.holding != Exponential():
                raise ConfigError(
                    f"slice {one.name!r} has a law of its own and the scenario replays a trace: "
                    "remove `arrival` and `holding`, or remove `trace`"
                )

    def __eq__(self, other: object) -> bool:
        """Equal in every field, the order of the resources included: it is an agent's interface."""
        return (
            isinstance(other, AdmissionScenario)
            and super().__eq__(other)
            and self.resource_names == other.resource_names
        )

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in type(self).model_fields)))

    def _content(self) -> dict[str, Any]:
        return super()._content() | {"resources": list(self.resource_names)}

    @property
    def time_unit_s(self) -> float:
        """The mean holding time: so long what is admitted stands in the way of others."""
        return self.mean_holding_time_s

    @property
    def slice_names(self) -> tuple[str, ...]:
        """Names of the slices, in the order of the actions."""
        return tuple(one.name for one in self.slices)

    @property
    def resource_names(self) -> tuple[str, ...]:
        """Names of the resources, in the order of the capacity."""
        return tuple(self.capacity)

    @property
    def offered_load(self) -> dict[str, float]:
        """Offered work over capacity, by resource: above 1, not everything can be carried."""
        return {
            resource: sum(
                one.offered_load_erlang * one.demand.get(resource, 0.0) for one in self.slices
            )
            / amount
            for resource, amount in self.capacity.items()
        }

    @property
    def mean_holding_time_s(self) -> float:
        """Mean holding time over all requests: the natural unit of time of the network."""
        total_rate_hz = sum(one.arrival_rate_hz for one in self.slices)
        return sum(one.offered_load_erlang for one in self.slices) / total_rate_hz

    @property
    def period_s(self) -> float | None:
        """Period of the time of day that the agent sees, or None."""
        for one in self.slices:
            if isinstance(one.arrival, Daily):
                return one.arrival.period_s
        return None if self.trace is None else self.trace.period_s

    def slice_index(self, name: str) -> int:
        """Position of a slice.

        Raises:
            UnknownNameError: if there is no such slice.
        """
        if name not in self.slice_names:
            raise unknown_name("slice", name, self.slice_names)
        return self.slice_names.index(name)


SCENARIO = AdmissionScenario
"""The model that this environment runs."""
