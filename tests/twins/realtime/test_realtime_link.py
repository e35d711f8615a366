"""The link: which events are lost and how late the others are, as a function of what they are."""

import math

import pytest

from twin_gym.core.draws import uniform, unit_exponential
from twin_gym.errors import ConfigError
from twin_gym.twins.realtime import Event, Link
from twin_gym.twins.realtime.events import DELAY_STREAM, LOSS_STREAM, channel_key


def events(count, twin="sensor/0", name="uplink_queue"):
    """So many events of one property."""
    return [Event(float(k), twin, name, k) for k in range(count)]


def sent_one_by_one(link, several):
    """The events that arrive in the end."""
    for event in several:
        link.send([event], event.time_s)
    return link.arrived(math.inf)


def test_perfect_link_tells_everything_at_once():
    """In the order in which it was sent."""
    link = Link()
    link.send(events(5), 7.0)
    arrived = link.arrived(7.0)
    assert [one.event for one in arrived] == events(5)
    assert [one.number for one in arrived] == [0, 1, 2, 3, 4]
    assert {one.arrival_s for one in arrived} == {7.0}
    assert (link.sent, link.lost, link.in_flight) == (5, 0, 0)


def test_nothing_arrives_before_its_delay():
    """At the delay, and not again."""
    link = Link(delay_s=0.5)
    link.send(events(1), 2.0)
    assert link.arrived(2.4999) == []
    assert link.in_flight == 1
    assert len(link.arrived(2.5)) == 1
    assert link.arrived(9.0) == []


def test_fate_is_the_draw_of_the_counter():
    """Loss and delay of the k-th event of a property are the k-th draws of two streams."""
    link = Link(loss=0.3, delay_s=0.1, jitter_s=2.0, seed=9)
    link.begin("4/2")
    arrival_s = {one.event.value: one.arrival_s for one in sent_one_by_one(link, events(200))}
    key = channel_key(9, "4/2", "sensor/0", "uplink_queue")
    for k in range(200):
        is_lost = uniform(key, LOSS_STREAM, k) <= 0.3
        assert (k not in arrival_s) == is_lost
        if not is_lost:
            expected = k + 0.1 + 2.0 * unit_exponential(key, DELAY_STREAM, k)
            assert arrival_s[k] == pytest.approx(expected, abs=1e-12)
    assert link.lost == 200 - len(arrival_s)


def test_fate_does_not_depend_on_what_else_is_sent():
    """Other properties, or batches instead of single events, change nothing."""
    alone, beside = (Link(loss=0.5, jitter_s=1.0, seed=1) for _ in range(2))
    expected = sent_one_by_one(alone, events(50))
    beside.send(events(20, "sensor/1"), 0.0)
    arrived = sent_one_by_one(beside, events(50))
    own = [(one.arrival_s, one.event) for one in arrived if one.event.twin == "sensor/0"]
    assert own == [(one.arrival_s, one.event) for one in expected]


def test_seed_episode_and_property_have_fates_of_their_own():
    """And the same again for the same."""
    fates = set()
    for seed, episode, twin, name in (
        (1, "0/0", "a", "x"), (2, "0/0", "a", "x"), (1, "0/1", "a", "x"), (1, "0/0", "b", "x"),
        (1, "0/0", "a", "y"), (1, "0/0", "a", "x"),
    ):  # fmt: skip
        link = Link(loss=0.5, seed=seed)
        link.begin(episode)
        arrived = sent_one_by_one(link, events(64, twin, name))
        fates.add(tuple(one.event.value for one in arrived))
    assert len(fates) == 5


def test_share_of_lost_events_is_the_probability():
    """4,000 draws: 5 standard deviations around it, a false alarm in two million."""
    link = Link(loss=0.2, seed=3)
    link.send([Event(0.0, f"sensor/{i}", "uplink_queue", 0) for i in range(4_000)], 0.0)
    assert abs(link.lost / 4_000 - 0.2) < 5 * math.sqrt(0.2 * 0.8 / 4_000)
    for loss, lost in ((0.0, 0), (1.0, 100)):
        link = Link(loss=loss)
        link.send(events(100), 0.0)
        assert link.lost == lost


def test_begin_forgets_what_is_on_the_way():
    """And counts anew."""
    link = Link(delay_s=1.0)
    link.send(events(3), 0.0)
    link.begin("next")
    assert link.arrived(math.inf) == []
    assert (link.sent, link.in_flight) == (0, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"loss": 1.5}, {"loss": -0.1}, {"loss": math.nan}, {"delay_s": -1.0}, {"jitter_s": math.inf},
     {"seed": -1}],
)  # fmt: skip
def test_number_out_of_range_is_refused(wrong):
    """By its name."""
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        Link(**wrong)
