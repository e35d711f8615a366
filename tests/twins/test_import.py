"""Without torch, the twins say what to install."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("missing", ["torch", "safetensors"])
def test_missing_extra_names_the_command(missing):
    """In a process of its own, in which the package cannot be imported."""
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from twin_gym.errors import MissingExtraError\n"
        "try:\n"
        "    import twin_gym.twins\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert 'pip install "twin-gym[twins]"' in done.stdout, done.stderr
