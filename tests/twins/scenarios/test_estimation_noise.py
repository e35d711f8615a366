"""The spread of windows: that of the network, without the noise of its estimates."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store
from twin_gym.twins.realtime import Event
from twin_gym.twins.scenarios import ParameterSpace, history_from_store
from twin_gym.twins.scenarios.estimation.noise import without_noise

PATH = "slices.immersive.arrival_rate_hz"


def noisy(change, noise, windows=40_000):
    """Windows of known change and noise, and their halves."""
    rng = np.random.default_rng(0)
    true = change * rng.normal(size=(windows, 2))
    early, late = (true + np.sqrt(2.0) * noise * rng.normal(size=true.shape) for _ in range(2))
    return (early + late) / 2.0, early, late


@pytest.mark.parametrize(("change", "noise"), [(1.0, 0.5), (0.3, 0.6), (1.0, 0.0)])
def test_what_is_left_is_the_spread_of_the_change(change, noise):
    """The estimate does not depend on the noise."""
    denoised = without_noise(*noisy(change, noise))
    assert denoised.std(0) == pytest.approx([change, change], rel=0.06)


def test_mean_and_order_of_windows_stay():
    """They are only drawn together."""
    points, early, late = noisy(0.5, 1.0)
    denoised = without_noise(points, early, late)
    assert denoised.mean(0) == pytest.approx(points.mean(0))
    assert (np.diff(np.take_along_axis(denoised, np.argsort(points, 0), 0), axis=0) >= 0.0).all()


def test_a_network_that_does_not_change_is_as_unsure_as_its_mean():
    """Not a point: the mean of 100 noisy windows has a tenth of their spread."""
    points, early, late = noisy(0.0, 1.0, windows=100)
    denoised = without_noise(points, early, late + 100.0 * np.sign(late))
    assert denoised.std(0) == pytest.approx(points.std(0) / 10.0)


def test_a_parameter_without_halves_stays_as_it_is():
    """Three windows say too little of the noise."""
    points, early, late = noisy(0.1, 1.0, windows=50)
    early[3:, 0] = np.nan
    denoised = without_noise(points, early, late)
    assert denoised[:, 0] == pytest.approx(points[:, 0])
    assert denoised[:, 1].std() < points[:, 1].std()


def test_parameters_that_were_told_and_never_vary_stay():
    """No spread, no division by it."""
    points = np.full((6, 1), 2.0)
    assert (without_noise(points, points, points) == 2.0).all()


@pytest.fixture(params=["steady", "swap"])
def counted(request, tmp_path):
    """A store with the counter of a Poisson process, steady or twice as fast from the middle on."""
    rng = np.random.default_rng(1)
    seconds = np.arange(2_000)
    rates_hz = np.where((seconds >= 1_000) & (request.param == "swap"), 4.0, 2.0)
    counts = np.concatenate([[0], np.cumsum(rng.poisson(rates_hz))]).tolist()
    with open_store(tmp_path / "store.db") as store:
        store.begin_episode(load("contention"), 7)
        store.append(
            [Event(float(t), "service/immersive", "offered", n) for t, n in enumerate(counts)]
        )
        yield request.param, store


def test_windows_of_a_store_vary_as_the_network_does(counted):
    """Estimates of a steady rate vary by its noise; a swap is seen as large as it is."""
    case, store = counted
    space = ParameterSpace.of(load("contention"), [PATH])
    raw = history_from_store(store, space, 20.0, as_estimated=True).points[:, 0]
    denoised = history_from_store(store, space, 20.0).points[:, 0]
    if case == "steady":
        assert raw.std() == pytest.approx(1.0 / np.sqrt(2.0 * 20.0), rel=0.15)
        assert denoised.std() < 0.5 * raw.std()
    else:
        assert np.diff([denoised[:50].mean(), denoised[50:].mean()])[0] == pytest.approx(
            np.log(2.0), rel=0.1
        )
