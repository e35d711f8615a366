"""The adapter experiment: a quick run, what is kept, and what it says where a model is missing."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments.knowledge_adapter import __main__ as command
from benchmarks.experiments.knowledge_adapter import backbones, measuring
from benchmarks.experiments.knowledge_adapter.backbones import IDS, MODEL, TFIDF, NumbersBackbone
from benchmarks.experiments.knowledge_adapter.measuring import HEADS, Row
from benchmarks.experiments.knowledge_adapter.sources import (
    CITY,
    FACTS,
    KINDS,
    PLAIN_CITY,
    QUICK_PLAN,
    Source,
    city_source,
)
from twin_gym.errors import MissingExtraError
from twin_gym.twins.knowledge.adapter import Split, judge


@pytest.fixture
def no_model(monkeypatch):
    """SmolLM2 is not installed."""

    def missing(**_):
        raise MissingExtraError("not installed")

    backbones._model.cache_clear()
    monkeypatch.setattr(backbones, "smollm2", missing)
    yield
    backbones._model.cache_clear()


@pytest.mark.usefixtures("no_model")
def test_quick_run_writes_a_page_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """Numbers, figure and page; a second run measures nothing and says the same."""
    monkeypatch.setattr(backbones, "NAMES", (TFIDF, IDS))
    monkeypatch.setattr(measuring, "NAMES", (TFIDF, IDS))
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl"),
               "--features", str(tmp_path / "features")]  # fmt: skip
    result = CliRunner().invoke(command.app, options, catch_exceptions=False)
    assert result.exit_code == 0
    page = (tmp_path / "knowledge_adapter.md").read_text()
    assert "| TF-IDF: l = 32 |" in page
    assert "Its rows are left out: it is not installed." in page
    assert (tmp_path / "knowledge_adapter.png").stat().st_size > 10_000
    entries = json.loads((tmp_path / "knowledge_adapter.json").read_text())
    (last,) = [one for one in entries if one["label"] == "ids: linear" and one["x"] == 5.0]
    assert len(last["values"]["end top"]) == 2
    assert {one["label"] for one in entries} >= {"ceiling", "majority", "TF-IDF: nearest neighbour"}

    def never(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(measuring, "train_network", never)
    again = CliRunner().invoke(command.app, options, catch_exceptions=False)
    assert again.exit_code == 0
    assert (tmp_path / "knowledge_adapter.md").read_text() == page


@pytest.mark.parametrize("name", [CITY, FACTS, PLAIN_CITY])
def test_every_held_out_fact_is_of_one_group(name):
    """And no fact is learned from and held out."""
    source = city_source(name, QUICK_PLAN)
    (split,) = source.splits(0)
    assert not np.intersect1d(split.train, split.held_out).size
    assert (sum(source.groups.values()) == 1).all()
    assert source.ceiling(split).shape == split.held_out.shape


def test_kinds_are_each_held_out_once():
    """Five parts of the facts, none of which has a fact of another."""
    made = city_source(CITY, QUICK_PLAN)
    source = Source(KINDS, "", made.task, "heads", 5, None, {})
    held = np.concatenate([split.held_out for split in source.splits(1)])
    assert sorted(held) == list(range(len(made.task.facts)))


def test_distance_is_a_bilinear_form_of_numbers():
    """The head could say which gateway is nearest: 2 h · t - |t|² names it everywhere."""
    task = city_source(CITY, QUICK_PLAN).task
    found = NumbersBackbone(task.texts).features(task.texts)

    def nearest(heads, relation):
        tails = found[task.candidates[relation]]
        places = found[heads][:, -5:-3] @ tails[:, -5:-3].T
        return 2.0 * places - tails[:, -3:-1].sum(1)

    connections = task.of_relation(np.arange(len(task.facts)), 0)
    assert judge(task, connections, nearest).top.mean() == 1.0


def test_all_rows_are_asked_of_the_city_and_the_main_ones_of_others():
    """Each bottleneck for what is read and what is not; no ceiling is known of real kinds."""
    city, kinds, facts = (measuring.rows_of(name) for name in (CITY, KINDS, FACTS))
    assert {Row(MODEL, head) for head in HEADS.values()} <= {*city}
    assert Row("", measuring.CEILING) in city
    assert Row("", measuring.CEILING) not in kinds
    assert len(facts) < len(kinds) < len(city)
    assert len({one.label for one in city}) == len(city)


def test_shuffled_row_learns_other_facts_and_is_judged_by_the_true_ones():
    """Held-out facts stay; the ends of those that are learned from are permuted."""
    source = city_source(CITY, QUICK_PLAN)
    (split,) = source.splits(0)
    features = backbones.TfidfBackbone(source.task.texts).features(source.task.texts)
    told = {}

    def learn(task, *_, **__):
        told["task"] = task

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "train_network", learn)
        settings = command.AdapterSettings(epochs=1)
        measuring._fold(source, Row(TFIDF, measuring.SHUFFLED), features, split, settings, 0)
    made = told["task"]
    assert isinstance(split, Split)
    assert (made.facts[split.held_out] == source.task.facts[split.held_out]).all()
    assert (made.facts[split.train] != source.task.facts[split.train]).any()
