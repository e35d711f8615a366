"""Asking a policy what it would do: decisions in states that a log may leave out."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.environments.factory import form_of, vector_env
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import ConfigError, TwinGymError, unknown_name
from twin_gym.policies import Draws, Policy, PrivilegedPolicy, world_seeds
from twin_gym.policies.draws import checked_policy_seed, evenly
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_log import MAX_DECISIONS, DecisionLog

States = Literal["visited", "feasible"]
STATES = ("visited", "feasible")

_FIRST_WORLD = 2**38
_MOST_NETWORKS = 8  # few: each begins empty, and what is sought are later states
_STEPS_PER_STATE = 50
_PURPOSE = 7_002


def query(
    policy: Policy,
    scenario: Scenario,
    count: int,
    seed: int = 0,
    *,
    action: str | None = None,
    states: States = "visited",
    random_share: float = 0.5,
) -> DecisionLog:
    """Decisions of a policy in states that are chosen for it: the labels of DAgger.

    A log holds the states to which a policy leads. Asked here is what it does in others: in those
    that are visited if a share of its decisions is replaced by random ones, or in those that are
    drawn evenly from all that are possible, where the environment can draw them. The policy must be
    a function of what is seen. `clone` takes the result as a log, or beside one as `synthetic`.

    Args:
        policy: the one that is asked; reset with the seed.
        scenario: of any kind.
        count: states.
        seed: of the states and, where they are visited, of the worlds (`train` family); 0 or more.
        action: form of the actions, which must be discrete; None: the environment's default.
        states: `visited` or `feasible`.
        random_share: of the decisions that are replaced on the way, 0 to 1; without meaning for
            feasible states.

    Returns:
        What the policy answers in each state.

    Raises:
        ConfigError: if an argument is out of range, actions are continuous, no feasible states can
            be drawn, or the policy uses more than the state: what is hidden, its memory, or chance.
        TwinGymError: if the network hardly ever has a decision to take.

    References:
        S. Ross, G. Gordon and D. Bagnell (2011), A Reduction of Imitation Learning and Structured
        Prediction to No-Regret Online Learning, AISTATS.
    """
    form = form_of(scenario.kind, action)
    checked_policy_seed(seed)
    if not 1 <= count <= MAX_DECISIONS or not 0.0 <= random_share <= 1.0:
        raise ConfigError(
            f"1 to {MAX_DECISIONS:,} states are asked for, with a share of random decisions from "
            f"0 to 1; got {count!r} and {random_share!r}"
        )
    if states not in STATES:
        raise unknown_name("choice of states", states, STATES)
    if form.is_continuous:
        raise ConfigError("a policy is asked for one of its actions: take a discrete form")
    if isinstance(policy, PrivilegedPolicy):
        raise _more_than_the_state(policy, "sees what is hidden from agents")
    policy.reset(seed)
    drawn = (
        _visit(policy, scenario, count, seed, form.name, random_share)
        if states == "visited"
        else _feasible(scenario, count, seed, form.name)
    )
    observations, masks, networks, answered = drawn
    actions = np.asarray(policy.actions(observations, masks)).astype(np.int64)
    backwards = np.asarray(policy.actions(observations[::-1], masks[::-1]))[::-1]
    if (actions != backwards).any() or (answered is not None and (actions != answered).any()):
        raise _more_than_the_state(policy, "answers otherwise when it is asked again")
    return DecisionLog(
        observations, masks, actions, networks, scenario.digest, form.name, policy.name,
        scenario.kind,
    )  # fmt: skip


_Drawn = tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.int64], NDArray[np.int64] | None]
"""Observations, masks, networks and, where the policy was asked on the way, its answers."""


def _feasible(scenario: Scenario, count: int, seed: int, form: str) -> _Drawn:
    kind = kind_named(scenario.kind)
    draw = kind.facet("states")
    if draw is None:
        raise ConfigError(
            f"the environment {kind.name!r} cannot draw feasible states: take states='visited', or "
            f"write {kind.to_write('states')}"
        )
    drawn = draw(scenario, count, np.random.default_rng(seed), action=form)
    return drawn.observations, drawn.masks, np.zeros(count, np.int64), None


def _visit(
    policy: Policy, scenario: Scenario, count: int, seed: int, form: str, random_share: float
) -> _Drawn:
    """States in which something besides waiting is allowed, network by network."""
    num_networks = min(count, _MOST_NETWORKS)
    worlds = world_seeds("train", num_networks, first=_FIRST_WORLD + seed * _MOST_NETWORKS)
    env = vector_env(scenario, num_networks, action=form, autoreset_mode=AutoresetMode.SAME_STEP)
    share, rest = divmod(count, num_networks)
    wanted = share + (np.arange(num_networks) < rest)
    draws, taken = Draws(_PURPOSE), np.zeros(num_networks, np.int64)
    draws.reset(seed)
    kept: list[tuple[NDArray[Any], ...]] = []
    observations, infos = env.reset(seed=worlds)
    for _ in range((int(wanted.max()) + 1) * _STEPS_PER_STATE):
        masks = infos["action_mask"]
        actions = np.asarray(policy.actions(observations, masks)).astype(np.int64)
        mine = np.flatnonzero(masks[:, :-1].any(axis=1) & (taken < wanted))
        kept.append((observations[mine], masks[mine], mine, actions[mine]))
        taken[mine] += 1
        if (taken >= wanted).all():
            arrays = [np.concatenate(parts) for parts in zip(*kept, strict=True)]
            order = np.argsort(arrays[2], kind="stable")
            seen, allowed, networks, answered = (array[order] for array in arrays)
            return seen, allowed, networks, answered
        dice = draws.next().random((num_networks, 2))
        others = evenly(dice[:, 1], masks == 1)
        observations, _, _, _, infos = env.step(
            np.where(dice[:, 0] < random_share, others, actions)
        )
    raise TwinGymError(
        f"{scenario.name!r} had only {taken.sum()} decisions in {len(kept)} steps: hardly ever is "
        "anything allowed besides waiting; lengthen the horizon, or let more arrive or be sent"
    )


def _more_than_the_state(policy: Policy, how: str) -> ConfigError:
    return ConfigError(
        f"{policy.name!r} {how}: only a policy whose decision is a function of observation and "
        "mask can be asked; record it with `twin_gym.twins.record`"
    )
