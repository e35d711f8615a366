"""How long it takes until the first step is done, in CPU time.

On a machine that is left alone it is the time on the wall, too: one thread works all along.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.throughput.timing import REPETITIONS, Line

_FIRST_STEP = """
import sys
import time
start = time.process_time()
import twin_gym
imported = time.process_time()
import gymnasium
env = gymnasium.make(sys.argv[1])
env.action_space.seed(0)
action = env.action_space.sample()
made = time.process_time()
env.reset(seed=0)
env.step(action)
print(imported - start, made - imported, time.process_time() - made)
"""


def start_lines(env_id: str, *, with_import: bool = False) -> Iterator[Line]:
    """First environment; first reset and step with nothing cached, and from the cache.

    Args:
        env_id: a registered id.
        with_import: whether the time of the import is told, too.

    Yields:
        Seconds of CPU time; of what is cached, the median of several new processes.
    """
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        timings = [
            subprocess.run(
                [sys.executable, "-c", _FIRST_STEP, env_id],
                env=environment, check=True, capture_output=True, text=True,
            ).stdout.split()
            for _ in range(1 + REPETITIONS)
        ]  # fmt: skip
    imports, makes, cached = zip(
        *([float(taken) for taken in one] for one in timings[1:]), strict=True
    )
    if with_import:
        yield Line("import twin_gym", statistics.median(imports), "s", "< 0.5 s")
    yield Line("first gym.make, with what it imports", statistics.median(makes), "s")
    yield Line("first reset and step, compiled", float(timings[0][2]), "s", "< 5 s")
    yield Line("first reset and step, from cache", statistics.median(cached), "s", "< 0.5 s")
