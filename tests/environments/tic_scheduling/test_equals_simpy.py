"""TIC scheduling: kernel and SimPy model are equal on networks that results are shown on."""

import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.engines import run_both
from twin_gym.scenario.loading import load


@pytest.mark.parametrize("preset", ["tic-small-70", "tic-medium-45"])
def test_kernel_equals_simpy_on_presets(preset):
    """For some bursts, past the first end."""
    scenario = load(preset).replace(horizon_s=0.02)
    ends, env = run_both("tic", scenario, "weights", AutoresetMode.NEXT_STEP, 11, 60)
    assert ends == 2
    assert (env.batch.kpis()["delivered"] > 0).all()
