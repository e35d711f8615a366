"""Default settings of learners of truck routing."""

from twin_gym.core.credit import Credit

CREDIT = Credit("time unit", discount=2.0, trace=0.5)
"""In days: what is not emptied in a shift overflows before the next one or the one after."""

LOGGED_POLICY = "svm-fill"
"""The best rule that is a function of what is observed; the schedule and the planners remember."""
