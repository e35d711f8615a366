"""Simulation against theory: formulas, exact optima, and the laws of the workload.

Each figure is a mean over independent worlds with fixed seeds and must lie within four standard
errors of the known value (by Student's law with 47 degrees of freedom a false alarm has a chance of
2 in 10,000 for each figure), plus what an empty start may cost: five mean holding times out of
the horizon. Where it matters, the width is bounded too: a test that lets everything pass is none.
Kolmogorov-Smirnov tests alarm falsely once in 10,000.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from twin_gym.core import batch as batching
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.tables import build_tables
from twin_gym.environments.slice_admission.theory.erlang import erlang_a, erlang_b
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.environments.slice_admission.theory.product_form import kaufman_roberts, product_form
from twin_gym.environments.slice_admission.world import World
from twin_gym.policies import evaluate
from twin_gym.scenario import (
    MMPP,
    Daily,
    Deterministic,
    Empirical,
    Exponential,
    Lognormal,
    Pareto,
    Poisson,
    Schedule,
    Trace,
)
from twin_gym.scenario.loading import load

WORLDS = list(range(1000, 1048))
SIGMAS = 4.0
ALARM = 1e-4


class FirstAllowed:
    """Admits whatever fits, the first slice first: with no queue, complete sharing."""

    name = "first allowed"

    def reset(self, seed):
        """Nothing to begin anew."""

    def actions(self, observations, masks):
        """The first allowed action; to wait is the last one."""
        return masks.argmax(axis=1)


class Threshold(FirstAllowed):
    """Admits the second class always and the first one while fewer units are busy."""

    name = "threshold"

    def __init__(self, num_units, busy):
        self.num_units = num_units
        self.busy = busy

    def actions(self, observations, masks):
        """By the free share of the units, the first value that is seen."""
        busy = np.rint((1.0 - observations[:, 0]) * self.num_units)
        choice = np.where((masks[:, 0] == 1) & (busy < self.busy), 0, 2)
        return np.where(masks[:, 1] == 1, 1, choice)


def must_be_near(values, known, scenario, widest):
    """The mean over worlds is the known value, within an interval that is narrow enough.

    Args:
        values: one a world.
        known: what theory says.
        scenario: its horizon and holding times give what an empty start may cost.
        widest: largest half width that the interval may have, relative to the known value.
    """
    interval = SIGMAS * values.std(ddof=1) / math.sqrt(len(values))
    start = 5.0 * max(one.mean_holding_time_s for one in scenario.slices) / scenario.horizon_s
    assert interval < widest * known, f"too wide to say anything: {interval / known:.3g}"
    assert abs(values.mean() - known) < interval + start * known, (
        f"{values.mean():.6g} is not {known:.6g} within {interval:.2g}"
    )


@pytest.mark.parametrize(
    ("preset", "known", "widest"),
    [
        ("teletraffic-erlang-5-10", 0.018384570, 0.15),
        ("teletraffic-erlang-8-10", 0.121661064, 0.06),
        ("teletraffic-erlang-10-10", 0.214582343, 0.04),
    ],
)
def test_blocking_is_erlang_b(preset, known, widest):
    """One class without a queue is Erlang's loss system."""
    scenario = load(preset)
    load_erlang = scenario.slices[0].offered_load_erlang
    assert erlang_b(load_erlang, 10) == pytest.approx(known, abs=1e-9)
    kpi = evaluate(FirstAllowed(), scenario, WORLDS).kpi
    must_be_near(kpi["blocking_probability"], known, scenario, widest)
    must_be_near(kpi["loss_ratio"], known, scenario, widest)
    must_be_near(kpi["utilisation"], load_erlang * (1.0 - known) / 10.0, scenario, widest=0.02)
    assert not kpi["declined"].any()


@pytest.mark.parametrize(
    "law",
    [
        Deterministic(),
        Lognormal(sigma=1.0),
        Pareto(shape=2.5),
        Empirical(quantiles=(0.0, 0.1, 0.5, 1.0, 4.0)),
    ],
    ids=lambda law: law.law,
)
def test_blocking_does_not_depend_on_the_law_of_holding(law):
    """Erlang's formula is insensitive: only the mean holding time counts."""
    scenario = load("teletraffic-erlang-8-10")
    scenario = scenario.replace(slices=(scenario.slices[0].replace(holding=law),))
    kpi = evaluate(FirstAllowed(), scenario, WORLDS).kpi
    must_be_near(kpi["blocking_probability"], erlang_b(8.0, 10), scenario, widest=0.06)


