"""The prompt of a language model about a network, and the accepted parts of its answer."""

from __future__ import annotations

import json
import re
import time

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.scenario.loading import load
from twin_gym.scenario.objective import Demand, KpiObjective
from twin_gym.twins.scenarios.answers import entries_of, point_of
from twin_gym.twins.scenarios.criteria import Criteria
from twin_gym.twins.scenarios.parameter_history import CurrentState, ParameterHistory
from twin_gym.twins.scenarios.parameters import ParameterSpace
from twin_gym.twins.scenarios.questions import ask_for, schema_of, summary_of

TIC = load("tic-small-45")
SPACE = ParameterSpace.of(TIC, ["num_sensors", "deadline_slots"])
ASKED = Criteria(KpiObjective(demand=Demand(num_devices=100, latency_s=5 * TIC.slot_s)))
FREE = Criteria().bounds(SPACE)


def test_the_newest_windows_are_told_oldest_first():
    """Twenty-four of thirty, in plain values."""
    points = np.log([[10.0 + k, 7.0] for k in range(30)])
    summary = summary_of(Criteria(), ParameterHistory(SPACE, points, "x"), None)
    windows = summary["past_windows_oldest_first"]
    assert [one["num_sensors"] for one in windows] == list(range(16, 40))
    assert "now" not in summary
    assert summary["kind"] == "tic"
    assert summary["demands"] == {}


def test_what_is_known_now_is_told_and_nothing_else():
    """Values as they stand in scenarios, their ages, priorities and demands."""
    history = ParameterHistory(SPACE, np.log([[50.0, 7.0]] * 4), "x")
    now = CurrentState(SPACE, np.array([np.nan, np.log(6.0)]), np.array([0.0, 1.23456]))
    summary = summary_of(ASKED, history, now)
    assert summary["now"] == {"deadline_slots": {"value": 6, "age_windows": 1.235}}
    assert summary["prioritised_indicators"] == ["deadline", "density", "latency"]
    assert summary["demands"] == {"num_devices": 100, "latency_s": 5 * TIC.slot_s}


def test_the_schema_has_the_demanded_ranges_and_so_many_entries():
    """The least of one, the most of the other; the models' own ranges elsewhere."""
    schema = schema_of(SPACE, ASKED.bounds(SPACE), 7)
    array = schema["properties"]["scenarios"]
    assert array["maxItems"] == 7
    assert array["items"]["properties"] == {
        "num_sensors": {"type": "integer", "minimum": 100, "maximum": 10_000},
        "deadline_slots": {"type": "integer", "minimum": 1, "maximum": 5},
    }


def test_a_question_says_how_many_and_what_was_wrong_before():
    """Reasons only where there are any."""
    _, first = ask_for(3, {"kind": "tic"}, [])
    assert json.loads(first["content"]) == {"wanted_scenarios": 3, "kind": "tic"}
    _, second = ask_for(2, {"kind": "tic"}, ["too few"])
    question = json.loads(second["content"])
    assert question["earlier_answers_were_refused_because"] == ["too few"]


def test_an_entry_becomes_its_point():
    """In the order of the parameters, whatever the order of the keys; bounds themselves are met."""
    entry = {"deadline_slots": 5, "num_sensors": 100}
    assert np.exp(point_of(entry, SPACE, FREE)) == pytest.approx([100.0, 5.0])
    assert np.exp(point_of(entry, SPACE, ASKED.bounds(SPACE))) == pytest.approx([100.0, 5.0])


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"num_sensors": 99, "deadline_slots": 5}, "num_sensors does not meet .* got 99"),
        ({"num_sensors": 100, "deadline_slots": 6}, "deadline_slots does not meet .* got 6"),
        ({"num_sensors": 0, "deadline_slots": 5}, "num_sensors must be 1 to 10000"),
        ({"num_sensors": 100, "deadline_slots": 1e301}, "finite number"),
        ({"num_sensors": 100, "deadline_slots": -1e301}, "finite number"),
        ({"num_sensors": 100, "deadline_slots": 10**400}, "finite number"),
        ({"num_sensors": 100, "deadline_slots": 5, "x": 1}, "unknown keys"),
        ([100, 5], "must be an object, got list"),
    ],
)
def test_an_entry_that_is_not_what_was_asked_for_is_refused(entry, words):
    """With the parameter that is wrong."""
    with pytest.raises(ConfigError, match=words):
        point_of(entry, SPACE, ASKED.bounds(SPACE))


