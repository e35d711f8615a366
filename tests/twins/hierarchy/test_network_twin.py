"""A trained message twin as the control plane: what it says, what it is told, its folder."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import made, random_episode, recorded, short
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import make_policy
from twin_gym.twins import CloneSettings, PolicyTwin, clone, record
from twin_gym.twins.hierarchy import (
    AutomatonTwin,
    ControlPlaneTwin,
    EmulatedNetwork,
    NetworkTwin,
    RespondingTwin,
    SignallingRecorder,
    late_decisions,
    load_message_twin,
)
from twin_gym.twins.hierarchy.message_twin import METADATA_FILE
from twin_gym.twins.hierarchy.peers import ACCEPT, ESTABLISH, MODIFY, REJECT, REQUEST, Ues
from twin_gym.twins.signalling.contents import INSUFFICIENT_RESOURCES
from twin_gym.twins.signalling.learned.fidelity import predictions
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import GRANTED, NOT_ASKED, Message, SNssai
from twin_gym.twins.signalling.replay import replay
from twin_gym.twins.signalling.wire import read_pcap

SETTINGS = MessageTwinSettings(layers=1, width=32, heads=2, window=64, num_steps=150)
TINY = MessageTwinSettings(layers=1, width=8, heads=2, window=8, num_steps=2, batch_size=2)


@pytest.fixture(scope="module")
def log():
    """Messages of a contended network."""
    return recorded("contention", horizon_s=10.0)[0].log


@pytest.fixture(scope="module")
def twin(log):
    """A twin that has learned most of what the core says there."""
    return NetworkTwin.train(log, SETTINGS)


@pytest.fixture(scope="module")
def alone(log):
    """A twin that is told of no decision."""
    return NetworkTwin.train(log, TINY, asks_policy=False)


@pytest.fixture
def folder(twin, tmp_path):
    """Where the twin is saved."""
    twin.save(tmp_path / "twin")
    return tmp_path / "twin"


@pytest.fixture(scope="module")
def world():
    """A world that the twin has not learned from."""
    return recorded("contention", seed=8, horizon_s=10.0)[0].world


@pytest.fixture(scope="module")
def policy():
    """The default policy."""
    return make_policy("density", short("contention"))


def test_trained_twin_says_nearly_what_the_automaton_says(twin, world, policy):
    """It is a message twin, which rejects and admits as the policy decides."""
    assert isinstance(twin, RespondingTwin)
    learned = ControlPlaneTwin(twin, policy).emulate(world).log
    exact = ControlPlaneTwin.exact(policy).emulate(world).log
    for kind in (REQUEST, ESTABLISH, REJECT):
        counts = [(one.column("kind") == kind).sum() for one in (learned, exact)]
        assert counts[0] == pytest.approx(counts[1], rel=0.1)
    assert replay(learned, [80, 85, 9, 9]).exact > 0.9


@pytest.mark.parametrize("context", ["per-ue", "interleaved"])
def test_inputs_of_the_network_are_those_of_its_training(log, context):
    """Of the same past it says what windows of the log make it say."""
    settings = replace(TINY, context=context, window=150)
    told = MessageLog(log.records[:150], log.slices)
    untrained = NetworkTwin.train(told, settings)
    twin = NetworkTwin(untrained.twin.decoded("free"))
    replayed = replay(told, [80, 85, 9, 9])
    said = predictions(twin.twin, told, replayed)
    begun = {one.place for one in replayed.scored if not one.is_answer}
    assert len(said) > 50
    assert 10 < len(begun) < len(said)
    for place in range(150):
        message, is_begun = told[place], place in begun
        if place in said:
            found = twin._next(
                message.ue, is_begun=is_begun, decision=message.decision, allowed=None
            )
            assert found == said[place]
        twin._note(message, is_begun=is_begun)
    assert len(set(said.values())) > 1


def test_fresh_twin_has_heard_nothing(twin, world, policy):
    """Episodes do not know of one another, nor do twins that share a network."""
    emulations = [ControlPlaneTwin(twin.fresh(), policy).emulate(world) for _ in range(2)]
    again = ControlPlaneTwin(twin, policy).emulate(world)
    logs = {one.log.records.tobytes() for one in (*emulations, again)}
    assert len(logs) == 1
    twin.begin(())
    assert not twin._past
    assert not twin.fresh()._past


def test_twin_alone_answers_every_request_at_once(alone, world, policy):
    """Nobody is asked and nothing waits, whether it fits or not."""
    emulation = ControlPlaneTwin(alone, policy).emulate(world)
    log = emulation.log
    requests = np.flatnonzero(log.column("kind") == REQUEST)
    assert not len(emulation.actions)
    assert set(log.column("kind")[requests + 1]) <= {ESTABLISH, REJECT}
    assert (log.column("decision") == NOT_ASKED).all()


class AdmitsAll(AutomatonTwin):
    """A message twin that knows no policy: it admits every session."""

    def decide(self, ue, decision):
        """Admits."""
        return super().decide(ue, GRANTED)


class Eager(AutomatonTwin):
    """A message twin that admits before anybody is asked."""

    def hear(self, message):
        """Admits at once."""
        answers = super().hear(message)
        if message.kind == REQUEST:
            return super().decide(message.ue, GRANTED)
        return answers


class Silent(AutomatonTwin):
    """A message twin that says nothing about sessions."""

    def decide(self, ue, decision):
        """Says nothing."""
        return ()


class Chatty(AutomatonTwin):
    """A message twin that answers every message of the UPF with another request to it."""

    def hear(self, message):
        """The usual answers, or the same request again."""
        if message.seid:
            return (Message(0, MODIFY, message.ue),)
        return super().hear(message)

    def sent(self, message):
        """Remembers nothing."""


@pytest.mark.parametrize("kind", [AdmitsAll, Eager, Silent, Chatty])
@pytest.mark.parametrize(
    ("name", "action"),
    [("contention", "slice"), ("contention", "slot"), ("teletraffic-small", "slice")],
)
def test_episode_ends_whatever_the_message_twin_says(kind, name, action, monkeypatch):
    """Time passes in spite of too many sessions, of silence, and of endless procedures."""
    monkeypatch.setattr("twin_gym.environments.slice_admission.signalling.AutomatonTwin", kind)
    env = SignallingRecorder(made(short(name, 4.0), action=action, engine="twin"))
    steps = random_episode(env, 4)
    assert all(env.observation_space.contains(observation) for observation, _, _ in steps)
    assert env.log.records[-1]["time_ns"] > 3e9
    row = env.unwrapped.batch.row(0)
    assert (row["admitted"].sum() == 0) == (kind is Silent)


def test_decision_that_comes_to_nothing_lets_time_pass(world):
    """A policy that would always admit is asked again at the next event, not for ever."""
    network = EmulatedNetwork(world, Silent())
    num_decisions = 0
    while not network.is_over and num_decisions < 5_000:
        _, mask = network.view.observe(network.state)
        network.decide(int(mask.argmax()))
        num_decisions += 1
    assert network.is_over
    assert num_decisions > 5


class Anonymous(AutomatonTwin):
    """The automaton without the identities that a database knows."""

    def hear(self, message):
        """The usual answers, stripped."""
        return [self._stripped(one) for one in super().hear(message)]

    def decide(self, ue, decision):
        """Likewise."""
        return [self._stripped(one) for one in super().decide(ue, decision)]

    @staticmethod
    def _stripped(message):
        return replace(message, gnb=-1, pti=0, seid=0)


def test_database_fills_in_what_a_message_twin_cannot_know(world, policy):
    """Transaction, SEID and base station are on record: the stream is that of the automaton."""
    stripped = ControlPlaneTwin(Anonymous(), policy).emulate(world).log
    exact = ControlPlaneTwin.exact(policy).emulate(world).log
    assert stripped.records.tobytes() == exact.records.tobytes()
    answers = exact.records[np.isin(exact.column("kind"), (ACCEPT, REJECT))]
    assert (answers["pti"] > 0).all()
    assert (exact.records["seid"][exact.column("kind") == MODIFY] > 0).all()


def test_saved_twin_is_the_control_plane_of_the_environment(folder, twin, world, policy):
    """The recorder tells what the emulated control plane says, which is what `emulate` gives."""
    env = SignallingRecorder(made(short("contention"), engine="twin", twin=str(folder)))
    policy.reset(0)
    observation, info = env.reset(seed=8)
    is_over = False
    while not is_over:
        action = int(policy.actions(observation[None], info["action_mask"][None])[0])
        observation, _, _, is_over, info = env.step(action)
    emulated = ControlPlaneTwin(twin, policy).emulate(env.world)
    assert env.log.records.tobytes() == emulated.log.records.tobytes()
    assert env.num_messages == len(env.log)


def test_folder_of_the_training_command_is_read_too(twin, tmp_path):
    """A message twin without a word on its use decodes by the grammar and asks the policy."""
    twin.twin.save(tmp_path)
    read = load_message_twin(tmp_path)
    assert read.asks_policy
    assert read.twin.decoding == "grammar"
    assert read.slices == ()


def test_what_a_folder_says_is_kept(alone, tmp_path):
    """Decoding, slices, and whether the policy is asked."""
    NetworkTwin(alone.twin.decoded("free"), asks_policy=False, slices=alone.slices).save(tmp_path)
    read = load_message_twin(tmp_path)
    assert (read.twin.decoding, read.asks_policy, read.slices) == ("free", False, alone.slices)
    assert len(read.slices) == 4


def refused(folder, match, error=ConfigError):
    """The environment is not made."""
    with pytest.raises(error, match=match):
        made(short("contention"), engine="twin", twin=str(folder))


def test_folder_that_is_wrong_is_refused_before_an_episode(folder, tmp_path):
    """The error names the file and what is wrong with it."""
    refused(tmp_path / "nowhere", "holds no message twin")
    about = json.loads((folder / METADATA_FILE).read_text())
    for values, match, error in (
        ({"asks_policy": "yes"}, "asks_policy", ConfigError),
        ({"slices": [["one", None]]}, "pairs of SST and SD", ConfigError),
        ({"slices": 4}, "pairs of SST and SD", ConfigError),
        ({"decodes": "free"}, "unknown keys", ConfigError),
        ({"decoding": "beam"}, "grammar", UnknownNameError),
    ):
        (folder / METADATA_FILE).write_text(json.dumps(about | values))
        refused(folder, match, error)
    (folder / METADATA_FILE).write_text(json.dumps(about))
    weights = folder / "message.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1])
    refused(folder, "message.safetensors")
    weights.unlink()
    refused(folder, "message.safetensors")


def test_twin_of_other_slices_is_refused(twin, tmp_path):
    """A slice is a number in its messages: in another order each would be taken for another."""
    NetworkTwin(twin.twin, slices=twin.slices[::-1]).save(tmp_path)
    refused(tmp_path, "SST 1 SD 2, SST 3, SST 2, SST 1 SD 1")
    with pytest.raises(ConfigError, match="knows 4 slices at most"):
        twin.check_fits([SNssai(number) for number in range(1, 6)])


def test_slices_of_a_log_are_numbered_as_asked(log):
    """Each message keeps its slice; a list without one of them is refused."""
    order = (SNssai(9), *log.slices[::-1])
    again = log.with_slices(order)
    some = np.flatnonzero(log.column("s_nssai"))[:20].tolist()
    for place in some:
        assert again.slices[again[place].s_nssai - 1] == log.slices[log[place].s_nssai - 1]
    assert again.with_slices((*log.slices, SNssai(9))).records.tobytes() == log.records.tobytes()
    with pytest.raises(ConfigError, match="name every slice"):
        log.with_slices(log.slices[1:])


def test_decisions_of_a_capture_are_told_as_those_of_a_recorder(log, tmp_path):
    """What the bytes tell of decisions is all of them."""
    log.to_pcap(tmp_path / "core.pcap")
    read = read_pcap(tmp_path / "core.pcap").with_slices(log.slices)
    assert (read.column("decision") != log.column("decision")).any()
    late = late_decisions(read)
    np.testing.assert_array_equal(late.column("decision"), log.column("decision"))
    np.testing.assert_array_equal(late.column("s_nssai"), log.column("s_nssai"))


def test_hidden_decisions_are_in_no_message(log):
    """The automaton reads them from what the core did, and tells the same messages apart."""
    hidden = late_decisions(log, is_hidden=True)
    assert (hidden.column("decision") == NOT_ASKED).all()
    one, other = (replay(each, [80, 85, 9, 9]) for each in (log, hidden))
    assert one == other
    assert (one.exact, one.unexpected) == (1.0, ())


def test_control_plane_is_saved_with_both_twins(folder, twin, world, policy, tmp_path):
    """The one that is read says and decides the same."""
    scenario = short("contention")
    decisions = record(policy, scenario, 60)
    policy_twin = clone(decisions, scenario, settings=CloneSettings(max_epochs=1, min_steps=1))
    whole = ControlPlaneTwin(twin, policy_twin)
    whole.save(tmp_path / "core")
    read = ControlPlaneTwin.load(tmp_path / "core")
    assert isinstance(read.policy_twin, PolicyTwin)
    emulations = [one.emulate(world) for one in (whole, read)]
    assert emulations[0].log.records.tobytes() == emulations[1].log.records.tobytes()
    with pytest.raises(ConfigError, match=r"holds no policy twin.*policy\.json"):
        ControlPlaneTwin.load(folder)
    with pytest.raises(ConfigError, match="policy twin of the class"):
        ControlPlaneTwin(twin, policy).save(tmp_path / "other")


def test_refusal_is_told_with_its_cause(twin):
    """The network says the cause that the policy has decided on."""
    twin.begin([0, 1, 3, 3])
    request = Ues().request(0, 1)
    assert twin.hear(request) == ()
    (answer,) = twin.decide(request.ue, INSUFFICIENT_RESOURCES)
    assert answer.kind == REJECT
    assert answer.cause == INSUFFICIENT_RESOURCES
