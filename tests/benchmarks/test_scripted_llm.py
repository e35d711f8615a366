"""The scripted endpoint and what becomes of its answers."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.experiments import scripted_llm
from benchmarks.experiments.scripted_endpoint import (
    HUGE,
    KEYS,
    LATE,
    MARK,
    OBEY,
    OF_ANSWERS,
    OF_ENTRIES,
    ORDER,
    PROSE,
    RANGE,
    WORDS,
    Answer,
    Script,
    answer_to,
    scripted_endpoint,
)
from benchmarks.experiments.scripted_llm import COPIER, TRUE, Tally, closeness, kind_of, life
from twin_gym.twins.scenarios import Criteria, GenerationError
from twin_gym.twins.scenarios.answers import point_of
from twin_gym.twins.scenarios.llm import LlmGenerator, Rejection
from twin_gym.twins.scenarios.questions import ask_for, schema_of, summary_of

pytest.importorskip("openai")

LIFE = life(0)
SPACE = LIFE.history.space
BOUNDS = Criteria().bounds(SPACE)


def request(seed=0, count=6):
    """What the generator asks."""
    told = summary_of(Criteria(), LIFE.history, LIFE.now)
    schema = schema_of(SPACE, BOUNDS, count)
    return {
        "seed": seed,
        "messages": ask_for(count, told, []),
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    }


def test_script_without_faults_answers_within_the_schema():
    """As many entries as wanted, each valid, near the last window; the same for the same seed."""
    found = answer_to(request(), Script("good"))
    entries = json.loads(found.text)["scenarios"]
    assert found.entries == len(entries) == 6
    points = np.array([point_of(one, SPACE, BOUNDS) for one in entries])
    assert np.abs(points - LIFE.history.points[-1]).max() < 0.8
    assert answer_to(request(), Script("good")) == found
    assert answer_to(request(1), Script("good")).text != found.text


def test_faults_come_as_often_as_stated():
    """Of answers and of entries, over many seeds."""
    script = Script("some", {PROSE: 0.2, OBEY: 0.1, RANGE: 0.3, KEYS: 0.1})
    asked = request()
    found = [answer_to(asked | {"seed": seed}, script) for seed in range(600)]
    assert np.mean([one.fault == PROSE for one in found]) == pytest.approx(0.2, abs=0.05)
    assert np.mean([one.fault == OBEY for one in found]) == pytest.approx(0.1, abs=0.04)
    kinds = [kind for one in found for kind in one.entry_faults]
    assert np.mean([kind == RANGE for kind in kinds]) == pytest.approx(0.3, abs=0.03)
    assert np.mean([kind == "" for kind in kinds]) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("fault", [*OF_ANSWERS, *OF_ENTRIES])
def test_each_fault_is_refused_for_its_own_reason(fault):
    """On its whole way, over the network of this machine; nothing is made of it."""
    with scripted_endpoint(Script("bad", {fault: 1.0}), 0.3 if fault == LATE else 20.0) as (
        endpoint,
        answers,
    ):
        generator = LlmGenerator(endpoint, 1)
        with pytest.raises(GenerationError):
            generator.generate(Criteria(), LIFE.history, LIFE.now, 2, np.random.default_rng(0))
    assert len(answers) == 1
    wanted = PROSE + " or orders" if fault in (PROSE, OBEY) else fault
    assert {kind_of(one.reason) for one in generator.rejections} == {wanted}
    assert kind_of("the endpoint answered with status 500") == scripted_llm.OTHER


def test_tally_counts_tasks_requests_and_entries():
    """Two requests of which one brought two of three entries, and one that was no JSON."""
    tally = Tally()
    answers = [Answer("", PROSE, 0, ()), Answer("", "", 3, ("", RANGE, ""))]
    reasons = [
        Rejection(1, "the answer is no JSON", ""),
        Rejection(2, "x must be 0 to 1, got 7", ""),
    ]
    tally.add(answers, reasons, is_whole=True)
    tally.add(
        [Answer("", HUGE, 0, ())], [Rejection(1, "more than 2,000,000 bytes", "")], is_whole=False
    )
    found = tally.values()
    assert found["tasks_met"] == [0.5]
    assert found["requests_a_task"] == [1.5]
    assert found["useful_requests"] == pytest.approx([1 / 3])
    assert found["valid_entries"] == pytest.approx([2 / 3])
    assert found[f"refused: {RANGE}"] == found[f"refused: {HUGE}"] == [0.5]
    assert found[f"refused: {KEYS}"] == [0.0]


def test_no_text_of_an_answer_gets_into_a_scenario_and_it_would_be_seen(monkeypatch):
    """Names, provenances and all else are searched for the mark that stands in every order."""
    script = Script("orders", {KEYS: 0.15, WORDS: 0.15})
    cell = scripted_llm.Cell("orders", SPACE.base, (0,), 1, lambda cell: {})
    found = scripted_llm.asked_of_script(cell, script)
    assert found["tasks_met"] == [1.0]
    assert found["scenarios_with_text_of_answers"] == [0.0]
    assert found[f"refused: {KEYS}"][0] > 0.0
    assert found[f"refused: {WORDS}"][0] > 0.0

    def believes(self, criteria, history, realtime, count, rng):
        return [history.space.base.replace(provenance=ORDER)] * count

    monkeypatch.setattr(LlmGenerator, "generate", believes)
    monkeypatch.setattr(Tally, "values", lambda self: {"leaks": [float(self.leaks)]})
    assert MARK in ORDER
    assert scripted_llm.asked_of_script(cell, script)["leaks"] == [scripted_llm.COUNT]


def test_copies_are_found_out_and_what_comes_is_not():
    """A copier repeats windows; half of the draws of the known law are nearer than expected."""
    cell = scripted_llm.Cell(TRUE, SPACE.base, (0,), 8, lambda cell: {})
    true = scripted_llm.other_generator(cell, TRUE)
    assert true["share_closer"] == pytest.approx([0.5], abs=0.12)
    assert true["is_copy"] == [0.0]
    copier = scripted_llm.other_generator(cell, COPIER)
    assert copier["is_copy"] == [1.0]
    assert copier["exact_copies"] == [8.0 * scripted_llm.COUNT]
    assert copier["energy_distance"][0] > 3.0 * true["energy_distance"][0]
    assert closeness(LIFE.coming, LIFE)["energy_distance"] == 0.0


def test_hybrid_is_nearer_to_what_comes_than_history_is():
    """On the life of a block, from which both have learned."""
    cell = scripted_llm.Cell("x", SPACE.base, (0,), 4, lambda cell: {})
    distance = {
        name: scripted_llm.other_generator(cell, name)["energy_distance"][0]
        for name in ("historical", "hybrid")
    }
    assert 3.0 * distance["hybrid"] < distance["historical"]


def test_lives_are_those_of_their_blocks():
    """The same each time; the present is the last window; what comes follows from it."""
    assert (life(0).coming == LIFE.coming).all()
    assert (life(1).coming != LIFE.coming).any()
    last, centre = LIFE.history.points[-1], SPACE.coordinates(SPACE.base)
    expected = centre + scripted_llm.KEEP * (last - centre)
    assert LIFE.coming.mean(0) == pytest.approx(expected, abs=0.1)
    assert (LIFE.now.point == last).all()


@pytest.mark.slow
def test_quick_run_says_that_it_is_scripted_and_goes_on_where_it_was(tmp_path, monkeypatch):
    """In the title, in every row and in the JSON; the second run asks nobody."""
    options = ["--quick", "--out", str(tmp_path), "--kept", str(tmp_path / "kept.jsonl")]
    runner = CliRunner()
    assert runner.invoke(scripted_llm.app, options, catch_exceptions=False).exit_code == 0
    page = (tmp_path / "scripted_llm.md").read_text()
    assert "SCRIPTED, NOT A LANGUAGE MODEL" in page.splitlines()[0]
    assert "nan" not in page.lower().split()
    entries = json.loads((tmp_path / "scripted_llm.json").read_text())
    scripted = [one for one in entries if "tasks_met" in one["values"]]
    assert scripted
    assert all("SCRIPTED (no model)" in one["label"] for one in scripted)

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(scripted_llm, "life", refuse)
    assert runner.invoke(scripted_llm.app, options, catch_exceptions=False).exit_code == 0
    assert (tmp_path / "scripted_llm.md").read_text() == page