@pytest.mark.parametrize("depth", [10, 200, 900, 990])
def test_an_entry_that_is_a_nest_is_refused_at_any_depth(depth):
    """As too deep or as no number, and never by an error of Python's own."""
    text = json.dumps({"scenarios": [{"num_sensors": "here"}]})
    text = text.replace('"here"', "[" * depth + "1" + "]" * depth)
    entries, reason = entries_of(text)
    if reason:
        assert "nested too deeply" in reason
        return
    with pytest.raises(ConfigError):
        point_of(entries[0] | {"deadline_slots": 5}, SPACE, FREE)


RIGHT = json.dumps({"scenarios": [{"num_sensors": 5}]})
READ = {
    "bare": RIGHT,
    "bare, with fences in a string": json.dumps({"scenarios": [{"num_sensors": 5}], "x": "```"}),
    "a fence with a language": f"```json\n{RIGHT}\n```",
    "a fence without one": f"```\n{RIGHT}\n```",
    "a fence on one line": f"```{RIGHT}```",
    "a long fence": f"````JSON5\n{RIGHT}\n````",
    "a fence of tildes": f"~~~ json\n{RIGHT}\n~~~",
    "line ends of Windows": f"```json\r\n{RIGHT}\r\n```\r\n",
    "prose around it": f"<think>Hm.</think> Here it is:\n```json\n{RIGHT}\n```\nI hope it helps.",
    "a byte order mark": "\ufeff" + RIGHT,
    "a mark and a fence": f"\ufeff```json\n{RIGHT}\n```",
}


@pytest.mark.parametrize("name", READ)
def test_one_object_is_read_bare_or_in_one_code_block(name):
    """As the models of today answer, whatever they were told."""
    assert entries_of(READ[name]) == ([{"num_sensors": 5}], "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"```json\n{RIGHT}\n```\n```json\n{RIGHT}\n```", "several code blocks"),
        (f"```json\n{RIGHT}", "does not end"),
        (f"Here: {RIGHT}", "no JSON"),
        ("", "no JSON"),
        ("```\n```", "no JSON"),
        (RIGHT + RIGHT, "no JSON .Extra data"),
        ('{"scenarios": [], "scenarios": [1]}', "'scenarios' stands twice"),
        ('{"scenarios": [{"a": 1, "a": 2}]}', "'a' stands twice"),
        ('{"scenarios": [' + "9" * 5_000 + "]}", "4300 digits"),
        ('{"scenarios": ["\x01"]}', "control character"),
    ],
)
def test_what_may_mean_several_things_is_refused(text, words):
    """With what to change."""
    entries, reason = entries_of(text)
    assert not entries
    assert re.search(words, reason)
    assert "answer with one JSON object, alone or in one code block" in reason


@pytest.mark.parametrize(
    "text", ["`" * 10**6, "``` " * 10**5, "[" * 10**6, '{"scenarios":[' + "[[]]," * 10**5 + "1]}"]
)
def test_a_huge_answer_is_read_or_refused_in_little_time(text):
    """Two megabytes come through the endpoint at most."""
    start = time.process_time()
    entries_of(text)
    assert time.process_time() - start < 5.0


def test_what_is_quoted_is_hidden_before_it_is_cut():
    """A secret across the end of a quote is not told by half."""
    wrong = {"num_sensors": "x" * 75 + "secret", "deadline_slots": 5}
    for entry in (wrong, {"x" * 195 + "secret": 1}):
        with pytest.raises(ConfigError) as error:
            point_of(entry, SPACE, FREE, lambda text: text.replace("secret", "*"))
        assert "xx" in str(error.value)
        assert "sec" not in str(error.value)
