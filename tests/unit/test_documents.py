"""TOML and JSON from outside: what takes long is refused before it is parsed."""

import time
import tomllib
from contextlib import suppress

import pytest

from twin_gym.errors import ConfigError
from twin_gym.scenario.documents import (
    MAX_DOCUMENT_BYTES,
    MAX_KEY_PARTS,
    MAX_NESTING,
    parse_toml,
    read_toml,
)
from twin_gym.scenario.loading import parse
from twin_gym.twins.strict_json import read_object


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (".".join(["x"] * 1_200) + " = 1", "at most 16 parts"),
        (" . ".join(['"x"'] * 20_000) + " = 1", "at most 16 parts"),
        ("[" + ".".join(["x"] * 1_200) + "]", "at most 16 parts"),
        ("a = {" + ".".join(["x"] * 1_200) + " = 1}", "at most 16 parts"),
        ("[[slices]]\n" * 20_000, "tables and arrays and at most 20,000"),
        ("a = " + "[" * 5_000, "at most 16 deep"),
        ("a = " + "{a = " * 50 + "1" + "}" * 50, "at most 16 deep"),
        ("a = [" + "0," * 500_000 + "]", "values and at most 400,000"),
        ("\n".join(f"a{k} = 1" for k in range(30_000)), "keys and at most 20,000"),
        ("\n" * 1_000_000, "lines and at most 400,000"),
        ("a = " + "1" * 100_000, "at most 1,000 characters"),
        ("a = 0x" + "f" * 100_000, "at most 1,000 characters"),
        ("a" * 100_000 + " = 1", "at most 1,000 characters"),
    ],
    ids=range(13),
)
def test_toml_that_would_take_long_is_refused_at_once(text, reason):
    """Too much of anything is refused at once, also as a scenario."""
    began_s = time.process_time()
    with pytest.raises(
        ConfigError, match=f"^my.toml is not valid TOML as it is read here.*{reason}"
    ):
        parse_toml(text, "my.toml")
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse(text)
    assert time.process_time() - began_s < 1.0


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        '"""',
        '\\"""',
        '"""\\',
        "'''",
        "'",
        "#",
        "a\n",
        "\\u0041",
        '""',
        " ",
        "[",
        "x.",
        "=",
        "1_",
    ],
)
@pytest.mark.parametrize("head", ["", 'a = "', 'a = """', "a = ["])
def test_four_megabytes_of_anything_take_about_a_second(head, unit):
    """The largest document that is read, of one thing."""
    text = (head + unit * (MAX_DOCUMENT_BYTES // len(unit)))[:MAX_DOCUMENT_BYTES]
    began_s = time.process_time()
    with suppress(ConfigError):
        parse_toml(text, "my.toml")
    assert time.process_time() - began_s < 3.0  # of a busy machine


@pytest.mark.parametrize(
    "text",
    [
        'a = "' + "x." * 100 + '"',
        "a = '''\n" + "x.y.z" * 100 + "'''",
        'a = """' + 'it\\"s. "quoted". \\""" ' * 50 + '"""',
        "# " + "x." * 100,
        ".".join(["x"] * MAX_KEY_PARTS) + " = 1",
        "a = " + "[" * MAX_NESTING + "]" * MAX_NESTING,
        'a = "[[[[[[[[[[[[[[[[[[[[[[["',
        'b = [1.5, 2.5, 1e-9]\na = """"quoted""""\nc = 1.0 # it\'s "odd',
        "a = 1979-05-27T07:32:00.999Z\nb = 0.1\nc = 0.2\n"
        + "".join(f"d{k} = 0.{k}\n" for k in range(40)),
    ],
    ids=range(9),
)
def test_what_stands_in_strings_and_comments_does_not_count(text):
    """Documents that look like what is refused, and are read as the parser reads them."""
    assert parse_toml(text, "my.toml") == tomllib.loads(text)


def test_a_thousand_wrong_slices_are_told_of_in_a_few_sentences():
    """In time that grows with their number, not with its square."""
    text = 'kind = "admission"\n' + "[[slices]]\n" * 9_000
    began_s = time.process_time()
    with pytest.raises(ConfigError, match=r"and so on: .* mistakes in all") as caught:
        parse(text)
    assert time.process_time() - began_s < 3.0
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 10_000, "{'a': 1}", "", b"\xff\xfe", "[1,]", '{"a": ' * 10_000]
)
def test_json_that_is_none_is_refused(text):
    """Too deep, too many digits, no UTF-8: in one sentence."""
    with pytest.raises(ConfigError, match=r"^the card "):
        read_object(text, "the card")


def test_files_are_read_within_their_limit(tmp_path):
    """A byte more is refused, whatever the encoding's mark takes."""
    path = tmp_path / "a.toml"
    path.write_text("a = 1", "utf-8-sig")
    assert read_toml(path) == {"a": 1}
    with pytest.raises(ConfigError, match="at most 4 are read"):
        read_toml(path, 4)
