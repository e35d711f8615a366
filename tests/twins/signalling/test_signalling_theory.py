"""What is known exactly: the automaton is right, windows and chance bound who knows less."""

import numpy as np
import pytest

from tests.twins.signalling.signalling_cases import MIX, failing, mixed
from twin_gym.twins.signalling.acceptance import not_accepted
from twin_gym.twins.signalling.automaton import (
    CoreState,
    UnexpectedEventError,
    answers,
    ue_event,
)
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.kinds import KINDS, kind_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import FAILED, Message
from twin_gym.twins.signalling.presets import load, names
from twin_gym.twins.signalling.replay import COMPARED, first_five_qis, replay
from twin_gym.twins.signalling.tables import FIELDS, MessageTable, table_rows, window_ceiling
from twin_gym.twins.signalling.theory import (
    blind_exact_bound,
    chance_bound,
    interleaving,
    outside_share,
    stateful_share,
)

WINDOWS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
# A load of one registration and one session.
ONE_SESSION = dict.fromkeys(MIX, 0) | {"registrations": 1, "sessions": 1}


def messages(log):
    """The messages of a log, one by one."""
    return [log[place] for place in range(len(log))]


def replayed(scenario, seed=1, num_ues=8, horizon_s=60.0):
    """A log and what the automaton predicts of it."""
    log = emulate(scenario, seed, num_ues, horizon_s)
    return log, replay(log, first_five_qis(scenario))


@pytest.mark.parametrize("name", names())
def test_automaton_is_right_about_every_message_of_a_preset(name):
    """With the state, the verdict and the decision, the exact score is 1."""
    scenario = load(name)
    log, result = replayed(scenario, 1, scenario.num_ues, min(scenario.horizon_s / 4, 100.0))
    num_sent = sum(KINDS[kind].is_from_core for kind in log.column("kind")[log.column("ue") >= 0])
    assert len(result.scored) == num_sent > 100
    assert result.exact == 1.0
    assert not result.unexpected


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.1, 0.4])
def test_automaton_is_right_whatever_fails(seed, share):
    """Timers, late decisions and failures are events that it is handed; it knows what follows."""
    scenario = failing(share)
    log, result = replayed(scenario, seed, 12, 1_500.0)
    assert result.exact == 1.0
    assert not_accepted(log, first_five_qis(scenario)) == ()


def test_automaton_is_right_about_a_load_by_counts():
    """Lives that are planned obey the same grammar."""
    _, result = replayed(mixed(), 1, 20, 2_000.0)
    assert result.exact == 1.0


@pytest.mark.parametrize("name", [name for name in COMPARED if name != "request_type"])
def test_one_wrong_field_costs_the_automaton_its_score(name):
    """The comparison sees every field: a message of the core that is changed is not predicted."""
    scenario = load("signalling-four-slices")
    log = emulate(scenario, 1, 12, 200.0)
    records = log.records.copy()
    is_sent = np.array([KINDS[kind].is_from_core for kind in records["kind"]])
    place = int(np.flatnonzero(is_sent & (records["ue"] >= 0))[100])
    if name == "kind":
        records["kind"][place] = kind_code("DownlinkNASTransport[5GMM status]")
    else:
        records[name][place] += 1
    result = replay(MessageLog(records, log.slices), first_five_qis(scenario))
    wrong = [one.place for one in result.scored if not one.is_exact]
    assert place in wrong or place in [where for where, _ in result.unexpected]


def test_wrong_order_is_not_accepted():
    """An accept before the user plane is there, and all that it upsets, are listed."""
    scenario = mixed(**ONE_SESSION)
    log = emulate(scenario, 1, 1, 30.0)
    request = [message.name for message in messages(log)].index(
        "PFCP Session Establishment Request"
    )
    without = np.delete(log.records, [request, request + 1])
    refused = not_accepted(MessageLog(without, log.slices), first_five_qis(scenario))
    assert refused[0] == (
        request,
        "the core should send PFCP Session Establishment Request, not "
        "PDUSessionResourceSetupRequest[DL NAS transport[PDU session establishment accept]]",
    )


def test_association_in_the_wrong_order_is_not_accepted():
    """A response without a request, and a set-up response twice."""
    log = emulate("signalling-single-slice", 1, 1, 30.0)
    nodes = log.records[log.column("ue") < 0]
    assert not_accepted(MessageLog(nodes), ()) == ()
    assert [place for place, _ in not_accepted(MessageLog(nodes[1:]), ())] == [0]


