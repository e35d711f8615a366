"""Values that a scenario takes: NumPy's scalars, plain values, text of strangers."""

import numpy as np
import pytest

from twin_gym.environments.slice_admission.scenario import AdmissionScenario, Slice
from twin_gym.errors import ConfigError, shown, unknown_name, without_controls
from twin_gym.scenario import Empirical
from twin_gym.scenario.loading import from_values, load, names, scenarios_of

JOINED = "Zuse\u00df \u6f22\u5b57 \U0001f469\u200d\U0001f52c"
SLICE = {"name": "v", "demand": {"r": 1.0}, "arrival_rate_hz": 1.0, "mean_holding_time_s": 1.0}


def as_numpy(value):
    """The same values as NumPy has them."""
    if isinstance(value, dict):
        return {key: as_numpy(one) for key, one in value.items()}
    if isinstance(value, list):
        return [as_numpy(one) for one in value]
    if isinstance(value, bool):
        return np.bool_(value)
    if isinstance(value, int):
        return np.int32(value)
    return np.float64(value) if isinstance(value, float) else value


@pytest.mark.parametrize("name", names())
def test_a_scenario_of_numpy_scalars_is_the_same(name):
    """Every field of every kind: equal, with the same digest, and made of Python's numbers."""
    given = load(name)
    made = from_values(as_numpy(given.as_values()))
    assert made == given
    assert made.digest == given.digest
    assert repr(made) == repr(given)


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        ("queue_limit", np.int64(3), 3),
        ("queue_limit", np.uint8(3), 3),
        ("revenue", np.float32(0.5), 0.5),
        ("revenue", np.int64(2), 2.0),
        ("demand", {"r": np.int16(1)}, {"r": 1.0}),
        ("holding", Empirical(quantiles=np.array([1, 2, 3])), Empirical(quantiles=(1, 2, 3))),
    ],
)
def test_numpy_scalars_are_numbers(field, value, kept):
    """Of every width, alone, in mappings and in arrays."""
    stored = getattr(Slice(**SLICE | {field: value}), field)
    assert stored == kept
    assert Slice(**SLICE | {field: value}).digest == Slice(**SLICE | {field: kept}).digest
    assert not isinstance(stored, np.generic)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("queue_limit", np.bool_(True)),
        ("queue_limit", np.float64(3.0)),
        ("queue_limit", np.array([3])),
        ("revenue", np.float64("nan")),
        ("revenue", np.datetime64("2024-01-01")),
        ("revenue", np.complex128(1.0)),
        ("holding", {1: 2}),
        ("demand", {1: 2.0}),
        ("revenue", 10**5_000),
        ("revenue", "1" * 10_000_000),
    ],
    ids=range(10),
)
def test_what_is_no_number_stays_refused(field, value):
    """A truth value is no count, and a number with a point none either."""
    with pytest.raises(ConfigError, match=field) as caught:
        Slice(**SLICE | {field: value})
    assert len(str(caught.value)) < 1_000


def test_keys_that_are_no_text_are_refused_in_words():
    """In a scenario as a mapping, and in what lies in it."""
    scenario = {"name": "a", "horizon_s": 1.0, "capacity": {"r": 1.0}, "slices": [SLICE]}
    with pytest.raises(ConfigError, match=r"AdmissionScenario\.slices: keys are text, got 1"):
        AdmissionScenario(**scenario | {"slices": [{1: 2}]})
    with pytest.raises(ConfigError, match=r"AdmissionScenario\.capacity: keys are text, got 1"):
        AdmissionScenario(**scenario | {"capacity": {1: 2.0}})
    with pytest.raises(ConfigError, match="keys are names of fields, got 1"):
        from_values({1: 2})
    with pytest.raises(ConfigError, match="keys are names of fields"):
        scenarios_of({"kind": "admission", None: 1}, AdmissionScenario)


def test_a_value_of_any_depth_is_quoted_briefly():
    """Errors never end in another error, and never grow."""
    deep = []
    for _ in range(100_000):
        deep = [deep]
    for value in (
        deep,
        {"a": deep},
        10**5_000,
        [10**5_000],
        "x" * 10**7,
        [["x" * 10**6] * 99] * 99,
    ):
        assert len(shown(value)) <= 80
        with pytest.raises(ConfigError):
            Slice(**SLICE | {"revenue": value})
    assert len(str(unknown_name("source", "x" * 10**6, (f"s{k}" for k in range(10**5))))) < 2_000
    while deep:
        deep = deep.pop()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("two\r\nlines", "two\nlines"),
        ("\x1b[31mred\x1b[0m \x9b2J \x07\x7f\0", "[31mred[0m 2J "),
        ("\x1b]8;;http://evil.example\x1b\\click", "]8;;http://evil.example\\click"),
        ("a\u202eb\u2066c\u200fd\u061ce", "abcde"),
        ("half \ud800", "half "),
        (
            "Zuse\u00df \u6f22\u5b57 \U0001f469\u200d\U0001f52c",
            "Zuse\u00df \u6f22\u5b57 \U0001f469\u200d\U0001f52c",
        ),
    ],
)
def test_what_steers_a_terminal_is_left_out_of_text(text, kept):
    """And nothing else; the digest is of the network alone."""
    assert without_controls(text) == kept
    assert without_controls(kept) == kept
    if not any("\ud800" <= one <= "\udfff" for one in text):
        one = load("contention").replace(description=text, provenance=text)
        assert (one.description, one.provenance) == (kept, kept)
        assert one.digest == load("contention").digest


@pytest.mark.parametrize("name", [3, None, b"a", ["a"], object()])
def test_an_unknown_name_that_is_no_text_is_named(name):
    """The error is about the name, and is no other one."""
    message = str(unknown_name("preset", name, ["a", "b"]))
    assert message.startswith("unknown preset ")
    assert message.endswith("Known: a, b")
