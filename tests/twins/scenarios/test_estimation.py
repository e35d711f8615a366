"""Windows of a store: estimates from telemetry that is written by hand, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_gym.environments.right_time_sync.estimation import (
    change_likelihood,
    relaxation_likelihood,
)
from twin_gym.environments.tic_scheduling.estimation import Channels, expected_tries
from twin_gym.errors import ConfigError
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store
from twin_gym.twins.realtime import Event
from twin_gym.twins.scenarios import ParameterSpace, current_state_from_store, history_from_store
from twin_gym.twins.scenarios.estimation.evidence import (
    Average,
    Rate,
    Reported,
    TransitionLikelihood,
)
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry
from twin_gym.twins.scenarios.estimation.windows import estimator_of

RATES = [f"slices.{name}.arrival_rate_hz" for name in ("immersive", "hrllc")]
HOLDING = "slices.immersive.mean_holding_time_s"


@pytest.fixture
def store(tmp_path):
    """With an episode of the contended network, of which nothing was told yet."""
    with open_store(tmp_path / "store.db") as opened:
        opened.begin_episode(load("contention"), 7)
        yield opened


def space(paths=RATES, name="contention"):
    """Some parameters of a preset."""
    return ParameterSpace.of(load(name), paths)


def counted(times_s, counts, name="offered", twin="service/immersive"):
    """Events of a counter."""
    return [Event(float(t), twin, name, int(n)) for t, n in zip(times_s, counts, strict=True)]


def values(lived):
    """Plain values of the windows; shape (windows, parameters)."""
    return np.array([list(lived.space.values(point).values()) for point in lived.points])


def test_rate_is_the_growth_of_a_counter_over_its_time_drawn_to_the_average(store):
    """3, 6, 0, 3 requests in windows of 3 s: (n + 1) / (3 + 1 / average)."""
    store.append(counted([0, 3, 6, 9, 12], [0, 3, 9, 9, 12]))
    average = 13.0 / (12.0 + 1.0 / 1.2)
    expected = (np.array([3, 6, 0, 3]) + 1.0) / (3.0 + 1.0 / average)
    assert values(history_from_store(store, space(), 3.0))[:, 0] == pytest.approx(expected)


def test_what_was_lost_in_between_is_in_the_next_value(store):
    """A counter that was not heard at the edges of windows is taken to have grown evenly."""
    store.append(counted([0, 12], [0, 12]))
    estimates = values(history_from_store(store, space(), 3.0))[:, 0]
    assert estimates == pytest.approx(np.full(4, estimates[0]))
    assert estimates[0] == pytest.approx(4.0 / (3.0 + (12.0 + 1.0 / 1.2) / 13.0))


def test_a_parameter_of_which_nothing_was_heard_is_the_bases_and_is_named(store):
    """And one that was heard in some windows alone is the average in the others."""
    store.append(counted([0, 3, 6, 9, 12], [0, 3, 9, 9, 12]))
    store.append(counted([6, 9], [0, 30], twin="service/hrllc"))
    lived = history_from_store(store, space([*RATES, HOLDING]), 3.0)
    estimates = values(lived)
    average = 31.0 / (3.0 + 1.0 / 2.4)
    assert estimates[[0, 1, 3], 1] == pytest.approx(average)
    assert estimates[:, 2] == pytest.approx(2.0)
    assert "not observed, so as in the base: slices.immersive.mean_holding_time_s" in lived.source
    assert "4 windows, 3 s each, of the episodes 1" in lived.source
    assert "all observed" in history_from_store(store, space(), 3.0).source


def test_holding_time_is_request_seconds_over_requests_that_ended(store):
    """10 of 12 admitted have ended after 30 request-seconds: (30 + 2) / (10 + 1)."""
    events = counted([0, 2, 4, 6, 8], [0, 3, 6, 9, 12], "served")
    events += counted([0, 2, 4, 6, 8], [0, 1, 2, 2, 2], "in_service", "slice/immersive")
    times_s = [0.0, 2.0, 4.0, 6.0, 8.0]
    events += [Event(t, "service/immersive", "served_s", 3.75 * t) for t in times_s]
    store.append(events)
    estimates = values(history_from_store(store, space([HOLDING]), 2.0, as_estimated=True))[:, 0]
    centre = 32.0 / 11.0
    assert estimates == pytest.approx((7.5 + centre) / (np.array([2.0, 2.0, 3.0, 3.0]) + 1.0))


def test_longest_wait_is_the_patience_where_requests_expire(store):
    """The oldest age that was seen; a window in which nothing expired has the average."""
    path = "slices.immersive.mean_patience_s"
    store.append(counted([0, 3, 6, 9, 12], [0, 4, 8, 8, 12], "expired"))
    ages = [(1.0, 0.9), (2.0, 0.95), (4.0, 0.97), (7.0, 0.2), (11.0, 0.93)]
    store.append([Event(t, "slice/immersive", "head_age_s", age) for t, age in ages])
    estimates = values(history_from_store(store, space([path]), 3.0))[:, 0]
    centre = (4 * (0.95 + 0.97 + 0.93) + 1.0) / 13.0
    assert estimates[2] == pytest.approx(centre)
    assert estimates[[0, 1, 3]] == pytest.approx((4 * np.array([0.95, 0.97, 0.93]) + centre) / 5.0)


def test_exponential_patience_is_time_in_the_queue_over_those_that_gave_up(tmp_path):
    """Areas 0.5, 3 and 1; what was admitted, has just come, or was not heard of is not in them."""
    base = load("teletraffic-erlang-a")
    times_s = [0, 1, 3, 4, 5, 5, 6]
    several = {
        ("slice/calls", "queue_length"): [2, 1, 3, 3, 2, 1, 1],
        ("slice/calls", "head_age_s"): [0.5, 0.0, 1.0, None, 0.2, 0.2, 1.2],
        ("service/calls", "served"): [0, 1, 2, 2, 2, 3, 3],
        ("service/calls", "expired"): [0, 1, 1, 3, 3, 3, 4],
    }
    with open_store(tmp_path / "store.db") as store:
        store.begin_episode(base, 1)
        for (twin, name), counts in several.items():
            heard = [(t, n) for t, n in zip(times_s, counts, strict=True) if n is not None]
            store.append([Event(float(t), twin, name, n) for t, n in heard])
        estimated = estimator_of("admission")(EpisodeTelemetry(store, 1), base, 0.0, 6.0)
    evidence = estimated["slices.calls.mean_patience_s"]
    assert (evidence.total, evidence.count) == (4.5, 2.0)


def test_now_is_the_last_window_and_as_old_as_its_telemetry(store):
    """Telemetry after the asked time, and before the window, changes nothing."""
    store.append(counted([0, 10, 14, 20], [0, 100, 108, 1_000]))
    now = current_state_from_store(store, space(), 4.0, time_s=15.0)
    average = 109.0 / (14.0 + 1.0 / 1.2)
    expected = (1.0 + 8.0 * 3.0 / 4.0) / (3.0 + 1.0 / average)
    assert now.space.values(now.point[:1].repeat(2))[RATES[0]] == pytest.approx(expected)
    assert np.isnan(now.point[1])
    assert now.ages == pytest.approx([0.25, np.inf])
    last = current_state_from_store(store, space(), 4.0)
    assert last.point[0] > now.point[0] + 1.0
    assert last.ages[0] == 0.0


def test_last_window_counts_if_half_of_it_was_heard(store):
    """Of 15 s, windows of 4 s are four and of 3.2 s five; of 3.4 s they are four."""
    store.append(counted(range(16), range(16)))
    for window_s, windows in ((4.0, 4), (3.2, 5), (3.4, 4)):
        assert len(history_from_store(store, space(), window_s).points) == windows


def test_windows_of_several_episodes_follow_one_another(store):
    """In the order in which episodes are named."""
    store.append(counted([0, 4, 8], [0, 4, 8]))
    store.begin_episode(load("contention"), 8)
    store.append(counted([0, 4, 8], [0, 40, 80]))
    rates = values(history_from_store(store, space(), 4.0))[:, 0]
    turned = values(history_from_store(store, space(), 4.0, episodes=[2, 1]))[:, 0]
    assert rates[2:] == pytest.approx(turned[:2])
    assert rates[0] < rates[2] / 3.0


def test_what_cannot_be_read_is_refused_with_the_reason(store):
    """Lengths, episodes, too few windows, another kind, other slices."""
    with pytest.raises(ConfigError, match="has 0 windows of 2 s in the episodes \\[1\\]"):
        history_from_store(store, space(), 2.0)
    store.append(counted([0, 6], [0, 6]))
    with pytest.raises(ConfigError, match="needs 4: record for longer, or ask for shorter"):
        history_from_store(store, space(), 2.0)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="window_s"):
            history_from_store(store, space(), wrong)
    with pytest.raises(ConfigError, match="over 100,000 windows of 1e-06 s"):
        history_from_store(store, space(), 1e-6)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ConfigError, match="time_s"):
            current_state_from_store(store, space(), 1.0, time_s=wrong)
    with pytest.raises(ConfigError, match="no episodes \\[9\\]; it has \\[1\\]"):
        history_from_store(store, space(), 1.0, episodes=[1, 9])
    with pytest.raises(ConfigError, match="none was named"):
        history_from_store(store, space(), 1.0, episodes=[])
    with pytest.raises(ConfigError, match="episode 1 is of the kind 'admission'"):
        history_from_store(store, ParameterSpace.of(load("sync-small")), 1.0)
    other = ParameterSpace.of(load("teletraffic-erlang-a"))
    with pytest.raises(ConfigError, match="has immersive, hrllc, massive, ubiquitous instead of"):
        current_state_from_store(store, other, 1.0)


def test_episodes_of_other_kinds_are_left_out_unless_they_are_named(store):
    """A store may hold several networks."""
    store.append(counted([0, 4], [0, 4]))
    store.begin_episode(load("sync-small"), 8)
    assert len(history_from_store(store, space(), 1.0).points) == 4
    with pytest.raises(ConfigError, match="episode 2 is of the kind 'sync'"):
        history_from_store(store, space(), 1.0, episodes=[1, 2])


def test_values_of_entities_are_paired_across_the_edges_of_windows(tmp_path):
    """A pair belongs to the window in which its later value was true; one without any is empty."""
    base = load("sync-small")
    path = "groups.load.process.variance_rate_hz"
    with open_store(tmp_path / "store.db") as store:
        store.begin_episode(base, 1)
        series = [(1.0, 0.0), (5.0, 0.2), (6.0, 0.1), (13.0, 0.3)]
        store.append([Event(t, "entity/load/3", "value", v) for t, v in series])
        store.append(counted([0, 16], [0, 1], "offered", "service/updates"))
        estimates = values(history_from_store(store, ParameterSpace.of(base, [path]), 4.0))[:, 0]
    factor = base.groups[0].rate_factor(3)
    squares = np.array([0.0, 0.2**2 / 4 + 0.1**2 / 1, 0.0, 0.2**2 / 7]) / factor
    centre = (squares.sum() + 1e-4) / 4.0
    assert estimates == pytest.approx((squares + centre) / (np.array([0, 2, 0, 1]) + 1.0))


def test_groups_with_deliveries_of_their_own_hide_that_of_the_scenario(tmp_path):
    """The counters tell of all groups together: the base's value is kept, and said so."""
    base = load("sync-small")
    several = [g.model_copy(update={"delivery_probability": 0.5}) for g in base.groups[:1]]
    base = changed(base, {"groups": [*several, *base.groups[1:]]})
    with open_store(tmp_path / "store.db") as store:
        store.begin_episode(base, 1)
        store.append(counted(range(9), range(9), "offered", "service/updates"))
        store.append(counted(range(9), range(0, 18, 2), "served", "service/updates"))
        lived = history_from_store(store, ParameterSpace.of(base, ["delivery_probability"]), 2.0)
    assert values(lived) == pytest.approx(0.8)
    assert "not observed, so as in the base: delivery_probability" in lived.source


