"""The exact optimum of an episode: no policy earns more in a given time from an empty network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import (
    MAX_STATES,
    AdmissionChain,
    Floats,
    admission_chain,
)
from twin_gym.environments.slice_admission.theory.rate_intervals import rate_intervals_of
from twin_gym.errors import ConfigError
from twin_gym.scenario import Daily, Poisson, Schedule

_FIRST_STEP = 0.5
"""Of the mean time between two events of the fastest state; the scheme is stable up to 1."""
_SAFETY = 0.7
_TRIES = 8
_MOST_RATES = 64


@dataclass(frozen=True)
class FiniteHorizonOptimum:
    """The greatest mean revenue a second of episodes that start in an empty network.

    Attributes:
        revenue_rate_per_s: penalties subtracted; the middle of `bounds`.
        bounds: the exact optimum lies between these two.
        simple_bound_per_s: g + (h(0) - min h) / T, an upper bound that is weaker and proven in a
            line.
        horizon_s: length of the episodes T.
        num_states: states of the chain.
        steps: of the integration in time.
    """

    revenue_rate_per_s: float
    bounds: tuple[float, float]
    simple_bound_per_s: float
    horizon_s: float
    num_states: int
    steps: int


@dataclass(frozen=True)
class _Path:
    low: float
    high: float
    simple: float
    steps: int


def finite_horizon_optimum(
    scenario: AdmissionScenario,
    *,
    horizon_s: float | None = None,
    max_states: int = MAX_STATES,
    tolerance: float = 1e-5,
    max_steps: int = 2_000_000,
) -> FiniteHorizonOptimum:
    """The reward of the best policy of all, which may look at the clock, in an episode from empty.

    Let v_t(x) be the most that can be earned in the next t seconds while the network waits for its
    next event in state x = (n, q). With F the sum over events of their rates times what they and
    the best admissions after them change (the operator of `optimal_policy`, times its uniform
    rate):

        dv/dt = F(v), v_0 = 0, and the answer is v_T(empty) / T.

    *Enclosure.* F(v)(x) rises with every v(y), y not x, it does not change when a constant is added
    to v, and it is convex (sums of maxima). Because of the first two, for any path u with u_0 = 0

        v_T <= u_T + ∫ max_x (F(u) - du/dt) dt, and v_T >= u_T + ∫ min_x (F(u) - du/dt) dt.

    Here u goes straight by w = F(u) for a step δ. On it, f(τ) = F(u + τw) is convex in τ, and so
    f(τ) - f(0) is at most τ/δ (f(δ) - f(0)) and at least τ/δ (f(0) - f(-δ)): each step adds
    δ/2 max_x (f(δ) - f(0)) to the upper and δ/2 min_x (f(0) - f(-δ)) to the lower end. Once F(u)
    is nearly the same in all states, the rest of the time lies between its least and its greatest
    value. Steps are made smaller until both ends meet the tolerance; only rounding is not covered
    (about 1e-12, relatively).

    *The same in a line, less tight:* from u = h - min h >= v_0 on, for any h, the first inequality
    gives v_T(empty) <= T max_x F(h)(x) + h(empty) - min h.

    *Rates that change.* Where rates follow a day or a schedule, F is another operator in each
    stretch of constant rates; t runs backwards, and the stretches are gone through from the end of
    the episode to its start. Nothing above needs one F for all t.

    Args:
        scenario: Poisson arrivals, whose rates may follow a day or a schedule (the policy knows
            both), exponential holding times, and exponential patience wherever requests wait; the
            objective is revenue minus penalties.
        horizon_s: length of the episodes, > 0; None for that of the scenario.
        max_states: how many pairs (n, q) are allowed.
        tolerance: width of the enclosure, relative to revenue and penalties offered a second.
        max_steps: in time, after which the last enclosure found would be too wide.

    Returns:
        The optimum and its enclosure.

    Raises:
        ConfigError: if a law has a memory (the message says whose), an argument is out of range,
            or the enclosure does not become as narrow as asked.
        TooLargeError: if there are too many states, with their count.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> round(finite_horizon_optimum(load("teletraffic-heavy")).revenue_rate_per_s, 3)
        28.19

    References:
        M. L. Puterman (1994), Markov Decision Processes, chapter 11; B. L. Miller (1968), Finite
        state continuous time Markov decision processes with a finite planning horizon.
    """
    length_s = scenario.horizon_s if horizon_s is None else horizon_s
    for name, value in (("horizon_s", length_s), ("tolerance", tolerance)):
        if not (math.isfinite(value) and value > 0):
            raise ConfigError(f"`{name}` must be finite and > 0, got {value!r}")
    stretches = _stretches(scenario, length_s, max_states)
    chain = stretches[0].chain
    offered = sum(
        one.length_s * float(one.chain.arrival_rate_hz @ (chain.revenue + chain.penalty))
        for one in stretches
    )
    path = _narrow(stretches, length_s, tolerance * offered, max_steps)
    return FiniteHorizonOptimum(
        revenue_rate_per_s=(path.low + path.high) / 2 / length_s,
        bounds=(path.low / length_s, path.high / length_s),
        simple_bound_per_s=path.simple / length_s,
        horizon_s=length_s,
        num_states=chain.num_states,
        steps=path.steps,
    )


@dataclass(frozen=True, eq=False)
class _Stretch:
    """A part of the episode in which all rates are constant."""

    length_s: float
    chain: AdmissionChain


def _stretches(scenario: AdmissionScenario, length_s: float, max_states: int) -> list[_Stretch]:
    """The stretches of an episode, the last one first."""
    memoryless = scenario.replace(
        slices=tuple(
            one.model_copy(update={"arrival": Poisson()})
            if isinstance(one.arrival, Daily | Schedule)
            else one
            for one in scenario.slices
        )
    )
    chain = admission_chain(
        memoryless, max_states=max_states, computation="the exact optimum of an episode"
    )
    intervals = rate_intervals_of(scenario, length_s, max_different=_MOST_RATES)
    return [
        _Stretch(one.length_s, replace(chain, arrival_rate_hz=np.array(one.rates_hz)))
        for one in reversed(intervals)
    ]


def _narrow(stretches: Sequence[_Stretch], length_s: float, width: float, max_steps: int) -> _Path:
    """The enclosure of v_T(empty), by steps that are small enough."""
    step_s = _FIRST_STEP / max(float(one.chain.total_rates_hz.max()) for one in stretches)
    steps = 0
    for _ in range(_TRIES):
        path = _integrate(stretches, step_s, width / 4, max_steps - steps)
        steps += path.steps
        reached = path.high - path.low
        if reached <= width:
            return path
        if steps >= max_steps:
            break
        step_s *= min(_SAFETY * (width - width / 4) / reached, 0.5)
    raise ConfigError(
        f"the optimum is known to lie between {path.low / length_s:g} and "
        f"{path.high / length_s:g} a second after {steps:,} steps: allow more `max_steps` or a "
        "larger `tolerance`"
    )


def _integrate(stretches: Sequence[_Stretch], step_s: float, spare: float, max_steps: int) -> _Path:
    """The enclosure with one length of step; `spare` is what the ends may add to its width."""
    operators = [_Operator(one.chain) for one in stretches]
    value = np.zeros(stretches[0].chain.shape)
    low = high = earned = 0.0
    steps = 0
    for stretch, operator in zip(stretches, operators, strict=True):
        slope, left_s = operator(value), stretch.length_s
        enough = spare / len(stretches)
        while (slope.max() - slope.min()) * left_s > enough and left_s > 0 and steps < max_steps:
            step = min(step_s, left_s)
            ahead = operator(value + step * slope)
            low += step / 2 * float((slope - operator(value - step * slope)).min())
            high += step / 2 * float((ahead - slope).max())
            value += step * slope
            # Kept near 0, so that the differences of values do not lose digits.
            earned += float(value[0, 0])
            value -= value[0, 0]
            slope = ahead
            left_s -= step
            steps += 1
        low += left_s * float(slope.min())
        high += left_s * float(slope.max())
    simple = sum(
        one.length_s * float(operator(value).max())
        for one, operator in zip(stretches, operators, strict=True)
    )
    return _Path(earned + low, earned + high, simple - float(value.min()), steps)


class _Operator:
    """F: by how much the value of each state rises a second."""

    def __init__(self, chain: AdmissionChain) -> None:
        self._chain = chain
        self._best, self._result = np.zeros(chain.shape), np.zeros(chain.shape)
        self._rate_hz = float(chain.total_rates_hz.max())

    def __call__(self, value: Floats) -> Floats:
        self._chain.after_admissions(value, self._best)
        self._chain.until_next_event(value, self._best, self._rate_hz, self._result)
        rise: Floats = (self._result - value) * self._rate_hz
        return rise
