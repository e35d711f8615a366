"""The requests of a world: what each brings is its own, whatever was asked before."""

from itertools import islice

import numpy as np
import pytest

from twin_gym.core.clock import NEVER, TICKS_PER_SECOND
from twin_gym.environments.slice_admission.rules import NEVER_EVENT
from twin_gym.environments.slice_admission.tables import build_tables
from twin_gym.environments.slice_admission.world import World
from twin_gym.scenario.loading import load

PRESETS = ("contention", "burst", "shift", "service-calibrated", "teletraffic-erlang-a")


def world_of(preset, seed=3, episode=0):
    """A world of a preset."""
    return World(build_tables([load(preset)]), seed, episode)


@pytest.mark.parametrize("preset", PRESETS)
def test_arrivals_come_in_order_and_again(preset):
    """Never back in time, and the same in a second telling."""
    first = [list(islice(world_of(preset).arrivals(s), 200)) for s in (0,)]
    second = [list(islice(world_of(preset).arrivals(s), 200)) for s in (0,)]
    assert first == second
    for ticks in first:
        assert ticks == sorted(ticks)


@pytest.mark.parametrize("preset", PRESETS)
def test_holding_and_patience_do_not_depend_on_the_order_of_asking(preset):
    """Asked forwards, backwards, and without the arrivals."""
    world, other = world_of(preset), world_of(preset)
    list(islice(world.arrivals(0), 50))
    forwards = [(world.holding_ticks(0, k), world.patience_ticks(0, k)) for k in range(50)]
    backwards = [(other.holding_ticks(0, k), other.patience_ticks(0, k)) for k in range(49, -1, -1)]
    assert forwards == backwards[::-1]
    assert min(holding for holding, _ in forwards) >= 1


@pytest.mark.parametrize("preset", PRESETS)
def test_slices_are_independent_of_one_another(preset):
    """The arrivals of one slice do not move those of the next."""
    alone, beside = world_of(preset), world_of(preset)
    if len(alone.scenario.slices) == 1:
        pytest.skip("one slice")
    list(islice(beside.arrivals(0), 100))
    assert list(islice(alone.arrivals(1), 50)) == list(islice(beside.arrivals(1), 50))


def test_worlds_differ_by_seed_and_episode():
    """No arrival in common."""
    arrivals = [set(islice(world_of("contention", *key).arrivals(0), 100)) for key in
            ((3, 0), (4, 0), (3, 1))]  # fmt: skip
    assert not arrivals[0] & arrivals[1]
    assert not arrivals[0] & arrivals[2]


def test_mean_gap_is_that_of_the_rate():
    """Ten thousand Poisson gaps, five standard errors."""
    world = world_of("contention")
    last = next(islice(world.arrivals(2), 9_999, None))
    rate_hz = world.scenario.slices[2].arrival_rate_hz
    assert last / TICKS_PER_SECOND == pytest.approx(10_000 / rate_hz, rel=5 / np.sqrt(10_000))


def test_event_that_never_comes_is_after_all_others():
    """The filling of the heap sorts behind a departure at the last tick."""
    assert NEVER_EVENT > (NEVER << 6) + 15
