"""Torch on one thread: the networks are small."""

import pytest
import torch

from tests.learning.cases import make_twin

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def twin():
    """A twin of the form `slice`."""
    return make_twin()


@pytest.fixture(scope="session")
def slot_twin():
    """A twin of the form `slot`."""
    return make_twin("slot")
