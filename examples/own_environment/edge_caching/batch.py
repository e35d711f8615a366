"""Many caches side by side: the rules of edge caching."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_caching.actions import ACTION_FORMS
from edge_caching.scenario import CachingScenario
from twin_gym.core.numpy_batch import NumPyBatch, Rows
from twin_gym.core.settings import BatchSettings

REQUEST, START = 0, 1
"""Streams of a world: the item that is asked for, and what the cache holds at first."""

_SOME_USES = 10.0


class EdgeCachingBatch(NumPyBatch):
    """A cache that is asked for one item a slot, and may keep an item that it did not hold.

    ## Story
    A base station holds a few of the items that its users ask for. What it does not hold is fetched
    from far away, and may then take the place of an item that it holds.

    ## Action Space
    `Discrete(places + 1)`: the place that the item asked for takes, or, as the last action,
    nobody's. After a hit only the last action is allowed; others count as it.

    ## Observation Space
    A float32 box in [0, 1]: `age` and `uses` of the item in each place, `uses of the request`,
    `miss` and `time` (see `edge_caching.actions.field_names`).

    ## Reward
    `hit`: 1 if the item asked for is held, else 0, whatever the action: it changes later requests.

    ## Starting State
    Items drawn evenly; the first request waits.

    ## Episode End
    Truncated at the horizon.

    ## Info
    `action_mask`, `elapsed_s` (a slot), `cost` (1 for a miss), `hit`, `disallowed_actions`, `kpi`
    (`hit_ratio`, `replaced`).

    ## Known answers
    Requests are independent, so no policy has a higher hit probability than a cache of the most
    popular items: see `edge_caching.theory`.
    """

    SCENARIO = CachingScenario
    DEFAULT_SCENARIO: ClassVar = "caching-small"
    ACTION_FORMS: ClassVar = ACTION_FORMS
    COMPONENTS: ClassVar = ("hit",)
    KPI_NAMES: ClassVar = ("hit_ratio", "replaced")

    def __init__(self, num_rows: int, settings: BatchSettings) -> None:
        super().__init__(num_rows, settings)
        # Of each scenario: requests are drawn by the inverse of the law. The last entry is above
        # any draw, for rounding may leave the sum below 1.
        self._law = [np.cumsum(one.popularity)[:-1] for one in self.scenarios]

    def make_state(self) -> dict[str, NDArray[Any]]:
        """The cached items, the current request, and the counts of former requests."""
        rows, places = self.num_rows, self.scenario.num_places
        items = max(one.num_items for one in self.scenarios)
        return {
            "cached": np.zeros((rows, places), np.int64),  # item in each place
            "used": np.zeros((rows, places), np.int64),  # slot of its last request
            "uses": np.zeros((rows, items), np.int64),  # requests of each item
            "request": np.zeros(rows, np.int64),  # item asked for
            "hits": np.zeros(rows, np.int64),
            "replaced": np.zeros(rows, np.int64),
        }

    def begin_rows(self, rows: Rows) -> None:
        """Items drawn evenly, and the first request."""
        state, places = self.state, self.scenario.num_places
        for network, one in enumerate(self.scenarios):
            mine = rows[self.heads["network"][rows] == network]
            drawn = self.draw(mine, START, np.arange(one.num_items)[None])
            state["cached"][mine] = drawn.argsort(axis=1, kind="stable")[:, :places]
        for name in ("used", "uses", "hits", "replaced"):
            state[name][rows] = 0
        self._ask(rows, np.zeros(len(rows), np.int64))

    def move_rows(self, rows: Rows, actions: NDArray[Any]) -> Mapping[str, ArrayLike]:
        """The request is answered, the missed item takes its place, and the next one is asked."""
        state, slots, wanted = self.state, self.slot_of(rows), self.state["request"][rows]
        is_hit = self._is_held(rows)
        takes = np.flatnonzero(actions < self.scenario.num_places)
        state["cached"][rows[takes], actions[takes]] = wanted[takes]
        at, place = np.nonzero(state["cached"][rows] == wanted[:, None])
        state["used"][rows[at], place] = slots[at]
        state["uses"][rows, wanted] += 1
        state["hits"][rows] += is_hit
        state["replaced"][rows[takes]] += 1
        self._ask(rows, slots + 1)
        return {"hit": is_hit, "cost": ~is_hit}

    def observe_rows(self, rows: Rows) -> ArrayLike:
        """Ages and uses of what is held, uses of what is asked for, a miss, and the time."""
        state, slots, places = self.state, self.slot_of(rows), self.scenario.num_places
        seen = np.empty((len(rows), 2 * places + 3))
        ages = slots[:, None] - state["used"][rows]
        uses = state["uses"][rows[:, None], state["cached"][rows]]
        asked = state["uses"][rows, state["request"][rows]]
        seen[:, :places] = ages / (ages + places)
        seen[:, places : 2 * places] = uses / (uses + _SOME_USES)
        seen[:, -3] = asked / (asked + _SOME_USES)
        seen[:, -2] = ~self._is_held(rows)
        seen[:, -1] = self.elapsed_share(rows)
        return seen

    def allow_rows(self, rows: Rows) -> ArrayLike:
        """Any place after a miss; nobody's always."""
        masks = np.ones((len(rows), self.scenario.num_places + 1), np.int8)
        masks[self._is_held(rows), :-1] = 0
        return masks

    def measure_rows(self, rows: Rows) -> Mapping[str, ArrayLike]:
        """Share of the requests that were hits, and items that took a place."""
        requests = np.maximum(self.slot_of(rows), 1)
        return {
            "hit_ratio": self.state["hits"][rows] / requests,
            "replaced": self.state["replaced"][rows],
        }

    def _is_held(self, rows: Rows) -> NDArray[np.bool_]:
        wanted = self.state["request"][rows][:, None]
        return np.asarray((self.state["cached"][rows] == wanted).any(axis=1))

    def _ask(self, rows: Rows, slots: NDArray[np.int64]) -> None:
        """The request of a slot, the same whatever is cached."""
        drawn = self.draw(rows, REQUEST, slots)
        networks = self.heads["network"][rows]
        for network, law in enumerate(self._law):
            mine = networks == network
            self.state["request"][rows[mine]] = np.searchsorted(law, drawn[mine])


BATCH = EdgeCachingBatch
