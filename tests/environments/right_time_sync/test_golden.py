"""Seeded trajectories of right-time synchronisation stay what they are (see `test_golden`).

Presets that replay measured series are left out: their data is not part of the project. Write the
hashes anew, after raising the version of the id:

    python -m tests.environments.right_time_sync.test_golden
"""

import hashlib
import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import twin_gym  # noqa: F401 - registers the environments
from twin_gym.scenario.loading import load, names

PATH = Path(__file__).with_name("golden.json")
ENV_ID = "twin_gym/RightTimeSync-v0"
SEED = 20_261_121
NUM_ENVS = 3
STEPS = 120
ACTIONS = ("pick", "rounds")


def is_replayed(preset):
    """Whether an episode needs data that is not part of the project."""
    return any(group.process.law == "replay" for group in load(preset).groups)


PRESETS = [name for name in names("sync") if not is_replayed(name)]
CASES = [(preset, action) for preset in PRESETS for action in ACTIONS]


def rollout_hash(preset, action):
    """Hash of the exact bytes of all that a fixed roll-out through three worlds returns."""
    env = gymnasium.make_vec(
        ENV_ID, num_envs=NUM_ENVS, scenario=preset, action=action, objective="vector"
    )
    digest = hashlib.sha256()
    observations, infos = env.reset(seed=SEED)
    for step in range(STEPS):
        digest.update(observations.tobytes())
        for name in sorted(name for name in infos if not name.startswith("_")):
            if isinstance(infos[name], np.ndarray):
                digest.update(name.encode() + infos[name].tobytes())
        actions = fixed_actions(step, env.single_action_space)
        observations, rewards, terminated, truncated, infos = env.step(actions)
        digest.update(rewards.tobytes() + terminated.tobytes() + truncated.tobytes())
    return digest.hexdigest()[:32]


def fixed_actions(step, space):
    """Entities in turn, nobody now and then; scores that go round."""
    lanes = np.arange(NUM_ENVS)
    if space.shape:
        turns = lanes[:, None] + np.arange(space.shape[0]) * (step + 1)
        return ((turns * 5 + step) % 7 / 7).astype(np.float32)
    return (7 * step + 3 * lanes) % int(space.n)


def written():
    """The hashes as they were written last."""
    return json.loads(PATH.read_text("utf-8"))


@pytest.mark.parametrize(("preset", "action"), CASES)
def test_trajectory_is_what_it_was(preset, action):
    """To the last bit; the message says whether the scenario or the simulation has changed."""
    known = written()[f"{preset}/{action}"]
    assert known["scenario"] == load(preset).digest, (
        f"the preset {preset!r} has changed: results on it are no longer comparable. Give it "
        "another name, or say so in CHANGELOG.md and write the hashes anew"
    )
    assert known["rollout"] == rollout_hash(preset, action), (
        f"seeded trajectories of {ENV_ID} have changed: raise its version (see this file's top)"
    )


def test_hashes_are_those_of_the_cases():
    """None is left over, and no two presets have the same trajectories."""
    held = written()
    assert set(held) == {f"{preset}/{action}" for preset, action in CASES}
    assert len({case["rollout"] for case in held.values()}) == len(CASES)


def write():
    """Writes all hashes anew."""
    found = {
        f"{preset}/{action}": {
            "scenario": load(preset).digest,
            "rollout": rollout_hash(preset, action),
        }
        for preset, action in CASES
    }
    PATH.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write()
