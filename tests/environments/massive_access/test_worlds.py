"""Massive access: the world depends on its seed alone, not on what is broadcast or beside it."""

from twin_gym.environments.massive_access.env import MassiveAccessEnv
from twin_gym.scenario.loading import load


def short(preset="access-large-45"):
    """A preset whose devices all ask within twenty opportunities of thirty."""
    scenario = load(preset)
    return scenario.replace(horizon_s=0.15, arrivals=scenario.arrivals.replace(window_s=0.1))


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
    """Devices ask at the same moments under any barring; another seed gives others."""
    assert offered_course(0) == offered_course(5) == offered_course(15)
    assert offered_course(0) != offered_course(0, seed=5)
