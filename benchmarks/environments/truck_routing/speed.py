"""Truck routing: single and vector form, the compiled loop; decisions a core-second.

What a decision costs depends on where the truck may go, so that actions are drawn among what is
allowed. They are recorded beforehand and played again in the same worlds when time is taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

from benchmarks.protocol import traces_of
from benchmarks.throughput.learning import sb3_lines
from benchmarks.throughput.rows import begun_batch, vector_env
from benchmarks.throughput.starting import start_lines
from benchmarks.throughput.timing import Line, rate_line
from twin_gym.core.batch import AUTORESET_SAME_STEP
from twin_gym.errors import TwinGymError
from twin_gym.policies.draws import evenly
from twin_gym.scenario.loading import load

KIND, ENV_ID = "truck", "twin_gym/TruckRouting-v0"
DECISIONS_OF_A_LINE = 400_000


class Case(NamedTuple):
    """A scenario and how many rows of it.

    Attributes:
        scenario: preset name.
        rows: numbers of rows.
        targets: by number of rows.
    """

    scenario: str
    rows: tuple[int, ...]
    targets: dict[int, str]


CASES = (
    Case("truck-grid-50", (1, 64, 256), {256: "1 M"}),
    Case("truck-edinburgh-334", (1, 64, 256), {256: "0.2 M"}),
)
"""The second one needs TWIN_GYM_DATA; it is left out without."""


def recorded_actions(scenario: str, num_rows: int, calls: int) -> NDArray[np.int64]:
    """Allowed actions, drawn evenly, the depot included, from the beginning of the first worlds.

    Args:
        scenario: preset name.
        num_rows: rows.
        calls: decisions of each.

    Returns:
        Shape (calls, rows).
    """
    env: Any = vector_env(scenario, KIND, num_rows)
    rng = np.random.default_rng(0)
    actions = np.zeros((calls, num_rows), np.int64)
    for call in range(calls):
        allowed = env.batch.masks[:, :-1] == 1
        actions[call] = evenly(rng.random(num_rows), allowed, or_none=True)
        env.step(actions[call])
    return actions


def single_line(case: Case, steps: int, engine: str = "kernel") -> Line:
    """Decisions per core-second of `gymnasium.make`, wrappers and resets included."""
    actions = recorded_actions(case.scenario, 1, steps)[:, 0].tolist()
    env = gymnasium.make(ENV_ID, scenario=case.scenario, engine=engine)

    def run() -> None:
        env.reset(seed=0)
        for action in actions:
            if env.step(action)[3]:
                env.reset()

    what = "gym.make" if engine == "kernel" else "gym.make, SimPy engine"
    return rate_line(f"{case.scenario}: {what}", steps, "decisions/s", run)


def vector_lines(case: Case, num_rows: int, decisions: int) -> Iterator[Line]:
    """The vector form with `copy=False`, and the compiled loop alone; ends of episodes included."""
    calls = max(decisions // num_rows, 2)
    actions = recorded_actions(case.scenario, num_rows, calls)
    env: Any = vector_env(case.scenario, KIND, num_rows)

    def through_gymnasium() -> None:
        env.reset(seed=0)
        for taken in actions:
            env.step(taken)

    def alone() -> None:
        env.reset(seed=0)
        for taken in actions:
            env.batch.advance(taken, AUTORESET_SAME_STEP)

    rows, target = f"{num_rows:,} rows", case.targets.get(num_rows, "")
    count = calls * num_rows
    yield rate_line(
        f"{case.scenario}: vector, {rows}, copy=False", count, "decisions/s", through_gymnasium
    )
    yield rate_line(
        f"{case.scenario}: the compiled loop alone, {rows}", count, "decisions/s", alone, target
    )


def speed_lines(scale: float) -> Iterator[Line]:
    """Every row of the table of truck routing, one after the other.

    Args:
        scale: 1, or less for a first idea.
    """
    cases = [case for case in CASES if _is_there(case.scenario)]
    yield single_line(cases[0], max(int(10_000 * scale), 10))
    yield single_line(cases[0], max(int(200 * scale), 5), "simpy")
    for case in cases:
        for num_rows in case.rows:
            decisions = DECISIONS_OF_A_LINE if num_rows > 1 else DECISIONS_OF_A_LINE // 10
            yield from vector_lines(case, num_rows, int(decisions * scale))
    for case in cases:
        batch = begun_batch(case.scenario, KIND, 2)
        yield Line(f"{case.scenario}: memory a row", float(batch.memory_per_row_bytes), "bytes")
    yield from start_lines(ENV_ID)
    yield from sb3_lines(ENV_ID, cases[0].scenario, max(int(10_000 * scale), 2_000))


def _is_there(scenario: str) -> bool:
    """Whether the data of a scenario can be read."""
    try:
        traces_of(load(scenario))
    except TwinGymError:
        return False
    return True