def test_classes_of_several_sizes_are_kaufman_roberts():
    """Complete sharing of one resource by classes of 1, 2 and 5 units."""
    sizes, rates, holding_s = (1, 2, 5), (6.0, 4.0, 0.5), (1.0, 0.5, 2.0)
    scenario = AdmissionScenario(
        name="sizes",
        capacity={"units": 16.0},
        slices=tuple(
            Slice(
                name=f"size_{size}",
                demand={"units": float(size)},
                arrival_rate_hz=rate_hz,
                mean_holding_time_s=mean_s,
            )
            for size, rate_hz, mean_s in zip(sizes, rates, holding_s, strict=True)
        ),
        horizon_s=1000.0,
    )
    loads = [rate_hz * mean_s for rate_hz, mean_s in zip(rates, holding_s, strict=True)]
    known = kaufman_roberts(16, sizes, loads).blocking_probability
    kpi = evaluate(FirstAllowed(), scenario, WORLDS).kpi
    for name, value in zip(scenario.slice_names, known, strict=True):
        must_be_near(kpi[f"blocking_probability/{name}"], value, scenario, widest=0.15)


def test_several_resources_are_the_product_form():
    """Three classes that hold two resources at once; now one is short and now the other."""
    scenario = AdmissionScenario(
        name="two-resources",
        capacity={"radio": 8.0, "computing": 10.0},
        slices=(
            Slice(name="wide", demand={"radio": 3.0, "computing": 1.0}, arrival_rate_hz=1.0,
                  mean_holding_time_s=1.0, revenue=3.0),
            Slice(name="deep", demand={"radio": 1.0, "computing": 4.0}, arrival_rate_hz=1.5,
                  mean_holding_time_s=0.8, holding=Pareto(shape=3.0), revenue=2.0),
            Slice(name="thin", demand={"computing": 1.0}, arrival_rate_hz=4.0,
                  mean_holding_time_s=0.5, revenue=0.5),
        ),
        horizon_s=1000.0,
    )  # fmt: skip
    known = product_form(scenario)
    kpi = evaluate(FirstAllowed(), scenario, WORLDS).kpi
    for name, value in known.blocking_probability.items():
        must_be_near(kpi[f"blocking_probability/{name}"], value, scenario, widest=0.12)
    for resource, value in known.utilisation.items():
        must_be_near(kpi[f"utilisation/{resource}"], value, scenario, widest=0.03)
    must_be_near(kpi["revenue_rate"], known.revenue_rate_per_s, scenario, widest=0.02)


def test_waiting_and_impatience_are_erlang_a():
    """M/M/10/20+M: blocked, abandoned, served after a wait."""
    scenario = load("teletraffic-erlang-a")
    known = erlang_a(12.0, 1.0, 0.5, 10, 10)
    assert known.blocking_probability == pytest.approx(0.041786, abs=1e-6)
    assert known.abandonment_probability == pytest.approx(0.157070, abs=1e-6)
    kpi = evaluate(FirstAllowed(), scenario, WORLDS).kpi
    abandoned = kpi["expired"] / kpi["offered"]
    must_be_near(kpi["blocking_probability"], known.blocking_probability, scenario, widest=0.1)
    must_be_near(abandoned, known.abandonment_probability, scenario, widest=0.05)
    must_be_near(kpi["utilisation"], 0.961372, scenario, widest=0.01)
    must_be_near(kpi["mean_wait_s"], known.mean_wait_s, scenario, widest=0.05)
    mean_queue = abandoned * 12.0 / 0.5  # who waits leaves at rate 0.5: Little's law
    must_be_near(mean_queue, 3.769691, scenario, widest=0.05)


