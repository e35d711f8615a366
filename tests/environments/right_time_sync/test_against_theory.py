"""Right-time synchronisation: the simulation against formulas, and no policy beats the bound."""

import numba
import numpy as np
import pytest
from scipy import stats

from twin_gym.core.batch import AUTORESET_DISABLED
from twin_gym.environments.right_time_sync import theory
from twin_gym.environments.right_time_sync.batch import BatchSettings, SyncBatch
from twin_gym.environments.right_time_sync.layout import build_tables, law_of
from twin_gym.environments.right_time_sync.normal import normal
from twin_gym.environments.right_time_sync.policies import POLICIES
from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.environments.right_time_sync.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies.evaluation import evaluate
from twin_gym.scenario.loading import load

ERRORS = ("realised", "expected")
SHORTENED_S = {"sync-small": 600.0, "sync-medium": 80.0, "sync-large": 15.0}


@numba.njit
def many_normals(world, count):
    """The first draws of a stream."""
    draws = np.empty(count)
    for k in range(count):
        draws[k] = normal(world, np.int64(0), np.int64(k))
    return draws


def entity(process, count=1, **fields):
    """Entities of one process."""
    return EntityGroup(name=f"{process.law}-{count}", count=count, process=process, **fields)


def network(*groups, slots=400, **fields):
    """A scenario with slots of a second."""
    return SyncScenario(name="oracle", horizon_s=float(slots), groups=groups, **fields)


def reached(scenario, policy, seeds=range(24)):
    """Indicators and rewards a slot of a policy, one a world."""
    made = POLICIES[policy](scenario, "pick")
    result = evaluate(made, scenario, list(seeds))
    return result.kpi | {"reward": result.returns / scenario.num_slots}


def indicators(scenario, policy, rows, error):
    """Indicators of a policy at the end of an episode in as many worlds, by the form of errors."""
    batch = SyncBatch(rows, BatchSettings(scenario, error=error))
    everyone = np.ones(rows, np.bool_)
    batch.seed(np.arange(rows, dtype=np.uint64), everyone)
    batch.begin(everyone)
    made = POLICIES[policy](scenario, "pick")
    for _ in range(scenario.num_slots):
        batch.advance(made.actions(batch.observations, batch.masks), AUTORESET_DISABLED)
    assert batch.outcomes["truncated"].all()
    return batch.kpis()


def assert_mean(values, expected, errors=4.5):
    """The mean of independent values is the wanted one, within standard errors."""
    off = abs(np.mean(values) - expected)
    assert off <= errors * np.std(values, ddof=1) / np.sqrt(len(values)) + 1e-12


def test_normal_draws_are_normal():
    """A million draws: share by share, in both tails beyond the last layer, and apart."""
    draws = many_normals(np.uint64(7), 1_000_000)
    edges = stats.norm.ppf(np.linspace(0.0, 1.0, 201))
    counts = np.histogram(draws, edges)[0]
    assert stats.chisquare(counts).pvalue > 1e-6
    assert stats.kstest(draws, "norm").pvalue > 1e-6
    for tail in (draws[draws > 3.0], -draws[draws < -3.0]):
        assert abs(len(tail) - 1e6 * stats.norm.sf(3.0)) < 4.5 * np.sqrt(1e6 * stats.norm.sf(3.0))
        shares = stats.norm.sf(tail) / stats.norm.sf(3.0)
        assert stats.kstest(shares, "uniform").pvalue > 1e-6
    beyond = np.abs(draws)[np.abs(draws) > 3.66]  # some 250, drawn by another method
    shares = stats.norm.sf(beyond) / stats.norm.sf(3.66)
    assert stats.kstest(shares, "uniform").pvalue > 1e-6
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 4.5e-3
    assert np.array_equal(draws[:5], many_normals(np.uint64(7), 5))


