"""Windows of real requests: what is estimated, how far it is shrunk, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.environments.slice_admission.request_windows import (
    current_state_from_last,
    history_from_requests,
)
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.scenario import Daily
from twin_gym.scenario.loading import load
from twin_gym.scenario.traces import RequestTrace
from twin_gym.twins.scenarios.parameter_history import ParameterHistory
from twin_gym.twins.scenarios.parameters import ParameterSpace

WINDOW_S = 100.0
RATE, HOLDING = "slices.hrllc.arrival_rate_hz", "slices.hrllc.mean_holding_time_s"


def requests(arrival_s, holding_s, duration_s, name="hrllc") -> RequestTrace:
    """Requests of one slice."""
    order = np.argsort(arrival_s)
    return RequestTrace(
        np.asarray(arrival_s, np.float64)[order],
        np.asarray(holding_s, np.float64)[order],
        np.full(len(arrival_s), name),
        duration_s,
    )


def drawn(rates_hz, means_s, seed=0, window_s=WINDOW_S) -> RequestTrace:
    """Poisson arrivals and exponential holding times, other ones in each window."""
    rng = np.random.default_rng(seed)
    arrivals, holdings = [], []
    for place, (rate_hz, mean_s) in enumerate(zip(rates_hz, means_s, strict=True)):
        count = rng.poisson(rate_hz * window_s)
        arrivals.append(window_s * (place + rng.random(count)))
        holdings.append(rng.exponential(mean_s, count))
    return requests(np.concatenate(arrivals), np.concatenate(holdings), window_s * len(rates_hz))


def space(*paths, base=None) -> ParameterSpace:
    """Of `contention` with very long episodes, unless told otherwise: no lifetime is cut."""
    base = load("contention").replace(horizon_s=1e6) if base is None else base
    return ParameterSpace.of(base, paths or (RATE, HOLDING))


def values(lived: ParameterHistory, path: str):
    """One parameter, window after window."""
    return np.exp(lived.points[:, lived.space.paths.index(path)])


def test_estimates_are_those_worked_out_by_hand():
    """Counts 1, 2, 0, 3 in windows of 10 s and a prior of two requests."""
    trace = requests([5, 12, 15, 31, 32, 39], [1, 2, 4, 6, 8, 9], 40.0)
    history = history_from_requests(space(), trace, 10.0, prior_requests=2.0)
    pooled, mean = 6 / 40, 30 / 6
    counts, sums = np.array([1, 2, 0, 3]), np.array([1, 6, 0, 23])
    np.testing.assert_allclose(values(history, RATE), (counts + 2) / (10 + 2 / pooled))
    np.testing.assert_allclose(values(history, HOLDING), (sums + 2 * mean) / (counts + 2))


def test_rates_and_holding_times_that_change_are_recovered():
    """Two regimes, 300 and 900 requests a window: within five standard errors of the truth."""
    rates, means = np.tile([3.0, 9.0], 8), np.tile([2.0, 1.0], 8)
    history = history_from_requests(space(), drawn(rates, means), WINDOW_S)
    assert np.abs(values(history, RATE) / rates - 1).max() < 5 / np.sqrt(300)
    assert np.abs(values(history, HOLDING) / means - 1).max() < 5 / np.sqrt(300)


def test_windows_that_differ_by_chance_alone_become_alike():
    """Of a network that never changes the spread is at most a third of the raw counts' own."""
    for seed in range(5):
        history = history_from_requests(space(), drawn([0.2] * 40, [1.0] * 40, seed), WINDOW_S)
        assert history.points.std(0).max() < 1 / np.sqrt(20) / 3


def test_a_given_prior_shrinks_as_much_as_it_says():
    """The raw spread with one request, a tenth of it with nine times as many as a window has."""
    trace = drawn([0.2] * 40, [1.0] * 40)
    raw = history_from_requests(space(), trace, WINDOW_S, prior_requests=1.0).points.std(0)
    shrunk = history_from_requests(space(), trace, WINDOW_S, prior_requests=180.0).points.std(0)
    assert 0.15 < raw[0] < 0.3
    np.testing.assert_allclose(shrunk / raw, 0.1, atol=0.02)


