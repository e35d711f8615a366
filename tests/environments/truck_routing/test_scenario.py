"""Scenarios of truck routing: what is written is read back, and what is refused says what to do."""

import pytest
from hypothesis import given, settings

from tests.environments.truck_routing.strategies import truck_scenarios
from twin_gym.environments.truck_routing.deposits import PoissonGamma
from twin_gym.errors import ConfigError
from twin_gym.scenario.changes import changed, parse_assignment
from twin_gym.scenario.loading import load, parse
from twin_gym.scenario.toml import to_toml


@settings(max_examples=30)
@given(truck_scenarios())
def test_what_is_written_is_read_back(scenario):
    """TOML has no word for nothing: bins that never report say so."""
    assert parse(to_toml(scenario)) == scenario


def test_reports_can_be_taken_away_by_a_path():
    """As `--set` gives it."""
    path, value = parse_assignment("report_period_s=never")
    assert changed(load("truck-grid-20"), {path: value}).report_period_s == "never"


@pytest.mark.parametrize("value", [None, 0.001, "nevr", True])
def test_a_period_is_a_number_or_never(value):
    """Whatever is wrong, both are named."""
    with pytest.raises(ConfigError, match=r"report_period_s.*'never'"):
        load("truck-grid-20").replace(report_period_s=value)


def test_a_profile_of_nothing_is_not_to_be_divided():
    """Its mean is 0."""
    with pytest.raises(ConfigError, match="0 in every hour: give it an hour with inflow"):
        PoissonGamma(profile=(0.0,) * 24)