@pytest.mark.parametrize(
    ("preset", "num_units", "busy", "optimum", "admit_all"),
    [
        ("teletraffic-heavy", 10, 5, 28.180845756570, 22.377542570324),
        ("teletraffic-medium", 10, 8, 21.114615249208, 19.635441422316),
        ("teletraffic-small", 5, 3, 10.324825986080, 8.954393770857),
    ],
)
def test_optimal_thresholds_earn_the_optimal_gain(preset, num_units, busy, optimum, admit_all):
    """The exact optimum, and admit-all, earn in simulation what value iteration says."""
    scenario = load(preset)
    assert optimal_policy(scenario).gain_per_s == pytest.approx(optimum, rel=1e-9)
    best = evaluate(Threshold(num_units, busy), scenario, WORLDS).kpi["revenue_rate"]
    plain = evaluate(FirstAllowed(), scenario, WORLDS).kpi["revenue_rate"]
    must_be_near(best, optimum, scenario, widest=0.02)
    must_be_near(plain, admit_all, scenario, widest=0.02)
    gain = best - plain  # the same worlds: a paired difference
    must_be_near(gain, optimum - admit_all, scenario, widest=0.1)
    for other in (busy - 1, busy + 1) if num_units == 5 else ():
        worse = evaluate(Threshold(num_units, other), scenario, WORLDS).kpi["revenue_rate"]
        difference = best - worse
        error = difference.std(ddof=1) / math.sqrt(len(difference))
        assert difference.mean() > -SIGMAS * error


def one_slice(**laws):
    """A world of one slice with the given laws."""
    values = {"arrival_rate_hz": 2.0, "mean_holding_time_s": 1.5, "mean_patience_s": 0.7} | laws
    scenario = AdmissionScenario(
        name="one",
        capacity={"units": 1.0},
        slices=(Slice(name="only", demand={"units": 1.0}, **values),),
        horizon_s=1000.0,
        patience_law="exponential",
    )
    return World(build_tables([scenario]), 42)


def seconds(ticks):
    """Ticks as seconds."""
    return np.array(ticks) * 1e-9


def arrivals_s(world, count):
    """The first arrivals of slice 0."""
    return seconds(list(itertools.islice(world.arrivals(0), count)))


SIGMA, SHAPE, MEAN_S = 0.8, 2.5, 1.5
QUANTILES = np.array([0.0, 0.5, 1.0, 4.0])
SCALED = QUANTILES * MEAN_S / ((0.25 + 0.75 + 2.5) / 3)


@pytest.mark.parametrize(
    ("law", "cdf"),
    [
        (Exponential(), stats.expon(scale=MEAN_S).cdf),
        (Lognormal(sigma=SIGMA),
         stats.lognorm(SIGMA, scale=MEAN_S * math.exp(-SIGMA**2 / 2)).cdf),
        (Pareto(shape=SHAPE), stats.pareto(SHAPE, scale=MEAN_S * (SHAPE - 1) / SHAPE).cdf),
        (Empirical(quantiles=tuple(QUANTILES)),
         lambda t: np.interp(t, SCALED, np.linspace(0.0, 1.0, 4))),
    ],
    ids=lambda value: getattr(value, "law", ""),
)  # fmt: skip
def test_holding_times_follow_their_law(law, cdf):
    """Kolmogorov-Smirnov against the law whose mean is the slice's."""
    world = one_slice(holding=law)
    drawn = seconds([world.holding_ticks(0, k) for k in range(4000)])
    assert stats.kstest(drawn, cdf).pvalue > ALARM
    other = seconds([world.holding_ticks(0, k) for k in range(4000, 8000)])
    assert abs(stats.spearmanr(drawn, other).statistic) < 4 / math.sqrt(4000)
    assert abs(stats.spearmanr(drawn[1:], drawn[:-1]).statistic) < 4 / math.sqrt(4000)


def test_deterministic_holding_times_are_the_mean():
    """To the nanosecond."""
    world = one_slice(holding=Deterministic())
    assert {world.holding_ticks(0, k) for k in range(50)} == {1_500_000_000}


def test_patience_follows_its_law():
    """Exponential with the slice's mean; or exactly the mean."""
    world = one_slice()
    drawn = seconds([world.patience_ticks(0, k) for k in range(4000)])
    assert stats.kstest(drawn, stats.expon(scale=0.7).cdf).pvalue > ALARM
    holding = seconds([world.holding_ticks(0, k) for k in range(4000)])
    assert abs(stats.spearmanr(drawn, holding).statistic) < 4 / math.sqrt(4000)
    exact = World(build_tables([world.scenario.replace(patience_law="deterministic")]), 1)
    assert {exact.patience_ticks(0, k) for k in range(50)} == {700_000_000}


