"""How good a policy is: one episode in each of given worlds, the same ones for every policy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.envs.batch import Engine
from twin_gym.envs.slice_admission import SliceAdmissionVectorEnv
from twin_gym.envs.slice_admission.batch import Objective, ScenarioLike
from twin_gym.envs.slice_admission.observation import ActionForm
from twin_gym.policies.base import Policy
from twin_gym.policies.trajectory import TrajectoryHash

_STEPS_BETWEEN_REPORTS = 64


@dataclass(frozen=True)
class Evaluation:
    """What a policy reached.

    Attributes:
        policy: its name.
        seeds: the worlds, in order.
        kpi: by flat name, one value a world.
        returns: sum of the rewards, one a world.
        steps: decisions, one a world.
        trajectory: names every action, reward and time of all worlds (`TrajectoryHash`).
    """

    policy: str
    seeds: tuple[int, ...]
    kpi: dict[str, NDArray[np.float64]]
    returns: NDArray[np.float64]
    steps: NDArray[np.int64]
    trajectory: str

    def mean(self, name: str = "revenue_rate") -> float:
        """Average of one indicator over the worlds."""
        return float(self.kpi[name].mean())


def evaluate(
    policy: Policy,
    scenario: ScenarioLike | Sequence[ScenarioLike],
    seeds: Sequence[int],
    *,
    action: ActionForm = "slice",
    objective: Objective = "revenue",
    engine: Engine = "kernel",
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Runs a policy through one whole episode of each world.

    Args:
        policy: reset with the first seed before it begins.
        scenario: as the environment takes it.
        seeds: the worlds (see `world_seeds`).
        action: the form of the policy's actions.
        objective: what the returns are sums of.
        engine: as the environment takes it.
        progress: told now and then the share of the simulated time that is over.

    Returns:
        Indicators, returns and decisions, one a world.

    Raises:
        ConfigError: if the scenario or a name is not valid.
    """
    env = SliceAdmissionVectorEnv(
        len(seeds), scenario, action=action, objective=objective, engine=engine,
        autoreset_mode=AutoresetMode.NEXT_STEP, copy=False,
    )  # fmt: skip
    observations, infos = env.reset(seed=list(seeds))
    policy.reset(seeds[0])
    running = np.ones(len(seeds), np.bool_)
    returns = np.zeros(len(seeds))
    steps = np.zeros(len(seeds), np.int64)
    kpi: dict[str, NDArray[np.float64]] = {}
    trajectory = TrajectoryHash(len(seeds))
    horizon_s, passed_s, calls = env.scenario.horizon_s, np.zeros(len(seeds)), 0
    while running.any():
        chosen = policy.actions(observations, infos["action_mask"])
        observations, rewards, _, truncated, infos = env.step(chosen)
        trajectory.add(running, chosen, rewards, infos["elapsed_s"])
        returns[running] += rewards[running]
        steps[running] += 1
        ended = running & truncated
        if ended.any():
            for name, values in infos["kpi"].items():
                if not name.startswith("_"):
                    kpi.setdefault(name, np.zeros(len(seeds)))[ended] = values[ended]
            running &= ~ended
        if progress is not None:
            passed_s += infos["elapsed_s"]
            calls += 1
            if calls % _STEPS_BETWEEN_REPORTS == 0:
                progress(float(np.minimum(passed_s / horizon_s, 1.0).mean()))
    return Evaluation(policy.name, tuple(seeds), kpi, returns, steps, trajectory.digest())
