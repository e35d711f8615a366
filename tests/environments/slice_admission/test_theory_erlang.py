"""Erlang's formulas against printed values, other forms of them, and limits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.environments.slice_admission.theory.erlang import erlang_a, erlang_b
from twin_gym.errors import ConfigError, TooLargeError


@pytest.mark.parametrize(
    ("load", "units", "blocking"),
    [(5.0, 10, 0.018384570), (8.0, 10, 0.121661064), (10.0, 10, 0.214582343)],
)
def test_erlang_b_gives_the_tabled_values(load, units, blocking):
    """To the nine digits of the specification."""
    assert erlang_b(load, units) == pytest.approx(blocking, abs=5e-10)


@given(load=st.floats(0.01, 30.0), units=st.integers(0, 40))
def test_erlang_b_recursion_equals_its_definition(load, units):
    """B = (a^c / c!) / Σ_j a^j / j!."""
    weights = [load**number / math.factorial(number) for number in range(units + 1)]
    assert erlang_b(load, units) == pytest.approx(weights[-1] / math.fsum(weights), rel=1e-12)


def test_erlang_b_at_its_ends():
    """Nothing offered is not blocked, no units block all, and huge systems do not overflow."""
    assert erlang_b(0.0, 3) == 0.0
    assert erlang_b(4.0, 0) == 1.0
    assert erlang_b(0.0, 0) == 1.0
    assert erlang_b(1e6, 10) == pytest.approx(1 - 10 / 1e6, rel=1e-6)
    assert 0 < erlang_b(100_000.0, 100_000) < 0.01


def test_erlang_a_gives_the_tabled_values():
    """M/M/10/20+M with λ = 12, μ = 1, θ = 0.5, to the six digits of the specification."""
    queue = erlang_a(12.0, 1.0, 0.5, 10, 10)
    assert queue.blocking_probability == pytest.approx(0.041786, abs=5e-7)
    assert queue.abandonment_probability == pytest.approx(0.157070, abs=5e-7)
    assert queue.utilisation == pytest.approx(0.961372, abs=5e-7)
    assert queue.mean_queue == pytest.approx(3.769691, abs=5e-7)


def test_erlang_a_without_places_is_erlang_b():
    """Nobody waits, so nobody gives up."""
    queue = erlang_a(8.0, 1.0, 0.5, 10, 0)
    assert queue.blocking_probability == pytest.approx(erlang_b(8.0, 10), rel=1e-13)
    assert (queue.abandonment_probability, queue.mean_queue, queue.mean_wait_s) == (0.0, 0.0, 0.0)


def test_erlang_a_with_endless_patience_is_erlang_c():
    """C = c B / (c - a (1 - B)), mean wait C / (cμ - λ), for a room that is never full."""
    blocking = erlang_b(8.0, 10)
    waits = 10 * blocking / (10 - 8 * (1 - blocking))
    queue = erlang_a(8.0, 1.0, 0.0, 10, 2_000)
    assert queue.mean_wait_s == pytest.approx(waits / (10 - 8), rel=1e-10)
    assert queue.mean_queue == pytest.approx(8.0 * queue.mean_wait_s, rel=1e-10)
    assert queue.abandonment_probability == 0.0


@given(
    arrival=st.floats(0.1, 30.0),
    abandon=st.floats(0.0, 5.0),
    units=st.integers(1, 8),
    places=st.integers(0, 8),
)
def test_erlang_a_conserves_requests(arrival, abandon, units, places):
    """Offered requests are blocked, give up, or are served; probabilities add up to one."""
    queue = erlang_a(arrival, 2.0, abandon, units, places)
    served = queue.utilisation * units * 2.0 / arrival
    total = queue.blocking_probability + queue.abandonment_probability + served
    assert total == pytest.approx(1.0, abs=1e-12)
    assert 0 <= queue.blocking_probability <= 1
    assert 0 <= queue.utilisation <= 1 + 1e-12


def test_erlang_a_mean_wait_of_the_served_by_first_passage():
    """One unit, one place: who waits is served at rate μ before giving up at rate θ."""
    arrival, service, abandon = 3.0, 2.0, 1.0
    weights = np.array([1, arrival / service, arrival / service * arrival / (service + abandon)])
    free, busy, _ = weights / weights.sum()
    served_late = busy * service / (service + abandon)
    expected = served_late / (service + abandon) / (free + served_late)
    queue = erlang_a(arrival, service, abandon, 1, 1)
    assert queue.mean_wait_s == pytest.approx(expected, rel=1e-13)


def test_erlang_a_in_heavy_overload_does_not_overflow():
    """Thousands of units, ten times overloaded: all are busy."""
    assert erlang_a(50_000.0, 1.0, 0.1, 5_000, 5_000).utilisation == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("formula", "arguments", "name"),
    [
        (erlang_b, (-1.0, 10), "offered_load_erlang"),  # negative
        (erlang_b, (math.nan, 10), "offered_load_erlang"),  # no number
        (erlang_b, (1.0, -1), "num_units"),  # negative
        (erlang_b, (1.0, 2.5), "num_units"),  # not whole
        (erlang_a, (0.0, 1.0, 1.0, 1, 1), "arrival_rate_hz"),  # nothing arrives
        (erlang_a, (1.0, math.inf, 1.0, 1, 1), "service_rate_hz"),  # not finite
        (erlang_a, (1.0, 1.0, -0.1, 1, 1), "abandon_rate_hz"),  # negative
        (erlang_a, (1.0, 1.0, 1.0, 0, 1), "num_units"),  # nobody is ever served
        (erlang_a, (1.0, 1.0, 1.0, 1, True), "num_waiting_places"),  # no number
    ],
)
def test_values_out_of_range_are_refused_by_name(formula, arguments, name):
    """The message names the argument."""
    with pytest.raises(ConfigError, match=name):
        formula(*arguments)


def test_too_many_units_are_refused_with_their_number():
    """The count stands in the message."""
    with pytest.raises(TooLargeError, match="100,000,001"):
        erlang_b(1.0, 100_000_000)
    with pytest.raises(TooLargeError, match="100,000,011"):
        erlang_a(1.0, 1.0, 1.0, 10, 100_000_000)
