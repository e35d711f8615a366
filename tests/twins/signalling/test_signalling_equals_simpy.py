"""The emulator and the SimPy story give equal logs."""

import pytest

from tests.twins.signalling.signalling_cases import failing, mixed
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.presets import load, names
from twin_gym.twins.signalling.reference import simulate


def assert_equal(scenario, seed, num_ues, horizon_s):
    """Every field of every message is the same; there are enough of them to mean something."""
    log = emulate(scenario, seed, num_ues, horizon_s)
    story = simulate(scenario, seed, num_ues, horizon_s)
    assert len(log) > 100
    assert log.records.tolist() == story.records.tolist()


@pytest.mark.parametrize("name", names())
def test_presets_are_told_alike(name):
    """Every preset, with its own number of UEs."""
    scenario = load(name)
    assert_equal(scenario, 1, scenario.num_ues, min(scenario.horizon_s, 200.0))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_failures_are_told_alike(seed, share):
    """Failures, lost messages, late decisions and full slices, in many worlds."""
    assert_equal(failing(share), seed, 12, 1_500.0)


def test_failing_all_the_time_is_told_alike():
    """Nothing ever succeeds: no session, and only the UEs that never connect."""
    assert_equal(failing(1.0), 5, 10, 2_000.0)


@pytest.mark.parametrize("num_ues", [1, 7, 40])
def test_loads_by_counts_are_told_alike(num_ues):
    """The same counts for one UE, a few, and one registration each."""
    assert_equal(mixed(registrations=40, deregistrations=40), 2, num_ues, 3_000.0)


def test_periodic_updates_and_one_base_station_are_told_alike():
    """T3512 ends in idle; hand-overs have nowhere to go."""
    scenario = load("signalling-single-slice").replace(timers={"t3512_s": 15.0}, num_gnbs=1)
    assert_equal(scenario, 4, 8, 400.0)
