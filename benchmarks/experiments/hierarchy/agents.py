"""Agents that are trained on the real network or on the emulated one, by the same settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.experiments.blocks import Values
from benchmarks.experiments.hierarchy.plan import HASTY, ID, NETWORK, Plan
from twin_gym.policies import Evaluation, Policy

KERNEL = "kernel"
TRAINED_ON = (KERNEL, NETWORK, HASTY)
KPIS = ("revenue_rate", "loss_ratio", "utilisation", "fairness")


def agent_values(evaluation: Evaluation) -> Values:
    """Means over the worlds of the indicators that the page has."""
    return {name: [float(evaluation.kpi[name].mean())] for name in KPIS}


def trained_agent(plan: Plan, engine: Mapping[str, str], seed: int) -> Policy:
    """The greedy policy of an agent from scratch.

    Args:
        plan: its steps, and the scenario.
        engine: `engine` and `twin` of the environment that it learns in; none: the kernel.
        seed: of weights, draws and worlds.

    Returns:
        The policy.
    """
    # Here, so that what asks for no agent loads nothing that learns.
    from stable_baselines3.common.logger import Logger

    from agents.defaults import settings_for
    from agents.models import build
    from twin_gym.sb3 import ModelPolicy, make_vec_env

    settings = settings_for(
        "maskable-ppo", "contention", seed=seed, n_envs=16, n_steps=64, batch_size=256,
        total_timesteps=plan.agent_steps,
    )  # fmt: skip
    model = build(settings).model
    arguments: dict[str, Any] = {"scenario": plan.scenario, **engine}
    env = make_vec_env(ID, settings.n_envs, reward_scale="auto", seed=seed, **arguments)
    model.set_env(env)
    model.set_logger(Logger(folder=None, output_formats=[]))
    model.learn(plan.agent_steps)
    return ModelPolicy(model, name="maskable-ppo").frozen()
