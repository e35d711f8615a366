"""`engine="twin"`: the environment whose control plane is the emulation."""

import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import (
    PRESETS,
    made,
    random_episode,
    short,
    trajectory_hash,
)
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.hierarchy import AutomatonTwin
from twin_gym.twins.hierarchy.message_twin import METADATA_FILE, register_message_twin
from twin_gym.twins.signalling.contents import SLICE_FULL


class RejectsAll(AutomatonTwin):
    """A message twin that rejects every session, whatever was decided."""

    def decide(self, ue, decision):
        """Rejects."""
        return super().decide(ue, SLICE_FULL)


@pytest.mark.parametrize("action", ["slice", "slot"])
@pytest.mark.parametrize("name", PRESETS)
def test_exact_twin_is_equal_to_the_kernel(name, action):
    """Observations, rewards, infos and indicators of an episode, to the last bit."""
    episodes = [
        random_episode(made(short(name, 8.0), action=action, engine=engine), 4)
        for engine in ("kernel", "twin")
    ]
    assert len(episodes[0]) > 10
    assert trajectory_hash(episodes[0]) == trajectory_hash(episodes[1])


@pytest.mark.parametrize("objective", ["utilisation", "fairness", "vector"])
def test_other_objectives_are_equal_to_the_kernel(objective):
    """What is added up while time passes is added in the same order."""
    rewards = [
        [
            np.asarray(reward).tolist()
            for _, reward, _ in random_episode(
                made(short("contention", 4.0), objective=objective, engine=engine).unwrapped, 4
            )[1:]
        ]
        for engine in ("kernel", "twin")
    ]
    assert rewards[0] == rewards[1]


def test_twin_is_read_from_its_folder(tmp_path):
    """A saved automaton is the automaton."""
    AutomatonTwin().save(tmp_path / "twin")
    scenario = short("contention", 4.0)
    env = made(scenario, engine="twin", twin=str(tmp_path / "twin"))
    assert trajectory_hash(random_episode(env, 4)) == trajectory_hash(
        random_episode(made(scenario), 4)
    )


def test_environment_does_what_its_message_twin_says(tmp_path):
    """With a twin that rejects all, no action earns anything, and observations stay in bounds."""
    register_message_twin("rejects-all", lambda folder, about: RejectsAll())
    (tmp_path / METADATA_FILE).write_text('{"kind": "rejects-all"}')
    env = made(short("contention", 4.0), engine="twin", twin=str(tmp_path))
    steps = random_episode(env, 4)
    row = env.unwrapped.batch.row(0)
    assert not row["admitted"].any()
    assert row["offered"].sum() == row["blocked"].sum() + row["queue_length"].sum()
    assert row["blocked"].any()
    assert all(env.observation_space.contains(observation) for observation, _, _ in steps)


def test_unknown_kind_of_message_twin_is_refused(tmp_path):
    """The error has the kinds that are known, and comes before an episode."""
    (tmp_path / METADATA_FILE).write_text('{"kind": "automatom"}')
    with pytest.raises(UnknownNameError, match="automaton"):
        made(short("contention"), engine="twin", twin=str(tmp_path))


def test_folder_without_its_engine_is_refused():
    """Nothing would read it."""
    with pytest.raises(ConfigError, match="engine='twin'"):
        made(short("contention"), twin="somewhere")
