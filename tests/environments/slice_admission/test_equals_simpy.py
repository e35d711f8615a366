"""Slice admission: kernel and SimPy model are equal where the contract suite hardly comes."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.contract.case import examples
from tests.contract.cases import MODES
from tests.contract.engines import CHOOSERS, chosen_actions, run_both
from tests.environments.slice_admission.strategies import (
    admission_scenarios,
    replayed_scenarios,
    write_requests,
)
from twin_gym.environments.slice_admission import rows as kernel
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.rules import NO_SLICE
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.slice_admission.tables import service_places
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.scenario import Deterministic, Trace
from twin_gym.scenario.loading import load

STEPS = 80

large_networks = admission_scenarios(max_slices=16, max_resources=8).filter(
    lambda one: service_places(one) <= 5000
)
modes = st.sampled_from(MODES)
forms = st.sampled_from(["slice", "slot"])
choosers = st.sampled_from(CHOOSERS)
seeds = st.integers(0, 2**63)


@given(large_networks, forms, modes, seeds)
@examples(15)
def test_kernel_equals_simpy_in_large_networks(scenario, form, mode, seed):
    """Up to 16 slices and 8 resources: the records with the larger room."""
    event(f"more than 4 slices: {len(scenario.slices) > 4}")
    run_both("admission", scenario, form, mode, seed, 40, objective="vector")


@pytest.fixture(scope="module")
def trace_folder(tmp_path_factory):
    """Where drawn traces are written."""
    return tmp_path_factory.mktemp("traces")


@given(st.data(), forms, modes, seeds, choosers)
@examples(30)
def test_kernel_equals_simpy_on_replayed_traces(trace_folder, data, form, mode, seed, chooser):
    """Arrivals and holding times out of a file, some of them at the same moment."""
    scenario = data.draw(replayed_scenarios(trace_folder))
    assume(service_places(scenario) <= 5000)
    run_both("admission", scenario, form, mode, seed, STEPS, chooser)


def tied_scenario(patience_s, holding_s, queue_limit, trace):
    """Two slices on one unit whose arrivals, departures and timeouts fall on whole seconds."""
    return AdmissionScenario(
        name="tied",
        capacity={"units": 2.0},
        slices=tuple(
            Slice(
                name=name, demand={"units": demand}, arrival_rate_hz=1.0,
                mean_holding_time_s=holding_s, mean_patience_s=patience_s,
                queue_limit=queue_limit, lost_penalty=0.25, agreed_loss_ratio=0.1,
                revenue=demand,
            )
            for name, demand in (("one", 1.0), ("two", 2.0))
        ),
        horizon_s=40.0,
        trace=trace,
    )  # fmt: skip


def simultaneous_kinds(batch):
    """How often the next events of different kinds of a row fall on one moment."""
    row = batch.row(0)
    count = len(batch.scenario.slices)
    arrivals = set((row["next_arrival"][:count] >> 6).tolist())
    timeouts = set((row["next_timeout"][:count] >> 6).tolist())
    departures = set((batch._departures[0][: row["num_in_service"]] >> 6).tolist())
    return [
        bool(arrivals & timeouts), bool(arrivals & departures), bool(timeouts & departures),
        len(arrivals) < count,
    ]  # fmt: skip


@pytest.mark.parametrize("queue_limit", [0, 1, 3])
@pytest.mark.parametrize("chooser", ["any", "allowed", "eager"])
def test_simultaneous_events_come_in_the_same_order(tmp_path, queue_limit, chooser):
    """Departures, timeouts and arrivals of both slices on one moment: ties, and many of them."""
    path = tmp_path / "tied.csv"
    rows = [(float(second), name, 2.0) for second in range(40) for name in ("two", "one", "one")]
    write_requests(path, rows)
    scenario = tied_scenario(1.0, 2.0, queue_limit, Trace(path=str(path), last_s=40.0))
    for seed in range(2):
        run_both("admission", scenario, "slot", AutoresetMode.NEXT_STEP, seed, STEPS, chooser)


def test_ties_of_every_kind_are_met(tmp_path):
    """The test above would be worth nothing if its events never fell on one moment."""
    path = tmp_path / "tied.csv"
    rows = [(float(second), name, 2.0) for second in range(40) for name in ("two", "one", "one")]
    write_requests(path, rows)
    scenario = tied_scenario(1.0, 2.0, 3, Trace(path=str(path), last_s=40.0))
    env = SliceAdmissionVectorEnv(1, scenario)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    met = np.zeros(4, int)
    for _ in range(200):
        env.step(chosen_actions(env, env.batch.masks, "allowed", rng))
        met += simultaneous_kinds(env.batch)
    assert (met > 5).all(), met


@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from([1, 2, 4]), modes, seeds)
@examples(15)
def test_equal_patience_and_holding_times_tie(patience, holding, queue_limit, mode, seed):
    """Deterministic laws in whole quarters of a second: timeouts on departures, all the time."""
    scenario = tied_scenario(patience / 4, holding / 4, queue_limit, None)
    slices = tuple(
        one.replace(holding=Deterministic(), arrival_rate_hz=8.0) for one in scenario.slices
    )
    run_both("admission", scenario.replace(slices=slices), "slice", mode, seed, STEPS)


@pytest.mark.parametrize("preset", ["burst", "shift", "teletraffic-erlang-a"])
@pytest.mark.parametrize("form", ["slice", "slot"])
def test_kernel_equals_simpy_on_presets(preset, form):
    """The networks that results are shown on."""
    ends, _ = run_both("admission", preset, form, AutoresetMode.SAME_STEP, 11, 150)
    assert ends == 0


def test_kernel_equals_simpy_to_the_end_of_a_preset():
    """A whole episode of a preset, its indicators included."""
    small, mode = load("mild").replace(horizon_s=20.0), AutoresetMode.SAME_STEP
    assert run_both("admission", small, "slice", mode, 5, 900, "allowed")[0] >= 2


def test_order_of_the_observed_slices_is_the_order_of_the_actions():
    """`slice_and_place` reads an action as its documentation says; both engines ask it."""
    network = AdmissionBatch(1, BatchSettings("contention")).tables.networks[0]
    assert kernel.slice_and_place(network, 2, False) == (2, 0)
    assert kernel.slice_and_place(network, 4, False) == (NO_SLICE, 0)
    assert kernel.slice_and_place(network, 17, True) == (1, 1)
    assert kernel.slice_and_place(network, 64, True) == (NO_SLICE, 0)