def test_answers_follow_from_the_verdict():
    """The same response, proved or not: security mode command, or reject and release."""
    state = CoreState(state="AUTHENTICATING", gnb=3)
    response = kind_code("UplinkNASTransport[Authentication response]")
    passed, (command,) = answers(state, Message(0, response, verdict=1), (1,))
    failed, sent = answers(state, Message(0, response, verdict=FAILED), (1,))
    assert (passed.state, command.message.name) == (
        "SECURING", "DownlinkNASTransport[Security mode command]"
    )  # fmt: skip
    assert [one.message.name for one in sent] == [
        "DownlinkNASTransport[Authentication reject]", "UEContextReleaseCommand"
    ]  # fmt: skip
    assert (failed.state, sent[1].message.gnb, command.message.gnb) == ("DROPPING", 3, 3)
    assert state.state == "AUTHENTICATING"


def test_deregistration_without_sessions_waits_for_none():
    """Accept and release follow at once."""
    request = Message(
        0, kind_code("UplinkNASTransport[Deregistration request (UE originating)]"),
        registration_type=4,
    )  # fmt: skip
    state, sent = answers(CoreState(state="CONNECTED"), request, (1,))
    assert state.state == "DROPPING"
    assert len(sent) == 2


def test_event_that_the_table_does_not_have_is_an_error():
    """The automaton does not make up transitions."""
    with pytest.raises(UnexpectedEventError, match="IDLE does not expect: HandoverRequired"):
        answers(CoreState(state="IDLE"), Message(0, kind_code("HandoverRequired")), (1,))
    with pytest.raises(UnexpectedEventError):
        ue_event(CoreState(), "T3560 expires")


def test_window_as_long_as_the_log_determines_everything():
    """Nothing is outside of it; and of a window of nothing everything is."""
    log, result = replayed(load("signalling-concurrent"), horizon_s=5.0)
    assert outside_share(result, [len(log)])[0] == 0.0
    assert outside_share(result, [0])[0] == 1.0


def test_share_outside_falls_with_the_window_and_rises_with_the_ues():
    """The same answers of one UE, among more and more others: their ages can only grow."""
    before = None
    for num_ues in (1, 2, 4, 8, 16):
        log, result = replayed(load("signalling-concurrent"), 3, num_ues, 4.0)
        of_first = [one.place for one in result.scored if log[one.place].ue == 0]
        shares = outside_share(result, WINDOWS, of_first)
        assert np.all(np.diff(shares) <= 0)
        if before is not None:
            assert np.all(shares >= before)
            assert shares.sum() > before.sum()
        before = shares


def test_share_outside_is_counted_by_hand_for_one_session():
    """Register, one session: accept of the session is decided by its request, four messages ago."""
    scenario = mixed(**ONE_SESSION)
    log, result = replayed(scenario, 1, 1, 100.0)
    ages = {
        KINDS[log[one.place].kind].inner or log[one.place].name: one.place - one.deciding
        for one in result.scored
    }
    assert ages == {
        "DownlinkNASTransport[Authentication request]": 1,
        "DownlinkNASTransport[Security mode command]": 1,
        "InitialContextSetupRequest[Registration accept]": 5,
        "PFCP Session Establishment Request": 1,
        "PDU session establishment accept": 3,
        "PFCP Session Modification Request": 5,
    }
    assert stateful_share(result) == 3 / 6
    assert outside_share(result, [1, 3, 4, 5]).tolist() == [3 / 6, 2 / 6, 2 / 6, 0.0]


def test_chance_bound_is_one_where_nothing_is_drawn():
    """Without failures and limits the message alone tells the outcome."""
    scenario = load("signalling-single-slice")
    assert chance_bound(emulate(scenario, 1, 8, 300.0), scenario) == 1.0


def test_chance_bound_is_the_probability_of_the_likelier_outcome():
    """Three of ten modifications are refused: 0.7, and so often the mode is right (5 sigma)."""
    scenario = load("signalling-concurrent").replace(failures={"modification_refused": 0.3})
    log = emulate(scenario, 1, 4, 60.0)
    asked = log.records[log.column("kind") == kind_code(
        "UplinkNASTransport[UL NAS transport[PDU session modification request]]"
    )]  # fmt: skip
    only = MessageLog(asked, log.slices)
    assert chance_bound(only, scenario) == pytest.approx(0.7)
    granted = np.mean(asked["decision"] == 0)
    assert abs(granted - 0.7) < 5 * np.sqrt(0.21 / len(asked))
    assert len(asked) > 200


