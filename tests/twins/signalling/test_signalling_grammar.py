"""The table of procedures: deterministic, complete, with a clause for each row, and in use."""

import re
from collections import Counter, defaultdict

import pytest

from tests.twins.signalling.signalling_cases import failing, mixed
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.twins.signalling.emulator import Emulator
from twin_gym.twins.signalling.grammar import (
    SHORT_NAMES,
    TABLE,
    parse_table,
    short_name,
    states_of,
)
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.scenario import Timers

BEGINNINGS = {"ue": "DEREGISTERED", "session": "INACTIVE", "gnb": "DOWN", "upf": "APART"}
# What a message may say where the transition depends on it: all of a group, or none.
GROUPS = (
    {"accepted", "refused"},
    {"passed", "failed"},
    {"synch", "MAC"},
    {"done", "failed"},
    {"normal", "switch-off"},
    {"known", "unknown", "refused"},
    {"mobility", "periodic", "update refused"},
)
# A session that is not there cannot be modified: the policy has no choice.
WITHOUT_CHOICE = ("session", "INACTIVE", "PDU session modification request")
# Rows that no emulation uses: UE and base station answer in the other order, ask about sessions
# that are not there, or report a second session while they are paged.
NOT_EMULATED = {
    ("ue", "ACCEPTING", "Registration complete"),
    ("ue", "AWAITING_RAN", "InitialContextSetupResponse"),
    ("ue", "PAGING", "PFCP Session Report Request"),
    ("session", "COMMANDING", "PDU session modification complete"),
    ("session", "COMMANDING_RAN", "PDUSessionResourceModifyResponse"),
    ("session", "RELEASING_RAN", "PDU session release complete"),
    ("session", "RELEASING_RAN_ONLY", "PDUSessionResourceReleaseResponse"),
    ("session", "INACTIVE", "PDU session release request"),
    ("session", "INACTIVE", "PDU session modification request: refused"),
}


def rows_of(machine):
    """The rows of one machine."""
    return [row for row in TABLE if row.machine == machine]


def test_repeated_row_is_refused():
    """Two rows for one state and event would leave the next state open."""
    row = "ue | IDLE | Service request: accepted | SERVING | ICS Service accept | | 4.2.3.2\n"
    assert len(parse_table(row)) == 1
    with pytest.raises(ConfigError, match="line 2 repeats ue, IDLE"):
        parse_table(row + row)


def test_misspelt_answer_is_refused():
    """A message that the vocabulary does not have is named with the nearest one."""
    with pytest.raises(UnknownNameError, match="did you mean 'Paging'"):
        parse_table("ue | IDLE | x | PAGING | Pagin | | 4.2.3.3")


def test_row_with_a_missing_column_is_refused():
    """A table that lost a column does not shift its meaning."""
    with pytest.raises(ConfigError, match="line 1 has 6 columns"):
        parse_table("ue | IDLE | x | PAGING | Paging | 4.2.3.3")


@pytest.mark.parametrize("machine", BEGINNINGS)
def test_every_state_is_reached_and_left(machine):
    """No state is without a way into it from the beginning, nor without a way out."""
    reached, found = set(), {BEGINNINGS[machine]}
    while found - reached:
        reached |= found
        found |= {row.next_state for row in rows_of(machine) if row.state in reached}
    assert reached == set(states_of(machine))
    assert {row.state for row in rows_of(machine)} == set(states_of(machine))


def test_every_message_to_the_core_is_an_event_and_every_one_of_it_an_answer():
    """The vocabulary has no word that the table does not use, but for a status of the network."""
    events = {row.event.partition(":")[0] for row in TABLE}
    answers = {answer.kind for row in TABLE for answer in row.answers}
    unused = [
        short_name(kind.code)
        for kind in KINDS
        if (kind.code not in answers if kind.is_from_core else short_name(kind.code) not in events)
    ]
    assert unused == ["Network 5GMM status"]
    assert len(SHORT_NAMES) == len(KINDS)


def test_whatever_a_message_says_there_is_a_transition():
    """Where a state tells apart what a message says, it has a row for each possibility."""
    said = defaultdict(set)
    for row in TABLE:
        name, colon, qualifier = row.event.partition(": ")
        if colon:
            said[row.machine, row.state, name].add(qualifier)
    for place, qualifiers in said.items():
        if place != WITHOUT_CHOICE:
            left = set(qualifiers)
            for group in GROUPS:
                if group <= left:
                    left -= group
            assert not left, place


def test_every_timer_expires_and_ends():
    """A timer that is started has a length, is repeated, and has a last time."""
    lengths = {name.removesuffix("_s").upper() for name in Timers.model_fields}
    for timer in {row.timer for row in TABLE if row.timer}:
        assert timer in lengths
        expiring = {row.state for row in TABLE if row.event == f"{timer} expires"}
        ending = {row.state for row in TABLE if row.event == f"{timer} ends"}
        assert expiring == ending != set()


def test_every_row_has_a_clause():
    """TS 23.502 by its clause alone, another standard by number and clause."""
    assert all(re.fullmatch(r"(\d\d\.\d{3} )?\d+(\.\d+)+", row.clause) for row in TABLE)


def test_counted_answers_have_a_state_that_waits_for_them():
    """Where one request a session is sent, the next state counts the responses and goes on."""
    for row in TABLE:
        if any(answer.for_each for answer in row.answers):
            events = {one.event for one in rows_of("ue") if one.state == row.next_state}
            assert "all answered" in events
            assert any(event.endswith("Response") for event in events)


def test_emulations_use_every_row():
    """Each procedure, rejection, repetition and failure of the table happens in some emulation."""
    used = Counter()

    class Watched(Emulator):
        def step_ue(self, time_ns, ue, event, *rest, **more):
            used["ue", ue.state, event] += 1
            super().step_ue(time_ns, ue, event, *rest, **more)

        def step_session(self, time_ns, ue, session, event, *rest, **more):
            used["session", session.state, event] += 1
            super().step_session(time_ns, ue, session, event, *rest, **more)

    periodic = load("signalling-single-slice").replace(timers={"t3512_s": 20.0})
    silent = load("signalling-four-slices").replace(failures={"unanswered": 0.6})
    for scenario in (failing(), failing(0.5), silent, periodic, mixed()):
        Watched(scenario.replace(num_ues=60, horizon_s=1_500.0), 3).run()
    rows = {
        (row.machine, row.state, row.event) for row in TABLE if row.machine in ("ue", "session")
    }
    assert rows - used.keys() == NOT_EMULATED
