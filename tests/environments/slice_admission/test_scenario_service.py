"""The presets `service-trace` and `service-calibrated` say what the trace says."""

import numpy as np
import pytest

from benchmarks.environments.slice_admission.fit import (
    DAY_S,
    HORIZON_S,
    TRACE_PATH,
    calibrated,
    distance,
    fit_quantiles,
    fit_slice,
    read_window,
    replayed,
)
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.scenario.loading import load

SLICE_INDICES = range(4)


@pytest.fixture
def requests(data_dir, monkeypatch):
    """The requests that `service-trace` replays."""
    monkeypatch.setenv("TWIN_GYM_DATA", str(data_dir))
    scenario = load("service-trace")
    return load_trace(scenario.trace, scenario.slice_names)


def test_both_describe_the_same_network():
    """Same slices, same capacity, same horizon: only the laws differ."""
    trace, fitted = load("service-trace"), load("service-calibrated")
    assert trace.capacity == fitted.capacity
    assert trace.horizon_s == fitted.horizon_s == HORIZON_S
    assert trace.period_s == fitted.period_s == DAY_S
    for real, law in zip(trace.slices, fitted.slices, strict=True):
        assert real == law.replace(arrival=real.arrival, holding=real.holding)


def test_more_is_offered_than_fits():
    """Every resource is contended, and an episode has one to two thousand requests."""
    scenario = load("service-calibrated")
    assert all(1.1 < load_ < 1.4 for load_ in scenario.offered_load.values())
    requests = sum(one.arrival_rate_hz for one in scenario.slices) * scenario.horizon_s
    assert 1000 < requests < 2000


def test_table_of_quantiles_has_the_mean():
    """A heavy tail: the last quantile makes up for the curve between the others."""
    holding_s = 100.0 * (1 - np.linspace(0.0, 1.0, 5000, endpoint=False)) ** -0.7
    mean_s = float(holding_s.mean())
    quantiles = fit_quantiles(holding_s, mean_s)
    assert np.mean((quantiles[1:] + quantiles[:-1]) / 2) == pytest.approx(mean_s, abs=0.01)
    assert np.all(np.diff(quantiles) >= 0)
    assert distance(holding_s, quantiles) < 0.01


@pytest.mark.parametrize("index", SLICE_INDICES)
def test_rates_and_means_are_those_of_the_trace(requests, index):
    """Rates within 0.01 %, holding times up to the horizon within 0.02 %, hours within 0.1 %."""
    one = load("service-calibrated").slices[index]
    mine = requests.slice_names == one.name
    rate_hz = mine.sum() / requests.duration_s
    assert one.arrival_rate_hz == pytest.approx(rate_hz, rel=1e-4)
    holding_s = np.minimum(requests.holding_s[mine], HORIZON_S)
    assert one.mean_holding_time_s == pytest.approx(holding_s.mean(), rel=2e-4)
    hour_counts, _ = np.histogram(requests.arrival_s[mine] % DAY_S, bins=24, range=(0.0, DAY_S))
    shares = np.array(one.arrival.relative_rates()) / 24
    np.testing.assert_allclose(shares, hour_counts / mine.sum(), atol=1e-4)


@pytest.mark.parametrize("index", SLICE_INDICES)
def test_holding_times_are_those_of_the_trace(requests, index):
    """Distribution functions within 0.01; work of the longest percentile within 0.03."""
    one = load("service-calibrated").slices[index]
    measured_s = np.minimum(requests.holding_s[requests.slice_names == one.name], HORIZON_S)
    table_s = np.array(one.holding.relative_quantiles()) * one.mean_holding_time_s
    assert distance(measured_s, table_s) < 0.01
    longest_s = np.sort(measured_s)[int(0.99 * len(measured_s)) :]
    fitted_share = (table_s[-1] + table_s[-2]) / 2 / 100 / one.mean_holding_time_s
    assert fitted_share == pytest.approx(longest_s.sum() / measured_s.sum(), abs=0.03)


def test_presets_are_what_the_fit_gives(data_dir):
    """Fitted again, nothing changes: the files were not edited by hand."""
    fits = {name: fit_slice(pods) for name, pods in read_window(data_dir / TRACE_PATH).items()}
    assert replayed(fits) == load("service-trace")
    assert calibrated(fits) == load("service-calibrated")
