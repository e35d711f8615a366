"""`Slice` and `AdmissionScenario`: what they refuse, and what they say about it."""

import copy
import pickle

import pytest
from pydantic import ValidationError

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.scenario import Daily, Deterministic, Trace
from twin_gym.scenario.base import Amounts

INFINITY = float("inf")
SLICE = {
    "name": "hrllc",
    "demand": {"radio": 2.0},
    "arrival_rate_hz": 3.0,
    "mean_holding_time_s": 0.5,
}
SCENARIO = {"name": "tiny", "capacity": {"radio": 5.0}, "slices": [SLICE], "horizon_s": 10.0}


@pytest.fixture
def tiny():
    """One slice on one resource."""
    return AdmissionScenario(**SCENARIO)


@pytest.fixture
def two_slices():
    """Two slices on two resources; the first needs nothing of the second resource."""
    return AdmissionScenario(
        name="two",
        capacity={"radio": 10.0, "storage": 4.0},
        slices=(
            Slice(**SLICE),
            Slice(**SLICE | {"name": "massive", "demand": {"storage": 1.0, "radio": 0.5}}),
        ),
        horizon_s=100.0,
    )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"arrival_rate_hz": "5"}, "arrival_rate_hz: must be a valid number, got '5'.*quotes"),
        ({"arrival_rate_hz": True}, "arrival_rate_hz.*got True"),
        ({"arrival_rate_hz": 0.0}, "arrival_rate_hz.*got 0.0"),
        ({"arrival_rate_hz": -2.0}, "arrival_rate_hz.*got -2.0"),
        ({"arrival_rate_hz": 1e300}, "arrival_rate_hz.*less than or equal to"),
        ({"mean_holding_time_s": INFINITY}, "mean_holding_time_s: must be a finite number"),
        ({"mean_holding_time_s": float("nan")}, "mean_holding_time_s: must be a finite number"),
        ({"mean_holding_time_s": None}, "mean_holding_time_s.*got None"),
        ({"mean_holding_time_s": 10**400}, "mean_holding_time_s"),  # no float holds it
        ({"revenue": -1.0}, "revenue.*greater than or equal to 0"),
        ({"mean_patience_s": 0.0}, "mean_patience_s"),
        ({"queue_limit": 1.5}, "queue_limit: must be a valid integer"),
        ({"queue_limit": True}, "queue_limit"),
        ({"queue_limit": -1}, "queue_limit"),
        ({"queue_limit": 10**9}, "queue_limit"),
        ({"agreed_loss_ratio": 1.5}, "agreed_loss_ratio"),
        ({"lost_penalty": -INFINITY}, "lost_penalty"),
        ({"name": ""}, "name: must be a letter, then"),
        ({"name": "a/b"}, "name: must be a letter, then"),  # KPI names are cut at the slash
        ({"name": "hrllc\n"}, "name: must be a letter, then"),
        ({"name": 5}, "name: must be a valid string"),
        ({"demand": {}}, "demand: a request must need a positive amount"),
        ({"demand": {"radio": 0.0}}, "demand: a request must need a positive amount"),
        ({"demand": {"radio": -1.0}}, "demand.radio"),
        ({"demand": {"radio": INFINITY}}, "demand.radio"),
        ({"demand": {"radio": "2"}}, "demand.radio"),
        ({"demand": {"radio": True}}, "demand.radio"),
        ({"demand": {"radio": 1e-12}}, "'radio' must be a multiple of 1e-06.*round it"),
        ({"demand": {"radio": 1 / 3}}, "'radio' must be a multiple of 1e-06.*round it"),
        ({"demand": [2.0]}, "demand: must be a valid dictionary"),
        ({"demand": {5: 1.0}}, "demand"),
        ({"arrival": {"law": "poison"}}, "`law` must be one of 'poisson', 'daily'"),
        ({"arrival": {"factors": [1.0, 2.0]}}, "must name its `law`"),
        ({"arrival": Deterministic()}, "arrival"),  # a law of holding, not of arrival
        ({"holding": "exponential"}, "holding"),
        ({"arival": {"law": "poisson"}}, "no field 'arival': did you mean 'arrival'?"),
        ({"mean_holding_time": 1.0}, "did you mean 'mean_holding_time_s'?"),
        ({"zzz": 1.0}, "no field 'zzz': remove it"),
    ],
)
def test_slice_refuses_and_says_what_to_do(changes, says):
    """Every bad value is refused at construction with the field, the value and what is allowed."""
    with pytest.raises(ConfigError, match=says):
        Slice(**SLICE | changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"slices": []}, "slices: must hold at least 1, got 0"),
        ({"slices": [SLICE] * 17}, "slices: must hold at most 16, got 17"),
        ({"slices": [SLICE, SLICE]}, "two slices are called 'hrllc': give each its own name"),
        ({"slices": SLICE}, "slices: must be a valid tuple"),
        ({"slices": [5]}, "slices.0: must be a valid dictionary"),
        ({"slices": [SLICE | {"revenue": "8"}]}, r"slices.0: Slice.revenue: .*got '8'"),
        ({"capacity": {}}, "1 to 8 resources are possible, got 0"),
        ({"capacity": {f"radio{i}": 9.0 for i in range(9)}}, "1 to 8 resources .*got 9"),
        ({"capacity": {"radio": 0.0}}, "capacity of 'radio' must be positive.*leave out"),
        ({"capacity": {"radio": 1.5}}, "needs 2 of 'radio' a request and the network has 1.5"),
        ({"capacity": {"radios": 5.0}}, "unknown resource 'radio'; did you mean 'radios'"),
        ({"horizon_s": 0.0}, "horizon_s"),
        ({"horizon_s": float("-2e01803")}, "horizon_s: must be a finite number, got -inf"),
        ({"horizon_s": 1e9}, "horizon_s"),
        ({"patience_law": "eager"}, "'deterministic' or 'exponential', got 'eager'"),
        ({"self": 1}, "no field 'self'"),
        ({"capacities": {"radio": 5.0}}, "did you mean 'capacity'?"),
        ({"trace": {"path": "t.csv"}}, "last_s: is missing"),
        ({"trace": {"path": "", "last_s": 5.0}}, "path"),
        ({"trace": {"path": "t.csv", "first_s": 5.0, "last_s": 5.0}}, "must end after it begins"),
        ({"trace": {"path": "t.csv", "last_s": 5.0, "format": "xml"}}, "format.*got 'xml'"),
        ({"description": "x" * 10_001}, "description"),
    ],
)
def test_scenario_refuses_and_says_what_to_do(changes, says):
    """Every network that could not be is refused at construction."""
    with pytest.raises(ConfigError, match=says):
        AdmissionScenario(**SCENARIO | changes)


