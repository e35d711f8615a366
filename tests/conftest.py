"""What every test may rely on."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Derandomised: a run fails for what changed in the code, never for the luck of the draw.
# No deadline: the first call of a compiled function takes seconds.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The directory of real traces; a test that asks for it is skipped where there is none."""
    named = os.environ.get("TWIN_GYM_DATA")
    if not named:
        pytest.skip("no real traces here: TWIN_GYM_DATA is not set")
    path = Path(named)
    if not path.is_dir():
        pytest.skip(f"no real traces here: TWIN_GYM_DATA names no directory: {named}")
    return path
