"""Windows of synchronisation: values and counters that are written by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tests.twins.scenarios.estimation_cases import evidence_from, property_events
from twin_gym.environments.right_time_sync.estimation import (
    change_likelihood,
    relaxation_likelihood,
)
from twin_gym.environments.right_time_sync.scenario import Replay
from twin_gym.environments.right_time_sync.series import SeriesFile
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios.estimation.evidence import Average

UPDATES = "service/updates"
SENT = [(0, 0), (2, 2), (4, 6), (6, 12), (8, 20), (10, 30)]
CAME = [(0, 0), (4, 1), (6, 4), (8, 9), (10, 15)]


def net(**changes):
    """Loads that walk, temperatures that return, doors that open and shut; slots of 1 s."""
    return load("sync-small").model_copy(update=changes)


def updates(sent=SENT, came=CAME):
    """Counters of what was sent and what came."""
    return property_events(UPDATES, "offered", sent) + property_events(UPDATES, "served", came)


def delivery(folder, base, events=None, **window):
    """Evidence of the delivery probability."""
    evidence = evidence_from(folder, base, updates() if events is None else events, **window)
    return evidence["delivery_probability"]


def test_deliveries_are_counted_as_much_later_as_they_arrive(tmp_path):
    """Sent from 2 to 6 s, and came from 4 to 8 s: 8 of 10; told last at 6 s."""
    evidence = delivery(tmp_path, net(delay_slots=2), start_s=2.0, end_s=6.0)
    assert evidence == Average(6.0, 8.0, 10.0)


def test_what_may_still_be_on_its_way_is_not_counted(tmp_path):
    """Of all that was sent, only what was sent until 8 s could have come from 2 to 10 s."""
    assert delivery(tmp_path, net(delay_slots=2)) == Average(10.0, 14.5, 20.0)


@pytest.mark.parametrize(
    ("sent", "came", "expected"),
    [
        (SENT, CAME[:-1], (8.0, 8.0, 14.0)),
        (SENT[:-1], CAME, (8.0, 8.0, 14.0)),
        (SENT, CAME[2:], (8.0, 8.0, 13.0)),
        (SENT[3:], CAME, (8.0, 8.0, 13.0)),
    ],
    ids=["the last that came", "the last sent", "the first that came", "the first sent"],
)
def test_both_counters_are_of_the_time_in_which_both_are_known(tmp_path, sent, came, expected):
    """Where one was lost at an end; evidence is as old as what was heard of longer ago."""
    evidence = delivery(tmp_path, net(), updates(sent, came), start_s=4.0, end_s=9.0)
    assert evidence == Average(*expected)


@pytest.mark.parametrize(("sent", "came"), [([], []), (SENT, []), ([], CAME)])
def test_unheard_updates_say_nothing(tmp_path, sent, came):
    """Not that none was delivered: no evidence, and as old as can be."""
    assert delivery(tmp_path, net(), updates(sent, came)) == Average(0.0, 0.0, 0.0)


def test_each_update_counts_as_what_the_others_of_its_slot_leave(tmp_path):
    """1, 2, 3, 4 and 5 a slot of 1 s, of which each other one spoils a tenth."""
    base = net(load_loss=0.1)
    evidence = delivery(tmp_path, base, updates(came=SENT))
    left = sum(each * 2 * 0.9 ** (each - 1) for each in (1, 2, 3, 4, 5))
    assert evidence.count == pytest.approx(left)
    assert evidence.total == 30.0


def test_updates_that_are_seldom_are_alone(tmp_path):
    """One in two slots is not spoilt by less than none; before and after the window is nothing."""
    base = net(load_loss=0.5)
    events = updates([(0, 0), (2, 9), (4, 10), (6, 11), (8, 20)], [(0, 0), (8, 4)])
    evidence = delivery(tmp_path, base, events, start_s=2.0, end_s=6.0)
    assert evidence.count == pytest.approx(2.0)


def test_replayed_losses_hide_the_delivery_probability(tmp_path):
    """Replayed values do not, and have no law to be found."""
    one = Replay(
        file=SeriesFile(path="some.csv", last_s=9.0),
        sources=("one",), low=0.0, high=1.0, losses=True,
    )  # fmt: skip
    for has_losses in (True, False):
        process = one.model_copy(update={"losses": has_losses})
        base = net()
        group = base.groups[0].model_copy(update={"process": process, "count": 1})
        base = base.model_copy(update={"groups": (group, *base.groups[1:])})
        folder = tmp_path / str(has_losses)
        folder.mkdir()
        evidence = delivery(
            folder, base, [*updates(), *property_events("entity/load/0", "value", CAME)]
        )
        assert evidence.is_empty is has_losses


def pairs_of(folder, name, series, **window):
    """Evidence of one group's process, its values told of the members that are named."""
    events = [
        event for member, one in series.items()
        for event in property_events(f"entity/{name}/{member}", "value", one)
    ]  # fmt: skip
    evidence = evidence_from(folder, net(), events, **window)
    return next(one for path, one in evidence.items() if path.startswith(f"groups.{name}."))


