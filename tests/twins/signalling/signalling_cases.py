"""Scenarios and worlds that the tests of signalling share."""

from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.scenario import Failures, SignallingScenario

MIX = {
    "registrations": 40,
    "sessions": 30,
    "modifications": 5,
    "releases": 6,
    "services": 7,
    "pagings": 3,
    "handovers": 10,
    "path_switches": 4,
    "configurations": 2,
    "deregistrations": 25,
}
"""A load by counts, as a tester of cores asks for it."""


def failing(share: float = 0.25) -> SignallingScenario:
    """Four slices in which everything that can fail fails with this share."""
    shares = dict.fromkeys(Failures.model_fields, share)
    return load("signalling-four-slices").replace(failures=shares)


def mixed(**changes: int) -> SignallingScenario:
    """One slice without failures, loaded by counts."""
    return load("signalling-single-slice").replace(mix=MIX | changes)
