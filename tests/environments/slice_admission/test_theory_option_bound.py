"""The option bound: above every optimum, equal to it where nothing waits, proven on its grid."""

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.environments.slice_admission.theory_cases import (
    KNOWN_OPTIMA,
    small_scenarios,
    two_queues,
)
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.theory import option_sweeps
from twin_gym.environments.slice_admission.theory.bounds import fluid_bound
from twin_gym.environments.slice_admission.theory.finite_horizon import finite_horizon_optimum
from twin_gym.environments.slice_admission.theory.optimal import optimal_policy
from twin_gym.environments.slice_admission.theory.option_bound import option_bound
from twin_gym.environments.slice_admission.theory.option_model import option_model
from twin_gym.environments.slice_admission.theory.rate_intervals import rate_intervals_of
from twin_gym.errors import ConfigError, TooLargeError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario import MMPP, Daily, Deterministic, Poisson, Schedule, Trace
from twin_gym.scenario.loading import load

BURSTS = MMPP(factors=(0.3, 3.0), mean_sojourn_s=(4.0, 2.0))


def offered(scenario):
    """Revenue and penalties that come a second."""
    return sum(one.arrival_rate_hz * (one.revenue + one.lost_penalty) for one in scenario.slices)


@settings(max_examples=15)
@given(scenario=small_scenarios())
def test_bound_is_above_the_exact_optimum(scenario):
    """In the long run and in episodes, with queues, impatience and penalties."""
    long_run = option_bound(scenario).revenue_rate_per_s
    slack = 1e-9 * (1.0 + offered(scenario))
    assert long_run >= optimal_policy(scenario).bounds[0] - slack
    episode = option_bound(scenario, horizon_s=5.0)
    exact = finite_horizon_optimum(scenario, horizon_s=5.0, tolerance=1e-2)
    assert episode.revenue_rate_per_s >= exact.bounds[0] - slack


@settings(max_examples=15)
@given(scenario=small_scenarios(max_queue=0))
def test_bound_is_the_exact_optimum_where_nothing_waits(scenario):
    """Every option is to be taken at once: h is the relative value of the optimum."""
    bound = option_bound(scenario)
    exact = optimal_policy(scenario).gain_per_s
    assert bound.unlimited == ((),)
    assert bound.revenue_rate_per_s == pytest.approx(exact, abs=1e-4 * offered(scenario) + 1e-12)


@pytest.mark.parametrize("preset", KNOWN_OPTIMA)
def test_known_optima_are_met(preset):
    """The teletraffic presets, which are loss systems, to six digits."""
    bound = option_bound(load(preset))
    assert bound.revenue_rate_per_s == pytest.approx(KNOWN_OPTIMA[preset][0], abs=1e-5)


def test_known_optimum_of_contention_as_a_loss_system():
    """Four slices and three resources, 23.6638 a second."""
    base = load("contention")
    scenario = base.replace(slices=tuple(one.replace(queue_limit=0) for one in base.slices))
    bound = option_bound(scenario).revenue_rate_per_s
    assert 23.6638225 - 1e-6 <= bound <= 23.6638225 + 4e-3


def test_queues_are_worth_something_in_the_bound():
    """Exact optimum, option bound and fluid bound stand in this order, far from each other."""
    scenario = two_queues(3)
    exact = optimal_policy(scenario).gain_per_s
    bound = option_bound(scenario).revenue_rate_per_s
    assert exact + 0.5 < bound < fluid_bound(scenario).revenue_rate_per_s - 0.3


@pytest.mark.slow
def test_contention_is_bounded_between_simulation_and_fluid():
    """The best static reservation earns 25; the bound of an episode is 27.2, the fluid one 29.1."""
    scenario = load("contention")
    bound = option_bound(scenario, horizon_s=200.0)
    policy = make_policy("reservation", scenario)
    earned = evaluate(policy, scenario, world_seeds("validation", 32)).returns.mean() / 200.0
    fluid = fluid_bound(scenario, horizon_s=200.0).revenue_rate_per_s
    assert earned < bound.long_run_per_s < bound.revenue_rate_per_s < fluid
    assert bound.revenue_rate_per_s == pytest.approx(27.15, abs=0.05)
    assert bound.unlimited == (("ubiquitous",),)


def waiting_calls(patience_s=0.7, law="deterministic", arrival=None):
    """Two slices on three units that wait exactly so long."""
    patient = {"mean_patience_s": patience_s, "queue_limit": 4}
    if arrival is not None:
        patient["arrival"] = arrival
    dear = Slice(
        name="dear",
        demand={"units": 2.0},
        arrival_rate_hz=1.0,
        mean_holding_time_s=1.0,
        revenue=4.0,
        lost_penalty=0.5,
        **patient,
    )
    cheap = Slice(
        name="cheap",
        demand={"units": 1.0},
        arrival_rate_hz=3.0,
        mean_holding_time_s=1.0,
        **patient,
    )
    return AdmissionScenario(
        name="waiting-calls",
        capacity={"units": 3.0},
        slices=(dear, cheap),
        horizon_s=50.0,
        patience_law=law,
    )


