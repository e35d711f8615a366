"""Questions are answered from the graph, with ages; what is unknown is said to be unknown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge import (
    Answer,
    Asker,
    Entity,
    Fact,
    MemoryStore,
    Relation,
    RelationEvent,
    Unknown,
    ask,
    entity_text,
    parse_sentence,
    rephrase,
    timeless,
)
from twin_gym.twins.knowledge.cities import generate_city
from twin_gym.twins.knowledge.rephrasing import prompt_of
from twin_gym.twins.realtime.events import Event


@pytest.fixture(scope="module")
def asker() -> Asker:
    """Of the paper's city, whose sensor i has gateway i // 5."""
    return Asker(generate_city().graph())


def test_gateway_of_every_sensor_is_the_one_of_the_graph(asker):
    """The retrieval is exact: 250 questions, 250 right answers of one fact each."""
    for i in range(250):
        (fact,) = asker.ask(f"to which gateway is sensor {i} connected").statements
        assert fact[:3] == (f"sensor/{i}", "connected_to", f"gateway/{i // 5}")


@pytest.mark.parametrize(
    "question",
    [
        "to which gateway is sensor 17 connected",
        "To which gateway is sensor/17 connected?",
        "which gateway is sensor 17 connected to",
        "what gateway is the sensor 17 connected to?",
        'which gateway does "sensor/17" connect to',
        "is sensor 17 connected to gateway 3",
    ],
)
def test_a_question_may_be_asked_in_several_ways(asker, question):
    """All of them have the same fact as an answer."""
    (fact,) = asker.ask(question).statements
    assert fact[:3] == ("sensor/17", "connected_to", "gateway/3")
    assert fact.age_s == asker.graph.relations("sensor/17", "connected_to")[0].age_s


def test_gateway_lists_and_counts_its_sensors(asker):
    """In both voices; a count says how old its oldest fact is."""
    listed = asker.ask("which sensors are connected to gateway 3")
    assert [one.source for one in listed.statements] == [f"sensor/{i}" for i in range(15, 20)]
    for verb in ("are connected to gateway 3", "does gateway 3 serve"):
        counted = asker.ask(f"how many sensors {verb}")
        assert counted.headline == "5"
        assert counted.text == f"5 (oldest fact {listed.age_s!r} s old)"
    assert asker.ask("how many bins are connected to gateway 3").text == "0"


def test_kinds_are_counted_and_listed_in_the_words_of_people(asker):
    """A truck is a Vehicle, a sensor whatever has such an id."""
    assert asker.ask("how many sensors are there").headline == "250"
    kinds = ("air quality sensors", "bins", "trucks", "lanes", "gateways", "services")
    counts = [asker.ask(f"how many {kind} are there").headline for kind in kinds]
    assert counts[4:] == ["50", "3"]
    assert sum(map(int, counts[:4])) == 250
    services = asker.ask("which services are there").statements
    assert [one.entity for one in services] == [
        "service/air-quality",
        "service/transportation",
        "service/waste",
    ]


def test_values_are_told_with_unit_and_age(asker):
    """By their words, by their names, and when the question is how old they are."""
    wanted = asker.graph.fact("sensor/17", "pm25_ug_per_m3")
    for question in (
        "what is the pm25 of sensor 17",
        "how old is the pm25 of sensor 17?",
        "what is the pm25_ug_per_m3 of sensor/17",
        "pm25 of sensor 17",
    ):
        assert asker.ask(question).statements == (wanted,)
    assert f"{wanted.value} µg/m³ ({wanted.age_s} s old)" in asker.ask(question).text


def test_what_is_a_thing_tells_the_chain_of_the_paper(asker):
    """Fig. 4: its gateway, the gateway's service, the service's city; of a kind, an example."""
    answer = asker.ask("what is sensor 17")
    chain = [one[:3] for one in answer.statements if isinstance(one, Relation)]
    assert ("sensor/17", "connected_to", "gateway/3") in chain
    assert ("gateway/3", "serves_in", "service/air-quality") in chain
    assert ("service/air-quality", "in", "smartcity") in chain
    for question in ("What is an air quality sensor?", "What is a PM2.5 sensor?"):
        told = asker.ask(question).statements
        assert told[0][:2] == ("sensor/0", "AirQualityObserved")
        assert told[-1][:3] == ("service/air-quality", "in", "smartcity")


