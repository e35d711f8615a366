"""Old names, for one version: each leads to what it led to, and warns; ours are the new ones."""

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads((ROOT / "twin_gym" / "moved.toml").read_text())


def name_now(home, name):
    """The name itself where its module still has it, else the one that it changed to."""
    kept = hasattr(importlib.import_module(home), name)
    return name if kept else TABLE["renamed"].get(name, name)


NAMES = [
    (package, home, name, name_now(home, name))
    for package, homes in TABLE["names"].items()
    for home, names in homes.items()
    for name in names
]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """The process of a new interpreter that ran the code, with every warning shown."""
    command = [sys.executable, "-W", "always", "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


def test_every_old_module_is_the_new_one():
    """In one process, with every warning told once."""
    done = run_python(
        "import importlib, twin_gym\n"
        f"for old, new in {TABLE['modules']}.items():\n"
        "    for _ in range(2):\n"
        "        assert importlib.import_module(old) is importlib.import_module(new), old\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("DeprecationWarning") == len(TABLE["modules"])


def test_every_old_name_is_the_new_one():
    """In one process too; what warns says what to write."""
    done = run_python(
        "import importlib, twin_gym\n"
        f"for package, home, name, new in {NAMES}:\n"
        "    found = getattr(importlib.import_module(package), name)\n"
        "    assert found is getattr(importlib.import_module(home), new), name\n"
    )
    assert done.returncode == 0, done.stderr
    for package, home, name, new in NAMES:
        assert f"DeprecationWarning: {package}.{name} is now {home}.{new};" in done.stderr


OLD_IMPORTS = [
    "from twin_gym.scenario import Slice",
    "from twin_gym.policies import FifoPolicy",
    "from twin_gym.theory import erlang_b",
    "from twin_gym.twins import PolicyCard",
    "from twin_gym.twins.scenarios import Lived",
    "from twin_gym.twins.scenarios.lived import Lived, Now",
    "from twin_gym.twins.realtime.adapters import TicAdapter",
    "from twin_gym.envs.slice_admission import SliceAdmissionVectorEnv",
    "from twin_gym.envs.batch import Batch; import twin_gym.core.batch as new; "
    "assert Batch is new.Batch",
    "from twin_gym.theory.erlang import erlang_b",
    "from twin_gym.sim.reference.tic import Message",
]
"""Lines as a user wrote them."""


def test_old_imports_work_and_warn():
    """As a user writes them, in one process: each warning names the user's line."""
    done = run_python(
        "import sys\n"
        f"for code in {OLD_IMPORTS}:\n"
        "    print('ran:', code, file=sys.stderr)\n"
        "    exec(compile(code, '<user>', 'exec'), {})\n"
    )
    assert done.returncode == 0, done.stderr
    _, *told = done.stderr.split("ran: ")
    silent = [one for one in told if "<user>:1: DeprecationWarning: twin_gym." not in one]
    assert (len(told), silent) == (len(OLD_IMPORTS), [])


def test_what_is_set_on_an_old_module_is_set_on_the_new():
    """Scripts replace functions of a command to see what it does."""
    done = run_python(
        "import twin_gym.cli.asking as old, twin_gym.cli.what_if_command as new\n"
        "old.what_if = None\n"
        "assert new.what_if is None"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import twin_gym.envs.nothing",
        "import twin_gym.nothing",
        "import twin_gym.core.slice_admission",
        "from twin_gym.scenario import Nothing",
        "from twin_gym.envs.slice_admission import Nothing",
    ],
)
def test_names_that_never_were_are_refused_as_ever(code):
    """By Python's own error."""
    assert "Error: " in run_python(code).stderr


def test_nothing_is_read_before_an_old_name_is_asked_for():
    """And the layers import no old name, or this would warn."""
    done = run_python(
        "import twin_gym.cli.app, twin_gym.scenario, twin_gym.twins, twin_gym.moved as moved\n"
        "assert not hasattr(twin_gym.scenario, '__wrapped__')\n"
        "assert moved._table.cache_info().currsize == 0"
    )
    assert done.returncode == 0, done.stderr
    assert "DeprecationWarning: twin_gym." not in done.stderr


def test_folder_that_an_update_left_is_no_package(tmp_path):
    """Git removes files and leaves folders with caches: the old names work there, too."""
    (tmp_path / "envs" / "slice_admission" / "__pycache__").mkdir(parents=True)
    done = run_python(
        "import sys, twin_gym\n"
        f"twin_gym.__path__.append({str(tmp_path)!r})\n"
        "from twin_gym.envs.slice_admission import SliceAdmissionEnv\n"
    )
    assert done.returncode == 0, done.stderr
