"""From the log of a running network to an agent that starts where its operator stands.

Shows: `record` (what the default policy did), `clone` (the policy twin), `warm_start` (the twin as
the initial actor of A2C), and the learning curve beside that of an agent that starts from nothing.

Prints what was loaded, and both curves. Writes the twin into `--out`, as safetensors and JSON.

    python examples/warm_start_from_a_twin.py --steps 200000
"""

import argparse
from pathlib import Path

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.policies import make_policy
from twin_gym.sb3 import (
    EvaluateOnWorlds,
    MaskedActorCriticPolicy,
    SemiMarkovA2C,
    make_vec_env,
    masked_policy_kwargs,
    warm_start,
)
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, clone, record


def make_model(scenario: AdmissionScenario) -> SemiMarkovA2C:
    """A2C with a masked actor of the twin's architecture."""
    env = make_vec_env(
        "twin_gym/SliceAdmission-v0", 64, scenario=scenario, seed=0, reward_scale="auto"
    )
    return SemiMarkovA2C(
        MaskedActorCriticPolicy, env, policy_kwargs=masked_policy_kwargs(scenario), n_steps=32,
        learning_rate=1e-3, use_rms_prop=False, ent_coef=0.01, seed=0, device="cpu",
    )  # fmt: skip


def main() -> None:
    """Logs, clones, starts, learns."""
    parser = argparse.ArgumentParser(description="A2C that starts from a policy twin.")
    parser.add_argument("--steps", type=int, default=200_000, help="decisions to learn from")
    parser.add_argument("--decisions", type=int, default=10_000, help="length of the log")
    parser.add_argument("--worlds", type=int, default=16, help="worlds to evaluate on")
    parser.add_argument("--out", type=Path, default=Path("runs/twin"))
    options = parser.parse_args()

    scenario = load("contention")
    log = record(make_policy("density", scenario), scenario, options.decisions)
    # A clone that is too sure of itself cannot explore: the smoothing keeps it open.
    twin = clone(log, scenario, settings=CloneSettings(smoothing=0.9))
    twin.save(options.out)

    started = make_model(scenario)
    print(warm_start(started, twin))
    curves = []
    for model in (started, make_model(scenario)):
        curve = EvaluateOnWorlds(max(options.steps // 8, 1), num_worlds=options.worlds)
        model.learn(options.steps, callback=curve)
        curves.append(curve.history)
    print("steps    revenue a second: from the twin, from nothing")
    for twin_line, plain_line in zip(*curves, strict=True):
        print(
            f"{twin_line['step']:>8.0f}    {twin_line['revenue_rate']:6.2f}"
            f"    {plain_line['revenue_rate']:6.2f}"
        )


if __name__ == "__main__":
    main()
