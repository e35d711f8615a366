"""Synchronisation: how fast entities change, and how often an update is delivered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.right_time_sync.scenario import (
    EntityGroup,
    MeanReverting,
    Replay,
    SyncScenario,
    TwoState,
    Walk,
)
from twin_gym.scenario.changes import path_of
from twin_gym.twins.scenarios.estimation.evidence import Average, Evidence, TransitionLikelihood
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry

Floats = NDArray[np.float64]

_SERVICE = "service/updates"
_SURE = 1e-12  # least probability of either outcome, so that its logarithm is finite


def estimate_parameters(
    telemetry: EpisodeTelemetry, base: SyncScenario, start_s: float, end_s: float
) -> dict[str, Evidence]:
    """Estimates the parameters of the processes and of the channel from a window.

    Of each group, all pairs of successive delivered values of one entity whose later one was true
    within the window; the time between them is multiplied by how much faster than its group the
    entity changes, which the base says, as it says standard deviations.

    - `variance_rate_hz` of a walk: mean of squared change over time, the maximum likelihood of
      independent normal changes.
    - `relaxation_s`: see `relaxation_likelihood`; `change_rate_hz`: see `change_likelihood`.
    - `delivery_probability`: see `_delivery`.

    Args:
        telemetry: the episode.
        base: says the laws, the groups and their spreads.
        start_s: of the window.
        end_s: of the window.

    Returns:
        By path.
    """
    evidence: dict[str, Evidence] = {
        "delivery_probability": _delivery(telemetry, base, start_s, end_s)
    }
    for group in base.groups:
        path, process = path_of("groups", group.name, "process"), group.process
        spans_s, before, after, last_s = _pairs(telemetry, group, start_s, end_s)
        if isinstance(process, Walk):
            rates = (after - before) ** 2 / spans_s
            evidence[f"{path}.variance_rate_hz"] = Average(last_s, float(rates.sum()), len(rates))
        elif isinstance(process, MeanReverting):
            old, new = before / process.sd, after / process.sd
            moments = np.stack([old * old, old * new, new * new], axis=1)
            evidence[f"{path}.relaxation_s"] = TransitionLikelihood(
                last_s, spans_s, moments, relaxation_likelihood, _usual_relaxation
            )
        elif isinstance(process, TwoState):
            differs = (np.abs(after - before) > 0.5).astype(np.float64)  # noqa: PLR2004 - +-1/2
            evidence[f"{path}.change_rate_hz"] = TransitionLikelihood(
                last_s, spans_s, differs, change_likelihood, _usual_change
            )
    return evidence


def relaxation_likelihood(values: Floats, spans_s: Floats, moments: Floats) -> Floats:
    """Log-likelihood of relaxation times, but for a constant.

    A value of standard deviation 1 is, after t seconds, normal around c times what it was, with
    c = exp(-t / relaxation) and the variance 1 - c^2 (Uhlenbeck and Ornstein, Physical Review 36,
    1930).

    Args:
        values: relaxation times in seconds; shape (values,).
        spans_s: between the values of each pair; shape (pairs,).
        moments: square of the first, product, square of the second; shape (pairs, 3).

    Returns:
        Shape (values,).
    """
    logs = np.zeros(len(values))
    for k, relaxation_s in enumerate(values):
        left = np.exp(-spans_s / relaxation_s)
        variance = np.maximum(-np.expm1(-2.0 * spans_s / relaxation_s), _SURE)
        gap = moments[:, 2] - 2.0 * left * moments[:, 1] + left * left * moments[:, 0]
        logs[k] = -0.5 * float((np.log(variance) + gap / variance).sum())
    return logs


def change_likelihood(values: Floats, spans_s: Floats, differs: Floats) -> Floats:
    """Log-likelihood of the rates at which a two-state value changes.

    After t seconds it differs with the probability (1 - exp(-2 rate t)) / 2: an even number of
    Poisson events leaves it as it was.

    Args:
        values: rates in hertz; shape (values,).
        spans_s: between the values of each pair; shape (pairs,).
        differs: 1 where the pair's values differ, else 0; shape (pairs,).

    Returns:
        Shape (values,).
    """
    result = np.zeros(len(values))
    for k, rate_hz in enumerate(values):
        chance = np.maximum(-0.5 * np.expm1(-2.0 * rate_hz * spans_s), _SURE)
        logs = differs * np.log(chance) + (1.0 - differs) * np.log1p(-chance)
        result[k] = float(logs.sum())
    return result


def _usual_relaxation(centre: float) -> tuple[float, Floats]:
    """The expected moments of a pair that is a relaxation time apart."""
    return centre, np.array([1.0, np.exp(-1.0), 1.0])


def _usual_change(centre: float) -> tuple[float, float]:
    """The expected outcome of a pair that is half a mean time of a state apart."""
    return 0.5 / centre, float(-0.5 * np.expm1(-1.0))


def _pairs(
    telemetry: EpisodeTelemetry, group: EntityGroup, start_s: float, end_s: float
) -> tuple[Floats, Floats, Floats, float]:
    """Scaled times between successive values, earlier and later ones, and the last time of all."""
    parts = list(_members(telemetry, group, start_s, end_s))
    spans_s, before, after = (np.concatenate(column) for column in zip(*parts, strict=True))
    ends = [telemetry.series(f"entity/{group.name}/{k}", "value") for k in range(group.count)]
    heard_s = [float(one.times_s[one.times_s <= end_s].max(initial=0.0)) for one in ends]
    return spans_s, before, after, max(heard_s)


def _members(
    telemetry: EpisodeTelemetry, group: EntityGroup, start_s: float, end_s: float
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """The pairs of each entity of a group; replayed ones have no law to be found."""
    for member in range(0 if isinstance(group.process, Replay) else group.count):
        times_s, values = telemetry.moments(f"entity/{group.name}/{member}", "value")
        first, last = np.searchsorted(times_s, (start_s, end_s), side="right")
        first = max(first, 1)
        last = max(first, last)
        spans_s = np.diff(times_s[first - 1 : last]) * group.rate_factor(member)
        yield spans_s, values[first - 1 : last - 1], values[first:last]
    yield np.zeros(0), np.zeros(0), np.zeros(0)


def _delivery(
    telemetry: EpisodeTelemetry, base: SyncScenario, start_s: float, end_s: float
) -> Average:
    """Updates delivered over those sent, as far as they were sent alone.

    What is delivered is told `delay_slots` later than what was sent, and is counted in a window
    that begins and ends so much later, and only while both are known. Updates that share a slot
    spoil one another with the base's probability `load_loss`: each counts as the share of itself
    that the others leave. Where groups have probabilities of their own, or losses are replayed, the
    counters tell of those too, and so nothing of the scenario's.
    """
    last_s = telemetry.last_s(_SERVICE, "offered", "served", end_s=end_s)
    is_mixed = any(
        group.delivery_probability is not None
        or (isinstance(group.process, Replay) and group.process.losses)
        for group in base.groups
    )
    delay_s = base.delay_slots * base.slot_s
    start_s, end_s = _both_known(telemetry, start_s, end_s, delay_s)
    sent, exposure_s = telemetry.growth(_SERVICE, "offered", start_s, end_s)
    came, _ = telemetry.growth(_SERVICE, "served", start_s + delay_s, end_s + delay_s)
    if is_mixed or exposure_s <= 0.0:
        return Average(last_s, 0.0, 0.0)
    return Average(last_s, came, sent * _left_alone(telemetry, base, start_s, end_s))


def _both_known(
    telemetry: EpisodeTelemetry, start_s: float, end_s: float, delay_s: float
) -> tuple[float, float]:
    """The part of a window in which it is known what was sent, and what came of that later."""
    for name, late_s in (("offered", 0.0), ("served", delay_s)):
        times_s = telemetry.moments(_SERVICE, name).times_s
        if not len(times_s):
            return start_s, start_s
        start_s = max(start_s, float(times_s[0]) - late_s)
        end_s = min(end_s, float(times_s[-1]) - late_s)
    return start_s, end_s


def _left_alone(
    telemetry: EpisodeTelemetry, base: SyncScenario, start_s: float, end_s: float
) -> float:
    """Mean share of an update that the others of its slot leave."""
    if base.load_loss == 0.0:
        return 1.0
    series = telemetry.series(_SERVICE, "offered")
    sent, weights = 0.0, 0.0
    reports = zip(series.times_s.tolist(), series.values.tolist(), strict=True)
    for (before_s, before), (after_s, after) in itertools.pairwise(reports):
        if start_s <= before_s < after_s <= end_s:
            others = max((after - before) * base.slot_s / (after_s - before_s) - 1.0, 0.0)
            sent += after - before
            weights += (after - before) * (1.0 - base.load_loss) ** others
    return weights / sent if sent > 0.0 else 1.0
