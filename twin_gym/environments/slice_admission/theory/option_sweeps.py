"""Compiled sweeps over vectors in service, for the option bound.

Imported when a bound is computed and not before. Vectors are in lexicographic order (see
`AdmissionChain`): a departure leads to a vector of lower number, an admission to a higher one.
"""

from __future__ import annotations

import numpy as np

from twin_gym.environments.slice_admission.theory.sweeps import Floats, Ints, njit


@njit
def close_under_admission(value: Floats, up: Ints, revenue: Floats, unlimited: Ints) -> None:
    """Raises h until h(n) >= r_s + h(n + e_s) for each unlimited slice s.

    Args:
        value: h; changed in place.
        up: see `AdmissionChain`.
        revenue: by slice.
        unlimited: indices of slices.
    """
    for n in range(value.size - 1, -1, -1):
        for s in unlimited:
            if up[n, s] >= 0:
                value[n] = max(value[n], revenue[s] + value[up[n, s]])


@njit
def obstacle(
    value: Floats, up: Ints, revenue: float, slice_index: int, is_monotone: bool, result: Floats
) -> None:
    """The gain of an admission: max(0, r_s + h(n + e_s) - h(n)), 0 where it does not fit.

    Args:
        value: h.
        up: see `AdmissionChain`.
        revenue: of the slice.
        slice_index: the slice.
        is_monotone: whether the least function above it that falls in n is wanted.
        result: where it goes.
    """
    for n in range(value.size - 1, -1, -1):
        gain = 0.0
        above = up[n, slice_index]
        if above >= 0:
            gain = max(gain, revenue + value[above] - value[n])
        if is_monotone:
            for s in range(up.shape[1]):
                if up[n, s] >= 0:
                    gain = max(gain, result[up[n, s]])
        result[n] = gain


@njit
def age(
    obstacle: Floats,
    steps: int,
    step_s: float,
    in_service: Ints,
    down: Ints,
    service_rate_hz: Floats,
    is_proven: bool,
    result: Floats,
) -> None:
    """Value of an option on the obstacle with `steps` times `step_s` to go, under departures.

    Args:
        obstacle: what stopping gains.
        steps: of time; 0: the obstacle itself.
        step_s: length of one.
        in_service: see `AdmissionChain`.
        down: see there.
        service_rate_hz: see there.
        is_proven: whether the value must dominate (see `option_bound`), or be near it.
        result: where the value goes.
    """
    old, new = obstacle.copy(), obstacle.copy()
    for _ in range(steps):
        for n in range(obstacle.size):
            rate_hz, before, after = 0.0, 0.0, 0.0
            for s in range(service_rate_hz.size):
                if in_service[n, s] > 0:
                    leave_hz = in_service[n, s] * service_rate_hz[s]
                    rate_hz += leave_hz
                    before += leave_hz * old[down[n, s]]
                    after += leave_hz * new[down[n, s]]
            implicit = (old[n] + step_s * after) / (1.0 + step_s * rate_hz)
            explicit = old[n] + step_s * (before - rate_hz * old[n])
            held = max(implicit, explicit) if is_proven else (implicit + explicit) / 2.0
            new[n] = max(obstacle[n], held)
        old, new = new, old
    result[:] = old


@njit
def memoryless(
    obstacle: Floats,
    give_up_hz: float,
    in_service: Ints,
    down: Ints,
    service_rate_hz: Floats,
    result: Floats,
) -> None:
    """Value of an option on the obstacle that lapses at a rate, under departures.

    Args:
        obstacle: what stopping gains.
        give_up_hz: rate at which it lapses.
        in_service: see `AdmissionChain`.
        down: see there.
        service_rate_hz: see there.
        result: where the value goes.
    """
    for n in range(obstacle.size):
        rate_hz, after = give_up_hz, 0.0
        for s in range(service_rate_hz.size):
            if in_service[n, s] > 0:
                leave_hz = in_service[n, s] * service_rate_hz[s]
                rate_hz += leave_hz
                after += leave_hz * result[down[n, s]]
        result[n] = max(obstacle[n], after / rate_hz)


