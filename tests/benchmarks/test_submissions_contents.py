"""Files of a submission are judged soon, and refused in a sentence, whatever they hold."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.submissions.contents import check_content
from benchmarks.submissions.manifest import MAX_MANIFEST_BYTES, read_manifest
from tests.benchmarks.submitting import manifest
from twin_gym.errors import ConfigError


def array_file(descr, shape="(1,)", data=bytes(8)):
    """A `.npy` with whatever header."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def weights_file(header, data=b""):
    """A `.safetensors` with whatever header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(shape, dtype="F32", offsets=(0, 0)):
    """The header of one."""
    return {"a": {"dtype": dtype, "shape": shape, "data_offsets": list(offsets)}}


REFUSED = {
    "type of parts": ("a.npy", array_file("'i4,(2,'")),
    "objects": ("a.npy", array_file("'|O'")),
    "times": ("a.npy", array_file("'<M8[s]'")),
    "no type": ("a.npy", array_file("{'a': 1}")),
    "open brackets": ("a.npy", array_file("(" * 3_000)),
    "a negative size": ("a.npy", array_file("'<f8'", "(-1,)")),
    "a huge size": ("a.npy", array_file("'<f8'", f"(0, {2**70})", b"")[:-1]),
    "a number of many digits": ("a.npy", array_file("'<f8'", "(" + "9" * 4_000 + ",)")),
    "tensor, empty and huge": ("a.safetensors", weights_file(tensor([0, 2**70]))),
    "tensor of many digits": ("a.safetensors", weights_file(tensor([10**4000] * 200))),
    "tensor of many dimensions": ("a.safetensors", weights_file(tensor([1] * 9, offsets=(0, 4)))),
    "tensor of no type": ("a.safetensors", weights_file(tensor([1], dtype=[]))),
    "tensor without a shape": ("a.safetensors", weights_file(tensor(None))),
    "deep lists": ("a.safetensors", weights_file(b"[" * 100_000)),
    "deep objects": ("a.safetensors", weights_file(b'{"a":' * 50_000)),
    "marks like a pickle's": ("a.txt", b"(" * 8_000_000),
    "numbers like a pickle's": ("a.csv", b"I1\n" * 2_600_000),
    "words like a pickle's": ("a.txt", b"Vx\n" * 2_600_000),
}


@pytest.mark.parametrize(("name", "content"), REFUSED.values(), ids=REFUSED.keys())
def test_file_is_refused_in_a_sentence_and_soon(name, content):
    """In a second of processor time; hundredths are usual."""
    began_s = time.process_time()
    with pytest.raises(ConfigError) as raised:
        check_content(name, content)
    assert time.process_time() - began_s < 1.0
    assert len(str(raised.value)) < 400


@settings(max_examples=300)
@given(st.sampled_from([one for _, one in list(REFUSED.values())[:15]]), st.data())
def test_any_bytes_are_judged(content, data):
    """Those that are cut and changed, too."""
    cut = content[: data.draw(st.integers(0, min(300, len(content))))]
    for name in ("a.npy", "a.safetensors", "a.txt", "a.json"):
        for one in (cut, cut + data.draw(st.binary(max_size=40))):
            try:
                check_content(name, one)
            except ConfigError:
                continue


TOML = {
    "a dotted key": b"a" + b".a" * 10_000 + b" = 1",
    "a dotted table": b"[a" + b".a" * 10_000 + b"]",
    "a dotted key with quotes": b'"a"' + b'."a"' * 10_000 + b" = 1",
    "many tables": b"[[claims]]\n" * 20_000,
    "deep lists": b"a = " + b"[" * 100_000,
    "deep lists that end": b"a = " + b"[" * 9_000 + b"]" * 9_000,
    "deep tables": b"a = " + b"{a = " * 40_000,
    "an open string": b'a = "' + b"\\" * 200_000,
    "quotes": b'"' * 200_001,
    "a number of many digits": b"a = 1" + b"1" * 200_000,
    "many keys": b"\n".join(b"a%d = 1" % k for k in range(20_000)),
    "a key of control characters": b'"\\u001b[31m\\u202e" = 1',
    "a control character": b"\x1b[31m = 1",
}


@pytest.mark.parametrize("content", TOML.values(), ids=TOML.keys())
def test_agent_toml_is_refused_in_a_line_and_soon(content):
    """Without a traceback, and without what a terminal would obey."""
    assert len(content) <= MAX_MANIFEST_BYTES
    began_s = time.process_time()
    with pytest.raises(ConfigError, match=r"agent\.toml") as raised:
        read_manifest(content)
    assert time.process_time() - began_s < 1.0
    assert str(raised.value).isprintable()
    assert len(str(raised.value)) < 1_000


ODD = {
    "colours": "\x1b[31mred",
    "a link": "\x1b]8;;http://x\x07y",
    "right to left": "abc\u202edef",
    "isolates": "abc\u2066def",
    "no width": "ab\u200bcd",
    "a byte order mark": "\ufeffab",
    "a soft hyphen": "ab\u00adcd",
    "a new line": "a\nb",
    "another new line": "a\u2028b",
    "a fill letter": "\u3164",
    "a combining mark at the beginning": "\u0301\u0301\u0301",
    "a heap of marks": "a" + "\u0301" * 20,
}


@pytest.mark.parametrize("key", ["name", "authors", "description", "licence"])
@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
def test_text_that_hides_or_commands_is_refused(key, text):
    """In every text that is shown; the error says it in letters that can be seen."""
    values = {"tracks": ["mild"], key: [text] if key == "authors" else text}
    with pytest.raises(ConfigError, match=rf"agent\.toml: Manifest\.{key}\b.* must ") as raised:
        read_manifest(manifest(**values).encode())
    assert str(raised.value).isprintable()


def test_text_of_other_languages_is_taken():
    """Letters with marks, other scripts, signs."""
    for text in ("Čapek & Müller", "王小明 (北京)", "محمد", "एजेंट", "a <b>bold</b> [red]claim[/]"):
        assert (
            read_manifest(manifest(tracks=["mild"], description=text).encode()).description == text
        )
