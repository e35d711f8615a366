"""Fig. 4a of paper B: cells go on where they were, and known rows have known answers."""

import importlib
import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments.blocks import Measured, measure_all
from benchmarks.experiments.message_twins import known, page, plan, telling, trained
from benchmarks.experiments.message_twins.plan import QUICK, Plan, logs_of, scenario_of
from twin_gym.twins.signalling.learned import vectors
from twin_gym.twins.signalling.tables import FIELDS

COMMAND = importlib.import_module("benchmarks.experiments.message_twins.__main__")
TIMED = {"core_seconds", "load", "ended_s"}


def nothing(step, total):
    """Progress that nobody is told of."""


def cells_of(num_ues, folder, seed=1, size=QUICK):
    """Known and trained cells by label."""
    cells = [
        *known.known_cells(num_ues, seed, size),
        *trained.trained_cells(num_ues, seed, size, folder, nothing),
    ]
    return {cell.label: cell for cell in cells}


def values_of(cells, file=None):
    """What is measured, by label: a value a figure."""
    return {
        one.label: {name: float(value[0]) for name, value in one.values.items()}
        for one in measure_all(cells, file)
    }


@pytest.fixture(scope="module")
def known_values():
    """Known rows of one and of eight UEs."""
    size = replace(QUICK, learned_s=40.0, judged_s=16.0)
    return {count: values_of(known.known_cells(count, 1, size)) for count in (1, 8)}


def test_exact_automaton_scores_one(known_values):
    """In every figure, without a violation, at any number of UEs."""
    for values in known_values.values():
        automaton = values[known.AUTOMATON]
        for name in (*page.ALL, *page.STATEFUL):
            assert automaton[name] == (0.0 if name == "violations" else 1.0)
        assert automaton["num_stateful"] > 100
        assert automaton["absent_accuracy"] < 0.99


def test_tables_of_log_and_ue_are_the_same_of_one_ue_alone(known_values):
    """Of eight, those of the log know hardly anything."""
    for length in known.LENGTHS["log"]:
        names = [f"table: last {length} of the {of}" for of in ("log", "same UE")]
        alone, many = ([known_values[count][name] for name in names] for count in (1, 8))
        assert alone[0] == alone[1]
        assert many[0]["stateful_f1"] < many[1]["stateful_f1"] - 0.1
    assert 0.5 < known_values[8][known.TABLE_OF_6]["stateful_f1"] < 1.0


def test_window_of_all_determines_less_with_more_ues(known_values):
    """One of a single UE's messages as much as with one UE."""
    alone, many = known_values[1], known_values[8]
    assert alone[known.WINDOW_OF_ALL] == alone[known.WINDOW_OF_ONE]
    for name in ("exact", "stateful_exact"):
        assert many[known.WINDOW_OF_ALL][name] < alone[known.WINDOW_OF_ALL][name] - 0.2
        difference = many[known.WINDOW_OF_ONE][name] - alone[known.WINDOW_OF_ONE][name]
        assert abs(difference) < 0.1


def test_window_that_holds_all_determines_all():
    """Nothing is outside of it."""
    long = replace(QUICK.interleaved, window=1_024)
    size = replace(QUICK, interleaved=long, per_ue=replace(long, context="per-ue"))
    rows = {cell.label: cell for cell in known.known_cells(2, 1, size)}
    values = values_of([rows[known.WINDOW_OF_ALL], rows[known.WINDOW_OF_ONE]])
    assert {value for one in values.values() for value in one.values()} == {1.0}


def test_chance_lets_the_likelier_procedure_be_right():
    """Nothing is lost where the network begins one kind of procedure; some where it begins two."""
    logs, scenario = logs_of(1, 1, replace(QUICK, judged_s=30.0)), scenario_of(1)
    slices = [
        one.replace(when_connected=one.when_connected.replace(network_deregister=0.0))
        for one in scenario.slices
    ]
    assert known.chance_floor(logs, scenario.replace(slices=slices)) == 1.0
    assert 0.98 < known.chance_floor(logs, scenario) < 1.0


