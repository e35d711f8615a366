"""Gaps of indicators between scenario twins and the network that they foretell."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.intervals import half_width
from twin_gym.policies.what_if import RETURN
from twin_gym.scenario import Scenario
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios import ParameterHistory, ParameterSpace, kpi_gaps, scenario_fidelity
from twin_gym.twins.scenarios.gaps import IndicatorGap

WORLDS = world_seeds("validation", 8)
CAME = changed(load("contention"), {"horizon_s": 40.0})
RATE = "slices.hrllc.arrival_rate_hz"
SPACE = ParameterSpace.of(CAME, [RATE])


def with_rate(rate_hz: float) -> Scenario:
    """The network that came with another rate of its second slice."""
    return changed(CAME, {RATE: rate_hz})


def windows(seed: int, count: int, spread: float = 0.1) -> ParameterHistory:
    """So many windows around the network that came."""
    points = np.log(2.4) + spread * np.random.default_rng(seed).standard_normal((count, 1))
    return ParameterHistory(SPACE, points, "drawn")


@pytest.mark.parametrize(
    ("name", "horizon_s"),
    [("contention", 20.0), ("tic-small-45", 0.05), ("access-large-45", 2.0), ("sync-small", 60.0)],
)
def test_a_twin_that_is_the_network_has_no_gap(name, horizon_s):
    """Exactly zero in every indicator of every environment."""
    came = load(name).replace(horizon_s=horizon_s)
    gaps = kpi_gaps([came, came], came, "random", seeds=WORLDS[:3])
    assert gaps.by_indicator
    for gap in gaps.by_indicator.values():
        assert gap.mean == gap.half_width == gap.root_mean_square == gap.relative(gap.mean) == 0.0
        assert not gap.is_clear


def test_twins_of_double_load_lose_more_and_offer_more():
    """Each twin clearly, and so do both of them; other slices offer what they offered."""
    gaps = kpi_gaps([with_rate(4.8), with_rate(4.6)], CAME, "density", seeds=WORLDS)
    offered, lost = gaps.by_indicator["offered/hrllc"], gaps.by_indicator["loss_ratio"]
    assert (gaps.agent, gaps.twins) == ("density", (CAME.name, CAME.name))
    assert offered.is_clear
    assert offered.mean > 50
    assert all(one.is_clear and one.mean > 0 for one in lost.by_twin.values())
    assert lost.relative(lost.mean) > 1
    assert gaps.by_indicator["offered/immersive"].mean == 0.0


def test_gaps_are_those_of_evaluations_and_a_twin_is_the_unit():
    """Means world by world of each twin, and Student's interval over the twins."""
    twins = [with_rate(rate) for rate in (2.0, 2.6, 3.0)]
    gap = kpi_gaps(twins, CAME, "fifo", seeds=WORLDS).by_indicator[RETURN]

    def returns(scenario: Scenario) -> np.ndarray:
        evaluation = evaluate(make_policy("fifo", CAME), scenario, WORLDS)
        return evaluation.returns / CAME.horizon_s

    there = returns(CAME)
    means = np.array([(returns(twin) - there).mean() for twin in twins])
    assert [one.mean for one in gap.by_twin.values()] == pytest.approx(means)
    assert gap.mean == pytest.approx(means.mean())
    assert gap.half_width == pytest.approx(half_width(means))
    assert gap.root_mean_square == pytest.approx(np.sqrt((means**2).mean()))
    assert (gap.came, gap.spread) == pytest.approx((there.mean(), there.std(ddof=1)))
    assert gap.relative(gap.mean) == pytest.approx(means.mean() / there.std(ddof=1))


def test_errors_of_twins_that_cancel_are_still_told():
    """One twin too much and one too little: no gap on average, and each of them is off."""
    gaps = kpi_gaps([with_rate(1.2), with_rate(3.6)], CAME, "density", seeds=WORLDS)
    gap = gaps.by_indicator["offered/hrllc"]
    assert not gap.is_clear
    assert gap.root_mean_square > 5 * abs(gap.mean)


def test_another_policy_has_other_gaps():
    """The errors of a twin depend on the policy that runs in it."""
    gaps = [
        kpi_gaps([with_rate(4.8)], CAME, name, seeds=WORLDS).by_indicator["loss_ratio"].mean
        for name in ("density", "fifo")
    ]
    assert gaps[0] != gaps[1]


