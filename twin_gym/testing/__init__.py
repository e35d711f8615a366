"""Checkers for the tests of your own environments, in addition to Gymnasium's checker.

`gymnasium.utils.env_checker` accepts an environment that ignores its seed, and does not check
vector environments. These functions raise `CheckFailed` with the observed and required behaviour.
"""

from twin_gym.testing.equality import CheckFailed
from twin_gym.testing.seeding import check_seeding
from twin_gym.testing.vector import check_vector_env

__all__ = ["CheckFailed", "check_seeding", "check_vector_env"]