@pytest.mark.parametrize("law", ["deterministic", "exponential"])
@pytest.mark.parametrize("arrival", [None, Schedule(period_s=50.0, factors=(1.0, 4.0)), BURSTS])
def test_no_rule_earns_more_in_simulation(law, arrival):
    """Rules of all kinds, with patience of both laws, with rates that change and that do not."""
    if arrival is BURSTS and law == "exponential":
        pytest.skip("bursts need deterministic patience")
    scenario = waiting_calls(law=law, arrival=arrival)
    bound = option_bound(scenario, horizon_s=50.0).revenue_rate_per_s
    for name in ("density", "max-revenue", "fifo"):
        policy = make_policy(name, scenario)
        earned = evaluate(policy, scenario, world_seeds("validation", 128)).returns / 50.0
        assert earned.mean() < bound + 3.0 * earned.std() / math.sqrt(len(earned))


def test_patience_is_worth_something():
    """The longer requests wait the more is possible; with none, it is the loss system's optimum."""
    bounds = [option_bound(waiting_calls(p)).revenue_rate_per_s for p in (1e-6, 0.2, 0.7, 2.0)]
    assert bounds == sorted(bounds)
    base = waiting_calls(law="exponential")
    alone = base.replace(slices=tuple(one.replace(queue_limit=0) for one in base.slices))
    # Not equal: the obstacle of a request that waits, however shortly, falls in the load.
    assert bounds[0] >= optimal_policy(alone).gain_per_s - 1e-9
    assert bounds[0] == pytest.approx(optimal_policy(alone).gain_per_s, abs=0.05)


def test_option_on_one_server_has_a_closed_form():
    """Worth r when it is free; when it is busy r (1 - exp(-μτ)), approached from above."""
    model = option_model(load("teletraffic-erlang-a"), max_vectors=100)
    calls = load("teletraffic-erlang-a").slices[0].replace(mean_patience_s=1.5)
    one = load("teletraffic-erlang-a").replace(
        capacity={"units": 1.0}, slices=(calls,), patience_law="deterministic"
    )
    model = option_model(one, max_vectors=10)
    exact = 1.0 - math.exp(-1.5)
    errors = []
    for step_s in (0.1, 0.05, 0.025):
        option, _ = model.options(np.zeros(2), frozenset(), step_s, is_proven=True)
        assert option[0, 0] == 1.0
        errors.append(option[0, 1] - exact)
        near, _ = model.options(np.zeros(2), frozenset(), step_s, is_proven=False)
        assert near[0, 1] == pytest.approx(exact, abs=step_s**2)
    assert 0.0 < errors[2] < errors[1] < errors[0] < 0.05
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.1)


def test_exponential_option_on_one_server_has_a_closed_form():
    """When it is busy: r times the chance μ / (μ + θ) that it is free in time."""
    one = load("teletraffic-erlang-a").replace(capacity={"units": 1.0})
    model = option_model(one, max_vectors=10)
    option, _ = model.options(np.zeros(2), frozenset(), 1.0, is_proven=True)
    assert option[0] == pytest.approx([1.0, 1.0 / 1.5])


def departures(model, value):
    """Δ of a function, told literally."""
    chain = model.chain
    result = np.zeros(len(value))
    for n, counts in enumerate(chain.in_service):
        for s, count in enumerate(counts):
            if count:
                change = value[chain.down[n, s]] - value[n]
                result[n] += count * chain.service_rate_hz[s] * change
    return result


def test_discretised_options_satisfy_what_the_proof_needs():
    """Conditions (a) to (d) at every point of the grid, for an h that is nothing special."""
    model = option_model(waiting_calls(), max_vectors=100)
    chain = model.chain
    rng = np.random.default_rng(1)
    value = -rng.uniform(0.0, 2.0, model.num_vectors) * chain.in_service.sum(axis=1)
    step_s, obstacle = 0.05, np.zeros(model.num_vectors)
    for s in range(2):
        option_sweeps.obstacle(value, chain.up, model.revenue[s], s, True, obstacle)
        before = np.zeros_like(obstacle)
        fits = chain.up[:, s] >= 0
        gain = model.revenue[s] + value[chain.up[fits, s]] - value[fits]
        for steps in range(20):
            option = np.zeros_like(obstacle)
            arguments = (chain.in_service, chain.down, chain.service_rate_hz, True, option)
            option_sweeps.age(obstacle, steps, step_s, *arguments)
            assert option.min() >= 0.0
            assert (option[fits] >= gain - 1e-12).all()
            for i in range(2):
                higher = chain.up[:, i] >= 0
                assert (option[chain.up[higher, i]] <= option[higher] + 1e-12).all()
            if steps > 0:
                rise = (option - before) / step_s + 1e-9
                assert (departures(model, before) <= rise).all()
                assert (departures(model, option) <= rise).all()
            before = option


