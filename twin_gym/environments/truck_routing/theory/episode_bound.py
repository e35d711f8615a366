"""draft"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from twin_gym.environments.truck_routing.theory.known_episode import KnownEpisode
from twin_gym.environments.truck_routing.theory.linear_programme import Solution
from twin_gym.environments.truck_routing.theory.relaxation import Relaxation
from twin_gym.environments.truck_routing.theory.subtours import overloaded_set, subtour_sets

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_NEAREST = 8
MOST=2000
_TOLERANCE = 1e-3
_REDUCED = 1e-7
_MOST_ROUNDS = 60
_PATIENCE = 4


@dataclass(frozen=True)
class CostBound:
    cost: float
    rounds: int
    cuts: int
    finished: bool


@dataclass
class _Cut:
    row: csr_array
    unused: int = 0


def least_cost_bound(episode: KnownEpisode, *, parts_per_shift: int = 1, verbose=False, relative_gain: float = 1e-4):
    import time
    relaxation = Relaxation(episode, parts_per_shift)
    programme = relaxation.programme()
    in_use = _first_columns(relaxation)
    cuts: list[_Cut] = []
    best, history = 0.0, []
    for rounds in range(_MOST_ROUNDS):
        t0 = time.process_time()
        found = programme.solve(in_use, [cut.row for cut in cuts])
        t1 = time.process_time()
        best = max(best, found.bound)
        history.append(found.optimum)
        missing = ~in_use & (found.reduced_costs < -_REDUCED)
        for cut, price in zip(cuts, found.cut_prices, strict=True):
            cut.unused = 0 if price < 0.0 else cut.unused + 1
        added = _cuts(relaxation, found)
        t2 = time.process_time()
        if verbose:
            lp = found.values @ programme._costs
            print(f"{rounds} lp {lp:.4f} bound {found.bound:.4f} best {best:.4f} cols {in_use.sum()}/{len(in_use)} missing {missing.sum()} cuts {len(cuts)} +{len(added)} lp {t1-t0:.2f}s sep {t2-t1:.2f}s", flush=True)
        if not added and not missing.any():
            return relaxation, found, CostBound(best, rounds, len(cuts), True)
        worst = np.flatnonzero(missing)
        if len(worst) > MOST:
            worst = worst[np.argsort(found.reduced_costs[worst])[:MOST]]
        in_use[worst] = True
        if len(history) > _PATIENCE and found.optimum - history[-1 - _PATIENCE] < relative_gain * best and found.optimum - best < relative_gain * best:
            break
        cuts = [cut for cut in cuts if cut.unused < 4] + added
    return relaxation, found, CostBound(best, rounds, len(cuts), False)


def _first_columns(relaxation: Relaxation) -> Bools:
    episode = relaxation.episode
    near = np.argsort(episode.distance_m[:-1, :-1], axis=1, kind="stable")[:, 1 : _NEAREST + 1]
    wanted = np.zeros(relaxation.ends.shape[1], bool)
    wanted[relaxation.pair_of[np.arange(episode.num_bins)[:, None], near]] = True
    wanted |= relaxation.ends[1] == episode.num_bins
    in_use = np.ones(relaxation.num_columns, bool)
    in_use[relaxation.driven] = wanted
    arcs = relaxation.given_arcs
    alike = arcs.first % arcs.parts_per_shift == arcs.second % arcs.parts_per_shift
    in_use[relaxation.arcs] = alike | (arcs.first < 0) | (arcs.second == arcs.num_parts)
    return in_use


def _cuts(relaxation: Relaxation, found: Solution) -> list[_Cut]:
    added: list[_Cut] = []
    for shift in range(len(relaxation.trips)):
        driven = found.values[relaxation.driven[shift]]
        weights = np.where(relaxation.pair_of < 0, 0.0, driven[relaxation.pair_of])
        visited = found.values[relaxation.visited[shift]]
        for members in subtour_sets(weights, visited, _TOLERANCE):
            target = int(np.where(members, visited, -1.0).argmax())
            added.append(_Cut(relaxation.subtour_cut(shift, members, target)))
        if np.isfinite(relaxation.episode.truck_capacity_l):
            loads = found.values[relaxation.taken[shift]]
            over = overloaded_set(weights, loads, _TOLERANCE)
            if over is not None:
                added.append(_Cut(relaxation.load_cut(shift, over)))
    return added
