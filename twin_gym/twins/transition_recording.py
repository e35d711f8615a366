"""Transitions of a running network, under an operator who now and then tries something else."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.vector import SliceAdmissionVectorEnv
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy, world_seeds
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws, evenly
from twin_gym.twins.decision_log import MAX_DECISIONS
from twin_gym.twins.decision_space import only_admission
from twin_gym.twins.transitions import Transitions

# `record` has the second half of the `train` family from 2^39 on, and learners its beginning.
_FIRST_WORLD = 2**39 + 2**38
_WORLDS_PER_SEED = 2**20
_MAX_SEED = 2**17
_EXPLORATION = 0x7E57  # tells its draws from those that a policy makes with the same seed


class Exploring:
    """A policy that, with a fixed chance, does another allowed thing, drawn evenly.

    A log of a rule that never departs from itself says nothing about what else could be done. Row
    i draws the same whatever the number of rows.

    Args:
        policy: what is done otherwise.
        epsilon: the chance, 0 to 1. Where only one action is allowed, it is taken.

    Raises:
        ConfigError: if the chance is out of range.
    """

    def __init__(self, policy: Policy, epsilon: float) -> None:
        if not 0.0 <= epsilon <= 1.0:
            raise ConfigError(f"the chance of exploring is 0 to 1, got {epsilon!r}")
        self.policy, self.epsilon = policy, float(epsilon)
        self.name = f"{policy.name}+explore-{epsilon:g}"
        self._draws = Draws(_EXPLORATION)

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed."""
        self.policy.reset(seed)
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """The policy's action of each row, or another allowed one.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions).

        Returns:
            Whole numbers; shape (rows,).
        """
        usual = self.policy.actions(observations, masks)
        drawn = self._draws.next().random((len(masks), 2))
        others = masks > 0
        others[np.arange(len(masks)), usual] = False
        departs = (drawn[:, 0] < self.epsilon) & others.any(axis=1)
        return np.where(departs, evenly(drawn[:, 1], others), usual)


def record_transitions(
    policy: Policy,
    scenario: AdmissionScenario,
    num_steps: int,
    *,
    epsilon: float = 0.0,
    seed: int = 0,
    action: ActionName = "slice",
    num_networks: int = 16,
) -> Transitions:
    """Records what a policy does on the physical network, and what comes of it.

    The same arguments give the same transitions, to the last bit. Networks run side by side, each
    for an equal share of the steps, episode after episode, every one in a world of its own: worlds
    of the `train` family that no other seed of this function and no seed of `record` has.

    Args:
        policy: reset with the seed; for this scenario and form of action.
        scenario: what the physical network is.
        num_steps: how many steps are recorded, at least one a network.
        epsilon: chance that a decision is replaced by another allowed one (see `Exploring`).
        seed: of worlds and draws; 0 to 131,071.
        action: form of the actions.
        num_networks: how many networks.

    Returns:
        The transitions, network after network; the last episode of each is cut.

    Raises:
        ConfigError: if an argument is out of range, or the scenario is of another kind.
    """
    only_admission(scenario, "recording transitions")
    if not 1 <= num_networks <= num_steps <= MAX_DECISIONS or not 0 <= seed < _MAX_SEED:
        raise ConfigError(
            f"a recording has 1 to {MAX_DECISIONS:,} steps, at least one a network, and a seed "
            f"below {_MAX_SEED:,}; got {num_steps} in {num_networks} networks and seed {seed}"
        )
    share, rest = divmod(num_steps, num_networks)
    wanted = share + (np.arange(num_networks) < rest)
    behaviour = Exploring(policy, epsilon)
    behaviour.reset(seed)
    columns, seeds = _watch(behaviour, scenario, wanted, seed, action)
    return Transitions(
        **columns,
        seeds=seeds,
        scenario_digest=scenario.digest,
        action=action,
        policy=policy.name,
        epsilon=float(epsilon),
    )


def _watch(
    behaviour: Exploring,
    scenario: AdmissionScenario,
    wanted: NDArray[np.int64],
    seed: int,
    action: ActionName,
) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
    """So many steps of each network, network by network, and the seeds of their episodes."""
    count = len(wanted)
    env = SliceAdmissionVectorEnv(
        count, scenario, action=action, autoreset_mode=AutoresetMode.DISABLED
    )
    worlds = [_world(seed, row) for row in range(count)]
    lived = [[world] for world in worlds]
    observations, infos = env.reset(seed=worlds)
    kept: list[dict[str, NDArray[Any]]] = []
    for step in range(int(wanted.max())):
        masks = infos["action_mask"]
        actions = behaviour.actions(observations, masks)
        then, rewards, _, ended, infos = env.step(actions)
        kept.append(
            {
                "observations": observations,
                "masks": masks,
                "actions": actions,
                "rewards": rewards,
                "elapsed_s": infos["elapsed_s"],
                "next_observations": then,
                "next_masks": infos["action_mask"],
                "truncated": ended | (step + 1 == wanted),
            }
        )
        observations = then
        if ended.any():
            for row in map(int, np.flatnonzero(ended)):
                worlds[row] = _world(seed, len(lived[row]) * count + row)
                if step + 1 < wanted[row]:
                    lived[row].append(worlds[row])
            observations, infos = env.reset(seed=worlds, options={"reset_mask": ended.copy()})
    chosen = np.arange(int(wanted.max())) < wanted[:, None]
    columns = {
        name: np.stack([part[name] for part in kept], axis=1)[chosen].astype(kept[0][name].dtype)
        for name in kept[0]
    }
    return columns, np.array([world for row in lived for world in row], np.int64)


def _world(seed: int, index: int) -> int:
    if index >= _WORLDS_PER_SEED:
        raise ConfigError(
            f"a recording has at most {_WORLDS_PER_SEED:,} episodes: record fewer steps, or "
            "lengthen the horizon"
        )
    return world_seeds("train", 1, first=_FIRST_WORLD + seed * _WORLDS_PER_SEED + index)[0]
