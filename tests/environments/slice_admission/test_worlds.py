"""The world depends on its seed alone: not on decisions, neighbours, threads or engines."""

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.strategies import admission_scenarios
from twin_gym.core import batch as batching
from twin_gym.environments.slice_admission.batch import AdmissionBatch, BatchSettings
from twin_gym.environments.slice_admission.tables import build_tables, service_places
from twin_gym.environments.slice_admission.world import World
from twin_gym.errors import ConfigError
from twin_gym.policies import Family, world_seeds
from twin_gym.scenario.loading import load

PRESETS = ("contention", "burst", "shift", "service-calibrated", "teletraffic-erlang-a")


def short(preset, decisions=40.0):
    """A preset with an episode of some dozen decisions."""
    scenario = load(preset)
    rate_hz = sum(one.arrival_rate_hz for one in scenario.slices)
    return scenario.replace(horizon_s=min(scenario.horizon_s, decisions / rate_hz))


def offered_and_arrivals(scenario, seed, wish):
    """Requests offered in each slice over an episode in which the wished slice comes first."""
    batch = AdmissionBatch(1, BatchSettings(scenario))
    everyone = np.ones(1, np.bool_)
    batch.seed(np.array([seed], np.uint64), everyone)
    batch.begin(everyone)
    while not batch.outcomes["truncated"][0]:
        order = np.roll(np.arange(batch.num_actions), -wish)
        allowed = order[batch.masks[0][order] == 1]
        batch.advance(allowed[:1].astype(np.int64), batching.AUTORESET_DISABLED)
    return batch.row(0)["offered"][: len(scenario.slices)].tolist()


@pytest.mark.parametrize("preset", PRESETS)
def test_requests_do_not_depend_on_decisions(preset):
    """The same number of requests comes in each slice under any decisions."""
    scenario = short(preset, 150.0)
    counts = [offered_and_arrivals(scenario, 7, wish) for wish in range(len(scenario.slices) + 1)]
    assert all(count == counts[0] for count in counts)
    world = World(build_tables([scenario]), 7)
    horizon = int(world.network["horizon"])
    for s, count in enumerate(counts[0]):
        arrivals = []
        for tick in world.arrivals(s):
            if tick >= horizon:
                break
            arrivals.append(tick)
        assert len(arrivals) == count


@given(
    admission_scenarios().filter(lambda one: service_places(one) <= 5000),
    st.integers(0, 2**63),
)
@settings(max_examples=40)
def test_requests_of_drawn_networks_do_not_depend_on_decisions(scenario, seed):
    """The same for every law of arrival."""
    waits, admits = (offered_and_arrivals(scenario, seed, w) for w in (len(scenario.slices), 0))
    assert waits == admits


def test_request_is_the_same_request_in_every_world_of_its_seed():
    """Draws are functions of (seed, episode, stream, index): any order, any number of times."""
    tables = build_tables([load("contention")])
    one, other = World(tables, 5), World(tables, 5)
    backwards = [other.holding_ticks(2, k) for k in reversed(range(50))][::-1]
    assert [one.holding_ticks(2, k) for k in range(50)] == backwards
    assert [one.holding_ticks(2, k) for k in range(50)] == backwards
    for different in (World(tables, 6), World(tables, 5, episode=1)):
        assert not set(backwards) & {different.holding_ticks(2, k) for k in range(50)}


def test_streams_of_a_world_share_no_draws():
    """Slices and purposes do not repeat one another's numbers."""
    same = load("contention").slices[0]
    scenario = load("contention").replace(
        slices=tuple(same.replace(name=name) for name in "abcd"), patience_law="exponential"
    )
    world = World(build_tables([scenario]), 3)
    seen = []
    for s in range(4):
        seen += [world.holding_ticks(s, k) / same.mean_holding_time_s for k in range(100)]
        seen += [world.patience_ticks(s, k) / same.mean_patience_s for k in range(100)]
        arrivals = [tick for tick, _ in zip(world.arrivals(s), range(101), strict=False)]
        seen += [gap * same.arrival_rate_hz for gap in np.diff([0, *arrivals])]
    assert len(np.unique(np.round(seen, -3))) > 0.999 * len(seen)


def test_families_of_worlds_share_none():
    """Worlds of training, guard, validation and test are apart; a family gives the same again."""
    last = 2**40 - 1
    ends = sorted(
        (world_seeds(family, 1)[0], world_seeds(family, 1, first=last)[0])
        for family in get_args(Family)
    )
    assert len(ends) == 4
    assert all(one[1] < other[0] for one, other in pairwise(ends))
    assert all(end - begin == last for begin, end in ends)
    assert world_seeds("test", 3, first=5) == world_seeds("test", 8)[5:]
    with pytest.raises(ConfigError, match="family of worlds"):
        world_seeds("tests", 3)
