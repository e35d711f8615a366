"""Known answers of truck routing: one bin, its deposits, its reports, its truck."""

import numpy as np
import pytest

from twin_gym.environments.truck_routing import layout
from twin_gym.environments.truck_routing.bins import Bin, ListedBins
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.environments.truck_routing.layout import build_tables
from twin_gym.environments.truck_routing.roads import StraightRoads
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, Depot, TruckScenario
from twin_gym.environments.truck_routing.vector import TruckRoutingVectorEnv
from twin_gym.environments.truck_routing.world import World


def one_bin(capacity_l=240.0, **changes):
    """A bin 500 m from the depot, that a truck reaches in 500 s; 240 l, 10 l an hour."""
    lone = Bin(name="lone", x_m=500.0, y_m=0.0, capacity_l=capacity_l, inflow_l_per_h=10.0)
    values = {
        "name": "one-bin", "horizon_s": 2 * DAY_S, "bins": ListedBins(bins=(lone,)),
        "roads": StraightRoads(detour=1.0), "depot": Depot(x_m=0.0, y_m=0.0),
        "speed_m_per_s": 1.0, "service_s": 100.0, "unload_s": 200.0, "initial_fill_max": 0.0,
        "cost_per_km": 2.0, "cost_per_stop": 3.0, "penalty_per_l": 0.25,
    }  # fmt: skip
    return TruckScenario(**(values | changes))


def rows_of(scenario, num_rows=1, seed=0):
    """Rows at their first decision."""
    env = TruckRoutingVectorEnv(num_rows, scenario)
    env.reset(seed=seed)
    return env


def test_a_trip_takes_and_costs_what_it_should():
    """There: way and service; home: way and unloading; then a rest until the next morning."""
    env = rows_of(one_bin())
    _, rewards, *_, infos = env.step(np.array([0]))
    assert infos["elapsed_s"][0] == 600.0
    assert (infos["distance"][0], infos["stops"][0]) == (-1.0, -3.0)
    assert rewards[0] == pytest.approx(-4.0 + infos["overflow"][0])
    # The truck stands at its only bin: nothing else is allowed, but it is asked in the field.
    assert infos["action_mask"][0].tolist() == [0, 1]
    *_, infos = env.step(np.array([1]))
    assert infos["elapsed_s"][0] == 700.0
    assert infos["distance"][0] == -1.0
    assert infos["action_mask"][0].tolist() == [1, 1]
    *_, infos = env.step(np.array([1]))
    assert infos["elapsed_s"][0] == DAY_S - 1300.0
    kpis = {name: float(values[0]) for name, values in env.batch.kpis().items()}
    assert (kpis["distance_km"], kpis["stops"], kpis["unloads"]) == (1.0, 1.0, 1.0)
    assert kpis["duration_s"] == 1300.0


def test_a_bin_that_nobody_empties_overflows_by_what_finds_no_room():
    """And the reward is the penalty of it; the content is the capacity."""
    env = rows_of(one_bin(), 64)
    lost, truncated = np.zeros(64), np.zeros(64, bool)
    while not truncated.any():
        *_, truncated, infos = env.step(np.ones(64, np.int64))
        lost -= infos["overflow"] / 0.25
    worlds = [env.batch.world(i) for i in range(64)]
    thrown_in = np.array([world.volumes[-1, 0] for world in worlds])
    assert lost == pytest.approx(np.maximum(thrown_in - 240.0, 0.0))
    assert env.batch.contents_l(0)[0] == pytest.approx(min(thrown_in[0], 240.0))


@pytest.mark.parametrize("shape", [1, 4])
@pytest.mark.parametrize("mean_l", [1.0, 5.0, 40.0])
def test_hourly_volumes_have_the_moments_of_their_law(mean_l, shape):
    """Mean m, variance m d (1 + 1 / shape), P(0) = exp(-m / d), for a deposit of d on average.

    5 standard errors; a false alarm in about 2 of a million runs for each figure.
    """
    law = PoissonGamma(deposit_mean_l=mean_l, deposit_shape=shape)
    tables = build_tables([one_bin(deposits=law, horizon_s=30 * DAY_S)])
    worlds = [World(tables, 0, key) for key in range(20)]
    litres = np.concatenate([np.diff(world.volumes[:, 0]) for world in worlds])
    count, variance = len(litres), 10.0 * mean_l * (1.0 + 1.0 / shape)
    assert abs(litres.mean() - 10.0) < 5.0 * np.sqrt(variance / count)
    fourth = ((litres - 10.0) ** 4).mean()
    assert abs(litres.var() - variance) < 5.0 * np.sqrt((fourth - variance**2) / count)
    none = np.exp(-10.0 / mean_l)
    assert abs((litres == 0.0).mean() - none) < 5.0 * np.sqrt(none * (1 - none) / count) + 1e-12


