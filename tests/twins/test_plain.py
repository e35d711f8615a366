"""The door: numbers of any library are the numbers that they are, and all else is refused."""

import enum
import math
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from twin_gym.errors import ConfigError
from twin_gym.twins.plain import (
    file_path,
    listed,
    number,
    numbers_of,
    shown,
    text,
    whole,
    wholes_of,
)


class _Place(enum.IntEnum):
    THIRD = 3


class _Name(str, enum.Enum):  # noqa: UP042 - as users of older Pythons write them
    RADIO = "radio"


THREES = [
    3, 3.0, np.int8(3), np.uint64(3), np.float16(3), np.float32(3), np.longdouble(3), np.array(3),
    np.array(3.0), Fraction(3), Decimal(3), _Place.THIRD,
]  # fmt: skip
NO_NUMBERS = [
    None, True, np.True_, "3", b"3", [3], np.array([3]), math.nan, np.float32("nan"), 1j,
    Decimal("sNaN"), np.ma.masked, np.ma.array(3), np.timedelta64(3, "s"), np.datetime64("2020"),
    10**400, object(),
]  # fmt: skip


@pytest.mark.parametrize("three", THREES, ids=repr)
def test_three_is_three(three):
    """As a plain float; as a plain whole number where it is one."""
    assert type(number(three, "x")) is float
    assert number(three, "x") == 3.0
    if isinstance(three, int | np.integer) or str(getattr(three, "dtype", "")) == "int64":
        assert type(whole(three, "x")) is int
        assert whole(three, "x") == 3
    else:
        with pytest.raises(ConfigError, match="x is a whole number"):
            whole(three, "x")


@pytest.mark.parametrize("other", NO_NUMBERS, ids=lambda one: type(one).__name__)
def test_what_is_no_number_is_refused_in_words(other):
    """Alone and in columns, with what it is called."""
    for door in (number, whole):
        with pytest.raises(ConfigError, match=r"^x is a (whole )?number"):
            door(other, "x")
    for column in (numbers_of, wholes_of):
        with pytest.raises(ConfigError, match=r"^x (is|are) "):
            column([other], "x")


def test_columns_of_any_type_keep_their_values():
    """Wrapped, cut or masked ones are refused."""
    for column in (np.arange(3, dtype=np.uint8), [0, 1, 2], np.array([0, 1, 2], object)):
        assert wholes_of(column, "x").tolist() == [0, 1, 2]
        assert numbers_of(column, "x").tolist() == [0.0, 1.0, 2.0]
    assert numbers_of([Fraction(13, 1000), np.float32(0.5)], "x").tolist() == [0.013, 0.5]
    for wrong in (np.array([2**63], np.uint64), np.array([1.5]), np.ones(1, bool), [[1]], 1):
        with pytest.raises(ConfigError):
            wholes_of(wrong, "x")
    for wrong in (np.ma.array([1.0], mask=[True]), np.array([2**53 + 1]), np.array(["1"]), None):
        with pytest.raises(ConfigError):
            numbers_of(wrong, "x")


def test_texts_and_paths_are_plain():
    """Bytes, halves of surrogate pairs and names that no system has are refused."""
    assert type(text(_Name.RADIO, "x")) is str
    assert text(_Name.RADIO, "x") == "radio"
    assert file_path(_Name.RADIO, "x") == Path("radio")
    for wrong in (b"radio", None, 3, "\ud800", "x" * 1_001):
        with pytest.raises(ConfigError, match=r"^x is a text"):
            text(wrong, "x")
    for wrong in (b"radio", None, 3, "", "a\0b", "x" * 5_000):
        with pytest.raises(ConfigError, match=r"^x"):
            file_path(wrong, "x")
    for wrong in ("abc", b"abc", {"a": 1}, 3, np.array(3), None):
        with pytest.raises(ConfigError, match=r"^x are several"):
            listed(wrong, "x")
    with pytest.raises(ConfigError, match="each a int"):
        listed(["a"], "x", int)


def test_everything_can_be_shown():
    """Shortly: nests, whole numbers that Python does not write, objects that fail."""

    class Odd:
        def __repr__(self):
            raise RuntimeError

    deep = []
    for _ in range(100_000):
        deep = [deep]
    for one in (deep, 10**5_000, Odd(), "x" * 10_000, list(range(10_000))):
        assert 0 < len(shown(one)) < 300
