"""Feasible states: nothing impossible, everything possible, and seen as the environment sees it."""

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from tests.environments.slice_admission.strategies import admission_scenarios
from tests.twins.cases import small_network
from twin_gym.core.forms import form_named
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.feasible_states import (
    draw_feasible_states,
    draw_in_service,
)
from twin_gym.environments.slice_admission.observation import field_names
from twin_gym.environments.slice_admission.policies.decoding import Decoder
from twin_gym.environments.slice_admission.tables import build_tables, service_places
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.twins import ObservedMask
from twin_gym.twins.layout import QueueLayout

# Some draws hold more requests at once than a row of the simulator has room for.
scenarios = admission_scenarios().filter(lambda one: service_places(one) <= 5000)


@settings(max_examples=60)
@given(scenarios, st.sampled_from(("slice", "slot")), st.integers(0, 2**32))
def test_states_are_feasible(scenario, action, seed):
    """Capacities and queue limits hold, the box holds, the mask is that of the observation."""
    states = draw_feasible_states(scenario, 40, np.random.default_rng(seed), action=action)
    demand = np.array(
        [[one.demand.get(k, 0.0) for k in scenario.capacity] for one in scenario.slices]
    )
    capacity = np.array(list(scenario.capacity.values()))
    used = states.in_service @ demand
    assert (used <= capacity * (1 + 1e-9) + 1e-9).all()
    limits = np.array([one.queue_limit for one in scenario.slices])
    assert (states.waiting <= np.maximum(limits, 1)).all()
    assert (states.waiting[:, limits == 0].sum(axis=1) <= 1).all()
    space = form_named(ACTION_FORMS, action).observation_space(scenario)
    assert all(space.contains(observation) for observation in states.observations)
    assert states.masks[:, :-1].any(axis=1).all()
    observed_mask = ObservedMask(QueueLayout.of(scenario), action)
    masks = observed_mask(torch.from_numpy(states.observations))
    np.testing.assert_array_equal(masks.numpy(), states.masks != 0)
    decoder = Decoder(scenario, action)
    np.testing.assert_array_equal(decoder.in_service(states.observations), states.in_service)
    np.testing.assert_array_equal(decoder.waiting(states.observations), states.waiting)
    np.testing.assert_allclose(
        decoder.free(states.observations), capacity - used, atol=1e-6 * capacity.max()
    )
    fits = (capacity - used)[:, None, :] >= demand - 1e-9 * capacity
    admissible = decoder.admissible(states.masks)
    np.testing.assert_array_equal(admissible, fits.all(axis=2) & (states.waiting > 0))
    # Where nobody may go on waiting, only a request that fits is there at all.
    assert admissible[:, limits == 0][states.waiting[:, limits == 0] > 0].all()


def test_every_count_in_service_is_as_likely_as_any_other():
    """Over all counts that fit, enumerated; the chance of a false alarm is 1 in 1,000."""
    tables = build_tables([small_network()])
    feasible = {
        (a, b, c)
        for a in range(7)
        for b in range(5)
        for c in range(3)
        if a + 2 * b + 3 * c <= 8 and a + b + c <= 6
    }
    num_drawn = 20_000
    drawn = Counter(
        map(tuple, draw_in_service(tables, num_drawn, np.random.default_rng(0)).tolist())
    )
    assert set(drawn) == feasible
    expected = num_drawn / len(feasible)
    statistic = sum((count - expected) ** 2 / expected for count in drawn.values())
    assert statistic < chi2.ppf(0.999, len(feasible) - 1)


def test_observations_cover_what_the_network_shows(small, action):
    """In no field does a running network show more than the drawn states do."""
    states = draw_feasible_states(small, 4000, np.random.default_rng(0), action=action)
    env = SliceAdmissionVectorEnv(8, small, action=action)
    observations, infos = env.reset(seed=0)
    rng = np.random.default_rng(1)
    seen = []
    for _ in range(200):
        seen.append(observations)
        actions = (rng.random(infos["action_mask"].shape) * infos["action_mask"]).argmax(axis=1)
        observations, _, _, _, infos = env.step(actions)
    shown = np.concatenate(seen)
    names = field_names(small, action)
    for index, name in enumerate(names):
        drawn = states.observations[:, index]
        assert drawn.min() <= shown[:, index].min() + 0.01, name
        assert drawn.max() >= shown[:, index].max() - 0.01, name


def test_oldest_stand_first_and_nobody_overstays(small):
    """Ages fall along each queue, and stay below the patience."""
    states = draw_feasible_states(small, 500, np.random.default_rng(0), action="slot")
    positions = states.observations[:, -27:].reshape(500, 3, 3, 3)
    ages, valid = positions[..., 1], positions[..., 2]
    assert (np.diff(ages, axis=2) <= 0).all()
    assert (np.diff(valid, axis=2) <= 0).all()
    assert (ages < 1.0).all()
    np.testing.assert_array_equal(valid.sum(axis=2), states.waiting)


def test_generator_decides_the_states(small):
    """Same generator, same states; another one, others."""
    drawn = [
        draw_feasible_states(small, 20, np.random.default_rng(seed)).observations
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    with pytest.raises(ConfigError):
        draw_feasible_states(small, 0, np.random.default_rng(0))
