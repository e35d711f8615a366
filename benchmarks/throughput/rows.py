"""Rows of any environment, driven until they are as if they had run for long; kernel and C loop."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from benchmarks.c_loop import CLoop, compiler, differing, source_of, wide
from benchmarks.throughput.timing import Line, rate_line
from twin_gym.core.batch import AUTORESET_SAME_STEP, Batch
from twin_gym.environments.kinds import kind_named
from twin_gym.errors import MissingExtraError
from twin_gym.scenario import Scenario

NUM_CHOICES = 64
STRETCHES = 16
CHECKED_ROWS = 8

Actions = NDArray[Any]


def sampled_actions(space: spaces.Space[Any], num_rows: int, choices: int = NUM_CHOICES) -> Actions:
    """Uniform actions.

    Args:
        space: of one row.
        num_rows: rows.
        choices: how many for each.

    Returns:
        Shape (choices, rows), or (choices, rows, values) in [0, 1] where an action is amounts.
    """
    rng = np.random.default_rng(0)
    if isinstance(space, spaces.Discrete):
        return rng.integers(0, int(space.n), (choices, num_rows))
    return rng.random((choices, num_rows, *(space.shape or ())), np.float32)


def vector_env(
    scenario: str | Scenario, kind: str, num_rows: int, *, copy: bool = False, **arguments: Any
) -> VectorEnv[Any, Any, Any]:
    """The vector form, reset, as learners use it.

    Args:
        scenario: preset name or scenario.
        kind: of the scenario.
        num_rows: rows.
        copy: whether what is returned stays as it is.
        arguments: others of the environment.

    Returns:
        The environment; its `batch` has the rows.
    """
    env: Any = gymnasium.make_vec(
        kind_named(kind).id,
        num_envs=num_rows,
        vectorization_mode="vector_entry_point",
        scenario=scenario,
        copy=copy,
        autoreset_mode=AutoresetMode.SAME_STEP,
        **arguments,
    ).unwrapped
    env.reset(seed=0)
    envs: VectorEnv[Any, Any, Any] = env
    return envs


def begun_batch(scenario: str | Scenario, kind: str, num_rows: int, **arguments: Any) -> Any:  # noqa: ANN401
    """Rows at their first decisions; a `Batch` of the environment (see `vector_env`)."""
    return vector_env(scenario, kind, num_rows, **arguments).unwrapped.batch  # type: ignore[attr-defined]


def spread(batch: Batch, actions: Actions, steps_of_an_episode: int) -> None:
    """Lets each sixteenth of the rows take another share of an episode's steps first.

    Args:
        batch: as many rows as stretches at least.
        actions: as `sampled_actions` gives them.
        steps_of_an_episode: about.
    """
    for j in range(steps_of_an_episode):
        first = batch.num_rows * (j * STRETCHES // steps_of_an_episode) // STRETCHES
        batch.advance(actions[j % NUM_CHOICES], AUTORESET_SAME_STEP, first)


def moves_of(batch: Batch, actions: Actions) -> Actions:
    """Sampled actions as the C loop takes them.

    Args:
        batch: whose rows take them.
        actions: as `sampled_actions` gives them.
    """
    source = source_of(batch.scenarios[0].kind)
    return wide(actions) if source is None else source.moves(batch.scenarios[0], actions)


def has_c_loop(kind: str) -> bool:
    """Whether the rules of an environment are told in C, and there is a compiler."""
    return compiler() is not None and source_of(kind) is not None


def loop_lines(
    batches: tuple[Batch, Batch], calls: int, rate: float, unit: str, target: str = ""
) -> Iterator[Line]:
    """The kernel's loop over rows and the C loop, without Gymnasium around them, and the ratio.

    Args:
        batches: two of the same rows.
        calls: how often all rows are advanced.
        rate: what counts as one unit: so many to a step.
        unit: of the rate.
        target: of the ratio.

    Yields:
        The kernel; if there is a C loop and a compiler, that loop and the ratio.
    """
    ours, theirs = batches
    actions = sampled_actions(ours.action_space, ours.num_rows)
    taken = wide(actions)

    def run() -> None:
        for j in range(calls):
            ours.advance(taken[j % NUM_CHOICES], AUTORESET_SAME_STEP)

    count, rows = calls * ours.num_rows * rate, f"{ours.num_rows:,} rows"
    kernel = rate_line(f"the compiled loop alone, {rows}", count, unit, run)
    yield kernel
    if not has_c_loop(ours.scenarios[0].kind):
        return
    loop, given = CLoop(theirs), moves_of(theirs, actions)
    line = rate_line(f"C loop, {rows}", count, unit, lambda: loop.step(given, calls))
    yield line
    yield Line("the compiled loop over C", kernel.value / line.value, "ratio", target)


def check_c_loop(scenario: str | Scenario, kind: str, steps: int) -> None:
    """Refuses to compare with a C loop that does something else.

    Args:
        scenario: preset name or scenario.
        kind: of the scenario.
        steps: of 8 rows.

    Raises:
        MissingExtraError: if there is no C compiler.
        RuntimeError: if the two differ in a bit afterwards.
    """
    if compiler() is None:
        raise MissingExtraError("there is no C compiler: install one that answers to `cc`")
    ours, theirs = (begun_batch(scenario, kind, CHECKED_ROWS) for _ in range(2))
    actions = sampled_actions(ours.action_space, CHECKED_ROWS)
    taken = wide(actions)
    for j in range(steps):
        ours.advance(taken[j % NUM_CHOICES], AUTORESET_SAME_STEP)
    CLoop(theirs).step(moves_of(theirs, actions), steps)
    if fields := differing(ours, theirs):
        raise RuntimeError(
            f"the C loop and the kernel differ in {', '.join(fields)}: bring rules.c of {kind} up "
            "to date"
        )
