"""The bisimulation distance between a network and its twin, exact for small tables.

Tao, Xu and You, arXiv:2502.17983: d(s, s') is the fixed point of

    max over a of |R(s, a) - R'(s', a)| + gamma W1(P(. | s, a), P'(. | s', a); d)

with W1 the Wasserstein distance under d itself. The values of the best policies of both differ by
at most d(s, s') (Ferns, Panangaden and Precup, SIAM Journal on Computing 40(6), 2011).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, TooLargeError

MAX_STATES = 64
MAX_PROBLEMS = 200_000

_TOLERANCE = 1e-9
_MOST_ROUNDS = 100

Floats = NDArray[np.float64]
Coupling = tuple[NDArray[np.int64], Floats]


@dataclass(frozen=True)
class TabularModel:
    """A Markov decision process as tables.

    Attributes:
        transitions: probabilities; shape (states, actions, states).
        rewards: shape (states, actions).
        states: what each state is, for people.
    """

    transitions: Floats
    rewards: Floats
    states: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        """Refuses tables that are no model."""
        shape = self.transitions.shape
        if len(shape) != 3 or shape[0] != shape[2] or self.rewards.shape != shape[:2]:  # noqa: PLR2004
            raise ConfigError(
                f"transitions are (states, actions, states) and rewards (states, actions), got "
                f"{shape} and {self.rewards.shape}"
            )
        if (self.transitions < 0.0).any() or not np.allclose(self.transitions.sum(2), 1.0):
            raise ConfigError("the transitions of each state and action must add up to 1")
        if not np.isfinite(self.rewards).all():
            raise ConfigError("rewards must be finite")

    def best_values(self, discount: float) -> Floats:
        """Discounted values of the best policy; shape (states,)."""
        values = np.zeros(len(self.rewards))
        while True:
            new = (self.rewards + discount * self.transitions @ values).max(1)
            if np.abs(new - values).max() <= _TOLERANCE * (1.0 - discount):
                best: Floats = new
                return best
            values = new


def bisimulation_distances(one: TabularModel, other: TabularModel, discount: float) -> Floats:
    """The distance of every state of one model to every state of another.

    Found by improving couplings: while they are fixed, the distances are the values of a decision
    process in which the action is chosen for the worst; then each coupling is replaced by the best
    one under these distances, a small transport problem. It ends at the fixed point itself.

    Args:
        one: the first model.
        other: a model with as many actions.
        discount: gamma, 0 to 1 exclusive.

    Returns:
        Shape (states of one, states of other).

    Raises:
        ConfigError: if the models have other actions, or the discount is out of range.
        TooLargeError: if there are too many states or pairs for exact distances.
    """
    if not 0.0 <= discount < 1.0:
        raise ConfigError(f"the discount must be at least 0 and below 1, got {discount!r}")
    num_actions = one.rewards.shape[1]
    if other.rewards.shape[1] != num_actions:
        raise ConfigError(f"both models need {num_actions} actions, got {other.rewards.shape[1]}")
    sizes = len(one.rewards), len(other.rewards)
    problems = sizes[0] * sizes[1] * num_actions
    if max(sizes) > MAX_STATES or problems > MAX_PROBLEMS:
        raise TooLargeError(
            f"{sizes[0]} by {sizes[1]} states with {num_actions} actions are {problems} transport "
            f"problems; exact distances are for at most {MAX_STATES} states and {MAX_PROBLEMS}"
        )
    gaps = np.abs(one.rewards[:, None, :] - other.rewards[None, :, :])
    costs = gaps.reshape(-1, num_actions)
    distances = costs.max(1)
    pairs = list(product(range(sizes[0]), range(sizes[1])))
    couplings = [
        [_coupling(one, other, pair, action, distances) for action in range(num_actions)]
        for pair in pairs
    ]
    for _ in range(_MOST_ROUNDS):
        distances = _values(costs, couplings, discount, distances)
        improved = False
        for index, pair in enumerate(pairs):
            for action in range(num_actions):
                places, weights = couplings[index][action]
                coupling = _coupling(one, other, pair, action, distances)
                if coupling[1] @ distances[coupling[0]] < weights @ distances[places] - _TOLERANCE:
                    couplings[index][action] = coupling
                    improved = True
        if not improved:
            break
    table: Floats = distances.reshape(sizes)
    return table


def _coupling(
    one: TabularModel,
    other: TabularModel,
    pair: tuple[int, int],
    action: int,
    distances: Floats,
) -> Coupling:
    """The cheapest joint law of both next states: pairs and their probabilities."""
    first, second = one.transitions[pair[0], action], other.transitions[pair[1], action]
    rows, columns = np.flatnonzero(first), np.flatnonzero(second)
    places = (rows[:, None] * len(second) + columns[None, :]).ravel()
    if len(rows) == 1 or len(columns) == 1:
        return places, np.outer(first[rows], second[columns]).ravel()
    to_rows = np.kron(np.eye(len(rows)), np.ones(len(columns)))
    to_columns = np.kron(np.ones(len(rows)), np.eye(len(columns)))
    solved = linprog(
        distances[places],
        A_eq=np.concatenate([to_rows, to_columns[:-1]]),
        b_eq=np.concatenate([first[rows], second[columns][:-1]]),
        method="highs",
    )
    return places, np.maximum(np.asarray(solved.x, np.float64), 0.0)


def _values(
    costs: Floats, couplings: list[list[Coupling]], discount: float, start: Floats
) -> Floats:
    """The distances under fixed couplings, the worst action chosen everywhere."""
    num_pairs, num_actions = costs.shape
    steps = []
    for action in range(num_actions):
        chosen = [couplings[pair][action] for pair in range(num_pairs)]
        ends = np.cumsum([0, *(len(places) for places, _ in chosen)])
        weights = np.concatenate([weights for _, weights in chosen])
        places = np.concatenate([places for places, _ in chosen])
        steps.append(csr_array((weights, places, ends), shape=(num_pairs, num_pairs)))
    values = start
    while True:
        new = np.max([costs[:, a] + discount * (steps[a] @ values) for a in range(num_actions)], 0)
        if np.abs(new - values).max() <= _TOLERANCE * (1.0 - discount) / 10.0:
            result: Floats = new
            return result
        values = new


def admission_model(scenario: AdmissionScenario, event_rate_hz: float) -> TabularModel:
    """Admission without a queue as a table: which slices are admitted while in which state.

    A step is an event of a clock of the given rate (uniformisation): an arrival, a departure, or
    nothing. An action is the set of slices whose next arrival is admitted if it fits. Arrivals are
    taken to be Poisson and holding times exponential, whatever their laws.

    Args:
        scenario: its slices, capacities and revenues; queues and patience play no part.
        event_rate_hz: at least all arrivals and departures together; the same for models that are
            compared.

    Returns:
        States are counts in service, of all that fits; rewards are revenue a step.

    Raises:
        ConfigError: if events are more frequent than the clock.
        TooLargeError: if there are more than 64 states.

    Example:
        >>> from twin_gym.scenario.loading import load
        >>> admission_model(load("teletraffic-erlang-5-10"), 20.0).transitions.shape
        (11, 2, 11)
    """
    states = _feasible(scenario)
    index = {state: place for place, state in enumerate(states)}
    actions = list(product((False, True), repeat=len(scenario.slices)))
    transitions = np.zeros((len(states), len(actions), len(states)))
    rewards = np.zeros((len(states), len(actions)))
    for place, state in enumerate(states):
        for number, admits in enumerate(actions):
            for k, one in enumerate(scenario.slices):
                more = index.get((*state[:k], state[k] + 1, *state[k + 1 :]))
                if admits[k] and more is not None:
                    chance = one.arrival_rate_hz / event_rate_hz
                    transitions[place, number, more] += chance
                    rewards[place, number] += chance * one.revenue
                if state[k] > 0:
                    fewer = index[(*state[:k], state[k] - 1, *state[k + 1 :])]
                    chance = state[k] / one.mean_holding_time_s / event_rate_hz
                    transitions[place, number, fewer] += chance
            rest = 1.0 - transitions[place, number].sum()
            if rest < -_TOLERANCE:
                raise ConfigError(
                    f"events come more often than {event_rate_hz:g} a second in state {state}: "
                    "give a higher event_rate_hz"
                )
            transitions[place, number, place] += max(rest, 0.0)
    return TabularModel(transitions, rewards, states)


def _feasible(scenario: AdmissionScenario) -> tuple[tuple[int, ...], ...]:
    """All counts in service that fit, in order."""
    most = []
    for one in scenario.slices:
        needs = [
            int(scenario.capacity[name] / amount + _TOLERANCE)
            for name, amount in one.demand.items()
            if amount > 0
        ]
        most.append(min(needs))
    if np.prod([float(count + 1) for count in most]) > MAX_STATES**2:
        raise TooLargeError(f"{scenario.name!r} has too many states for a table")
    states = tuple(
        state for state in product(*(range(count + 1) for count in most)) if _fits(scenario, state)
    )
    if len(states) > MAX_STATES:
        raise TooLargeError(
            f"{scenario.name!r} has {len(states)} states; tables are for at most {MAX_STATES}"
        )
    return states


def _fits(scenario: AdmissionScenario, state: tuple[int, ...]) -> bool:
    for name, amount in scenario.capacity.items():
        demands = (one.demand.get(name, 0.0) for one in scenario.slices)
        held = sum(n * demand for n, demand in zip(state, demands, strict=True))
        if held > amount + _TOLERANCE:
            return False
    return True
