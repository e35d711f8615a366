"""What the policies of truck routing read off observations, in litres, metres and seconds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.actions import ACTION_FORMS, ActionName
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.environments.truck_routing.policies.forecast import Forecast
from twin_gym.environments.truck_routing.scenario import DAY_S, MAX_DAYS, TruckScenario
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_REPLAYED_DISPERSION_L = 38.1
"""Variance over mean of what is thrown into Edinburgh's bins (preset truck-edinburgh-30)."""

_UNREAD_S = 60.0  # a reading from the first minute is the guess of the beginning
_ROUNDING = 2.0**-24  # of a share that is observed as a float32
_DAY_ROUNDING = MAX_DAYS * _ROUNDING  # of a day: what a time that is observed may be off


class Decisions(NamedTuple):
    """What a truck that decides knows, of several rows.

    A choice is a bin, or a candidate.

    Attributes:
        allowed: choices that may be taken; shape (rows, choices), as what follows.
        predicted: fill that the twin predicts, over the capacity.
        reading: last known fill, likewise.
        age_s: age of that reading.
        is_read: whether it is a reading, or the guess of the beginning.
        daily_fill: capacities thrown in a day on average.
        travel_s: time to drive there from here.
        return_s: time to drive from there to the depot.
        shift_left_s: of the shift; shape (rows,), as what follows.
        now_s: since the beginning of the episode.
        load: load of the truck over its capacity.
        at_depot: whether it stands there.
    """

    allowed: Flags
    predicted: Floats
    reading: Floats
    age_s: Floats
    is_read: Flags
    daily_fill: Floats
    travel_s: Floats
    return_s: Floats
    shift_left_s: Floats
    now_s: Floats
    load: Floats
    at_depot: Flags


class PolicyTables(NamedTuple):
    """What a scenario says of its bins and roads; the last place is the depot.

    Attributes:
        capacity_l: of the bins; shape (bins,).
        travel_m: driven metres between places; shape (bins + 1, bins + 1).
        travel_s: likewise in seconds.
        forecast: law of what is thrown in.
        initial_variance_l2: variance of the contents at the beginning; shape (bins,).
    """

    capacity_l: Floats
    travel_m: Floats
    travel_s: Floats
    forecast: Forecast
    initial_variance_l2: Floats


def policy_tables(scenario: TruckScenario) -> PolicyTables:
    """The arrays of a scenario, in the units of policies.

    A replay has no law: its bins are taken to vary as those of Edinburgh do.

    Raises:
        ConfigError: if the scenario does not fit together, see `layout.build_tables`.
    """
    tables = layout.build_tables([scenario])
    network, bins = tables.networks[0], tables.bins[0]
    capacity_l = bins[layout.CAPACITY]
    is_law = isinstance(scenario.deposits, PoissonGamma)
    dispersion_l = float(network["deposit_scale"] * (network["deposit_shape"] + 1))
    forecast = Forecast(
        bins[layout.INFLOW],
        np.diff(tables.profile[0, : network["profile_hours"] + 1]),
        dispersion_l if is_law else _REPLAYED_DISPERSION_L,
    )
    variance_l2 = (scenario.initial_fill_max * capacity_l) ** 2 / 12.0  # uniform
    travel_s = tables.travel[0] / layout.MS_PER_S
    return PolicyTables(capacity_l, tables.distance[0], travel_s, forecast, variance_l2)


