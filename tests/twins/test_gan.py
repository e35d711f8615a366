"""The GAN: allowed actions only, feasible states only, its seed obeyed, something learned."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.environments.slice_admission.strategies import admission_scenarios
from tests.twins.cases import DearestPolicy
from twin_gym.environments.slice_admission.feasible_states import draw_feasible_states
from twin_gym.environments.slice_admission.tables import service_places
from twin_gym.errors import ConfigError
from twin_gym.twins import (
    DecisionGenerator,
    GanSettings,
    ObservedMask,
    record,
    synthesise,
    train_generator,
)
from twin_gym.twins.layout import QueueLayout

# Some draws hold more requests at once than a row of the simulator has room for.
scenarios = admission_scenarios().filter(lambda one: service_places(one) <= 5000)

HASTY = GanSettings(num_steps=5, batch_size=16)


@settings(max_examples=30)
@given(scenarios, st.sampled_from(("slice", "slot")), st.integers(0, 1000))
def test_generator_takes_allowed_actions_only(scenario, action, seed):
    """One-hot rows in which the one stands at an allowed action, whatever the weights."""
    generator = torch.Generator().manual_seed(seed)
    made = DecisionGenerator(scenario, action, 3, generator)
    states = draw_feasible_states(scenario, 20, np.random.default_rng(seed), action=action)
    masks = torch.from_numpy(states.masks)
    rows = made(torch.from_numpy(states.observations), masks, 1.0, generator)
    assert torch.equal(rows.argmax(1), rows.detach().round().nonzero()[:, 1])
    assert masks.gather(1, rows.argmax(1, keepdim=True)).all()


def test_gradient_passes_the_discrete_action(small, action):
    """The straight-through trick: a score of the action taken moves the generator's weights."""
    generator = torch.Generator().manual_seed(0)
    made = DecisionGenerator(small, action, 2, generator)
    states = draw_feasible_states(small, 20, np.random.default_rng(0), action=action)
    rows = made(
        torch.from_numpy(states.observations), torch.from_numpy(states.masks), 1.0, generator
    )
    (rows * torch.randn(rows.shape, generator=generator)).sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in made.parameters())


def test_synthetic_decisions_are_feasible(log, small):
    """Actions are allowed by masks that belong to the states, and no state is a logged one."""
    made = train_generator(log, small, settings=HASTY)
    pairs = synthesise(made, log, small, 200)
    observed_mask = ObservedMask(QueueLayout.of(small), pairs.action)
    masks = observed_mask(torch.from_numpy(pairs.observations))
    np.testing.assert_array_equal(masks.numpy(), pairs.masks != 0)
    assert pairs.masks[np.arange(200), pairs.actions].all()
    assert (len(pairs), pairs.policy) == (200, "gan-of-dearest")
    pairs.check_fits(small)


def test_seed_decides_generator_and_pairs(log, small):
    """Same seeds, same pairs; either seed another, other pairs; torch's own state untouched."""
    before = torch.random.get_rng_state()
    pairs = {
        (made, drawn): synthesise(
            train_generator(log, small, settings=HASTY, seed=made), log, small, 300, seed=drawn
        )
        for made, drawn in ((1, 1), (2, 1), (1, 2))
    }
    again = synthesise(train_generator(log, small, settings=HASTY, seed=1), log, small, 300, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(again.actions, pairs[1, 1].actions)
    np.testing.assert_array_equal(again.observations, pairs[1, 1].observations)
    assert (pairs[2, 1].actions != again.actions).any()
    assert (pairs[1, 2].observations != again.observations).any()


def test_generator_learns_the_rule_where_it_was_logged(small):
    """In logged states it takes the rule's actions far more often than an untrained one."""
    log = record(DearestPolicy(), small, 1000)
    states, masks = torch.from_numpy(log.observations), torch.from_numpy(log.masks)
    generator = torch.Generator().manual_seed(0)
    agreement = []
    for made in (
        DecisionGenerator(small, "slice", 4, torch.Generator().manual_seed(0)),
        train_generator(log, small, settings=GanSettings(num_steps=400)),
    ):
        with torch.no_grad():
            chosen = made(states, masks, 1.0, generator).argmax(1).numpy()
        agreement.append((chosen == log.actions).mean())
    assert agreement[0] < 0.6
    assert agreement[1] > 0.9


def test_progress_is_told(log, small):
    """Every so many steps, with both losses."""
    seen = []
    train_generator(
        log,
        small,
        settings=GanSettings(num_steps=100),
        on_step=lambda *progress: seen.append(progress),
    )
    assert [progress[0] for progress in seen] == [50, 100]
    assert all(np.isfinite(progress).all() for progress in seen)


@pytest.mark.parametrize(
    "change",
    [
        {"num_steps": 0},
        {"batch_size": 1},
        {"temperature": 0.0},
        {"logged_share": 1.5},
        {"noise_size": -1},
        {"learning_rate": "3e-3"},
        {"batch_size": 2.5},
        {"batch_size": None},
    ],
)
def test_bad_settings_are_refused(change):
    """When they are made, not while training."""
    with pytest.raises(ConfigError, match=next(iter(change))):
        GanSettings(**change)
