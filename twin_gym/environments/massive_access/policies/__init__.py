"""Classical policies of massive access."""

from twin_gym.environments.massive_access.policies.barring import POLICIES

DEFAULT_POLICY = "fixed"
"""What an operator runs today."""

__all__ = ["DEFAULT_POLICY", "POLICIES"]
