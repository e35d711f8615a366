"""How fast the environments are, in steps per core-second.

    python -m benchmarks.throughput            # everything, some minutes
    python -m benchmarks.throughput --quick    # shorter runs, a first idea

Method: the process's CPU time is counted, not the time on the wall; actions are sampled beforehand,
uniformly, disallowed ones included; every measurement is warmed up and is the median of five. Rows
are first driven until their episodes no longer end together. The C loop takes the same rows through
the same steps in one call.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import numpy as np
import typer
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

import twin_gym
from benchmarks.c_loop import FLAGS, CLoop, compiler
from twin_gym.envs.batch import AUTORESET_SAME_STEP
from twin_gym.envs.slice_admission import BatchSettings, SliceAdmissionVectorEnv
from twin_gym.envs.slice_admission.batch import AdmissionBatch
from twin_gym.envs.slice_admission.observation import ActionForm

SCENARIO = "contention"
ENV_ID = "twin_gym/SliceAdmission-v0"
RESULT = Path(__file__).parent / "results" / "throughput.json"
ROWS = (64, 1_024, 4_096)
MAIN_ROWS = 1_024
SB3_ROWS = (64, 256)
REPETITIONS = 5
NUM_CHOICES = 64

_FIRST_STEP = """
import time
start = time.perf_counter()
import twin_gym
imported = time.perf_counter()
import gymnasium
env = gymnasium.make("twin_gym/SliceAdmission-v0")
made = time.perf_counter()
env.reset(seed=0)
env.step(env.action_space.n - 1)
print(imported - start, time.perf_counter() - made)
"""

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Line:
    """One row of the table.

    Attributes:
        what: what was measured.
        value: its median.
        unit: of the value.
        target: what it should be, in words; empty where nothing was agreed.
    """

    what: str
    value: float
    unit: str
    target: str = ""


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time of the whole process for one call; the median of several, after a warm-up."""
    run()
    taken = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def sampled_actions(num_rows: int, num_actions: int) -> NDArray[np.int64]:
    """Uniform actions; shape (choices, rows)."""
    return np.random.default_rng(0).integers(0, num_actions, (NUM_CHOICES, num_rows))


def single_rate(steps: int, engine: str = "kernel") -> float:
    """Steps per core-second of `gymnasium.make`, wrappers and resets included."""
    env = gymnasium.make(ENV_ID, scenario=SCENARIO, engine=engine)
    env.reset(seed=0)
    actions = sampled_actions(steps, 5)[0].tolist()

    def run() -> None:
        for action in actions:
            if env.step(action)[3]:
                env.reset()

    return steps / cpu_seconds(run)


def vector_rate(num_rows: int, steps: int, *, copy: bool, action: ActionForm = "slice") -> float:
    """Steps per core-second of the vector form, episodes' ends with their indicators included."""
    env = SliceAdmissionVectorEnv(
        num_rows, SCENARIO, action=action, copy=copy, autoreset_mode=AutoresetMode.SAME_STEP
    )
    env.reset(seed=0)
    actions = sampled_actions(num_rows, env.batch.num_actions)
    spread(env.batch, actions)
    calls = max(steps // num_rows, 1)

    def run() -> None:
        for j in range(calls):
            env.step(actions[j % NUM_CHOICES])

    return calls * num_rows / cpu_seconds(run)


def spread(batch: AdmissionBatch, actions: NDArray[np.int64]) -> None:
    """Lets row i take i / rows of an episode's steps first, as if they had run for long."""
    steps_of_an_episode = 6_000
    stretches = 16
    for j in range(steps_of_an_episode):
        first = batch.num_rows * (j * stretches // steps_of_an_episode) // stretches
        batch.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP, first)


def loop_rates(num_rows: int, steps: int) -> tuple[float, float | None]:
    """The kernel's loop over rows and the C loop, without Gymnasium around them."""
    batch = begun_batch(num_rows)
    actions = sampled_actions(num_rows, batch.num_actions)
    calls = max(steps // num_rows, 1)

    def run_kernel() -> None:
        for j in range(calls):
            batch.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP)

    kernel_rate = calls * num_rows / cpu_seconds(run_kernel)
    if compiler() is None:
        return kernel_rate, None
    check_c_loop()
    c_batch = begun_batch(num_rows)
    c_loop = CLoop(c_batch)
    return kernel_rate, calls * num_rows / cpu_seconds(lambda: c_loop.step(actions, calls))


def begun_batch(num_rows: int) -> AdmissionBatch:
    """Rows at their first decisions."""
    batch = AdmissionBatch(num_rows, BatchSettings(SCENARIO))
    everyone = np.ones(num_rows, np.bool_)
    batch.seed(np.arange(num_rows, dtype=np.uint64), everyone)
    batch.begin(everyone)
    return batch


def check_c_loop() -> None:
    """Refuses to compare with a C loop that does something else.

    Raises:
        RuntimeError: if the two differ in a bit after 2,000 steps of 8 rows.
    """
    steps, ours, theirs = 2_000, begun_batch(8), begun_batch(8)
    actions = sampled_actions(8, ours.num_actions)
    for j in range(steps):
        ours.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP)
    CLoop(theirs).step(actions, steps)
    for name, array in ours.arrays.items():
        if name != "queues" and array.tobytes() != theirs.arrays[name].tobytes():
            raise RuntimeError(
                f"the C loop and the kernel differ in {name}: bring loop.c up to date"
            )


