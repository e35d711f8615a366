"""Draws are pure functions of (world, stream, index), and the logarithm is our own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_gym.core.clock import NEVER, later, to_ticks
from twin_gym.core.draws import (
    GOLDEN,
    mix,
    natural_log,
    uniform,
    unit_exponential,
    unit_normal,
    world_key,
)

worlds = st.integers(0, 2**64 - 1).map(np.uint64)


def test_mix_is_that_of_splitmix64():
    """The first outputs for the seeds 0 and 1234567, as other implementations have them."""
    assert mix(GOLDEN) == 0xE220A8397B1DCDAF
    with np.errstate(over="ignore"):
        seed = np.uint64(1_234_567)
        assert mix(seed + GOLDEN) == 6_457_827_717_110_365_317
        assert mix(seed + GOLDEN + GOLDEN) == 3_203_168_211_198_807_973


def test_uniform_is_the_next_output_of_that_generator():
    """Index 0 of stream 0 is its first output, cut to 53 bits and moved into (0, 1]."""
    first = 6_457_827_717_110_365_317
    assert uniform(np.uint64(1_234_567), 0, 0) == ((first >> 11) + 1) * 2.0**-53


@given(worlds, st.integers(0, 65_535), st.integers(0, 2**40))
def test_uniform_has_a_finite_logarithm(world, stream, index):
    """It is never 0, and may be 1."""
    draw = uniform(world, stream, index)
    assert 0.0 < draw <= 1.0
    assert draw == uniform(world, stream, index)


@given(worlds, st.integers(0, 1_000))
def test_streams_and_worlds_differ(world, index):
    """Neighbouring streams, indices, episodes and seeds share no draw."""
    draws = {uniform(world, stream, index + k) for stream in range(4) for k in range(4)}
    assert len(draws) == 16
    keys = {int(world_key(np.uint64(seed), episode)) for seed in range(4) for episode in range(4)}
    assert len(keys) == 16


def test_uniform_is_uniform():
    """Ten thousand draws in ten bins: chi-square below 33, exceeded once in 8,000 such tests."""
    draws = [uniform(np.uint64(7), 3, index) for index in range(10_000)]
    counts = np.histogram(draws, bins=10, range=(0.0, 1.0))[0]
    assert ((counts - 1_000) ** 2 / 1_000).sum() < 33


def test_exponential_and_normal_have_their_moments():
    """Five standard errors: one false alarm in a million."""
    exponential = np.array([unit_exponential(np.uint64(7), 1, k) for k in range(20_000)])
    assert abs(exponential.mean() - 1.0) < 5 / math.sqrt(20_000)
    normal = np.array([unit_normal(np.uint64(7), 2, k) for k in range(20_000)])
    assert abs(normal.mean()) < 5 / math.sqrt(20_000)
    assert abs(normal.var() - 1.0) < 5 * math.sqrt(2 / 20_000)


@given(st.floats(2.0**-1000, 2.0**1000))
def test_logarithm_is_that_of_the_library(x):
    """Within two units in the last place of the C library's."""
    assert natural_log(x) == pytest.approx(math.log(x), rel=4.5e-16, abs=1e-300)


@given(st.integers(1, 2**53))
def test_logarithm_of_a_draw_is_accurate(multiple):
    """Relative error below 1e-15 wherever a draw may be."""
    x = multiple * 2.0**-53
    assert natural_log(x) == pytest.approx(math.log(x), rel=1e-15, abs=0.0)


@pytest.mark.parametrize("x", [0.5, 1.0, 2.0, math.sqrt(0.5), math.sqrt(2.0), 1 - 2**-53, 2**-53])
def test_logarithm_at_the_seams(x):
    """Powers of two, where the exponent changes, and beside 1."""
    assert natural_log(x) == pytest.approx(math.log(x), rel=3e-16, abs=0.0)


def test_logarithm_is_the_same_in_python():
    """Compiled code does not contract or reorder: the same operations one by one give the same."""
    rng = np.random.default_rng(0)
    for x in rng.random(2_000):
        assert natural_log(x) == natural_log.py_func(x)


@pytest.mark.parametrize(
    ("duration_s", "ticks"),
    [(0.0, 0), (0.4e-9, 0), (0.6e-9, 1), (1.0, 10**9), (1e9, NEVER), (math.inf, NEVER)],
)
def test_durations_become_whole_nanoseconds(duration_s, ticks):
    """Rounded to the nearest, and cut at the last tick."""
    assert to_ticks(duration_s) == ticks


def test_later_stops_at_the_last_tick():
    """Sums do not run over."""
    assert later(5, 7) == 12
    assert later(NEVER, NEVER) == NEVER