@pytest.mark.parametrize(
    "process",
    [Walk(variance_rate_hz=0.01), MeanReverting(relaxation_s=5.0), TwoState(change_rate_hz=0.1)],
)
def test_values_have_the_law_of_their_chain(process):
    """Over many entities: means, variances and covariances of slots of every bridge level."""
    slots, count = 11, 1500
    scenario = network(entity(process, count), slots=slots)
    tables = build_tables([scenario])
    world = World(tables, 0, 77)
    paths = np.array([[world.value(k, t) for t in range(slots + 1)] for k in range(count)])
    _, decay, noise, _ = law_of(scenario.groups[0], 0, 1.0)
    start = float(tables.entities[0, 0]["initial_sd"]) ** 2
    variances = [start]
    for _ in range(slots):
        variances.append(variances[-1] * decay**2 + noise)
    for s in range(slots + 1):
        assert_mean(paths[:, s], 0.0)
        for t in range(s, slots + 1):
            assert_mean(paths[:, s] * paths[:, t], variances[s] * decay ** (t - s))


@pytest.mark.parametrize("delivery", [0.8, 0.4])
def test_mean_age_of_periodic_updates(delivery):
    """Round robin over 20 entities is a period of 20 slots for each."""
    scenario = network(
        entity(Walk(variance_rate_hz=1e-4), 20), slots=8000, delivery_probability=delivery
    )
    kpi = reached(scenario, "round-robin", range(6))
    expected = theory.mean_age_periodic(20.0, delivery)
    assert kpi["mean_age_s"].mean() == pytest.approx(expected, rel=0.02)


def test_error_of_a_walk_is_its_variance_rate_times_the_age():
    """With expected errors the two averages are tied exactly; realised ones agree on average."""
    scenario = network(entity(Walk(variance_rate_hz=1e-3), 5))
    kpi = reached(scenario, "round-robin")
    assert np.allclose(kpi["mean_error"], 1e-3 * (kpi["mean_age_s"] + 0.5), rtol=1e-9)
    realised, expected = (indicators(scenario, "round-robin", 100, e) for e in ERRORS)
    assert_mean(realised["mean_error"] - expected["mean_error"], 0.0)


@pytest.mark.parametrize("predictor", ["hold", "trend", "fitted"])
@pytest.mark.parametrize(
    "process", [MeanReverting(relaxation_s=9.0), TwoState(change_rate_hz=0.03)]
)
def test_expected_error_is_the_mean_of_the_realised_one(process, predictor):
    """For every law and predictor, with a delay: the difference has mean 0."""
    scenario = network(entity(process, 6), predictor=predictor, delay_slots=2)
    realised, expected = (indicators(scenario, "oldest-first", 80, e) for e in ERRORS)
    assert np.array_equal(expected["scenario_accuracy"], realised["scenario_accuracy"])
    assert_mean(expected["mean_error"] - realised["mean_error"], 0.0)


def test_fresh_share_of_a_two_state_entity():
    """A perfect periodic pull, looked at in the continuous limit of many short slots."""
    rate, period = 0.02, 50
    scenario = network(entity(TwoState(change_rate_hz=rate), 300), slots=period)
    world = World(build_tables([scenario]), 0, 5)
    changes = np.array([np.abs(np.diff(world.path(k))).cumsum() for k in range(300)])
    fresh = (changes == 0).mean(axis=1)
    # Two changes within a slot go unseen, which the slotted flip probability knows of.
    flip = -np.expm1(-2.0 * rate) / 2.0
    slotted = theory.fresh_share_periodic(-np.log1p(-flip), period)
    assert_mean(fresh, slotted * np.exp(-0.5 * flip), errors=5.0)
    assert theory.fresh_share_periodic(rate, float(period)) == pytest.approx(slotted, rel=0.02)


def test_twelve_rounds_of_twinning():
    """A tenth of the entities a round, four of five arrive: what PAPERS figures as 98 %."""
    scenario = load("sync-rounds")
    made = POLICIES["oldest-first"](scenario, "rounds")
    kpi = evaluate(made, scenario, list(range(40)), action="rounds").kpi
    share = scenario.round_size / scenario.num_entities
    assert_mean(kpi["known_share"], theory.updated_share(12, share, 0.8))
    assert kpi["final_accuracy"].mean() == pytest.approx(0.98, abs=0.005)


