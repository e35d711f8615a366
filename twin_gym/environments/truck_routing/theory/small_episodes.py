"""The least cost of a whole episode with perfect information: exact, for a handful of bins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode
from twin_gym.errors import TooLargeError

_ROUNDING = 1e-9


class Truck(NamedTuple):
    """A truck between two decisions.

    Attributes:
        free_s: when it decides next.
        number: of the truck; of trucks that are free at once the least one decides first.
        place: where it is then.
        load_l: what it holds before the bin is emptied.
        empties: whether it empties the bin at that place first.
    """

    free_s: float
    number: int
    place: int
    load_l: float
    empties: bool


@dataclass(frozen=True)
class LeastCost:
    """The least cost of an episode.

    Attributes:
        cost: kilometres, stops and overflow until the horizon.
        stops: that are made for it, in order: truck, bin, time at which the bin is emptied.
        states: how many partial episodes were looked at.
    """

    cost: float
    stops: tuple[tuple[int, int, float], ...]
    states: int


def least_cost(episode: KnownEpisode, *, max_states: int = 2_000_000) -> LeastCost:
    """The least cost that any sequence of decisions of the trucks has, by trying all of them.

    The rules are those of the environment, but for masks by predicted volumes, which are what a
    policy without perfect information is given: every bin that leaves time to return may be
    visited, and is emptied as far as the truck has room. A branch is left when what it has cost
    already is not less than the least cost so far.

    Args:
        episode: of at most a handful of bins and stops.
        max_states: partial episodes to look at.

    Returns:
        The least cost and a sequence of stops that has it.

    Raises:
        TooLargeError: if more states would be needed.
    """
    return _Search(episode, max_states).run()


class _Search:
    """Depth-first search over the decisions of an episode."""

    def __init__(self, episode: KnownEpisode, max_states: int) -> None:
        self.episode = episode
        self.max_states = max_states
        self.states = 0
        self.best_cost = math.inf
        self.best_stops: tuple[tuple[int, int, float], ...] = ()
        self.km = (episode.distance_m / 1_000.0).tolist()
        self.travel_s = episode.travel_s.tolist()
        self.capacity_l = episode.capacity_l.tolist()

    def run(self) -> LeastCost:
        """Try everything from the beginning on."""
        one = self.episode
        depot, start = one.num_bins, one.shift_starts_s[0]
        trucks = tuple(Truck(start, n, depot, 0.0, False) for n in range(one.num_trucks))
        at_first = one.thrown_in_until(0.0) - one.initial_l
        self._continue(trucks, tuple(at_first.tolist()), 0.0, ())
        return LeastCost(self.best_cost, self.best_stops, self.states)

    def _continue(
        self,
        trucks: tuple[Truck, ...],
        base_l: tuple[float, ...],
        cost: float,
        stops: tuple[tuple[int, int, float], ...],
    ) -> None:
        """Let the next truck decide in every way.

        Args:
            trucks: all of them.
            base_l: litres thrown in until a bin was emptied last, less what was left in it.
            cost: so far, without what overflowed since the bins were emptied last.
            stops: so far.
        """
        self.states += 1
        if self.states > self.max_states:
            raise TooLargeError(
                f"the least cost needs more than {self.max_states:,} states: take fewer bins, "
                "shorter shifts or a higher `max_states`"
            )
        truck = min(trucks)
        others = tuple(one for one in trucks if one.number != truck.number)
        now_s = truck.free_s
        ends = now_s >= self.episode.horizon_s
        thrown_in = self.episode.thrown_in_until(min(now_s, self.episode.horizon_s)).tolist()
        penalty = self.episode.penalty_per_l
        lost = [
            max(0.0, v - b - c) for v, b, c in zip(thrown_in, base_l, self.capacity_l, strict=True)
        ]
        so_far = cost + penalty * sum(lost)
        if so_far >= self.best_cost - _ROUNDING:
            return
        if ends:
            self.best_cost, self.best_stops = so_far, stops
            return
        if truck.empties:
            place = truck.place
            content = min(self.capacity_l[place], thrown_in[place] - base_l[place])
            taken = min(content, self.episode.truck_capacity_l - truck.load_l)
            left = thrown_in[place] - (content - taken)
            base_l = (*base_l[:place], left, *base_l[place + 1 :])
            cost += penalty * lost[place]
            stops = (*stops, (truck.number, place, now_s))
            truck = truck._replace(load_l=truck.load_l + taken, empties=False)
        for price, moved in self._decisions(truck, {one.place for one in others if one.empties}):
            self._continue((*others, moved), base_l, cost + price, stops)

    def _decisions(self, truck: Truck, taken: set[int]) -> Iterator[tuple[float, Truck]]:
        """What the truck may do, with what that costs at once."""
        one, depot, place = self.episode, self.episode.num_bins, truck.place
        started = [start for start in one.shift_starts_s if start <= truck.free_s]
        end_s = started[-1] + one.shift_length_s
        for target in range(depot):
            emptied_s = truck.free_s + self.travel_s[place][target] + one.service_s
            back_s = emptied_s + self.travel_s[target][depot] + one.unload_s
            if target == place or target in taken or back_s > end_s:
                continue
            price = one.cost_per_km * self.km[place][target] + one.cost_per_stop
            yield price, Truck(emptied_s, truck.number, target, truck.load_l, True)
        if place != depot:
            back_s = truck.free_s + self.travel_s[place][depot] + one.unload_s
            price = one.cost_per_km * self.km[place][depot]
            yield price, Truck(back_s, truck.number, depot, 0.0, False)
        else:
            later = [start for start in one.shift_starts_s if start > started[-1]]
            rested_s = later[0] if later else one.horizon_s
            yield 0.0, truck._replace(free_s=rested_s)
