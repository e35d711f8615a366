"""Laws fitted to the bins of Edinburgh: known laws are recovered, and the presets are the fit."""

import numpy as np
import pytest

from benchmarks.environments.truck_routing.calibrate import scenarios
from benchmarks.environments.truck_routing.fit import (
    fit_edinburgh,
    fit_inflows,
    fit_quarters,
    profile_of,
)
from twin_gym.environments.truck_routing.bins import bin_table
from twin_gym.environments.truck_routing.emptyings import Emptyings
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.scenario.loading import load

HOUR_S = 3600.0
QUARTERS = np.array([0.2, 0.8, 1.8, 1.2])


def simulated_emptyings(rng, inflow_l_per_h, days):
    """A bin that is emptied every 5 to 40 hours, with exponential deposits of 4 l by the quarters.

    Full is at 1,000 l.
    """
    hours = np.arange(days * 24)
    rates = inflow_l_per_h / 4.0 * QUARTERS[hours % 24 // 6]
    litres = np.array([rng.exponential(4.0, size).sum() for size in rng.poisson(rates)])
    ends = np.cumsum(rng.integers(5, 40, days))
    ends = ends[ends < len(hours)]
    thrown_in = np.concatenate(([0.0], np.cumsum(litres)))[ends]
    return Emptyings(ends * HOUR_S, np.diff(thrown_in, prepend=0.0) / 1000.0)


def test_quarters_of_a_day_are_recovered():
    """Each within four of the standard errors that the fit states, and these are small."""
    rng = np.random.default_rng(1)
    inflow = np.linspace(2.0, 8.0, 60)
    emptyings = [simulated_emptyings(rng, one, 60) for one in inflow]
    factors, errors = fit_quarters(emptyings, inflow, np.full(60, 1000.0))
    assert (np.abs(factors - QUARTERS) < 4.0 * errors).all()
    assert (errors < 0.15).all()


def test_line_of_inflows_is_recovered():
    """From draws of it, a few of which are far too low: 4,000 bins, all within 5 %."""
    rng = np.random.default_rng(2)
    capacity_l = rng.choice([100.0, 240.0, 480.0], 4000)
    inflow = 2.0 * (capacity_l / 240.0) ** 0.6 * np.exp(0.5 * rng.standard_normal(4000))
    inflow[:40] /= 100.0
    median, exponent, sigma = fit_inflows(inflow, capacity_l)
    assert median == pytest.approx(2.0, rel=0.05)
    assert exponent == pytest.approx(0.6, abs=0.05)
    assert sigma == pytest.approx(0.5, rel=0.05)


def test_profile_has_mean_1_and_nothing_below_0():
    """A quarter that was fitted below 0 is 0, and the others make up for it."""
    profile = profile_of(np.array([-0.2, 1.0, 2.0, 1.2]))
    assert len(profile) == 24
    assert profile[:6] == (0.0,) * 6
    assert sum(profile) / 24 == pytest.approx(1.0, abs=1e-3)


@pytest.mark.usefixtures("data_dir")
def test_presets_of_edinburgh_are_what_the_command_writes():
    """No number of theirs was changed by hand, and no preset was forgotten."""
    for scenario in scenarios(fit_edinburgh()):
        assert load(scenario.name, TruckScenario) == scenario


@pytest.mark.usefixtures("data_dir")
def test_calibrated_bins_are_like_those_of_edinburgh():
    """Litres a day of a bin within a fifth, and the median days to fill within a third."""
    real, drawn = (
        bin_table(load(name, TruckScenario).bins)
        for name in ("truck-edinburgh-334", "truck-edinburgh-calibrated")
    )
    assert drawn.inflow_l_per_h.mean() == pytest.approx(real.inflow_l_per_h.mean(), rel=0.2)
    days = [np.median(one.capacity_l / one.inflow_l_per_h) for one in (drawn, real)]
    assert days[0] == pytest.approx(days[1], rel=0.33)