def test_blind_predictor_is_wrong_once_an_unlikely_outcome():
    """By hand: 10 messages of the core, one of them after a service that is refused in 3 of 10."""
    one_service = ONE_SESSION | {"services": 1}
    scenario = mixed(**one_service)
    log = emulate(scenario, 1, 1, 200.0)
    risky = scenario.replace(failures={"service_refused": 0.3})
    num_sent = sum(message.described.is_from_core for message in messages(log) if message.ue >= 0)
    assert num_sent == 10
    assert blind_exact_bound(log, scenario) == 1.0
    assert blind_exact_bound(log, risky) == pytest.approx(1 - 0.3 / 10)


def test_chance_bound_holds_for_the_best_table():
    """Two of five services are refused: the table that does not see it is right 0.6 of the time."""
    scenario = load("signalling-concurrent").replace(failures={"service_refused": 0.4})
    train, test = (emulate(scenario, seed, 1, 1_500.0) for seed in (1, 2))
    table = MessageTable(6, "ue").fit(train)
    asked = np.flatnonzero(test.column("kind") == kind_code("InitialUEMessage[Service request]"))
    vectors = [tuple(int(record[name]) for name in FIELDS) for record in test.records]
    right = [
        table.predict(vectors[place - 5 : place + 1]) == vectors[place + 1]
        for place in asked[5:-1]
        if test.column("ue")[place + 1] == 0
    ]
    assert len(right) > 50
    assert np.mean(right) < 0.6 + 4 * np.sqrt(0.24 / len(right))


def test_tables_of_one_ue_are_those_of_the_log():
    """With one UE and no other message there is nothing in between."""
    logs = [emulate("signalling-concurrent", seed, 1, 30.0) for seed in (1, 2)]
    train, test = (MessageLog(log.records[log.column("ue") == 0], log.slices) for log in logs)
    rows = table_rows(train, test)
    for length in (1, 2, 6):
        assert rows[f"last {length} of the log"] == rows[f"last {length} of the same UE"]
    assert interleaving(test) == 0.0


def test_longer_memory_of_the_same_ue_helps_and_interleaving_hurts_the_other():
    """At eight concurrent UEs the table of the log is lost, that of the UE is not."""
    train, test = (emulate("signalling-concurrent", seed, 8, 12.0) for seed in (1, 2))
    rows = table_rows(train, test)
    of_ue = [rows[f"last {length} of the same UE"] for length in (1, 2, 6)]
    assert interleaving(test) > 0.8
    assert of_ue == sorted(of_ue)
    assert of_ue[2] > 0.9
    assert rows["last 6 of the log"] < 0.4


def test_window_ceiling_holds_for_the_tables_and_rises_with_the_window():
    """A table of the newest messages, even one fitted to the log itself, is not above it."""
    log = emulate("signalling-concurrent", 3, 8, 6.0)
    ceilings = [window_ceiling(log, window) for window in (0, 1, 2, 4, 8)]
    assert ceilings == sorted(ceilings)
    assert ceilings[0] == MessageTable(0, "log").fit(log).exact(log)
    for length, ceiling in zip((1, 2), ceilings[1:3], strict=True):
        assert MessageTable(length, "log").fit(log).exact(log) <= ceiling < 0.9
    assert ceilings[-1] > 0.9


def test_window_ceiling_is_counted_by_hand():
    """Two answers to the same message of the same UE; to that of another UE always the same one."""
    asked, paging, setup = map(kind_code, ("HandoverRequired", "Paging", "HandoverCommand"))
    turns = [(asked, 0), (paging, 0), (asked, 0), (setup, 0), (asked, 0), (setup, 0), (asked, 1),
             (paging, 2)]  # fmt: skip
    log = MessageLog.of([Message(place, kind, ue=ue) for place, (kind, ue) in enumerate(turns)])
    assert window_ceiling(log, 0) == 2 / 4
    assert window_ceiling(log, 1) == 3 / 4
    assert window_ceiling(log, 2) == 4 / 4


def test_table_predicts_what_it_has_seen_most_often():
    """Counted by hand: twice one answer, once another."""
    paging, setup = kind_code("Paging"), kind_code("HandoverCommand")
    log = MessageLog.of([Message(place, kind, ue=0) for place, kind in enumerate(
        [paging, setup, paging, setup, paging, paging]
    )])  # fmt: skip
    table = MessageTable(1, "ue").fit(log)
    vector = (paging, 0, 0, 0, 0, 0, 0, 0, 0)
    assert table.predict([vector])[0] == setup
    assert table.predict([(99, *vector[1:])])[0] == paging
    assert MessageTable(1, "ue").predict([vector]) is None
