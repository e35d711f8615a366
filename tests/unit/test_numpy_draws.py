"""The draws in NumPy are those of the compiled code, to the last bit."""

import numpy as np

from twin_gym.core.draws import uniform, world_key
from twin_gym.core.numpy_draws import uniforms, world_keys

SEEDS = np.array([0, 1, 2**40, 2**64 - 1], np.uint64)
EPISODES = np.array([0, 1, 7, 2**30])


def test_worlds_are_those_of_compiled_code():
    """A seed and a number of an episode name the same world."""
    expected = [world_key(seed, int(n)) for seed, n in zip(SEEDS, EPISODES, strict=True)]
    assert world_keys(SEEDS, EPISODES).tolist() == [int(key) for key in expected]


def test_draws_are_those_of_compiled_code():
    """One index for all rows, one a row, and several a row."""
    worlds = world_keys(SEEDS, EPISODES)
    one, each = uniforms(worlds, 3, 5), uniforms(worlds, 3, np.array([0, 5, 9, 2**48 - 2]))
    several = uniforms(worlds, 65_534, np.arange(3)[None])
    for row, world in enumerate(worlds):
        assert one[row] == uniform(world, 3, 5)
        assert each[row] == uniform(world, 3, [0, 5, 9, 2**48 - 2][row])
        assert several[row].tolist() == [uniform(world, 65_534, index) for index in range(3)]
