"""Corners of truck routing in which the kernel and the SimPy model are equal to the last bit."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.contract.engines import run_both
from twin_gym.environments.truck_routing import layout
from twin_gym.scenario.loading import load

CORNERS = {
    "fleet": {"num_trucks": 5, "service_s": 1800.0},
    "no reports": {"report_period_s": "never"},
    "late reports": {"report_delay_s": 30_000.0, "report_period_s": 900.0, "predictor": "trend"},
    "reports at once": {"report_delay_s": 0.0, "predictor": "trend", "delivery_probability": 1.0},
    "rare reports": {
        "report_period_s": 60.0, "delivery_probability": 0.004, "report_delay_s": 12_345.678,
        "predictor": "trend",
    },
    "blunt sensors": {"sensor_full_share": 0.5, "predictor": "hold"},
    "small truck": {"truck_capacity_l": 400.0, "report_period_s": "never", "initial_fill_max": 1.0},
}  # fmt: skip
"""Changes of a preset by what they bring about."""


@pytest.mark.parametrize("form", ["pick", "nearest"])
@pytest.mark.parametrize("corner", CORNERS)
def test_kernel_equals_simpy_in_a_corner(corner, form):
    """Allowed decisions past the end of an episode of one day."""
    one = load("truck-grid-20").replace(horizon_s=86_400.0, **CORNERS[corner])
    ends, _ = run_both("truck", one, form, AutoresetMode.SAME_STEP, 4, 200, "eager")
    assert ends > 0


def test_a_small_truck_leaves_something_in_bins_in_both_engines():
    """Twins that hear nothing take full bins for half full ones: some are emptied in part."""
    one = load("truck-grid-20").replace(horizon_s=86_400.0, **CORNERS["small truck"])
    _, env = run_both("truck", one, "pick", AutoresetMode.DISABLED, 1, 25, "eager")
    states = env.batch.arrays["states"]
    emptied = states[:, layout.EMPTIED_AT] > 0.0
    assert (emptied & (states[:, layout.READING] > 0.0)).any()
    assert np.isfinite(states).all()
