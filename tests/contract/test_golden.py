"""Seeded trajectories stay what they are: a change raises the version of the id.

The `golden.json` beside the case of an environment holds hashes of the exact bytes of short
roll-outs. Where a test here fails, either the change was not meant to touch trajectories (find out
why it does), or it was: then raise the version of the id (`-v0` to `-v1`), say so in its Version
History and in CHANGELOG.md, and write the hashes of this environment anew:

    python -m tests.contract.test_golden tic

Draws go through a logarithm of the project's own; only lognormal and Pareto holding times and
exponential patience use the C library, whose last bit may differ between platforms. Times are
rounded to nanoseconds, so that this hardly ever reaches a trajectory.
"""

import hashlib
import json
import sys

import numpy as np
import pytest

from tests.contract.case import NUM_LANES
from tests.contract.cases import KINDS, PRESETS, case_of, golden_path, vector
from twin_gym.environments.kinds import kind_named
from twin_gym.scenario.loading import load

SEED = 20_261_121


def written(kind):
    """The hashes as they were written last; none where there is no file."""
    path = golden_path(kind)
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


KEPT = [kind for kind in KINDS if written(kind)]
CASES = [(kind, *name.rsplit("/", 1)) for kind in KEPT for name in written(kind)]


def rollout_hash(kind, form, preset):
    """Hash of the exact bytes of all that a fixed roll-out through three worlds returns."""
    case = case_of(kind)
    env = vector(kind, form, preset, NUM_LANES, objective="vector")
    digest = hashlib.sha256()
    observations, infos = env.reset(seed=SEED)
    for step in range(case.golden_steps):
        digest.update(observations.tobytes())
        for name in sorted(name for name in infos if not name.startswith("_")):
            if isinstance(infos[name], np.ndarray):
                digest.update(name.encode() + infos[name].tobytes())
        actions = case.golden_actions(step, env.single_action_space, infos.get("action_mask"))
        observations, rewards, terminated, truncated, infos = env.step(actions)
        digest.update(rewards.tobytes() + terminated.tobytes() + truncated.tobytes())
    return digest.hexdigest()[:32]


@pytest.mark.parametrize(("kind", "preset", "form"), CASES)
def test_trajectory_is_what_it_was(kind, preset, form):
    """To the last bit; the message says whether the scenario or the simulation has changed."""
    case_of(kind).whole(preset)
    known = written(kind)[f"{preset}/{form}"]
    assert known["scenario"] == load(preset).digest, (
        f"the preset {preset!r} has changed: results on it are no longer comparable. Give it "
        "another name, or say so in CHANGELOG.md and write the hashes anew"
    )
    assert known["rollout"] == rollout_hash(kind, form, preset), (
        f"seeded trajectories of {kind_named(kind).id} have changed: raise its version (see this "
        "file's top)"
    )


@pytest.mark.parametrize("kind", KEPT)
def test_every_preset_has_a_hash_of_its_own(kind):
    """In every form; where a preset replays data that is not here, there need not be one."""
    hashes = [one["rollout"] for one in written(kind).values()]
    assert len(set(hashes)) == len(hashes)
    possible = {f"{preset}/{form}": preset for one, form, preset in PRESETS if one == kind}
    needed = {
        name for name, preset in possible.items() if not case_of(kind).needs_data(load(preset))
    }
    assert needed <= set(written(kind)) <= set(possible)


def write(kind):
    """Writes the hashes of an environment anew: of all that was there, and of what is new."""
    found = {}
    for one, form, preset in sorted(PRESETS, key=lambda case: (case[2], case[1])):
        name, scenario = f"{preset}/{form}", load(preset)
        if one == kind and (name in written(kind) or not case_of(kind).needs_data(scenario)):
            rollout = rollout_hash(kind, form, preset)
            found[name] = {"scenario": scenario.digest, "rollout": rollout}
    golden_path(kind).write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    for named in sys.argv[1:]:
        write(named)