def test_the_hour_of_the_day_is_no_change_of_the_network():
    """Half-day windows of a network with busy days and quiet nights have one average rate."""
    base = load("contention").replace(horizon_s=1e6)
    index = base.slice_index("hrllc")
    day = base.slices[index].replace(arrival=Daily(period_s=200.0, factors=(9.0, 3.0)))
    slices = (*base.slices[:index], day, *base.slices[index + 1 :])
    of_day = space(base=base.replace(slices=slices))
    trace = drawn(np.tile([9.0, 3.0], 10), [1.0] * 20)
    estimates = values(history_from_requests(of_day, trace, WINDOW_S), RATE)
    np.testing.assert_allclose(estimates, 6.0, rtol=0.05)
    later = drawn(np.tile([3.0, 9.0], 10), [1.0] * 20)
    estimates = values(history_from_requests(of_day, later, WINDOW_S, clock_s=100.0), RATE)
    np.testing.assert_allclose(estimates, 6.0, rtol=0.05)
    plain = values(history_from_requests(space(), trace, WINDOW_S), RATE)
    assert plain.max() / plain.min() > 2.5


def test_what_is_left_over_at_the_beginning_belongs_to_no_window():
    """The last window ends with the requests: those of the first 50 s of 450 are left out."""
    early = requests(np.arange(0.0, 450.0), [1.0] * 50 + [3.0] * 400, 450.0)
    history = history_from_requests(space(), early, WINDOW_S)
    assert len(history.points) == 4
    np.testing.assert_allclose(values(history, RATE), 1.0)
    np.testing.assert_allclose(values(history, HOLDING), 3.0)


def test_long_lifetimes_count_as_the_longest():
    """The horizon of the base, or what is given."""
    trace = requests(np.arange(0.0, 400.0), np.full(400, 1e9), 400.0)
    base = load("contention").replace(horizon_s=50.0)
    history = history_from_requests(space(base=base), trace, WINDOW_S)
    np.testing.assert_allclose(values(history, HOLDING), 50.0)
    history = history_from_requests(space(base=base), trace, WINDOW_S, longest_s=7.0)
    np.testing.assert_allclose(values(history, HOLDING), 7.0)


def test_other_parameters_stay_those_of_the_base():
    """Patience and queues are not measured, nor what is no parameter of the space."""
    path = "slices.massive.mean_patience_s"
    history = history_from_requests(space(RATE, path), drawn([1.0] * 8, [1.0] * 8), WINDOW_S)
    np.testing.assert_allclose(values(history, path), 2.0)
    made = history.space.scenario(history.points[0], name="made")
    assert made.slices[0] == history.space.base.slices[0]


def test_windows_without_a_request_are_finite():
    """Where nothing came, the rate is low and the holding time the pooled one."""
    trace = drawn([5.0, 0.0, 5.0, 0.0, 5.0, 0.0], [1.0] * 6)
    history = history_from_requests(space(), trace, WINDOW_S)
    assert values(history, RATE)[1] < 0.1
    np.testing.assert_allclose(values(history, HOLDING)[1], trace.holding_s.mean())


def test_now_is_the_last_window():
    """Every parameter is known, and just measured."""
    lived = history_from_requests(space(), drawn([1.0, 2.0, 3.0, 9.0], [1.0] * 4), WINDOW_S)
    now = current_state_from_last(lived)
    np.testing.assert_array_equal(now.point, lived.points[-1])
    assert now.is_known.all()
    assert not now.ages.any()


def test_the_source_says_windows_requests_and_prior():
    """Provenances repeat these words."""
    trace = drawn([1.0] * 5, [1.0] * 5)
    count = len(trace.arrival_s)
    by_moments = history_from_requests(space(), trace, WINDOW_S)
    assert by_moments.source == f"5 windows of 100 s with {count} requests; prior by moments"
    given = history_from_requests(space(), trace, WINDOW_S, prior_requests=3.0)
    assert given.source.endswith("prior of 3 requests")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"window_s": 200.0}, "4 windows at least"),
        ({"window_s": -1.0}, "4 windows at least"),
        ({"prior_requests": 0.5}, "1 request at least"),
        ({"prior_requests": np.nan}, "1 request at least"),
        ({"longest_s": 0.0}, "positive"),
        ({"space": space("slices.massive.arrival_rate_hz")}, "'massive' has no request"),
        (
            {"space": ParameterSpace.of(load("tic-small-45"))},
            "requests come to admission scenarios",
        ),
    ],
)
def test_what_says_nothing_is_refused(change, said):
    """With the reason: too few windows, no prior, no request, another kind of network."""
    given = {"space": space(), "requests": drawn([1.0] * 5, [1.0] * 5), "window_s": WINDOW_S}
    with pytest.raises(ConfigError, match=said):
        history_from_requests(**(given | change))


def test_requests_of_an_unknown_slice_are_refused():
    """The nearest known one is named."""
    trace = requests(np.arange(400.0), np.ones(400), 400.0, name="hrlc")
    with pytest.raises(UnknownNameError, match="hrllc"):
        history_from_requests(space(), trace, WINDOW_S)
