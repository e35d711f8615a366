"""Windows of stores of truck routing: estimates against what ran."""

import numpy as np
import pytest

from twin_gym.environments.truck_routing.estimation import (
    CommonPeriod,
    _profile_hours,
    inflow_likelihood,
)
from twin_gym.environments.truck_routing.layout import build_tables
from twin_gym.environments.truck_routing.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies import make_policy
from twin_gym.scenario.changes import changed, value_at
from twin_gym.scenario.loading import load
from twin_gym.twins.history import open_store, record_run
from twin_gym.twins.realtime import Link
from twin_gym.twins.scenarios import (
    Criteria,
    HistoricalGenerator,
    HybridGenerator,
    ParameterSpace,
    current_state_from_store,
    history_from_store,
)
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry
from twin_gym.twins.scenarios.estimation.windows import estimator_of

BASE = "truck-grid-20"
CHANGES = {
    "as it is": {"horizon_s": 259_200.0},
    "busier": {"inflow_factor": 1.4, "delivery_probability": 0.5, "report_period_s": 1_800.0},
    "sensors that are full early": {"sensor_full_share": 0.6, "deposits.deposit_mean_l": 20.0},
    "busy mornings": {"deposits.profile": [0.2] * 6 + [3.0] * 6 + [0.4] * 12},
}
SEEDS = (0, 1, 2)


