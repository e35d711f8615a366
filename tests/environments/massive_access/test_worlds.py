"""Massive access: the world depends on its seed alone, not on what is broadcast or beside it."""

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from twin_gym.environments.massive_access.env import MassiveAccessEnv
from twin_gym.environments.massive_access.vector import MassiveAccessVectorEnv
from twin_gym.scenario.loading import load
from twin_gym.testing.equality import first_difference, untouched_global_state


def short(preset="access-large-45"):
    """A preset whose devices all ask within twenty opportunities of thirty."""
    scenario = load(preset)
    return scenario.replace(horizon_s=0.15, arrivals=scenario.arrivals.replace(window_s=0.1))


def roll_out(env, seed, steps=70):
    """Everything that fixed actions, different by row, bring."""
    told = [env.reset(seed=seed)]
    for step in range(steps):
        told.append(env.step((np.arange(env.num_envs) * 3 + step * 7) % 16))
    return told


def offered_course(level, seed=4):
    """How many have asked after each opportunity under one level."""
    env = MassiveAccessEnv(short())
    env.reset(seed=seed)
    course = []
    for _ in range(30):
        env.step(level)
        course.append(int(env.batch.row(0)["num_arrived"]))
    return course


def test_arrivals_do_not_depend_on_the_barring():
    """Whatever is broadcast, the same devices ask at the same moments; another seed, others."""
    assert offered_course(0) == offered_course(5) == offered_course(15)
    assert offered_course(0) != offered_course(0, seed=5)


@pytest.mark.parametrize("mode", list(AutoresetMode)[:2])
def test_threads_do_not_matter(mode):
    """One thread or three: the same to the last bit, infos and final infos included."""
    told = [
        roll_out(MassiveAccessVectorEnv(5, short(), autoreset_mode=mode, num_threads=threads), 11)
        for threads in (1, 3)
    ]
    assert first_difference(told[0], told[1], "roll-out") is None


def test_number_of_rows_does_not_matter():
    """The rows of two are the first rows of five."""
    many, few = (roll_out(MassiveAccessVectorEnv(rows, short()), 4, 25) for rows in (5, 2))
    for one, other in zip(many[1:], few[1:], strict=True):
        assert np.array_equal(one[0][:2], other[0])
        assert np.array_equal(one[1][:2], other[1])


def test_rows_of_several_scenarios_draw_all_of_them():
    """Each episode runs the scenario that its world draws."""
    base = short("access-small-70")
    env = MassiveAccessVectorEnv(40, [base, base.replace(num_devices=200)])
    env.reset(seed=0)
    devices = {env.batch.scenario_of(row).num_devices for row in range(40)}
    assert devices == {50, 200}


def test_global_random_state_is_left_alone():
    """Nothing reads or moves Python's or NumPy's global generators, unseeded or not."""
    with untouched_global_state():
        for seed in (None, 3):
            roll_out(MassiveAccessVectorEnv(2, short()), seed, 40)