def test_a_profile_moves_deposits_to_its_hours():
    """An hour with a factor of 0 brings nothing; hour 0 of an episode is that of the shift."""
    profile = tuple(4.0 if 6 <= hour < 12 else 0.0 for hour in range(24))
    one = one_bin(deposits=PoissonGamma(profile=profile), shift_start_hour=6)
    world = World(build_tables([one]), 0, 3)
    by_hour = np.diff(world.volumes[:, 0]).reshape(2, 24)
    assert (by_hour[:, 6:] == 0.0).all()
    assert (by_hour[:, :6].sum(axis=1) > 0.0).all()
    assert world.profile_hours(30 * layout.HOUR_MS) == 24.0 + 4.0 * 6.0


def test_many_deposits_are_drawn_as_few_are():
    """Bins side by side, or one by one: the same world to the last bit."""
    few, many = (
        build_tables([one_bin(deposits=PoissonGamma(deposit_mean_l=8.0))]) for _ in range(2)
    )
    assert few.networks["are_few"][0] == 1
    many.networks["are_few"] = 0
    for key in range(50):
        assert (World(few, 0, key).volumes == World(many, 0, key).volumes).all()


@pytest.mark.parametrize("probability", [0.4, 0.8, 1.0])
def test_mean_age_of_readings_is_that_of_periodic_lossy_reports(probability):
    """T (2 - p) / (2 p) plus the delay, at a random moment of a day without emptyings.

    5 standard errors; a false alarm in about 2 of a million runs.
    """
    one = one_bin(delivery_probability=probability, report_delay_s=600.0, horizon_s=3 * DAY_S)
    env = rows_of(one, 4000, seed=8)
    env.step(np.ones(4000, np.int64))  # all rest until the second morning
    rows, read_at = env.batch.arrays["rows"], env.batch.arrays["states"][:, layout.READ_AT, 0]
    ages_s = (rows["now"] - read_at) / 1000.0
    expected = HOUR_S * (2.0 - probability) / (2.0 * probability) + 600.0
    assert abs(ages_s.mean() - expected) < 5.0 * ages_s.std() / np.sqrt(4000)


@pytest.mark.parametrize("predictor", ["hold", "trend", "fitted"])
def test_even_inflow_is_predicted(predictor):
    """A bin into which waste comes evenly: two predictors are exact, and the third one is late."""
    even = PoissonGamma(deposit_mean_l=0.06, deposit_shape=100)
    env = rows_of(
        one_bin(1000.0, deposits=even, predictor=predictor, delivery_probability=1.0), 400
    )
    for action in (0, 1, 1):  # empties it, unloads, and rests until the second morning
        env.step(np.full(400, action))
    batch = env.batch
    assert (batch.arrays["rows"]["now"] == layout.DAY_MS).all()
    wrong = np.array(
        [batch.believed(i).predicted_l[0] - batch.contents_l(i)[0] for i in range(400)]
    )
    if predictor == "hold":
        assert wrong.mean() == pytest.approx(-10.0 * (0.5 * HOUR_S + 60.0) / HOUR_S, abs=0.6)
    else:
        assert abs(wrong.mean()) < 0.2
        assert np.abs(wrong).max() < 5.0


def test_a_full_truck_takes_what_fits_and_leaves_the_rest():
    """Two full bins and room for one and a half, told to a twin that takes the second for empty."""
    full = tuple(
        Bin(name=name, x_m=500.0, y_m=0.0, capacity_l=200.0, inflow_l_per_h=1e-4) for name in "ab"
    )
    one = one_bin(bins=ListedBins(bins=full), truck_capacity_l=300.0, report_period_s="never")
    env = rows_of(one)
    states = env.batch.arrays["states"]
    states[0, layout.BASE] = -200.0
    env.step(np.array([0]))
    assert env.batch.believed(0).load_l == pytest.approx(200.0)
    *_, infos = env.step(np.array([1]))
    assert infos["disallowed_actions"][0] == 0
    known = env.batch.believed(0)
    assert known.load_l == pytest.approx(300.0)
    assert known.reading_l == pytest.approx([0.0, 100.0], abs=1e-6)
    assert env.batch.contents_l(0) == pytest.approx([0.0, 100.0], abs=0.1)
    assert env.batch.kpis()["fill_at_stop"][0] == pytest.approx(1.0)


def test_a_fleet_shares_the_bins_and_decides_in_order():
    """At first by number; two trucks never go to one bin; the last has nothing left, and rests."""
    bins = tuple(
        Bin(name=f"b{k}", x_m=500.0, y_m=float(k), capacity_l=240.0, inflow_l_per_h=10.0)
        for k in range(2)
    )
    env = rows_of(one_bin(bins=ListedBins(bins=bins), num_trucks=3))
    assert env.batch.believed(0).truck == 0
    *_, infos = env.step(np.array([1]))
    assert (env.batch.believed(0).truck, infos["elapsed_s"][0]) == (1, 0.0)
    assert infos["action_mask"][0].tolist() == [1, 0, 1]
    *_, infos = env.step(np.array([0]))
    # The third truck could go nowhere. The first to be free went to the nearer bin.
    assert env.batch.arrays["rows"]["goal"][0, 2] == layout.RESTING
    assert env.batch.believed(0).truck == 1
    assert infos["elapsed_s"][0] == 600.0
