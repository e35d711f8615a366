"""What-if questions: paired differences between two networks, or two policies, on the same worlds.

A world is a pure function of (seed, stream, index), so that the k-th request or message is the same
in both networks. The difference of an indicator is taken world by world, and the randomness that
both sides share cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Policy
from twin_gym.policies.evaluation import Evaluation, evaluate
from twin_gym.policies.intervals import half_width
from twin_gym.policies.registry import make_policy
from twin_gym.policies.worlds import distinct_worlds, world_seeds
from twin_gym.scenario import Scenario
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

RETURN = "return_per_s"
"""The indicator that every environment has: the sum of the rewards over the simulated time."""

Agent = str | Policy | Callable[[Scenario], Policy]
"""A policy by name, a policy, or a function that makes one for a scenario."""
OnProgress = Callable[[str, float], None]
"""Called with the name of the running evaluation and the share of it that is done."""

_LEAST_WORLDS = 2


@dataclass(frozen=True)
class Difference:
    """The paired difference of one indicator, over the worlds in which both sides have it.

    Attributes:
        before: mean on the first side.
        after: mean on the second side.
        mean: mean of the paired differences, after minus before.
        half_width: half-width of the 95 % interval of `mean` (Student's t).
        num_worlds: number of pairs.
        variance_reduction: variance of the difference with independent worlds divided by that with
            the same worlds: the factor by which more independent worlds would be needed for the
            same interval. NaN if nothing varies.
    """

    before: float
    after: float
    mean: float
    half_width: float
    num_worlds: int
    variance_reduction: float

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero."""
        return abs(self.mean) > self.half_width


@dataclass(frozen=True)
class WhatIf:
    """The answer to a what-if question.

    Attributes:
        agent: name of the policy.
        base: the network without the change.
        changed: the network with the change.
        seeds: seeds of the worlds.
        by_change: difference under the agent, changed minus base, by indicator.
        against: name of the other policy, or None.
        by_agent: difference in the changed network, other policy minus agent, by indicator; empty
            without another policy.
    """

    agent: str
    base: Scenario
    changed: Scenario
    seeds: tuple[int, ...]
    by_change: Mapping[str, Difference]
    against: str | None
    by_agent: Mapping[str, Difference]


def what_if(
    agent: Agent,
    base: str | Scenario,
    change: Mapping[str, Any] | Scenario,
    *,
    against: Agent | None = None,
    seeds: Sequence[int] | None = None,
    reconfigured: bool = False,
    action: str | None = None,
    on_progress: OnProgress | None = None,
) -> WhatIf:
    """Compares every indicator with and without a change of the network.

    Args:
        agent: who runs the network.
        base: the network as it is.
        change: new values by path (see `twin_gym.scenario.changes`), or the other network.
        against: who might run the changed network instead.
        seeds: the worlds, two or more; None: 64 of the `validation` family.
        reconfigured: whether policies by name are made for the changed network; otherwise they
            stay as they are configured for the base, as an operator's would.
        action: the form of the action; None: the environment's default.
        on_progress: see `OnProgress`.

    Returns:
        Paired differences with 95 % intervals.

    Raises:
        ConfigError: if a name, a path or a value is not valid, there are fewer than two worlds,
            one of them is there twice, or an agent that is not reconfigured cannot see or steer the
            changed network.
    """
    before = base if isinstance(base, Scenario) else load(base)
    after = change if isinstance(change, Scenario) else changed(before, change)
    worlds = tuple(world_seeds("validation", 64) if seeds is None else seeds)
    if len(worlds) < _LEAST_WORLDS:
        raise ConfigError(f"paired differences need two worlds at least, got {len(worlds)}")
    distinct_worlds(worlds)
    if not reconfigured:
        check_alike(before, after, action)
    tell = on_progress or (lambda what, share: None)

    def run(who: Agent, scenario: Scenario, label: str) -> Evaluation:
        made = policy_of(who, scenario if reconfigured else before, action)
        return evaluate(
            made, scenario, worlds, action=action, progress=lambda share: tell(label, share)
        )

    first = run(agent, before, "as it is")
    second = run(agent, after, "changed")
    third = None if against is None else run(against, after, "the other policy")
    now, then = indicators_of(first, before), indicators_of(second, after)
    other = {} if third is None else indicators_of(third, after)
    return WhatIf(
        first.policy, before, after, worlds,
        by_change=_differences(now, then),
        against=None if third is None else third.policy,
        by_agent=_differences(then, other),
    )  # fmt: skip


def paired_difference(before: NDArray[np.float64], after: NDArray[np.float64]) -> Difference | None:
    """The difference of an indicator world by world.

    Args:
        before: one value a world; not a number where the indicator has none.
        after: the same worlds.

    Returns:
        The difference, or None if fewer than two worlds have both values.
    """
    both = np.isfinite(before) & np.isfinite(after)
    count = int(both.sum())
    if count < _LEAST_WORLDS:
        return None
    first, second = before[both], after[both]
    gap = second - first
    paired = float(gap.var(ddof=1))
    unrelated = float(first.var(ddof=1) + second.var(ddof=1))
    return Difference(
        before=float(first.mean()),
        after=float(second.mean()),
        mean=float(gap.mean()),
        half_width=half_width(gap),
        num_worlds=count,
        variance_reduction=unrelated / paired if paired > 0.0 else float("nan"),
    )


def _differences(
    before: Mapping[str, NDArray[np.float64]], after: Mapping[str, NDArray[np.float64]]
) -> dict[str, Difference]:
    """The differences of all indicators that both sides have."""
    differences = {
        name: paired_difference(values, after[name])
        for name, values in before.items()
        if name in after
    }
    return {name: one for name, one in differences.items() if one is not None}


def indicators_of(evaluation: Evaluation, scenario: Scenario) -> dict[str, NDArray[np.float64]]:
    """Every indicator of an evaluation by name, the return per second first.

    Args:
        evaluation: what a policy reached.
        scenario: the network that it ran.

    Returns:
        One value a world; not a number where a world has none.
    """
    return {RETURN: evaluation.returns / scenario.horizon_s} | evaluation.kpi


def policy_of(agent: Agent, scenario: Scenario, action: str | None = None) -> Policy:
    """The policy that an agent is, made for a network if it is a name or a maker.

    Args:
        agent: see `Agent`.
        scenario: that it is configured for.
        action: the form of the action; None: the environment's default.

    Raises:
        ConfigError: if there is no such policy, or none for this network.
    """
    if isinstance(agent, str):
        return make_policy(agent, scenario, action)
    return agent if isinstance(agent, Policy) else agent(scenario)


def check_alike(before: Scenario, after: Scenario, action: str | None = None) -> None:
    """Checks that an agent made for one network can run another.

    Args:
        before: the network for which the agent is made.
        after: the network that it would run.
        action: the form of the action; None: the environment's default.

    Raises:
        ConfigError: if kinds, observations or actions differ.
    """
    if before.kind != after.kind:
        raise ConfigError(
            f"{before.name!r} is a network of the kind {before.kind!r} and {after.name!r} of the "
            f"kind {after.kind!r}: a what-if question stays within one kind"
        )
    given = {} if action is None else {"action": action}
    spaces = []
    for scenario in (before, after):
        env = vector_env(scenario, 1, **given)
        spaces.append((env.single_observation_space.shape, env.single_action_space))
        env.close()
    if spaces[0] != spaces[1]:
        raise ConfigError(
            f"the change gives agents other observations or actions ({spaces[0]} before, "
            f"{spaces[1]} after): ask with reconfigured=True, so that policies are configured for "
            "the network that they run"
        )
