"""Extreme scenarios are refused, or their values are finite, in range, and not negative."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from tests import extreme_strategies as extreme
from twin_gym.environments.massive_access.vector import MassiveAccessVectorEnv
from twin_gym.environments.right_time_sync.vector import RightTimeSyncVectorEnv
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.environments.slice_admission.work import most_arrivals, parts_passed
from twin_gym.environments.tic_scheduling.vector import TicSchedulingVectorEnv
from twin_gym.errors import ConfigError, TooLargeError

EXAMPLES = int(os.environ.get("TWIN_GYM_EXTREMES", "150"))
STEPS = 25
MOST_EVENTS = 30_000
MOST_REWARD = 1e18
MAY_BE_NEGATIVE = ("revenue_rate", "throughput_stability")

KINDS = {
    "admission": (SliceAdmissionVectorEnv, extreme.admission(), ("slice", "slot"), "utilisation"),
    "tic": (TicSchedulingVectorEnv, extreme.tic(), ("weights", "pick"), "balanced"),
    "access": (MassiveAccessVectorEnv, extreme.access(), ("level", "probability"), "balanced"),
    "sync": (RightTimeSyncVectorEnv, extreme.sync(), ("pick", "rounds"), "balanced"),
}


def is_quick(scenario):
    """Whether an episode has few events: what takes long is not tried here."""
    if not isinstance(scenario, AdmissionScenario):
        return True
    events = 0.0
    for one in scenario.slices:
        events += most_arrivals(one.arrival, one.arrival_rate_hz, scenario.horizon_s)
        events += parts_passed(one.arrival, scenario.horizon_s)
    return events < MOST_EVENTS


def assert_sound(values, what, least=-np.inf):
    """Finite numbers, none below the least."""
    values = np.asarray(values)
    if values.dtype == object:
        values = np.stack([one for one in values if one is not None])
    assert np.isfinite(values).all(), f"{what} is not finite: {values}"
    assert (values >= least).all(), f"{what} is below {least}: {values}"


def assert_infos_are_sound(infos):
    """The indicators and what is told of a step."""
    for name, value in infos.items():
        if isinstance(value, dict):
            assert_infos_are_sound(value)
        elif not name.startswith("_"):
            is_count = name in ("elapsed_s", "cost", "disallowed_actions", "mean_wait_s", "offered")
            assert_sound(value, name, 0.0 if is_count else -np.inf)


def assert_indicators_are_sound(infos):
    """At the end of an episode."""
    for name, values in infos["final_info"]["kpi"].items():
        if not name.startswith("_"):
            assert_sound(values, name, -np.inf if name in MAY_BE_NEGATIVE else 0.0)


def actions_of(env, infos, rng):
    """Draws actions among the allowed ones."""
    if "action_mask" in infos:
        return (rng.random(infos["action_mask"].shape) * infos["action_mask"]).argmax(axis=1)
    env.action_space.seed(int(rng.integers(2**31)))
    return env.action_space.sample()


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_number_that_is_accepted_breaks_anything(kind):
    """Where it is refused, then when the scenario or the environment is built."""
    made, builders, forms, usual = KINDS[kind]

    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=[
            HealthCheck.filter_too_much,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )
    @given(
        builders, st.sampled_from(forms), extreme.objectives, st.integers(0, 2**40),
        st.sampled_from(("expected", "realised")),
    )  # fmt: skip
    def run(build, form, objective, seed, error):
        arguments = {"error": error} if kind == "sync" else {}
        try:
            scenario = build()
            assume(is_quick(scenario))
            env = made(
                2, scenario, action=form, objective=usual if objective == "usual" else objective,
                autoreset_mode="SameStep", **arguments,
            )  # fmt: skip
        except (ConfigError, TooLargeError):
            event("refused")
            return
        event("accepted")
        observations, infos = env.reset(seed=seed)
        rng = np.random.default_rng(seed)
        for _ in range(STEPS):
            assert_sound(observations, "the observation")
            assert observations in env.observation_space
            assert_infos_are_sound(infos)
            step = env.step(actions_of(env, infos, rng))
            observations, rewards, _, _, infos = step
            assert_sound(rewards, "the reward")
            assert (np.abs(rewards) <= MOST_REWARD).all()
            if "final_info" in infos:
                assert_indicators_are_sound(infos)
        for name, values in env.batch.kpis().items():
            assert_sound(values, name, -np.inf if name in MAY_BE_NEGATIVE else 0.0)

    run()