@pytest.mark.parametrize("law", ["deterministic", "exponential"])
def test_options_that_wait_fall_with_the_load(law):
    """Even for an h whose gains do not: the obstacle is the least function above that falls."""
    model = option_model(waiting_calls(law=law), max_vectors=100)
    value = -np.random.default_rng(4).uniform(0.0, 3.0, model.num_vectors)
    for is_proven in (True, False):
        option, obstacle = model.options(value, frozenset(), 0.02, is_proven=is_proven)
        assert model.greatest_rise(obstacle, frozenset()) == 0.0
        assert model.greatest_rise(option, frozenset()) < 1e-12


def test_bound_of_pieces_tends_to_the_mean_of_both():
    """Rates that change so seldom that each interval is a long run of its own."""
    rare = waiting_calls(arrival=Schedule(period_s=2e5, factors=(0.5, 1.5)))
    halves = []
    for factor in (0.5, 1.5):
        base = waiting_calls()
        slices = [one.replace(arrival_rate_hz=one.arrival_rate_hz * factor) for one in base.slices]
        halves.append(option_bound(base.replace(slices=tuple(slices))).revenue_rate_per_s)
    bound = option_bound(rare)
    assert bound.revenue_rate_per_s == pytest.approx(np.mean(halves), abs=1e-3)
    short = option_bound(waiting_calls(arrival=Schedule(period_s=20.0, factors=(0.5, 1.5))))
    assert short.revenue_rate_per_s > bound.revenue_rate_per_s + 0.01


def test_constant_factors_are_poisson():
    """A schedule that changes nothing proves what a Poisson stream does."""
    same = waiting_calls(arrival=Schedule(period_s=20.0, factors=(1.0, 1.0)))
    for horizon_s in (None, 50.0):
        assert option_bound(same, horizon_s=horizon_s).revenue_rate_per_s == pytest.approx(
            option_bound(waiting_calls(), horizon_s=horizon_s).revenue_rate_per_s, abs=0.02
        )


def test_pieces_have_the_rates_of_their_time():
    """Borders of all slices, the last interval cut at the horizon."""
    base = waiting_calls()
    first = base.slices[0].replace(arrival=Schedule(period_s=30.0, factors=(1.0, 3.0)))
    second = base.slices[1].replace(arrival=Daily(period_s=20.0, factors=(0.0, 1.0)))
    intervals = rate_intervals_of(base.replace(slices=(first, second)), 34.0, max_different=5)
    assert [interval.length_s for interval in intervals] == pytest.approx(
        [10.0, 5.0, 5.0, 10.0, 4.0]
    )
    rates = [interval.rates_hz for interval in intervals]
    assert rates == [(0.5, 0.0), (0.5, 6.0), (1.5, 6.0), (1.5, 0.0), (0.5, 6.0)]
    with pytest.raises(ConfigError, match="rates of one period"):
        rate_intervals_of(base.replace(slices=(first, second)), None, max_different=9)
    with pytest.raises(ConfigError, match="take 4 different sets of values in 34 s"):
        rate_intervals_of(base.replace(slices=(first, second)), 34.0, max_different=3)


def bursts_alone(**changes):
    """The same without queues: a Markov chain of vectors in service and phases."""
    base = waiting_calls(arrival=BURSTS, **changes)
    return base.replace(slices=tuple(one.replace(queue_limit=0) for one in base.slices))


def exact_gain_in_phases(scenario):
    """Value iteration over (vector, phase of each slice), told literally; rates 0.3 and 3."""
    dear, cheap = scenario.slices
    vectors = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
    states = [(n, f, g) for n in vectors for f in range(2) for g in range(2)]
    scale = [factor / 1.2 for factor in (0.3, 3.0)]  # their mean over time is 1.2
    leave_hz = (1 / 4.0, 1 / 2.0)
    value = dict.fromkeys(states, 0.0)
    while True:
        rise = {}
        for n, f, g in states:
            here = value[n, f, g]
            total = leave_hz[f] * (value[n, 1 - f, g] - here)
            total += leave_hz[g] * (value[n, f, 1 - g] - here)
            for s, (one, rate) in enumerate(((dear, scale[f]), (cheap, scale[g]))):
                then = here - one.lost_penalty
                more = (n[0] + (s == 0), n[1] + (s == 1))
                if more in vectors:
                    then = max(then, one.revenue + value[more, f, g])
                total += one.arrival_rate_hz * rate * (then - here)
                if n[s]:
                    fewer = (n[0] - (s == 0), n[1] - (s == 1))
                    total += n[s] / one.mean_holding_time_s * (value[fewer, f, g] - here)
            rise[n, f, g] = total
        if max(rise.values()) - min(rise.values()) < 1e-6:
            return max(rise.values())
        value = {state: value[state] + rise[state] / 20.0 for state in states}


