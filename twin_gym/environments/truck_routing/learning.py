"""Default settings of learners of truck routing."""

from twin_gym.core.credit import Credit

CREDIT = Credit("time unit", discount=1.0, trace=0.25)
"""What is not emptied in a shift overflows before the next one."""
