"""The real-time twin over rounds: a tenth of the entities is asked, and some answers are lost."""

from __future__ import annotations

import numpy as np

from benchmarks.experiments.blocks import Floats
from benchmarks.experiments.scenario_accuracy.panels import ROUND_S, Panel
from twin_gym.twins.realtime import Event, Link, TwinGraph

SHARE = 0.102
"""Of the entities a round: as in `sync-rounds`, so that 0.8 of it reaches 98 % in 12 rounds."""

TWINNING_RATE = 0.8


class RealTimeTwin:
    """A graph of twins that is told of some entities in each round.

    The entities of which nothing was heard are asked first, in random order, then those that were
    heard of longest ago. An update has all attributes of its entity, and arrives or is lost whole.

    Args:
        panel: what there is.
        rng: of the order.
        seed: of the losses.
        share: of the entities that are asked in a round, on average.
        twinning_rate: probability that an update arrives.

    Attributes:
        graph: what is known.
    """

    def __init__(
        self,
        panel: Panel,
        rng: np.random.Generator,
        seed: int,
        *,
        share: float = SHARE,
        twinning_rate: float = TWINNING_RATE,
    ) -> None:
        self.graph = TwinGraph()
        self._columns = [np.flatnonzero(panel.entity_of == e) for e in range(panel.num_entities)]
        self._names = [f"attribute/{column}" for column in range(len(panel.entity_of))]
        for name in self._names:
            self.graph.add_twin(name, "Entity")
        self._link = Link(loss=1.0 - twinning_rate, seed=seed)
        self._share, self._rng, self._round = share, rng, 0

    def listen(self, truth: Floats) -> None:
        """Advances by one round.

        Args:
            truth: coordinates of the physical network; shape (columns,).
        """
        self._round += 1
        now_s = self._round * ROUND_S
        self.graph.advance(now_s)
        first = {self._names[columns[0]]: columns for columns in self._columns}
        asked = [self._columns[entity][0] for entity in self._next()]
        events = [Event(now_s, self._names[k], "value", float(truth[k])) for k in asked]
        self._link.send(events, now_s)
        for delivery in self._link.arrived(now_s):
            for k in first[delivery.event.twin]:
                event = Event(now_s, self._names[k], "value", float(truth[k]))
                self.graph.take(event, delivery.number)

    def known(self) -> tuple[Floats, Floats]:
        """The values that are known now.

        Returns:
            Coordinates, not a number where unknown, and their ages in rounds (there: infinite);
            each of shape (columns,).
        """
        values = [self.graph.value(name, "value") for name in self._names]
        ages = np.array([self.graph.age_s(name, "value") for name in self._names]) / ROUND_S
        return np.array([np.nan if v is None else v for v in values], np.float64), np.round(ages)

    def _next(self) -> list[int]:
        """Entities that are asked in this round."""
        count = len(self._columns)
        due = [int(self._share * count * number + 0.5) for number in (self._round - 1, self._round)]
        ages = self.known()[1][[columns[0] for columns in self._columns]]
        order = np.lexsort((self._rng.random(count), -ages))
        chosen: list[int] = order[: max(due[1] - due[0], 0)].tolist()
        return chosen
