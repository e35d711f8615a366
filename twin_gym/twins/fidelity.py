"""How faithful a policy twin is: where the network goes, and where it could go but hardly does.

The two sets of states are never mixed: nearly all feasible states are off the policy's path, and a
clone knows nothing about them but what it extrapolates. What all feasible states are is known for
admission alone; for other kinds there is the policy's path and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.factory import form_of
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, evaluate
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.policy_twin import PolicyTwin
from twin_gym.twins.recording import record

_JUDGED_SEED = 1_000_003  # physical worlds that no log of a small seed has seen

TOLERANCE = 0.05
"""Amounts that differ by no more than this share of their range count as the same."""

_NO_VARIANCE = 1e-12


@dataclass(frozen=True)
class Agreement:
    """How well a twin foretells a policy in one set of states.

    Attributes:
        num_states: how many states.
        num_open: how many of them leave the policy a choice between at least two actions besides
            the last one, which mostly waits.
        agreement: share of states where the likeliest action of the twin is the policy's.
        open_agreement: the same among those with a choice; nan if there are none.
        recall: by class (name of the slice, or `wait`; of other kinds the name of the action), the
            share of the policy's actions of that class that the twin takes too; classes that the
            policy never takes are left out.
        negative_log_likelihood: mean of -log of the probability that the twin gives the policy's
            action, in nats.
        entropy: mean entropy of the twin's actions, in nats: what is left for exploring.
    """

    num_states: int
    num_open: int
    agreement: float
    open_agreement: float
    recall: dict[str, float]
    negative_log_likelihood: float
    entropy: float


@dataclass(frozen=True)
class AmountAgreement:
    """How well a twin foretells the amounts of a policy in one set of states.

    Attributes:
        num_states: how many states.
        agreement: share of states where every amount of the twin is within `TOLERANCE` of the
            policy's.
        mean_absolute_difference: over states and amounts, as a share of the amount's range.
        r_squared: 1 less the mean square difference over the policy's variance, over states and
            amounts together; nan where the policy is constant.
    """

    num_states: int
    agreement: float
    mean_absolute_difference: float
    r_squared: float


@dataclass(frozen=True)
class Fidelity:
    """Agreement and returns of a twin beside its policy: the result of `fidelity`.

    Attributes:
        twin: name of the twin.
        policy: name of the policy that it is a twin of.
        on_policy: in decisions that the policy meets, in worlds that were not logged.
        uniform: in states drawn over the whole feasible state space; None for other kinds than
            admission.
        revenue_rate: of the twin when it acts, a second; nan for other kinds than admission.
        policy_revenue_rate: of the policy in the same worlds.
        return_per_s: of the twin: its rewards a simulated second.
        policy_return_per_s: of the policy in the same worlds.
    """

    twin: str
    policy: str
    on_policy: Agreement | AmountAgreement
    uniform: Agreement | None
    revenue_rate: float
    policy_revenue_rate: float
    return_per_s: float
    policy_return_per_s: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return asdict(self)


def fidelity(
    twin: PolicyTwin,
    policy: Policy,
    scenario: Scenario,
    *,
    num_states: int = 10_000,
    worlds: Sequence[int] = (),
    seed: int = 0,
) -> Fidelity:
    """How faithful a twin is to a policy.

    Args:
        twin: acts as its `greedy` says where it earns; agreement is about its likeliest actions.
        policy: labels the states, and is the one to compare the earnings with.
        scenario: where both act.
        num_states: in each of the two sets.
        worlds: seeds of the episodes that both act in, such as `world_seeds("validation", 32)`;
            none: the earnings are nan.
        seed: of the states.

    Returns:
        The measures.

    Raises:
        ConfigError: if the twin does not fit the scenario.
    """
    action = twin.metadata.action
    twin.check_fits(scenario, action)
    log = record(policy, scenario, num_states, seed=_JUDGED_SEED + seed, action=action)
    uniform = None
    draw_states = kind_named(scenario.kind).facet("states")
    if draw_states is not None:
        rng = np.random.default_rng([seed, 2])
        states = draw_states(scenario, num_states, rng, action=action)
        labels = policy.actions(states.observations, states.masks)
        uniform = agreement(twin, states.observations, states.masks, labels, scenario)
    on_policy = (agreement if log.is_discrete else amount_agreement)(
        twin, log.observations, log.masks, log.actions, scenario
    )
    mine, theirs = (_earned(one, scenario, worlds, action) for one in (twin, policy))
    return Fidelity(
        twin=twin.name,
        policy=policy.name,
        on_policy=on_policy,
        uniform=uniform,
        revenue_rate=mine[0],
        policy_revenue_rate=theirs[0],
        return_per_s=mine[1],
        policy_return_per_s=theirs[1],
    )


def agreement(
    twin: PolicyTwin,
    observations: Observations,
    masks: Masks,
    labels: Actions,
    scenario: Scenario,
) -> Agreement:
    """How well a twin foretells labelled states.

    Args:
        twin: foretells discrete actions.
        observations: shape (states, fields).
        masks: 1 = allowed; shape (states, actions).
        labels: what the policy does; shape (states,).
        scenario: names the classes.

    Returns:
        The measures.

    Raises:
        ConfigError: if there are no states, or the actions are amounts.
    """
    _check_some(labels)
    logs = twin.log_probabilities(observations, masks).astype(np.float64)
    is_same = logs.argmax(axis=1) == labels
    is_open = masks[:, :-1].sum(axis=1) > 1
    probabilities = np.exp(logs)
    entropies = -(probabilities * np.where(masks != 0, logs, 0.0)).sum(axis=1)
    names, class_of = _classes(scenario, twin.metadata.action)
    classes = class_of[labels]
    return Agreement(
        num_states=len(labels),
        num_open=int(is_open.sum()),
        agreement=float(is_same.mean()),
        open_agreement=float(is_same[is_open].mean()) if is_open.any() else np.nan,
        recall={
            name: float(is_same[classes == index].mean())
            for index, name in enumerate(names)
            if (classes == index).any()
        },
        negative_log_likelihood=float(-logs[np.arange(len(labels)), labels].mean()),
        entropy=float(entropies.mean()),
    )


def amount_agreement(
    twin: PolicyTwin,
    observations: Observations,
    masks: Masks,
    labels: Actions,
    scenario: Scenario,
) -> AmountAgreement:
    """How well a twin foretells amounts.

    Args:
        twin: foretells amounts.
        observations: shape (states, fields).
        masks: shape (states, 0).
        labels: what the policy does; shape (states, amounts).
        scenario: where the twin acts.

    Returns:
        The measures.

    Raises:
        ConfigError: if there are no states, or the actions are discrete.
    """
    _check_some(labels)
    space = DecisionSpace.of(scenario, twin.metadata.action)
    if space.is_discrete:
        raise ConfigError(f"{twin.name!r} gives discrete actions: see `agreement`")
    low, high = np.array(space.low), np.array(space.high)
    wanted = (labels - low) / (high - low)
    differences = (twin.actions(observations, masks) - low) / (high - low) - wanted
    variance = float(((wanted - wanted.mean(axis=0)) ** 2).mean())
    is_varied = variance > _NO_VARIANCE
    return AmountAgreement(
        num_states=len(labels),
        agreement=float((np.abs(differences) <= TOLERANCE).all(axis=1).mean()),
        mean_absolute_difference=float(np.abs(differences).mean()),
        r_squared=1.0 - float((differences**2).mean()) / variance if is_varied else np.nan,
    )


def _check_some(labels: Actions) -> None:
    if not len(labels):
        raise ConfigError("there are no states to compare in")


def _earned(
    policy: Policy, scenario: Scenario, worlds: Sequence[int], action: str
) -> tuple[float, float]:
    """Revenue and rewards a second in these worlds; nan where there is none."""
    if not worlds:
        return np.nan, np.nan
    found = evaluate(policy, scenario, worlds, action=action)
    revenue = found.mean() if "revenue_rate" in found.kpi else np.nan
    return revenue, float(found.returns.mean() / scenario.horizon_s)


def _classes(scenario: Scenario, action: str) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Names of the classes, and by action the number of its class."""
    classes = form_of(scenario.kind, action).classes
    if classes is not None:
        return classes(scenario)
    names = DecisionSpace.of(scenario, action).action_names
    return names, np.arange(len(names))
