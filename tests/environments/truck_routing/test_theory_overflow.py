"""What overflows of one bin: the compound law, and a threshold that is looked at every day."""

import numpy as np
import pytest
from scipy.integrate import quad

from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.layout import build_tables
from twin_gym.environments.truck_routing.scenario import DAY_S, TruckScenario
from twin_gym.environments.truck_routing.theory.inspection import threshold_cycle
from twin_gym.environments.truck_routing.theory.poisson_gamma import Deposits, periodic_overflow_l
from twin_gym.environments.truck_routing.world import World
from twin_gym.errors import ConfigError


@pytest.mark.parametrize("shape", [1.0, 3.0])
def test_density_distribution_and_excess_agree(shape):
    """Each is an integral of the one before, with the probability of nothing in front."""
    law = Deposits(60.0, 8.0, shape)
    nothing = np.exp(-60.0 / 8.0)
    mass, _ = quad(lambda x: float(law.density(x)), 0.0, 50.0)
    assert nothing + mass == pytest.approx(float(law.probability_below(50.0)))
    excess, _ = quad(lambda x: 1.0 - float(law.probability_below(x)), 50.0, 500.0)
    assert float(law.mean_above(50.0)) == pytest.approx(excess)
    assert float(law.mean_above(0.0)) == pytest.approx(60.0)
    assert float(law.mean_above(-5.0)) == pytest.approx(65.0)
    assert float(law.probability_below(-1.0)) == 0.0


def test_variance_is_that_of_the_law():
    """E[X^2] = 2 times the integral of the mean excess."""
    law = Deposits(60.0, 8.0, 2.0)
    half_square, _ = quad(lambda x: float(law.mean_above(x)), 0.0, 600.0)
    assert 2.0 * half_square - 60.0**2 == pytest.approx(law.variance_l2)


def test_nothing_thrown_in_is_a_law_too():
    """With no deposits, nothing exceeds and everything is below."""
    law = Deposits(0.0, 5.0)
    assert (float(law.mean_above(1.0)), float(law.probability_below(0.0))) == (0.0, 1.0)


def test_worlds_overflow_as_the_law_says():
    """A bin that nobody empties for a day; 5 standard errors, a false alarm in 2 of a million."""
    lone = Bin(name="lone", x_m=500.0, y_m=0.0, capacity_l=240.0, inflow_l_per_h=10.0)
    scenario = TruckScenario(
        name="one-bin", horizon_s=DAY_S, bins=ListedBins(bins=(lone,)), initial_fill_max=0.0
    )
    tables = build_tables([scenario])
    thrown_in = np.array([World(tables, 0, key).volumes[-1, 0] for key in range(2_000)])
    lost = np.maximum(thrown_in - 240.0, 0.0)
    mean = scenario.deposits.deposit_mean_l
    exact = periodic_overflow_l(Deposits(240.0, mean), 240.0)
    assert abs(lost.mean() - exact) < 5.0 * lost.std() / np.sqrt(len(lost))


@pytest.mark.parametrize(("lag_h", "shape"), [(0, 1), (3, 1), (2, 4)])
def test_threshold_cycle_is_that_of_simulated_days(lag_h, shape):
    """40,000 cycles drawn by the rules in words; 5 standard errors each."""
    inflow, capacity, threshold, mean = 4.0, 200.0, 140.0, 12.0
    draw = np.random.default_rng(7)

    def thrown_in(hours, count):
        deposits = draw.poisson(inflow * hours / mean, count)
        return draw.gamma(np.maximum(shape * deposits, 1e-9), mean / shape) * (deposits > 0)

    cycles = 40_000
    content, days = thrown_in(24 - lag_h, cycles), np.ones(cycles)
    while (waits := content < threshold).any():
        content[waits] += thrown_in(24, int(waits.sum()))
        days[waits] += 1.0
    content += thrown_in(lag_h, cycles)
    lost = np.maximum(content - capacity, 0.0)
    exact = threshold_cycle(
        inflow, capacity, threshold, deposit_mean_l=mean, deposit_shape=shape, lag_h=lag_h
    )
    assert abs(days.mean() - exact.days) < 5.0 * days.std() / np.sqrt(cycles)
    assert abs(lost.mean() - exact.overflow_l) < 5.0 * lost.std() / np.sqrt(cycles)


def test_lowest_threshold_empties_daily():
    """Whatever is in the bin is taken every day, and overflows as in a period of a day."""
    cycle = threshold_cycle(10.0, 240.0, 1e-6, deposit_mean_l=5.0)
    assert cycle.days == pytest.approx(1.0)
    assert cycle.overflow_l == pytest.approx(periodic_overflow_l(Deposits(240.0, 5.0), 240.0))
    assert cycle.cost_per_day(5.0, 0.5) == pytest.approx(5.0 + 0.5 * cycle.overflow_l)


def test_values_out_of_range_are_refused():
    """With the value and what is allowed."""
    with pytest.raises(ConfigError, match="`deposit_mean_l` must be finite and positive, got 0"):
        Deposits(1.0, 0.0)
    with pytest.raises(ConfigError, match="at most that inside, got 10 l and 20 l"):
        periodic_overflow_l(Deposits(1.0, 1.0), 10, 20)
    with pytest.raises(ConfigError, match=r"at most `capacity_l`, got 300\.0 and 200\.0"):
        threshold_cycle(1.0, 200.0, 300.0, deposit_mean_l=5.0)
    with pytest.raises(ConfigError, match="from 0 to 23, got 24"):
        threshold_cycle(1.0, 200.0, 100.0, deposit_mean_l=5.0, lag_h=24)
    with pytest.raises(
        ConfigError, match=r"`inflow_l_per_h` must be finite and positive, got 0\.0"
    ):
        threshold_cycle(0.0, 200.0, 100.0, deposit_mean_l=5.0)
