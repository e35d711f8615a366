"""Laws fitted to the litter bins of Edinburgh: inflows, capacities, deposits, hours, detours.

All by the method of moments or by least squares; nothing is drawn at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.truck_routing.bins import bin_table
from twin_gym.environments.truck_routing.data_files import DataFile
from twin_gym.environments.truck_routing.emptyings import (
    HOUR_S,
    EmptyingFile,
    Emptyings,
    inflows_by_moments,
    read_emptyings,
)
from twin_gym.environments.truck_routing.registers import BinFile
from twin_gym.environments.truck_routing.road_files import RoadFile
from twin_gym.environments.truck_routing.roads import StraightRoads, distances_m

FOLDER = "edinburgh_waste/"
FULL_SHARE = 0.8
"""The source notes that a reading of 100 means that a bin is 80 % full."""

EMPTYINGS = EmptyingFile(path=FOLDER + "collections.csv", format="edinburgh", full_share=FULL_SHARE)
ROADS = RoadFile(
    file=DataFile(path=FOLDER + "road_edges.csv"),
    nodes=DataFile(path=FOLDER + "road_nodes.csv"),
    format="edinburgh",
)
NUM_BINS = 334
ALL_BINS = BinFile(
    file=DataFile(path=FOLDER + "bins.csv"),
    format="edinburgh",
    emptyings=EMPTYINGS,
    count=NUM_BINS,
)

QUARTER_H = 6
QUARTERS = 4
NUM_CAPACITIES = 20
GROUPS = 20
"""Parts of the bins that are left out in turn for standard errors (jackknife)."""

FEWEST_INTERVALS = 2
"""Of a bin: from one alone nothing is learnt of hours."""

Floats = NDArray[np.float64]


class Fit(NamedTuple):
    """Figures of all bins.

    Attributes:
        median_inflow_l_per_h: of a bin of the median capacity.
        capacity_exponent: how inflow grows with capacity.
        inflow_sigma: standard deviation of the logarithm of the inflow at one capacity.
        capacities_l: quantiles in the middles of equal shares; shape (20,).
        dispersion_l: variance of what is thrown in over its mean.
        quarters: inflow of the quarters of a day over the mean one; shape (4,).
        quarter_errors: their standard errors; shape (4,).
        full_share_of_emptyings: emptyings at which the sensor showed its most.
        num_intervals: times between two emptyings of one bin.
        detour: length of all ways between bins over that of their beelines.
        width_m: of the rectangle that spreads bins as much from west to east.
        height_m: likewise from south to north.
    """

    median_inflow_l_per_h: float
    capacity_exponent: float
    inflow_sigma: float
    capacities_l: Floats
    dispersion_l: float
    quarters: Floats
    quarter_errors: Floats
    full_share_of_emptyings: float
    num_intervals: int
    detour: float
    width_m: float
    height_m: float


def fit_edinburgh() -> Fit:
    """Fits all that the preset `truck-edinburgh-calibrated` has of the data.

    Raises:
        TraceError: if the data are not there.
    """
    table = bin_table(ALL_BINS)
    by_bin = read_emptyings(EMPTYINGS)
    emptyings = [by_bin[name] for name in table.names]
    moments = inflows_by_moments(emptyings, table.capacity_l, FULL_SHARE)
    median, exponent, sigma = fit_inflows(table.inflow_l_per_h, table.capacity_l)
    quarters, errors = fit_quarters(emptyings, table.inflow_l_per_h, FULL_SHARE * table.capacity_l)
    fills = np.concatenate([one.fills for one in emptyings])
    beelines_m = distances_m(StraightRoads(detour=1.0), table.x_m, table.y_m)
    middles = (np.arange(NUM_CAPACITIES) + 0.5) / NUM_CAPACITIES
    return Fit(
        median_inflow_l_per_h=median,
        capacity_exponent=exponent,
        inflow_sigma=sigma,
        capacities_l=np.quantile(table.capacity_l, middles, method="nearest"),
        dispersion_l=moments.dispersion_l,
        quarters=quarters,
        quarter_errors=errors,
        full_share_of_emptyings=float((fills >= 1.0).mean()),
        num_intervals=len(fills) - len(emptyings),
        detour=float(distances_m(ROADS, table.x_m, table.y_m).sum() / beelines_m.sum()),
        width_m=float(table.x_m.std() * np.sqrt(12.0)),
        height_m=float(table.y_m.std() * np.sqrt(12.0)),
    )


def fit_inflows(inflow_l_per_h: Floats, capacity_l: Floats) -> tuple[float, float, float]:
    """A line through the logarithms of inflows over those of capacities, and the spread around it.

    The slope is that of least squares. Height and spread are of the middle half of the bins: a few
    were hardly ever emptied.

    Args:
        inflow_l_per_h: of each bin; shape (bins,).
        capacity_l: likewise.

    Returns:
        Median inflow at the median capacity, exponent of the capacity, and standard deviation of
        the normal law that has the quartiles of the logarithm around the line.

    Example:
        >>> capacity_l = np.array([100.0, 200.0, 400.0])
        >>> median, exponent, sigma = fit_inflows(0.01 * capacity_l, capacity_l)
        >>> round(median, 6), round(exponent, 6), round(sigma, 6)
        (2.0, 1.0, 0.0)
    """
    sizes = np.log(capacity_l / np.median(capacity_l))
    exponent = np.polyfit(sizes, np.log(inflow_l_per_h), 1)[0]
    low, middle, high = np.quantile(np.log(inflow_l_per_h) - exponent * sizes, (0.25, 0.5, 0.75))
    quartile = NormalDist().inv_cdf(0.75)
    return float(np.exp(middle)), float(exponent), float((high - low) / (2.0 * quartile))


def fit_quarters(
    emptyings: Sequence[Emptyings], inflow_l_per_h: Floats, full_l: Floats
) -> tuple[Floats, Floats]:
    """How the inflow of the quarters of a day differs, from what was found at emptyings.

    What a bin holds is expected to be its inflow times the hours since its last emptying, each
    weighted with the factor of its quarter. Least squares with weights, for the variance of what is
    thrown in is proportional to its mean. Bins without two intervals are left out.

    Args:
        emptyings: of each bin.
        inflow_l_per_h: of each bin; shape (bins,).
        full_l: content of each bin at which its sensor shows 1; shape (bins,).

    Returns:
        Factors of mean 1, and their standard errors by leaving out a twentieth of the bins in turn;
        each of shape (4,).
    """
    hours, found, group = [], [], []
    for k, one in enumerate(emptyings):
        if len(one.times_s) <= FEWEST_INTERVALS:
            continue
        weight = 1.0 / np.sqrt(inflow_l_per_h[k] * np.diff(one.times_s) / HOUR_S)
        in_quarters = np.diff(hours_in_quarters(one.times_s / HOUR_S), axis=0)
        hours.append(in_quarters * (inflow_l_per_h[k] * weight)[:, None])
        found.append(one.fills[1:] * full_l[k] * weight)
        group.append(np.full(len(weight), k % GROUPS))
    design, content, of_group = (np.concatenate(part) for part in (hours, found, group))
    some = [_quarters(design[of_group != k], content[of_group != k]) for k in range(GROUPS)]
    spread = np.array(some) - np.mean(some, axis=0)
    errors: Floats = np.sqrt((GROUPS - 1) / GROUPS * (spread**2).sum(axis=0))
    return _quarters(design, content), errors


def _quarters(design: Floats, content: Floats) -> Floats:
    factors = np.linalg.lstsq(design, content, rcond=None)[0]
    return np.asarray(factors / factors.mean(), np.float64)


def hours_in_quarters(time_h: Floats) -> Floats:
    """Hours since midnight that lie in each quarter of a day: 0 to 6, to 12, to 18, to 24.

    Args:
        time_h: hours since a midnight; shape (times,).

    Returns:
        Sums of `time_h` over the last axis; shape (times, 4).

    Example:
        >>> hours_in_quarters(np.array([31.0])).tolist()
        [[12.0, 7.0, 6.0, 6.0]]
    """
    days, hour = np.divmod(time_h, QUARTER_H * QUARTERS)
    begin = QUARTER_H * np.arange(QUARTERS)
    spent: Floats = QUARTER_H * days[:, None] + np.clip(hour[:, None] - begin, 0.0, QUARTER_H)
    return spent


def profile_of(quarters: Floats) -> tuple[float, ...]:
    """A day of 24 hours from factors of its quarters, rounded, none below 0, of mean 1.

    Args:
        quarters: of mean 1; shape (4,).

    Returns:
        24 factors.

    Example:
        >>> profile_of(np.array([0.0, 1.0, 2.0, 1.0]))[5:7]
        (0.0, 1.0)
    """
    positive = np.maximum(quarters, 0.0)
    rounded = (positive / positive.mean()).round(3)
    return tuple(float(one) for one in np.repeat(rounded, QUARTER_H))
