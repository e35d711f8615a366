"""Without the extra, the message names the command that installs it."""

import subprocess
import sys

import pytest

CODE = """
import sys
sys.modules[{missing!r}] = None  # as if it were not installed
from twin_gym.errors import MissingExtraError
import twin_gym
try:
    import twin_gym.sb3
except MissingExtraError as error:
    print(error)
"""


@pytest.mark.parametrize("missing", ["stable_baselines3", "sb3_contrib"])
def test_missing_extra_names_the_command(missing):
    """Whichever of the two is missing; `import twin_gym` works all the same."""
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(missing=missing)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == (
        'twin_gym.sb3 needs an extra that is not installed; run: pip install "twin-gym[sb3]"\n'
    ), done.stderr
