"""Policies that decide by what their observations do not show say so; the others decide alike."""

import itertools

import numpy as np
import pytest

from tests.unit.test_drawing_policies import CASES, DRAW, HORIZONS_S, KINDS, SEEDS, made
from twin_gym.core.forms import form_names
from twin_gym.environments.factory import forms_of, vector_env
from twin_gym.environments.kinds import kind_named, kind_names
from twin_gym.policies import PrivilegedPolicy, make_policy, policies_of, unseen_of
from twin_gym.scenario.loading import load

ROWS, STEPS = 4, 60
BURST, BURST_STEPS = "access-large-45", 200
"""A preset in whose first steps more devices try than there are preambles."""
PRESETS = {
    "contention": "admission", BURST: "access", "tic-pick": "tic", "sync-small": "sync",
    "truck-grid-20": "truck",
}  # fmt: skip
UNSEEN = {
    ("access", "idle-estimator"), ("access", "genie"),
    ("tic", "round-robin"), ("tic", "objective-base"),
    ("sync", "round-robin"),
    ("truck", "schedule"), ("truck", "threshold-pyvrp"), ("truck", "probability-pyvrp"),
    ("truck", "overflow-pyvrp"), ("truck", "clairvoyant-pyvrp"),
}  # fmt: skip
SHOWN_TOO_FINELY = {("sync", "round-robin")}
"""The observation shows the share of the episode, and so the turn, but no network tells it."""


def decided(policy, preset, form):
    """Observations, masks and actions along a rollout, each of shape (steps, rows, ...)."""
    scenario = load(preset)
    if preset != BURST:
        scenario = scenario.replace(horizon_s=HORIZONS_S[preset])
    env = vector_env(scenario, ROWS, action=form)
    observations, infos = env.reset(seed=SEEDS[:ROWS])
    policy.reset(7)
    steps = []
    for _ in range(BURST_STEPS if preset == BURST else STEPS):
        masks = infos.get("action_mask", np.ones((ROWS, 0), np.int8))
        actions = np.array(policy.actions(observations, masks))
        steps.append((observations.copy(), masks.copy(), actions))
        observations, _, _, _, infos = env.step(actions)
    return (np.array(part) for part in zip(*steps, strict=True))


def differs_when_asked_alone(preset, form, name):
    """Whether a fresh policy, asked in one state alone, decides otherwise than along a rollout."""
    observations, masks, actions = decided(made(preset, form, name), preset, form)
    fresh = made(preset, form, name)
    for step in reversed(range(len(actions))):
        fresh.reset(7)
        if not np.array_equal(fresh.actions(observations[step], masks[step]), actions[step]):
            return True
    return False


def test_who_declares_it_is_known():
    """Random draws are not counted."""
    found = {
        (KINDS[preset], name)
        for preset, form, name in CASES
        if (policy := made(preset, form, name)) is not None and unseen_of(policy)
    }
    assert found == UNSEEN


@pytest.mark.parametrize("preset", PRESETS)
def test_those_that_declare_nothing_decide_by_the_observation_alone(preset):
    """And those that declare something decide otherwise somewhere: none does for nothing."""
    otherwise, declared = set(), set()
    kind = PRESETS[preset]
    for form, name in itertools.product(form_names(forms_of(kind)), policies_of(kind)):
        policy = made(preset, form, name)
        if policy is None or isinstance(policy, PrivilegedPolicy) or (name, form) in DRAW:
            continue
        if unseen_of(policy) and (kind, name) not in SHOWN_TOO_FINELY:
            declared.add((form, name))
        if differs_when_asked_alone(preset, form, name):
            otherwise.add((form, name))
    assert otherwise == declared


@pytest.mark.parametrize("kind", kind_names())
def test_what_is_logged_for_twins_declares_nothing(kind):
    """In every form of action in which it is there."""
    kind = kind_named(kind)
    logged = kind.facet("logged_policy", kind.facet("default_policy"))
    preset = next(one for one, name in KINDS.items() if name == kind.name)
    for form in form_names(forms_of(kind.name)):
        assert unseen_of(make_policy(logged, preset, form)) == ""
