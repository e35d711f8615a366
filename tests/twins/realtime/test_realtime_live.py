"""The real-time twin beside a real run of each environment."""

import subprocess
import sys

import numpy as np
import pytest

from tests.twins.realtime.cases import SCENARIOS, made, run
from twin_gym.environments.factory import vector_env
from twin_gym.errors import ConfigError
from twin_gym.twins.realtime import Link, LiveTwin, graph_from_json

LOSSY = {"loss": 0.2, "delay_s": 1e-4, "jitter_s": 1e-3, "seed": 3}


@pytest.fixture(params=list(SCENARIOS))
def kind(request):
    """Each kind of environment."""
    return request.param


def test_twin_over_a_perfect_link_knows_what_is_measured(kind):
    """After every step: each value of the adapter, none older than it was when it was measured."""
    env = made(kind)
    twin = LiveTwin(env)

    def observe():
        twin.observe()
        for event in twin._adapter.measure():
            assert twin.graph.value(event.twin, event.property) == event.value
            assert twin.graph.age_s(event.twin, event.property) == twin.now_s - event.time_s
        assert twin.graph.late == 0

    run(env, 60, observe)
    assert twin.graph.taken > 60


def test_run_is_the_same_with_and_without_a_twin(kind):
    """The fingerprint of actions, rewards and times, and every array behind the environment."""
    with_twin, without = made(kind), made(kind)
    twin = LiveTwin(with_twin, link=Link(**LOSSY))
    assert run(with_twin, 300, twin.observe) == run(without, 300, lambda: None)
    assert with_twin.unwrapped.batch.arrays.keys() == without.unwrapped.batch.arrays.keys()
    for name, array in with_twin.unwrapped.batch.arrays.items():
        assert array.tobytes() == without.unwrapped.batch.arrays[name].tobytes(), name


def test_twin_over_a_lossy_link_is_behind_and_never_ahead(kind):
    """Losses are counted, ages are never negative, and a second run gives an equal snapshot."""
    ends = []
    for _ in range(2):
        env = made(kind)
        twin = LiveTwin(env, link=Link(**LOSSY))
        run(env, 80, twin.observe)
        assert 0 < twin.link.lost < twin.link.sent
        snapshot = twin.graph.snapshot()
        ages = [snapshot.age_s(id_, name) for id_, one in snapshot.twins for name, _ in one.known]
        assert min(ages) >= 0.0
        assert graph_from_json(snapshot.to_json()).snapshot() == snapshot
        ends.append(snapshot)
    assert ends[0] == ends[1]


def test_nothing_is_known_over_a_dead_link(kind):
    """But what was told with the twins, and that ages."""
    env = made(kind)
    twin = LiveTwin(env, link=Link(loss=1.0))
    run(env, 20, twin.observe)
    assert twin.graph.taken == 0
    assert twin.graph.value("network", "kind") == kind
    assert twin.graph.age_s("network", "kind") == twin.now_s > 0.0


def test_slices_are_as_in_the_network():
    """Free resources and what is held add up to the capacity."""
    env = made("admission")
    twin = LiveTwin(env)
    run(env, 40, twin.observe)
    graph, scenario = twin.graph, env.unwrapped.scenario
    for name, capacity in scenario.capacity.items():
        held = sum(
            graph.value(f"slice/{one.name}", "in_service") * one.demand.get(name, 0.0)
            for one in scenario.slices
        )
        assert graph.value(f"resource/{name}", "free") == pytest.approx(capacity - held)
    kpis = env.unwrapped.batch.kpis()
    for one in scenario.slice_names:
        assert graph.value(f"service/{one}", "offered") == kpis[f"offered/{one}"][0]
        assert graph.value(f"service/{one}", "served") == kpis[f"admitted/{one}"][0]
    assert graph.neighbours("slice/hrllc", "offers") == ("service/hrllc",)
    waits = env.unwrapped.batch.waiting(0)
    heads = [graph.value(f"slice/{one}", "head_age_s") for one in scenario.slice_names]
    assert heads == [ages[0] if ages else 0.0 for ages in waits]


