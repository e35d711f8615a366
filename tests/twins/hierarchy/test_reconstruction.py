"""Lossy taps: how wrong the reconstruction gets with age."""

import numpy as np
import pytest

from tests.twins.hierarchy.hierarchy_cases import recorded
from twin_gym.errors import ConfigError
from twin_gym.twins.hierarchy import reconstruction_errors


@pytest.fixture(scope="module")
def log():
    """A log of a contended network."""
    return recorded("contention", horizon_s=10.0)[0].log


def test_tap_that_misses_nothing_is_never_wrong(log):
    """Age 0 without loss is the truth."""
    assert reconstruction_errors(log, [0.0]).tolist() == [0.0]


def test_error_rises_with_age(log):
    """The older the newest message, the more requests are in the wrong place."""
    errors = reconstruction_errors(log, [0.0, 0.02, 0.1, 0.5, 2.0])
    assert (np.diff(errors) > 0).all(), errors


def test_error_rises_with_loss(log):
    """Whole procedures go missing, the more of them the more messages do."""
    errors = [reconstruction_errors(log, [0.0], loss)[0] for loss in (0.0, 0.3, 0.6, 0.9)]
    assert (np.diff(errors) > 0).all(), errors


def test_losses_add_to_the_error_of_age(log):
    """Losses come on top of age."""
    with_loss = reconstruction_errors(log, [0.1, 0.5], 0.3)
    assert (with_loss > reconstruction_errors(log, [0.1, 0.5])).all()


def test_age_beyond_the_log_is_refused(log):
    """There would be no moment to compare."""
    with pytest.raises(ConfigError, match="take smaller ages"):
        reconstruction_errors(log, [1e6])