def base_of(name):
    """What the analyst takes for granted: sensors and deposits as they are, all else as in BASE."""
    known = {k: v for k, v in CHANGES[name].items() if k.startswith(("sensor", "deposits"))}
    return changed(load(BASE), known) if known else load(BASE)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Makes a store of three episodes; each once."""
    made = {}

    def found(name, loss=0.0):
        if (name, loss) not in made:
            store = open_store(tmp_path_factory.mktemp("runs") / "store.db")
            one = changed(load(BASE), CHANGES[name])
            for seed in SEEDS:
                policy = make_policy("nearest-full", one)
                record_run(store, policy, one, seed, link=Link(loss=loss, seed=9))
            made[name, loss] = store
        return made[name, loss]

    yield found
    for store in made.values():
        store.close()


def estimates(store, name):
    """By path: evidence of all episodes together, estimate drawn to twice the truth, and truth."""
    truth, base = changed(load(BASE), CHANGES[name]), base_of(name)
    several = [
        estimator_of("truck")(EpisodeTelemetry(store, one.id), base, 0.0, float("inf"))
        for one in store.episodes()
    ]
    found = {}
    for path in several[0]:
        evidence = several[0][path].joined([one[path] for one in several[1:]])
        true = float(value_at(truth, path))
        found[path] = evidence, evidence.estimate(2.0 * true), true
    return found


@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize("name", CHANGES)
def test_inflow_is_found_again(recorded, name, loss):
    """Within four standard errors of the growths that were heard."""
    evidence, factor, truth = estimates(recorded(name, loss), name)["inflow_factor"]
    heard = evidence.spans[evidence.products[:, 1] == 0.0].sum() * truth
    assert heard > 100.0
    assert abs(np.log(factor / truth)) < 4.0 / np.sqrt(heard)


@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize("name", ["as it is", "busier"])
def test_period_and_delivery_of_reports_are_found_again(recorded, name, loss):
    """The period exactly, the probability within four standard errors."""
    found = estimates(recorded(name, loss), name)
    evidence, period_s, truth = found["report_period_s"]
    assert evidence.gaps > 50
    assert period_s == truth
    evidence, share, truth = found["delivery_probability"]
    assert evidence.count > 2_500
    assert share == pytest.approx(truth, abs=4.0 * np.sqrt(truth * (1.0 - truth) / evidence.count))


def test_windows_see_the_days(recorded):
    """A window a day; the inflow of each is near the true one, and nothing is unheard."""
    space = ParameterSpace.of(load(BASE))
    lived = history_from_store(recorded("busier"), space, 86_400.0)
    assert lived.points.shape == (9, 3)
    assert space.paths == ("inflow_factor", "report_period_s", "delivery_probability")
    assert np.exp(lived.points[:, 0]) == pytest.approx(1.4, rel=0.2)
    assert np.exp(lived.points[:, 1]) == pytest.approx(1_800.0)
    assert "all observed" in lived.source


@pytest.mark.parametrize("make", [HistoricalGenerator, HybridGenerator])
def test_a_store_becomes_scenarios_that_may_come(recorded, make):
    """Valid networks near the one that ran."""
    store, space = recorded("busier"), ParameterSpace.of(load(BASE))
    lived = history_from_store(store, space, 86_400.0)
    now = current_state_from_store(store, space, 86_400.0)
    assert now.is_known.all()
    found = make().generate(Criteria(name="next"), lived, now, 4, np.random.default_rng(1))
    assert len({one.digest for one in found}) == 4
    for one in found:
        assert one.kind == "truck"
        assert 1.0 < one.inflow_factor < 2.0
        assert 1_700.0 < one.report_period_s < 1_900.0


def test_nothing_is_learned_over_a_dead_link(tmp_path):
    """No window was heard of."""
    one, space = load(BASE), ParameterSpace.of(load(BASE))
    with open_store(tmp_path / "store.db") as store:
        record_run(store, make_policy("nearest-full", one), one, 3, link=Link(loss=1.0))
        with pytest.raises(ConfigError, match="0 windows"):
            history_from_store(store, space, 43_200.0)
        now = current_state_from_store(store, space, 43_200.0)
    assert not now.is_known.any()


def test_bins_that_never_report_vary_in_inflow_alone(tmp_path):
    """Which emptyings tell."""
    one = changed(load(BASE), {"report_period_s": "never", "inflow_factor": 1.3})
    assert ParameterSpace.of(one).paths == ("inflow_factor",)
    base = changed(load(BASE), {"report_period_s": "never"})
    with open_store(tmp_path / "store.db") as store:
        record_run(store, make_policy("nearest-full", one), one, 3)
        found = estimator_of("truck")(EpisodeTelemetry(store, 1), base, 0.0, float("inf"))
    assert found["report_period_s"].is_empty
    assert found["delivery_probability"].is_empty
    assert found["inflow_factor"].estimate(1.0) == pytest.approx(1.3, rel=0.4)


def test_period_is_the_greatest_common_divisor():
    """Of the gaps of all windows; of few gaps nothing is said."""
    one, other = CommonPeriod(5.0, 7_200_000, 6), CommonPeriod(9.0, 10_800_000, 6)
    assert one.is_empty
    assert one.estimate(60.0) == 60.0
    both = one.joined([other])
    assert (both.at_s, both.gaps, both.estimate(60.0)) == (9.0, 12, 3_600.0)


def test_growth_that_is_known_counts_as_a_ratio():
    """Without full bins the best factor is what was thrown in over what was expected."""
    factors = np.linspace(0.5, 2.0, 301)
    spans, products = np.array([4.0, 6.0]), np.array([[6.0, 0.0], [9.0, 0.0]])
    assert factors[inflow_likelihood(factors, spans, products).argmax()] == pytest.approx(1.5)


def test_full_bins_raise_the_inflow_and_no_further_than_they_must():
    """One that got twice what was expected, or more, speaks for more; one without room does not."""
    factors = np.linspace(0.2, 5.0, 481)
    known = np.array([[10.0, 0.0]])
    alone = inflow_likelihood(factors, np.array([10.0]), known)
    full = inflow_likelihood(factors, np.array([10.0, 5.0]), np.vstack((known, [10.0, 1.0])))
    none = inflow_likelihood(factors, np.array([10.0, 5.0]), np.vstack((known, [0.0, 1.0])))
    assert factors[alone.argmax()] == pytest.approx(1.0)
    assert 1.1 < factors[full.argmax()] < 2.0
    assert none == pytest.approx(alone)


def test_factor_of_the_inflow_is_that_of_the_tables():
    """Twice the factor is twice the litres; replayed inflow has none."""
    plain, twice = load(BASE), changed(load(BASE), {"inflow_factor": 2.0})
    tables = build_tables([plain, twice])
    assert tables.networks["daily_l"][1] == pytest.approx(2.0 * tables.networks["daily_l"][0])
    assert np.allclose(tables.means[1], 2.0 * tables.means[0])
    replayed = load("truck-edinburgh-replay")
    assert "inflow_factor" not in ParameterSpace.of(replayed).paths
    with pytest.raises(ConfigError, match="leave it at 1"):
        changed(replayed, {"inflow_factor": 2.0})


def test_hours_are_weighted_as_the_world_weighs_them():
    """From the hour at which shifts begin; over midnight, over a day, within an hour."""
    one = changed(load(BASE), CHANGES["busy mornings"])
    world = World(build_tables([one]), 0, 1)
    times_s = np.array([0.0, 1_800.0, 20_000.0, 70_000.0, 86_400.0, 200_000.0])
    expected = [world.profile_hours(time_s * 1e3) for time_s in times_s]
    assert _profile_hours(one, one.deposits, times_s) == pytest.approx(expected)
    assert expected[1] == pytest.approx(1.5)  # half an hour at six, of thrice the mean
