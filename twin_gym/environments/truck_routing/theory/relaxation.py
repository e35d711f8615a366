"""The linear relaxation of an episode: columns, rows, and cuts (proof in `episode_bound`)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode
from twin_gym.environments.truck_routing.theory.linear_programme import LinearProgramme, RowList
from twin_gym.environments.truck_routing.theory.visit_arcs import visit_arcs
from twin_gym.errors import ConfigError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Relaxation:
    """Columns and rows of the programme; every array of columns holds their numbers.

    Attributes:
        driven: how often a truck drives between two places; shape (shifts, pairs of places).
        stops: at a bin; shape (shifts, N).
        visited: 1 if a bin is visited in a shift; shape (shifts, N).
        trips: from the depot and back to it; shape (shifts,).
        arcs: 1 if a bin is visited at both ends and not in between; shape (arcs,).
        taken: litres collected from a bin, as truck loads; shape (shifts, N).
        left: content of a bin when a shift ends if it was visited, as loads; shape (shifts, N).
        spilt: loads that overflow because a bin was not emptied; shape (shifts + 1, N).
        busy: time for the stops that end in a part, as lengths of the part; shape (shifts, parts).
        pair_of: number of a pair of places; shape (N + 1, N + 1), -1 on the diagonal.
    """

    def __init__(self, episode: KnownEpisode, parts_per_shift: int) -> None:
        """Number the columns.

        Args:
            episode: of which everything is known.
            parts_per_shift: parts of a shift that visits are told apart by.

        Raises:
            ConfigError: if a stop takes no time.
        """
        if not episode.service_s > 0.0:
            raise ConfigError(
                f"the bound is for stops that take time, got `service_s` = {episode.service_s!r}"
            )
        self.episode = episode
        self.given_arcs = visit_arcs(episode, parts_per_shift)
        bins, shifts = episode.num_bins, len(episode.shift_starts_s)
        self.ends = np.array(np.triu_indices(bins + 1, 1))
        self.pair_of = np.full((bins + 1, bins + 1), -1)
        self.pair_of[tuple(self.ends)] = self.pair_of.T[tuple(self.ends)] = np.arange(
            self.ends.shape[1]
        )
        self.num_columns = 0
        self.driven = self._number(shifts, self.ends.shape[1])
        self.stops = self._number(shifts, bins)
        self.visited = self._number(shifts, bins)
        self.trips = self._number(shifts)
        self.arcs = self._number(len(self.given_arcs.bins))
        self.taken = self._number(shifts, bins)
        self.left = self._number(shifts, bins)
        self.spilt = self._number(shifts + 1, bins)
        self.busy = self._number(shifts, parts_per_shift)
        self.equal, self.limited = RowList(), RowList()

    def _number(self, *shape: int) -> Ints:
        """Numbers of new columns."""
        first = self.num_columns
        self.num_columns += int(np.prod(shape))
        return np.arange(first, self.num_columns).reshape(shape)

    @property
    def load_l(self) -> float:
        """Litres that loads are counted in: the capacity of a truck, or that of all bins."""
        return min(self.episode.truck_capacity_l, float(self.episode.capacity_l.sum()) + 1.0)

    def programme(self) -> LinearProgramme:
        """The programme without cuts."""
        self._add_paths()
        self._add_tours()
        if self.episode.truck_capacity_l < np.inf:
            self._add_loads()
        if self.given_arcs.parts_per_shift > 1:
            self._add_part_times()
        return LinearProgramme(self._costs(), self._most(), self.equal, self.limited)

    @property
    def _needed_s(self) -> Floats:
        """Least time between the end of a stop before and that of a stop at each bin."""
        between = self.episode.travel_s + np.diag(np.full(self.episode.num_bins + 1, np.inf))
        needed: Floats = self.episode.service_s + between[:, :-1].min(axis=0)
        return needed

    @property
    def _part_s(self) -> float:
        """Time of all trucks within a part of a shift."""
        one = self.episode
        return one.num_trucks * one.shift_length_s / self.given_arcs.parts_per_shift

    @property
    def _carried(self) -> float:
        """Most time for stops that end in some parts and began before them, in parts."""
        return float(self.episode.num_trucks * self._needed_s.max() / self._part_s)

    def _costs(self) -> Floats:
        """Cost of a unit of each column."""
        one = self.episode
        costs = np.zeros(self.num_columns)
        costs[self.driven] = one.cost_per_km / 1_000.0 * one.distance_m[tuple(self.ends)]
        costs[self.stops] = one.cost_per_stop
        costs[self.arcs] = one.penalty_per_l * self.given_arcs.least_overflow_l
        costs[self.spilt] = one.penalty_per_l * self.load_l
        return costs

    def _most(self) -> Floats:
        """Upper limits of the columns, which every policy meets."""
        one = self.episode
        stops = one.num_trucks * one.shift_length_s / one.service_s
        litres = one.initial_l + one.thrown_in_l[-1]
        most = np.ones(self.num_columns)
        most[self.driven] = 2.0 * stops
        most[self.stops] = most[self.trips] = stops
        most[self.taken] = most[self.spilt] = litres / self.load_l
        most[self.left] = one.capacity_l / self.load_l
        most[self.busy] = 1.0 + self._carried
        return most

    def _add_paths(self) -> None:
        """Each bin has a path from the beginning to the horizon; who is visited; stops."""
        arcs, bins = self.given_arcs, self.episode.num_bins
        nodes = (arcs.num_parts + 1) * bins
        out = (arcs.first + 1) * bins + arcs.bins
        into = (arcs.second + 1) * bins + arcs.bins
        inner = arcs.second < arcs.num_parts
        limits = np.zeros(nodes)
        limits[:bins] = 1.0
        self.equal.add(limits, (out, self.arcs, 1.0), (into[inner], self.arcs[inner], -1.0))
        cells = arcs.shift_of_second * bins + arcs.bins
        enters = inner & (arcs.shift_of_first < arcs.shift_of_second)
        count = self.visited.size
        numbers = np.arange(count)
        self.equal.add(
            np.zeros(count),
            (numbers, self.visited.ravel(), 1.0),
            (cells[enters], self.arcs[enters], -1.0),
        )
        self.limited.add(
            np.zeros(count),
            (numbers, self.stops.ravel(), -1.0),
            (cells[inner], self.arcs[inner], 1.0),
        )

    def _add_tours(self) -> None:
        """Whoever comes to a place leaves it; trips begin at the depot; hours of the shift."""
        one, bins = self.episode, self.episode.num_bins
        travel_s = one.travel_s[tuple(self.ends)]
        places = np.hstack([self.stops, self.trips[:, None]])
        for shift, driven in enumerate(self.driven):
            self.equal.add(
                np.zeros(bins + 1),
                (self.ends[0], driven, 1.0),
                (self.ends[1], driven, 1.0),
                (np.arange(bins + 1), places[shift], -2.0),
            )
            hours = one.num_trucks * one.shift_length_s
            self.limited.add(
                1.0,
                (0, driven, travel_s / hours),
                (0, self.stops[shift], one.service_s / hours),
                (0, self.trips[shift], one.unload_s / hours),
            )
            self.limited.add(  # who is visited is on a trip
                np.zeros(bins),
                (np.arange(bins), self.visited[shift], 1.0),
                (np.arange(bins), self.trips[shift], -1.0),
            )

    def _add_loads(self) -> None:
        """What is collected, what is left in the bins, and what fits into the trucks."""
        arcs, bins, shifts = self.given_arcs, self.episode.num_bins, len(self.trips)
        capacity = self.episode.capacity_l / self.load_l
        cells = arcs.shift_of_second * bins + arcs.bins
        enters = arcs.shift_of_first < arcs.shift_of_second
        content = arcs.least_content_l / self.load_l
        room = capacity[arcs.bins] - content
        numbers, inner = np.arange(shifts * bins), enters & (arcs.second < arcs.num_parts)
        spilt, left = self.spilt[:-1].ravel(), self.left.ravel()
        later = numbers[bins:]
        self.limited.add(
            np.zeros(len(numbers)),
            (cells[inner], self.arcs[inner], content[inner]),
            (numbers, self.taken.ravel(), -1.0),
            (numbers, left, -1.0),
            (later, self.left[:-1].ravel(), 1.0),
            (numbers, spilt, -1.0),
        )
        everyone = np.arange((shifts + 1) * bins)
        limits = np.tile(capacity, shifts + 1)
        limits[-bins:] = 0.0
        self.limited.add(
            limits,
            (everyone[bins:], left, 1.0),
            (everyone, self.spilt.ravel(), -1.0),
            (cells[enters], self.arcs[enters], -room[enters]),
            (numbers, self.visited.ravel(), np.tile(capacity, shifts)),
        )
        for shift in range(shifts):
            self.limited.add(0.0, (0, self.taken[shift], 1.0), (0, self.trips[shift], -1.0))

    def _add_part_times(self) -> None:
        """Stops that end within some parts of a shift need so much time."""
        arcs = self.given_arcs
        needed, length = self._needed_s, self._part_s
        inner = arcs.second < arcs.num_parts
        self.equal.add(
            np.zeros(arcs.num_parts),
            (np.arange(arcs.num_parts), self.busy.ravel(), -1.0),
            (arcs.second[inner], self.arcs[inner], needed[arcs.bins[inner]] / length),
        )
        for busy in self.busy:
            for first in range(len(busy)):
                ends = np.arange(first, len(busy))
                limits = ends - first + 1.0 + (self._carried if first else 0.0)
                within = [(ends[ends >= at] - first, busy[at], 1.0) for at in ends]
                self.limited.add(limits, *within)

    def subtour_cut(self, shift: int, members: Bools, target: int) -> csr_array:
        """Ways into a set are at least twice the share of a bin in it (row at most 0)."""
        return self._cut(shift, members, self.visited[shift, [target]])

    def load_cut(self, shift: int, members: Bools) -> csr_array:
        """Ways into a set are at least twice the loads collected in it (row at most 0)."""
        return self._cut(shift, members, self.taken[shift, members])

    def _cut(self, shift: int, members: Bools, needed: Ints) -> csr_array:
        """Half of the ways across the border of a set are at least a sum of columns.

        The ways across it are twice the stops in it less twice the ways inside, which is the
        shorter row for small sets.
        """
        first, second = (np.append(members, False)[end] for end in self.ends)
        inside = self.driven[shift, first & second]
        stops = self.stops[shift, members]
        across = self.driven[shift, first ^ second]
        if len(inside) + len(stops) <= len(across):
            parts = [(needed, 1.0), (inside, 1.0), (stops, -1.0)]
        else:
            parts = [(needed, 1.0), (across, -0.5)]
        columns = np.concatenate([at for at, _ in parts])
        values = np.concatenate([np.full(len(at), value) for at, value in parts])
        rows = np.zeros(len(columns), np.int64)
        return csr_array((values, (rows, columns)), (1, self.num_columns))
