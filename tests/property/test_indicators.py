"""Indicators of whatever network and whatever decisions lie in [0, 1], in both engines alike."""

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.environments.massive_access.strategies import access_scenarios
from tests.environments.right_time_sync.strategies import sync_scenarios
from tests.environments.slice_admission.strategies import admission_scenarios
from tests.environments.tic_scheduling.strategies import tic_scenarios
from twin_gym.environments.factory import vector_env
from twin_gym.environments.slice_admission.tables import service_places
from twin_gym.scenario.objective import INDICATORS, KpiObjective

OBJECTIVE = KpiObjective()
MODES = st.sampled_from(["Disabled", "NextStep", "SameStep"])
DRAWN = {
    ("admission", "slice"): admission_scenarios(),
    ("admission", "slot"): admission_scenarios(),
    ("access", "level"): access_scenarios(),
    ("access", "probability"): access_scenarios(),
    ("tic", "weights"): tic_scenarios(),
    ("tic", "pick"): tic_scenarios(num_gateways=1),
    ("sync", "pick"): sync_scenarios(),
    ("sync", "rounds"): sync_scenarios(),
}


def chosen(batch, rng):
    """Actions of any kind, allowed or not."""
    space, rows = batch.action_space, batch.num_rows
    if isinstance(space, spaces.Box):
        return rng.random((rows, *space.shape))
    return rng.integers(0, space.n, rows)


@pytest.mark.parametrize("case", DRAWN, ids="-".join)
@given(data=st.data(), mode=MODES, seed=st.integers(0, 2**32))
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
def test_values_lie_in_the_unit_interval_and_engines_agree(case, data, mode, seed):
    """So that an objective lies in [0, 1], and 0 at the beginning, before anything happened."""
    scenario = data.draw(DRAWN[case].filter(
        lambda one: one.kind != "admission" or service_places(one) <= 5000
    ))  # fmt: skip
    engines = [
        vector_env(scenario, 2, action=case[1], objective=OBJECTIVE, objective_seed=1,
                   engine=engine, autoreset_mode=mode)
        for engine in ("kernel", "simpy")
    ]  # fmt: skip
    infos = [env.reset(seed=seed % 1000)[1] for env in engines]
    assert all((infos[0][name] == 0.0).all() for name in INDICATORS)
    rng = np.random.default_rng(seed)
    for _ in range(25):
        actions = chosen(engines[0].batch, rng)
        (_, mine, _, over, info), (_, theirs, *_, other) = (env.step(actions) for env in engines)
        assert np.array_equal(mine, theirs)
        for name in INDICATORS:
            assert ((info[name] >= 0.0) & (info[name] <= 1.0)).all(), name
            assert np.array_equal(info[name], other[name]), name
        ends = info.get("final_info", info)
        seconds = np.where(over, ends["elapsed_s"], info["elapsed_s"])
        assert ((mine >= 0.0) & (mine <= seconds * (1.0 + 1e-12))).all()
        if mode == "Disabled" and over.any():
            break
