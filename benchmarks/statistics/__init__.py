"""Statistics of results: estimates with intervals, profiles, and fair comparisons of agents.

The scores of an agent on a track are an array of shape (seeds, worlds). Seed k is one independent
replicate: a training of its own and a block of test worlds of its own. All agents meet the same
worlds under the same index, so that two agents can be compared entry by entry. A *run* is one
seed's mean score on one track. Wherever scores are asked for, a mapping from the name of a track
to its array is taken, or a single array as the only track.
"""

from benchmarks.statistics.aggregates import (
    Profile,
    iqm_score,
    mean_score,
    performance_profile,
    probability_of_improvement,
)
from benchmarks.statistics.basics import (
    CONFIDENCE,
    RESAMPLES,
    Interval,
    curve_bands,
    interquartile_mean,
    interval,
    mean_interval,
)
from benchmarks.statistics.comparisons import (
    Comparison,
    Verdict,
    compare,
    holm,
    paired_difference,
    verdict,
)
from benchmarks.statistics.permutation import SignFlip, sign_flip_test
from benchmarks.statistics.scores import Scores

__all__ = [
    "CONFIDENCE",
    "RESAMPLES",
    "Comparison",
    "Interval",
    "Profile",
    "Scores",
    "SignFlip",
    "Verdict",
    "compare",
    "curve_bands",
    "holm",
    "interquartile_mean",
    "interval",
    "iqm_score",
    "mean_interval",
    "mean_score",
    "paired_difference",
    "performance_profile",
    "probability_of_improvement",
    "sign_flip_test",
    "verdict",
]