def test_tables_predict_the_fields_of_networks_in_their_order():
    """So that both are scored alike."""
    assert ("kind", *vectors.FIELDS, "active_sessions", "presence") == FIELDS


def test_logs_of_a_seed_share_no_world():
    """What is judged was not learned from, and no seed has the logs of another."""
    size = replace(QUICK, learned_s=4.0)
    worlds = [logs_of(2, seed, size) for seed in (1, 2)]
    heads = {log.records[:200].tobytes() for logs in worlds for log in (logs.learned, logs.judged)}
    assert len(heads) == 4
    assert len({log.seed for logs in worlds for log in (logs.learned, logs.judged)}) == 4


def test_killed_training_goes_on_to_the_same_figures(tmp_path, monkeypatch):
    """From its checkpoint, its losses included; then nothing of it is left but the result."""
    label = trained.label_of("lstm", "per-ue")
    whole = values_of([cells_of(2, tmp_path / "whole")[label]])[label]
    take, steps = trained.Spent.take, []

    def killed(self, step, loss):
        take(self, step, loss)
        steps.append(step)
        if len(steps) == 13:
            raise KeyboardInterrupt

    monkeypatch.setattr(trained.Spent, "take", killed)
    cell, file = cells_of(2, tmp_path)[label], tmp_path / "kept.jsonl"
    with pytest.raises(KeyboardInterrupt):
        values_of([cell], file)
    resumed = values_of([cell], file)[label]
    assert steps == [*range(1, 14), *range(11, 21)]
    assert {name: resumed[name] for name in resumed.keys() - TIMED} == {
        name: whole[name] for name in whole.keys() - TIMED
    }
    assert not [*tmp_path.glob("*.safetensors"), *tmp_path.glob("*.json")]


@pytest.mark.parametrize(
    "size",
    [
        replace(QUICK, learned_s=9.0),
        replace(QUICK, judged_s=9.0),
        replace(QUICK, interleaved=replace(QUICK.interleaved, num_steps=21)),
    ],
)
def test_cell_of_other_logs_or_settings_is_another(size, tmp_path):
    """What was measured with them is not taken for this one."""
    label = trained.label_of("transformer", "interleaved")
    assert cells_of(2, tmp_path, size=size)[label].digest != cells_of(2, tmp_path)[label].digest


def test_seeds_follow_one_another():
    """A run that is cut is whole for the seeds before; 48 trainings are asked for."""
    cells = COMMAND.all_cells(3, Plan(), None, nothing)
    seeds = [cell.blocks[0] for cell in cells]
    assert seeds == sorted(seeds)
    names = [COMMAND.name_of(cell) for cell in cells]
    assert len(set(names)) == len(names)
    assert len([cell for cell in cells if cell.label in page.TRAINED]) == 48
    assert names[-1] == "LSTM, per UE, 64 UEs, seed 3"


def test_page_has_no_seed_in_the_place_of_another():
    """Of a row whose second seed is missing, the first alone; all of the others."""
    cells = [cell for cell in COMMAND.all_cells(3, Plan(), None, nothing)
             if cell.label in page.TRAINED[:2] and cell.x == 4.0]  # fmt: skip
    digests = {cell.digest for cell in cells} - {cells[2].digest}
    names = [COMMAND.name_of(cell) for cell in COMMAND.stored_cells(cells, digests)]
    assert names == [
        "Transformer, all UEs, 4 UEs, seed 1",
        *(f"LSTM, all UEs, 4 UEs, seed {seed}" for seed in (1, 2, 3)),
    ]


