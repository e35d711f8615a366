"""Lines that are kept: what is read is what was written, or a sentence that names the line."""

import doctest
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.errors import ConfigError
from twin_gym.files import sealed as lines
from twin_gym.files.sealed import append_sealed, opened, read_sealed, sealed

VALUES = st.dictionaries(
    st.text(min_size=1), st.floats(allow_nan=False) | st.text() | st.integers(), min_size=1
)


@given(VALUES)
def test_a_line_is_read_as_it_was_written(values):
    """Any values are read back, members called `sum` too."""
    line = json.dumps(values)
    assert opened(sealed(line).encode()) == line
    assert json.loads(sealed(line)).keys() == values.keys() | {"sum"}


@given(VALUES, st.data())
def test_any_change_of_a_line_is_found(values, data):
    """Of one byte or of several that follow one another; also one that is missing or put in."""
    line = sealed(json.dumps(values)).encode()
    begin = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(begin, min(len(line), begin + 40)))
    put = data.draw(st.binary(max_size=8))
    if line[:begin] + put + line[end:] == line:
        return
    with pytest.raises(ConfigError, match="run what it was about again"):
        opened(line[:begin] + put + line[end:])


@pytest.mark.parametrize("line", ["", "{}", "[1]", "null", '{"a": 1}\n{"b": 2}', '{"a": 1'])
def test_what_is_no_object_on_one_line_is_not_kept(line):
    """It could not be read again."""
    with pytest.raises(ConfigError, match="one JSON object"):
        sealed(line)


def test_a_long_cut_line_is_left_out_and_removed(tmp_path):
    """One that is longer than what is read at once; what came before it stays."""
    path = tmp_path / "new" / "lines.jsonl"
    assert list(read_sealed(path)) == []
    append_sealed(path, '{"a": 1}')
    whole = path.read_bytes()
    path.write_bytes(whole + b"x" * 200_000)
    assert list(read_sealed(path)) == [(1, '{"a": 1}')]
    append_sealed(path, '{"b": 2}')
    assert [line for _, line in read_sealed(path)] == ['{"a": 1}', '{"b": 2}']
    assert path.read_bytes() == whole + sealed('{"b": 2}').encode() + b"\n"


def test_a_last_newline_that_became_another_byte_is_damage_and_no_cut(tmp_path):
    """The line is not dropped: neither by who reads nor by who adds."""
    path = tmp_path / "lines.jsonl"
    append_sealed(path, '{"a": 1}')
    path.write_bytes(path.read_bytes()[:-1] + b"\x0b")
    content = path.read_bytes()
    with pytest.raises(ConfigError, match="does not end with a newline"):
        list(read_sealed(path))
    with pytest.raises(ConfigError, match="does not end with a newline"):
        append_sealed(path, '{"b": 2}')
    assert path.read_bytes() == content


def test_the_example_in_the_docstring_holds():
    """Of `sealed`."""
    assert doctest.testmod(lines).failed == 0
