"""The tracker: observation and mask of the environment, from messages alone."""

import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import PRESETS, made, random_episode, short
from twin_gym.twins.hierarchy import ServiceTracker, SignallingRecorder
from twin_gym.twins.hierarchy.peers import ACCEPT, RELEASE, REQUEST
from twin_gym.twins.signalling.message import Message


class Comparison:
    """Rebuilds what the policy sees from the messages of a recorder, beside the environment."""

    def __init__(self, env):
        self.env = env
        self.num_read = self.num_compared = 0

    def __call__(self, observation, info):
        """Compares at a decision; the messages are those that the log has got since the last."""
        if not self.num_compared:
            self.view = self.env.world.view()
            self.tracker = ServiceTracker(len(self.view.slices))
        log = self.env.log
        self.tracker.take_all(log[place] for place in range(self.num_read, len(log)))
        self.num_read = len(log)
        rebuilt, mask = self.view.observe(self.tracker.state)
        assert rebuilt.tobytes() == observation.tobytes()
        np.testing.assert_array_equal(mask, info["action_mask"])
        self.num_compared += 1


@pytest.mark.parametrize(("action", "seed"), [("slice", 3), ("slice", 8), ("slot", 5)])
@pytest.mark.parametrize("name", PRESETS)
def test_rebuilt_observation_is_that_of_the_environment(name, action, seed):
    """Every float and every entry of the mask is equal at every decision of a lossless log."""
    env = SignallingRecorder(made(short(name, 4.0), action=action))
    compared = Comparison(env)
    random_episode(env, seed, compared)
    assert compared.num_compared > 10


def test_messages_of_a_half_seen_procedure_are_enough():
    """An accept tells of a session whose request and N4 establishment the tap missed."""
    tracker = ServiceTracker(2)
    tracker.take(Message(5, ACCEPT, ue=7, s_nssai=2))
    assert tracker.state.in_service == [0, 1]
    tracker.take(Message(6, REQUEST, ue=7, s_nssai=1))
    assert tracker.state.in_service == [0, 0]
    assert [one.arrival_ns for one in tracker.state.waiting[0]] == [6]


def test_release_of_an_unknown_session_changes_nothing():
    """The tap may begin in the middle."""
    tracker = ServiceTracker(1)
    tracker.take(Message(5, RELEASE, ue=7))
    assert tracker.state.in_service == [0]


@pytest.mark.usefixtures("data_dir")
def test_time_of_day_of_a_trace_is_that_of_the_operators_clock():
    """A replayed trace begins at a time of day that no message tells, and the clock does."""
    env = SignallingRecorder(made(short("service-trace", 8000.0)))
    compared = Comparison(env)
    random_episode(env, 2, compared)
    assert compared.num_compared > 1
    assert compared.view.clock_ns > 0
