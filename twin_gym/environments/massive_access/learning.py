"""Default settings of learners of barring."""

from twin_gym.core.credit import Credit

CREDIT = Credit("slot", discount=3.0, trace=1.0)
"""Whom a barring probability lets through shows in the same opportunity, and the genie, which looks
no further, is near the bound: longer credit has more noise and nothing more to say."""