class TruckPolicy(ABC):
    """A policy that sees observations as `Decisions`, in either form of the action.

    Args:
        scenario: what the rows run; the policy is for this one alone.
        action: `pick`, where the choices are the bins, or `nearest`, where they are candidates.

    Raises:
        ConfigError: if there is no such form of action.
    """

    name: str

    def __init__(self, scenario: TruckScenario, action: ActionName = "pick") -> None:
        form = form_named(ACTION_FORMS, action)
        self._spans = {
            name: form.layout(scenario).span(name)
            for name in (*form.candidate_groups, *form.common_groups)
        }
        self._num_fields = len(form.layout(scenario).names)
        self.scenario = scenario
        self.num_choices = len(form.action_names(scenario)) - 1
        self.tables = policy_tables(scenario)
        self._longest_s = max(float(self.tables.travel_s.max()), 1e-3)

    def reset(self, seed: int) -> None:  # noqa: B027  most rules remember nothing
        """Resets the policy."""

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, choices + 1).

        Returns:
            Choices, or their number for the depot; shape (rows,).

        Raises:
            ConfigError: if the observations are those of another scenario.
        """
        if observations.shape[1:] != (self._num_fields,):
            raise ConfigError(
                f"observations of {self.scenario.name!r} have shape (rows, {self._num_fields}), "
                f"got {observations.shape}: this policy is for that scenario alone"
            )
        seen = self.read(observations, masks)
        chosen = self.choose(seen)
        rows, last = np.arange(len(chosen)), self.num_choices
        is_allowed = (chosen < last) & seen.allowed[rows, np.minimum(chosen, last - 1)]
        return np.where(is_allowed, chosen, last)

    @abstractmethod
    def choose(self, seen: Decisions) -> NDArray[np.int64]:
        """A choice in each row.

        Args:
            seen: what the trucks know.

        Returns:
            Choices; their number for the depot, which is also where a choice is not allowed.
        """

    def read(self, observations: Observations, masks: Masks) -> Decisions:
        """The observations in units.

        Args:
            observations: shape (rows, fields).
            masks: shape (rows, choices + 1).

        Returns:
            What the trucks of all rows know.
        """
        of = {name: observations[:, span].astype(np.float64) for name, span in self._spans.items()}
        now_s = of["time"][:, 0] * self.scenario.horizon_s
        age, inflow = np.minimum(of["age"], 1.0 - 1e-7), np.minimum(of["inflow"], 1.0 - 1e-7)
        age_s = DAY_S * age / (1.0 - age)
        unread_s = _UNREAD_S + _ROUNDING * ((age_s + DAY_S) ** 2 / DAY_S + self.scenario.horizon_s)
        return Decisions(
            allowed=masks[:, :-1] == 1,
            predicted=of["predicted"],
            reading=of["reading"],
            age_s=age_s,
            is_read=now_s[:, None] - age_s > unread_s,
            daily_fill=inflow / (1.0 - inflow),
            travel_s=of["travel"] * self._longest_s,
            return_s=of["returning"] * self._longest_s,
            shift_left_s=of["shift"][:, 0] * self.scenario.shift_length_s,
            now_s=now_s,
            load=of["load"][:, 0],
            at_depot=of["at_depot"][:, 0] == 1.0,
        )


def day_of(now_s: Floats | float) -> NDArray[np.int64]:
    """The day of an observed time, which may be rounded to just before its beginning.

    Example:
        >>> int(day_of(86_399.99)), int(day_of(80_000.0))
        (1, 0)
    """
    days: NDArray[np.int64] = np.floor(np.asarray(now_s) / DAY_S + _DAY_ROUNDING).astype(np.int64)
    return days


class Episodes:
    """Tells which rows have begun another episode since they were last seen.

    Time goes back, or more trucks decide at the beginning than there are.

    Args:
        num_trucks: of the scenario.
    """

    def __init__(self, num_trucks: int) -> None:
        self._num_trucks = num_trucks
        self.forget()

    def forget(self) -> None:
        """All rows are new."""
        self._seen_s, self._asked = np.zeros(0), np.zeros(0, np.int64)

    def begun(self, now_s: Floats) -> Flags:
        """Rows in which another episode has begun; all of them after `forget`.

        Args:
            now_s: time of the decisions; shape (rows,).
        """
        if len(self._seen_s) != len(now_s):
            self._seen_s, self._asked = np.full(len(now_s), np.inf), np.zeros(len(now_s), np.int64)
        begun: Flags = now_s < self._seen_s
        begun |= (now_s == 0.0) & (self._asked >= self._num_trucks)
        self._asked = np.where(begun | (now_s > self._seen_s), 1, self._asked + 1)
        self._seen_s = now_s.copy()
        return begun
