"""Recorded emptyings in an episode: which part is replayed, in both engines."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.engines import run_both
from twin_gym.environments.truck_routing.bins import Bin, ListedBins, bin_table
from twin_gym.environments.truck_routing.deposits import (
    PoissonGamma,
    ReplayedEmptyings,
    replayed_volumes_l,
)
from twin_gym.environments.truck_routing.emptyings import EmptyingFile
from twin_gym.environments.truck_routing.layout import build_tables
from twin_gym.environments.truck_routing.scenario import TruckScenario
from twin_gym.environments.truck_routing.world import World
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load

DAY_S = 86_400


@pytest.fixture
def scenario(tmp_path):
    """Two days out of a week of emptyings at two bins."""
    path = tmp_path / "emptyings.csv"
    rows = [f"a,{50_000 * k + 20_000},{0.1 + 0.07 * k}" for k in range(12)]
    rows += [f"b,{90_000 * k + 1_000},{0.9 - 0.1 * k}" for k in range(7)]
    path.write_text("\n".join(["bin,time_s,fill", *rows]) + "\n", "utf-8")
    listed = [
        Bin(name=name, x_m=x_m, y_m=0.0, capacity_l=240.0, inflow_l_per_h=8.0)
        for name, x_m in (("b", 0.0), ("a", 400.0))
    ]
    return TruckScenario(
        name="replayed",
        horizon_s=2.0 * DAY_S,
        bins=ListedBins(bins=tuple(listed)),
        deposits=ReplayedEmptyings(file=EmptyingFile(path=str(path)), first_day=1, last_day=6),
    )


def test_an_episode_is_whole_days_of_the_window(scenario):
    """Each of the four possible days begins some world, and what follows is as in the table."""
    table = replayed_volumes_l(scenario.deposits, bin_table(scenario.bins), 6)
    tables = build_tables([scenario])
    starts = set()
    for key in range(60):
        world = World(tables, 0, key)
        rises = table[world.start : world.start + 49] - table[world.start]
        assert world.volumes[:, :2] == pytest.approx(rises)
        starts.add(world.start)
    assert starts == {0, 24, 48, 72}


@pytest.mark.parametrize("form", ["pick", "nearest"])
def test_kernel_equals_simpy_on_replayed_emptyings(scenario, form):
    """Beside a scenario under a law, past the end of an episode."""
    several = [scenario, scenario.replace(deposits=PoissonGamma())]
    assert run_both("truck", several, form, AutoresetMode.SAME_STEP, 5, 90)[0] > 0


def test_window_shorter_than_an_episode_is_refused(scenario):
    """With both lengths."""
    with pytest.raises(ConfigError, match="has 6 days and the replayed window 5"):
        scenario.replace(horizon_s=6.0 * DAY_S)


@pytest.mark.usefixtures("data_dir")
def test_kernel_equals_simpy_on_emptyings_of_edinburgh():
    """The preset as it is, for some decisions."""
    run_both("truck", "truck-edinburgh-replay", "pick", AutoresetMode.NEXT_STEP, 3, 40)
    world = World(build_tables([load("truck-edinburgh-replay")]), 0, 1)
    assert np.diff(world.volumes[:, :100], axis=0).min() >= 0.0
