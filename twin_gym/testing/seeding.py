"""A check that single environments obey their seed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import gymnasium

from twin_gym.testing.actions import Chooser
from twin_gym.testing.equality import fail, first_difference, untouched_global_state

_FAR = 1_000_003


class SingleStep(NamedTuple):
    """All that one reset or step of a single environment returned."""

    observation: Any
    reward: Any
    terminated: bool
    truncated: bool
    info: dict[str, Any]


def check_seeding(
    make_env: Callable[[], gymnasium.Env[Any, Any]], *, steps: int = 200, seed: int = 0
) -> None:
    """Checks that a seed, and nothing else, decides what an environment does.

    The same seed gives equal observations, rewards and infos, on a new instance, on the same one
    reset again, and with another environment running in between. Another seed gives something
    else, and so does the next episode after `reset()`. Global random state is left alone.

    Args:
        make_env: function that makes a new environment.
        steps: length of the compared runs.
        seed: any seed; others are derived from it.

    Raises:
        CheckFailed: with what was seen and what the contract says.

    Example:
        >>> import gymnasium
        >>> check_seeding(lambda: gymnasium.make("CartPole-v1"), steps=20)
    """
    with untouched_global_state():
        env, second = make_env(), make_env()
        first = list(_run(env, seed, steps))
        _must_be_equal(first, list(_run(second, seed, steps)), "on a new instance")
        other = list(_run(second, seed + _FAR, steps))
        _must_be_equal(first, list(_run(second, seed, steps)), "on the same one reset again")
        _must_differ(first, other, f"the seeds {seed} and {seed + _FAR} give", "another world")
        _must_differ(
            list(_run(env, seed, 0)) + list(_run(env, None, steps)),
            first[:1] + first,
            "reset() without a seed, after reset(seed), gives",
            "the next episode: it differs from the first one, which would repeat for ever",
        )
        _check_next_episodes(env, second, seed, steps)
        _check_interleaved(env, second, first, seed, steps)
        env.close()
        second.close()


def _run(env: gymnasium.Env[Any, Any], seed: int | None, steps: int) -> Iterator[SingleStep]:
    """Resets with a seed and steps on, through further episodes if one ends."""
    chooser = Chooser(env.action_space, _FAR)
    record = _reset(env, seed)
    yield record
    for _ in range(steps):
        if record.terminated or record.truncated:
            record = _reset(env, None)
        else:
            action = chooser.choose(record.info.get("action_mask"))
            record = SingleStep(*copy.deepcopy(env.step(action)))
        yield record


def _reset(env: gymnasium.Env[Any, Any], seed: int | None) -> SingleStep:
    observation, info = copy.deepcopy(env.reset(seed=seed))
    return SingleStep(observation, 0.0, False, False, info)


def _check_next_episodes(
    env: gymnasium.Env[Any, Any], second: gymnasium.Env[Any, Any], seed: int, steps: int
) -> None:
    runs = []
    for one in (env, second):
        begun = list(_run(one, seed, 0))
        runs.append(begun + list(_run(one, None, steps)))
    _must_be_equal(runs[0], runs[1], "in the next episode after reset()")


def _check_interleaved(
    env: gymnasium.Env[Any, Any],
    second: gymnasium.Env[Any, Any],
    alone: list[SingleStep],
    seed: int,
    steps: int,
) -> None:
    both = zip(_run(env, seed, steps), _run(second, seed + 1, steps), strict=True)
    _must_be_equal(alone, [mine for mine, _ in both], "with another environment in between")


def _must_be_equal(one: list[SingleStep], other: list[SingleStep], when: str) -> None:
    for step, (a, b) in enumerate(zip(one, other, strict=True)):
        for name, mine, theirs in zip(SingleStep._fields, a, b, strict=True):
            difference = first_difference(mine, theirs, name)
            if difference is not None:
                raise fail(
                    f"step {step}, one seed, {when}: {difference}",
                    "the same seed gives equal observations, rewards and infos",
                )


def _must_differ(one: list[SingleStep], other: list[SingleStep], who: str, contract: str) -> None:
    seen = [[record[:4] for record in run] for run in (one, other)]
    if first_difference(seen[0], seen[1], "run") is None:
        raise fail(f"{who} the same observations and rewards over {len(one) - 1} steps", contract)
