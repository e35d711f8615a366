"""Massive access: A2C learns which barring probability to broadcast.

Shows: levels as discrete actions of Stable-Baselines3, credit in simulated time, the bound of the
return, and an anchor that sees the backlog which is hidden from agents.

Prints the return of the trained agent and of rules in the same worlds, then the bound.

    python examples/bar_massive_access.py --steps 400000
"""

import argparse

from twin_gym.environments.massive_access.theory import access_bound
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import ModelPolicy, SemiMarkovA2C, make_vec_env
from twin_gym.scenario.loading import load


def main() -> None:
    """Trains and compares."""
    parser = argparse.ArgumentParser(description="A2C on massive access.")
    parser.add_argument("--steps", type=int, default=400_000, help="opportunities to learn from")
    parser.add_argument("--scenario", default="access-large-70", help="preset name or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=16, help="worlds to evaluate on")
    options = parser.parse_args()

    scenario = load(options.scenario)
    env = make_vec_env(
        "twin_gym/MassiveAccess-v0", 64, scenario=scenario, seed=options.seed, reward_scale="auto"
    )
    model = SemiMarkovA2C(
        "MlpPolicy", env, n_steps=32, learning_rate=1e-3, use_rms_prop=False, ent_coef=0.01,
        seed=options.seed, device="cpu",
    )  # fmt: skip
    model.learn(options.steps)

    seeds = world_seeds("validation", options.worlds)
    rules = [make_policy(name, scenario) for name in ("none", "fixed", "idle-estimator", "genie")]
    print("policy            return    answered %")
    for policy in (*rules, ModelPolicy(model, name="A2C")):
        found = evaluate(policy, scenario, seeds)
        print(
            f"{policy.name:<14} {found.returns.mean():>9.2f} "
            f"{100 * found.mean('access_success_probability'):>11.2f}"
        )
    print(f"{'bound':<14} {access_bound(scenario).total_return:>9.2f}")


if __name__ == "__main__":
    main()
