"""The control plane twin: exact parts give the streams and indicators of the environment."""

import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import PRESETS, made, recorded, short
from twin_gym.policies import make_policy
from twin_gym.twins.hierarchy import (
    AutomatonTwin,
    ControlPlaneTwin,
    RespondingTwin,
    SignallingRecorder,
    service_world,
)
from twin_gym.twins.hierarchy.peers import ACCEPT, ESTABLISH, REJECT
from twin_gym.twins.signalling.acceptance import not_accepted


def policy_episode(env, policy, seed):
    """Runs one episode of a policy; returns observations and actions."""
    policy.reset(0)
    observation, info = env.reset(seed=seed)
    seen, actions, is_over = [], [], False
    while not is_over:
        mask = info["action_mask"]
        action = int(policy.actions(observation[None], mask[None])[0])
        seen.append(observation)
        actions.append(action)
        observation, _, _, is_over, info = env.step(action)
    return np.array(seen), np.array(actions)


@pytest.mark.parametrize("action", ["slice", "slot"])
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("policy_name", ["density", "random"])
def test_exact_parts_give_the_stream_byte_for_byte(name, action, policy_name):
    """Automaton, database, tracker and policy write the log that the recorder writes."""
    scenario = short(name, 5.0)
    policy = make_policy(policy_name, scenario, action)
    env = SignallingRecorder(made(scenario, action=action))
    seen, actions = policy_episode(env, policy, 5)
    emulated = ControlPlaneTwin.exact(policy).emulate(env.world)
    assert emulated.log.records.tobytes() == env.log.records.tobytes()
    np.testing.assert_array_equal(emulated.actions, actions)
    assert emulated.observations.tobytes() == seen.tobytes()


def test_automaton_is_a_message_twin():
    """It has what the control plane asks for."""
    assert isinstance(AutomatonTwin(), RespondingTwin)


class AcceptsNothing(AutomatonTwin):
    """A message twin that knows no policy: it rejects every session."""

    def decide(self, ue, decision):
        """Rejects, whatever was decided."""
        from twin_gym.twins.signalling.contents import SLICE_FULL

        return super().decide(ue, SLICE_FULL)


def test_what_the_message_twin_says_is_what_happens():
    """There are no books beside the messages: a twin that rejects all serves nobody."""
    env, _ = recorded("contention", horizon_s=5.0)
    policy = make_policy("density", short("contention", 5.0))
    log = ControlPlaneTwin(AcceptsNothing(), policy).emulate(env.world).log
    kinds = set(log.records["kind"].tolist())
    assert REJECT in kinds
    assert not {ACCEPT, ESTABLISH} & kinds
    offered = env.unwrapped.batch.row(0)["offered"].sum()
    assert (log.records["kind"] == REJECT).sum() == offered


def test_grammar_accepts_the_emulated_log():
    """A policy that is no default gives a log of the grammar, too."""
    scenario = short("contention", 10.0)
    env = made(scenario)
    env.reset(seed=2)
    world = service_world(env)
    log = ControlPlaneTwin.exact(make_policy("fifo", scenario)).emulate(world).log
    assert not_accepted(log, [one.five_qi for one in world.view().slices]) == ()


class TiedWorld:
    """One server; the second request loses patience, and a third comes, when the first departs."""

    name, seed, horizon_ns = "tied", 0, 25

    def __init__(self, view):
        self._view = view

    def view(self):
        """The rules of one server."""
        return self._view

    def arrivals_ns(self, s):
        """Three requests."""
        return iter((0, 5, 10))

    def holding_ns(self, s, number):
        """The third would be served beyond the horizon."""
        return 10

    def patience_ns(self, s, number):
        """The second gives up at 10, the third at 20."""
        return (5, 5, 10)[number]


def test_departures_come_before_timeouts_and_those_before_arrivals():
    """At the tied instants 10 and 20 the server is free before who waits gives up."""
    scenario = short("teletraffic-erlang-a")
    resource = scenario.resource_names[0]
    one = scenario.replace(capacity={resource: scenario.slices[0].demand[resource]})
    env = made(one)
    env.reset(seed=0)
    world = TiedWorld(service_world(env).view())
    log = ControlPlaneTwin.exact(make_policy("density", one)).emulate(world).log
    accepts = log.records[log.records["kind"] == ACCEPT]
    assert accepts["time_ns"].tolist() == [0, 10, 20]
    assert not (log.records["kind"] == REJECT).any()
