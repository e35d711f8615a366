"""Forecasts of bins against sums over drawn deposits."""

import numpy as np
import pytest

from twin_gym.environments.truck_routing.policies.forecast import (
    Forecast,
    expected_overflow_l,
    overflow_probability,
)

DAY_S = 86_400.0


def forecast(**changes):
    """Two bins; nothing is thrown in at night, twice as much by day."""
    given = {
        "inflow_l_per_h": np.array([2.0, 5.0]),
        "hour_factors": np.tile([0.0] * 12 + [2.0] * 12, 2),
        "dispersion_l": 10.0,
    }
    return Forecast(**{**given, **changes})


def test_expected_litres_follow_the_hours():
    """Half of a day's inflow in six hours of the day, none at night; days repeat."""
    made = forecast()
    np.testing.assert_allclose(made.expected_l(0.0, DAY_S), [48.0, 120.0])
    np.testing.assert_allclose(made.expected_l(DAY_S / 2, 0.75 * DAY_S), [24.0, 60.0])
    np.testing.assert_allclose(made.expected_l(0.0, DAY_S / 2), 0.0)
    np.testing.assert_allclose(made.expected_l(5 * DAY_S, 7.5 * DAY_S), [96.0, 240.0])
    np.testing.assert_allclose(made.expected_l(np.array([DAY_S, 0.0]), DAY_S), [0.0, 120.0])
    np.testing.assert_allclose(made.expected_l(DAY_S, 0.0), 0.0)


@pytest.mark.parametrize(("room_l", "mean_l"), [(5.0, 40.0), (60.0, 40.0), (100.0, 40.0)])
def test_overflow_is_that_of_drawn_deposits(room_l, mean_l):
    """200,000 draws of exponential deposits of 5 litres; the Gamma law is off by a few
    per cent, and by some hundredths of a litre in the tail."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(mean_l / 5.0, 200_000)
    litres = rng.gamma(np.maximum(counts, 1e-12), 5.0) * (counts > 0)
    made = forecast()
    room, mean = np.full(1, room_l), np.full(1, mean_l)
    over = np.maximum(litres - room_l, 0.0).mean()
    np.testing.assert_allclose(made.overflow_l(room, mean), over, rtol=0.05, atol=0.06)
    chance = (litres > room_l).mean()
    np.testing.assert_allclose(made.overflow_probability(room, mean), chance, atol=0.01)


def test_limits_of_overflow():
    """A full bin loses all, one into which nothing is thrown nothing; certainty is a step."""
    room, mean = np.array([0.0, -5.0, 50.0]), np.array([40.0, 40.0, 0.0])
    np.testing.assert_allclose(expected_overflow_l(room, mean, 10.0 * mean), [40.0, 40.0, 0.0])
    np.testing.assert_allclose(overflow_probability(room, mean, 10.0 * mean), [1.0, 1.0, 0.0])
    sure = expected_overflow_l(np.array([30.0, 50.0]), np.array([40.0, 40.0]), np.full(2, 1e-3))
    np.testing.assert_allclose(sure, [10.0, 0.0], atol=1e-6)


def test_overflow_falls_with_room_and_rises_with_inflow():
    """Over a grid of rooms and means."""
    room, mean = np.linspace(0.0, 200.0, 41)[:, None], np.linspace(1.0, 200.0, 40)
    litres = forecast().overflow_l(room, mean)
    assert (np.diff(litres, axis=0) <= 1e-12).all()
    assert (np.diff(litres, axis=1) >= -1e-12).all()
    assert (litres <= mean + 1e-9).all()
