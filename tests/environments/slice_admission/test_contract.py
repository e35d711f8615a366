"""The contract of slice admission, besides that of every environment."""

import gymnasium

from tests.environments.slice_admission.case import CASE


def test_kpi_names_are_flat():
    """Per slice `name/slice`, per resource `utilisation/resource`, else over all."""
    scenario = CASE.scenario()
    env = gymnasium.make("twin_gym/SliceAdmission-v0", scenario=scenario)
    env.reset(seed=0)
    truncated = False
    while not truncated:
        *_, truncated, info = env.step(env.action_space.n - 1)
    per_slice = (
        "offered", "admitted", "blocked", "expired", "declined", "mean_wait_s", "loss_ratio",
        "blocking_probability",
    )  # fmt: skip
    expected = {*per_slice, "revenue_rate", "utilisation", "fairness"}
    expected |= {f"{name}/{one}" for name in per_slice for one in scenario.slice_names}
    expected |= {f"utilisation/{resource}" for resource in scenario.resource_names}
    assert set(info["kpi"]) == expected