@njit
def add_departures(
    value: Floats, in_service: Ints, down: Ints, service_rate_hz: Floats, result: Floats
) -> None:
    """Adds what departures change of h a second: the sum over s of n_s μ_s (h(n - e_s) - h(n)).

    Args:
        value: h.
        in_service: see `AdmissionChain`.
        down: see there.
        service_rate_hz: see there.
        result: what it is added to.
    """
    for n in range(value.size):
        for s in range(service_rate_hz.size):
            if in_service[n, s] > 0:
                change = value[down[n, s]] - value[n]
                result[n] += in_service[n, s] * service_rate_hz[s] * change


@njit
def greatest_rise(value: Floats, up: Ints) -> float:
    """By how much the value rises at most with one more in service; at least 0.

    Args:
        value: of each vector.
        up: see `AdmissionChain`.
    """
    rise = 0.0
    for n in range(value.size):
        for s in range(up.shape[1]):
            if up[n, s] >= 0:
                rise = max(rise, value[up[n, s]] - value[n])
    return rise


@njit
def age_in_phases(
    obstacle: Floats,
    steps: int,
    step_s: float,
    in_service: Ints,
    down: Ints,
    service_rate_hz: Floats,
    change_hz: Floats,
    is_proven: bool,
    result: Floats,
) -> None:
    """As `age`, with obstacles that change with the phases of arrivals.

    Args:
        obstacle: what stopping gains; shape (vectors, phases).
        steps: see `age`.
        step_s: see there.
        in_service: see there.
        down: see there.
        service_rate_hz: see there.
        change_hz: rates from phase to phase, 0 on the diagonal.
        is_proven: see there.
        result: where the value goes; shape (vectors, phases).
    """
    phases = change_hz.shape[0]
    old, new = obstacle.copy(), obstacle.copy()
    explicit, known = np.zeros(phases), np.zeros(phases)
    for _ in range(steps):
        for n in range(obstacle.shape[0]):
            rate_hz = _depart(
                n, old, new, in_service, down, service_rate_hz, step_s, explicit, known
            )
            most = 0.0
            for f in range(phases):
                changed = 0.0
                for g in range(phases):
                    changed += step_s * change_hz[f, g] * (old[n, g] - old[n, f])
                explicit[f] += changed
                implicit = known[f] / (1.0 + step_s * rate_hz)
                if not is_proven:
                    implicit += changed / (1.0 + step_s * rate_hz)
                    new[n, f] = max(obstacle[n, f], (explicit[f] + implicit) / 2.0)
                explicit[f] = max(explicit[f], obstacle[n, f])
                most = max(most, explicit[f], implicit)
            if is_proven:
                _lower(new[n], most, explicit, known, step_s, rate_hz, change_hz)
        old, new = new, old
    result[:] = old


@njit
def _depart(
    n: int,
    old: Floats,
    new: Floats,
    in_service: Ints,
    down: Ints,
    service_rate_hz: Floats,
    step_s: float,
    explicit: Floats,
    known: Floats,
) -> float:
    """The effect of departures from n in a step, by the old and by the new values; their rate."""
    rate_hz = 0.0
    for f in range(explicit.size):
        explicit[f] = known[f] = old[n, f]
    for s in range(service_rate_hz.size):
        if in_service[n, s] > 0:
            leave_hz = in_service[n, s] * service_rate_hz[s]
            rate_hz += leave_hz
            for f in range(explicit.size):
                explicit[f] += step_s * leave_hz * (old[down[n, s], f] - old[n, f])
                known[f] += step_s * leave_hz * new[down[n, s], f]
    return rate_hz


@njit
def _lower(
    value: Floats,
    most: float,
    least: Floats,
    known: Floats,
    step_s: float,
    rate_hz: float,
    change_hz: Floats,
) -> None:
    """Solves the implicit step over phases from above; each value met on the way is one too."""
    value[:] = most
    for _ in range(8):
        for f in range(value.size):
            total, out_hz = known[f], rate_hz
            for g in range(value.size):
                total += step_s * change_hz[f, g] * value[g]
                out_hz += change_hz[f, g]
            value[f] = min(value[f], max(least[f], total / (1.0 + step_s * out_hz)))