def test_missing_fields_are_all_named():
    """One error names every field that is missing."""
    with pytest.raises(ConfigError) as caught:
        AdmissionScenario()
    for field in ("name", "capacity", "slices", "horizon_s"):
        assert f"AdmissionScenario.{field}: is missing" in str(caught.value)


def test_bad_slice_is_not_called_a_missing_slice():
    """A slice that was refused does not make the list of slices too short in the message."""
    with pytest.raises(ConfigError) as caught:
        AdmissionScenario(**SCENARIO | {"slices": [SLICE | {"revenue": None}]})
    assert "at least 1" not in str(caught.value)


def test_daily_profiles_must_share_one_period():
    """The agent sees one time of day."""
    slices = [
        Slice(**SLICE | {"name": f"s{period:g}", "arrival": Daily(period_s=period, factors=(1, 2))})
        for period in (10.0, 20.0)
    ]
    with pytest.raises(ConfigError, match=r"share one period, got \[10.0, 20.0\]"):
        AdmissionScenario(**SCENARIO | {"slices": slices})


@pytest.mark.parametrize(
    "law", [{"arrival": Daily(factors=(1, 2))}, {"holding": Deterministic()}], ids=str
)
def test_replay_refuses_laws_of_its_own(law):
    """A slice with a law in a scenario that replays a trace is a contradiction."""
    with pytest.raises(ConfigError, match="remove `arrival` and `holding`, or remove `trace`"):
        AdmissionScenario(
            **SCENARIO | {"slices": [SLICE | law], "trace": Trace(path="t.csv", last_s=5.0)}
        )


def test_whole_numbers_are_numbers(tiny):
    """An integer where a float is wanted means the same."""
    assert AdmissionScenario(**SCENARIO | {"capacity": {"radio": 5}, "horizon_s": 10}) == tiny


def test_derived_figures(two_slices):
    """Offered load, names, mean holding time and positions, worked by hand."""
    assert two_slices.slice_names == ("hrllc", "massive")
    assert two_slices.resource_names == ("radio", "storage")
    assert two_slices.slices[0].offered_load_erlang == 1.5
    assert two_slices.offered_load == {"radio": pytest.approx(0.375), "storage": 0.375}
    assert two_slices.mean_holding_time_s == 0.5
    assert two_slices.slice_index("massive") == 1
    with pytest.raises(UnknownNameError, match="did you mean 'massive'"):
        two_slices.slice_index("masive")


