"""The scenario of truck routing: bins that fill, the twin that is told of them, and trucks.

Time begins with the first shift: hour 0 of an episode is `shift_start_hour` of a Monday.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from twin_gym.environments.truck_routing.bins import Bins
from twin_gym.environments.truck_routing.deposits import (
    Deposits,
    PoissonGamma,
    ReplayedEmptyings,
)
from twin_gym.environments.truck_routing.roads import Roads, StraightRoads
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel, NonNegative, Probability, Scenario

DAY_S = 86_400.0
HOUR_S = 3_600.0

MAX_TRUCKS = 16
MAX_DAYS = 366
MAX_CANDIDATES = 64
MAX_FACTOR = 1_000.0
MAX_TABLE = 8_000_000
"""Most bins times hours of an episode: a row keeps what was thrown in until each hour."""

_ROUNDING = 1e-9  # of a day: what a decimal fraction may be off as a float

Metres = Annotated[float, Field(strict=True, ge=-1e8, le=1e8, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Volume = Annotated[float, Field(strict=True, ge=0.1, le=1e6, allow_inf_nan=False)]
Speed = Annotated[float, Field(strict=True, ge=0.1, le=100, allow_inf_nan=False)]
Trip = Annotated[float, Field(strict=True, ge=0.001, le=DAY_S, allow_inf_nan=False)]
Period = Annotated[float, Field(strict=True, ge=1.0, le=1e8, allow_inf_nan=False)]
Factor = Annotated[
    float, Field(strict=True, ge=1.0 / MAX_FACTOR, le=MAX_FACTOR, allow_inf_nan=False)
]
Delay = Annotated[float, Field(strict=True, ge=0, le=1e7, allow_inf_nan=False)]


class Depot(FrozenModel):
    """Where trucks begin, unload and rest.

    Attributes:
        x_m: easting, in the plane of the bins.
        y_m: northing.
    """

    x_m: Metres
    y_m: Metres


class TruckScenario(Scenario):
    """Bins, roads and trucks, and how the twin of the bins is told.

    Attributes:
        name: how tables and errors call it.
        horizon_s: length of an episode. A whole number of days.
        bins: listed, drawn or out of a file.
        roads: straight, a grid or out of a file.
        depot: a place; `median`: the median coordinates of the bins.
        deposits: how waste comes into the bins.
        inflow_factor: every bin gets so many times its inflow; 1 where deposits are replayed.
        num_trucks: 1 to 16, all alike.
        truck_capacity_l: litres of waste that a truck carries.
        speed_m_per_s: at which it drives.
        service_s: time of a stop at a bin.
        unload_s: time of unloading at the depot.
        shift_start_hour: hour of the day at which shifts begin, every day.
        shift_length_s: within which every truck that sets out is back and unloaded.
        report_period_s: a bin reports its fill this often, or `never`.
        delivery_probability: of a report.
        report_delay_s: a report arrives so much later.
        sensor_full_share: fill from which on the sensor reads no more than this.
        predictor: what the twin takes for the fill between reports: the last reading (`hold`), a
            line through the last two (`trend`), or what is thrown in on average since (`fitted`).
        initial_fill_max: bins begin evenly between empty and this share of their capacity.
        cost_per_km: of driving.
        penalty_per_l: of a litre that finds no room in its bin.
        cost_per_stop: of a stop at a bin.
        agreed_share: of what is thrown in, may find no room at no `cost`.
        co2_kg_per_km: emission of driving.
        num_candidates: bins to choose from where the action is `nearest`.
        candidate_fill: predicted fill from which on a bin is such a candidate.
        description: one sentence for lists.
        provenance: where the numbers come from.
    """

    kind: ClassVar[str] = "truck"

    bins: Bins
    roads: Roads = StraightRoads()
    depot: Depot | Literal["median"] = "median"
    deposits: Deposits = PoissonGamma()
    inflow_factor: Factor = 1.0
    num_trucks: Annotated[int, Field(strict=True, ge=1, le=MAX_TRUCKS)] = 1
    truck_capacity_l: Volume = 3_000.0
    speed_m_per_s: Speed = 5.56
    service_s: Trip = 180.0
    unload_s: Trip = 900.0
    shift_start_hour: Annotated[int, Field(strict=True, ge=0, le=23)] = 6
    shift_length_s: Trip = 8 * HOUR_S
    report_period_s: Period | Literal["never"] = HOUR_S
    delivery_probability: Share = 0.8
    report_delay_s: Delay = 60.0
    sensor_full_share: Share = 1.0
    predictor: Literal["hold", "trend", "fitted"] = "fitted"
    initial_fill_max: Probability = 0.8
    cost_per_km: NonNegative = 1.0
    penalty_per_l: NonNegative = 0.5
    cost_per_stop: NonNegative = 0.5
    agreed_share: Probability = 0.02
    co2_kg_per_km: NonNegative = 0.9
    num_candidates: Annotated[int, Field(strict=True, ge=1, le=MAX_CANDIDATES)] = 10
    candidate_fill: Probability = 0.25

    @model_validator(mode="after")
    def _fits_together(self) -> TruckScenario:
        days = self.horizon_s / DAY_S
        if round(days) < 1 or abs(days - round(days)) > _ROUNDING * max(days, 1.0):
            raise ConfigError(
                f"the horizon must be a whole number of days, got {self.horizon_s:g} s: take "
                f"{max(round(days), 1) * DAY_S:g} s"
            )
        if round(days) > MAX_DAYS:
            raise ConfigError(
                f"{round(days)} days are too long; at most {MAX_DAYS} are simulated: shorten the "
                "horizon"
            )
        if self.shift_length_s >= DAY_S:
            raise ConfigError(
                f"a shift is shorter than a day of {DAY_S:g} s, got {self.shift_length_s:g} s: "
                "shorten it"
            )
        if self.inflow_factor != 1.0 and isinstance(self.deposits, ReplayedEmptyings):
            raise ConfigError(
                "what is replayed has the inflow that was recorded, got inflow_factor="
                f"{self.inflow_factor:g}: leave it at 1"
            )
        if self.num_bins * self.num_hours > MAX_TABLE:
            raise ConfigError(
                f"{self.num_bins} bins over {self.num_hours} hours are too many to keep; at most "
                f"{MAX_TABLE:,} bin-hours are: shorten the horizon or remove bins"
            )
        if isinstance(self.deposits, ReplayedEmptyings):
            _check_replay(self.deposits, self.num_days)
        return self

    @property
    def num_bins(self) -> int:
        """Bins of the scenario."""
        return self.bins.count

    @property
    def num_days(self) -> int:
        """Shifts of an episode: one a day."""
        return round(self.horizon_s / DAY_S)

    @property
    def num_hours(self) -> int:
        """Hours of an episode."""
        return 24 * self.num_days

    @property
    def place_names(self) -> tuple[str, ...]:
        """The bins by number, then the depot: the order of the actions."""
        return (*(f"bin {i}" for i in range(self.num_bins)), "depot")

    @property
    def time_unit_s(self) -> float:
        """A day: a bin that is left alone overflows within one or a few."""
        return DAY_S


def _check_replay(deposits: ReplayedEmptyings, num_days: int) -> None:
    if deposits.num_days < num_days:
        raise ConfigError(
            f"an episode has {num_days} days and the replayed window {deposits.num_days}: lengthen "
            "the window or shorten the horizon"
        )


SCENARIO = TruckScenario
"""The model that this environment runs."""
