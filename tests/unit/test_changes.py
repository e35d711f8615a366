"""Changing values of a scenario by path."""

from __future__ import annotations

import numpy as np
import pytest

from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError
from twin_gym.scenario.changes import changed, names_of, parse_assignment, path_of, value_at
from twin_gym.scenario.loading import load, names
from twin_gym.twins.scenarios import ParameterSpace

DEEP = "a=" + "[" * 4990 + "]" * 4990
LONG = f"a='{'x' * 10_000}'"


def test_a_change_reaches_the_value_it_names_and_no_other():
    """Entries of lists are called by name; the scenario it came from stays as it was."""
    base = load("contention")
    other = changed(base, {"slices.hrllc.arrival_rate_hz": 4.8, "capacity.radio": 30.0})
    assert other.slices[1].arrival_rate_hz == 4.8
    assert other.capacity["radio"] == 30.0
    assert base.slices[1].arrival_rate_hz != 4.8
    same = changed(
        other,
        {
            "slices.hrllc.arrival_rate_hz": base.slices[1].arrival_rate_hz,
            "capacity.radio": base.capacity["radio"],
        },
    )
    assert same == base


@pytest.mark.parametrize("name", names())
def test_every_preset_is_the_same_after_a_change_that_changes_nothing(name):
    """Taking a scenario apart and building it again loses nothing."""
    scenario = load(name)
    assert changed(scenario, {"horizon_s": scenario.horizon_s}) == scenario


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("slices.hrlc.arrival_rate_hz", "did you mean 'hrllc'"),
        ("slices.hrllc.arrival_rate", "arrival_rate_hz"),
        ("horizon_s.x", "single value"),
        ("x." * 9 + "x", "at most 8"),
        ("x." * 7 + "x", "unknown field here"),
        ("", "unknown"),
        ("name.0", "'name' is a single value"),
        ("slices.hrllc.rate", "in 'slices.hrllc'"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path, words):
    """With what there is instead."""
    with pytest.raises(ConfigError, match=words):
        changed(load("contention"), {path: 1.0})


def test_a_value_is_read_by_the_path_that_changes_it():
    """In tables and lists; what is not there is refused with the place where it was sought."""
    base = load("contention")
    assert value_at(base, "slices.hrllc.arrival_rate_hz") == base.slices[1].arrival_rate_hz
    assert value_at(base, "capacity.radio") == base.capacity["radio"]
    with pytest.raises(ConfigError, match=r"in 'slices\.hrllc'.*arrival_rate_hz"):
        value_at(base, "slices.hrllc.arrival_rate")


def test_entries_without_a_name_are_called_by_their_number():
    """From zero, as in lists: here the phases of a burst."""
    base = load("burst")
    place = next(k for k, one in enumerate(base.slices) if one.arrival.law == "mmpp")
    path = f"slices.{base.slices[place].name}.arrival.factors"
    factors = base.slices[place].arrival.factors
    other = changed(base, {f"{path}.0": factors[0] + 1.0})
    assert value_at(other, f"{path}.0") == factors[0] + 1.0
    assert value_at(other, path)[1:] == list(factors[1:])
    with pytest.raises(ConfigError, match=f"unknown entry in {path!r}"):
        changed(base, {f"{path}.{len(factors)}": 1.0})


def test_a_value_that_is_not_allowed_is_refused_by_the_scenario():
    """As if the scenario were built with it."""
    with pytest.raises(ConfigError, match="arrival_rate_hz"):
        changed(load("contention"), {"slices.hrllc.arrival_rate_hz": -1.0})
    with pytest.raises(ConfigError, match="nothing is changed"):
        changed(load("contention"), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=4.8", 4.8),
        ("a.b = 3", 3),
        ("a.b=-5", -5),
        ("a.b=-4.8", -4.8),
        ("a.b=-inf", float("-inf")),
        ("a.b=true", True),
        ("a.b=exponential", "exponential"),
        ("a.b='two words'", "two words"),
        ("a.b=first-come", "first-come"),
        ("a.b='x=y'", "x=y"),
        ("a.b=inf", float("inf")),
        ("a.b=[1, 2]", [1, 2]),
        ("a.b={law = 'poisson'}", {"law": "poisson"}),
    ],
)
def test_an_assignment_has_a_toml_value_or_a_word(text, value):
    """As one would write it in a file, or without quotes."""
    assert parse_assignment(text) == ("a.b", value)


