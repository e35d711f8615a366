"""`twin-gym ask`: answers from a store with their ages, as of any time, and what it refuses."""

import json

import pytest
from typer.testing import CliRunner

from twin_gym.cli import app
from twin_gym.twins.history import open_store, read_store
from twin_gym.twins.knowledge import Asker, HistoryGraph, parse_sentence


def run(*arguments, code=0):
    """Runs the command; returns its output: results, or errors where it fails."""
    result = CliRunner(env={"COLUMNS": "60", "TERM": "dumb"}).invoke(app, list(map(str, arguments)))
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Two episodes of a network with gateways."""
    path = tmp_path_factory.mktemp("ask") / "history.db"
    run("record", "--scenario", "tic-small-45", "--store", path, "--episodes", 2,
        "--period-s", 0.01, "--delay-s", 0.001)  # fmt: skip
    return path


def test_answers_are_those_of_the_library(store):
    """Of the last episode and its end, or of another and another time; lines are not broken."""
    question = "what is sensor 17"
    with read_store(store) as reader:
        for options, graph in (
            ([], HistoryGraph(reader)),
            (["--episode", 1, "--at-s", 0.2], HistoryGraph(reader, 0.2, 1)),
        ):
            said = run("ask", question, "--store", store, *options)
            answer = Asker(graph).ask(question)
            assert said == answer.text + "\n"
            assert tuple(map(parse_sentence, said.splitlines())) == answer.statements


def test_json_has_facts_and_ages(store):
    """Also of what is unknown."""
    told = json.loads(
        run("ask", "what is the queue length of gateway 1", "--store", store, "--json")
    )
    (fact,) = told["facts"]
    assert (fact["type"], fact["entity"]) == ("fact", "gateway/1")
    assert fact["age_s"] >= 0.0
    assert told["is_known"]
    nothing = json.loads(run("ask", "what is gateway 99", "--store", store, "--json"))
    assert (nothing["is_known"], nothing["facts"][0]["entity"]) == (False, "gateway/99")


def test_unknown_things_are_said_to_be_unknown(store):
    """An answer, and no failure."""
    assert (
        run("ask", "where is sensor 999", "--store", store) == "Nothing is known of sensor/999.\n"
    )
    said = run("ask", "what is the battery charge of sensor 3", "--store", store)
    assert said == "The battery.charge (in J) of sensor/3 is not known.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sing a song"], "is not understood"),
        (["what is sensor 17", "--episode", 9], "no snapshot of episode 9"),
        (["what is sensor 17", "--at-s", -1], "greater than or equal to 0"),
    ],
)
def test_mistakes_are_one_line(store, arguments, said):
    """With what to do."""
    assert said in run("ask", *arguments, "--store", store, code=2)


def test_store_that_is_not_there_or_empty_is_refused(tmp_path):
    """With the path."""
    assert "nothing.db" in run(
        "ask", "what is sensor 1", "--store", tmp_path / "nothing.db", code=2
    )
    open_store(tmp_path / "empty.db").close()
    said = run("ask", "what is sensor 1", "--store", tmp_path / "empty.db", code=2)
    assert "has no episode yet" in said
