"""Historical and hybrid generators: the laws they fit, and what their scenarios obey."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load, names
from twin_gym.scenario.objective import Demand, KpiObjective
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.gaussian import (
    HistoricalGenerator,
    HybridGenerator,
    Normal,
    Step,
)
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import ParameterSpace

RNG = np.random.default_rng(5)
GENERATED = [name for name in names() if name != "service-trace"]


def lived(name: str, windows: int = 40, keep: float = 0.9, seed: int = 0) -> ParameterHistory:
    """A network whose parameters wander around those of a preset."""
    space = ParameterSpace.of(load(name))
    rng = np.random.default_rng(seed)
    start = space.coordinates(space.base)
    points = [start]
    for _ in range(windows - 1):
        drift = rng.normal(0.0, 0.2, len(start)) * np.sqrt(1 - keep**2)
        points.append(start + keep * (points[-1] - start) + drift)
    return ParameterHistory(space, np.array(points), "a wandering network")


@pytest.mark.parametrize("name", GENERATED)
def test_a_point_and_its_scenario_are_the_same(name):
    """The base's coordinates give the base back, and values survive the way there and back."""
    base = load(name)
    space = ParameterSpace.of(base)
    point = space.coordinates(base)
    assert space.scenario(point, name="same").digest == base.digest


@pytest.mark.parametrize("name", ["contention", "tic-small-45", "access-large-45", "sync-small"])
@pytest.mark.parametrize("make", [HistoricalGenerator, HybridGenerator])
def test_generators_make_valid_scenarios_of_every_kind(name, make):
    """As many as asked, each another one, each saying where it comes from."""
    history = lived(name)
    now = CurrentState(history.space, history.points[-1], np.zeros(len(history.space.parameters)))
    scenarios = make().generate(Criteria(name="next"), history, now, 6, np.random.default_rng(1))
    assert [one.name for one in scenarios] == [f"next-{k}" for k in range(6)]
    assert len({one.digest for one in scenarios}) == 6
    assert all(make.name in one.provenance and name in one.provenance for one in scenarios)
    again = make().generate(Criteria(name="next"), history, now, 6, np.random.default_rng(1))
    assert scenarios == again
    other = make().generate(Criteria(name="next"), history, now, 6, np.random.default_rng(2))
    assert scenarios != other


def test_the_fitted_law_is_that_of_the_windows():
    """With many windows, mean and covariance are those that they were drawn from."""
    rng = np.random.default_rng(3)
    root = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 2.0]])
    points = 5.0 + rng.standard_normal((20_000, 3)) @ root.T
    law = Normal.fit(points)
    assert law.mean == pytest.approx(5.0, abs=0.06)
    assert law.covariance == pytest.approx(root @ root.T, abs=0.12)
    assert law.draw(20_000, rng).std(0) == pytest.approx([1.0, 1.0, 2.0], rel=0.05)


def test_few_windows_say_little_about_what_goes_together():
    """Of unrelated parameters in four windows the shrunk covariances are smaller than the raw."""
    points = np.random.default_rng(4).standard_normal((4, 30))
    raw = np.cov(points.T)
    beside = ~np.eye(30, dtype=bool)
    shrunk = Normal.fit(points).covariance
    assert np.abs(shrunk[beside]).mean() < 0.3 * np.abs(raw[beside]).mean()
    assert np.diag(shrunk) == pytest.approx(np.diag(raw))


def test_what_is_known_conditions_what_is_not():
    """The conditional mean and variance of a normal law with correlation 0.8."""
    law = Normal(np.array([1.0, 2.0]), np.array([[1.0, 0.8], [0.8, 1.0]]))
    conditional = law.given(np.array([2.0, np.nan]))
    assert conditional.mean == pytest.approx([2.0, 2.8])
    assert conditional.covariance == pytest.approx(np.array([[0.0, 0.0], [0.0, 0.36]]), abs=1e-6)
    assert law.given(np.array([np.nan, np.nan])) is law


def test_the_step_is_the_autoregression_that_made_the_windows():
    """Kept share and change are found again; an old value counts as its remains."""
    history = lived("contention", windows=20_000, keep=0.7)
    step = Step.fit(history.points)
    assert step.keep == pytest.approx(0.7, abs=0.03)
    change = 0.04 * (1 - 0.49)
    assert np.diag(step.change) == pytest.approx(change, rel=0.06)
    width = len(step.keep)
    state = step.law.mean + 1.0
    fresh = step.from_state(state, np.zeros(width)).mean - step.law.mean
    stale = step.from_state(state, np.full(width, 2.0)).mean - step.law.mean
    assert fresh == pytest.approx(0.7, abs=0.05)
    assert stale == pytest.approx(0.7**3, abs=0.05)


