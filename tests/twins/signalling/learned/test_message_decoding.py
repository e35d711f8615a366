"""The grammar that constrains a message twin, and the database that fills its messages."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twins.signalling.signalling_cases import failing
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.grammar import SHORT_NAMES, event_of
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.database import Database
from twin_gym.twins.signalling.learned.decoding import (
    choose_kind,
    choose_message,
    is_well_formed,
    next_kinds,
)
from twin_gym.twins.signalling.learned.fidelity import allowed_kinds
from twin_gym.twins.signalling.learned.vectors import END, FIELDS, NUM_BITS, Predicted
from twin_gym.twins.signalling.message import FAILED, PASSED, Message
from twin_gym.twins.signalling.replay import replay

LOADS = {
    "single": ("signalling-single-slice", 8, 200.0),
    "concurrent": ("signalling-concurrent", 8, 2.0),
    "failing": (failing(), 8, 400.0),
}


@pytest.fixture(scope="module", params=LOADS)
def log(request):
    """A log of eight UEs, by load."""
    scenario, num_ues, horizon_s = LOADS[request.param]
    return emulate(scenario, 1, num_ues, horizon_s)


def test_grammar_has_every_message_of_the_core(log):
    """What the emulated core says is well-formed, and may follow what it said before."""
    replayed = replay(log, first_five_qis_in(log))
    allowed = allowed_kinds(log, replayed)
    assert len(replayed.scored) > 100
    for one in replayed.scored:
        said = Predicted.of(log[one.place])
        assert is_well_formed(said)
        assert said.kind in allowed[one.place]


def test_database_fills_in_what_is_on_record(log):
    """Base station, connection, session and transaction are those of the log."""
    database, num_checked = Database(), 0
    for place in range(len(log)):
        message = log[place]
        if message.ue >= 0 and KINDS[message.kind].is_from_core:
            filled = database.complete(Predicted.of(message).message(message.time_ns, message.ue))
            for name in ("gnb", "seid", "pti", "ran_ue_ngap_id", "pfcp_sequence"):
                if name != "pfcp_sequence" or message.pfcp_sequence < 0:
                    assert getattr(filled, name) == getattr(message, name), message
            num_checked += 1
        database.record(message)
    assert num_checked > 100


def test_database_allocates_identities_that_nobody_has(log):
    """What the core of the log allocates first, is new where the database allocates it too."""
    names = ("amf_ue_ngap_id", "tmsi", "f_seid", "teid", "ue_address")
    database, used = Database(), {name: set() for name in names}
    num_new = dict.fromkeys(names, 0)
    for place in range(len(log)):
        message = log[place]
        if message.ue >= 0 and KINDS[message.kind].is_from_core:
            filled = database.complete(Predicted.of(message).message(message.time_ns, message.ue))
            for name in names:
                true = getattr(message, name)
                if (
                    true > 0
                    and true not in used[name]
                    and (name != "teid" or "Establishment Request" in message.name)
                ):
                    assert getattr(filled, name) not in used[name]
                    num_new[name] += 1
        for name in names:
            used[name].add(getattr(message, name))
        database.record(message)
    assert all(num_new.values())


def test_answers_of_one_event_follow_the_table():
    """A failed response is rejected, then the UE is let go, then nothing more is said."""
    failed = event_of(Message(0, SHORT_NAMES["Authentication response"], 0, verdict=FAILED))
    reject = SHORT_NAMES["Authentication reject"]
    release = SHORT_NAMES["UEContextReleaseCommand"]
    assert next_kinds(failed, []) == {reject}
    assert next_kinds(failed, [reject]) == {release}
    assert next_kinds(failed, [reject, release]) == {END}
    assert next_kinds(failed, [release]) == frozenset()


def test_verdict_changes_what_the_grammar_allows():
    """The security module decides, not the network."""
    response = Message(0, SHORT_NAMES["Authentication response"], 0, verdict=PASSED)
    assert next_kinds(event_of(response), []) == {SHORT_NAMES["Security mode command"]}
    failed = replace(response, verdict=FAILED)
    assert not next_kinds(event_of(failed), []) & next_kinds(event_of(response), [])


def test_constrained_choice_is_well_formed_whatever_the_logits():
    """Every kind of the core, with logits that are noise; free choice of the same is not."""
    rng = np.random.default_rng(1)
    kinds = [kind.code for kind in KINDS if kind.is_from_core]
    sizes = (16, 5, 33, 9, 3, 6)
    assert len(sizes) == len(FIELDS)
    free = []
    for kind in kinds:
        fields = [rng.normal(size=size).astype(np.float32) for size in sizes]
        bits = rng.normal(size=NUM_BITS).astype(np.float32)
        assert is_well_formed(choose_message(kind, fields, bits, is_constrained=True))
        free.append(is_well_formed(choose_message(kind, fields, bits, is_constrained=False)))
    assert not any(free)


def test_likeliest_kind_is_taken_among_the_allowed_ones():
    """Without any, among all."""
    logits = np.array([0.0, 3.0, 1.0, 2.0], np.float32)
    assert choose_kind(logits, {0, 3}) == 3
    assert choose_kind(logits, None) == choose_kind(logits, frozenset()) == 1
