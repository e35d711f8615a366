"""The cost of `import twin_gym`, in a process of its own."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "stable_baselines3", "sb3_contrib", "tensorboard", "pandas", "matplotlib", "PIL")
CORE = ("errors", "scenario", "core", "environments", "policies", "testing", "cli")
MAX_IMPORT_S = 0.5


def run_python(code: str) -> str:
    """Runs the code in a new interpreter; returns its output."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def heavy_modules_after(statement: str) -> list[str]:
    """Which of the heavy packages a statement loads."""
    return run_python(f"{statement}\nimport sys\nprint(*(sys.modules.keys() & {HEAVY}))").split()


def test_import_loads_nothing_heavy():
    """`import twin_gym` registers strings: no learning, plotting or table package is loaded."""
    assert not heavy_modules_after("import twin_gym")


def test_core_loads_nothing_heavy():
    """Every layer that is in the core works without the extras."""
    package = ROOT / "twin_gym"
    modules = [
        f"twin_gym.{name}"
        for name in CORE
        if (package / name / "__init__.py").exists() or (package / f"{name}.py").exists()
    ]
    assert not heavy_modules_after(f"import {', '.join(modules)}")


def test_heavy_import_is_found():
    """The tests above would see it."""
    assert heavy_modules_after("import PIL") == ["PIL"]


def test_import_is_quick():
    """`import twin_gym` takes less than half a second of processor time, the best of five.

    Processor time, for the tests run beside one another; `benchmarks.throughput` has the clock's.
    """
    code = "import time; import twin_gym; print(time.process_time())"
    assert min(float(run_python(code)) for _ in range(5)) < MAX_IMPORT_S
