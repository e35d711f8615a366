"""The transfer matrix: who is tested where, in which worlds, and how rows are compared."""

import numpy as np
import pytest

from agents.transfer import TransferMatrix, transfer_matrix
from twin_gym.errors import ConfigError, UnknownNameError
from twin_gym.policies import evaluate, make_policy, world_seeds
from twin_gym.scenario.loading import load

NETWORK = load("contention").replace(horizon_s=5.0)
QUIET = load("mild").replace(horizon_s=5.0)
WORLDS = [world_seeds("validation", 3), world_seeds("validation", 3, first=3)]
RULES = {name: [make_policy(name, NETWORK)] * 2 for name in ("fifo", "density")}


@pytest.fixture(scope="module")
def matrix():
    """Two rules on one network and on two together."""
    return transfer_matrix(RULES, {"one": [NETWORK], "two": [NETWORK, QUIET]}, WORLDS)


def test_scores_are_the_means_of_each_block(matrix):
    """The scores equal those of `evaluate` in the same worlds, for one network and for several."""
    assert matrix.rows == ("fifo", "density")
    assert matrix.columns == ("one", "two")
    for column, networks in (("one", NETWORK), ("two", [NETWORK, QUIET])):
        for row, (policy, _) in RULES.items():
            expected = [evaluate(policy, networks, block).mean() for block in WORLDS]
            np.testing.assert_allclose(matrix.blocks(row, column), expected)


def test_each_block_has_the_agent_of_its_own_training():
    """Two agents in one row are each tested in their own block alone."""
    mixed = {"mixed": [RULES["fifo"][0], RULES["density"][0]], **RULES}
    matrix = transfer_matrix(mixed, {"one": [NETWORK]}, WORLDS)
    assert matrix.blocks("mixed", "one")[0] == matrix.blocks("fifo", "one")[0]
    assert matrix.blocks("mixed", "one")[1] == matrix.blocks("density", "one")[1]


def test_who_draws_draws_in_each_block_what_it_would_draw_alone():
    """Random agents of their own in blocks of different sizes."""
    worlds = [world_seeds("validation", 3), world_seeds("validation", 2, first=3)]
    rows = {"random": [make_policy("random", NETWORK) for _ in worlds]}
    matrix = transfer_matrix(rows, {"one": [NETWORK]}, worlds)
    alone = [evaluate(make_policy("random", NETWORK), NETWORK, block).mean() for block in worlds]
    np.testing.assert_allclose(matrix.blocks("random", "one"), alone)


def test_agents_whose_actions_are_amounts_and_those_who_see_are_tested_too():
    """Massive access: a level and the genie, which is shown the rows of its own block."""
    network = load("access-small-20")
    rows = {name: [make_policy(name, network)] * 2 for name in ("fixed", "genie")}
    matrix = transfer_matrix(rows, {"x": [network]}, WORLDS, indicator="succeeded")
    for name in rows:
        alone = [
            evaluate(make_policy(name, network), network, block).mean("succeeded")
            for block in WORLDS
        ]
        np.testing.assert_allclose(matrix.blocks(name, "x"), alone)


def test_another_indicator_is_the_score():
    """Any KPI by its name; an unknown one is refused."""
    matrix = transfer_matrix(RULES, {"one": [NETWORK]}, WORLDS, indicator="fairness")
    expected = evaluate(RULES["fifo"][0], NETWORK, WORLDS[0]).kpi["fairness"].mean()
    assert matrix.blocks("fifo", "one")[0] == pytest.approx(expected)
    with pytest.raises(UnknownNameError, match="fairness"):
        transfer_matrix(RULES, {"one": [NETWORK]}, WORLDS, indicator="fairnes")


def test_gains_are_paired_by_block():
    """Blocks 1, 2, 6 against 0, 0, 1: differences 1, 2, 5, and Student's interval of them."""
    scores = np.array([[[1.0, 2.0, 6.0]], [[0.0, 0.0, 1.0]]])
    matrix = TransferMatrix(("a", "b"), ("x",), scores)
    gain = matrix.gain("a", "b", "x")
    assert gain.mean == pytest.approx(8 / 3)
    assert gain.half_width == pytest.approx(4.302653 * np.sqrt(13 / 3 / 3), rel=1e-5)
    assert not gain.is_clear
    assert matrix.gain("a", "a", "x").mean == 0.0
    assert matrix.score("a", "x").mean == 3.0


def test_a_gain_is_clear_when_its_interval_leaves_nothing_out():
    """Differences of 1.0 and 1.1 are; of a single block nothing is known."""
    matrix = TransferMatrix(("a", "b"), ("x",), np.array([[[1.0, 1.1]], [[0.0, 0.0]]]))
    assert matrix.gain("a", "b", "x").is_clear
    single = TransferMatrix(("a", "b"), ("x",), np.array([[[1.0]], [[0.0]]]))
    assert not single.gain("a", "b", "x").is_clear


def test_relative_scores_are_by_column():
    """Each column in units of one row."""
    scores = np.array([[[2.0, 4.0], [1.0, 1.0]], [[1.0, 2.0], [4.0, 4.0]]])
    matrix = TransferMatrix(("a", "b"), ("x", "y"), scores)
    np.testing.assert_allclose(matrix.relative("b"), [[2.0, 0.25], [1.0, 1.0]])


def test_progress_is_told_cell_by_cell():
    """Rows outside, columns inside."""
    cells = []
    transfer_matrix(RULES, {"one": [NETWORK]}, WORLDS, on_cell=lambda *at: cells.append(at))
    assert cells == [("fifo", "one"), ("density", "one")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (({}, {"one": [NETWORK]}, WORLDS), "at least"),
        ((RULES, {}, WORLDS), "at least"),
        ((RULES, {"one": [NETWORK]}, []), "at least"),
        ((RULES, {"one": [NETWORK]}, [[1], []]), "at least"),
        (({"fifo": RULES["fifo"][:1]}, {"one": [NETWORK]}, WORLDS), "one agent a block"),
    ],
)
def test_an_empty_or_uneven_matrix_is_refused(given, said):
    """Before anything runs."""
    with pytest.raises(ConfigError, match=said):
        transfer_matrix(*given)


def test_names_and_shapes_that_do_not_fit_are_refused():
    """With what there is."""
    matrix = TransferMatrix(("density",), ("x",), np.ones((1, 1, 2)))
    with pytest.raises(UnknownNameError, match="density"):
        matrix.score("densty", "x")
    with pytest.raises(UnknownNameError, match="column"):
        matrix.score("density", "y")
    with pytest.raises(UnknownNameError, match="row"):
        matrix.relative("fifo")
    with pytest.raises(ConfigError, match="shape"):
        TransferMatrix(("density",), ("x",), np.ones((2, 1, 2)))
