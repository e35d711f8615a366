"""How faithful a policy twin is: where the network goes, and where it could go but hardly does.

The two sets of states are never mixed: nearly all feasible states are off the policy's path, and a
clone knows nothing about them but what it extrapolates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, evaluate
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins.feasible_states import draw_feasible_states
from twin_gym.twins.policy_twin import PolicyTwin
from twin_gym.twins.recording import record

_JUDGED_SEED = 1_000_003  # physical worlds that no log of a small seed has seen


@dataclass(frozen=True)
class Agreement:
    """How well a twin foretells a policy in one set of states.

    Attributes:
        num_states: how many states.
        num_open: how many of them leave the policy a choice between at least two requests.
        agreement: share of states where the likeliest action of the twin is the policy's.
        open_agreement: the same among those with a choice; nan if there are none.
        recall: by class (name of the slice, or `wait`), the share of the policy's actions of that
            class that the twin takes too; classes that the policy never takes are left out.
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
class Fidelity:
    """What `fidelity` measures.

    Attributes:
        twin: name of the twin.
        policy: name of the policy that it is a twin of.
        on_policy: in decisions that the policy meets, in worlds that were not logged.
        uniform: in states drawn over the whole feasible state space.
        revenue_rate: of the twin when it acts, a second.
        policy_revenue_rate: of the policy in the same worlds.
    """

    twin: str
    policy: str
    on_policy: Agreement
    uniform: Agreement
    revenue_rate: float
    policy_revenue_rate: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        return asdict(self)


def fidelity(
    twin: PolicyTwin,
    policy: Policy,
    scenario: AdmissionScenario,
    *,
    num_states: int = 10_000,
    worlds: Sequence[int] = (),
    seed: int = 0,
) -> Fidelity:
    """How faithful a twin is to a policy.

    Args:
        twin: acts as its `greedy` says where it earns; agreement is about its likeliest actions.
        policy: labels the states, and is the one to compare the revenue with.
        scenario: where both act.
        num_states: in each of the two sets.
        worlds: seeds of the episodes that both act in, such as `world_seeds("validation", 32)`;
            none: the revenues are nan.
        seed: of the states.

    Returns:
        The measures.

    Raises:
        ConfigError: if the twin does not fit the scenario.
    """
    action = twin.card.action
    twin.check_fits(scenario, action)
    log = record(policy, scenario, num_states, seed=_JUDGED_SEED + seed, action=action)
    rng = np.random.default_rng([seed, 2])
    states = draw_feasible_states(scenario, num_states, rng, action=action)
    labels = policy.actions(states.observations, states.masks)
    revenues = [float("nan"), float("nan")]
    if worlds:
        revenues = [evaluate(one, scenario, worlds, action=action).mean() for one in (twin, policy)]
    return Fidelity(
        twin=twin.name,
        policy=policy.name,
        on_policy=agreement(twin, log.observations, log.masks, log.actions, scenario),
        uniform=agreement(twin, states.observations, states.masks, labels, scenario),
        revenue_rate=revenues[0],
        policy_revenue_rate=revenues[1],
    )


def agreement(
    twin: PolicyTwin,
    observations: Observations,
    masks: Masks,
    labels: Actions,
    scenario: AdmissionScenario,
) -> Agreement:
    """How well a twin foretells labelled states.

    Args:
        twin: foretells.
        observations: shape (states, fields).
        masks: 1 = allowed; shape (states, actions).
        labels: what the policy does; shape (states,).
        scenario: names the classes.

    Returns:
        The measures.

    Raises:
        ConfigError: if there are no states.
    """
    if not len(labels):
        raise ConfigError("there are no states to compare in")
    logs = twin.log_probabilities(observations, masks).astype(np.float64)
    is_same = logs.argmax(axis=1) == labels
    is_open = masks[:, :-1].sum(axis=1) > 1
    probabilities = np.exp(logs)
    entropies = -(probabilities * np.where(masks != 0, logs, 0.0)).sum(axis=1)
    classes = _class_of(scenario, twin.card.action)[labels]
    names = (*scenario.slice_names, "wait")
    return Agreement(
        num_states=len(labels),
        num_open=int(is_open.sum()),
        agreement=float(is_same.mean()),
        open_agreement=float(is_same[is_open].mean()) if is_open.any() else float("nan"),
        recall={
            name: float(is_same[classes == index].mean())
            for index, name in enumerate(names)
            if (classes == index).any()
        },
        negative_log_likelihood=float(-logs[np.arange(len(labels)), labels].mean()),
        entropy=float(entropies.mean()),
    )


def _class_of(scenario: AdmissionScenario, action: ActionForm) -> NDArray[np.int64]:
    """By action, the number of the slice that it admits, or the number of slices for waiting."""
    by_slice = np.arange(len(scenario.slices) + 1)
    if action == "slice":
        return by_slice
    return np.repeat(by_slice, [*(max(one.queue_limit, 1) for one in scenario.slices), 1])