def test_poisson_gaps_are_exponential():
    """Independent gaps of the mean 1 / rate."""
    gaps = np.diff(arrivals_s(one_slice(arrival=Poisson()), 4001))
    assert stats.kstest(gaps, stats.expon(scale=0.5).cdf).pvalue > ALARM
    assert abs(stats.spearmanr(gaps[1:], gaps[:-1]).statistic) < 4 / math.sqrt(4000)


@pytest.mark.parametrize("law", [Daily, Schedule])
def test_profile_arrivals_follow_the_rate(law):
    """Time changed by the integrated rate is a Poisson process of rate 1 (time-change theorem)."""
    factors = np.array([1.0, 0.0, 3.0, 0.5])
    world = one_slice(arrival=law(period_s=8.0, factors=tuple(factors)))
    arrivals = arrivals_s(world, 4000)
    edges = np.arange(0.0, arrivals[-1] + 10.0, 2.0)
    rates_hz = 2.0 * factors[np.arange(len(edges) - 1) % 4] / factors.mean()
    hazard = np.concatenate(([0.0], np.cumsum(rates_hz * 2.0)))
    gaps = np.diff(np.interp(arrivals, edges, hazard), prepend=0.0)
    assert stats.kstest(gaps, stats.expon().cdf).pvalue > ALARM
    counts = np.bincount((arrivals % 8.0 // 2.0).astype(int), minlength=4)
    expected = factors / factors.sum() * len(arrivals)
    assert counts[1] == 0
    assert (np.abs(counts - expected) <= 4 * np.sqrt(expected)).all()


def offered(law, rate_hz, horizon_s, rows=400):
    """How many requests come within the horizon, in each of many worlds."""
    scenario = AdmissionScenario(
        name="full",  # after the first admission nothing fits: the rest of the episode is one step
        capacity={"units": 1.0},
        slices=(
            Slice(name="only", demand={"units": 1.0}, arrival_rate_hz=rate_hz,
                  mean_holding_time_s=1e6, holding=Deterministic(), arrival=law),
        ),
        horizon_s=horizon_s,
    )  # fmt: skip
    batch = AdmissionBatch(rows, BatchSettings(scenario))
    everyone = np.ones(rows, np.bool_)
    batch.seed(np.arange(rows, dtype=np.uint64), everyone)
    batch.begin(everyone)
    batch.advance(np.zeros(rows, np.int64), batching.AUTORESET_DISABLED)
    return batch.kpis()["offered"]


@pytest.mark.parametrize(
    "law",
    [
        Poisson(),
        Daily(period_s=20.0, factors=(0.2, 1.0, 3.0)),
        Schedule(period_s=50.0, factors=(0.6, 3.0)),
        MMPP(factors=(0.5, 3.0), mean_sojourn_s=(16.0, 4.0)),
        MMPP(factors=(0.0, 2.0, 1.0), mean_sojourn_s=(1.0, 0.5, 3.0)),
    ],
    ids=lambda law: law.law,
)
def test_long_run_rate_is_the_rate_of_the_slice(law):
    """The average of every shape is the arrival rate; the start is stationary."""
    for horizon_s in (100.0, 300.0):
        if isinstance(law, Daily) and horizon_s % law.period_s:
            continue
        counts = offered(law, 3.0, horizon_s)
        error = counts.std(ddof=1) / math.sqrt(len(counts))
        assert abs(counts.mean() - 3.0 * horizon_s) < SIGMAS * error
        assert SIGMAS * error < 0.08 * counts.mean()


@pytest.mark.parametrize(
    "law",
    [
        MMPP(factors=(0.5, 3.0), mean_sojourn_s=(16.0, 4.0)),
        MMPP(factors=(0.0, 2.0, 1.0), mean_sojourn_s=(1.0, 0.5, 3.0)),
    ],
)
def test_modulated_arrivals_begin_stationary(law):
    """The first two seconds already have the average rate: no phase is favoured at the start."""
    counts = offered(law, 3.0, 2.0, rows=4000)
    error = counts.std(ddof=1) / math.sqrt(len(counts))
    assert abs(counts.mean() - 6.0) < SIGMAS * error
    assert SIGMAS * error < 0.08 * 6.0


def test_counts_of_a_poisson_process_have_variance_equal_to_the_mean_and_bursts_more():
    """Index of dispersion: 1 for Poisson, 1 + 2 r^2 / ... > 1 where the rate is modulated."""
    poisson = offered(Poisson(), 3.0, 100.0)
    bound = 4 * math.sqrt(2 / (len(poisson) - 1))
    assert abs(poisson.var(ddof=1) / poisson.mean() - 1.0) < bound
    bursts = offered(MMPP(factors=(0.5, 3.0), mean_sojourn_s=(16.0, 4.0)), 3.0, 100.0)
    # Two phases: the rate's autocovariance is p q (r1 - r2)^2 exp(-(a + b) t), whose double
    # integral over the horizon is what the variance has on top of the mean.
    share = 16.0 / 20.0
    decay = 1 / 16.0 + 1 / 4.0
    spread = share * (1 - share) * (3.0 * 2.5) ** 2
    excess = 2 * spread * (100.0 / decay - (1 - math.exp(-100.0 * decay)) / decay**2)
    known = 1.0 + excess / 300.0
    assert abs(bursts.var(ddof=1) / bursts.mean() - known) < 2 * bound * known


def test_replay_is_exact(tmp_path):
    """Every request of the file comes at its moment, with its holding time, and wraps around."""
    path = tmp_path / "requests.csv"
    rows = [(0.5, "a", 1.25), (2.0, "b", 0.5), (2.0, "a", 3.0), (7.75, "b", 2.5), (9.0, "a", 0.125)]
    path.write_text("arrival_s,slice,holding_s\n" + "".join(f"{t},{s},{h}\n" for t, s, h in rows))
    scenario = AdmissionScenario(
        name="replay",
        capacity={"units": 1.0},
        slices=tuple(
            Slice(name=n, demand={"units": 1.0}, arrival_rate_hz=1.0, mean_holding_time_s=1.0)
            for n in "ab"
        ),
        horizon_s=25.0,
        trace=Trace(path=str(path), last_s=10.0),
    )
    offsets = set()
    for seed in range(20):
        world = World(build_tables([scenario]), seed)
        offset_s = world.trace_offset * 1e-9
        offsets.add(offset_s)
        for s, name in enumerate("ab"):
            mine = [(t, h) for t, who, h in rows if who == name]
            lived = [(t + lap * 10.0 - offset_s, h) for lap in range(6) for t, h in mine]
            expected = [(t, h) for t, h in lived if t >= 0][:7]
            ticks = list(itertools.islice(world.arrivals(s), 7))
            holding = [world.holding_ticks(s, k) for k in range(7)]
            assert seconds(ticks) == pytest.approx([t for t, _ in expected], abs=2e-9)
            assert seconds(holding) == pytest.approx([h for _, h in expected], abs=1e-9)
    assert len(offsets) == 20
    assert min(offsets) < 2.0
    assert max(offsets) > 8.0


def test_offsets_of_a_replay_are_uniform(tmp_path):
    """Each episode begins at a moment of the window drawn from its seed."""
    path = tmp_path / "requests.csv"
    path.write_text("arrival_s,slice,holding_s\n1.0,only,1.0\n")
    scenario = one_slice().scenario.replace(trace=Trace(path=str(path), last_s=10.0))
    tables = build_tables([scenario])
    drawn = seconds([World(tables, seed).trace_offset for seed in range(1000)])
    assert stats.kstest(drawn, stats.uniform(0.0, 10.0).cdf).pvalue > ALARM


def test_scenarios_are_drawn_evenly():
    """Of several scenarios each episode draws one, each with the same chance."""
    base = load("teletraffic-small")
    several = [base.replace(horizon_s=float(10 + index)) for index in range(5)]
    tables = build_tables(several)
    drawn = np.bincount([World(tables, seed).network_index for seed in range(2000)], minlength=5)
    assert stats.chisquare(drawn).pvalue > ALARM
