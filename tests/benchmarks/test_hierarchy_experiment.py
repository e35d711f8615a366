"""The experiment on the hierarchy: known answers, and a run that goes on where it was."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import blocks
from benchmarks.experiments.hierarchy import __main__ as hierarchy
from benchmarks.experiments.hierarchy import measuring, scores, taps
from benchmarks.experiments.hierarchy.agents import trained_agent
from benchmarks.experiments.hierarchy.episodes import decided
from benchmarks.experiments.hierarchy.plan import ALONE, AUTOMATON, BASE_RATE, Plan, Row, rows_of
from benchmarks.experiments.hierarchy.twins import default_policy, real_episode
from twin_gym.twins.signalling.log import MessageLog

TINY = Plan(6.0, 5, 8, (30,), 1_024, 2)
HORIZON_NS = 6 * 10**9


@pytest.fixture
def _own_folder(tmp_path, monkeypatch):
    """Twins of a test are its own."""
    monkeypatch.chdir(tmp_path)


def measured(label):
    """The values of a cell of the first block."""
    cells = measuring.cells_of(TINY, 1, learners=False)
    (cell,) = (one for one in cells if one.label == label)
    return {name: values[0] for name, values in cell.measure(cell).items()}


@pytest.mark.usefixtures("_own_folder")
def test_exact_parts_are_the_real_network():
    """All messages, decisions and indicators, with the past forced and running free."""
    values = measured(Row(AUTOMATON, 0).label)
    shares = [name for name in values if "/" not in name]
    assert len(shares) == 6
    assert {values[name] for name in shares} == {1.0}
    for name, value in values.items():
        if name.startswith(measuring.REAL):
            assert value == values[measuring.EMULATED + name.removeprefix(measuring.REAL)], name


@pytest.mark.usefixtures("_own_folder")
def test_tap_that_loses_nothing_changes_nothing():
    """Every error is 0; with losses there are some."""
    assert set(measured("loss 0").values()) == {0.0}
    real, policy = real_episode(TINY, 0), default_policy(TINY)
    lossy = taps.tap_values(real, policy, policy, 0.3)
    assert min(lossy[taps.COUNTS][0], lossy[taps.WRONG][0], lossy[taps.BY_POLICY][0]) > 0.0


@pytest.mark.usefixtures("_own_folder")
def test_twin_alone_and_base_rate_are_asked_for_no_decision():
    """They have no agreement, and the base rate is below the best rule that knows the slice."""
    alone, base = measured(ALONE), measured(BASE_RATE)
    assert measuring.AGREEMENT not in alone
    assert 0.0 < base[measuring.EXACT] <= base["best_by_slice"] < 1.0


@pytest.mark.usefixtures("_own_folder")
def test_training_on_the_exact_core_is_training_on_the_kernel():
    """The agents decide alike everywhere, which agents of other seeds do not."""
    real = real_episode(TINY, 0)
    engines = ({}, {"engine": "twin"})
    agents = [trained_agent(TINY, engine, 3) for engine in engines]
    chosen = [decided(one, real.observations, real.masks) for one in agents]
    np.testing.assert_array_equal(*chosen)
    other = decided(trained_agent(TINY, {}, 4), real.observations, real.masks)
    assert (other != chosen[0]).any()


def test_networks_part_where_an_answer_differs():
    """A request that is admitted later, and one that is lost for another reason, count apart."""
    log = real_episode(TINY, 0).log
    assert scores.divergence(log, log, HORIZON_NS) == (1.0, 1.0)
    places = scores.policy_places(log)
    records = log.records.copy()
    place = places[len(places) // 2]
    records["cause"][place:] += records["kind"][place:] == scores.REJECT
    parted, after = scores.divergence(log, MessageLog(records, log.slices), HORIZON_NS)
    rejects = places[(log.column("kind")[places] == scores.REJECT) & (places >= place)]
    assert parted == log.column("time_ns")[rejects[0]] / HORIZON_NS
    assert 0.0 < after < 1.0


def test_decision_that_differs_takes_its_message_with_it():
    """One wrong decision of the policy costs the message that follows at once, no other."""
    real = real_episode(TINY, 0)
    exact, agrees = np.ones(len(real.log), np.bool_), np.ones(len(real.actions), np.bool_)
    assert scores.exact_policy_messages(real, exact, agrees) == 1.0
    agrees[np.flatnonzero(real.actions < real.masks.shape[1] - 1)[0]] = False
    count = len(scores.policy_places(real.log))
    share = scores.exact_policy_messages(real, exact, agrees)
    assert share == pytest.approx(1.0 - 1.0 / count)


@pytest.mark.parametrize(
    ("agrees", "expected"),
    [
        ([True, True], (1.0, 1.0)),
        ([True, False, True, False], (0.25, 0.5)),
        ([True, False], (0.5, 1.0)),
    ],
)
def test_first_disagreement_and_what_comes_after(agrees, expected):
    """The disagreement itself is in neither share."""
    assert scores.first_and_after(np.array(agrees)) == expected


@pytest.mark.slow
@pytest.mark.usefixtures("_own_folder")
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """A second run measures nothing; the page has every row."""
    monkeypatch.setattr(hierarchy, "QUICK", TINY)
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    assert CliRunner().invoke(hierarchy.app, options, catch_exceptions=False).exit_code == 0
    page = (tmp_path / "hierarchy.md").read_text()

    def refuse(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr(blocks, "_measured", refuse)
    assert CliRunner().invoke(hierarchy.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "hierarchy.md").read_text() == page
    assert all(f"| {row.label} |" in page for row in rows_of(TINY))
    assert "nan" not in page.lower().split()
    assert (tmp_path / "hierarchy.png").stat().st_size > 10_000
    assert json.loads((tmp_path / "hierarchy.json").read_text())
