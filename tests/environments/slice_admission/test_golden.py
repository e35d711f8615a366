"""Seeded trajectories stay what they are: a change raises the version of the id.

`rollouts.json` holds hashes of the exact bytes of short roll-outs. Where a test here fails, either
the change was not meant to touch trajectories (find out why it does), or it was: then raise the
version of the id (`-v0` to `-v1`), say so in its Version History and in CHANGELOG.md, and write the
hashes anew:

    python -m tests.environments.slice_admission.test_golden

Draws go through a logarithm of our own; only lognormal and Pareto holding times and exponential
patience use the C library, whose last bit may differ between platforms. Times are rounded to
nanoseconds, so that this hardly ever reaches a trajectory.
"""

import hashlib
import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from twin_gym.scenario.loading import load, names

PATH = Path(__file__).with_name("golden.json")
SEED = 20_261_121
NUM_ENVS = 3
STEPS = 200

# Replayed presets need data that is not here; the readers of traces have tests of their own.
PRESETS = tuple(name for name in names("admission") if load(name).trace is None)
ACTIONS = ("slice", "slot")
CASES = [(i, p, a) for i in ("twin_gym/SliceAdmission-v0",) for p in PRESETS for a in ACTIONS]


def rollout_hash(env_id, preset, action):
    """Hash of the exact bytes of all that a fixed roll-out through three worlds returns."""
    env = gymnasium.make_vec(
        env_id, num_envs=NUM_ENVS, scenario=preset, action=action, objective="vector"
    )
    digest = hashlib.sha256()
    observations, infos = env.reset(seed=SEED)
    for step in range(STEPS):
        digest.update(observations.tobytes())
        for name in sorted(name for name in infos if not name.startswith("_")):
            if isinstance(infos[name], np.ndarray):
                digest.update(name.encode() + infos[name].tobytes())
        actions = np.zeros(NUM_ENVS, np.int64)
        for lane, mask in enumerate(infos["action_mask"]):
            allowed = np.flatnonzero(mask) if step % 5 else np.arange(len(mask))
            actions[lane] = allowed[(7 * step + 3 * lane) % len(allowed)]
        observations, rewards, terminated, truncated, infos = env.step(actions)
        digest.update(rewards.tobytes() + terminated.tobytes() + truncated.tobytes())
    return digest.hexdigest()[:32]


def written():
    """The hashes as they were written last."""
    return json.loads(PATH.read_text("utf-8"))


@pytest.mark.parametrize(("env_id", "preset", "action"), CASES)
def test_trajectory_is_what_it_was(env_id, preset, action):
    """To the last bit; the message says whether the scenario or the simulation has changed."""
    known = written().get(env_id, {}).get(f"{preset}/{action}")
    assert known is not None, (
        f"no hash of {env_id} with {preset}/{action}: see the top of this file"
    )
    assert known["scenario"] == load(preset).digest, (
        f"the preset {preset!r} has changed: results on it are no longer comparable. Give it "
        "another name, or say so in CHANGELOG.md and write the hashes anew"
    )
    assert known["rollout"] == rollout_hash(env_id, preset, action), (
        f"seeded trajectories of {env_id} have changed: raise its version (see this file's top)"
    )


def test_no_hash_is_left_over():
    """Every hash belongs to an id and a preset that exist."""
    held = {(env_id, name) for env_id, cases in written().items() for name in cases}
    assert held == {(env_id, f"{preset}/{action}") for env_id, preset, action in CASES}


def test_hashes_tell_the_cases_apart():
    """No two presets or forms of action have the same trajectories."""
    hashes = [case["rollout"] for cases in written().values() for case in cases.values()]
    assert len(set(hashes)) == len(hashes) == len(CASES)


def write():
    """Writes all hashes anew."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for env_id, preset, action in CASES:
        found.setdefault(env_id, {})[f"{preset}/{action}"] = {
            "scenario": load(preset).digest,
            "rollout": rollout_hash(env_id, preset, action),
        }
    PATH.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write()
