"""Exact long-run figures of a given admission policy, on the chain that the optimum comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.theory.chain import (
    AdmissionChain,
    Floats,
    admission_chain,
)
from twin_gym.environments.slice_admission.theory.states import Ints, room_for, whole_units
from twin_gym.errors import ConfigError

MAX_STATES = 50_000

PolicyFunction = Callable[[Ints, Ints], NDArray[np.integer]]
"""From requests in service and waiting, each of shape (rows, slices), to actions of shape (rows,):
the slice to admit the oldest request of, or the number of slices for waiting. A count of 1 for a
slice with queue limit 0 is a pending arrival."""


@dataclass(frozen=True)
class PolicyValue:
    """Long-run figures of a policy; by slice or resource name.

    Attributes:
        gain_per_s: revenue a second minus penalties for lost requests.
        admitted: share of the offered requests that are served.
        blocked: share that does not fit and has no place to wait.
        declined: share that fits, has no place to wait, and is not admitted.
        expired: share whose patience ends.
        mean_in_service: requests in service, averaged over time.
        mean_queue: requests waiting, averaged over time.
        utilisation: by resource, used capacity over capacity.
        num_states: states of the chain.
    """

    gain_per_s: float
    admitted: Mapping[str, float]
    blocked: Mapping[str, float]
    declined: Mapping[str, float]
    expired: Mapping[str, float]
    mean_in_service: Mapping[str, float]
    mean_queue: Mapping[str, float]
    utilisation: Mapping[str, float]
    num_states: int


def first_fit(scenario: AdmissionScenario) -> PolicyFunction:
    """The policy that admits whatever fits, and of several slices the first.

    Args:
        scenario: the scenario.

    Returns:
        The policy, as `evaluate_policy` takes it.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> admit_all = first_fit(load("teletraffic-heavy"))
        >>> admit_all(np.array([[9, 0], [9, 1]]), np.array([[0, 1], [0, 1]])).tolist()
        [1, 2]
    """
    units = whole_units(scenario)
    num_slices = len(scenario.slices)

    def policy(in_service: Ints, waiting: Ints) -> Ints:
        used = np.asarray(in_service) @ units.demand
        actions = np.full(len(used), num_slices, np.int64)
        for s in range(num_slices - 1, -1, -1):
            admissible = (np.asarray(waiting)[:, s] > 0) & (room_for(units, used, s) > 0)
            actions[admissible] = s
        return actions

    return policy


def evaluate_policy(
    scenario: AdmissionScenario, policy: PolicyFunction, *, max_states: int = MAX_STATES
) -> PolicyValue:
    """Exact long-run figures of a policy that looks at the numbers in service and waiting.

    Solves π Q = 0 for the stationary distribution π over the states between decisions. The rest
    follows from it: the flow of admissions is μ_s E[n_s], that of expirations θ_s E[q_s], and that
    of blocked arrivals λ_s times the share of time in which they are blocked (Poisson arrivals see
    time averages); what remains of the offered requests is declined.

    Args:
        scenario: Poisson arrivals, exponential holding times, and exponential patience wherever
            requests wait.
        policy: asked once for every state in which a waiting request fits. An action that cannot
            be carried out waits for the next event, as in the simulator.
        max_states: how many pairs of numbers in service and waiting are allowed.

    Returns:
        The figures.

    Raises:
        ConfigError: if a law has a memory, or the policy answers with something else than actions.
        TooLargeError: if there are too many states, with their count.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> scenario = load("teletraffic-heavy")
        >>> round(evaluate_policy(scenario, first_fit(scenario)).gain_per_s, 9)
        22.37754257

    References:
        F. P. Kelly, E. Yudovina (2014), Stochastic Networks, chapter 1; R. W. Wolff (1982),
        Poisson arrivals see time averages.
    """
    chain = admission_chain(
        scenario, max_states=max_states, computation="the exact value of a policy"
    )
    landing = _landing(chain, policy)
    share = _stationary(chain, landing)
    return _figures(scenario, chain, share)


def _landing(chain: AdmissionChain, policy: PolicyFunction) -> Ints:
    """Where the admissions of one instant end, by what is pending (slice, or none) and state.

    Returns:
        State numbers; shape (slices + 1, states). The last row is for nothing pending.
    """
    states = np.arange(chain.num_states)
    combinations = chain.shape[1]
    n, q = np.divmod(states, combinations)
    nodes = (chain.num_slices + 2) * chain.num_states  # each state at rest, then at decisions
    follows = np.arange(nodes)
    for pending in range(chain.num_slices + 1):
        decision = (pending + 1) * chain.num_states
        follows[decision + states] = states
        if pending < chain.num_slices and chain.queue_limit[pending] > 0:
            continue
        waiting = chain.waiting[q]
        if pending < chain.num_slices:
            waiting[:, pending] = 1
        admissible = (waiting > 0) & (chain.up[n] >= 0)
        (asked,) = np.nonzero(admissible.any(axis=1))
        actions = _ask(policy, chain.in_service[n[asked]], waiting[asked])
        for s in range(chain.num_slices):
            at = asked[(actions == s) & admissible[asked, s]]
            after = chain.up[n[at], s] * combinations + q[at]
            if s == pending:
                follows[decision + at] = (chain.num_slices + 1) * chain.num_states + after
            else:
                follows[decision + at] = decision + after - chain.stride[s]
    while not np.array_equal(following := follows[follows], follows):
        follows = following
    return follows[chain.num_states :].reshape(chain.num_slices + 1, chain.num_states)


def _ask(policy: PolicyFunction, in_service: Ints, waiting: Ints) -> NDArray[np.integer]:
    num_rows, num_slices = in_service.shape
    actions = np.asarray(policy(in_service, waiting))
    if actions.shape != (num_rows,) or not np.issubdtype(actions.dtype, np.integer):
        raise ConfigError(
            f"the policy must answer with whole numbers of shape ({num_rows},), got {actions.dtype}"
            f" of shape {actions.shape}"
        )
    if num_rows and not (actions.min() >= 0 and actions.max() <= num_slices):
        raise ConfigError(
            f"the policy's actions must be from 0 to {num_slices} (which waits), got "
            f"{actions.min()} to {actions.max()}"
        )
    return actions


def _stationary(chain: AdmissionChain, landing: Ints) -> Floats:
    """Share of time in each state; shape of the states.

    The empty network is reached from everywhere, whatever the policy: its share is set to 1, the
    other equations then have one solution, and the whole is scaled.
    """
    transitions = _transitions(chain, landing)
    rate_hz = np.concatenate([one[0] for one in transitions])
    origin = np.concatenate([one[1] for one in transitions])
    target = np.concatenate([one[2] for one in transitions])
    moves = origin != target
    rate_hz, origin, target = rate_hz[moves], origin[moves], target[moves]
    shape = (chain.num_states, chain.num_states)
    inflow = sparse.csc_array((rate_hz, (target, origin)), shape=shape)
    outflow = np.bincount(origin, weights=rate_hz, minlength=chain.num_states)
    balance = sparse.csc_array(sparse.diags_array(outflow) - inflow)
    share = np.ones(chain.num_states)
    if chain.num_states > 1:
        share[1:] = splu(balance[1:, 1:]).solve(inflow[1:, [0]].toarray().ravel())
    share /= share.sum()
    return share.reshape(chain.shape)


def _transitions(chain: AdmissionChain, landing: Ints) -> list[tuple[Floats, Ints, Ints]]:
    """Rates between states: arrivals, departures and ends of patience of each slice."""
    states = np.arange(chain.num_states)
    n, q = np.divmod(states, chain.shape[1])
    unpending = landing[-1]
    transitions = []
    for s in range(chain.num_slices):
        arrival_hz = np.full(chain.num_states, chain.arrival_rate_hz[s])
        if chain.queue_limit[s] == 0:
            target = np.where(chain.up[n, s] >= 0, landing[s], unpending)
        else:
            has_place = chain.waiting[q, s] < chain.queue_limit[s]
            target = unpending[states + np.where(has_place, chain.stride[s], 0)]
        transitions.append((arrival_hz, states, target))
        (busy,) = np.nonzero(chain.down[n, s] >= 0)
        leave_hz = chain.in_service[n[busy], s] * chain.service_rate_hz[s]
        fewer = chain.down[n[busy], s] * chain.shape[1] + q[busy]
        transitions.append((leave_hz, busy, unpending[fewer]))
        (queued,) = np.nonzero(chain.waiting[q, s] > 0)
        give_up_hz = chain.waiting[q[queued], s] * chain.abandon_rate_hz[s]
        transitions.append((give_up_hz, queued, unpending[queued - chain.stride[s]]))
    return transitions


def _figures(scenario: AdmissionScenario, chain: AdmissionChain, share: Floats) -> PolicyValue:
    in_service = share.sum(axis=1) @ chain.in_service
    waiting = share.sum(axis=0) @ chain.waiting
    rate_hz = chain.arrival_rate_hz
    admitted = in_service * chain.service_rate_hz / rate_hz
    expired = waiting * chain.abandon_rate_hz / rate_hz
    has_no_place = share.sum(axis=0) @ (chain.waiting == chain.queue_limit)
    does_not_fit = share.sum(axis=1) @ (chain.up < 0)
    blocked = np.where(chain.queue_limit > 0, has_no_place, does_not_fit)
    declined = np.where(
        chain.queue_limit > 0, 0.0, np.maximum(1.0 - admitted - expired - blocked, 0.0)
    )

    def by_slice(values: Floats) -> dict[str, float]:
        return dict(zip(scenario.slice_names, values.tolist(), strict=True))

    gain = rate_hz @ (admitted * chain.revenue - (1.0 - admitted) * chain.penalty)
    return PolicyValue(
        gain_per_s=float(gain),
        admitted=by_slice(admitted),
        blocked=by_slice(blocked),
        declined=by_slice(declined),
        expired=by_slice(expired),
        mean_in_service=by_slice(in_service),
        mean_queue=by_slice(waiting),
        utilisation={
            resource: sum(
                float(count) * one.demand.get(resource, 0.0)
                for count, one in zip(in_service, scenario.slices, strict=True)
            )
            / amount
            for resource, amount in scenario.capacity.items()
        },
        num_states=chain.num_states,
    )
