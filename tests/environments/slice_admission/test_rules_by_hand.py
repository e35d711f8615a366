"""The rules, on requests so few that the outcome can be worked out by hand; for both engines.

The kernel and SimPy share the ranks of simultaneous events, so that comparing them cannot show
whether the ranks are the ones that the rules name.
"""

import numpy as np
import pytest

from tests.environments.slice_admission.strategies import write_requests
from twin_gym.environments.slice_admission.env import SliceAdmissionEnv
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.scenario import Trace

WINDOW_S = 100.0


@pytest.fixture(params=["kernel", "simpy"])
def engine(request):
    """Each of the two tellings."""
    return request.param


@pytest.fixture
def play(tmp_path, engine):
    """Runs requests (at 50 s and later) through a network of one unit; gives KPIs and infos."""

    def run(rows, queue_limit, eager=True, capacity=1.0, patience_s=1.0, slices=("a",)):
        path = tmp_path / "requests.csv"
        write_requests(path, rows)
        scenario = AdmissionScenario(
            name="by-hand",
            capacity={"units": capacity},
            slices=tuple(
                Slice(
                    name=name, demand={"units": 1.0}, arrival_rate_hz=1.0, mean_holding_time_s=1.0,
                    mean_patience_s=patience_s, queue_limit=queue_limit, lost_penalty=0.5,
                    agreed_loss_ratio=0.5,
                )
                for name in slices
            ),
            horizon_s=60.0,
            trace=Trace(path=str(path), last_s=WINDOW_S),
        )  # fmt: skip
        env = SliceAdmissionEnv(scenario, engine=engine)
        # An episode begins at a drawn moment of the window: take one that has the requests whole.
        seed = next(
            seed for seed in range(100)
            if env.reset(seed=seed) and 5e9 < env.batch.row(0)["trace_offset"] < 40e9
        )  # fmt: skip
        _, info = env.reset(seed=seed)
        infos, truncated = [info], False
        while not truncated:
            mask = info["action_mask"]
            action = int(np.argmax(mask)) if eager else len(mask) - 1
            *_, truncated, info = env.step(action)
            infos.append(info)
        return info["kpi"], infos

    return run


def counts(kpi, name=""):
    """Offered, admitted, blocked, expired, declined."""
    keys = ("offered", "admitted", "blocked", "expired", "declined")
    return tuple(int(kpi[key + name]) for key in keys)


def test_departure_comes_before_arrival(play):
    """At 52 s the first request leaves and the second one comes: it finds the unit free."""
    kpi, _ = play([(50.0, "a", 2.0), (52.0, "a", 1.0)], queue_limit=0)
    assert counts(kpi) == (2, 2, 0, 0, 0)


def test_departure_comes_before_timeout(play):
    """At 52 s the unit is free and the second request loses patience: it can still be admitted."""
    kpi, _ = play([(50.0, "a", 2.0), (51.0, "a", 1.0)], queue_limit=1)
    assert counts(kpi) == (2, 2, 0, 0, 0)
    assert kpi["mean_wait_s"] == 0.5


def test_timeout_comes_before_arrival(play):
    """At 52 s the second request leaves the only place and the third one takes it."""
    rows = [(50.0, "a", 20.0), (51.0, "a", 1.0), (52.0, "a", 1.0)]
    kpi, _ = play(rows, queue_limit=1)
    assert counts(kpi) == (3, 1, 0, 2, 0)


def test_slices_come_in_their_order(play):
    """Two arrive at once, the second slice first in the file: the first slice is first served."""
    rows = [(50.0, "b", 1.0), (50.0, "a", 1.0)]
    kpi, _ = play(rows, queue_limit=0, slices=("a", "b"))
    assert counts(kpi, "/a") == (1, 1, 0, 0, 0)
    assert counts(kpi, "/b") == (1, 0, 1, 0, 0)


def test_full_queue_blocks(play):
    """One in service, one waits, the third is blocked; the second expires."""
    rows = [(50.0, "a", 20.0), (50.25, "a", 1.0), (50.5, "a", 1.0)]
    kpi, infos = play(rows, queue_limit=1)
    assert counts(kpi) == (3, 1, 1, 1, 0)
    assert kpi["loss_ratio"] == 2 / 3
    assert kpi["blocking_probability"] == 1 / 3
    assert sum(info["revenue"] for info in infos) == 1.0 - 2 * 0.5


def test_request_without_a_place_to_wait_is_declined_or_blocked(play):
    """Declined if it fitted and was not admitted; blocked if it did not fit."""
    rows = [(50.0, "a", 2.0), (51.0, "a", 2.0)]
    kpi, infos = play(rows, queue_limit=0, eager=False)
    assert counts(kpi) == (2, 0, 0, 0, 2)
    assert len(infos) == 3  # the reset, and a step a request
    kpi, _ = play(rows, queue_limit=0)
    assert counts(kpi) == (2, 1, 1, 0, 0)


def test_waiting_request_is_offered_at_each_event(play):
    """Not admitted, it waits: the next decision comes with the next event, until it expires."""
    rows = [(50.0, "a", 2.0), (50.5, "a", 2.0)]
    kpi, infos = play(rows, queue_limit=2, eager=False)
    assert counts(kpi) == (2, 0, 0, 2, 0)
    # After the reset: until the second arrival, until the first expiry, and to the horizon.
    assert [round(info["elapsed_s"], 9) for info in infos[1:3]] == [0.5, 0.5]
    assert len(infos) == 4


def test_next_decision_comes_at_the_same_instant_if_another_fits(play):
    """Two arrive together and two fit: the second decision comes after no time at all."""
    rows = [(50.0, "a", 2.0), (50.0, "b", 2.0)]
    kpi, infos = play(rows, queue_limit=1, capacity=2.0, slices=("a", "b"))
    assert counts(kpi) == (2, 2, 0, 0, 0)
    # The first arrival is decided on before the second one happens, as it comes first.
    assert infos[1]["elapsed_s"] == 0.0
    assert kpi["utilisation"] == pytest.approx(2 * 2.0 / (2.0 * 60.0), rel=1e-12)


def test_cost_counts_losses_beyond_the_agreed_share(play):
    """Agreed is half: of three losses out of four offered, those that bring it above half count."""
    rows = [(50.0, "a", 20.0), (51.0, "a", 1.0), (52.0, "a", 1.0), (53.0, "a", 1.0)]
    kpi, infos = play(rows, queue_limit=0)
    assert counts(kpi) == (4, 1, 3, 0, 0)
    # Lost of offered: 1/2 is not above a half, 2/3 and 3/4 are.
    assert sum(info["cost"] for info in infos) == 2.0
