"""Every sentence parses back into the statement that it says."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.twins.knowledge import Fact, Kind, Relation, Unknown, parse_sentence, sentence
from twin_gym.twins.knowledge.cities import generate_city
from twin_gym.twins.knowledge.sentences import PHRASES, UNITS

# Names as DTDL has them, with those that could be mistaken for something else.
plain_names = st.from_regex(r"[A-Za-z](?:[A-Za-z0-9_]{0,20}[A-Za-z0-9])?", fullmatch=True)
tricky = (
    "is_connected_to",
    "is_a",
    "is_an",
    "is",
    "of",
    "with",
    "a_of_b_is_3",
    "goes_with",
    "is_in",
    "nothing_that_is_known",
    "x_m_s",
    "a__l",
    "not_known",
    "The",
    "foo_with_a",
)
names = st.one_of(
    plain_names,
    st.sampled_from([*tricky, *PHRASES]),
    plain_names.flatmap(lambda one: st.sampled_from([one + ending for ending, _ in UNITS])),
)
properties = st.one_of(names, st.tuples(plain_names, names).map(".".join))
letters = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf", "Cn", "Co"])
ids = st.one_of(
    st.from_regex(r"[a-z]{1,6}(/[A-Za-z0-9_.+-]{1,5}){0,2}", fullmatch=True),
    st.text(letters, min_size=1, max_size=20),
    st.sampled_from(["The", "nothing that is known", 'a "b" c', "a\\", "is", "x is a y", "true"]),
)
texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["true", "3", '" (1 s old).', "x of y is 3 (1 s old).", "a=1, b=2"]),
)
values = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    texts,
)
ages = st.floats(0.0, 1e12)

facts = st.builds(Fact, ids, properties, values, ages)
missing = st.builds(Fact, ids, properties, st.none(), st.just(math.inf))
told = st.dictionaries(plain_names, values, max_size=3).map(lambda d: tuple(sorted(d.items())))
relations = st.builds(Relation, ids, names, ids, ages, told)
kinds = st.builds(Kind, ids, st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,10}", fullmatch=True), ages)
unknown = st.builds(Unknown, ids, st.one_of(st.just(""), names), st.just(False)) | st.builds(
    Unknown, ids, names, st.just(True)
)


def is_same(one, other):
    """Equal, with values of one type: 3 is not 3.0."""
    types = [type(getattr(statement, "value", None)) for statement in (one, other)]
    return one == other and type(one) is type(other) and types[0] is types[1]


@given(st.one_of(facts, missing, relations, kinds, unknown))
@example(Fact("a", "p", '" (2 s old).', 1.0))
@example(Fact("a b", "of_x_is_3", True, 0.0))
@example(Relation("network", "is_a", "node", 1.0))
@example(Relation("network", "has_slice", "slice/a", 0.25, (("amount", 2.0), ("name", "a, b=1"))))
@example(Kind("network", "Network", 0.0))
@example(Unknown("is", "in"))
@example(Unknown("network", "in", True))
def test_every_sentence_parses_back(statement):
    """Whatever the names, ids, texts, numbers and ages are."""
    assert is_same(parse_sentence(sentence(statement)), statement)


@given(st.lists(st.one_of(facts, relations, kinds, missing, unknown), unique_by=repr, max_size=8))
def test_different_statements_have_different_sentences(several):
    """Nothing is lost in words."""
    assert len({sentence(one) for one in several}) == len(several)


def test_a_city_in_words_is_the_city():
    """All facts of a generated city, told and read again."""
    graph = generate_city().graph()
    statements = [
        one
        for entity in graph.entities()
        for one in (graph.kind(entity), *graph.facts(entity), *graph.relations(entity))
    ]
    assert [parse_sentence(sentence(one)) for one in statements] == statements
    assert len(statements) > 2_000


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            Fact("gateway/3", "queue_length", 5, 0.004),
            "The queue length of gateway/3 is 5 (0.004 s old).",
        ),
        (Fact("bin/9", "reading_l", 41.5, 60.0), "The reading of bin/9 is 41.5 l (60 s old)."),
        (Fact("bin/9", "name", "York Place", 0.0), 'The name of bin/9 is "York Place" (0 s old).'),
        (
            Fact("sensor/1", "charge_j", None, math.inf),
            "The charge (in J) of sensor/1 is not known.",
        ),
        (
            Relation("sensor/17", "connected_to", "gateway/2", 12.0),
            "sensor/17 is connected to gateway/2 (12 s old).",
        ),
        (
            Kind("sensor/4", "AirQualityObserved", 2.5),
            "sensor/4 is an AirQualityObserved (2.5 s old).",
        ),
        (Unknown("sensor/9"), "Nothing is known of sensor/9."),
        (Unknown("sensor/9", "connected_to"), "sensor/9 is connected to nothing that is known."),
        (
            Unknown("gateway/9", "connected_to", True),
            "Nothing that is known is connected to gateway/9.",
        ),
    ],
)
def test_sentences_read_as_people_say_them(statement, said):
    """The forms of the docstring."""
    assert sentence(statement) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sensor/1 is connected to gateway/2",
        "The x of a is 1 (2 s old)",
        "Nothing.",
        "The x of a is nan (1 s old).",
        "a b c",
        'The x of a is "b (1 s old).',
        "x is a y (1.2.3 s old).",
    ],
)
def test_other_text_says_no_fact(text):
    """Half a sentence is none."""
    with pytest.raises(ConfigError, match="says no fact"):
        parse_sentence(text)
