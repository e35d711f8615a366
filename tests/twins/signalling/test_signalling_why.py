"""Why sessions were refused: cause, slice, and what was free, read off the log."""

import numpy as np
import pytest

from tests.twins.signalling.signalling_cases import failing
from twin_gym.twins.signalling.emulator import emulate
from twin_gym.twins.signalling.kinds import kind_code
from twin_gym.twins.signalling.presets import load
from twin_gym.twins.signalling.why import rejections

REJECT = kind_code("DownlinkNASTransport[DL NAS transport[PDU session establishment reject]]")


def test_every_rejection_is_explained():
    """As many reasons as messages, in their order."""
    scenario = failing(0.1)
    log = emulate(scenario, 1, 60, 600.0)
    found = rejections(log, scenario)
    assert len(found) == np.sum(log.column("kind") == REJECT) > 50
    assert [one.time_s for one in found] == sorted(one.time_s for one in found)
    assert {one.refused_by for one in found} == {"policy", "user plane", "radio"}
    assert {one.cause for one in found} == {26, 67, 69}


def test_full_slice_is_why_cause_69_is_given():
    """At every such decision the slice had as many sessions as it admits, and none was free."""
    scenario = load("signalling-four-slices")
    found = rejections(emulate(scenario, 2, 100, 600.0), scenario)
    full = [one for one in found if one.cause == 69 and one.waited_s < 1.0]
    assert len(full) > 50
    for one in full:
        assert (one.in_use, one.free[one.slice_name]) == (one.limit, 0)


@pytest.mark.parametrize(
    ("share", "cause", "refused_by"),
    [
        ("session_refused", 67, "policy"),
        ("user_plane_full", 26, "user plane"),
        ("session_setup_failure", 26, "radio"),
    ],
)
def test_each_failure_has_its_reason(share, cause, refused_by):
    """Where only one thing fails, it is the only reason."""
    scenario = load("signalling-single-slice").replace(failures={share: 1.0})
    found = rejections(emulate(scenario, 1, 10, 100.0), scenario)
    assert {(one.cause, one.refused_by) for one in found} == {(cause, refused_by)}


def test_late_decision_says_how_long_the_ue_waited():
    """A policy that never decides: the five transmissions of T3580."""
    scenario = load("signalling-single-slice").replace(
        failures={"session_deferred": 1.0}, delays={"deferred_s": 1e7}
    )
    found = rejections(emulate(scenario, 1, 3, 100.0), scenario)
    assert {one.cause for one in found} == {26}
    assert all(80.0 <= one.waited_s < 80.1 for one in found)


def test_reason_is_a_sentence():
    """What an operator reads: when, who, which slice, which cause, what was free."""
    scenario = load("signalling-single-slice").replace(failures={"user_plane_full": 1.0})
    text = str(rejections(emulate(scenario, 1, 1, 60.0), scenario)[0])
    assert "slice 'immersive': cause 26 (Insufficient resources); the UPF had no resources" in text
    assert "free: immersive 1000000" in text
