"""A bound for replayed traces: hindsight over all moments at which an episode may begin."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from benchmarks.environments.slice_admission.perfect import hindsight_per_s
from benchmarks.environments.slice_admission.requests import Floats, Ints, Requests, tables_of
from twin_gym.core.clock import SECONDS_PER_TICK
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import NetworkTables
from twin_gym.errors import ConfigError

STEP_S = 3600.0


def replay_bound_per_s(
    scenario: AdmissionScenario,
    *,
    step_s: float = STEP_S,
    progress: Callable[[float], None] | None = None,
) -> float:
    """An upper bound on the mean return a second in a replayed trace, even if it is known.

    An episode of length T is the stretch of the trace, repeated without end, from a moment that is
    uniform over its duration. *Proof.* What can be done from an empty network within [o, o + T] can
    be done within [o', o' + T + Δ] for every o' with o' <= o <= o' + Δ: the same requests, admitted
    at the same moments. So hindsight over the longer stretch earns no less, and its bound (see
    `perfect`), averaged over a grid of o' with step Δ, is one for the mean over all o. Nothing is
    sampled.

    Args:
        scenario: with a trace, deterministic patience, and no penalties.
        step_s: of the grid; made a little smaller, so that a whole number makes the duration.
        progress: told the share that is done.

    Returns:
        Revenue a second.

    Raises:
        ConfigError: if there is no trace, or patience or penalties are not as said.
        TraceError: if the trace is missing or not as it must be.
    """
    _check(scenario)
    tables = tables_of(scenario)
    duration_s = float(tables.networks[0]["trace_duration"]) * SECONDS_PER_TICK
    count = math.ceil(duration_s / step_s)
    longer = scenario.replace(horizon_s=scenario.horizon_s + duration_s / count)
    earned = []
    for k in range(count):
        stretch = _stretch(longer, tables, k * duration_s / count, duration_s)
        earned.append(hindsight_per_s(stretch) * longer.horizon_s)
        if progress is not None:
            progress((k + 1) / count)
    return float(np.mean(earned)) / scenario.horizon_s


def _check(scenario: AdmissionScenario) -> None:
    if scenario.trace is None:
        raise ConfigError(f"{scenario.name!r} replays no trace: take the fluid bound")
    if scenario.patience_law != "deterministic":
        raise ConfigError(f"the bound of a replay needs deterministic patience: {scenario.name!r}")
    if any(one.lost_penalty > 0 for one in scenario.slices):
        raise ConfigError(f"the bound of a replay is one without penalties: {scenario.name!r}")


def _stretch(
    scenario: AdmissionScenario, tables: NetworkTables, first_s: float, duration_s: float
) -> Requests:
    """The requests of the repeated trace that come within a horizon from a moment on."""
    parts: list[tuple[Ints, Floats, Floats, Floats]] = []
    for s, one in enumerate(scenario.slices):
        begin, count = (int(value) for value in tables.networks[0]["arrival_table"][s][:2])
        own = slice(begin, begin + count)
        coming_s = tables.trace_arrivals[own] * SECONDS_PER_TICK
        holding_s = tables.trace_holdings[own] * SECONDS_PER_TICK
        rounds = np.arange(int((first_s + scenario.horizon_s) / duration_s) + 1)
        arrival_s = (coming_s[None, :] + rounds[:, None] * duration_s - first_s).ravel()
        is_in = (arrival_s >= 0.0) & (arrival_s < scenario.horizon_s)
        patience_s = one.mean_patience_s if one.queue_limit > 0 else 0.0
        number = int(is_in.sum())
        parts.append(
            (
                np.full(number, s),
                arrival_s[is_in],
                np.full(number, patience_s),
                np.maximum(np.tile(holding_s, len(rounds))[is_in], SECONDS_PER_TICK),
            )
        )
    slice_index, arrival_s, waits_s, stays_s = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return Requests(scenario, slice_index, arrival_s, waits_s, stays_s)
