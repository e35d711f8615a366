"""Default settings of learners of TIC scheduling."""

from twin_gym.core.credit import Credit

CREDIT = Credit("time unit", discount=2.0, trace=0.6)
"""A message is delivered or lost within its deadline."""

LOGGED_POLICY = "edf"
"""The best of the simple rules, and a function of what is observed."""
