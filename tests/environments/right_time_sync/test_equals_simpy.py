"""Synchronisation: kernel and SimPy model are equal where the contract suite does not come."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.engines import run_both
from tests.environments.right_time_sync.case import CASE
from twin_gym.environments.right_time_sync.scenario import EntityGroup, Replay, SyncScenario, Walk
from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.scenario.loading import load


@pytest.mark.parametrize("predictor", ["hold", "trend", "fitted"])
@pytest.mark.parametrize("form", ["pick", "rounds"])
def test_kernel_equals_simpy_on_replayed_series(tmp_path, predictor, form):
    """Series of different lengths beside a walk: the same moment, values and errors in both."""
    rng = np.random.default_rng(5)
    path = tmp_path / "series.csv"
    lines = ["source,time_s,value"]
    for source, slots in (("a", 60), ("b", 50)):
        values = rng.normal(size=slots).cumsum()
        lines += [f"{source},{2.0 * k},{value:.6f}" for k, value in enumerate(values)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    file = SeriesFile(path=str(path), last_s=95.0)
    replayed = Replay(file=file, sources=("a", "b"), low=-10.0, high=10.0)
    scenario = SyncScenario(
        name="measured", horizon_s=20.0, predictor=predictor, inspection_slots=3,
        groups=(
            EntityGroup(name="walk", count=1, process=Walk(variance_rate_hz=0.01)),
            EntityGroup(name="series", count=2, process=replayed),
        ),
    )  # fmt: skip
    for error in ("expected", "realised"):
        run_both("sync", scenario, form, AutoresetMode.NEXT_STEP, 3, 44, error=error)


@pytest.mark.parametrize("form", ["pick", "rounds"])
def test_kernel_equals_simpy_in_rounds(form):
    """The preset whose decisions are of many entities at once, past the first end."""
    scenario = CASE.shorten(load("sync-rounds"))
    assert run_both("sync", scenario, form, AutoresetMode.SAME_STEP, 11, 13)[0] == 2


@pytest.mark.parametrize("preset", ["sync-beijing", "sync-campusiot"])
def test_kernel_equals_simpy_on_measured_presets(preset):
    """The same with real values and real losses, where they are here."""
    run_both("sync", CASE.whole(preset), "pick", AutoresetMode.NEXT_STEP, 3, 60)
