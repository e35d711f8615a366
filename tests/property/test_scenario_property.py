"""Properties of every scenario that can be drawn."""

import contextlib
import copy
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.case import examples
from tests.environments.slice_admission.strategies import (
    admission_scenarios,
    replayed_scenarios,
    request_rows,
    write_requests,
)
from twin_gym.environments.slice_admission.replay import load_trace
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.errors import ConfigError, without_controls
from twin_gym.scenario import read_requests, to_toml
from twin_gym.scenario.documents import parse_toml
from twin_gym.scenario.loading import from_values, parse
from twin_gym.scenario.toml import toml_text

any_size = admission_scenarios(max_slices=16, max_resources=8)


@given(any_size)
@examples(40)
def test_round_trips(scenario):
    """TOML, JSON, dictionary, pickle and copy give an equal scenario with the same digest."""
    clones = [
        parse(to_toml(scenario)),
        AdmissionScenario.model_validate_json(scenario.model_dump_json()),
        AdmissionScenario(**scenario.model_dump()),
        pickle.loads(pickle.dumps(scenario)),  # noqa: S301 - our own bytes
        copy.deepcopy(scenario),
    ]
    for clone in clones:
        assert clone == scenario
        assert hash(clone) == hash(scenario)
        assert clone.digest == scenario.digest


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
plain_values = st.recursive(
    texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(texts, plain_values)
def test_every_value_that_is_written_as_toml_is_read_back(key, value):
    """Keys with dots, quotes and controls; text of any kind; truth values; the least numbers."""
    parsed = parse_toml(toml_text({key: value}), "the text")
    assert parsed == {key: value}
    assert json.dumps(parsed, sort_keys=True) == json.dumps({key: value}, sort_keys=True)


@given(any_size, texts, texts)
@examples(40)
def test_description_and_provenance_are_kept_but_for_controls(scenario, description, comment):
    """As they may be shown, and the same after a second time; a comment is a comment."""
    one = scenario.replace(description=description, provenance=description)
    assert one.description == without_controls(description)
    again = parse(to_toml(one, comment))
    assert again == one
    assert again.digest == scenario.digest
    assert from_values(json.loads(json.dumps(one.as_values()))) == one


@given(any_size)
@examples(40)
def test_derived_figures_are_sound(scenario):
    """Sizes within the limits, demands within the capacity, relative laws with a mean of one."""
    assert 1 <= len(scenario.slices) <= 16
    assert 1 <= len(scenario.capacity) <= 8
    assert list(scenario.offered_load) == list(scenario.resource_names)
    assert max(scenario.offered_load.values()) > 0
    means_s = [one.mean_holding_time_s for one in scenario.slices]
    assert min(means_s) * 0.999 <= scenario.mean_holding_time_s <= max(means_s) * 1.001
    for one in scenario.slices:
        assert all(amount <= scenario.capacity[name] for name, amount in one.demand.items())
        if one.arrival.law in ("daily", "schedule"):
            assert np.mean(one.arrival.relative_rates()) == pytest.approx(1.0)
        if one.holding.law == "empirical":
            assert np.trapezoid(one.holding.relative_quantiles()) == pytest.approx(
                len(one.holding.quantiles) - 1
            )


@given(any_size, st.data())
@examples(40)
def test_digest_changes_with_any_figure(scenario, data):
    """A slice that pays a little more is another scenario."""
    index = data.draw(st.integers(0, len(scenario.slices) - 1))
    slices = list(scenario.slices)
    slices[index] = slices[index].replace(revenue=slices[index].revenue + 0.001)
    assert scenario.replace(slices=tuple(slices)).digest != scenario.digest


@given(
    st.dictionaries(
        st.sampled_from(("name", "capacity", "slices", "horizon_s", "trace", "kind", "x")),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    )
)
def test_rubbish_is_refused_in_one_way(values):
    """Any values give a `ConfigError`, or a valid scenario."""
    with contextlib.suppress(ConfigError):
        assert AdmissionScenario(**values).slices


@given(st.text())
def test_any_text_is_refused_in_one_way(text):
    """Text that is no scenario never raises anything but a `ConfigError`."""
    with pytest.raises(ConfigError):
        parse(text)


@given(request_rows(("a", "b"), 20.0), st.floats(0.0, 10.0), st.floats(11.0, 20.0))
def test_reader_gives_back_what_was_written(tmp_path_factory, rows, first_s, last_s):
    """Every request of the window, to the last digit, in order, and no other."""
    path = tmp_path_factory.getbasetemp() / "written.csv"
    write_requests(path, rows)
    expected = [row for row in rows if first_s <= row[0] < last_s]
    if not expected:
        with pytest.raises(ConfigError, match="move the window"):
            read_requests(path, ("a", "b"), first_s, last_s)
        return
    trace = read_requests(path, ("a", "b"), first_s, last_s)
    np.testing.assert_allclose(trace.arrival_s, [row[0] - first_s for row in expected], rtol=1e-15)
    assert trace.slice_names.tolist() == [name for _, name, _ in expected]
    assert trace.holding_s.tolist() == [holding_s for _, _, holding_s in expected]
    assert np.all(trace.arrival_s < trace.duration_s)


def test_replayed_scenarios_find_their_trace(tmp_path):
    """The strategy that other tests use gives scenarios whose trace can be loaded."""

    @given(replayed_scenarios(tmp_path))
    def check(scenario):
        trace = load_trace(scenario.trace, scenario.slice_names)
        assert set(trace.slice_names) <= set(scenario.slice_names)
        assert parse(to_toml(scenario)) == scenario

    check()
