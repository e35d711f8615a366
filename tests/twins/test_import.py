"""The policy twins are imported when they are asked for, and say what to install without torch."""

import subprocess
import sys

import pytest


def printed(code: str) -> str:
    """Runs code in a process of its own; returns its output."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("missing", ["torch", "safetensors"])
def test_missing_extra_names_the_command(missing):
    """In a process of its own, in which the package cannot be imported."""
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "import twin_gym.twins\n"
        "from twin_gym.errors import MissingExtraError\n"
        "try:\n"
        "    from twin_gym.twins import PolicyTwin\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    assert 'pip install "twin-gym[twins]"' in printed(code)


def test_nothing_is_learned_with_before_it_is_asked_for():
    """Importing the package loads no torch."""
    code = "import sys, twin_gym.twins; print('torch' in sys.modules)"
    assert printed(code).strip() == "False"


def test_every_name_is_there():
    """Each listed name is found in its module, and listed by `dir`."""
    code = (
        "import twin_gym.twins as twins\n"
        "assert {'PolicyTwin', 'clone', 'record'} <= set(twins.__all__) <= set(dir(twins))\n"
        "print(all(not isinstance(getattr(twins, name), type(twins)) for name in twins.__all__))\n"
    )
    assert printed(code).strip() == "True"


def test_function_keeps_its_name_after_its_module_was_imported():
    """`clone` and `fidelity` are modules too: the package's attributes are the functions."""
    code = (
        "from twin_gym.twins.clone import CloneSettings\n"
        "import twin_gym.twins.fidelity\n"
        "from twin_gym.twins import clone, fidelity\n"
        "print(callable(clone), callable(fidelity))\n"
    )
    assert printed(code).split() == ["True", "True"]


def test_wrong_name_is_an_attribute_error():
    """As from any module."""
    import twin_gym.twins

    with pytest.raises(AttributeError, match="nothing"):
        _ = twin_gym.twins.nothing