def test_old_values_count_as_the_joint_law_of_all_windows_says():
    """A value of two windows ago and one of now, against the normal law of all at once."""
    step = Step(
        Normal(np.array([1.0, -1.0]), np.array([[1.0, 0.6], [0.6, 2.0]])),
        np.array([0.9, 0.5]),
        np.array([[0.3, 0.1], [0.1, 0.4]]),
    )
    keep, blocks = np.diag(step.keep), [step.law.covariance]
    for _ in range(2):
        blocks.append(keep @ blocks[-1] @ keep + step.change)
    later = keep @ keep @ blocks[0]  # of the last window with the first
    joint = Normal(np.tile(step.law.mean, 2), np.block([[blocks[0], later.T], [later, blocks[2]]]))
    known = joint.given(np.array([2.5, np.nan, np.nan, 0.7]))
    conditional = step.state(np.array([2.5, 0.7]), np.array([2.0, 0.0]))
    assert conditional.mean == pytest.approx(known.mean[2:], abs=1e-6)
    assert conditional.covariance == pytest.approx(known.covariance[2:, 2:], abs=1e-6)
    law = step.later(conditional, 1.0)
    assert law.covariance == pytest.approx(keep @ conditional.covariance @ keep + step.change)
    assert step.from_state(np.array([2.5, 0.7]), np.array([2.0, 0.0])).mean == pytest.approx(
        law.mean
    )
    assert step.later(step.later(conditional, 1.0), 1.0).covariance == pytest.approx(
        step.later(conditional, 2.0).covariance
    )
    assert step.state(np.full(2, np.nan), np.zeros(2)) is step.law


def test_what_never_moved_stays_where_it_is_found():
    """A parameter without a variance in history keeps the value that the real-time twin has."""
    points = np.random.default_rng(12).normal(0.0, 1.0, (60, 2)) * [1.0, 0.0] + 3.0
    law = Step.fit(points).from_state(np.array([np.nan, 5.0]), np.array([0.0, 7.0]))
    assert law.mean[1] == pytest.approx(5.0)


def test_hybrid_follows_the_network_that_is_and_historical_does_not():
    """A network far from its usual state is continued by one and not by the other."""
    history = lived("contention", windows=200)
    now = CurrentState(
        history.space, history.points.mean(0) + 1.0, np.zeros(history.points.shape[1])
    )
    rng = np.random.default_rng(6)
    past = HistoricalGenerator().draw(Criteria(), history, now, 400, rng).mean(0)
    future = HybridGenerator().draw(Criteria(), history, now, 400, rng).mean(0)
    usual = history.points.mean(0)
    assert np.abs(past - usual).max() < 0.1
    assert (future - usual).min() > 0.5


@settings(deadline=None, max_examples=25)
@given(devices=st.integers(1, 5_000), latency_s=st.floats(1e-4, 5e-3), seed=st.integers(0, 99))
def test_demands_are_obeyed(devices, latency_s, seed):
    """So many sensors at least, and deadlines within the latency."""
    history = lived("tic-small-45", seed=seed)
    demand = Demand(num_devices=devices, latency_s=latency_s)
    criteria = Criteria(KpiObjective(demand=demand))
    scenarios = HistoricalGenerator().generate(
        criteria, history, None, 4, np.random.default_rng(seed)
    )
    for one in scenarios:
        assert one.num_sensors >= devices
        assert (one.deadline_slots - 1e-6) * one.slot_s <= max(latency_s, one.slot_s)


def test_what_goes_with_more_devices_comes_with_them():
    """Gateways that grew with the sensors in history grow where more sensors are demanded."""
    space = ParameterSpace.of(load("tic-small-45"), ["num_sensors", "num_gateways"])
    sizes = np.random.default_rng(7).normal(0.0, 0.4, 60)
    noise = np.random.default_rng(8).normal(0.0, 0.05, 60)
    points = np.stack([np.log(50) + sizes, np.log(4) + sizes + noise], 1)
    criteria = Criteria(KpiObjective(demand=Demand(num_devices=500)))
    scenarios = HistoricalGenerator().generate(
        criteria, ParameterHistory(space, points, "x"), None, 20, np.random.default_rng(9)
    )
    assert all(one.num_sensors == 500 for one in scenarios)
    assert np.mean([one.num_gateways for one in scenarios]) == pytest.approx(40, rel=0.25)


def test_what_cannot_be_learned_from_is_refused():
    """Too few windows, holes, other widths, a hybrid without the present."""
    history = lived("contention")
    with pytest.raises(ConfigError, match="4 windows"):
        history.last(2)
    holes = history.points.copy()
    holes[3, 1] = np.nan
    with pytest.raises(ConfigError, match="window 3"):
        ParameterHistory(history.space, holes, "x")
    with pytest.raises(ConfigError, match="one column for each parameter"):
        ParameterHistory(history.space, history.points[:, 1:], "x")
    with pytest.raises(ConfigError, match="current state"):
        HybridGenerator().generate(Criteria(), history, None, 1, RNG)
    with pytest.raises(ConfigError, match="got 0"):
        HistoricalGenerator().generate(Criteria(), history, None, 0, RNG)
