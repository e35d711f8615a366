"""The four indicators of each environment on networks small enough to reckon by hand."""

import numpy as np
import pytest

from twin_gym.core.indicators import share
from twin_gym.environments.factory import vector_env
from twin_gym.environments.massive_access import indicators as access
from twin_gym.environments.massive_access.scenario import (
    AccessScenario,
    SimultaneousArrivals,
    UniformArrivals,
)
from twin_gym.environments.right_time_sync.scenario import EntityGroup, SyncScenario, Walk
from twin_gym.environments.slice_admission import indicators as admission
from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.environments.tic_scheduling import indicators as tic
from twin_gym.environments.tic_scheduling.scenario import Placement, TicScenario
from twin_gym.policies import evaluate, make_policy
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import INDICATORS, Demand, KpiObjective

BASE = KpiObjective()
OBJECTIVES = (
    BASE, KpiObjective(demand=Demand(num_devices=51)), KpiObjective(demand=Demand(latency_s=1e-4)),
    KpiObjective(demand=Demand(accuracy=0.98)),
)  # fmt: skip


def began(scenario, **settings):
    """One row at the beginning of its first episode."""
    env = vector_env(scenario, 1, objective=BASE, **settings)
    env.reset(seed=0)
    return env


def step(env, action):
    """The indicators that a step brings."""
    *_, infos = env.step(np.asarray(action)[None])
    return pytest.approx([float(infos[name][0]) for name in INDICATORS])


def test_a_ratio_of_nothing_to_nothing_is_one():
    """Nobody was let down; otherwise part over whole, at most 1."""
    assert share(np.array([0, 1, 3, 0]), np.array([0, 2, 2, 4])).tolist() == [1.0, 0.5, 1.0, 0.0]


def three_sensors(**changes):
    """Three sensors ask in slot 0 through a gateway with one grant a slot and a sure channel."""
    given = {
        "name": "three", "horizon_s": 0.0025, "num_sensors": 3, "num_gateways": 1, "grants": 1,
        "frame_slots": 1, "answers": False, "burst_fraction": 1.0, "burst_jitter_s": 0.0,
        "background_rate_hz": 0.0, "good_success": 1.0, "bad_share": 0.0, "buffer_messages": 2,
    }  # fmt: skip
    return TicScenario(**given | changes)


@pytest.mark.parametrize("action", ["weights", "pick"])
def test_messages_in_time(action):
    """One is delivered in each slot: all that can be carried; the last one after two slots."""
    env = began(three_sensors(), action=action)
    for sensor, (latency, waiting) in enumerate([(0, 2), (1, 1), (2, 0)]):
        chosen = 2 * sensor if action == "pick" else [1.0, 0.0, 0.0, 0.0]
        assert step(env, chosen) == [1.0, 1.0, 1.0 - latency / 6.0, 1.0 - waiting / 6.0]
    none = 6 if action == "pick" else [1.0, 0.0, 0.0, 0.0]
    assert step(env, none) == [1.0, 1.0, 1.0, 1.0]


def test_a_grant_that_is_not_used_is_density_lost():
    """Who picks nobody carries nothing of what could have been carried."""
    env = began(three_sensors(), action="pick")
    assert step(env, 6) == [0.0, 1.0, 1.0, 0.5]


def test_a_gateway_cannot_carry_what_waits_at_another():
    """Of three messages at one of two gateways, a slot carries one and a frame of two carries two.

    The other gateway's grants are of no use to them.
    """
    where = Placement(
        sensors_m=((0.0, 0.0),) * 3, gateways_m=((0.0, 0.0), (9.0, 9.0)), gateway_of=(0, 0, 0)
    )
    for slots, expected in ((1, [1.0, 1.0, 1.0, 4 / 6]), (2, [1.0, 1.0, 11 / 12, 5 / 6])):
        env = began(three_sensors(num_gateways=2, placement=where, frame_slots=slots))
        could = env.batch.reward_model._reader.counts(0, 1)[0, tic._CARRIABLE]
        assert could == slots
        assert step(env, [1.0, 0.0, 0.0, 0.0]) == expected


def test_messages_that_expire():
    """With a deadline of one slot, one of three is in time; the lost have waited it all."""
    env = began(three_sensors(deadline_slots=1))
    assert step(env, [0.0, 1.0, 0.0, 0.0]) == [1.0, 1 / 3, 1 / 3, 1.0]