def test_period_comes_from_profile_or_trace(tiny):
    """The time of day is seen where a profile or a replayed trace has one."""
    assert tiny.period_s is None
    assert tiny.replace(trace=Trace(path="t.csv", last_s=5.0)).period_s is None
    assert tiny.replace(trace=Trace(path="t.csv", last_s=5.0, period_s=60.0)).period_s == 60.0
    daily = tiny.slices[0].replace(arrival=Daily(period_s=30.0, factors=(1, 2)))
    assert tiny.replace(slices=(daily,)).period_s == 30.0


@pytest.mark.parametrize(
    "clone",
    [
        lambda scenario: pickle.loads(pickle.dumps(scenario)),  # noqa: S301 - our own bytes
        copy.copy,
        copy.deepcopy,
        lambda scenario: AdmissionScenario(**scenario.model_dump()),
        lambda scenario: AdmissionScenario.model_validate_json(scenario.model_dump_json()),
        lambda scenario: scenario.replace(),
    ],
    ids=["pickle", "copy", "deepcopy", "dict", "json", "replace"],
)
def test_copies_are_equal(two_slices, clone):
    """Equal, with equal hash and digest, and the resources in the same order."""
    twin = clone(two_slices)
    assert twin == two_slices
    assert hash(twin) == hash(two_slices)
    assert twin.digest == two_slices.digest
    assert twin.resource_names == two_slices.resource_names


def test_scenario_is_immutable(tiny):
    """Neither fields nor amounts can be set."""
    with pytest.raises(ValidationError, match="frozen"):
        tiny.horizon_s = 5.0
    with pytest.raises(TypeError):
        tiny.capacity["radio"] = 1.0


def test_scenario_does_not_follow_the_mapping_it_was_built_from():
    """Changing the mapping afterwards changes nothing."""
    capacity = {"radio": 5.0}
    scenario = AdmissionScenario(**SCENARIO | {"capacity": capacity})
    capacity["radio"] = -1.0
    assert scenario.capacity == {"radio": 5.0}


def test_replace_validates(tiny):
    """A changed copy is checked as a new one is."""
    assert tiny.replace(horizon_s=20.0).horizon_s == 20.0
    with pytest.raises(ConfigError, match="horizon_s"):
        tiny.replace(horizon_s=-1.0)
    with pytest.raises(ConfigError, match="did you mean 'horizon_s'"):
        tiny.replace(horizon=20.0)


def test_digest_names_what_a_scenario_does(tiny):
    """Name, description and provenance do not matter; anything else does."""
    about = tiny.replace(name="other", description="new", provenance="elsewhere")
    assert about.digest == tiny.digest
    assert about != tiny
    others = [
        tiny.replace(horizon_s=11.0),
        tiny.replace(capacity={"radio": 6.0}),
        tiny.replace(patience_law="exponential"),
        tiny.replace(slices=(tiny.slices[0].replace(revenue=2.0),)),
        tiny.replace(slices=(tiny.slices[0].replace(name="other"),)),
        tiny.replace(trace=Trace(path="t.csv", last_s=5.0)),
    ]
    assert len({one.digest for one in (tiny, *others)}) == len(others) + 1


def test_order_of_the_resources_matters(two_slices):
    """An observation lists the resources in the order of the capacity."""
    turned = two_slices.replace(capacity={"storage": 4.0, "radio": 10.0})
    assert turned != two_slices
    assert turned.digest != two_slices.digest


def test_order_of_a_demand_does_not_matter(two_slices):
    """A demand says how much of what, not in which order."""
    massive = two_slices.slices[1].replace(demand={"radio": 0.5, "storage": 1.0})
    assert massive == two_slices.slices[1]
    assert hash(massive) == hash(two_slices.slices[1])
    assert massive.digest == two_slices.slices[1].digest


def test_amounts_are_a_mapping():
    """They read like a dictionary and can be hashed."""
    amounts = Amounts({"radio": 2.0, "storage": 1.0})
    assert dict(amounts) == {"radio": 2.0, "storage": 1.0}
    assert amounts == {"storage": 1.0, "radio": 2.0}
    assert len({amounts, Amounts({"storage": 1.0, "radio": 2.0})}) == 1
    assert repr(amounts) == "{'radio': 2.0, 'storage': 1.0}"
