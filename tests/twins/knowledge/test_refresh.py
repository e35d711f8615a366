"""When a graph takes over changes: what is answered, and how old it is."""

import math
from fractions import Fraction

import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge import (
    AsOf,
    Batched,
    MemoryStore,
    Rebuild,
    Trigger,
    WriteThrough,
    topology_of,
)
from twin_gym.twins.knowledge.cities import SMALL, generate_city
from twin_gym.twins.realtime.events import Event

CITY = generate_city(SMALL, 1)
START_S = CITY.now_s


def level(time_s: float, value: float) -> Event:
    """A reading of the first sensor."""
    return Event(time_s, "sensor/0", "pm25_ug_per_m3", value)


def left(time_s: float, sensor: str = "sensor/0") -> Event:
    """A sensor says that it is absent."""
    return Event(time_s, sensor, "presence", False)


def read(policy, now_s: float) -> tuple[float, float, float]:
    """Value and age of the first sensor's reading, and up to when the graph has all."""
    fact = policy.graph(now_s).fact("sensor/0", "pm25_ug_per_m3")
    return fact.value, fact.age_s, policy.up_to_s


UP_TO_DATE = {
    "write-through": lambda: WriteThrough(CITY.graph()),
    "batched": lambda: Batched(CITY.graph()),
    "rebuild": lambda: Rebuild(CITY.graph),
    "trigger of 0": lambda: Trigger(CITY.graph(), topology_of(CITY.graph()), 0),
}


@pytest.mark.parametrize("make", UP_TO_DATE.values(), ids=UP_TO_DATE)
def test_up_to_date_policies_answer_with_the_last_change(make):
    """Value, age and time of what was noted last, twice in a row; an earlier change is late."""
    policy = make()
    policy.note(3.0, [level(2.5, 40.0), level(2.25, 50.0)])
    assert read(policy, 3.0) == (40.0, 0.5, 3.0)
    policy.note(4.0, [level(3.5, 41.0)])
    policy.note(5.0, [])
    assert read(policy, 5.0) == (41.0, 1.5, 5.0)


def test_answers_as_of_a_time_are_those_of_the_last_period():
    """With a period of 5 s: nothing before 5 s, then all up to 5 s until 10 s."""
    policy, before = AsOf(CITY.graph(), 5.0), CITY.graph().fact("sensor/0", "pm25_ug_per_m3")
    policy.note(4.0, [level(3.5, 40.0)])
    assert read(policy, 4.0)[0] == before.value
    assert policy.up_to_s == START_S
    policy.note(5.0, [level(4.5, 41.0)])
    policy.note(9.0, [level(8.0, 42.0)])
    assert read(policy, 9.0) == (41.0, 4.5, 5.0)
    policy.note(10.0, [])
    assert read(policy, 10.0) == (42.0, 2.0, 10.0)


def test_trigger_sees_presence_and_no_reading():
    """A sensor of 30 that leaves moves the weight of a pool by 1/36 or more; a reading by 0."""
    store = CITY.graph()
    policy = Trigger(store, topology_of(store), Fraction(1, 36))
    before = read(policy, START_S)[0]
    policy.note(3.0, [level(2.5, 40.0)])
    assert read(policy, 3.0) == (before, 3.0 - CITY.readings[0].time_s, START_S)
    policy.note(4.0, [left(3.5)])
    assert read(policy, 4.0)[::2] == (40.0, 4.0)
    assert policy.num_writes == 1


def test_trigger_adds_up_small_changes():
    """Alpha is taken from the last write on: three sensors that leave reach what one does not.

    The first one moves all others from the bound of the medium pool into the high one.
    """
    store = CITY.graph()
    policy = Trigger(store, topology_of(store), Fraction(6, 36))
    writes = []
    for number in range(4):
        policy.note(3.0 + number, [left(2.5 + number, f"sensor/{5 * number}")])
        writes.append(policy.num_writes)
    assert writes == [1, 1, 1, 2]


def test_writes_are_counted():
    """One a change, or one a question."""
    through, batched = WriteThrough(CITY.graph()), Batched(CITY.graph())
    for policy in (through, batched):
        policy.note(3.0, [level(2.5, 40.0), left(2.5), left(2.6, "sensor/1")])
        policy.graph(3.0)
        policy.graph(3.0)
    assert (through.num_writes, batched.num_writes) == (3, 1)


def test_rebuilt_store_is_a_new_one():
    """What a question was answered from stays as it was."""
    policy = Rebuild(CITY.graph)
    first = policy.graph(3.0)
    policy.note(4.0, [level(3.5, 40.0)])
    assert isinstance(first, MemoryStore)
    assert policy.graph(4.0) is not first
    assert first.fact("sensor/0", "pm25_ug_per_m3").value != 40.0


def test_settings_out_of_range_are_refused():
    """A period of 0, and a negative alpha."""
    store = CITY.graph()
    with pytest.raises(ConfigError, match="period_s"):
        AsOf(store, 0.0)
    with pytest.raises(ConfigError, match="alpha"):
        Trigger(store, topology_of(store), -0.1)
    with pytest.raises(ConfigError, match="alpha"):
        Trigger(store, topology_of(store), math.nan)
