"""Which bins are taken, and what their emptyings before and after a day tell of them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from benchmarks.environments.truck_routing.fit import ALL_BINS, EMPTYINGS, FULL_SHARE
from benchmarks.experiments.blocks import Floats
from twin_gym.environments.truck_routing.bins import bin_table
from twin_gym.environments.truck_routing.emptyings import (
    Emptyings,
    Inflows,
    inflows_by_moments,
    read_emptyings,
)
from twin_gym.environments.truck_routing.registers import MIN_INFLOW_L_PER_H, BinTable
from twin_gym.environments.truck_routing.scenario import DAY_S

FIRST_FILE_DAY, SPLIT = date(2016, 6, 3), date(2016, 7, 1)
SPLIT_DAY, LAST_DAY = (SPLIT - FIRST_FILE_DAY).days, 46
PARTS = 5
QUICK_BINS = 12

Fit = Literal["June", "July"]
"""The days that inflows are fitted to."""

BEFORE: Fit = "June"
AFTER: Fit = "July"
FITS: tuple[Fit, Fit] = (BEFORE, AFTER)


class Part(NamedTuple):
    """Bins of one block.

    Attributes:
        table: names, places and capacities; the inflows are those of the whole file.
        emptyings: all that were recorded, by bin.
    """

    table: BinTable
    emptyings: tuple[Emptyings, ...]


@lru_cache(maxsize=1)
def known() -> Part:
    """All bins that were emptied both before and after the split, in the order of the register.

    Raises:
        TraceError: if the data are not there.
    """
    table, by_bin = bin_table(ALL_BINS), read_emptyings(EMPTYINGS)
    split_s = SPLIT_DAY * DAY_S
    is_taken = np.array(
        [
            (by_bin[name].times_s < split_s).any() and (by_bin[name].times_s >= split_s).any()
            for name in table.names
        ]
    )
    return _taken(Part(table, tuple(by_bin[name] for name in table.names)), is_taken)


def part(block: int, *, quick: bool) -> Part:
    """Every fifth bin; of a small run the first ones of them."""
    whole = known()
    numbers = np.arange(len(whole.emptyings))
    is_taken = numbers % PARTS == block
    return _taken(whole, is_taken & (numbers < PARTS * QUICK_BINS) if quick else is_taken)


def _taken(whole: Part, is_taken: Floats) -> Part:
    table = whole.table
    names = tuple(name for name, taken in zip(table.names, is_taken, strict=True) if taken)
    columns = [np.asarray(column)[is_taken] for column in table[1:]]
    emptyings = [one for one, taken in zip(whole.emptyings, is_taken, strict=True) if taken]
    return Part(BinTable(names, *columns), tuple(emptyings))


def within(one: Emptyings, first_day: float, last_day: float) -> Emptyings:
    """The emptyings of some days, the last one excluded."""
    is_in = (one.times_s >= first_day * DAY_S) & (one.times_s < last_day * DAY_S)
    return Emptyings(one.times_s[is_in], one.fills[is_in])


def fitted(of: Part, fit: Fit) -> Inflows:
    """Inflows by moments of the days before the split, or of those after it."""
    days = (0, SPLIT_DAY) if fit == BEFORE else (SPLIT_DAY, LAST_DAY)
    some = [within(one, *days) for one in of.emptyings]
    found = inflows_by_moments(some, of.table.capacity_l, FULL_SHARE)
    return found._replace(inflow_l_per_h=np.maximum(found.inflow_l_per_h, MIN_INFLOW_L_PER_H))
