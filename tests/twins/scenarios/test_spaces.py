"""Parameter spaces, histories, criteria, and what a generator does with points that are no good."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.environments.tic_scheduling.scenario import Placement
from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import Demand, KpiObjective, Thresholds
from twin_gym.twins.scenarios import (
    Criteria,
    CurrentState,
    GenerationError,
    HistoricalGenerator,
    Parameter,
    ParameterHistory,
    ParameterSpace,
    parameters_of,
)
from twin_gym.twins.scenarios.criteria import condition_of
from twin_gym.twins.scenarios.generator import PointGenerator

TIC = load("tic-small-45")
SPACE = ParameterSpace.of(TIC, ["num_sensors", "deadline_slots"])
POINTS = np.log([[50.0, 7.0], [60.0, 8.0], [40.0, 6.0], [55.0, 5.0], [45.0, 9.0]])
HISTORY = ParameterHistory(SPACE, POINTS, "five windows")


def asked(**demand) -> Criteria:
    """Criteria with a demand."""
    return Criteria(KpiObjective(demand=Demand(**demand)))


# Parameters


@pytest.mark.parametrize(
    ("one", "coordinate", "value"),
    [
        (Parameter("x", "log", 1, 100, is_whole=True), np.log(7.6), 8),
        (Parameter("x", "log", 1, 100, is_whole=True), 1e9, 100),
        (Parameter("x", "log", 1, 100, is_whole=True), -1e9, 1),
        (Parameter("x", "log1p", 0, 100, is_whole=True), np.log(1.4), 0),
        (Parameter("x", "log1p", 0.0, 8.0), np.log(3.5), 2.5),
        (Parameter("x", "logit", 0.0, 1.0), 0.0, 0.5),
        (Parameter("x", "logit", 0.0, 1.0), -1e9, 0.0),
        (Parameter("x", "log", 0.1, 0.3), np.log(0.3) + 1e-15, 0.3),
    ],
)
def test_every_place_on_a_scale_is_an_allowed_value(one, coordinate, value):
    """The nearest: rounded where it is whole, within the range however far the place is."""
    allowed = one.value(float(coordinate))
    assert allowed == pytest.approx(value, abs=1e-12)
    assert one.low <= allowed <= one.high
    assert isinstance(allowed, int) == one.is_whole


def test_every_value_has_a_finite_place():
    """Also the ends of shares, and what lies out of the range, which counts as its end."""
    share = Parameter("x", "logit", 0.0, 1.0)
    assert share.coordinate(0.0) == pytest.approx(np.log(1e-4), rel=1e-4)
    assert share.coordinate(1.0) == pytest.approx(-share.coordinate(0.0))
    count = Parameter("x", "log", 1, 100)
    assert count.coordinate(0.0) == 0.0
    assert count.coordinate(1e9) == pytest.approx(np.log(100))
    assert Parameter("x", "log1p", 0, 10).coordinate(0.0) == 0.0


def test_many_values_have_places_row_by_row():
    """As one scenario after the other."""
    values = np.array([[50.0, 7.0], [60.0, 8.0], [40.0, 6.0]])
    assert SPACE.coordinates_of(values) == pytest.approx(np.log(values))
    assert SPACE.coordinates_of(values[1]) == pytest.approx(np.log(values[1]))


def test_a_space_has_the_parameters_in_the_order_that_is_asked_for():
    """Each once, and known; of a network that is replayed there are none."""
    turned = ParameterSpace.of(TIC, ["deadline_slots", "burst_fraction"])
    assert turned.paths == ("deadline_slots", "burst_fraction")
    assert turned.values(np.array([np.log(3.0), 0.0])) == {
        "deadline_slots": 3,
        "burst_fraction": 0.5,
    }
    with pytest.raises(ConfigError, match="each once"):
        ParameterSpace.of(TIC, ["num_sensors", "num_sensors"])
    with pytest.raises(
        ConfigError, match=r"no parameter \['num_sensor'\]; there are .*num_sensors"
    ):
        ParameterSpace.of(TIC, ["num_sensor"])
    with pytest.raises(ConfigError, match="each once"):
        ParameterSpace.of(TIC, [])
    with pytest.raises(ConfigError, match="no parameters"):
        ParameterSpace.of(load("service-trace"))


def test_sensors_that_stand_somewhere_are_not_drawn():
    """Their number and that of the gateways belong to the placement."""
    spots = tuple((float(10 * k), 5.0) for k in range(50))
    placed = TIC.replace(
        placement=Placement(sensors_m=spots, gateways_m=spots[:2], gateway_of=(0,) * 50)
    )
    assert {"num_sensors", "num_gateways"} == (
        {one.path for one in parameters_of(TIC)} - {one.path for one in parameters_of(placed)}
    )


def test_each_kind_has_its_own_parameters():
    """Every law of synchronisation its rate or time; a share of devices where all ask."""
    sync = ParameterSpace.of(load("sync-small")).paths
    assert sync == (
        "groups.load.process.variance_rate_hz",
        "groups.temperature.process.relaxation_s",
        "groups.door.process.change_rate_hz",
        "delivery_probability",
    )
    access = {one.path: one for one in parameters_of(load("access-small-45"))}
    assert list(access) == ["num_devices", "arrivals.fraction", "arrivals.window_s"]
    assert access["arrivals.fraction"].scale == "logit"
    assert "arrivals.fraction" not in ParameterSpace.of(load("access-beta-1000")).paths
    whole = {one.path for one in parameters_of(TIC) if one.is_whole}
    assert whole == {"deadline_slots", "buffer_messages", "num_sensors", "num_gateways"}


def test_a_point_that_is_nowhere_is_refused():
    """Not a number, or without end."""
    for wrong in (np.nan, np.inf):
        with pytest.raises(ConfigError, match="finite coordinates"):
            SPACE.scenario(np.array([wrong, 0.0]), name="x")


# Histories


def test_a_history_of_known_networks_has_a_row_each_oldest_first():
    """And its last windows are the newest ones."""
    known = [TIC.replace(num_sensors=count) for count in (10, 20, 30, 40, 50)]
    history = ParameterHistory.of_scenarios(SPACE, known, "known")
    assert np.exp(history.points[:, 0]) == pytest.approx([10, 20, 30, 40, 50])
    assert np.exp(history.last(4).points[:, 0]) == pytest.approx([20, 30, 40, 50])
    assert history.last(4).source == "the last 4 of known"
    assert history.last(5) is history


def test_the_present_is_known_at_once_or_with_ages():
    """One age a parameter, none of them negative; a value is finite or unknown."""
    now = CurrentState.of_scenario(SPACE, TIC)
    assert np.exp(now.point) == pytest.approx([50.0, 7.0])
    assert (now.ages == 0.0).all()
    assert CurrentState(SPACE, np.array([1.0, np.nan]), np.zeros(2)).is_known.tolist() == [
        True,
        False,
    ]
    for point, ages, words in (
        ([1.0, np.inf], [0.0, 0.0], "finite"),
        ([1.0, 1.0], [0.0, -1.0], "ages"),
        ([1.0, 1.0], [0.0, np.nan], "ages"),
        ([1.0, 1.0], [0.0], "one age"),
        ([1.0], [0.0, 0.0], "one value"),
    ):
        with pytest.raises(ConfigError, match=words):
            CurrentState(SPACE, np.array(point), np.array(ages))


# Criteria


def test_demands_are_bounds_of_the_parameters_they_speak_of():
    """At least so many devices, at most so many slots; no other bound."""
    low, high = asked(num_devices=100, latency_s=3 * TIC.slot_s).bounds(SPACE)
    assert np.exp(low) == pytest.approx([100.0, 0.0])
    assert np.exp(high) == pytest.approx([np.inf, 3.0])
    assert np.isinf(Criteria().bounds(SPACE)).all()


def test_a_latency_of_whole_slots_is_as_many_slots():
    """Rounding of the product changes nothing; less than a slot is one slot."""
    space = ParameterSpace.of(TIC.replace(slot_s=1e-4), ["deadline_slots"])
    assert 3e-4 / 1e-4 < 3.0  # the rounding that is meant
    for latency_s, slots in ((3e-4, 3), (3.9e-4, 3), (1e-5, 1)):
        assert np.exp(asked(latency_s=latency_s).bounds(space)[1]) == pytest.approx([slots])


def test_the_condition_marks_the_prioritised_indicators():
    """In the order density, deadline, latency, buffer."""
    assert asked(num_devices=250).condition.tolist() == [1.0, 1.0, 0.0, 0.0]
    assert asked(accuracy=0.98).condition.tolist() == [1.0, 0.0, 0.0, 1.0]
    assert Criteria().condition.tolist() == [0.0] * 4


def test_a_lived_network_prioritises_by_its_own_values():
    """So many devices, and a deadline of so many slots, against the thresholds that are given."""
    usual = Thresholds()
    small, large = np.log([50.0, 8.0]), np.log([51.0, 8.0])
    assert condition_of(SPACE, small, usual).tolist() == [0.0] * 4  # 8 slots are 1 ms
    assert condition_of(SPACE, large, usual).tolist() == [1.0, 1.0, 0.0, 0.0]
    urgent = np.log([50.0, 7.0])  # 0.875 ms
    assert condition_of(SPACE, urgent, usual).tolist() == [0.0, 1.0, 1.0, 0.0]
    lenient = Thresholds(num_devices=60, latency_s=1e-4)
    assert condition_of(SPACE, large, lenient).tolist() == [0.0] * 4
    assert condition_of(SPACE, urgent, lenient).tolist() == [0.0] * 4


# Generators


class Drawn(PointGenerator):
    """Draws what it is given, again and again."""

    name = "drawn"

    def __init__(self, *rounds) -> None:
        self.rounds = list(rounds)
        self.wanted: list[int] = []

    def draw(self, criteria, history, realtime, count, rng):
        self.wanted.append(count)
        return np.array(self.rounds[min(len(self.wanted), len(self.rounds)) - 1])


def test_what_is_not_valid_is_drawn_again():
    """Only what is missing; names and numbers have no gaps, and demands are kept."""
    nowhere = [np.nan, 0.0]
    good, other = POINTS[0], POINTS[1]
    generator = Drawn([good, nowhere, nowhere], [nowhere, other], [good])
    scenarios = generator.generate(Criteria(name="x"), HISTORY, None, 3, np.random.default_rng(0))
    assert generator.wanted == [3, 2, 1]
    assert [one.name for one in scenarios] == ["x-0", "x-1", "x-2"]
    assert [one.num_sensors for one in scenarios] == [50, 60, 50]
    assert "Scenario twin 2 of 'tic-small-45'" in scenarios[2].provenance
    assert "five windows" in scenarios[2].provenance
    (large,) = Drawn([good]).generate(
        asked(num_devices=400), HISTORY, None, 1, np.random.default_rng(0)
    )
    assert large.num_sensors == 400
    assert "prioritised: deadline, density" in large.provenance


def test_a_generator_gives_up_with_the_last_reason():
    """After twenty of them for each scenario."""
    generator = Drawn([[np.nan, 0.0]], [[0.0, np.inf]])
    with pytest.raises(GenerationError, match=r"0 valid scenarios of 1 and 20 .*\[0.0, inf\]"):
        generator.generate(Criteria(), HISTORY, None, 1, np.random.default_rng(0))
    assert len(generator.wanted) == 20


def test_history_and_present_must_speak_of_the_same():
    """A real-time twin of other parameters is refused."""
    turned = ParameterSpace.of(TIC, ["deadline_slots", "num_sensors"])
    with pytest.raises(ConfigError, match="same parameters"):
        HistoricalGenerator().generate(
            Criteria(), HISTORY, CurrentState.of_scenario(turned, TIC), 1, np.random.default_rng(0)
        )
