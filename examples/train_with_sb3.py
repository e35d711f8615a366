"""A first training: A2C of Stable-Baselines3 on many networks at once.

Shows: `make_vec_env` (64 networks in one call), a policy that obeys the mask, credit in simulated
time, and learning curves on worlds that no training sees.

Prints the learning curve, then the trained agent beside two rules in the same worlds. Writes
`model.zip` and `curve.csv` into the folder `--out`, and the curve for TensorBoard.

    python examples/train_with_sb3.py --steps 200000
    tensorboard --logdir runs/sb3
"""

import argparse
from pathlib import Path

from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.sb3 import (
    EvaluateOnWorlds,
    MaskedActorCriticPolicy,
    ModelPolicy,
    SemiMarkovA2C,
    make_vec_env,
    masked_policy_kwargs,
)
from twin_gym.scenario.loading import load


def main() -> None:
    """Trains, saves, compares."""
    parser = argparse.ArgumentParser(description="A2C on sliced networks.")
    parser.add_argument("--steps", type=int, default=200_000, help="decisions to learn from")
    parser.add_argument("--scenario", default="contention", help="preset name or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, default=32, help="worlds to evaluate on")
    parser.add_argument("--out", type=Path, default=Path("runs/sb3"))
    options = parser.parse_args()

    scenario = load(options.scenario)
    env = make_vec_env(
        "twin_gym/SliceAdmission-v0", 64, scenario=scenario, seed=options.seed, reward_scale="auto"
    )
    model = SemiMarkovA2C(
        MaskedActorCriticPolicy,
        env,
        policy_kwargs=masked_policy_kwargs(scenario),
        n_steps=32,
        learning_rate=1e-3,
        use_rms_prop=False,  # Adam
        ent_coef=0.01,
        seed=options.seed,
        tensorboard_log=str(options.out),
        device="cpu",
    )
    curve = EvaluateOnWorlds(
        max(options.steps // 10, 1),
        num_worlds=options.worlds,
        csv_path=options.out / "curve.csv",
    )
    model.learn(options.steps, callback=curve)
    model.save(options.out / "model.zip")

    print("steps    revenue a second")
    for line in curve.history:
        print(f"{line['step']:>8.0f}    {line['revenue_rate']:6.2f}")
    seeds = world_seeds("validation", options.worlds)
    print("\nin the same worlds")
    for policy in (ModelPolicy(model, name="A2C"), make_policy("density", scenario)):
        print(f"{policy.name:>8}    {evaluate(policy, scenario, seeds).mean('revenue_rate'):6.2f}")


if __name__ == "__main__":
    main()
