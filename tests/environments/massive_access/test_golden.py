"""Massive access: seeded trajectories stay what they are (see `test_golden.py`, whose rules hold).

    python -m tests.environments.massive_access.test_golden

writes the hashes anew.
"""

import hashlib
import json
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from twin_gym.scenario.loading import load, names

PATH = Path(__file__).with_name("golden.json")
ENV_ID = "twin_gym/MassiveAccess-v0"
SEED = 20_261_121
NUM_ENVS = 3
STEPS = 400
CASES = [(preset, action) for preset in names("access") for action in ("level", "probability")]


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
        level = (7 * step + 3 * np.arange(NUM_ENVS)) % 5
        actions = level if action == "level" else (level[:, None] + 1) / 8
        observations, rewards, terminated, truncated, infos = env.step(actions)
        digest.update(rewards.tobytes() + terminated.tobytes() + truncated.tobytes())
    return digest.hexdigest()[:32]


def written():
    """The hashes as they were written last."""
    return json.loads(PATH.read_text("utf-8"))


@pytest.mark.parametrize(("preset", "action"), CASES)
def test_trajectory_is_what_it_was(preset, action):
    """To the last bit; the message says whether the scenario or the simulation has changed."""
    known = written()[f"{preset}/{action}"]
    assert known["scenario"] == load(preset).digest, (
        f"the preset {preset!r} has changed: give it another name, or say so in CHANGELOG.md"
    )
    assert known["rollout"] == rollout_hash(preset, action), (
        f"seeded trajectories of {ENV_ID} have changed: raise its version"
    )


def test_hashes_belong_to_the_cases_and_tell_them_apart():
    """No hash is left over, and no two are the same."""
    assert set(written()) == {f"{preset}/{action}" for preset, action in CASES}
    assert len({case["rollout"] for case in written().values()}) == len(CASES)


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