def test_city_of_a_sensor_is_found_along_relations(asker):
    """No relation leads from a sensor to the city; two in a row do."""
    answer = asker.ask("in which city is sensor 17")
    assert [one.target for one in answer.statements] == ["service/air-quality", "smartcity"]


def test_no_is_told_with_what_holds_instead(asker):
    """Connected, but to another gateway."""
    answer = asker.ask("is sensor 17 connected to gateway 2")
    assert answer.headline == "no"
    assert [one.target for one in answer.statements] == ["gateway/3"]


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("to which gateway is sensor 999 connected", Unknown("sensor/999")),
        ("what is bin 999", Unknown("bin/999")),
        ("which planets are there", Unknown("planet")),
        ("which planets are connected to gateway 3", Unknown("planet")),
        ("in which lane is sensor 111 located", Unknown("sensor/111", "located_in")),
        ("what is the colour of sensor 17", Fact("sensor/17", "colour", None, math.inf)),
        ("what is the no2 of sensor 17", Fact("sensor/17", "no2_ug_per_m3", None, math.inf)),
    ],
)
def test_unknown_things_are_said_to_be_unknown(asker, question, statement):
    """An entity, a kind, a relation, a property, a value; never a guess."""
    answer = asker.ask(question)
    assert answer.statements == (statement,)
    assert not answer.is_known
    assert answer.age_s == math.inf


@pytest.mark.parametrize(
    "question", ["", "?", "hello", "sing a song", "what is the meaning of life", "why", "x" * 1_001]
)
def test_other_questions_are_refused_with_examples(asker, question):
    """Or with the length that a question may have."""
    with pytest.raises(
        ConfigError, match=r"is not understood: ask for instance|1 to 1,000 letters"
    ):
        asker.ask(question)


def test_kind_that_nothing_leads_to_is_refused_with_the_relationships(asker):
    """The model has no way from a city to a lane."""
    with pytest.raises(ConfigError, match="nothing leads from 'smartcity' to a lane"):
        asker.ask("which lane does smartcity have")


def test_sentences_of_every_answer_parse_back(asker):
    """Whatever was asked."""
    for question in (
        "what is sensor 17",
        "which sensors are connected to gateway 3",
        "where is sensor 4",
        "what is bin 999",
        "what is the hue of sensor 4",
    ):
        answer = asker.ask(question)
        assert tuple(map(parse_sentence, answer.sentences)) == answer.statements


def test_answers_follow_the_graph():
    """A relation that moved, and a value that came; the asker is not told of either."""
    store = MemoryStore()
    store.add([Entity(f"gateway/{i}", "Gateway") for i in (0, 1)])
    store.add([Entity('the "old" bin', "WasteContainer", {"name": "York Place"})])
    asker = Asker(store)
    question = 'to which gateway is "the \\"old\\" bin" connected'
    assert asker.ask(question).statements == (Unknown('the "old" bin', "connected_to"),)
    store.relate([RelationEvent(0.0, 'the "old" bin', "connected_to", "gateway/0")])
    assert asker.ask(question).statements[0].target == "gateway/0"
    store.unrelate([('the "old" bin', "connected_to", "gateway/0")])
    store.advance(5.0)
    store.relate([RelationEvent(4.0, 'the "old" bin', "connected_to", "gateway/1")])
    moved = Relation('the "old" bin', "connected_to", "gateway/1", 1.0)
    assert asker.ask(question).statements == (moved,)
    store.take([Event(2.0, "gateway/1", "receptions", 7)])
    assert ask(store, "what is the receptions of gateway 1").age_s == 3.0


