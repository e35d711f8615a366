"""Slice admission: single, vector and SB3 form, the compiled loop and a C loop over its rules."""

from __future__ import annotations

from collections.abc import Iterator

import gymnasium

from benchmarks.throughput.learning import sb3_lines
from benchmarks.throughput.rows import (
    NUM_CHOICES,
    begun_batch,
    check_c_loop,
    has_c_loop,
    loop_lines,
    sampled_actions,
    spread,
    vector_env,
)
from benchmarks.throughput.starting import start_lines
from benchmarks.throughput.timing import Line, rate_line

SCENARIO = "contention"
KIND = "admission"
ENV_ID = "twin_gym/SliceAdmission-v0"
ROWS = (64, 1_024, 4_096)
MAIN_ROWS = 1_024
STEPS_OF_AN_EPISODE = 6_000
SB3_TARGETS = {64: "60 k", 256: "150 k"}
OVER_C = "0.75"


def single_line(what: str, steps: int, engine: str = "kernel", target: str = "") -> Line:
    """Steps per core-second of `gymnasium.make`, wrappers and resets included."""
    env = gymnasium.make(ENV_ID, scenario=SCENARIO, engine=engine)
    env.reset(seed=0)
    actions = sampled_actions(env.action_space, 1, steps)[:, 0].tolist()

    def run() -> None:
        for action in actions:
            if env.step(action)[3]:
                env.reset()

    return rate_line(what, steps, "steps/s", run, target)


def vector_line(num_rows: int, steps: int, *, copy: bool, action: str = "slice") -> Line:
    """Steps per core-second of the vector form, episodes' ends with their indicators included."""
    env = vector_env(SCENARIO, KIND, num_rows, copy=copy, action=action)
    actions = sampled_actions(env.single_action_space, num_rows)
    spread(env.batch, actions, STEPS_OF_AN_EPISODE)  # type: ignore[attr-defined]
    calls = max(steps // num_rows, 1)

    def run() -> None:
        for j in range(calls):
            env.step(actions[j % NUM_CHOICES])

    form = "" if action == "slice" else f", action={action}"
    target = "10 M" if num_rows == MAIN_ROWS and not form else ""
    what = f"vector, {num_rows:,} rows, copy={copy}{form}"
    return rate_line(what, calls * num_rows, "steps/s", run, target)


def speed_lines(scale: float) -> Iterator[Line]:
    """Every row of the table of slice admission, one after the other.

    Args:
        scale: 1, or less for a first idea.
    """
    steps = int(2_000_000 * scale)
    yield single_line("gym.make", int(20_000 * scale), target="150 k")
    yield single_line("gym.make, SimPy engine", int(1_000 * scale), "simpy")
    rates = {}
    for num_rows in ROWS:
        for copy in (True, False):
            line = vector_line(num_rows, steps, copy=copy)
            rates[num_rows, copy] = line.value
            yield line
    yield vector_line(MAIN_ROWS, steps // 4, copy=False, action="slot")
    if has_c_loop(KIND):
        check_c_loop(SCENARIO, KIND, 2_000)
    two = (begun_batch(SCENARIO, KIND, MAIN_ROWS), begun_batch(SCENARIO, KIND, MAIN_ROWS))
    for line in loop_lines(two, max(steps // MAIN_ROWS, 1), 1.0, "steps/s", OVER_C):
        yield line
        if line.what.startswith("C loop"):
            ratio = rates[MAIN_ROWS, False] / line.value
            yield Line("vector, copy=False, over C", ratio, "ratio", OVER_C)
    yield Line("memory a row", float(two[0].memory_per_row_bytes), "bytes")
    yield from start_lines(ENV_ID, with_import=True)
    yield from sb3_lines(ENV_ID, SCENARIO, int(50_000 * scale), SB3_TARGETS)