@given(
    counts=st.lists(st.floats(0.0, 1e6), min_size=3, max_size=3),
    centre=st.floats(1e-6, 1e6),
    bad=st.floats(0.0, 0.9),
)
@settings(max_examples=30, deadline=None)
def test_estimates_are_finite_and_between_what_was_seen_and_the_centre(counts, centre, bad):
    """Estimates stay in this range for all counts."""
    events, exposure, more = counts
    rate = Rate(0.0, events, exposure).estimate(centre)
    mean = Average(0.0, events, more).estimate(centre)
    share = Channels(0.0, events + more, more, 0.95, bad, 8).estimate(0.3)
    assert 0.0 < rate < np.inf
    assert 0.0 < mean < np.inf
    assert 0.0 <= share <= 1.0
    if exposure > 0.0:
        low, high = sorted((events / exposure, centre))
        assert low * (1.0 - 1e-9) <= rate <= high * (1.0 + 1e-9)


def test_evidence_of_several_windows_is_that_of_one_long_one():
    """Sums, and the middle of what was told."""
    assert Rate(1.0, 2.0, 3.0).joined([Rate(5.0, 4.0, 6.0)]) == Rate(5.0, 6.0, 9.0)
    assert Average(1.0, 2.0, 3.0).joined([Average(0.0, 4.0, 6.0)]) == Average(1.0, 6.0, 9.0)
    assert (
        Reported(0.0, (1.0,)).joined([Reported(0.0, (3.0,)), Reported(0.0, (3.0,))]).estimate(9.0)
        == 3.0
    )
    assert Reported(0.0, ()).estimate(9.0) == 9.0
    assert Rate(0.0, 0.0, 0.0).estimate(0.0) == 0.0


