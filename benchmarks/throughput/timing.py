"""How a speed is measured, and what is kept of it."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import twin_gym
from benchmarks.c_loop import FLAGS

METHOD = (
    "The process's CPU time is counted, not the time on the wall; actions are sampled beforehand, "
    "uniformly, disallowed ones included; every measurement is warmed up and is the median of "
    "five. Where the five lie further apart than a tenth of the median, five more are taken, up "
    "to four times, and those that lie closest together count; `spread` is their range over their "
    "median, `load` the machine's load average just then. Rows are first driven until their "
    "episodes no longer end together, where an episode's steps differ in cost. A C loop takes the "
    "same rows through the same steps in one call, after it has been found to leave the same "
    "arrays as the kernel."
)
REPETITIONS = 5
ROUNDS = 4
MOST_SPREAD = 0.1


@dataclass(frozen=True)
class Timing:
    """CPU time of one call.

    Attributes:
        median_s: of several calls, in seconds.
        spread: range of these calls over the median.
        load: the machine's load average over a minute, 0 where the system does not tell.
    """

    median_s: float
    spread: float
    load: float


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        what: what was measured.
        value: its median.
        unit: of the value.
        target: what it should be, in words; empty where nothing was agreed.
        spread: see `Timing`; None where it is no median of CPU times.
        load: likewise.
    """

    what: str
    value: float
    unit: str
    target: str = ""
    spread: float | None = None
    load: float | None = None


def cpu_timing(run: Callable[[], object], rounds: int = ROUNDS) -> Timing:
    """CPU time of the whole process for one call, as `METHOD` says.

    Args:
        run: what is called, once to warm up and then `REPETITIONS` times a round.
        rounds: at most so many, while the times lie too far apart.

    Returns:
        The round whose times lie closest together.
    """
    run()
    best = _round(run)
    for _ in range(rounds - 1):
        if best.spread <= MOST_SPREAD:
            break
        best = min(best, _round(run), key=lambda timing: timing.spread)
    return best


def _round(run: Callable[[], object]) -> Timing:
    taken = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    median_s = max(statistics.median(taken), 1e-9)
    return Timing(median_s, (max(taken) - min(taken)) / median_s, load_average())


def rate_line(
    what: str, count: float, unit: str, run: Callable[[], object], target: str = ""
) -> Line:
    """Measures how many of something a call does in a second of CPU time.

    Args:
        what: the line's name.
        count: of units in one call.
        unit: of the rate, such as `steps/s`.
        run: the call.
        target: see `Line`.

    Returns:
        The line.
    """
    timing = cpu_timing(run)
    return Line(what, count / timing.median_s, unit, target, timing.spread, timing.load)


def load_average() -> float:
    """Processes that wanted to run in the last minute, on average."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def machine() -> dict[str, Any]:
    """The machine and the versions that the figures were measured with."""
    model = platform.processor()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    names = ("numpy", "numba", "gymnasium", "simpy")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "twin_gym": twin_gym.__version__,
        **{name: version(name) for name in names},
        "c_flags": " ".join(FLAGS),
    }
