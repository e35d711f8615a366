"""Checks of environments for their own tests: what Gymnasium's checker does not see.

`gymnasium.utils.env_checker` accepts an environment that ignores its seed, and knows no vector
environments. These functions raise `CheckFailed` with what was seen and what the contract says.
"""

from twin_gym.testing.equality import CheckFailed
from twin_gym.testing.seeding import check_seeding
from twin_gym.testing.vector import check_vector_env

__all__ = ["CheckFailed", "check_seeding", "check_vector_env"]
