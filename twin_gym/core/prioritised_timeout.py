"""An event with a rank among those of the same moment."""

from __future__ import annotations

import simpy
from simpy.events import EventPriority


class PrioritisedTimeout(simpy.Event):
    """Comes after a delay; of several at one moment, the one of the lowest rank comes first.

    Args:
        clock: counts in ticks.
        delay: whole ticks from now.
        rank: at least 1; SimPy starts processes at rank 0.
    """

    def __init__(self, clock: simpy.Environment, delay: int, rank: int) -> None:
        super().__init__(clock)
        self._ok = True
        self._value = None
        clock.schedule(self, priority=EventPriority(rank), delay=delay)
