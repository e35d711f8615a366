"""Tiny instant communication: PPO learns the weights by which gateways choose who goes first.

Shows: weights as amounts in a box, frames as steps, and indicators of an evaluation.

Prints the return of the trained agent and of rules in the same worlds.

    python examples/schedule_tiny_messages.py --steps 200000
"""

import argparse

from stable_baselines3 import PPO

from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import ModelPolicy, make_vec_env
from twin_gym.scenario.loading import load


def main() -> None:
    """Trains and compares."""
    parser = argparse.ArgumentParser(description="PPO on tiny messages with deadlines.")
    parser.add_argument("--steps", type=int, default=200_000, help="frames to learn from")
    parser.add_argument("--scenario", default="tic-small-70", help="preset name or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=16, help="worlds to evaluate on")
    options = parser.parse_args()

    scenario = load(options.scenario)
    env = make_vec_env(
        "twin_gym/TicScheduling-v0", 32, scenario=scenario, seed=options.seed, reward_scale="auto"
    )
    model = PPO(
        "MlpPolicy", env, n_steps=64, batch_size=512, n_epochs=4, gamma=0.9,
        policy_kwargs={"log_std_init": -1.0}, seed=options.seed, device="cpu",
    )  # fmt: skip
    model.learn(options.steps)

    seeds = world_seeds("validation", options.worlds)
    rules = [
        make_policy(name, scenario) for name in ("random", "first-come", "edf", "latency-deadline")
    ]
    print("policy               return   on time %   99.9 % ms")
    for policy in (*rules, ModelPolicy(model, name="PPO")):
        found = evaluate(policy, scenario, seeds)
        print(
            f"{policy.name:<17} {found.returns.mean():>9.2f} "
            f"{100 * found.mean('on_time_share'):>11.2f} "
            f"{1000 * found.mean('latency_p999_s'):>11.3f}"
        )


if __name__ == "__main__":
    main()
