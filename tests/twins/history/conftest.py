"""Named stores."""

import pytest

from tests.twins.history.cases import tic
from twin_gym.twins.history import open_store


@pytest.fixture
def store(tmp_path):
    """A new one, with an episode."""
    with open_store(tmp_path / "store.db") as opened:
        opened.begin_episode(tic(), 7, policy="edf", action="weights")
        yield opened


@pytest.fixture(scope="module")
def long_store(tmp_path_factory):
    """One for many examples, each of which begins an episode of its own."""
    with open_store(tmp_path_factory.mktemp("long") / "store.db") as opened:
        yield opened
