"""A rule in ten lines of NumPy, on 256 networks side by side: no learning library is needed.

Shows: `gym.make_vec`, the masks in `infos`, rewards and simulated seconds as arrays. The rule
admits by revenue density, and admits `ubiquitous` only while much radio is free.

Prints the revenue a second of the rule, and of admitting whatever has the highest density.

    python examples/numpy_loop.py --steps 4000
"""

import argparse
from collections.abc import Callable

import gymnasium
import numpy as np
from numpy.typing import NDArray

import twin_gym  # noqa: F401 - registers the environments

# The actions of `contention`: its four slices, in this order, and waiting.
IMMERSIVE, HRLLC, MASSIVE, UBIQUITOUS, WAIT = range(5)
FREE_RADIO = 0  # the first observed value: share of the radio that is free

Observations = NDArray[np.float32]
Masks = NDArray[np.int8]
Actions = NDArray[np.int64]
Rule = Callable[[Observations, Masks], Actions]


def density(observations: Observations, masks: Masks) -> Actions:
    """The densest slice of which a request waits and fits."""
    actions = np.full(len(masks), WAIT)
    for choice in (UBIQUITOUS, IMMERSIVE, MASSIVE, HRLLC):  # the best one last
        actions[masks[:, choice] == 1] = choice
    return actions


def keep_radio_free(observations: Observations, masks: Masks) -> Actions:
    """The same, but `ubiquitous` must leave 40 % of the radio to the others."""
    masks = masks.copy()
    masks[observations[:, FREE_RADIO] < 0.12 + 0.40, UBIQUITOUS] = 0
    return density(observations, masks)


def revenue_per_s(rule: Rule, num_steps: int) -> float:
    """Mean revenue a second of a rule in 256 networks."""
    env = gymnasium.make_vec(
        "twin_gym/SliceAdmission-v0", num_envs=256, vectorization_mode="vector_entry_point"
    )
    observations, infos = env.reset(seed=0)
    earned = passed_s = 0.0
    for _ in range(num_steps):
        actions = rule(observations, infos["action_mask"])
        observations, rewards, _, _, infos = env.step(actions)
        earned += rewards.sum()
        passed_s += infos["elapsed_s"].sum()
    return float(earned / passed_s)


def main() -> None:
    """Both rules, in the same worlds."""
    parser = argparse.ArgumentParser(description="A rule on sliced networks.")
    parser.add_argument("--steps", type=int, default=4_000, help="decisions of each network")
    options = parser.parse_args()
    for name, rule in (("density", density), ("keep radio free", keep_radio_free)):
        print(f"{name:>16}    {revenue_per_s(rule, options.steps):6.2f}")


if __name__ == "__main__":
    main()
