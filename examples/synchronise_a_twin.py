"""Right-time synchronisation: MaskablePPO learns which entity a twin should hear next.

Shows: one action an entity, MaskablePPO of sb3-contrib unchanged, and the bound of the relaxation.
A plain network has to learn every entity by itself and is far from the rules after so few steps;
`python -m agents.train --scenario sync-small` trains one network that all entities share.

Prints the return of the trained agent and of rules in the same worlds, then the bound.

    python examples/synchronise_a_twin.py --steps 400000
"""

import argparse

from sb3_contrib import MaskablePPO

from twin_gym.environments.right_time_sync.theory import relaxation_bound
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import ModelPolicy, make_vec_env
from twin_gym.scenario.loading import load


def main() -> None:
    """Trains and compares."""
    parser = argparse.ArgumentParser(description="MaskablePPO on a twin's updates.")
    parser.add_argument("--steps", type=int, default=400_000, help="slots to learn from")
    parser.add_argument("--scenario", default="sync-small", help="preset name or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=16, help="worlds to evaluate on")
    options = parser.parse_args()

    scenario = load(options.scenario)
    env = make_vec_env(
        "twin_gym/RightTimeSync-v0", 64, scenario=scenario, seed=options.seed, reward_scale="auto"
    )
    model = MaskablePPO(
        "MlpPolicy", env, n_steps=64, batch_size=1024, n_epochs=4, learning_rate=1e-3, gamma=0.98,
        ent_coef=0.003, seed=options.seed, device="cpu",
    )  # fmt: skip
    model.learn(options.steps)

    seeds = world_seeds("validation", options.worlds)
    rules = [
        make_policy(name, scenario) for name in ("random", "round-robin", "oldest-first", "whittle")
    ]
    print("policy            return   accuracy %   updates")
    for policy in (*rules, ModelPolicy(model, name="MaskablePPO")):
        found = evaluate(policy, scenario, seeds)
        print(
            f"{policy.name:<14} {found.returns.mean():>9.2f} "
            f"{100 * found.mean('scenario_accuracy'):>11.1f} "
            f"{found.mean('updates'):>9.0f}"
        )
    least = relaxation_bound(scenario)  # takes some seconds
    print(f"{'bound':<14} {-least * scenario.num_slots:>9.2f}")


if __name__ == "__main__":
    main()