def test_grants_of_one_slot_are_looked_at_together():
    """The first of two grants takes no time and earns nothing; the second tells of both."""
    env = began(three_sensors(grants=2), action="pick")
    _, rewards, *_, infos = env.step(np.array([0]))
    assert infos["elapsed_s"][0] == 0.0
    assert rewards[0] == 0.0
    assert step(env, 2) == [1.0, 1.0, 1.0, 1.0 - 1 / 6]
    env.reset(seed=0)
    env.step(np.array([0]))
    assert step(env, 6) == [0.5, 1.0, 1.0, 1.0 - 2 / 6]


def devices(**changes):
    """Two devices that ask at one moment, on one preamble: they collide."""
    given = {
        "name": "pair", "horizon_s": 0.5, "num_devices": 2, "preambles": 1, "slot_s": 0.005,
        "arrivals": SimultaneousArrivals(window_s=0.005, fraction=1.0),
    }  # fmt: skip
    return AccessScenario(**given | changes)


def test_devices_that_collide():
    """Nobody is answered, nobody is lost yet, everybody waits."""
    assert step(began(devices()), 0) == [0.0, 1.0, 1.0, 0.0]


def test_devices_that_are_lost():
    """With a single try both give up: nobody waits any more, and nobody was in time."""
    assert step(began(devices(max_tries=1)), 0) == [0.0, 0.0, 0.0, 1.0]


def test_devices_that_are_late():
    """A lone device barred for as long as the deadline is at its very end; then it is late."""
    for barred, expected in ((4, [1.0, 1.0, 0.0, 1.0]), (5, [1.0, 0.0, 0.0, 1.0])):
        env = began(devices(num_devices=1, max_tries=2), action="probability")
        for _ in range(barred):
            assert step(env, [0.0]) == [0.0, 1.0, 1.0, 0.0]
        assert step(env, [1.0]) == expected
        assert step(env, [1.0]) == [1.0, 1.0, 1.0, 1.0]


def test_an_opportunity_carries_what_its_preambles_can():
    """Of eight devices on one preamble, one can be answered at a time: that is all.

    Then one is lost besides, and the one answered has waited a third of the nine opportunities.
    """
    reader = began(devices(num_devices=8, backoff_s=0.001)).batch.reward_model._reader
    before = np.zeros((1, 7), np.int64)
    after = before.copy()
    after[0, access._ARRIVED], after[0, access._WAITING] = 8, 6
    after[0, access._SUCCEEDED], after[0, access._IN_TIME] = 1, 1
    assert reader.values(before, after)[0] == pytest.approx([1.0, 1.0, 1.0, 0.25])
    after[0, access._LOST], after[0, access._WAITED] = 1, 3
    assert reader.values(before, after)[0] == pytest.approx([1.0, 0.5, 1 / 3, 0.25])


def walkers(**changes):
    """Four walks whose expected error passes the tolerance after two slots; a plan of four."""
    walk = Walk(variance_rate_hz=0.001)
    given = {
        "name": "walkers", "horizon_s": 20.0, "groups": (EntityGroup(
            name="walk", count=4, process=walk),), "delivery_probability": 1.0,
        "tolerance": 0.05, "updates_per_round": 2,
    }  # fmt: skip
    return SyncScenario(**given | changes)


def test_entities_that_are_off():
    """0.0025 is two and a half slots: off at three, overdue after more than four slots."""
    env = began(walkers())
    assert step(env, 4) == [1.0, 1.0, 1.0, 1.0]
    assert step(env, 4) == [1.0, 1.0, 1.0, 1.0]
    assert step(env, 0) == [0.25, 1.0, 1.0 - 3 * 3 / 16, 0.0]
    assert step(env, 4) == [0.25, 1.0, 1.0 - 3 * 4 / 16, 1.0]
    assert step(env, 4) == [0.0, 0.25, 1.0 - (3 * 4 + 3) / 16, 1.0]


def test_updates_of_a_round_fill_its_places():
    """One of two places, and both."""
    env = began(walkers(), action="rounds")
    assert step(env, [1.0, 0.0, 0.0, 0.0]) == [1.0, 1.0, 1.0, 0.5]
    assert step(env, [1.0, 1.0, 0.0, 0.0]) == [1.0, 1.0, 1.0, 0.0]


