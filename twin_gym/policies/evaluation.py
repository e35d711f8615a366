"""Evaluation of policies: one episode in each of the given worlds, the same for all policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from twin_gym.core.settings import Engine
from twin_gym.environments.factory import AnyScenario, vector_env
from twin_gym.policies.base import Policy, PrivilegedPolicy
from twin_gym.policies.trajectory import TrajectoryHash
from twin_gym.policies.worlds import distinct_worlds
from twin_gym.scenario.objective import KpiObjective

_STEPS_BETWEEN_REPORTS = 64


@dataclass(frozen=True)
class Evaluation:
    """The results of a policy.

    Attributes:
        policy: name of the policy.
        seeds: seeds of the worlds, in order.
        kpi: indicators by flat name, one value for each world.
        returns: sum of the rewards in each world.
        steps: number of decisions in each world.
        trajectory: hash of every action, reward and time of all worlds (`TrajectoryHash`).
    """

    policy: str
    seeds: tuple[int, ...]
    kpi: dict[str, NDArray[np.float64]]
    returns: NDArray[np.float64]
    steps: NDArray[np.int64]
    trajectory: str

    def mean(self, name: str = "revenue_rate") -> float:
        """Mean of one indicator over the worlds."""
        return float(self.kpi[name].mean())


def evaluate(
    policy: Policy,
    scenario: AnyScenario | Sequence[AnyScenario],
    seeds: Sequence[int],
    *,
    action: str | None = None,
    objective: str | KpiObjective | None = None,
    objective_seed: int = 0,
    engine: Engine = "kernel",
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Runs a policy for one whole episode in each world.

    Args:
        policy: the policy; it is reset with the first seed.
        scenario: `scenario` of the environment.
        seeds: seeds of the worlds (see `world_seeds`), each once.
        action: form of the policy's actions; None: the environment's default.
        objective: objective that defines the rewards; None: the environment's default.
        objective_seed: seed of the weights of a `KpiObjective`.
        engine: `engine` of the environment.
        progress: called from time to time with the share of the simulated time that has passed.

    Returns:
        Indicators, returns and numbers of decisions, one for each world.

    Raises:
        ConfigError: if the scenario, a name or a seed is not valid, or a seed is repeated.
    """
    return evaluate_rows(
        policy, scenario, distinct_worlds(seeds, 0), action=action, objective=objective,
        objective_seed=objective_seed, engine=engine, progress=progress,
    )  # fmt: skip


def evaluate_rows(
    policy: Policy,
    scenario: AnyScenario | Sequence[AnyScenario],
    seeds: Sequence[int],
    *,
    action: str | None = None,
    objective: str | KpiObjective | None = None,
    objective_seed: int = 0,
    engine: Engine = "kernel",
    progress: Callable[[float], None] | None = None,
) -> Evaluation:
    """Like `evaluate`, for policies that differ by row: rows may share a world.

    Args:
        policy: a policy that may treat rows differently, such as a search over settings.
        scenario: see `evaluate`.
        seeds: seed of the world of each row.
        action: see `evaluate`.
        objective: see `evaluate`.
        objective_seed: see `evaluate`.
        engine: see `evaluate`.
        progress: see `evaluate`.

    Returns:
        Indicators, returns and numbers of decisions, one for each row. Confidence intervals over
        rows that share a world are not valid.

    Raises:
        ConfigError: if the scenario, a name or a seed is not valid.
    """
    given = {"action": action, "objective": objective, "objective_seed": objective_seed}
    env = vector_env(
        scenario, len(seeds), engine=engine, autoreset_mode=AutoresetMode.NEXT_STEP, copy=False,
        **{name: value for name, value in given.items() if value is not None},
    )  # fmt: skip
    if isinstance(policy, PrivilegedPolicy):
        policy.bind(env.batch)
    unmasked = np.ones((len(seeds), 0), np.int8)
    observations, infos = env.reset(seed=list(seeds))
    policy.reset(seeds[0])
    running = np.ones(len(seeds), np.bool_)
    returns = np.zeros(len(seeds))
    steps = np.zeros(len(seeds), np.int64)
    kpi: dict[str, NDArray[np.float64]] = {}
    trajectory = TrajectoryHash(len(seeds))
    horizon_s, passed_s, calls = env.scenario.horizon_s, np.zeros(len(seeds)), 0
    while running.any():
        chosen = policy.actions(observations, infos.get("action_mask", unmasked))
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
