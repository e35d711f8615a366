"""The bins of a scenario: listed, drawn at random, or read from a register.

=========  ==========================================================================
law        bins
=========  ==========================================================================
`listed`   each with its place, capacity and inflow
`drawn`    scattered over a rectangle, inflows lognormal; a pure function of the seed
`file`     a register of bins, with inflows fitted to recorded emptyings
=========  ==========================================================================
"""

from __future__ import annotations

import functools
import math
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from scipy.special import ndtri

from twin_gym.environments.truck_routing.registers import (
    MAX_BINS,
    MAX_CAPACITY_L,
    MAX_COORDINATE_M,
    MAX_INFLOW_L_PER_H,
    MIN_CAPACITY_L,
    MIN_INFLOW_L_PER_H,
    BinFile,
    BinTable,
    frozen_table,
    read_bins,
)
from twin_gym.errors import ConfigError
from twin_gym.scenario.base import FrozenModel

MAX_CROSSINGS = 1_000_000

Metres = Annotated[
    float,
    Field(strict=True, ge=-MAX_COORDINATE_M, le=MAX_COORDINATE_M, allow_inf_nan=False),
]
Length = Annotated[float, Field(strict=True, ge=1.0, le=1e6, allow_inf_nan=False)]
Volume = Annotated[
    float, Field(strict=True, ge=MIN_CAPACITY_L, le=MAX_CAPACITY_L, allow_inf_nan=False)
]
Inflow = Annotated[
    float, Field(strict=True, ge=MIN_INFLOW_L_PER_H, le=MAX_INFLOW_L_PER_H, allow_inf_nan=False)
]
Label = Annotated[str, Field(strict=True, min_length=1, max_length=128)]
Count = Annotated[int, Field(strict=True, ge=1, le=MAX_BINS)]

Floats = NDArray[np.float64]


class Bin(FrozenModel):
    """One bin.

    Attributes:
        name: how tables and errors call it.
        x_m: easting of any plane.
        y_m: northing of it.
        capacity_l: content at which nothing more fits in.
        inflow_l_per_h: what is thrown in on average.
    """

    name: Label
    x_m: Metres
    y_m: Metres
    capacity_l: Volume
    inflow_l_per_h: Inflow


class ListedBins(FrozenModel):
    """Bins one by one.

    Attributes:
        bins: in the order of the actions; no two of one name.
    """

    law: Literal["listed"] = "listed"
    bins: Annotated[tuple[Bin, ...], Field(min_length=1, max_length=MAX_BINS)]

    @model_validator(mode="after")
    def _names_differ(self) -> ListedBins:
        names = [one.name for one in self.bins]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"two bins have the name {twice!r}: rename one")
        return self

    @property
    def count(self) -> int:
        """Number of bins."""
        return len(self.bins)


class DrawnBins(FrozenModel):
    """Bins scattered evenly over a rectangle; the same bins for the same seed.

    A bin's inflow is median_inflow_l_per_h * (capacity / median capacity)^capacity_exponent *
    exp(inflow_sigma * Z) with a standard normal Z. Coordinates are rounded to 0.1 m and inflows to
    0.0001 l/h, so that they do not depend on the machine.

    Attributes:
        count: number of bins.
        seed: of the draws.
        width_m: of the rectangle, whose lower left corner is the origin.
        height_m: likewise.
        spacing_m: bins stand only at whole multiples of this, no two at one place; None: anywhere.
        capacities_l: each bin has one of these, all equally likely.
        median_inflow_l_per_h: of a bin of the median capacity.
        inflow_sigma: standard deviation of the logarithm of the inflow at one capacity.
        capacity_exponent: 0: inflow does not depend on capacity; 1: it is proportional to it.
    """

    law: Literal["drawn"] = "drawn"
    count: Count
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32)] = 0
    width_m: Length
    height_m: Length
    spacing_m: Length | None = None
    capacities_l: Annotated[tuple[Volume, ...], Field(min_length=1, max_length=100)] = (240.0,)
    median_inflow_l_per_h: Inflow
    inflow_sigma: Annotated[float, Field(strict=True, ge=0, le=3, allow_inf_nan=False)] = 0.0
    capacity_exponent: Annotated[float, Field(strict=True, ge=0, le=3, allow_inf_nan=False)] = 0.0

    @model_validator(mode="after")
    def _has_places(self) -> DrawnBins:
        if self.spacing_m is None:
            return self
        columns, rows = _crossings(self, self.spacing_m)
        if columns * rows > MAX_CROSSINGS:
            raise ConfigError(
                f"a rectangle of {self.width_m:g} m by {self.height_m:g} m has "
                f"{columns * rows:,} places at a spacing of {self.spacing_m:g} m; at most "
                f"{MAX_CROSSINGS:,} are drawn from: raise `spacing_m`"
            )
        if columns * rows < self.count:
            raise ConfigError(
                f"a rectangle of {self.width_m:g} m by {self.height_m:g} m has {columns * rows} "
                f"places at a spacing of {self.spacing_m:g} m and {self.count} bins are asked for: "
                "lower `spacing_m` or `count`, or enlarge the rectangle"
            )
        return self


