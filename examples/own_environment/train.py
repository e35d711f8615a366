"""An environment in a package of its own: MaskablePPO learns which item makes room.

Shows: what a registered kind gets without a change in twin_gym: the form for Stable-Baselines3 with
masks, credit in simulated time, evaluation in the same worlds, and a what-if question.

Prints the share of requests that are hits for each policy, the most that is possible, and what
twice as many places would do for the default policy.

    python examples/own_environment/train.py --steps 200000
"""

import argparse

from edge_caching import KIND
from edge_caching.scenario import CachingScenario
from edge_caching.theory import most_hits
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.what_if import what_if
from twin_gym.sb3 import ModelPolicy, SemiMarkovMaskablePPO, make_vec_env
from twin_gym.scenario.loading import load


def main() -> None:
    """Trains, compares and asks."""
    parser = argparse.ArgumentParser(description="MaskablePPO on edge caching.")
    parser.add_argument("--steps", type=int, default=200_000, help="requests to learn from")
    parser.add_argument("--worlds", type=int, default=16, help="worlds to evaluate on")
    options = parser.parse_args()

    scenario = load("caching-small", CachingScenario)
    env = make_vec_env(KIND.id, 32, scenario=scenario, seed=0, reward_scale="auto")
    model = SemiMarkovMaskablePPO(
        "MlpPolicy", env, n_steps=64, batch_size=256, learning_rate=2e-3, seed=0, device="cpu",
    )  # fmt: skip
    model.learn(options.steps)

    seeds = world_seeds("validation", options.worlds)
    rules = [make_policy(name, scenario) for name in ("random", "lru", "lfu", "static")]
    for policy in (*rules, ModelPolicy(model, name="MaskablePPO")):
        found = evaluate(policy, scenario, seeds)
        print(f"{policy.name:<14} {100 * found.mean('hit_ratio'):6.2f} % hits")
    print(f"{'at most':<14} {100 * most_hits(scenario):6.2f} % hits")
    answer = what_if("lru", scenario, {"num_places": 16}, seeds=seeds, reconfigured=True)
    gained = answer.by_change["hit_ratio"]
    print(f"twice the places: {100 * gained.mean:+.2f} ± {100 * gained.half_width:.2f} points")


if __name__ == "__main__":
    main()
