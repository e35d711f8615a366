"""The experiments on waste collection: quick runs, and figures whose answers are known."""

import json
from importlib import import_module

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import blocks, waste_readings
from benchmarks.experiments.blocks import Measured
from benchmarks.experiments.waste_next_stop import arms
from benchmarks.experiments.waste_next_stop.generated import Walk, routes_from
from benchmarks.experiments.waste_next_stop.lived import EmptyingRecords, lived
from benchmarks.experiments.waste_replay import __main__ as waste_replay
from benchmarks.experiments.waste_replay.parts import AFTER, BEFORE, Part, fitted, within
from twin_gym.environments.truck_routing.bins import Bin, ListedBins, bin_table
from twin_gym.environments.truck_routing.emptyings import Emptyings
from twin_gym.environments.truck_routing.policies.planned import OverflowPlanPolicy
from twin_gym.environments.truck_routing.policies.svm import ROUTE_FEATURES
from twin_gym.environments.truck_routing.roads import StraightRoads
from twin_gym.environments.truck_routing.scenario import DAY_S, HOUR_S, TruckScenario
from twin_gym.policies import world_seeds

STRAIGHT = ListedBins(
    bins=tuple(
        Bin(name=f"bin-{k}", x_m=x_m, y_m=0.0, capacity_l=100.0, inflow_l_per_h=2.0)
        for k, x_m in enumerate((-1_000.0, 1_000.0, 2_000.0))
    )
)
TOWN = TruckScenario(
    name="three-bins", horizon_s=3 * DAY_S, bins=STRAIGHT, roads=StraightRoads(detour=1.0),
    truck_capacity_l=150.0, depot={"x_m": 0.0, "y_m": 0.0},
)  # fmt: skip


def run_quickly(name, module, folder, monkeypatch):
    """Runs an experiment twice, the second time with no measuring; gives its page."""
    options = ["--quick", "--out", str(folder), "--kept", str(folder / "kept.jsonl")]
    assert CliRunner().invoke(module.app, options, catch_exceptions=False).exit_code == 0
    page = (folder / f"{name}.md").read_text()

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(blocks, "evaluate", refuse)
    monkeypatch.setattr(arms, "lived", refuse)
    assert CliRunner().invoke(module.app, options, catch_exceptions=False).exit_code == 0
    assert (folder / f"{name}.md").read_text() == page
    assert (folder / f"{name}.png").stat().st_size > 10_000
    assert json.loads((folder / f"{name}.json").read_text())
    assert page.startswith("# ")
    assert "nan" not in page.lower().split()
    return page