def test_queues_of_sensors_add_up_to_those_of_their_gateways():
    """At the end of the burst, when there are some."""
    env = made("tic")
    twin = LiveTwin(env)
    most = 0

    def observe():
        nonlocal most
        twin.observe()
        for gateway in twin.graph.twins("Gateway"):
            queued = sum(
                twin.graph.value(sensor, name)
                for sensor in twin.graph.neighbours(gateway, "serves")
                for name in ("uplink_queue", "downlink_queue")
            )
            assert queued == twin.graph.value(gateway, "queue_length")
            most = max(most, queued)

    run(env, 60, observe)
    assert most > 5


def test_cell_knows_no_more_than_its_base_station():
    """Broadcasts and answers are known; who waits and who gives up is hidden."""
    env = made("access")
    twin = LiveTwin(env)
    run(env, 30, twin.observe)
    row = env.unwrapped.batch.row(0)
    assert twin.graph.value("service/access", "served") == row["succeeded"] > 0
    assert twin.graph.value("cell/0", "barring") == row["barring"]
    assert twin.graph.value("cell/0", "successes") == row["step_successes"]
    assert twin.graph.value("service/access", "lost") is None


def test_entity_is_as_old_as_the_environment_says():
    """The environment's own channel has made it so: its times are when values were true."""
    env = made("sync")
    twin = LiveTwin(env)
    run(env, 150, twin.observe)
    batch = env.unwrapped.batch
    held, slot_s = batch.twin(0), batch.scenario.slot_s
    for i, name in enumerate(batch.scenario.entity_names):
        assert twin.graph.value(f"entity/{name}", "value") == held["value"][i]
        age_s = twin.graph.age_s(f"entity/{name}", "value")
        assert age_s == pytest.approx(held["age"][i] * slot_s)
    assert twin.link.sent < 150 * batch.scenario.num_entities  # what is known is not told again


def test_twin_begins_anew_with_every_episode():
    """In any row of a vector whose rows begin again by themselves."""
    env = vector_env("tic-small-45", 3)
    env.action_space.seed(1)
    twin = LiveTwin(env, row=2)
    env.reset(seed=4)
    times = []
    for _ in range(env.scenario.num_slots // env.scenario.frame_slots + 3):
        twin.observe()
        times.append(twin.now_s)
        env.step(env.action_space.sample())
    assert max(times) == pytest.approx(env.scenario.horizon_s)
    assert times[-1] < 0.01
    assert twin.graph.late == 0


def test_measurements_come_by_the_period():
    """Between them ages grow; where only changes are told, less is sent."""
    env = made("tic")
    seldom = LiveTwin(env, period_s=0.01)
    changes = LiveTwin(env, only_changes=True)
    ages = []

    def observe():
        seldom.observe()
        changes.observe()
        ages.append(seldom.graph.age_s("gateway/0", "queue_length"))

    run(env, 100, observe)
    assert 0.0090 < max(ages) < 0.0101
    assert ages.count(0.0) == 6  # at 0 and every 0.01 s of 0.05 s
    assert changes.link.sent < 0.5 * 101 * 108
    for event in changes._adapter.measure():
        assert changes.graph.value(event.twin, event.property) == event.value


def test_what_is_no_environment_is_refused():
    """And so are rows and periods that cannot be."""
    with pytest.raises(ConfigError, match="environment of twin_gym"):
        LiveTwin(np.zeros(3))
    with pytest.raises(ConfigError, match="rows 0 to 0"):
        LiveTwin(made("tic"), row=1)
    with pytest.raises(ConfigError, match="period_s"):
        LiveTwin(made("tic"), period_s=-1.0)


def test_twin_and_store_need_no_torch():
    """In a process in which it cannot be imported, nor safetensors."""
    code = (
        "import sys\n"
        "sys.modules['torch'] = sys.modules['safetensors'] = None\n"
        "from twin_gym.twins.realtime import LiveTwin\n"
        "from twin_gym.twins.history import open_store\n"
        "import gymnasium\n"
        "env = gymnasium.make('twin_gym/RightTimeSync-v0')\n"
        "twin = LiveTwin(env)\n"
        "env.reset(seed=1)\n"
        "print(len(twin.observe()) > 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "True", done.stderr