def test_bursts_without_queues_have_the_exact_optimum():
    """Vectors times phases, by value iteration of its own."""
    scenario = bursts_alone()
    exact = exact_gain_in_phases(scenario)
    bound = option_bound(scenario).revenue_rate_per_s
    assert exact - 1e-6 <= bound <= exact + 2e-3
    calm = option_bound(scenario.replace(slices=tuple(
        one.replace(arrival=Poisson()) for one in scenario.slices
    ))).revenue_rate_per_s  # fmt: skip
    assert bound < calm - 0.1


def test_bursts_that_are_none_are_poisson():
    """Phases with the same rates prove what a Poisson stream does."""
    same = MMPP(factors=(2.0, 2.0), mean_sojourn_s=(1.0, 3.0))
    for horizon_s in (None, 50.0):
        bound = option_bound(waiting_calls(arrival=same), horizon_s=horizon_s)
        calm = option_bound(waiting_calls(), horizon_s=horizon_s)
        assert bound.revenue_rate_per_s == pytest.approx(calm.revenue_rate_per_s, rel=5e-3)


def test_discretised_options_in_phases_satisfy_what_the_proof_needs():
    """Condition (d) with changes of phase, at every point of the grid, and (b) and (c)."""
    model = option_model(waiting_calls(arrival=BURSTS), max_vectors=100)
    chain = model.chain
    rng = np.random.default_rng(2)
    obstacle = rng.uniform(0.0, 1.0, 2)[None, :] * (4.0 - chain.in_service.sum(axis=1)[:, None])
    change_hz = np.array([[0.0, 0.25], [0.5, 0.0]])
    step_s, before = 0.05, obstacle.copy()

    def drift(value):
        leaving = np.stack([departures(model, one) for one in value.T], axis=1)
        return leaving + change_hz.sum(axis=1) * (value[:, ::-1] - value)

    for steps in range(1, 15):
        option = np.zeros_like(obstacle)
        arguments = (chain.in_service, chain.down, chain.service_rate_hz, change_hz, True, option)
        option_sweeps.age_in_phases(obstacle, steps, step_s, *arguments)
        assert (option >= obstacle).all()
        for i in range(2):
            higher = chain.up[:, i] >= 0
            assert (option[chain.up[higher, i]] <= option[higher] + 1e-12).all()
        rise = (option - before) / step_s + 1e-9
        assert (drift(before) <= rise).all()
        assert (drift(option) <= rise).all()
        before = option


def test_bursts_that_are_refused():
    """Exponential patience, rates that change besides, too many joint phases."""
    with pytest.raises(ConfigError, match="needs deterministic patience"):
        option_bound(waiting_calls(law="exponential", arrival=BURSTS))
    base = waiting_calls(arrival=BURSTS)
    dear, cheap = base.slices
    schedule = Schedule(period_s=20.0, factors=(0.5, 1.5))
    with pytest.raises(ConfigError, match="beside bursts the option bound needs Poisson"):
        option_bound(base.replace(slices=(dear, cheap.replace(arrival=schedule))))
    many = MMPP(factors=(1.0,) * 5, mean_sojourn_s=(1.0,) * 5)
    slices = (dear.replace(arrival=many), cheap.replace(arrival=many))
    with pytest.raises(ConfigError, match="have 25 joint phases"):
        option_bound(base.replace(slices=slices))


def test_refusals():
    """Laws that the proof does not cover, sizes, horizons; each says what is allowed."""
    base = waiting_calls()
    dear, cheap = base.slices
    held = base.replace(slices=(dear.replace(holding=Deterministic()), cheap))
    with pytest.raises(ConfigError, match="'dear' has the law 'deterministic': set its `holding`"):
        option_bound(held)
    with pytest.raises(ConfigError, match="replays the trace"):
        option_bound(base.replace(trace=Trace(path="requests.csv", last_s=10.0)))
    with pytest.raises(TooLargeError, match="6 states and at most 5 are"):
        option_bound(base, max_vectors=5)
    for horizon_s in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ConfigError, match="`horizon_s` must be finite and > 0"):
            option_bound(base, horizon_s=horizon_s)
    with pytest.raises(ConfigError, match="take the fluid bound"):
        option_bound(waiting_calls(patience_s=1e6))
