"""Windows of TIC scheduling: slots that are written by hand, channels that are replayed."""

from __future__ import annotations

import pytest

from tests.twins.scenarios.estimation_cases import evidence_from, graph_of, property_events
from twin_gym.environments.tic_scheduling.estimation import Channels, expected_tries
from twin_gym.scenario.changes import changed
from twin_gym.scenario.loading import load

SLOT_S = 0.001
UPLINK, DOWNLINK, NETWORK = "service/uplink", "service/downlink", "network"
COUNTS = {4: 10, 18: 13, 22: 17, 24: 20, 38: 24, 44: 30, 50: 31, 58: 32}


def net(**changes):
    """Ten sensors with bursts of two messages, each 20 slots of 1 ms, up to 4 slots late."""
    given = {
        "num_sensors": 10, "num_gateways": 1, "slot_s": SLOT_S, "horizon_s": 0.2,
        "burst_period_s": 0.02, "burst_jitter_s": 0.004, "burst_messages": 2,
    }  # fmt: skip
    return changed(load("tic-small-20"), {**given, **changes})


def counted(counts, name="offered", twin=UPLINK, slot_s=SLOT_S):
    """A counter by slot."""
    return property_events(twin, name, [(slot * slot_s, count) for slot, count in counts.items()])


def test_background_is_what_came_while_no_burst_could_begin(tmp_path):
    """3, 4 and 2 messages of ten sensors, in 14 slots from a jitter on to the next period."""
    evidence = evidence_from(tmp_path, net(), counted(COUNTS), end_s=0.06)["background_rate_hz"]
    assert evidence.events == 9.0
    assert evidence.exposure_s == pytest.approx(3 * 14 * SLOT_S * 10)
    assert evidence.at_s == pytest.approx(0.058)


def test_burst_is_the_growth_around_it_less_the_background(tmp_path):
    """7 and 6 in 6 slots each, over the 20 that all sensors would bring; the first is not whole."""
    evidence = evidence_from(tmp_path, net(), counted(COUNTS), end_s=0.06)["burst_fraction"]
    assert evidence.count == 2.0
    assert evidence.total == pytest.approx((13.0 - 2.0 * 6.0 * 9.0 / 42.0) / 20.0)
    assert evidence.at_s == pytest.approx(0.058)


def test_burst_before_which_too_little_was_heard_is_left_out(tmp_path):
    """The last report before the third may precede the end of the second."""
    counts = {slot: count for slot, count in COUNTS.items() if slot != 38}
    evidence = evidence_from(tmp_path, net(), counted(counts), end_s=0.06)
    assert evidence["burst_fraction"].count == 2.0  # 24 is still after the jitter
    del counts[24]
    (tmp_path / "less").mkdir()
    evidence = evidence_from(tmp_path / "less", net(), counted(counts), end_s=0.06)
    assert evidence["burst_fraction"].count == 0.0


@pytest.mark.parametrize(
    ("start_s", "end_s", "events", "bursts"),
    [
        (0.020, 0.060, 6.0, 2),
        (0.021, 0.060, 2.0, 1),
        (0.0, 0.041, 9.0, 2),
        (0.0, 0.040, 7.0, 1),
        (0.0, float("inf"), 9.0, 2),
        (0.06, 0.06, 0.0, 0),
    ],
)
def test_a_period_is_of_the_window_in_which_it_begins(tmp_path, start_s, end_s, events, bursts):
    """Once, whatever the window cuts off of it."""
    evidence = evidence_from(tmp_path, net(), counted(COUNTS), start_s=start_s, end_s=end_s)
    assert evidence["background_rate_hz"].events == events
    assert evidence["burst_fraction"].count == bursts


def test_burst_of_the_last_slot_that_was_heard_counts(tmp_path):
    """Without jitter it is seen in the first slot of its period."""
    base = net(burst_jitter_s=0.0)
    evidence = evidence_from(tmp_path, base, counted({10: 5, 20: 19}))["burst_fraction"]
    assert evidence.count == 1.0
    assert evidence.total == pytest.approx((14.0 - 10 * 10 * base.background_probability) / 20.0)


@pytest.mark.parametrize("number", [2, 3])
def test_period_that_begins_where_a_window_ends_is_of_the_next(tmp_path, number):
    """Even where the edge, 3 x 0.05 s, is a little more than fifteen periods as a float."""
    base = net(burst_period_s=0.01, burst_jitter_s=0.001)
    assert 3 * 0.05 / SLOT_S / 10 > 15.0
    events, start_s = counted({slot: slot for slot in range(250)}), number * 0.05
    evidence = evidence_from(tmp_path, base, events, start_s=start_s, end_s=(number + 1) * 0.05)
    assert evidence["burst_fraction"].count == 5.0


def test_background_of_the_base_is_taken_off_where_none_was_heard(tmp_path):
    """One value in each period: 40 Hz of ten sensors bring 8 in 20 slots, and 12 are bursts."""
    base = net(background_rate_hz=40.0)
    evidence = evidence_from(tmp_path, base, counted({6: 5, 26: 25, 46: 27}))
    assert evidence["background_rate_hz"].is_empty
    assert evidence["burst_fraction"].total == pytest.approx(12.0 / 20.0)  # 2 are less than none
    assert evidence["burst_fraction"].count == 2.0