def test_requests():
    """Admitted after half their patience, lost, in service and waiting, by the formulas."""
    kept = tuple(
        Slice(
            name=f"slice-{s}", demand={"radio": 10.0 * (s + 1), "storage": 1.0},
            arrival_rate_hz=1.0, mean_holding_time_s=1.0, queue_limit=4,
            mean_patience_s=2.0 * (s + 1),
        )
        for s in range(2)
    )  # fmt: skip
    scenario = AdmissionScenario(
        name="two", horizon_s=10.0, capacity={"radio": 100.0, "storage": 100.0},
        slices=kept,
    )  # fmt: skip
    reader = vector_env(scenario, 1, objective=BASE).batch._reader
    before = np.zeros((1, 6, 2), np.int64)
    after = before.copy()
    assert reader.values(before, after).tolist() == [[1.0, 1.0, 1.0, 1.0]]
    after[0, admission._ADMITTED] = (2, 1)
    after[0, admission._LOST] = (1, 0)
    after[0, admission._WAITED] = (2_000_000_000, 9_000_000_000)  # ns: 1 s each; more than patience
    after[0, admission._IN_SERVICE] = (2, 1)
    after[0, admission._WAITING] = (0, 2)
    # 2 x 10 + 20 of 100 are in use and 90 wanted; 3 of 4; waits 2 x 0.5 + 1 + one lost; 2 of 8
    assert reader.values(before, after)[0] == pytest.approx([4 / 9, 0.75, 0.25, 0.75])
    after[0, admission._WAITING] = (4, 4)
    assert reader.values(before, after)[0] == pytest.approx([0.4, 0.75, 0.25, 0.0])


def test_who_admits_nobody_carries_nothing():
    """Without places to wait: every step that takes time ends with a loss, and nothing is used."""
    env = began(load("teletraffic-small").replace(horizon_s=5.0))
    for _ in range(8):
        assert step(env, 2) == [0.0, 0.0, 0.0, 1.0]


def test_a_request_that_has_just_come_is_of_the_next_step():
    """A network in which all are admitted at once carries all that it could have carried."""
    scenario = load("contention")
    roomy = {name: 1e4 for name in scenario.capacity}
    env = began(scenario.replace(capacity=roomy, horizon_s=4.0))
    infos, over, timed = {}, False, 0
    while not over:
        waiting = np.flatnonzero(env.batch.masks[0, :-1])
        _, _, _, truncated, infos = env.step(waiting[:1] if len(waiting) else np.array([4]))
        over = bool(truncated[0])
        if infos["elapsed_s"][0] > 0.0:
            timed += 1
            assert [infos[name][0] for name in INDICATORS] == [1.0] * 4
    assert timed > 20


IDLE = {
    "tic": three_sensors(burst_fraction=0.0, background_rate_hz=1e-6),
    "access": devices(num_devices=1),
    "sync": walkers(groups=(EntityGroup(
        name="still", count=4, process=Walk(variance_rate_hz=1e-9)),)),
}  # fmt: skip
CROWDED = {
    "admission": load("contention").replace(
        capacity={"radio": 25.0, "computing": 25.0, "storage": 25.0}, horizon_s=20.0
    ),
    "tic": three_sensors(burst_messages=2, burst_period_s=0.000125, deadline_slots=3),
    "access": devices(num_devices=2000, preambles=4, arrivals=UniformArrivals(window_s=0.5)),
    "sync": walkers(delivery_probability=0.2, groups=(EntityGroup(
        name="fast", count=4, process=Walk(variance_rate_hz=0.5)),)),
}  # fmt: skip
RULES = {"admission": "fifo", "tic": "equal", "access": "none", "sync": "round-robin"}


def objective_of(scenario, policy, objective):
    """The time-average of the objective, over three worlds."""
    evaluation = evaluate(policy, scenario, [1, 2, 3], objective=objective)
    return float(evaluation.returns.mean()) / scenario.horizon_s


class Nobody:
    """Never sends."""

    name = "nobody"

    def reset(self, seed):
        """Begins anew."""

    def actions(self, observations, masks):
        """The last action."""
        return np.full(len(observations), masks.shape[1] - 1)


@pytest.mark.parametrize("kind", ["tic", "access", "sync"])
def test_the_objective_is_one_in_a_network_without_load(kind):
    """The objective is 1 for all weights; of a twin, while nothing changes and nothing is sent."""
    policy = Nobody() if kind == "sync" else make_policy(RULES[kind], IDLE[kind])
    for objective in OBJECTIVES:
        assert objective_of(IDLE[kind], policy, objective) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("kind", list(CROWDED))
def test_the_objective_is_low_under_overload(kind):
    """Less than 0.7 whatever is wanted, and less than half where urgency is."""
    policy = make_policy(RULES[kind], CROWDED[kind])
    objectives = [objective_of(CROWDED[kind], policy, objective) for objective in OBJECTIVES]
    assert max(objectives) < 0.7
    assert objectives[2] < 0.5
