"""Windows of massive access: episodes that are written by hand, opportunity by opportunity."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.twins.scenarios.estimation_cases import evidence_from, graph_of, property_events
from twin_gym.environments.massive_access.scenario import AccessScenario
from twin_gym.twins.scenarios.estimation.evidence import Average

CELL, SERVICE = "cell/0", "service/access"
SLOT_S, SLOTS = 0.1, 40
WINDOW, FRACTION = "arrivals.window_s", "arrivals.fraction"
BURST = {"law": "simultaneous", "window_s": 2.0, "fraction": 0.4}
BETA = {"law": "beta", "window_s": 2.0}
UNIFORM = {"law": "uniform", "window_s": 2.0}


def cell(arrivals, **changes):
    """Forty opportunities of 0.1 s; who is not answered waits for up to two of them."""
    given = {"num_devices": 30, "preambles": 4, "backoff_s": 0.2, **changes}
    return AccessScenario.model_validate(
        {"name": "cell", "horizon_s": 4.0, "slot_s": SLOT_S, "arrivals": arrivals, **given}
    )


def telemetry(answers, collisions=None, *, slots=SLOTS, barring=1.0, lost=()):
    """Telemetry of the twin: answers and collisions by opportunity, the first being 0."""
    gains = np.zeros(slots, int)
    gains[list(answers)] = list(answers.values())
    clashes = np.zeros(slots, int)
    clashes[list(collisions or {})] = list((collisions or {}).values())
    times_s = [(k + 1) * SLOT_S for k in range(slots)]
    heard = [k for k in range(slots) if k not in lost]
    events = property_events(
        SERVICE, "served", zip(times_s, np.cumsum(gains).tolist(), strict=True)
    )
    for name, values in (("successes", gains.tolist()), ("collisions", clashes.tolist())):
        events += property_events(CELL, name, [(times_s[k], values[k]) for k in heard])
    return events + property_events(CELL, "barring", [(times_s[k], barring) for k in heard])


def test_window_is_the_last_answer_and_a_little_more(tmp_path):
    """Four answers, the last within the twentieth opportunity: 1.95 s times 5 / 4."""
    evidence = evidence_from(tmp_path, cell(UNIFORM), telemetry({2: 1, 7: 2, 19: 1}))
    assert evidence[WINDOW].total / evidence[WINDOW].count == pytest.approx(1.95 * 5.0 / 4.0)
    assert (evidence[WINDOW].count, evidence[WINDOW].at_s) == (4.0, pytest.approx(4.0))
    assert evidence[FRACTION].is_empty
    assert evidence["num_devices"].is_empty


@pytest.mark.parametrize(
    ("answers", "is_silent_after"),
    [(dict.fromkeys(range(10), 2), 14), ({0: 1, 4: 2, 10: 1}, 23)],
    ids=["five opportunities", "five mean gaps"],
)
def test_nothing_is_said_before_nobody_asks_any_more(tmp_path, answers, is_silent_after):
    """Until five mean gaps after the last answer, or five opportunities if those are longer."""
    for slots, is_over in ((is_silent_after - 1, False), (is_silent_after, True)):
        (tmp_path / str(slots)).mkdir()
        events = telemetry(answers, slots=slots)
        evidence = evidence_from(tmp_path / str(slots), cell(UNIFORM), events)
        assert bool(evidence[WINDOW].is_empty) is not is_over


def test_horizon_ends_the_asking(tmp_path):
    """An answer in the last opportunity; of an episode without any, nothing is said."""
    evidence = evidence_from(tmp_path, cell(UNIFORM), telemetry({3: 1, 39: 1}))
    assert evidence[WINDOW].total == pytest.approx(3.95 * 1.5 * 2.0)
    (tmp_path / "none").mkdir()
    evidence = evidence_from(tmp_path / "none", cell(UNIFORM), telemetry({}))
    assert evidence[WINDOW].is_empty


def test_what_is_later_than_the_window_is_not_looked_at(tmp_path):
    """Only the first three answers, and the silence after them."""
    events = telemetry({0: 1, 1: 1, 2: 1, 30: 5}, {30: 3})
    evidence = evidence_from(tmp_path, cell(BURST), events, end_s=2.0)
    assert evidence[WINDOW].count == 3.0
    assert evidence[WINDOW].at_s == pytest.approx(2.0)
    assert evidence[FRACTION].total == 0.0


def test_number_of_devices_is_told_with_the_cell(tmp_path):
    """The number of devices does not depend on the telemetry."""
    graph = graph_of([(CELL, "Cell", {"devices": 26})])
    evidence = evidence_from(tmp_path, cell(UNIFORM), telemetry({}), [graph])
    assert evidence["num_devices"].values == (26.0,)


def test_beta_window_is_the_mean_answer_over_three_sevenths(tmp_path):
    """Where none waits; an answer is taken to be in the middle of its opportunity."""
    events = telemetry({4: 1, 8: 1, 12: 1})
    evidence = evidence_from(tmp_path, cell(BETA), events)[WINDOW]
    assert evidence.total / evidence.count == pytest.approx(0.85 / (3.0 / 7.0))
    assert evidence.count == 3.0


def test_answers_before_the_first_value_that_was_heard_are_spread_evenly(tmp_path):
    """Four answers are heard of after the fourth opportunity: one each."""
    events = property_events(SERVICE, "served", [(0.4, 4), (4.0, 4)])
    evidence = evidence_from(tmp_path, cell(BETA), events)[WINDOW]
    assert evidence.total / evidence.count == pytest.approx(0.2 / (3.0 / 7.0))


@pytest.mark.parametrize(
    ("preambles", "answered", "clashes", "senders"),
    [
        (4, 2, 1, math.log(0.25) / math.log(0.75)),  # one of four is idle
        (4, 4, 0, math.log(0.125) / math.log(0.75)),  # none is, which counts as a half
        (4, 0, 3, 6.0),  # two a collision at least
        (1, 0, 1, 2.0),
        (2, 1, 0, 1.0),  # as many as were answered
    ],
)
def test_mean_wait_is_that_of_who_seems_to_send(tmp_path, preambles, answered, clashes, senders):
    """A backoff for who was not answered, of 1.5 opportunities on average, over all answers."""
    alone = {30 + k: 1 for k in range(5 - answered)}  # each is answered when it asks
    events = telemetry({10: answered, **alone}, {10: clashes})
    evidence = evidence_from(tmp_path, cell(BETA, preambles=preambles), events)[WINDOW]
    mean_s = (answered * 1.05 + sum((k + 0.5) * SLOT_S for k in alone)) / 5.0
    wait_s = (senders - answered) * 1.5 * SLOT_S / 5.0
    assert evidence.total / evidence.count == pytest.approx((mean_s - wait_s) / (3.0 / 7.0))


def test_who_is_barred_waits_for_an_opportunity(tmp_path):
    """Of two answered under a barring of 0.25, three times the senders wait."""
    base = cell(BETA, preambles=54)
    senders = math.log(52.0 / 54.0) / math.log1p(-1.0 / 54.0)
    evidence = evidence_from(tmp_path, base, telemetry({20: 2}, barring=0.25))[WINDOW]
    wait_s = (senders * 3.0 + (senders - 2.0) * 1.5) * SLOT_S / 2.0
    assert evidence.total / evidence.count == pytest.approx((2.05 - wait_s) / (3.0 / 7.0))


def test_opportunities_that_were_lost_count_as_the_mean_of_the_others(tmp_path):
    """Half of them: the wait is twice what was heard of; of all of them, it is not known."""
    base, answers = cell(BETA, preambles=1), {10: 1, 31: 1}
    for lost, waiting in (((), 3.0), (range(20, SLOTS), 6.0), (range(SLOTS), 0.0)):
        folder = tmp_path / str(len(lost))
        folder.mkdir()
        evidence = evidence_from(folder, base, telemetry(answers, {5: 1}, lost=lost))[WINDOW]
        expected = (2.1 - waiting * SLOT_S / 2.0) / (3.0 / 7.0)
        assert evidence.total / evidence.count == pytest.approx(expected)


def test_a_wait_beyond_the_answers_makes_no_negative_window(tmp_path):
    """Everything is barred: the window is 0, and counts."""
    evidence = evidence_from(tmp_path, cell(BETA), telemetry({0: 1}, barring=0.0))[WINDOW]
    assert (evidence.total, evidence.count) == (0.0, 1.0)


BUSY = {7: 1, 9: 3, 10: 1, 12: 2}
ANSWERS = {2: 1, 7: 2, 10: 4, 13: 3, 15: 1, 16: 1, 24: 1, 39: 4}


def burst_evidence(folder, events, **changes):
    """Burst, answers and window of a cell with one burst; each in a folder of its own."""
    folder.mkdir(exist_ok=True)
    evidence = evidence_from(folder, cell({**BURST, **changes}), events)
    return evidence[FRACTION], evidence[WINDOW]


@pytest.mark.parametrize(
    ("collisions", "lost", "first", "last"),
    [
        (BUSY, (), 7, 15),  # up to three opportunities after the last collision
        ({**BUSY, 4: 1}, (), 4, 15),  # two calm ones part nothing
        ({**BUSY, 3: 1, 16: 1}, (), 7, 15),  # three do
        ({**BUSY, 15: 1}, (), 7, 18),
        (BUSY, (13,), 7, 16),  # what was lost right after it counts with it
        (BUSY, (6, 14), 6, 15),
        ({9: 3, 38: 2}, (), 9, 12),
        ({0: 2, 1: 1}, (), 0, 4),
        ({37: 1, 38: 3}, (), 37, 39),  # no later than the end
    ],
)
def test_burst_is_what_was_answered_around_most_collisions(tmp_path, collisions, lost, first, last):
    """Less what the others, evenly spread over the rest of the time, bring meanwhile."""
    burst, window = burst_evidence(tmp_path, telemetry(ANSWERS, collisions, lost=lost))
    total = sum(ANSWERS.values())
    inside = sum(number for place, number in ANSWERS.items() if first <= place <= last)
    length_s, last_s = (last - first + 1) * SLOT_S, 3.95
    expected = max(inside - (total - inside) / (last_s - length_s) * length_s, 0.0)
    assert burst.total == pytest.approx(expected)
    assert burst.count == window.count == total
    others = total - expected
    assert window.total / total == pytest.approx(last_s * (others + 1.0) / others)


def test_without_collisions_there_was_no_burst(tmp_path):
    """All were answered at once, one after the other."""
    burst, window = burst_evidence(tmp_path, telemetry({2: 1, 19: 1}))
    assert (burst.total, burst.count) == (0.0, 2.0)
    assert window.total / window.count == pytest.approx(1.95 * 3.0 / 2.0)


def test_where_all_asked_at_once_the_window_is_of_one_device(tmp_path):
    """Nothing is left for the others, and nothing is divided by it."""
    burst, window = burst_evidence(tmp_path, telemetry({0: 2, 1: 3}, {0: 2}))
    assert burst.total == burst.count == 5.0
    assert window.total / window.count == pytest.approx(0.15 * 2.0)


def test_of_several_bursts_nothing_is_said(tmp_path):
    """And the window is then that of all answers."""
    burst, window = burst_evidence(tmp_path, telemetry(ANSWERS, BUSY), bursts=2)
    assert burst == Average(0.0, 0.0, 0.0)
    assert window.total / window.count == pytest.approx(3.95 * 18.0 / 17.0)


def test_what_was_told_at_the_beginning_is_of_no_opportunity(tmp_path):
    """It would else be taken for the last one, where that was lost."""
    events = telemetry(ANSWERS, BUSY, lost=(SLOTS - 1,))
    burst, _ = burst_evidence(tmp_path / "plain", events)
    more, _ = burst_evidence(
        tmp_path / "more", events + property_events(CELL, "collisions", [(0.0, 9)])
    )
    assert more == burst
