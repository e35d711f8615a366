"""A frame is read as it was written, or refused in a sentence; nothing else comes of it."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from benchmarks.runner.engine_base import name_of_signal
from benchmarks.submissions.policies import ChildPolicy, checked
from benchmarks.submissions.running import Child, SubmissionError
from benchmarks.submissions.wire import WireError, packed, read
from tests.benchmarks.submitting import QUICK
from twin_gym.scenario.loading import load

MOST_JSON, MOST_BYTES = 16_384, 4_096
NUMBERS = st.one_of(
    arrays_of.boolean_dtypes(),
    arrays_of.integer_dtypes(endianness="?"),
    arrays_of.unsigned_integer_dtypes(endianness="?"),
    arrays_of.floating_dtypes(endianness="?", sizes=(16, 32, 64)),
)
ARRAYS = NUMBERS.flatmap(lambda one: arrays_of.arrays(one, arrays_of.array_shapes(min_dims=0)))


def stream_of(content):
    """Gives bytes as a socket does, and ends where there are no more."""
    left = bytearray(content)

    def read_exactly(count):
        if count > len(left):
            raise EOFError
        part = left[:count]
        del left[:count]
        return part

    return read_exactly


def frame(message, payload=b"", json_bytes=None, payload_bytes=None):
    """One with whatever text, and with true lengths where none are given."""
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    sizes = (
        len(text) if json_bytes is None else json_bytes,
        len(payload) if payload_bytes is None else payload_bytes,
    )
    return struct.pack("<4sIQ", b"tg-1", *sizes) + text + payload


def judge(content):
    """It is read, or it is one of the two ends that the board knows, in a sentence."""
    said = ""
    try:
        read(stream_of(content), MOST_JSON, MOST_BYTES)
    except (WireError, EOFError) as error:
        said = str(error)
    assert len(said) < 500
    assert said.isprintable()


@given(st.lists(ARRAYS, max_size=4))
def test_frame_is_read_as_it_was_written(whole):
    """Types, shapes and bytes."""
    message, received = read(stream_of(packed({"do": "act"}, whole)))
    assert message == {"do": "act"}
    for one, other in zip(whole, received, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())


SIZES = st.integers(0, 9) | st.sampled_from([2**31, 2**40, 2**62, 2**63, 2**64, 2**70, 10**400])
SHAPES = st.lists(SIZES | st.integers(-(2**70), -1) | st.floats() | st.booleans(), max_size=10)
TYPES = st.sampled_from(["<f8", "|b1", "|i1", ">i4", "<u8", "|O", "<M8[s]", "<U4", "V8", "<f16"])
ODD = st.sampled_from(["i4,(2,", "i4,(2,)i4", "(2,3)f8", "f8, f8", "{'names': []}", "", "\x1b[2J"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
LISTED = st.lists(st.tuples(TYPES | ODD | st.text(), SHAPES | JSON), max_size=3)


@settings(max_examples=500)
@given(LISTED | JSON, st.binary(max_size=64), st.booleans())
def test_listed_arrays_of_any_kind_are_judged_before_numpy_meets_them(listed, payload, is_ok):
    """Shapes, types and everything else that JSON can say in their place."""
    judge(frame({"ok": is_ok, "arrays": listed}, payload))


@settings(max_examples=500)
@given(st.binary(max_size=200) | JSON.map(lambda said: json.dumps(said).encode()), st.data())
def test_any_bytes_in_a_frame_are_judged(content, data):
    """With lengths that are true, and with any others."""
    judge(content)
    judge(frame(content))
    lengths = [data.draw(st.integers(0, 2**32 - 1)), data.draw(st.integers(0, 2**64 - 1))]
    judge(frame(content, b"", *lengths))


GOOD = packed({"ok": True}, [np.zeros(4)])


@settings(max_examples=500)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255))
def test_any_changed_byte_of_a_frame_is_judged(place, value):
    """It is refused, or read as another frame."""
    judge(GOOD[:place] + bytes([value]) + GOOD[place + 1 :])


MALFORMED = {
    "empty and huge": frame({"ok": True, "arrays": [["<f8", [0, 2**63, 2**63]]]}),
    "empty and beyond": frame({"ok": True, "arrays": [["<f8", [0, 2**70]]]}),
    "huge": frame({"ok": True, "arrays": [["<f8", [2**62, 2**62]]]}),
    "negative": frame({"ok": True, "arrays": [["<f8", [-1, -8]]]}, bytes(64)),
    "truth for a size": frame({"ok": True, "arrays": [["|i1", [True]]]}, b"x"),
    "odd type": frame({"ok": True, "arrays": [["i4,(2,", [1]]]}, bytes(4)),
    "type of parts": frame({"ok": True, "arrays": [["i4,i4", [1]]]}, bytes(8)),
    "objects": frame({"ok": True, "arrays": [["|O", [1]]]}, bytes(8)),
    "times": frame({"ok": True, "arrays": [["<M8[s]", [1]]]}, bytes(8)),
    "no type": frame({"ok": True, "arrays": [[None, [1]]]}),
    "no pair": frame({"ok": True, "arrays": ["<f8"]}),
    "no list": frame({"ok": True, "arrays": {"<f8": [1]}}),
    "no arrays": frame({"ok": True}),
    "many arrays": frame({"ok": True, "arrays": [["<f8", [0]]] * 65}),
    "many dimensions": frame({"ok": True, "arrays": [["<f8", [1] * 9]]}, bytes(8)),
    "deep lists": frame(b"[" * 16_000),
    "deep objects": frame(b'{"a":' * 3_000),
    "deep and closed": frame(b'{"arrays": [], "error": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "no text": frame(b"\xff\xfe\x00"),
    "UTF-16": frame('{"ok": true, "arrays": []}'.encode("utf-16")),
    "many digits": frame(b'{"ok": ' + b"9" * 10_000 + b', "arrays": []}'),
    "more JSON than is read": frame(b"x", json_bytes=2**32 - 1),
    "more numbers than are read": frame({"ok": True, "arrays": []}, payload_bytes=2**64 - 1),
    "fewer bytes than listed": frame({"ok": True, "arrays": [["<f8", [4]]]}, bytes(8)),
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_frame_is_refused_in_a_sentence(content):
    """Each one, before NumPy or a parser meets it."""
    with pytest.raises(WireError) as raised:
        read(stream_of(content), MOST_JSON, MOST_BYTES)
    assert len(str(raised.value)) < 500
    assert str(raised.value).isprintable()


def test_brackets_in_a_text_are_no_depth():
    """A traceback may be full of them, quotes and all."""
    said = '[[[[[[["\\' * 9
    assert read(stream_of(packed({"error": said})))[0] == {"error": said}


ANSWER = """
import os
class Agent:
    def __init__(self, scenario):
        for descriptor in range(3, 99):
            try:
                os.write(descriptor, {content!r})
            except OSError:
                pass
        {then}
