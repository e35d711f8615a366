"""The recorder: the same episode told as signalling."""

from collections import Counter

import gymnasium
import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import (
    PRESETS,
    made,
    random_episode,
    recorded,
    short,
    trajectory_hash,
)
from twin_gym.errors import ConfigError
from twin_gym.twins.hierarchy import SignallingRecorder
from twin_gym.twins.signalling.acceptance import not_accepted
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import CAUSES, FIVE_QIS
from twin_gym.twins.signalling.message import SNssai
from twin_gym.twins.signalling.replay import replay
from twin_gym.twins.signalling.wire import read_pcap

REQUEST = "PDU session establishment request"
ACCEPT = "PDU session establishment accept"
REJECT = "PDU session establishment reject"
RELEASE = "PDU session release request"


def five_qis_of(env):
    """The 5QI with which the sessions of each slice begin."""
    return [one.five_qi for one in env.world.view().slices]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("action", ["slice", "slot"])
def test_recorded_trajectory_is_equal_to_the_last_bit(name, action):
    """The hash of observations, rewards and infos is that of the bare environment."""
    env, steps = recorded(name, action=action)
    bare = random_episode(made(short(name), action=action), 3)
    assert trajectory_hash(steps) == trajectory_hash(bare)
    assert len(env.log) > len(steps)


@pytest.mark.parametrize("name", PRESETS)
def test_grammar_accepts_every_recorded_log(name):
    """No message stands where the procedures of the standard do not expect it."""
    env, _ = recorded(name)
    assert not_accepted(env.log, five_qis_of(env)) == ()


@pytest.mark.parametrize("name", PRESETS)
def test_automaton_says_every_recorded_message(name):
    """It learns the base station of a UE whose registration came before the log."""
    env, _ = recorded(name)
    assert replay(env.log, five_qis_of(env)).exact == 1.0


@pytest.mark.parametrize("name", PRESETS)
def test_log_counts_what_the_environment_counts(name):
    """Requests, accepts and rejects by cause are the counters of the episode."""
    env, _ = recorded(name)
    row, log = env.unwrapped.batch.row(0), env.log
    kinds = Counter(short_name(log[i].kind) for i in range(len(log)))
    causes = Counter(
        CAUSES[log[i].cause].value for i in range(len(log)) if short_name(log[i].kind) == REJECT
    )
    assert kinds[REQUEST] == row["offered"].sum()
    assert kinds[ACCEPT] == row["admitted"].sum()
    assert kinds[ACCEPT] - kinds[RELEASE] == row["in_service"].sum()
    lost = {69: "blocked", 67: "declined", 26: "expired"}
    assert {cause: causes[cause] for cause in lost} == {
        cause: row[counter].sum() for cause, counter in lost.items()
    }


def test_slices_have_the_identities_and_first_5qi_of_their_names():
    """Four slices of different S-NSSAI; sessions begin with 5QI 80, 85, 9 and 9."""
    env, _ = recorded("contention")
    assert env.log.slices == (SNssai(1, 1), SNssai(2), SNssai(3), SNssai(1, 2))
    accepts = env.log.records[[short_name(kind) == ACCEPT for kind in env.log.records["kind"]]]
    five_qis = {(one["s_nssai"], FIVE_QIS[one["five_qi"]]) for one in accepts}
    assert five_qis == {(1, 80), (2, 85), (3, 9), (4, 9)}


def test_capture_decodes_to_the_same_messages(tmp_path):
    """What the pcap says is what the log says; bytes carry no decisions."""
    env, _ = recorded("contention", horizon_s=5.0)
    env.to_pcap(tmp_path / "episode.pcap")
    log, back = env.log.records, read_pcap(tmp_path / "episode.pcap")
    assert not back.not_understood
    own = {"time_ns", "s_nssai", "decision"}
    for name in set(log.dtype.names) - own:
        np.testing.assert_array_equal(back.records[name], log[name], err_msg=name)
    np.testing.assert_array_equal(np.diff(back.records["time_ns"]), np.diff(log["time_ns"]))


def test_second_episode_begins_another_log():
    """A reset forgets the messages of the episode before, and follows the next world."""
    env, _ = recorded("contention", horizon_s=5.0)
    first = env.log.records
    env.reset()
    assert 0 < len(env.log) < len(first)
    assert env.log.records[0]["time_ns"] != first[0]["time_ns"]


def test_recorder_refuses_an_environment_that_tells_no_signalling():
    """The error names the facet that is missing."""
    env = SignallingRecorder(gymnasium.make("twin_gym/MassiveAccess-v0"))
    with pytest.raises(ConfigError, match="facet `signalling`"):
        env.reset(seed=0)


def test_log_is_refused_before_the_first_reset():
    """There is no episode to tell of."""
    with pytest.raises(ConfigError, match="call `reset`"):
        _ = SignallingRecorder(made(short("contention"))).log