@pytest.mark.slow
@pytest.mark.usefixtures("brief_plans")
@pytest.mark.parametrize("name", ["waste_readings", "waste_next_stop.__main__"])
def test_quick_run_writes_its_page_and_goes_on_where_it_was(name, tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    module = import_module(f"benchmarks.experiments.{name}")
    assert "overflow-pyvrp" in run_quickly(name.split(".")[0], module, tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("brief_plans")
def test_quick_replay_of_edinburgh_writes_its_page(data_dir, tmp_path, monkeypatch):
    """Recorded emptyings have stops and kilometres, and no cost."""
    page = run_quickly("waste_replay", waste_replay, tmp_path, monkeypatch)
    crews = next(line for line in page.splitlines() if line.startswith("| recorded emptyings |"))
    cost, overflow, km, stops = (cell.strip() for cell in crews.split("|")[2:6])
    assert (cost, overflow) == ("", "")
    assert float(km.split()[0]) > 0.0
    assert 0.05 < float(stops.split()[0]) < 3.0


def test_worth_of_readings_is_what_they_save_a_bin_and_day():
    """1,000 less 700 over 50 bins and five days, block by block."""
    never, hourly = (None, 1.0, "fitted"), (HOUR_S, 0.8, "fitted")
    points = {
        ("truck-grid-50", "threshold", told): Measured(
            "threshold", "s", 0.0, {"cost_total": np.array(cost)}
        )
        for told, cost in ((never, [1_000.0, 500.0]), (hourly, [700.0, 525.0]))
    }
    worth = waste_readings.worth(points, "truck-grid-50", "threshold", hourly)
    np.testing.assert_allclose(worth, [1.2, -0.1])


def test_readings_are_measured_over_all_periods_and_deliveries_asked():
    """Of the made-up quarter: four periods by three deliveries, and no reports."""
    told = waste_readings.conditions("truck-grid-50", quick=False)
    assert len(set(told)) == 13
    assert {(period_s, delivery) for period_s, delivery, _ in told} >= {
        (900.0, 0.5), (DAY_S, 1.0), (None, 1.0)
    }  # fmt: skip
    names = {waste_readings.network("truck-grid-50", one).name for one in told}
    assert len(names) == 13


def test_inflows_of_june_do_not_see_july():
    """100 l each ten hours in June, twice as much in July: 0.8 of it, where the sensor ends."""
    hours = np.arange(10.0, 24.0 * waste_replay.LAST_DAY, 10.0)
    is_june = hours < 24.0 * waste_replay.SPLIT_DAY
    one = Emptyings(hours * HOUR_S, np.where(is_june, 0.25, 0.5))
    table = bin_table(STRAIGHT)._replace(capacity_l=np.array([500.0]))
    part = Part(table, (one,))
    assert fitted(part, BEFORE).inflow_l_per_h == pytest.approx([10.0])
    assert fitted(part, AFTER).inflow_l_per_h == pytest.approx([20.0])
    june = within(one, 0, waste_replay.SPLIT_DAY)
    july = within(one, waste_replay.SPLIT_DAY, waste_replay.LAST_DAY)
    assert len(june.times_s) + len(july.times_s) == len(hours)
    assert june.times_s[-1] < july.times_s[0]


def test_shortest_way_to_recorded_emptyings_is_there_and_back():
    """Two bins to the east on one trip of 4 km; the third bin is not emptied on this day."""
    never = Emptyings(np.zeros(0), np.zeros(0))
    once = Emptyings(np.array([DAY_S + HOUR_S]), np.array([0.5]))
    part = Part(bin_table(STRAIGHT), (never, once, once))
    assert waste_replay._shortest_km(TOWN, part, 1) == pytest.approx(4.0)
    assert waste_replay._shortest_km(TOWN, part, 0) == 0.0


def test_history_alone_adds_the_mean_inflow_since_the_last_emptying():
    """The guess of the beginning, then what was left and 2 l an hour of 100 l."""
    policy = OverflowPlanPolicy(TOWN)
    stops = lived(TOWN, world_seeds("validation", 1)).stops[0]
    records = EmptyingRecords(policy, 1)
    records.note(0, 1, 10.0 * HOUR_S, 0.1)
    walk = Walk(policy, stops[0]._replace(now_s=20.0 * HOUR_S), np.array([0.9, 0.9, 0.9]))
    told = records.seen(walk.seen())
    np.testing.assert_allclose(told.predicted, [[0.8, 0.3, 0.8]])
    np.testing.assert_allclose(told.age_s, [[20.0 * HOUR_S, 10.0 * HOUR_S, 20.0 * HOUR_S]])
    assert told.is_read.tolist() == [[False, True, False]]


def test_lived_stops_see_readings_by_the_twin_and_none_by_history():
    """Both arms learn from the same places; only what is told of their fills differs."""
    stops = lived(TOWN, world_seeds("validation", 2)).stops
    later = [stop for world in stops for stop in world if stop.now_s > DAY_S]
    assert later
    predicted = ROUTE_FEATURES.index("predicted")
    travel = ROUTE_FEATURES.index("travel")
    assert any(
        (stop.by_history.bins[:, predicted] != stop.by_twin.bins[:, predicted]).any()
        for stop in later
    )
    for stop in later:
        assert stop.by_history.chosen == stop.by_twin.chosen
        assert stop.day < TOWN.num_days - 1
        np.testing.assert_array_equal(stop.by_history.bins[:, travel], stop.by_twin.bins[:, travel])


def test_generated_routes_keep_to_truck_and_shift():
    """Three full bins and a truck of one and a half: a trip each, and back within the shift."""
    policy = OverflowPlanPolicy(TOWN)
    base = lived(TOWN, world_seeds("validation", 1)).stops[0][0]
    examples = routes_from(policy, base._replace(now_s=DAY_S), np.ones(3))
    assert [len(one.bins) for one in examples] == [3, 3, 3]
    walk = Walk(policy, base._replace(now_s=DAY_S), np.ones(3))
    assert walk.seen().allowed.all()
    assert walk.go(1)
    seen = walk.seen()
    assert not seen.allowed.any()
    assert seen.load[0] == pytest.approx(100.0 / 150.0)
    assert walk.go(3)
    assert walk.seen().at_depot[0]
    assert not walk.go(3)