"""


@pytest.mark.parametrize(
    ("content", "then", "reason"),
    [
        (MALFORMED["empty and huge"], "pass", "did not answer as agreed: a shape is"),
        (MALFORMED["odd type"], "pass", "did not answer as agreed: arrays are of plain numbers"),
        (MALFORMED["deep lists"], "pass", "did not answer as agreed: .* deep"),
        (frame({"arrays": [], "error": {"a": [1]}}), "pass", "did not answer as agreed"),
        (frame({"arrays": [], "ok": 1, "error": "\x1b[2J\u202e"}), "pass", r"it raised\n\?\[2J\?"),
        (b"tg-1", "os._exit(0)", "ended by itself"),  # half a head
        (b"", "os.kill(os.getpid(), 40)", "ended by signal 40"),  # one without a name
    ],
)
def test_what_a_process_says_fails_it_and_nothing_else(content, then, reason, tmp_path):
    """As an error of the submission, which fails its cell."""
    (tmp_path / "agent.py").write_text(ANSWER.format(content=content, then=then))
    child = Child(tmp_path, "agent:Agent", QUICK)
    try:
        with pytest.raises(SubmissionError, match=reason):
            ChildPolicy(child, "mine", load("contention"), {})
    finally:
        child.close()


def test_signals_are_called_by_name_or_number():
    """Those of real time have no name in Python."""
    assert (name_of_signal(9), name_of_signal(40)) == ("SIGKILL", "signal 40")


def test_whole_numbers_beyond_those_of_the_environment_are_refused():
    """They would become negative ones."""
    with pytest.raises(SubmissionError, match="at most 9223372036854775807"):
        checked([np.full(4, 2**64 - 1, np.uint64)], np.ones((4, 0), np.int8))
