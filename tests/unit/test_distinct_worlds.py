"""A world that is counted several times is one world, wherever worlds are given as a list."""

import numpy as np
import pytest

from agents.transfer import transfer_matrix
from twin_gym.environments.massive_access.policies.tuning import search_level
from twin_gym.environments.slice_admission.policies.search import search_reservation
from twin_gym.errors import ConfigError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.policies.evaluation import evaluate_rows
from twin_gym.policies.what_if import what_if
from twin_gym.policies.worlds import distinct_worlds
from twin_gym.scenario.loading import load
from twin_gym.twins.scenarios.gaps import kpi_gaps

NETWORK = load("teletraffic-small").replace(horizon_s=20.0)
FIFO = make_policy("fifo", NETWORK)
ACCESS = load("access-small-45")

ASKED = {
    "what_if": lambda seeds: what_if("fifo", NETWORK, {"horizon_s": 10.0}, seeds=seeds),
    "evaluate": lambda seeds: evaluate(FIFO, NETWORK, seeds),
    "kpi_gaps": lambda seeds: kpi_gaps([NETWORK], NETWORK, "fifo", seeds=seeds),
    "search_reservation": lambda seeds: search_reservation(NETWORK, seeds=seeds, budget=100),
    "fresh": lambda seeds: search_reservation(NETWORK, fresh_seeds=seeds, budget=100),
    "search_level": lambda seeds: search_level(ACCESS, seeds),
    "matrix": lambda seeds: transfer_matrix({"a": [FIFO]}, {"x": [NETWORK]}, [seeds]),
    "blocks": lambda seeds: transfer_matrix({"a": [FIFO] * 2}, {"x": [NETWORK]}, [seeds[:1]] * 2),
}


@pytest.mark.parametrize("seeds", [[1, 1, 1], [7, 3, 7], np.array([4, 5, 5, 6])], ids=str)
@pytest.mark.parametrize("asked", ASKED)
def test_a_world_that_is_there_twice_is_refused(asked, seeds):
    """In words, before anything is run."""
    with pytest.raises(ConfigError, match=r"world \d+ occurs \d times .* give each seed once"):
        ASKED[asked](seeds)


def test_numbers_of_other_types_are_the_same_world():
    """A NumPy integer is the integer that it equals."""
    with pytest.raises(ConfigError, match="world 1 occurs 2 times"):
        distinct_worlds([1, np.int64(1)])
    assert distinct_worlds(range(3)) == (0, 1, 2)


def test_too_few_worlds_are_refused():
    """An interval needs two."""
    with pytest.raises(ConfigError, match="2 at least, got 1"):
        distinct_worlds([1], least=2)


def test_rows_of_one_world_are_for_policies_that_differ_by_row():
    """The searches try settings side by side in the same worlds."""
    evaluation = evaluate_rows(FIFO, NETWORK, [1, 1])
    assert evaluation.returns[0] == evaluation.returns[1] == evaluate(FIFO, NETWORK, [1]).returns[0]


def test_families_have_each_world_once():
    """So that what commands ask is never refused."""
    assert len(distinct_worlds(world_seeds("validation", 100))) == 100
