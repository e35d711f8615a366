"""Named instances that the tests of the twins share."""

import pytest
import torch

from tests.twins.cases import DearestPolicy, small_network
from twin_gym.scenario.loading import load
from twin_gym.twins import CloneSettings, clone, record

torch.set_num_threads(1)

QUICK = CloneSettings(max_epochs=5, min_steps=150)


@pytest.fixture(scope="session")
def small():
    """See `small_network`."""
    return small_network()


@pytest.fixture(scope="session")
def contention():
    """The headline preset."""
    return load("contention")


@pytest.fixture(scope="session", params=["slice", "slot"])
def action(request):
    """Both forms of the action."""
    return request.param


@pytest.fixture(scope="session")
def log(small, action):
    """300 decisions of a known rule, in two networks."""
    return record(DearestPolicy(), small, 300, action=action, num_networks=2)


@pytest.fixture(scope="session")
def twin(log, small):
    """A hasty twin of that rule."""
    return clone(log, small, settings=QUICK)