def _crossings(bins: DrawnBins, spacing_m: float) -> tuple[int, int]:
    return int(bins.width_m / spacing_m) + 1, int(bins.height_m / spacing_m) + 1


Bins = Annotated[ListedBins | DrawnBins | BinFile, Field(discriminator="law")]


def bin_table(bins: ListedBins | DrawnBins | BinFile) -> BinTable:
    """The bins that a model stands for.

    Args:
        bins: listed, drawn or in a file.

    Returns:
        `bins.count` bins in the order of the actions.

    Raises:
        TraceError: if a file is not there or breaks its format, with the line.

    Example:
        >>> drawn = DrawnBins(count=2, width_m=1e3, height_m=1e3, median_inflow_l_per_h=2.0)
        >>> bin_table(drawn).inflow_l_per_h
        array([2., 2.])
    """
    if isinstance(bins, BinFile):
        return read_bins(bins)
    if isinstance(bins, DrawnBins):
        return _drawn(bins)
    columns = zip(*((b.x_m, b.y_m, b.capacity_l, b.inflow_l_per_h) for b in bins.bins), strict=True)
    return frozen_table(tuple(one.name for one in bins.bins), *map(np.array, columns))


@functools.lru_cache(maxsize=64)
def _drawn(bins: DrawnBins) -> BinTable:
    uniforms = np.random.default_rng(bins.seed).random((4, bins.count))
    capacities = np.array(bins.capacities_l)
    capacity_l = capacities[(uniforms[2] * len(capacities)).astype(np.int64)]
    scale = (capacity_l / np.median(capacities)) ** bins.capacity_exponent
    spread = np.exp(bins.inflow_sigma * ndtri(np.maximum(uniforms[3], 2.0**-54)))
    inflow = np.clip(bins.median_inflow_l_per_h * scale * spread, 1e-4, 1e5)
    x_m, y_m = uniforms[0] * bins.width_m, uniforms[1] * bins.height_m
    if bins.spacing_m is not None:
        x_m, y_m = _on_crossings(bins, bins.spacing_m)
    digits = math.ceil(math.log10(bins.count + 1))
    names = tuple(f"bin-{k:0{digits}d}" for k in range(bins.count))
    return frozen_table(names, x_m.round(1), y_m.round(1), capacity_l, inflow.round(4))


def _on_crossings(bins: DrawnBins, spacing_m: float) -> tuple[Floats, Floats]:
    """Different crossings, in order of a random key of each."""
    columns, rows = _crossings(bins, spacing_m)
    keys = np.random.default_rng((bins.seed, 1)).random(columns * rows)
    chosen = np.argsort(keys, kind="stable")[: bins.count]
    rows_below, columns_left = np.divmod(chosen.astype(np.float64), columns)
    return columns_left * spacing_m, rows_below * spacing_m
