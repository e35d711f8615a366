"""Massive access: kernel and SimPy model are equal where the contract suite hardly comes."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.engines import run_both
from twin_gym.environments.massive_access.scenario import AccessScenario, SimultaneousArrivals
from twin_gym.scenario.loading import load


@pytest.mark.parametrize("preset", ["access-medium-45", "access-beta-1000"])
def test_kernel_equals_simpy_in_the_thick_of_the_arrivals(preset):
    """The cells that results are shown on, crowded into half a second."""
    scenario = load(preset)
    law = scenario.arrivals.replace(window_s=0.4)
    crowded = scenario.replace(horizon_s=0.5, arrivals=law)
    ends, _ = run_both("access", crowded, "level", AutoresetMode.SAME_STEP, 11, 101)
    assert ends == 2


def test_collapse_is_the_same_in_both():
    """Hundreds at once, nobody barred: tries run out, and both lose the same devices."""
    scenario = AccessScenario(
        name="crowd", horizon_s=0.4, num_devices=900,
        arrivals=SimultaneousArrivals(window_s=0.05, fraction=1.0),
    )  # fmt: skip
    ends, env = run_both(
        "access", scenario, "probability", AutoresetMode.DISABLED, 3, 79, chooser="eager"
    )
    assert ends == 0
    kpi = env.batch.kpis()
    assert (kpi["lost"] > 450).all()
    assert np.array_equal(kpi["lost"] + kpi["succeeded"] + kpi["unresolved"], kpi["offered"])