def test_documents_of_answers_are_json(asker):
    """Numbers, texts and None; an unknown age is None."""
    import json

    known = asker.ask("what is the pm25 of sensor 17").document()
    assert json.loads(json.dumps(known, allow_nan=False)) == known
    assert known["is_known"]
    assert known["facts"][0]["type"] == "fact"
    unknown = asker.ask("what is the no2 of sensor 17").document()
    assert unknown["facts"][0]["age_s"] is None
    assert not unknown["is_known"]


def test_texts_for_models_have_neither_ages_nor_relations(asker):
    """The same text at every time; what a model is asked for is not in it."""
    before = entity_text(asker.graph, "sensor/17")
    assert before.startswith("sensor/17 is an AirQualityObserved. The pm25 of sensor/17 is ")
    assert " old" not in before
    assert "gateway" not in before
    relation = asker.graph.relations("sensor/17", "connected_to")[0]
    assert timeless(relation) == "sensor/17 is connected to gateway/3."
    assert timeless(Unknown("sensor/999")) == "Nothing is known of sensor/999."


pieces = st.sampled_from(
    [
        "which",
        "what",
        "how",
        "many",
        "is",
        "are",
        "the",
        "a",
        "of",
        "to",
        "in",
        "there",
        "where",
        "old",
        "sensor",
        "sensors",
        "gateway",
        "3",
        "17",
        "sensor/3",
        "service",
        "air",
        "quality",
        "bin",
        "trucks",
        "lanes",
        "pm25",
        "presence",
        "x",
        "smartcity",
        '"sensor/3"',
        '"',
        "/",
        ".",
        "planets",
    ]
)


@given(st.one_of(st.lists(pieces, min_size=1, max_size=8).map(" ".join), st.text(max_size=30)))
def test_any_text_is_answered_or_refused_in_words(asker, question):
    """No other error; what is answered parses back."""
    try:
        answer = asker.ask(question)
    except ConfigError:
        return
    assert tuple(map(parse_sentence, answer.sentences)) == answer.statements
    assert answer.document()["question"] == question


class Model:
    """A language model that says what it is told to say."""

    def __init__(self, text):
        self.text, self.prompts = text, []

    def complete(self, prompt):
        self.prompts.append(prompt)
        return self.text


def test_language_model_rephrases_and_its_text_is_data(asker):
    """It is given the facts; numbers and ids that they do not have are listed."""
    answer = asker.ask("to which gateway is sensor 17 connected")
    age = answer.age_s
    honest = Model(f"Sensor 17 talks to gateway/3; this was so {age} s ago.\x1b\x07")
    told = rephrase(answer, honest)
    assert told.is_supported
    assert told.answer is answer
    assert "\x1b" not in told.text
    assert honest.prompts == [prompt_of(answer)]
    assert answer.text in honest.prompts[0]
    liar = rephrase(answer, Model("It is gateway/4, 99 % sure."))
    assert liar.unsupported == ("gateway/4", "99")


def test_language_model_is_not_asked_what_nobody_knows(asker):
    """An unknown thing stays unknown, in the words of the graph."""
    model = Model("It is gateway 5.")
    told = rephrase(asker.ask("to which gateway is sensor 999 connected"), model)
    assert told.text == "Nothing is known of sensor/999."
    assert model.prompts == []


def test_model_that_gives_no_text_is_refused(asker):
    """Whatever it gave; long text is cut."""
    answer = asker.ask("what is sensor 17")
    with pytest.raises(ConfigError, match="gives text"):
        rephrase(answer, Model(None))
    assert rephrase(answer, Model("a" * 9_999), max_letters=10).text == "a" * 10


def test_answer_of_several_facts_is_as_old_as_the_oldest():
    """And of none at all as new as can be."""
    facts = Fact("a/1", "x_m", 1.0, 2.0), Fact("a/1", "y_m", 1.0, 5.0)
    assert Answer("", facts, "", 0.0).age_s == 5.0
    assert Answer("", (), "0", 0.0).age_s == 0.0
