"""Scripted answers to the language model generator: what is wrong is refused for its own reason."""

import json
import re

import numpy as np
import pytest

from tests.twins.scenarios.scripted_endpoint import (
    HUGE,
    KEYS,
    LATE,
    MARK,
    OBEY,
    PROSE,
    RANGE,
    WORDS,
    Script,
    answer_to,
    scripted_endpoint,
)
from tests.twins.scenarios.test_llm import HISTORY, NOW, SPACE
from twin_gym.twins.scenarios import Criteria, GenerationError
from twin_gym.twins.scenarios.answers import point_of
from twin_gym.twins.scenarios.llm import LlmGenerator
from twin_gym.twins.scenarios.questions import ask_for, schema_of, summary_of

pytest.importorskip("openai")

BOUNDS = Criteria().bounds(SPACE)
REASONS = {
    PROSE: "no JSON|no list",
    OBEY: "no JSON|no list",
    HUGE: "more than [0-9,]+ bytes",
    LATE: "no (whole )?answer within",
    RANGE: "must be .* to .*, got",
    KEYS: "unknown keys",
    WORDS: "must be a finite number",
}


def request(seed=0, count=6):
    """The request that the generator sends."""
    summary = summary_of(Criteria(), HISTORY, NOW)
    schema = schema_of(SPACE, BOUNDS, count)
    return {
        "seed": seed,
        "messages": ask_for(count, summary, []),
        "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
    }


def test_script_without_faults_answers_within_the_schema():
    """As many entries as wanted, each valid, near the last window; the same for the same seed."""
    answer = answer_to(request(), Script("good"))
    entries = json.loads(answer.text)["scenarios"]
    assert answer.entries == len(entries) == 6
    points = np.array([point_of(one, SPACE, BOUNDS) for one in entries])
    assert np.abs(points - HISTORY.points[-1]).max() < 0.8
    assert answer_to(request(), Script("good")) == answer
    assert answer_to(request(1), Script("good")).text != answer.text


def test_faults_come_as_often_as_stated():
    """Of answers and of entries, over many seeds."""
    script = Script("some", {PROSE: 0.2, OBEY: 0.1, RANGE: 0.3, KEYS: 0.1})
    asked = request()
    answers = [answer_to(asked | {"seed": seed}, script) for seed in range(600)]
    assert np.mean([one.fault == PROSE for one in answers]) == pytest.approx(0.2, abs=0.05)
    assert np.mean([one.fault == OBEY for one in answers]) == pytest.approx(0.1, abs=0.04)
    kinds = [kind for one in answers for kind in one.entry_faults]
    assert np.mean([kind == RANGE for kind in kinds]) == pytest.approx(0.3, abs=0.03)
    assert np.mean([kind == "" for kind in kinds]) == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("fault", REASONS)
def test_each_fault_is_refused_for_its_own_reason(fault):
    """On its whole way, over the network of this machine; nothing is made of it."""
    timeout_s = 1.0 if fault == LATE else 20.0
    with scripted_endpoint(Script("bad", {fault: 1.0}), timeout_s) as (endpoint, answers):
        generator = LlmGenerator(endpoint, 1)
        with pytest.raises(GenerationError):
            generator.generate(Criteria(), HISTORY, NOW, 2, np.random.default_rng(0))
    assert len(answers) == 1
    assert generator.rejections
    assert all(re.search(REASONS[fault], one.reason) for one in generator.rejections)


def test_no_text_of_an_answer_gets_into_a_scenario():
    """Names, provenances and all else are searched for the mark that stands in every order."""
    script = Script("orders", {KEYS: 0.3, WORDS: 0.3})
    with scripted_endpoint(script, 20.0) as (endpoint, answers):
        generator = LlmGenerator(endpoint, 8)
        scenarios = generator.generate(Criteria(), HISTORY, NOW, 6, np.random.default_rng(0))
    assert len(scenarios) == 6
    assert any(MARK in one.text for one in answers)
    assert {KEYS, WORDS} <= {kind for one in answers for kind in one.entry_faults}
    assert not any(MARK in one.model_dump_json() for one in scenarios)