def test_of_one_twin_there_is_no_interval_over_twins():
    """Whether its gap is clear is then asked of the worlds."""
    gap = kpi_gaps([with_rate(4.8)], CAME, "density", seeds=WORLDS).by_indicator["offered/hrllc"]
    assert math.isnan(gap.half_width)
    assert gap.is_clear


def test_a_policy_stays_that_of_the_network_that_came_unless_it_is_reconfigured():
    """A maker of policies is handed the network that it is for."""
    handed: list[Scenario] = []

    def maker(scenario: Scenario):
        handed.append(scenario)
        return make_policy("density", scenario)

    twin = with_rate(4.8)
    kpi_gaps([twin], CAME, maker, seeds=WORLDS[:2])
    assert handed == [CAME, CAME]
    kpi_gaps([twin], CAME, maker, seeds=WORLDS[:2], reconfigured=True)
    assert handed[2:] == [twin, CAME]


def test_a_gap_of_what_does_not_vary_is_infinitely_many_spreads():
    """Nothing is divided by zero, and the sign stays."""
    gap = IndicatorGap(1.0, 0.0, {}, -2.0, 0.0, 2.0)
    assert gap.relative(gap.mean) == -math.inf
    assert gap.relative(0.0) == 0.0


def test_progress_tells_every_network_by_name():
    """In the order in which they run."""
    names: list[str] = []
    came = CAME.replace(name="here", horizon_s=200.0)
    kpi_gaps(
        [came.replace(name="there")], came, "density", seeds=WORLDS,
        on_progress=lambda name, _: names.append(name),
    )  # fmt: skip
    assert list(dict.fromkeys(names)) == ["there", "here"]


def test_what_cannot_be_compared_is_refused():
    """Another kind, no twin, one world, or a network that the agent cannot see."""
    with pytest.raises(ConfigError, match="gaps are between networks of one kind"):
        kpi_gaps([load("tic-small-45")], CAME, "random", seeds=WORLDS)
    with pytest.raises(ConfigError, match="at least one twin and two worlds, got 0 and 8"):
        kpi_gaps([], CAME, "random", seeds=WORLDS)
    with pytest.raises(ConfigError, match="got 1 and 1"):
        kpi_gaps([CAME], CAME, "random", seeds=WORLDS[:1])
    with pytest.raises(ConfigError, match="reconfigured=True"):
        kpi_gaps([load("mild").replace(slices=CAME.slices[:2])], CAME, "random", seeds=WORLDS)


def test_the_report_joins_parameters_copies_and_gaps():
    """Twins of the law of the network pass; the network of the gaps is the mean that came."""
    history, came = windows(1, 16), windows(2, 16)
    twins = [SPACE.scenario(point, name="t") for point in windows(3, 8).points]
    report = scenario_fidelity(
        twins, history, came, "density", np.random.default_rng(4), seeds=WORLDS[:4]
    )
    assert report.parameters.p_value > 0.05
    assert not report.copies.is_copy
    rate = report.gaps.came.model_dump()["slices"][1]["arrival_rate_hz"]
    assert rate == pytest.approx(math.exp(came.points.mean()))
    lines = report.lines()
    assert lines[0].startswith("parameters: energy distance")
    assert lines[1].endswith("no copy")
    assert any(line.startswith("loss_ratio: ") for line in lines)
    assert not any("/" in line.partition(":")[0] for line in lines)


def test_the_report_finds_copies_and_other_laws():
    """Twins that repeat the history, and twins of a network with twice the load."""
    history, came = windows(1, 16), windows(2, 16)
    rng = np.random.default_rng(5)
    copied = [SPACE.scenario(point, name="t") for point in history.points[:8]]
    doubled = [SPACE.scenario(point + math.log(2), name="t") for point in history.points[:8]]
    report = scenario_fidelity(
        copied, history, came, "density", rng, seeds=WORLDS[:2], network=CAME
    )
    assert report.gaps.came is CAME
    assert report.copies.is_copy
    assert report.lines()[1].endswith(": a copy")
    report = scenario_fidelity(doubled, history, came, "density", rng, seeds=WORLDS[:2])
    assert report.parameters.p_value < 0.05


def test_a_report_over_other_parameters_is_refused():
    """History and what came must be told in the same coordinates."""
    other = ParameterSpace.of(CAME, ["slices.massive.arrival_rate_hz"])
    came = ParameterHistory(other, windows(2, 8).points, "drawn")
    with pytest.raises(ConfigError, match="same parameters"):
        scenario_fidelity([CAME] * 4, windows(1, 8), came, "fifo", np.random.default_rng(1))
