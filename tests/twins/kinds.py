"""Every kind of scenario besides admission, in every form of action, with rules that are known."""

import numpy as np

from tests.twins.cases import DearestPolicy
from twin_gym.policies import make_policy
from twin_gym.scenario.loading import load

FORMS = {
    "access level": ("access-small-45", "level", "fixed"),
    "access probability": ("access-small-45", "probability", "fixed"),
    "tic weights": ("tic-small-45", "weights", "first-come"),
    "tic pick": ("tic-pick", "pick", "first-come"),
    "sync pick": ("sync-small", "pick", "oldest-first"),
    "sync rounds": ("sync-small", "rounds", "oldest-first"),
}
AMOUNTS = ("access probability", "tic weights", "sync rounds")
DISCRETE = tuple(name for name in FORMS if name not in AMOUNTS)


class SeenAmountsPolicy:
    """A rule of amounts that is known and varies: 1 less the last values that it sees."""

    name = "seen"

    def __init__(self, count):
        self.count = count

    def reset(self, seed):
        """Remembers nothing."""

    def actions(self, observations, masks):
        """Amounts; shape (rows, count)."""
        return 1.0 - observations[:, -self.count :].astype(np.float64)


def scenario_of(name):
    """The preset of a form."""
    return load(FORMS[name][0])


def default_policy(name):
    """The default policy of a form: it remembers nothing."""
    preset, action, policy = FORMS[name]
    return make_policy(policy, load(preset), action)


def varied_policy(name, space):
    """A rule that does not do the same all the time, where the states allow it."""
    return DearestPolicy() if space.is_discrete else SeenAmountsPolicy(space.num_actions)