def test_sizes_are_told_with_the_twins(tmp_path):
    """Sensors of the graph, and not of the base, share the traffic."""
    twins = [(f"sensor/{k}", "Sensor", {"buffer_messages": 3}) for k in range(5)]
    twins += [("gateway/0", "Gateway", {}), ("gateway/1", "Gateway", {})]
    twins.append((UPLINK, "Service", {"deadline_s": 0.0069999}))
    evidence = evidence_from(tmp_path, net(), counted(COUNTS), [graph_of(twins)], end_s=0.06)
    names = ("deadline_slots", "buffer_messages", "num_sensors", "num_gateways")
    assert [evidence[name].values for name in names] == [(7.0,), (3.0,), (5.0,), (2.0,)]
    assert evidence["background_rate_hz"].exposure_s == pytest.approx(3 * 14 * SLOT_S * 5)
    assert evidence["burst_fraction"].total == pytest.approx((13.0 - 2.0 * 6.0 * 9.0 / 42.0) / 10.0)


def test_without_a_graph_no_size_is_known(tmp_path):
    """And a deadline below half a slot is one slot."""
    evidence = evidence_from(tmp_path, net(), counted(COUNTS))
    for name in ("deadline_slots", "buffer_messages", "num_sensors", "num_gateways"):
        assert evidence[name].is_empty
    (tmp_path / "some").mkdir()
    graph = graph_of([(UPLINK, "Service", {"deadline_s": 0.0001})])
    evidence = evidence_from(tmp_path / "some", net(), counted(COUNTS), [graph])
    assert evidence["deadline_slots"].values == (1.0,)
    assert evidence["num_gateways"].is_empty


SENT = counted({0: 0, 10: 30, 20: 50}, "transmissions", NETWORK)
CAME = [
    *counted({0: 0, 10: 12, 20: 20}, "served", UPLINK),
    *counted({0: 0, 10: 8, 20: 14}, "served", DOWNLINK),
]


def test_channels_are_transmissions_and_deliveries_of_both_directions(tmp_path):
    """Of the second half: 20 sent, 8 and 6 delivered."""
    evidence = evidence_from(tmp_path, net(), [*SENT, *CAME], start_s=0.01, end_s=0.02)["bad_share"]
    assert evidence == Channels(0.02, 20.0, 14.0, 0.98, 0.5, 8)
    assert evidence.joined([Channels(0.01, 5.0, 4.0, 0.98, 0.5, 8)]) == Channels(
        0.02, 25.0, 18.0, 0.98, 0.5, 8
    )


@pytest.mark.parametrize("missing", ["transmissions", UPLINK, DOWNLINK])
def test_channels_of_which_a_counter_was_not_heard_are_unknown(tmp_path, missing):
    """Transmissions alone are no failures, and deliveries alone say nothing."""
    heard = [one for one in [*SENT, *CAME] if missing not in (one.twin, one.property)]
    evidence = evidence_from(tmp_path, net(), heard)["bad_share"]
    assert evidence.is_empty
    assert evidence.delivered == 0.0


@pytest.mark.parametrize("lost", [(NETWORK, 0.02), (UPLINK, 0.02), (DOWNLINK, 0.0)])
def test_channels_are_of_the_time_in_which_all_counters_are_known(tmp_path, lost):
    """Where one was lost at an end, the others are not looked at there either."""
    heard = [one for one in [*SENT, *CAME] if (one.twin, one.time_s) != lost]
    evidence = evidence_from(tmp_path, net(), heard)["bad_share"]
    expected = (30.0, 20.0) if lost[1] else (20.0, 14.0)
    assert (evidence.tries, evidence.delivered) == expected


@pytest.mark.parametrize(
    "base",
    [
        net(bad_success=0.98),
        net().model_copy(update={"channel_trace": load("tic-campusiot").channel_trace}),
    ],
    ids=["alike", "replayed"],
)
def test_channels_that_are_alike_or_replayed_say_nothing(tmp_path, base):
    """There is no share of bad ones to be found."""
    evidence = evidence_from(tmp_path, base, [*SENT, *CAME])["bad_share"]
    assert evidence.is_empty
    assert evidence.delivered == 0.0


def test_more_transmissions_than_any_share_explains_make_all_channels_bad():
    """And as many as were delivered, none."""
    assert Channels(0.0, 1e9, 1.0, 0.9, 0.4, 8).estimate(0.2) == pytest.approx(1.0)
    assert Channels(0.0, 1e9, 1e9, 0.9, 0.4, 8).estimate(0.2) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ((0.0, 0.5, 0.1, 8), 2.0),
        ((1.0, 0.5, 0.1, 8), 10.0),
        ((1.0, 1.0, 0.0, 8), float("inf")),
        ((0.25, 1.0, 0.5, 1), 1.0 / 0.875),
        ((0.5, 1.0, 0.0, 2), 2.75),  # 3 from a block's first slot, 2.5 from its last
        ((0.3, 0.9, 0.5, 10**12), 0.7 / 0.9 + 0.3 / 0.5),
    ],
)
def test_expected_tries_of_simple_channels(law, expected):
    """One state, none that gets through, blocks of a slot, blocks that never end."""
    assert expected_tries(*law) == pytest.approx(expected, rel=1e-2 if law[3] > 8 else 1e-9)
