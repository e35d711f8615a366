"""A checker for vector environments; Gymnasium has none."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv

from twin_gym.testing.equality import fail, first_difference, untouched_global_state
from twin_gym.testing.return_checks import check_autoreset, check_declarations, check_record
from twin_gym.testing.rollout import Rollout, StepRecord
from twin_gym.testing.sub_env_checks import check_against_single

_FAR = 1_000_003


def check_vector_env(
    make: Callable[[], VectorEnv[Any, Any, Any]],
    make_single: Callable[[], gymnasium.Env[Any, Any]] | None = None,
    *,
    steps: int = 200,
    seed: int = 0,
    require_end: bool = True,
    pickling: bool = True,
) -> None:
    """Checks that a vector environment keeps Gymnasium's contract and obeys its seeds.

    It checks that

    - spaces, shapes and types are as declared, and so are masks of infos and of actions;
    - the declared autoreset mode is obeyed, and returned values do not change later;
    - a seed gives every sub-environment another world, and the same ones again: on a new instance,
      on the same one, and after pickling; another seed gives other worlds;
    - global random state is left alone;
    - with `make_single`, sub-environment i is the single environment reset with `seed + i`.

    Args:
        make: makes a new vector environment, always the same kind.
        make_single: makes the single environment of one sub-environment.
        steps: length of each compared run; an episode should end within.
        seed: any; others are derived from it.
        require_end: whether a run in which no episode ends is a failure: it checks no autoreset.
        pickling: whether the environment must go through pickle while it runs.

    Raises:
        CheckFailed: with what was seen and what the contract says.

    Example:
        >>> import functools, gymnasium
        >>> from gymnasium.vector import SyncVectorEnv
        >>> single = functools.partial(gymnasium.make, "CartPole-v1")
        >>> check_vector_env(lambda: SyncVectorEnv([single] * 3), single, steps=40)
    """
    with untouched_global_state():
        env = make()
        mode = check_declarations(env)
        first = _checked_run(env, seed, steps)
        if require_end and not any(record.ended.any() for record in first):
            raise fail(
                f"no episode ended in {steps} steps, so the autoreset mode was not seen",
                "take more steps or a shorter episode (or require_end=False)",
            )
        check_autoreset(env, mode, first)
        _check_same_seed(make, env, first, seed, steps)
        if mode is AutoresetMode.NEXT_STEP:
            _check_action_ignored(env, first, seed, steps)
        _check_other_seed(env, first, seed, steps)
        _check_sub_envs_differ(env, seed, steps)
        if pickling:
            _check_pickling(env, seed, steps)
        if make_single is not None:
            check_against_single(make_single, first, mode, seed)
        env.close()


def _checked_run(env: VectorEnv[Any, Any, Any], seed: int, steps: int) -> list[StepRecord]:
    """A run whose records are checked when they are returned, and again at the end."""
    run = Rollout(env, seed)
    records = [run.first]
    check_record(env, run.first, "reset")
    for step in range(1, steps + 1):
        for record in run.step():
            check_record(env, record, f"step {step}")
            records.append(record)
    for index, record in enumerate(records):
        difference = first_difference(record.parts(), record.live, f"result {index}")
        if difference is not None:
            raise fail(
                f"{difference}: what was returned has been overwritten by a later step",
                "returned arrays stay as they are (give copies of buffers)",
            )
    return records


def _run(env: VectorEnv[Any, Any, Any], seed: int, steps: int, **kind: bool) -> list[StepRecord]:
    run = Rollout(env, seed, **kind)
    records = [run.first]
    for _ in range(steps):
        records += run.step()
    return records


def _must_be_equal(
    one: list[StepRecord], other: list[StepRecord], when: str, contract: str
) -> None:
    for index, (a, b) in enumerate(zip(one, other, strict=False)):
        difference = first_difference(a.parts(), b.parts(), f"result {index}")
        if difference is not None:
            raise fail(f"{when}: {difference}", contract)
    if len(one) != len(other):
        raise fail(f"{when}: {len(one)} and {len(other)} results", contract)


def _check_same_seed(
    make: Callable[[], VectorEnv[Any, Any, Any]],
    env: VectorEnv[Any, Any, Any],
    first: list[StepRecord],
    seed: int,
    steps: int,
) -> None:
    contract = "the same seed gives equal observations, rewards and infos"
    new = make()
    _must_be_equal(first, _run(new, seed, steps), "one seed on a new instance", contract)
    new.close()
    _must_be_equal(first, _run(env, seed, steps), "one seed on the same one reset again", contract)


def _check_action_ignored(
    env: VectorEnv[Any, Any, Any], first: list[StepRecord], seed: int, steps: int
) -> None:
    other = _run(env, seed, steps, other_after_end=True)
    _must_be_equal(
        first, other, "another action in the step after an episode's end",
        "with AutoresetMode.NEXT_STEP that step resets the sub-environment and ignores the action",
    )  # fmt: skip


def _check_other_seed(
    env: VectorEnv[Any, Any, Any], first: list[StepRecord], seed: int, steps: int
) -> None:
    other = _run(env, seed + _FAR, steps)
    for sub_env in range(env.num_envs):
        seen = [[record.of_sub_env(sub_env) for record in run] for run in (first, other)]
        if first_difference(seen[0], seen[1], "run") is None:
            raise fail(
                f"the seeds {seed} and {seed + _FAR} give sub-environment {sub_env} the same "
                f"observations and rewards over {steps} steps",
                "another seed gives another world",
            )


def _check_sub_envs_differ(env: VectorEnv[Any, Any, Any], seed: int, steps: int) -> None:
    """Sub-environments that see the same under the same actions are copies of one world."""
    run = _run(env, seed, steps, same_action=True)
    for sub_env in range(1, env.num_envs):
        for before in range(sub_env):
            seen = [[record.of_sub_env(one) for record in run] for one in (before, sub_env)]
            if first_difference(seen[0], seen[1], "run") is None:
                raise fail(
                    f"sub-environments {before} and {sub_env} saw the same observations and "
                    f"rewards over {steps} steps of equal actions after a reset with seed {seed}",
                    "one seed gives each sub-environment a world of its own",
                )


def _check_pickling(env: VectorEnv[Any, Any, Any], seed: int, steps: int) -> None:
    contract = "a running vector environment goes through pickle and goes on as if it had not"
    run = Rollout(env, seed)
    for _ in range(steps // 2):
        run.step()
    try:
        clone = pickle.loads(pickle.dumps(env))  # noqa: S301 - our own bytes
    except Exception as error:
        raise fail(f"pickling failed: {type(error).__name__}: {error}", contract) from error
    twin = run.on(clone)
    for _ in range(steps - steps // 2):
        _must_be_equal(run.step(), twin.step(), "the unpickled environment", contract)
    clone.close()