@pytest.mark.slow
def test_quick_run_writes_its_page_and_trains_nothing_twice(tmp_path, monkeypatch):
    """Page, figure and numbers; from what is stored the same page comes again."""
    options = ["--quick", "--seeds", "1", "--out", str(tmp_path)]
    options += ["--kept", str(tmp_path / "kept.jsonl")]
    run = CliRunner().invoke(COMMAND.app, options, catch_exceptions=False)
    assert run.exit_code == 0
    text = (tmp_path / "message_twins.md").read_text()
    assert "nan" not in text.lower().split()
    assert "| exact automaton | 1.0000 (one value) |" in text
    assert (tmp_path / "message_twins.png").stat().st_size > 10_000
    assert len(json.loads((tmp_path / "message_twins.json").read_text())) == 2 * 16

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(trained, "train_message_twin", refuse)
    monkeypatch.setattr(plan, "emulate", refuse)
    CliRunner().invoke(COMMAND.app, options, catch_exceptions=False)
    assert (tmp_path / "message_twins.md").read_text() == text
    only = [*options, "--cells", "exact automaton, 2 UEs"]
    CliRunner().invoke(COMMAND.app, only, catch_exceptions=False)
    assert (tmp_path / "message_twins.md").read_text() == text


def test_cells_are_listed_and_found_by_a_part_of_their_name(tmp_path):
    """Nothing is measured; a name that no cell has is refused in a sentence."""
    options = ["--quick", "--kept", str(tmp_path / "kept.jsonl"), "--out", str(tmp_path), "--list"]
    run = CliRunner().invoke(COMMAND.app, [*options, "--cells", "per UE, 2 UEs, seed 3"])
    assert run.exit_code == 0
    lines = [line for line in run.stdout.splitlines() if line]
    assert lines == [
        "determined in the window, per UE, 2 UEs, seed 3",
        "Transformer, per UE, 2 UEs, seed 3",
        "LSTM, per UE, 2 UEs, seed 3",
    ]
    assert not (tmp_path / "kept.jsonl").exists()
    refused = CliRunner().invoke(COMMAND.app, [*options, "--cells", "nothing like it"])
    assert refused.exit_code == 2
    assert "--list" in refused.output


def made_points(**by_label):
    """Rows of two UEs, a value a seed of one figure."""
    labels = {"transformer": page.TRANSFORMER_OF_ALL, "lstm": page.LSTM_OF_ALL,
              "table": known.TABLE_OF_6}  # fmt: skip
    return {
        (labels[name], 2): Measured(labels[name], "s", 2.0, {"stateful_f1": np.array(values)})
        for name, values in by_label.items()
    }


def test_differences_are_paired_by_seed():
    """Seeds differ by more than the networks do, and the difference is clear all the same."""
    seeds = np.array([0.1, 0.5, 0.9])
    points = made_points(
        transformer=seeds + 0.02, lstm=seeds + np.array([0.0, 0.001, 0.0]), table=[0.5, 0.6, 0.4]
    )
    text = page.differences(points, [2])
    assert "| Transformer, all UEs - LSTM, all UEs | **0.0197 ± 0.0014** |" in text
    lines = page.verdict(points, [2])
    assert lines[0] == "Transformer, all UEs, against LSTM, all UEs: clearly above at K = 2."
    assert lines[1].endswith("not clearly apart at K = 2.")


def test_row_with_fewer_seeds_is_compared_on_those_that_both_have():
    """A grid that is cut compares what is there; of one seed nothing is said to be clear."""
    points = made_points(transformer=[0.5], lstm=[0.4, 0.9])
    assert "0.1000 (one value)" in page.differences(points, [2])
    assert page.verdict(points, [2]) == []


def test_page_says_what_is_claimed_and_held_out():
    """In words that do not depend on figures; what was found is not said of a quick run."""
    text = page.page([], QUICK, "message_twins").text
    assert telling.FOUND not in text
    assert telling.FOUND in page.page([], Plan(), "message_twins").text
    assert telling.CLAIM in text
    assert "neither a UE nor a moment is in both" in " ".join(text.split())