def start_times() -> tuple[float, float, float]:
    """Seconds on the wall: import, first reset and step with nothing cached, and from the cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        told = [
            subprocess.run(
                [sys.executable, "-c", _FIRST_STEP],
                env=environment, check=True, capture_output=True, text=True,
            ).stdout.split()
            for _ in range(1 + REPETITIONS)
        ]  # fmt: skip
    imports = [float(imported) for imported, _ in told]
    cached = [float(first) for _, first in told[1:]]
    return statistics.median(imports[1:]), float(told[0][1]), statistics.median(cached)


def sb3_rates(steps: int) -> Iterator[Line]:
    """A2C through the VecEnv, beside A2C on an environment that costs nothing."""
    try:
        import torch
        from stable_baselines3 import A2C

        from benchmarks.free_env import FreeVecEnv
        from twin_gym.sb3 import make_vec_env
    except ImportError as error:
        Console(stderr=True).print(f"without Stable-Baselines3: {error}")
        return
    torch.set_num_threads(1)
    targets = {64: "60 k", 256: "150 k"}
    for num_rows in SB3_ROWS:
        ours = make_vec_env(ENV_ID, num_rows, scenario=SCENARIO, seed=0)
        free = FreeVecEnv(num_rows, ours.observation_space, ours.action_space)
        for name, env in (("SB3 A2C", ours), ("SB3 A2C, an environment that costs nothing", free)):
            model = A2C("MlpPolicy", env, seed=0, device="cpu")
            rate = steps / cpu_seconds(partial(model.learn, steps))
            target = targets[num_rows] if env is ours else ""
            yield Line(f"{name}, {num_rows} rows", rate, "steps/s", target)


def measured(scale: float) -> Iterator[Line]:
    """Every row of the table, one after the other."""
    yield Line("gym.make", single_rate(int(20_000 * scale)), "steps/s", "150 k")
    yield Line("gym.make, SimPy engine", single_rate(int(1_000 * scale), "simpy"), "steps/s")
    rates = {}
    for num_rows in ROWS:
        for copy in (True, False):
            rate = vector_rate(num_rows, int(2_000_000 * scale), copy=copy)
            rates[num_rows, copy] = rate
            target = "10 M" if num_rows == MAIN_ROWS else ""
            yield Line(f"vector, {num_rows:,} rows, copy={copy}", rate, "steps/s", target)
    slot = vector_rate(MAIN_ROWS, int(500_000 * scale), copy=False, action="slot")
    yield Line(f"vector, {MAIN_ROWS:,} rows, copy=False, action=slot", slot, "steps/s")
    kernel_rate, c_rate = loop_rates(MAIN_ROWS, int(2_000_000 * scale))
    yield Line(f"the kernel alone, {MAIN_ROWS:,} rows", kernel_rate, "steps/s")
    if c_rate is None:
        Console(stderr=True).print("no C compiler: the C loop is left out")
    else:
        yield Line(f"C loop, {MAIN_ROWS:,} rows", c_rate, "steps/s")
        yield Line("the kernel over C", kernel_rate / c_rate, "ratio", "0.75")
        yield Line("vector, copy=False, over C", rates[MAIN_ROWS, False] / c_rate, "ratio", "0.75")
    yield Line("memory a row", float(begun_batch(MAIN_ROWS).memory_per_row_bytes), "bytes")
    imported, first, cached = start_times()
    yield Line("import twin_gym", imported, "s", "< 0.5 s")
    yield Line("first reset and step, compiled", first, "s", "< 5 s")
    yield Line("first reset and step, from cache", cached, "s", "< 0.5 s")
    yield from sb3_rates(int(50_000 * scale))


def machine() -> dict[str, Any]:
    """What the figures were measured on and with."""
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


def shown(line: Line) -> str:
    """A value as the table has it."""
    if line.unit == "steps/s":
        return f"{line.value:,.0f}"
    return f"{line.value:,.0f}" if line.unit == "bytes" else f"{line.value:.2f}"


@app.command()
def main(
    quick: Annotated[bool, typer.Option(help="a tenth of the steps")] = False,
    result: Annotated[Path, typer.Option(help="where the figures are written")] = RESULT,
) -> None:
    """Measures, shows a table, and writes the figures as JSON."""
    console = Console()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    about = machine()
    console.print(about)
    table = Table("what", "median", "unit", "target", title=f"{SCENARIO}, per core-second")
    lines = []
    for line in measured(0.1 if quick else 1.0):
        lines.append(line)
        console.print(f"{line.what}: {shown(line)} {line.unit}", highlight=False)
        table.add_row(line.what, shown(line), line.unit, line.target)
    console.print(table)
    result.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "machine": about,
        "load_average_at_start": load,
        "method": (__doc__ or "").split("Method: ")[1].replace("\n", " ").strip(),
        "scenario": SCENARIO,
        "lines": [asdict(line) for line in lines],
    }
    result.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    app()
