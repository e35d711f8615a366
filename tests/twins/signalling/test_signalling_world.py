"""Draws of the world: laws of sojourns, shares of failures, independence of purposes."""

import numpy as np
import pytest

from twin_gym.core.draws import uniform, world_key
from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.scenario import SignallingScenario, SignallingSlice, Sojourn
from twin_gym.twins.signalling.world import LEAST_SOJOURN_NS, Purpose, UeWorld, World

NUM_DRAWS = 20_000


def ue_of(law, mean_s=2.0, seed=1):
    """A UE whose sojourn in CM-CONNECTED has this law."""
    home = SignallingSlice(name="one", sst=1, connected={"mean_s": mean_s, "law": law})
    scenario = SignallingScenario(name="one", horizon_s=10.0, slices=[home])
    return UeWorld(World(scenario, seed), 0)


def sojourns_s(law):
    """Many sojourns in seconds, without the least one."""
    ue = ue_of(law)
    return (
        np.array([ue.sojourn_ns("CONNECTED") for _ in range(NUM_DRAWS)]) - LEAST_SOJOURN_NS
    ) / 1e9


@pytest.mark.parametrize(
    ("law", "median_s"),
    [
        ({"law": "exponential"}, 2.0 * np.log(2)),
        ({"law": "deterministic"}, 2.0),
        ({"law": "lognormal", "sigma": 1.0}, 2.0 * np.exp(-0.5)),
        ({"law": "pareto", "shape": 3.0}, 2.0 * 2 / 3 * 2 ** (1 / 3)),
    ],
)
def test_sojourns_have_the_mean_and_the_median_of_their_law(law, median_s):
    """Of 20,000: the mean within 5 %, over 4 sigma for the widest law, the median within 4."""
    drawn = sojourns_s(law)
    assert np.mean(drawn) == pytest.approx(2.0, rel=0.05)
    assert np.median(drawn) == pytest.approx(median_s, rel=0.04)


def test_pareto_has_the_longest_tail():
    """Beyond ten means: the order of the laws that measurements of UEs ask for."""
    beyond = [
        np.mean(sojourns_s(law) > 20.0)
        for law in (
            {"law": "exponential"},
            {"law": "lognormal", "sigma": 1.0},
            {"law": "pareto", "shape": 1.5},
        )
    ]
    assert beyond == sorted(beyond)
    assert beyond[0] < 0.001 < beyond[2]


def test_draws_are_those_of_the_hash_whatever_the_block():
    """The k-th draw of a purpose and UE is `uniform(world, purpose, (ue << 28) + k)`."""
    scenario = load("signalling-four-slices")
    key = np.uint64(world_key(np.uint64(9), 0))
    for block in (1, 7, 32):
        ue = UeWorld(World(scenario, 9, block), 5)
        drawn = [ue.pick(10**9) for _ in range(40)]
        expected = [
            int(uniform(key, int(Purpose.PICK), (5 << 28) + number) * 10**9) for number in range(40)
        ]
        assert drawn == expected


def test_ues_and_seeds_have_worlds_of_their_own():
    """No two draw the same."""
    scenario = load("signalling-four-slices")
    drawn = {
        (seed, number): tuple(UeWorld(World(scenario, seed), number).pick(10**9) for _ in range(3))
        for seed in range(3)
        for number in range(3)
    }
    assert len(set(drawn.values())) == 9


def test_failure_shares_are_those_of_the_scenario():
    """0 never, 1 always, 0.3 about 0.3 (4 sigma)."""
    scenario = load("signalling-single-slice").replace(
        failures={"synch_failure": 1.0, "mac_failure": 0.3}
    )
    ue = UeWorld(World(scenario, 1), 0)
    assert all(ue.fails("synch_failure") for _ in range(100))
    assert not any(ue.fails("handover_failure") for _ in range(100))
    share = np.mean([ue.fails("mac_failure") for _ in range(NUM_DRAWS)])
    assert abs(share - 0.3) < 4 * np.sqrt(0.21 / NUM_DRAWS)


def test_ues_are_at_home_in_slices_by_their_shares():
    """4 : 1 : 8 : 3 (4 sigma)."""
    world = World(load("signalling-four-slices"), 1)
    homes = np.bincount([UeWorld(world, number).slice_number for number in range(4_000)])
    expected = np.array([4, 1, 8, 3]) / 16
    assert np.all(np.abs(homes / 4_000 - expected) < 4 * np.sqrt(0.25 / 4_000))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"slices": []}, "at least 1"),
        ({"failures": {"lost": 0.1}}, "no field 'lost'"),
        ({"failures": {"mac_failure": 1.5}}, "less than or equal to 1"),
        ({"num_gnbs": 0}, "num_gnbs"),
        ({"slices": [{"name": "a", "sst": 1}, {"name": "b", "sst": 1}]}, "S-NSSAIs"),
        ({"slices": [{"name": "a", "sst": 1, "five_qis": [7]}]}, "5QI"),
        ({"slices": [{"name": "a", "sst": 1, "when_idle": {"service": 0.0}}]}, "one weight"),
        ({"num_gnbs": 1, "mix": {"registrations": 1, "handovers": 1}}, "two base stations"),
    ],
)
def test_impossible_scenario_is_refused(changes, message):
    """At construction, with the field at fault."""
    with pytest.raises(ConfigError, match=message):
        load("signalling-single-slice").replace(**changes)


def test_equal_scenarios_have_equal_digests():
    """A scenario is a value; its name is not part of what it does."""
    scenario = load("signalling-four-slices")
    assert scenario.replace(name="other").digest == scenario.digest
    assert scenario.replace(num_gnbs=5).digest != scenario.digest
    assert Sojourn(mean_s=1.0) == Sojourn(mean_s=1.0)
