"""What the core answers to a request, given a log."""

from collections import Counter
from dataclasses import replace
from itertools import compress

import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.answering import answers_to, first_five_qis_in
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import KINDS, cause_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import FAILED


@pytest.fixture(scope="module")
def log():
    """Two UEs for a minute."""
    return emulate("signalling-single-slice", seed=7, num_ues=2, horizon_s=60.0)


def place_of(log, name):
    """Where the first message of a name is."""
    return next(place for place in range(len(log)) if short_name(log[place].kind) == name)


def asked(log, place, **inputs):
    """Names and causes of the answers to a message, with other verdicts or decisions."""
    history = MessageLog(log.records[:place], log.slices)
    found = answers_to(history, replace(log[place], **inputs), first_five_qis_in(log))
    return [(short_name(one.kind), one.cause) for one in found]


def test_answers_are_what_the_core_sends_in_the_log(log):
    """All answers of the first UE are sent; what else is sent, a timer or a trigger began."""
    own = [place for place in range(len(log)) if log[place].ue == 0]
    is_down = [KINDS[log[place].kind].is_from_core for place in own]
    sent = Counter(short_name(log[place].kind) for place in compress(own, is_down))
    found = Counter(
        name
        for place, down in zip(own, is_down, strict=True)
        if not down
        for name, _ in asked(log, place)
    )
    assert found <= sent
    assert found.total() >= 0.9 * sent.total() > 12


def test_another_decision_gives_another_answer(log):
    """The session is refused for its slice, or admitted."""
    place = place_of(log, "PDU session establishment request")
    assert asked(log, place) == [("PFCP Session Establishment Request", 0)]
    full = cause_code("5GSM", 69)
    assert asked(log, place, decision=full) == [("PDU session establishment reject", full)]


def test_another_verdict_gives_another_answer(log):
    """A response that proves nothing is rejected, and the UE is let go."""
    place = place_of(log, "Authentication response")
    assert asked(log, place)[0][0] == "Security mode command"
    names = [name for name, _ in asked(log, place, verdict=FAILED)]
    assert names == ["Authentication reject", "UEContextReleaseCommand"]


def test_what_is_not_expected_is_refused_with_the_state(log):
    """A message of the core, and one that comes without what must come before."""
    with pytest.raises(ConfigError, match="answers messages that a UE"):
        asked(log, place_of(log, "Security mode command"))
    place = place_of(log, "Security mode complete")
    with pytest.raises(ConfigError, match="not expected after this history: ue in DEREGISTERED"):
        answers_to(MessageLog(log.records[:0], log.slices), log[place], (80,))


def test_first_5qi_of_a_slice_is_read_off_its_first_session(log):
    """9 for a slice that has none."""
    assert first_five_qis_in(log) == (80,)
    empty = MessageLog(log.records[:0], log.slices * 2)
    assert first_five_qis_in(empty) == (9, 9)