@pytest.mark.parametrize("delivery", [1.0, 0.8, 0.3])
def test_whittle_index_of_a_walk_is_kadota_s(delivery):
    """w p a (a + 2/p - 1) / 2 for errors that rise with the age."""
    ages = np.arange(0.0, 50.0)
    index = theory.whittle_index(np.arange(1.0, 400.0), delivery)[:50]
    assert np.allclose(index, delivery * ages * (ages + 2.0 / delivery - 1.0) / 2.0)


def test_least_average_and_least_total_agree():
    """Over a long episode the exact finite optimum is the average one; a short one is cheaper."""
    errors = 1.0 - np.exp(-np.arange(1.0, 1201.0) / 30.0)
    average = theory.least_average(errors, 0.8, 3.0)
    long = theory.least_total(errors, 0.8, 3.0, 1200) / 1200
    short = theory.least_total(errors, 0.8, 3.0, 30) / 30
    assert short < long <= average
    assert long == pytest.approx(average, rel=0.02)


@pytest.mark.parametrize("predictor", ["hold", "fitted", "trend"])
def test_no_policy_beats_the_bound(predictor):
    """All policies, with a budget too; the Whittle policy comes near it."""
    scenario = network(
        entity(Walk(variance_rate_hz=1e-3), 4, spread=16.0),
        entity(MeanReverting(relaxation_s=40.0), 3, spread=9.0),
        entity(TwoState(change_rate_hz=0.02), 3, weight=0.1),
        slots=200, predictor=predictor, update_cost=0.001,
    )  # fmt: skip
    for limited in (scenario, scenario.replace(update_budget=60)):
        bound = theory.relaxation_bound(limited)
        assert bound > 0.0
        for name in POLICIES:
            rewards = reached(limited, name)["reward"]
            slack = 4.0 * np.std(rewards, ddof=1) / np.sqrt(len(rewards))
            assert -rewards.mean() >= bound - slack, name
    if predictor == "fitted":
        best = -reached(scenario, "whittle")["reward"].mean()
        assert best <= 1.15 * theory.relaxation_bound(scenario)


@pytest.mark.parametrize(
    "preset",
    [
        "sync-small",
        pytest.param("sync-medium", marks=pytest.mark.slow),
        pytest.param("sync-large", marks=pytest.mark.slow),
    ],
)
def test_no_policy_beats_the_bound_on_presets(preset):
    """Part of an episode, for the bound takes time; nor is the best rule far away from it."""
    scenario = load(preset).replace(horizon_s=SHORTENED_S[preset])
    bound = theory.relaxation_bound(scenario)
    for name in POLICIES:
        rewards = reached(scenario, name, range(8))["reward"]
        slack = 4.0 * np.std(rewards, ddof=1) / np.sqrt(len(rewards))
        assert -rewards.mean() >= bound - slack, name
        if name == "whittle" and preset == "sync-small":
            assert -rewards.mean() <= 1.12 * bound


def test_bound_of_an_episode_is_no_looser_than_a_price_of_nothing():
    """Better than what nobody needs to pay for; near that of all time for a long episode."""
    walks = entity(Walk(variance_rate_hz=1e-3), 6, spread=9.0)
    scenario = network(walks, slots=600)
    episode, all_time = (theory.relaxation_bound(scenario, is_finite=f) for f in (True, False))
    free = theory.relaxation_bound(scenario.replace(update_budget=600 * 6), places=6)
    assert free < episode < all_time
    assert episode == pytest.approx(all_time, rel=0.03)


def test_bound_knows_a_group_s_own_delivery():
    """A group that loses more has a higher bound, and nobody beats that."""
    better, worse = (
        network(
            entity(Walk(variance_rate_hz=1e-3), 4, delivery_probability=share),
            entity(Walk(variance_rate_hz=1e-4), 3), slots=200,
        )
        for share in (None, 0.3)
    )  # fmt: skip
    bound = theory.relaxation_bound(worse)
    assert bound > 1.5 * theory.relaxation_bound(better)
    for name in ("whittle", "oldest-first", "largest-expected-error"):
        rewards = reached(worse, name)["reward"]
        assert -rewards.mean() >= bound - 4.0 * np.std(rewards) / np.sqrt(len(rewards)), name


def test_bound_needs_laws():
    """A measured series has none."""
    with pytest.raises(ConfigError, match="no law"):
        theory.relaxation_bound(load("sync-beijing"))
