"""The exact optimal admission policy of scenarios that are small enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import (
    MAX_STATES,
    AdmissionChain,
    Floats,
    admission_chain,
)
from twin_gym.environments.slice_admission.theory.states import Ints
from twin_gym.errors import ConfigError

_TIE = 1e-9
_APERIODIC = 1.001  # the fastest state, too, sometimes stays where it is


@dataclass(frozen=True, eq=False)
class LongRunOptimum:
    """An admission policy that no other exceeds in the long run.

    Attributes:
        gain_per_s: revenue a second minus penalties for lost requests, in the long run.
        bounds: the exact optimum lies between these two.
        num_states: states of the chain.
        iterations: sweeps of value iteration.
    """

    gain_per_s: float
    bounds: tuple[float, float]
    num_states: int
    iterations: int
    _chain: AdmissionChain
    _choices: NDArray[np.int8]
    _takes_pending: NDArray[np.bool_]

    def actions(self, in_service: Ints, waiting: Ints) -> Ints:
        """The optimal actions in each of many states, all at a decision.

        Where several actions are equally good, admitting goes before waiting, and the slice that
        comes first before the others.

        Args:
            in_service: requests in service; shape (rows, slices).
            waiting: requests waiting; same shape. For a slice with queue limit 0, a count of 1
                says that one of its requests has arrived this instant and is still pending.

        Returns:
            The index of the slice to admit a request of, or the number of slices for waiting until
            the next event; shape (rows,).

        Raises:
            ConfigError: if a row is no state of the scenario.
        """
        chain = self._chain
        in_service, waiting = np.asarray(in_service), np.asarray(waiting)
        self._check_shapes(in_service, waiting)
        n = chain.service_numbers(in_service)
        is_pending = (chain.queue_limit == 0) & (waiting > 0)
        limit = np.maximum(chain.queue_limit, 1)
        is_state = (n >= 0) & ((waiting >= 0) & (waiting <= limit)).all(axis=1)
        is_state &= is_pending.sum(axis=1) <= 1
        if not is_state.all():
            row = int(np.argmin(is_state))
            raise ConfigError(
                f"row {row} is no state of the scenario: in service {in_service[row].tolist()}, "
                f"waiting {waiting[row].tolist()}; what is in service must fit, no more may wait "
                "than the queue limits say, and at most one request of one slice without a queue "
                "may be pending"
            )
        q = waiting @ np.where(chain.queue_limit > 0, chain.stride, 0)
        pending = is_pending.argmax(axis=1)
        takes = is_pending.any(axis=1) & self._takes_pending[pending, n, q]
        chosen: Ints = np.where(takes, pending, self._choices[n, q]).astype(np.int64)
        return chosen

    def _check_shapes(self, in_service: Ints, waiting: Ints) -> None:
        for name, values in (("in_service", in_service), ("waiting", waiting)):
            if not np.issubdtype(values.dtype, np.integer):
                raise ConfigError(f"`{name}` must be whole numbers, got {values.dtype}")
            if values.shape[1:] != (self._chain.num_slices,):
                raise ConfigError(
                    f"`{name}` must have the shape (rows, {self._chain.num_slices}), got "
                    f"{values.shape}"
                )
        if in_service.shape != waiting.shape:
            raise ConfigError(
                "`in_service` and `waiting` must have one row a state each, got "
                f"{in_service.shape} and {waiting.shape}"
            )


def optimal_policy(
    scenario: AdmissionScenario,
    *,
    max_states: int = MAX_STATES,
    tolerance: float = 1e-11,
    max_iterations: int = 200_000,
) -> LongRunOptimum:
    """The policy with the greatest long-run revenue a second, and that revenue.

    Relative value iteration on the uniformised chain, by the rules of the simulator. With n in
    service and q waiting, h(n, q) is the value of waiting for the next event and

        v(n, q) = max(h(n, q), max_s r_s + v(n + e_s, q - e_s))

    that of a decision: several requests may be admitted at one instant. Each event leads to a
    decision: a departure to v(n - e_s, q), the end of a patience to v(n, q - e_s) - p_s, an arrival
    to v(n, q + e_s), or to v(n, q) - p_s where its queue is full. A request that cannot wait is
    admitted or lost: max(r_s + v(n + e_s, q), v(n, q) - p_s), and the latter if it does not fit.
    (Which of the requests admitted at one instant is named first makes no difference.)

    In each sweep the least and greatest rise of h, times the uniform rate, enclose the optimum.

    Args:
        scenario: Poisson arrivals, exponential holding times, and exponential patience wherever
            requests wait; the objective is revenue minus penalties.
        max_states: how many pairs (n, q) are allowed.
        tolerance: the bounds are brought this close together, relative to the revenue and
            penalties that are offered a second.
        max_iterations: sweeps after which it is given up.

    Returns:
        The policy, its gain, and the bounds of it.

    Raises:
        ConfigError: if a law has a memory (the message says whose, and what to change), or if the
            bounds do not come together.
        TooLargeError: if there are too many states, with their count.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> optimum = optimal_policy(load("teletraffic-heavy"))
        >>> round(optimum.gain_per_s, 9)
        28.180845757
        >>> optimum.actions([[4, 0], [5, 0]], [[1, 0], [1, 0]]).tolist()  # admit, wait
        [0, 2]

    References:
        M. L. Puterman (1994), Markov Decision Processes, sections 8.5 and 11.5; S. A. Lippman
        (1975), Applying a new device in the optimization of exponential queuing systems.
    """
    if not (tolerance > 0 and max_iterations > 0):
        raise ConfigError(
            f"`tolerance` and `max_iterations` must be positive, got {tolerance!r} and "
            f"{max_iterations!r}"
        )
    chain = admission_chain(scenario, max_states=max_states, computation="the exact optimal policy")
    offered = float(chain.arrival_rate_hz @ (chain.revenue + chain.penalty))
    resting, bounds, iterations = _iterate(chain, tolerance * offered, max_iterations)
    choices, takes_pending = _greedy(chain, resting)
    return LongRunOptimum(
        gain_per_s=(bounds[0] + bounds[1]) / 2,
        bounds=bounds,
        num_states=chain.num_states,
        iterations=iterations,
        _chain=chain,
        _choices=choices,
        _takes_pending=takes_pending,
    )


def _iterate(
    chain: AdmissionChain, width: float, max_iterations: int
) -> tuple[Floats, tuple[float, float], int]:
    """Relative values of the states, bounds of the gain, and sweeps needed."""
    rate_hz = _APERIODIC * float(chain.total_rates_hz.max())
    resting, best, following = (np.zeros(chain.shape) for _ in range(3))
    for iteration in range(1, max_iterations + 1):
        chain.after_admissions(resting, best)
        least, greatest = chain.until_next_event(resting, best, rate_hz, following)
        bounds = (rate_hz * least, rate_hz * greatest)
        if bounds[1] - bounds[0] <= width:
            return following, bounds, iteration
        following -= following[0, 0]
        resting, following = following, resting
    raise ConfigError(
        f"the optimum is known to lie between {bounds[0]:g} and {bounds[1]:g} after "
        f"{max_iterations:,} sweeps: allow more `max_iterations` or a larger `tolerance`, or bring "
        "the rates of the scenario closer together"
    )


def _greedy(chain: AdmissionChain, resting: Floats) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """The best action in each state, and by slice whether a pending request is admitted."""
    best = np.zeros(chain.shape)
    chain.after_admissions(resting, best)
    tie = _TIE * float(np.max(chain.revenue + chain.penalty))
    choices = np.full(chain.shape, chain.num_slices, np.int8)
    takes_pending = np.zeros((chain.num_slices, *chain.shape), np.bool_)
    for s in range(chain.num_slices - 1, -1, -1):
        (fits,) = np.nonzero(chain.up[:, s] >= 0)
        admitted = chain.revenue[s] + best[chain.up[fits, s]]
        if chain.queue_limit[s] == 0:
            takes_pending[s, fits] = admitted >= best[fits] - chain.penalty[s] - tie
            continue
        (waits,) = np.nonzero(chain.waiting[:, s] > 0)
        after = admitted[:, waits - chain.stride[s]]
        at = np.ix_(fits, waits)
        choices[at] = np.where(after >= best[at] - tie, s, choices[at])
    return choices, takes_pending
