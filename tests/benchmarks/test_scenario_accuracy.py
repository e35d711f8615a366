"""Scenario accuracy over rounds: what is judged, what the real-time twin hears, who says what."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments.scenario_accuracy import __main__ as command
from benchmarks.experiments.scenario_accuracy import measuring, panels
from benchmarks.experiments.scenario_accuracy.forecasts import (
    DELIVERED,
    FORECASTS,
    GAN,
    HYBRID,
    LAST,
    H,
    Seen,
)
from benchmarks.experiments.scenario_accuracy.measuring import MOVES, STAYS, Protocol
from benchmarks.experiments.scenario_accuracy.panels import ROUNDS, Change, Panel, Source
from benchmarks.experiments.scenario_accuracy.rounds import RealTimeTwin
from twin_gym.twins.scenarios.gan_training import ScenarioGanSettings, train_on_points
from twin_gym.twins.scenarios.gaussian import Step

QUICK = ScenarioGanSettings(max_steps=20, check_every=10, width=8)
PROTOCOL = Protocol(0.25, 1.0, 0.05, QUICK)


def panel(columns=4, entity_of=None, *, skewed=(), binary=(), windows=60, common=0.99):
    """A panel whose columns go up and down together, slowly."""
    rng = np.random.default_rng(1)
    own = np.sqrt(1.0 - common**2)
    points = [np.zeros(columns)]
    for _ in range(windows - 1):
        fresh = common * rng.standard_normal() + own * rng.standard_normal(columns)
        points.append(0.9 * points[-1] + 0.3 * fresh)
    places = np.arange(columns)
    return Panel(
        "made", "a made one", np.array(points), np.ones(columns), np.isin(places, skewed),
        np.isin(places, binary), places if entity_of is None else np.array(entity_of),
    )  # fmt: skip


def source(made, changes=2):
    """Changes of a panel to values that nothing in its history has."""
    rng = np.random.default_rng(2)
    paths = [rng.normal(0.0, 1.0, (ROUNDS + 2, len(made.ranges))) for _ in range(changes)]
    return Source(made, [Change(np.full(len(made.ranges), 7.0), path) for path in paths])


def test_entity_is_accurate_if_all_of_its_attributes_are():
    """One of two attributes beyond the tolerance makes it wrong; at the tolerance it is right."""
    made = panel(4, [0, 0, 1, 2])
    truth = np.zeros(4)
    assert made.accuracy(truth, truth, 0.05) == 1.0
    assert made.accuracy(np.array([0.0, 0.06, 0.05, -0.05]), truth, 0.05) == pytest.approx(2 / 3)
    assert made.accuracy(np.array([0.0, 0.06, 0.06, 0.0]), truth, 0.05) == pytest.approx(1 / 3)


def test_binary_attributes_must_be_equal_and_logarithms_are_judged_as_values():
    """Values nearer to a state count as that state; tolerances are relative to the range."""
    made = panel(2, binary=(0,), skewed=(1,))
    truth = np.array([0.5, np.log1p(2.0)])
    assert made.accuracy(np.array([0.01, np.log1p(2.049)]), truth, 0.05) == 1.0
    assert made.accuracy(np.array([-0.01, np.log1p(2.049)]), truth, 0.05) == 0.5
    assert made.accuracy(np.array([0.3, np.log1p(2.051)]), truth, 0.05) == 0.5


def test_twin_asks_for_what_it_does_not_know_and_then_for_what_is_oldest():
    """A quarter of eight a round, all of which arrive: all known after four rounds."""
    made = panel(8)
    twin = RealTimeTwin(made, np.random.default_rng(3), 0, share=0.25, twinning_rate=1.0)
    for number in range(1, 5):
        twin.listen(np.full(8, float(number)))
        values, ages = twin.known()
        assert np.isfinite(values).sum() == 2 * number
        assert (values[np.isfinite(values)] == number - ages[np.isfinite(values)]).all()
    twin.listen(np.full(8, 5.0))
    assert sorted(twin.known()[1]) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_updates_arrive_at_the_twinning_rate_and_lost_ones_are_asked_for_again():
    """A tenth of a thousand a round at 0.8: 98 % at round 12, as the source says."""
    made = panel(1_000, windows=4)
    twin = RealTimeTwin(made, np.random.default_rng(4), 1)
    shares = []
    for _ in range(ROUNDS):
        twin.listen(np.zeros(1_000))
        shares.append(np.isfinite(twin.known()[0]).mean())
    assert shares[5] == pytest.approx(0.49, abs=0.05)
    assert shares[11] == pytest.approx(0.98, abs=0.025)
    assert shares[12] > 0.97


def test_update_brings_all_attributes_of_its_entity_or_none():
    """Two entities with two attributes; half of what is asked for is lost."""
    made = panel(40, np.arange(40) % 20)
    twin = RealTimeTwin(made, np.random.default_rng(5), 2, share=1.0, twinning_rate=0.5)
    twin.listen(np.arange(40.0))
    known = np.isfinite(twin.known()[0])
    assert (known[:20] == known[20:]).all()
    assert 0 < known.sum() < 40
    assert (twin.known()[0][known] == np.arange(40.0)[known]).all()


def test_network_that_stays_is_the_same_in_all_rounds_and_one_that_moves_is_not():
    """Compares the value to predict, the value observed, and its age."""
    made = panel(8)
    changes, step = source(made), Step.fit(made.history)
    gan = train_on_points(made.history, tuple("abcdefgh"), QUICK)
    path = changes.changes[1].path
    for round_, seen, truth in measuring.rounds(changes, step, gan, PROTOCOL, STAYS, 0, 1):
        assert (truth == path[0]).all()
        assert (seen.values[seen.is_known] == path[0][seen.is_known]).all()
        assert not seen.ages.any()
        assert seen.is_known.sum() == min(2 * round_, 8)
    for round_, seen, truth in measuring.rounds(changes, step, gan, PROTOCOL, MOVES, 0, 1):
        assert (truth == path[round_ + 1]).all()
        for k in np.flatnonzero(seen.is_known):
            assert seen.values[k] == path[round_ - int(seen.ages[k]), k]
    assert seen.ages.max() == 3.0


def seen_of(made, values, *, stays=True, ages=None):
    """The values to predict from."""
    gan = train_on_points(made.history, tuple(map(str, range(len(values)))), QUICK)
    ages = np.zeros(len(values)) if ages is None else ages
    before = np.full(len(values), 7.0)
    return Seen(Step.fit(made.history), gan, before, np.array(values), ages, stays)


def test_rows_take_what_was_heard_and_fill_in_the_rest_each_in_its_way():
    """Columns that go together follow the one that was heard of in H+R, and in nothing simpler."""
    made = panel(4, windows=400)
    heard = made.history.mean(0) + 2.0
    seen = seen_of(made, [heard[0], np.nan, np.nan, np.nan])
    rng = np.random.default_rng(6)
    said = {row: forecast(seen, 4, rng) for row, forecast in FORECASTS.items()}
    mean = made.history.mean(0)
    assert said[H].point == pytest.approx(mean)
    assert said[LAST].point.tolist() == [heard[0], 7.0, 7.0, 7.0]
    assert said[DELIVERED].point == pytest.approx([heard[0], *mean[1:]])
    assert said[HYBRID].point[0] == pytest.approx(heard[0])
    assert (said[HYBRID].point[1:] > mean[1:] + 1.5).all()
    assert said[GAN].point[0] == heard[0]
    assert {row: one.draws.shape for row, one in said.items()} == dict.fromkeys(said, (4, 4))
    assert all(len(forecast(seen, 0, rng).draws) == 0 for forecast in FORECASTS.values())


def test_what_moves_is_foretold_a_window_ahead():
    """Not what was heard, but what is left of it after its age and one window more."""
    made = panel(4, windows=400)
    seen = seen_of(made, made.history.mean(0) + 1.0, stays=False, ages=np.full(4, 2.0))
    keep = seen.step.keep
    change = FORECASTS[HYBRID](seen, 0, np.random.default_rng(7)).point - made.history.mean(0)
    assert change == pytest.approx(keep**3, abs=1e-6)


def test_energy_score_is_the_one_computed_by_hand():
    """Two draws at distances 1 and 3 of what came, 2 apart: 2 less half of the mean, 1."""
    made = panel(1)
    draws, truth = np.array([[1.0], [3.0]]), np.array([0.0])
    assert measuring.joint(made, [(draws, truth)]) == {"energy_score": pytest.approx(1.5)}
    pairs = [(np.array([[float(k)]]), np.array([float(k)])) for k in range(4)]
    assert measuring.joint(made, pairs) == {"energy_score": 0.0, "energy_distance": 0.0}


def test_what_goes_together_is_worth_more_than_what_is_delivered():
    """On a network that lives as its history did, H+R is above the delivered share alone."""
    made = panel(20, windows=420, common=0.999)
    lived = Panel(made.name, made.title, made.history[:400], *(
        getattr(made, name) for name in ("ranges", "is_skewed", "is_binary", "entity_of")
    ))  # fmt: skip
    later = made.history[400:]
    changes = Source(lived, [Change(made.history[399], later[k : k + 15]) for k in (0, 2, 4)])
    gan = train_on_points(lived.history, tuple(map(str, range(20))), QUICK)
    block = measuring.block_of(changes, gan, Protocol(0.1, 0.8, 0.05, QUICK), 0)
    for reading in measuring.READINGS:
        hybrid, delivered = (block[f"{reading}|{r}|3|accuracy"][0] for r in (HYBRID, DELIVERED))
        assert hybrid > delivered + 0.2
    assert all(0.0 <= one[0] <= 1.0 for name, one in block.items() if name.endswith("accuracy"))
    again = measuring.block_of(changes, gan, Protocol(0.1, 0.8, 0.05, QUICK), 0)
    assert again == block


def test_training_is_shared_by_networks_of_one_history():
    """The second one takes the first one's; another seed makes another."""
    made = panel(3)
    first = measuring.train(made, QUICK, 0)
    assert measuring.train(panel(3, [0, 0, 0]), QUICK, 0) is first
    assert measuring.train(made, QUICK, 1) is not first
    assert first.metadata.seed == 0