@pytest.mark.parametrize(
    "text",
    ["a.b", "=3", "a=", "a=1\nb=2", "a=[1", "a=1 2", "a=__x__()", "a=" + "[" * 5000, DEEP, LONG],
)
def test_other_assignments_are_refused(text):
    """Nothing is evaluated, nothing guessed."""
    with pytest.raises(ConfigError):
        parse_assignment(text)


def dotted():
    """A network whose slice and resource have dots in their names."""
    return AdmissionScenario(
        name="dotted",
        horizon_s=20.0,
        capacity={"radio.dl": 10.0, "radio": 5.0},
        slices=[
            {
                "name": name,
                "demand": {"radio.dl": 1.0},
                "arrival_rate_hz": 4.0,
                "mean_holding_time_s": 1.0,
            }
            for name in ("eMBB.v1", "eMBB", "v.0..x")
        ],
    )


@pytest.mark.parametrize(
    "path",
    [
        'slices."eMBB.v1".arrival_rate_hz',
        "slices.'eMBB.v1'.arrival_rate_hz",
        "slices.eMBB.v1.arrival_rate_hz",
        'slices . "eMBB.v1" . arrival_rate_hz',
        '"slices"."eMBB.v1"."arrival_rate_hz"',
    ],
)
def test_a_name_with_dots_is_reached_with_quotes_and_without(path):
    """As TOML quotes it, or bare where only one reading leads to something."""
    other = changed(dotted(), {path: 5.0})
    assert [one.arrival_rate_hz for one in other.slices] == [5.0, 4.0, 4.0]
    assert value_at(other, path) == 5.0
    assert parse_assignment(f"{path}=5.0") == (path, 5.0)


def test_every_path_of_a_parameter_space_is_read_back():
    """With dots, two of them in a row, and in entities."""
    base = dotted()
    space = ParameterSpace.of(base)
    assert 'slices."v.0..x".queue_limit' in space.paths
    for path, value in zip(space.paths, space.coordinates(base), strict=True):
        assert np.isfinite(value)
        assert names_of(path)[0] == "slices"
        assert path_of(*names_of(path)) == path
        assert changed(base, {path: value_at(base, path)}) == base
    assert space.scenario(space.coordinates(base), name="same").digest == base.digest


def test_capacity_and_resources_with_dots():
    """A resource is told from one whose name is its beginning."""
    other = changed(dotted(), {"capacity.radio.dl": 12.0, "capacity.radio": 6.0})
    assert dict(other.capacity) == {"radio.dl": 12.0, "radio": 6.0}


def test_paths_with_several_readings_are_refused():
    """With the readings, in quotes."""
    base = dotted()
    one = base.slices[0]
    twice = base.replace(
        slices=(
            one.replace(name="a"),
            one.replace(name="a.demand"),
            one.replace(name="a.demand.b"),
        ),
        capacity={"radio.dl": 10.0},
    )
    assert value_at(twice, "slices.a.demand.radio.dl") == 1.0
    path = "slices.a.demand.demand"
    assert value_at(twice, path) == {"radio.dl": 1.0}
    with pytest.raises(ConfigError, match=r'may mean slices\.a\.demand or slices\."a\.demand"'):
        value_at(twice, "slices.a.demand")
    assert value_at(twice, 'slices."a.demand".revenue') == 1.0
    with pytest.raises(ConfigError, match="are one value"):
        changed(base, {"slices.eMBB.v1.revenue": 2.0, 'slices."eMBB.v1".revenue': 3.0})


@pytest.mark.parametrize("path", ['slices."eMBB', 'slices."eMBB.v1"x.revenue', "a." * 300, '"'])
def test_quotes_that_do_not_fit_are_refused(path):
    """In a sentence."""
    with pytest.raises(ConfigError):
        value_at(dotted(), path)


def test_an_equals_sign_in_quotes_belongs_to_the_path():
    """The first one outside of quotes is the one that assigns."""
    assert parse_assignment("""slices."a=b".'c=d'.revenue = "e=f" """) == (
        """slices."a=b".'c=d'.revenue""",
        "e=f",
    )


@pytest.mark.parametrize("path", [3, None, b"horizon_s", ("horizon_s",)])
def test_a_path_that_is_no_text_is_refused(path):
    """Wherever one is taken."""
    for ask in (
        lambda: value_at(load("mild"), path),
        lambda: changed(load("mild"), {path: 1.0}),
        lambda: names_of(path),
        lambda: parse_assignment(path),
        lambda: load(path),
    ):
        with pytest.raises(ConfigError):
            ask()
