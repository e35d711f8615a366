"""Massive access: what is simulated against formulas, bounds, and the laws of the arrivals.

Each mean is over opportunities or worlds with fixed seeds and must lie within four standard errors
of the known value. Kolmogorov-Smirnov tests alarm falsely once in 10,000.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from twin_gym.core import batch as batching
from twin_gym.environments.massive_access.batch import AccessBatch, BatchSettings
from twin_gym.environments.massive_access.layout import build_networks
from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
)
from twin_gym.environments.massive_access.theory import (
    access_bound,
    best_senders,
    beta_share,
    collided_senders,
    expected_arrivals,
    expected_collisions,
    expected_idle,
    expected_successes,
    sender_mean_given_collision,
)
from twin_gym.environments.massive_access.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy
from twin_gym.scenario.loading import load

SIGMAS = 4.0
ALARM = 1e-4


def at_once(devices, **changes):
    """A scenario in which all devices ask in one slot and everybody tries at every opportunity."""
    fields = {
        "name": "at-once", "horizon_s": 0.005, "num_devices": devices, "backoff_s": 0.0,
        "arrivals": SimultaneousArrivals(window_s=0.005, fraction=1.0),
    }  # fmt: skip
    return AccessScenario(**(fields | changes))


def first_opportunities(scenario, rows):
    """A batch after one opportunity in which nobody was barred."""
    batch = AccessBatch(rows, BatchSettings(scenario))
    everyone = np.ones(rows, np.bool_)
    batch.seed(np.arange(rows, dtype=np.uint64), everyone)
    batch.begin(everyone)
    batch.advance(np.zeros(rows, np.int64), batching.AUTORESET_DISABLED)
    return batch


@pytest.mark.parametrize(
    ("senders", "alone"), [(10, 8.45), (20, 14.02), (54, 20.05), (80, 18.27), (108, 14.62)]
)
def test_singletons_are_those_of_the_table(senders, alone):
    """The figures of the literature, to their last digit."""
    assert round(expected_successes(senders), 2) == alone


@pytest.mark.parametrize(("senders", "preambles"), [(3, 2), (4, 3), (5, 1), (6, 3)])
def test_formulas_are_the_enumeration(senders, preambles):
    """Every way in which few senders can pick, one by one."""
    alone = idle = collided = 0
    for picked in itertools.product(range(preambles), repeat=senders):
        uses = np.bincount(picked, minlength=preambles)
        alone += (uses == 1).sum()
        idle += (uses == 0).sum()
        collided += (uses > 1).sum()
    ways = preambles**senders
    assert expected_successes(senders, preambles) == pytest.approx(alone / ways)
    assert expected_idle(senders, preambles) == pytest.approx(idle / ways)
    assert expected_collisions(senders, preambles) == pytest.approx(collided / ways)


@pytest.mark.parametrize("preambles", [1, 2, 10, 54, 64])
def test_best_number_of_senders_is_the_best(preambles):
    """No number of senders up to ten times the preambles brings more."""
    senders, most = best_senders(preambles)
    successes = [expected_successes(n, preambles) for n in range(10 * preambles + 1)]
    assert senders == preambles
    assert max(successes) == pytest.approx(most)
    scenario = load("access-small-20").replace(preambles=preambles)
    assert scenario.best_expected_successes == pytest.approx(most)


@pytest.mark.parametrize("senders", [1, 10, 54, 108])
def test_simulated_singletons_are_the_formula(senders):
    """Everybody at once, nobody barred: what becomes of the preambles, in 4,000 worlds."""
    batch = first_opportunities(at_once(senders), 4000)
    rows = batch.arrays["rows"]
    for name, expected in (
        ("succeeded", expected_successes(senders)),
        ("collided", expected_collisions(senders)),
        ("used", 54 - expected_idle(senders)),
    ):
        seen = rows[name].astype(float)
        error = seen.std(ddof=1) / math.sqrt(len(seen))
        assert abs(seen.mean() - expected) <= SIGMAS * error + 1e-12, name
        assert error < 0.1


def test_barring_thins_the_senders():
    """108 devices at p = 0.5: as many are alone as if each of 108 sent with probability 1/2."""
    batch = AccessBatch(4000, BatchSettings(at_once(108), action="probability"))
    everyone = np.ones(4000, np.bool_)
    batch.seed(np.arange(4000, dtype=np.uint64), everyone)
    batch.begin(everyone)
    batch.advance(np.full((4000, 1), 0.5), batching.AUTORESET_DISABLED)
    rows = batch.arrays["rows"]
    for name, expected in (("attempts", 54.0), ("succeeded", 54 * (1 - 0.5 / 54) ** 107)):
        seen = rows[name].astype(float)
        assert abs(seen.mean() - expected) <= SIGMAS * seen.std(ddof=1) / math.sqrt(len(seen)), name


def test_backoff_is_even_over_four_opportunities():
    """0 to 20 ms and an opportunity each 5 ms: the next four, all as likely."""
    world = World(build_networks([at_once(50, backoff_s=0.02)])[0], 5)
    drawn = [world.backoff(device, tries) for device in range(2000) for tries in range(1, 6)]
    counts = np.bincount(drawn)
    assert counts[0] == 0
    assert len(counts) == 5
    assert stats.chisquare(counts[1:]).pvalue > ALARM
    shorter = World(build_networks([at_once(50, backoff_s=0.0)])[0], 5)
    assert {shorter.backoff(device, 1) for device in range(100)} == {1}


def test_preambles_are_even():
    """Each of 54 as likely, at every try."""
    world = World(build_networks([at_once(50)])[0], 6)
    drawn = [world.preamble(device, tries) for device in range(2000) for tries in range(10)]
    counts = np.bincount(drawn, minlength=54)
    assert len(counts) == 54
    assert stats.chisquare(counts).pvalue > ALARM


def test_beta_arrivals_follow_beta_3_4():
    """Opportunities of 20,000 devices against the law itself, and its peak."""
    scenario = load("access-beta-30000").replace(num_devices=20_000, slot_s=0.00125)
    world = World(build_networks([scenario])[0], 9)
    joined = np.repeat(np.arange(scenario.num_opportunities), world.arrivals())
    moments = (joined + np.random.default_rng(0).random(len(joined))) * scenario.slot_s / 10.0
    assert stats.kstest(moments, stats.beta(3, 4).cdf).pvalue > ALARM
    assert np.allclose(beta_share([0.1, 0.5, 0.9]), stats.beta(3, 4).cdf([0.1, 0.5, 0.9]))


def test_peak_of_30000_devices_is_over_the_ceiling():
    """31.1 new devices an opportunity, and 20.05 can be served."""
    arrivals = expected_arrivals(load("access-beta-30000"))
    assert round(arrivals.max(), 1) == 31.1
    assert arrivals.argmax() == pytest.approx(0.4 * 2000, abs=2)
    assert arrivals.sum() == pytest.approx(30_000)


def test_bursts_are_where_the_world_puts_them():
    """Exactly the share asks in one slot, in another one in another world, within the window."""
    scenario = load("access-large-45")
    network = build_networks([scenario])[0]
    peaks = set()
    for key in range(12):
        arrivals = World(network, key).arrivals()
        assert arrivals.sum() == 1000
        assert arrivals[200:].sum() == 0
        assert 450 <= arrivals.max() < 480
        peaks.add(int(arrivals.argmax()))
    assert len(peaks) > 8
    several = scenario.replace(arrivals=scenario.arrivals.replace(bursts=3))
    arrivals = World(build_networks([several])[0], 1).arrivals()
    assert (np.sort(arrivals)[-3:] >= 150).all()


def test_rivest_s_rule_is_the_case_of_one_preamble():
    """At load 1 a collision stands for 1 + 1 / (e - 2) senders; at load 0 for two."""
    assert sender_mean_given_collision(1.0) == pytest.approx(1.0 + 1.0 / (math.e - 2.0))
    counts = np.arange(2, 200)
    for load_ in (0.01, 0.3, 2.0, 7.0):
        weights = stats.poisson(load_).pmf(counts)
        expected = (weights * counts).sum() / weights.sum()
        assert sender_mean_given_collision(load_) == pytest.approx(expected, rel=1e-6)
    assert collided_senders(np.zeros(2)) == pytest.approx([2.0, 2.0], abs=1e-3)
    assert collided_senders(np.array([1e-4])) == pytest.approx([2.0], abs=1e-3)


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
def test_theory_refuses_what_is_no_number(bad):
    """Out of range: said at once."""
    with pytest.raises(ConfigError, match="senders"):
        expected_successes(bad)
    with pytest.raises(ConfigError, match="preambles"):
        expected_successes(1.0, 0)
    with pytest.raises(ConfigError, match="load"):
        sender_mean_given_collision(bad)
    with pytest.raises(ConfigError, match="arrivals"):
        access_bound(load("access-small-20"), np.full(300, bad))


def test_bound_by_hand():
    """Ten at once for two preambles (at most one an opportunity), four opportunities, weight 1."""
    scenario = at_once(10, horizon_s=0.02, preambles=2)
    bound = access_bound(scenario)
    assert bound.successes == pytest.approx(4.0)
    assert bound.success_probability == pytest.approx(0.4)
    assert bound.throughput_return == pytest.approx(4.0)
    assert bound.total_return == pytest.approx(1.0 + 0.75 + 0.5 + 0.25)
    late = access_bound(scenario, [0.0, 0.0, 1.0, 0.0])
    assert (late.successes, late.total_return) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("name", ["none", "idle-estimator", "genie"])
@pytest.mark.parametrize("preset", ["access-medium-70", "access-large-70"])
def test_no_policy_exceeds_the_bound(preset, name):
    """Mean successes and returns of 48 worlds, against the bound of their own arrivals."""
    scenario = load(preset)
    seeds = list(range(5000, 5048))
    evaluation = evaluate(make_policy(name, scenario), scenario, seeds)
    everyone = AccessBatch(48, BatchSettings(scenario))
    everyone.seed(np.array(seeds, np.uint64), np.ones(48, np.bool_))
    everyone.begin(np.ones(48, np.bool_))
    bounds = []
    for head in everyone.heads:
        arrivals = World(everyone.networks[0], int(head["world"])).arrivals()
        bounds.append(access_bound(scenario, arrivals))
    gap = np.array([bound.total_return for bound in bounds]) - evaluation.returns
    assert gap.mean() >= -SIGMAS * gap.std(ddof=1) / math.sqrt(48) - 1e-9
    gap = np.array([bound.successes for bound in bounds]) - evaluation.kpi["succeeded"]
    assert gap.mean() >= -SIGMAS * gap.std(ddof=1) / math.sqrt(48) - 1e-9


def test_30000_devices_collapse_without_barring_and_recover_with_the_genie():
    """Without barring most devices are lost; with the genie nearly none."""
    scenario = load("access-beta-30000")
    shares = {
        name: evaluate(make_policy(name, scenario), scenario, [1, 2]).kpi[
            "access_success_probability"
        ]
        for name in ("none", "genie", "idle-estimator")
    }
    assert (shares["none"] < 0.5).all()
    assert (shares["genie"] > 0.98).all()
    assert (shares["idle-estimator"] > 0.95).all()


def test_10000_devices_are_safe_without_barring():
    """Below the ceiling, hardly anybody is lost."""
    scenario = load("access-beta-10000")
    evaluation = evaluate(make_policy("none", scenario), scenario, [1, 2])
    assert (evaluation.kpi["access_success_probability"] > 0.99).all()


def test_uniform_arrivals_are_even():
    """Every slot of the window is as likely."""
    scenario = at_once(50).replace(horizon_s=0.1, arrivals={"law": "uniform", "window_s": 0.1})
    network = build_networks([scenario])[0]
    counts = sum(World(network, key).arrivals() for key in range(200))
    assert stats.chisquare(counts).pvalue > ALARM
    assert isinstance(load("access-beta-1000").arrivals, BetaArrivals)