def test_relaxation_and_change_rate_are_found_again():
    """From 4,000 pairs each, at random times, to within four standard errors."""
    rng = np.random.default_rng(2)
    spans_s = rng.uniform(10.0, 100.0, 4_000)
    left = np.exp(-spans_s / 50.0)
    old = rng.standard_normal(4_000)
    new = left * old + np.sqrt(1.0 - left**2) * rng.standard_normal(4_000)
    moments = np.stack([old * old, old * new, new * new], axis=1)
    pairs = TransitionLikelihood(
        0.0, spans_s, moments, relaxation_likelihood, lambda c: (c, [1.0, 0.37, 1.0])
    )
    assert pairs.estimate(5.0) == pytest.approx(50.0, rel=0.12)
    differs = (rng.random(4_000) < 0.5 * (1.0 - np.exp(-2.0 * 0.01 * spans_s))).astype(float)
    pairs = TransitionLikelihood(
        0.0, spans_s, differs, change_likelihood, lambda c: (0.5 / c, 0.32)
    )
    assert pairs.estimate(0.1) == pytest.approx(0.01, rel=0.12)


@pytest.mark.parametrize("differs", [0.0, 1.0])
def test_a_rate_of_change_is_finite_where_all_pairs_agree(differs):
    """Nothing changed, or all: the pseudo observation keeps the estimate from the ends."""
    pairs = TransitionLikelihood(
        0.0, np.full(50, 3.0), np.full(50, differs), change_likelihood, lambda c: (0.5 / c, 0.32)
    )
    assert 1e-4 < pairs.estimate(0.1) < 100.0


def test_expected_tries_are_those_of_messages_over_changing_channels():
    """Sent in every slot until they get through, from a random slot of a block on."""
    rng = np.random.default_rng(4)
    good, bad, share, block, messages = 0.95, 0.3, 0.25, 4, 40_000
    place = rng.integers(0, block, messages)
    is_bad = rng.random(messages) < share
    tries, waits = np.zeros(messages), np.ones(messages, bool)
    while waits.any():
        tries += waits
        waits &= rng.random(messages) >= np.where(is_bad, bad, good)
        place += 1
        is_new = place % block == 0
        is_bad = np.where(is_new, rng.random(messages) < share, is_bad)
    expected = expected_tries(share, good, bad, block)
    assert expected == pytest.approx(tries.mean(), abs=4.0 * tries.std() / messages**0.5)
    seen = Channels(0.0, tries.sum(), float(messages), good, bad, block)
    assert seen.estimate(0.9) == pytest.approx(share, abs=0.02)
