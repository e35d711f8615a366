"""Default settings of learners of synchronisation."""

LOGGED_POLICY = "oldest-first"
"""A function of the observed ages, and better than the round robin that runs today, whose turn the
observation does not show."""