def test_values_that_return_are_told_in_their_standard_deviation(tmp_path):
    """0.2, and their time is as much longer as the entity is faster than its group."""
    series = {4: [(1.0, 0.1), (3.0, 0.3), (8.0, -0.2)], 9: [(2.0, 0.4), (5.0, 0.0)]}
    evidence = pairs_of(tmp_path, "temperature", series)
    group = net().groups[1]
    slow, fast = group.rate_factor(4), group.rate_factor(9)
    assert evidence.spans == pytest.approx([2.0 * slow, 5.0 * slow, 3.0 * fast])
    moments = [[0.25, 0.75, 2.25], [2.25, -1.5, 1.0], [4.0, 0.0, 0.0]]
    assert evidence.products == pytest.approx(np.array(moments))
    assert evidence.likelihood is relaxation_likelihood
    assert evidence.at_s == 8.0


def test_two_states_differ_or_do_not(tmp_path):
    """By one, whichever way."""
    series = {0: [(1.0, 0.5), (2.0, -0.5), (4.0, -0.5), (7.0, 0.5)]}
    evidence = pairs_of(tmp_path, "door", series)
    assert evidence.products.tolist() == [1.0, 0.0, 1.0]
    assert evidence.spans == pytest.approx(
        np.array([1.0, 2.0, 3.0]) * net().groups[2].rate_factor(0)
    )
    assert evidence.likelihood is change_likelihood


def test_pairs_are_of_the_window_of_their_later_value(tmp_path):
    """Its beginning is of the window before; what is told again of a time replaces it."""
    series = {0: [(1.0, 0.5), (2.0, 0.5), (2.0, -0.5), (4.0, -0.5), (7.0, 0.5), (9.0, 0.5)]}
    for k, (start_s, end_s, differs, at_s) in enumerate(
        [(0.0, 2.0, [1.0], 2.0), (2.0, 7.0, [0.0, 1.0], 7.0), (7.0, 8.0, [], 7.0)]
    ):
        folder = tmp_path / str(k)
        folder.mkdir()
        evidence = pairs_of(folder, "door", series, start_s=start_s, end_s=end_s)
        assert evidence.products.tolist() == differs
        assert evidence.at_s == at_s


def test_pseudo_pair_is_what_the_centre_expects(tmp_path):
    """A relaxation time apart, or half the mean time of a state: that is then the likeliest."""
    none = {0: [(1.0, 0.5)]}
    for name in ("temperature", "door"):
        folder = tmp_path / name
        folder.mkdir()
        evidence = pairs_of(folder, name, none)
        assert evidence.is_empty
        assert evidence.estimate(0.7) == pytest.approx(0.7, rel=1e-3)


def test_likelihoods_are_those_of_their_laws():
    """Of a normal value around what is left of the old one, and of an even number of events."""
    left = np.exp(-2.0 / 5.0)
    gap = (0.8 - left * 0.3) ** 2 / (1.0 - left**2)
    moments = np.array([[0.09, 0.24, 0.64]])
    log_likelihood = relaxation_likelihood(np.array([5.0]), np.array([2.0]), moments)
    assert log_likelihood == pytest.approx(-0.5 * (np.log(1.0 - left**2) + gap))
    rate, spans_s = np.array([0.3]), np.array([2.0, 1.0])
    chance = 0.5 * (1.0 - np.exp(-2.0 * 0.3 * spans_s))
    log_likelihood = change_likelihood(rate, spans_s, np.array([1.0, 0.0]))
    assert log_likelihood == pytest.approx(np.log(chance[0]) + np.log(1.0 - chance[1]))
