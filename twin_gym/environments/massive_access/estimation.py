"""Massive access: how many devices, in which window they ask, and how many of them at once.

The base station, and so its twin, sees answers and collisions alone. What devices do before is
found from those.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    BetaArrivals,
    SimultaneousArrivals,
)
from twin_gym.twins.history.records import Series
from twin_gym.twins.scenarios.estimation.evidence import Average, Evidence, Reported
from twin_gym.twins.scenarios.estimation.telemetry import EpisodeTelemetry, counter_at

Floats = NDArray[np.float64]

_CELL, _SERVICE = "cell/0", "service/access"
_BETA_MEAN = 3.0 / 7.0  # of the law Beta(3, 4), in windows
_NO_IDLE = 0.5  # preambles taken as idle where none is
_LEAST_BARRING = 1e-3
_SILENCE = 5.0  # mean gaps without a success after which all have asked


def estimate_parameters(
    telemetry: EpisodeTelemetry, base: AccessScenario, start_s: float, end_s: float
) -> dict[str, Evidence]:
    """Estimates the parameters of a cell from one episode, once all devices have asked.

    Every device asks once an episode: the beginning of the window is not looked at, and before the
    horizon is reached, or nobody has been answered for five mean gaps, nothing but the number of
    devices is said.

    - `num_devices`: told with the twin of the cell.
    - `arrivals.window_s`: of the law Beta(3, 4), the mean time of asking over 3/7; it is the mean
      time of the answers less the mean wait (`_mean_wait_s`). Of the others, the time of the last
      answer times (n + 1) / n, for the largest of n even draws is on average n / (n + 1) of the
      window; late by what the last device has waited.
    - `arrivals.fraction`: of one burst, see `_burst`. Of several it is not known.

    Devices that gave up are not seen: where many do, the answers are those of the others.

    Args:
        telemetry: the episode.
        base: says the law, the preambles, the backoff and the opportunities.
        start_s: not looked at.
        end_s: what is later is not looked at.

    Returns:
        By path.
    """
    devices = telemetry.told(_CELL, "devices")
    evidence: dict[str, Evidence] = {
        "num_devices": Reported(0.0, () if devices is None else (devices,)),
        "arrivals.window_s": Average(0.0, 0.0, 0.0),
        "arrivals.fraction": Average(0.0, 0.0, 0.0),
    }
    heard = _heard(telemetry, base, min(end_s, telemetry.end_s))
    if heard is None:
        return evidence
    answers, last_s = heard.answers[-1], heard.last_s
    at_s = telemetry.last_s(_SERVICE, "served", end_s=heard.times_s[-1])
    if isinstance(base.arrivals, BetaArrivals):
        window_s = (heard.mean_s - _mean_wait_s(heard, base)) / _BETA_MEAN
        evidence["arrivals.window_s"] = Average(at_s, max(window_s, 0.0) * answers, answers)
        return evidence
    burst, others = 0.0, float(answers)
    if isinstance(base.arrivals, SimultaneousArrivals) and base.arrivals.bursts == 1:
        burst = _burst(heard, base)
        others = max(answers - burst, 1.0)
        evidence["arrivals.fraction"] = Average(at_s, burst, answers)
    window_s = last_s * (others + 1.0) / others
    evidence["arrivals.window_s"] = Average(at_s, window_s * answers, answers)
    return evidence


@dataclass(frozen=True, eq=False)
class _Heard:
    """An episode whose devices have all asked.

    Attributes:
        times_s: of the ends of the opportunities; shape (opportunities,).
        answers: until then; shape (opportunities,).
        last_s: when the last device that was answered had asked at the latest.
        mean_s: mean time of the answers.
        senders: in each opportunity, as it seems; shape (opportunities,).
        answered: of them; shape (opportunities,).
        collisions: preambles that several sent; shape (opportunities,).
        barring: probability; shape (opportunities,).
    """

    times_s: Floats
    answers: Floats
    last_s: float
    mean_s: float
    senders: Floats
    answered: Floats
    collisions: Floats
    barring: Floats


def _heard(telemetry: EpisodeTelemetry, base: AccessScenario, end_s: float) -> _Heard | None:
    """The counters of an episode by opportunity; None before all have asked, or if none has."""
    served = telemetry.moments(_SERVICE, "served")
    slots = math.floor(end_s / base.slot_s + 0.5)
    if not len(served.times_s) or slots < 1:
        return None
    since_start = Series(np.append(0.0, served.times_s), np.append(0.0, served.values))
    times_s = np.asarray(np.arange(1, slots + 1) * base.slot_s, np.float64)
    answers = counter_at(since_start, times_s)
    count = float(answers[-1])
    last = int(np.searchsorted(answers, count - 0.5))
    is_over = slots >= base.num_opportunities or slots - last >= _SILENCE * max(last / count, 1.0)
    if count < 1.0 or not is_over:
        return None
    gains = np.diff(answers, prepend=0.0)
    mean_s = float((gains * times_s).sum()) / count - 0.5 * base.slot_s
    answered, collisions, barring = (
        _by_opportunity(telemetry, name, slots, base.slot_s)
        for name in ("successes", "collisions", "barring")
    )
    senders = _senders(base.preambles, answered, collisions)
    last_s = (last + 0.5) * base.slot_s
    return _Heard(times_s, answers, last_s, mean_s, senders, answered, collisions, barring)


def _by_opportunity(telemetry: EpisodeTelemetry, name: str, slots: int, slot_s: float) -> Floats:
    """The values that the cell reported after each opportunity; NaN where one was lost."""
    values = np.full(slots, np.nan)
    series = telemetry.series(_CELL, name)
    places = np.rint(series.times_s / slot_s).astype(np.int64) - 1
    is_inside = (places >= 0) & (places < slots)
    values[places[is_inside]] = series.values[is_inside]
    return values


def _senders(preambles: int, answered: Floats, collisions: Floats) -> Floats:
    """How many seem to send: so many as leave the seen number of preambles idle on average.

    Of M preambles, n senders leave M (1 - 1 / M)^n idle on average (see
    `massive_access.theory`), so that n = log(idle / M) / log(1 - 1 / M); at least the
    answered ones and two a collision. Where no preamble is idle, it is too small.
    """
    least: Floats = answered + 2.0 * collisions
    if preambles == 1:
        return least
    idle = np.maximum(preambles - answered - collisions, _NO_IDLE)
    return np.maximum(np.log(idle / preambles) / math.log1p(-1.0 / preambles), least)


def _mean_wait_s(heard: _Heard, base: AccessScenario) -> float:
    """Mean time from asking to the answer, by Little's law from who seems to wait.

    For each that seems to send, 1 / barring - 1 were barred, and waited for an opportunity; each
    that was not answered waits for a backoff. Opportunities of which something was lost count as
    the mean of the others.
    """
    barring = np.maximum(heard.barring, _LEAST_BARRING)
    backoff = 0.5 * (max(base.backoff_s / base.slot_s, 1.0) + 1.0)
    barred = heard.senders * (1.0 / barring - 1.0)
    waiting = barred + np.maximum(heard.senders - heard.answered, 0.0) * backoff
    is_known = np.isfinite(waiting)
    if not is_known.any():
        return 0.0
    total = float(waiting[is_known].mean()) * len(waiting)
    return total * base.slot_s / float(heard.answers[-1])


def _burst(heard: _Heard, base: AccessScenario) -> float:
    """Devices that asked at one moment.

    It is in the time of most collisions, which begins and ends where there was none for as long as
    a backoff may take. They are those that were answered in that time, less what the answers
    outside of it, spread over the time that they took, would have brought meanwhile.
    """
    collisions = heard.collisions
    if not (collisions > 0.0).any():
        return 0.0
    most = int(np.nanargmax(collisions))
    quiet = math.ceil(base.backoff_s / base.slot_s) + 1
    last = most + _until_calm(collisions[most + 1 :], quiet) + quiet  # who backs off then, too
    last = min(last, len(collisions) - 1)
    first = most - _until_calm(collisions[:most][::-1], quiet)
    before = heard.answers[first - 1] if first else 0.0
    inside, length_s = heard.answers[last] - before, (last - first + 1) * base.slot_s
    outside, rest_s = heard.answers[-1] - inside, heard.last_s - length_s
    rate_hz = outside / rest_s if rest_s > 0.0 else 0.0
    return float(np.clip(inside - rate_hz * length_s, 0.0, heard.answers[-1]))


def _until_calm(collisions: Floats, quiet: int) -> int:
    """Opportunities up to the last with a collision before so many without one in a row.

    Those that were lost are neither, and what is lost right after the last one counts with it.
    """
    calm = end = 0
    for place, number in enumerate(collisions.tolist()):
        calm = calm + int(number == 0.0) if not number > 0.0 else 0
        if calm == 0:
            end = place + 1
        if calm == quiet:
            break
    return end


WINDOWS_ARE_EPISODES = True
"""A burst is seen as a whole or not at all."""