def test_simulated_network_changes_to_other_worlds_in_the_same_window():
    """The same entities; values after the change have nothing to do with those before."""
    case = panels.simulated("sync-small", 10, 0, 2)
    assert case.panel.history.shape == (10, 50)
    assert case.panel.is_binary.sum() == 10
    assert set(np.unique(case.panel.history[:, case.panel.is_binary])) <= {-0.5, 0.5}
    one, other = case.changes
    assert one.path.shape == (ROUNDS + 2, 50)
    assert (one.before == case.panel.history[-1]).all()
    assert (one.path != other.path).any()
    again = panels.simulated("sync-small", 10, 0, 2)
    assert (again.changes[1].path == other.path).all()
    assert (panels.simulated("sync-small", 10, 1, 2).panel.history != again.panel.history).any()


@pytest.mark.usefixtures("data_dir")
def test_measured_network_is_learned_from_its_first_half_and_changes_in_the_second():
    """Twelve stations with ten attributes; no window of a change is in the history."""
    case = panels.measured("air-stations", 0, 3)
    assert case.panel.num_entities == 12
    assert case.panel.history.shape[1] == 120
    assert np.isfinite(case.panel.history).all()
    lived = {row.tobytes() for row in case.panel.history}
    for change in case.changes:
        assert not any(row.tobytes() in lived for row in change.path)
        assert change.path.shape == (ROUNDS + 2, 120)
    sensors = panels.measured("air-sensors", 0, 3)
    assert sensors.panel.num_entities == 120
    assert (sensors.changes[2].path == case.changes[2].path).all()


def test_unknown_networks_are_refused():
    """With the names of those that there are."""
    result = CliRunner().invoke(command.app, ["--quick", "--only", "moon"])
    assert result.exit_code == 2
    assert "sync-small" in result.output


@pytest.mark.slow
def test_quick_run_writes_its_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """The second run measures nothing and writes the same page."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    assert CliRunner().invoke(command.app, options, catch_exceptions=False).exit_code == 0
    page = (tmp_path / "scenario_accuracy.md").read_text()
    assert page.startswith("# Scenario accuracy")
    assert "nan" not in page.lower().split()
    assert (tmp_path / "scenario_accuracy.png").stat().st_size > 10_000
    entries = json.loads((tmp_path / "scenario_accuracy.json").read_text())
    assert len(entries) == 2 * 6 * (ROUNDS + 1)
    by_label = {(one["label"], one["x"]): one["values"]["accuracy"] for one in entries}
    assert by_label["stays: share delivered", 0.0] == [0.0, 0.0]
    assert min(by_label["stays: H+R", 13.0]) > 0.8

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "block_of", refuse)
    assert CliRunner().invoke(command.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "scenario_accuracy.md").read_text() == page
