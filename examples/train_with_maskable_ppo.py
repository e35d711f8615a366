"""MaskablePPO of sb3-contrib, as in any of its scripts: the masks are found by their usual name.

Shows: `sb3_contrib.MaskablePPO` unchanged on `make_vec_env`, saving, loading, and acting with the
mask by hand. `SemiMarkovMaskablePPO` takes the same arguments and gives credit in simulated time.

Prints the revenue a second of the loaded model in one network. Writes `model.zip` into `--out`.

    python examples/train_with_maskable_ppo.py --steps 200000
"""

import argparse
from pathlib import Path

import gymnasium
from sb3_contrib import MaskablePPO

from twin_gym.sb3 import make_vec_env

ENV_ID = "twin_gym/SliceAdmission-v0"


def main() -> None:
    """Trains, saves, loads, acts."""
    parser = argparse.ArgumentParser(description="MaskablePPO on sliced networks.")
    parser.add_argument("--steps", type=int, default=200_000, help="decisions to learn from")
    parser.add_argument("--scenario", default="contention", help="preset name or TOML file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/maskable_ppo"))
    options = parser.parse_args()

    env = make_vec_env(
        ENV_ID, 32, scenario=options.scenario, seed=options.seed, reward_scale="auto"
    )
    model = MaskablePPO(
        "MlpPolicy", env, n_steps=64, batch_size=512, n_epochs=4, gamma=0.999, gae_lambda=0.98,
        ent_coef=0.01, seed=options.seed, device="cpu",
    )  # fmt: skip
    model.learn(options.steps)
    options.out.mkdir(parents=True, exist_ok=True)
    model.save(options.out / "model.zip")

    # An SB3 zip holds pickles: load only what you saved yourself or trust.
    loaded = MaskablePPO.load(options.out / "model.zip", device="cpu")
    single = gymnasium.make(ENV_ID, scenario=options.scenario)
    observation, info = single.reset(seed=10_000)
    truncated = False
    while not truncated:
        action, _ = loaded.predict(
            observation, action_masks=info["action_mask"], deterministic=True
        )
        observation, _, _, truncated, info = single.step(action)
    print(f"revenue a second: {info['kpi']['revenue_rate']:.2f}")
    print(f"disallowed actions: {info['disallowed_actions']}")


if __name__ == "__main__":
    main()
