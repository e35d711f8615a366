"""Sub-environment i of a vector environment against the single environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode

from twin_gym.testing.equality import fail, first_difference
from twin_gym.testing.rollout import StepRecord

_FINAL = ("final_obs", "final_info")


def check_against_single(
    make_single: Callable[[], gymnasium.Env[Any, Any]],
    records: list[StepRecord],
    mode: AutoresetMode,
    seed: int,
) -> None:
    """Repeats the actions of each sub-environment in a single environment and compares results.

    Args:
        make_single: function that makes the single environment.
        records: a run of the vector environment, starting with its reset.
        mode: autoreset mode of the vector environment.
        seed: seed of that reset; sub-environment i is compared with `seed + i`.

    Raises:
        CheckFailed: with what was seen and what the contract says.
    """
    for sub_env in range(len(records[0].sub_envs)):
        env = make_single()
        replay = _Replay(env, sub_env, mode)
        replay.compare_reset(records[0], 0, env.reset(seed=seed + sub_env))
        for index, record in enumerate(records[1:], 1):
            replay.follow(records[index - 1], record, index)
        env.close()


class _Replay:
    """A single environment that takes the actions of a sub-environment."""

    def __init__(self, env: gymnasium.Env[Any, Any], sub_env: int, mode: AutoresetMode) -> None:
        self._env = env
        self._sub_env = sub_env
        self._mode = mode

    def follow(self, before: StepRecord, record: StepRecord, index: int) -> None:
        """Repeats one result of the vector environment and compares."""
        sub_env = self._sub_env
        if record.was_reset is not None:
            if record.was_reset[sub_env]:
                self.compare_reset(record, index, self._env.reset())
            return
        if self._mode is AutoresetMode.NEXT_STEP and before.ended[sub_env]:
            self.compare_reset(record, index, self._env.reset())
            return
        if record.actions is None:
            return
        observation, reward, terminated, truncated, info = self._env.step(record.actions[sub_env])
        for name, mine, theirs in (
            ("terminated", bool(record.terminated[sub_env]), bool(terminated)),
            ("truncated", bool(record.truncated[sub_env]), bool(truncated)),
            ("reward", record.rewards[sub_env], reward),
        ):
            self._compare(index, name, mine, theirs)
        if self._mode is AutoresetMode.SAME_STEP and (terminated or truncated):
            final_info = info_of_sub_env(record.infos["final_info"], sub_env)
            self._compare(index, "final_obs", record.infos["final_obs"][sub_env], observation)
            self._compare_info(index, "final_info", final_info, info)
            self.compare_reset(record, index, self._env.reset())
        else:
            self.compare_reset(record, index, (observation, info))

    def compare_reset(self, record: StepRecord, index: int, single: tuple[Any, Any]) -> None:
        """Compares observation and info."""
        self._compare(index, "observation", record.sub_envs[self._sub_env], single[0])
        self._compare_info(index, "info", info_of_sub_env(record.infos, self._sub_env), single[1])

    def _compare_info(
        self, index: int, name: str, mine: dict[str, Any], theirs: dict[str, Any]
    ) -> None:
        """Compares infos; an empty dict equals a missing one."""
        self._compare(index, name, _said(mine), _said(theirs))

    def _compare(self, index: int, name: str, mine: object, theirs: object) -> None:
        difference = first_difference(mine, theirs, name)
        if difference is not None:
            raise fail(
                f"result {index}, sub-environment {self._sub_env} and the single environment: "
                f"{difference}",
                "sub-environment i is the single environment that was reset with seed + i",
            )


def _said(info: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in info.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return isinstance(value, Mapping) and not value


def info_of_sub_env(infos: dict[str, Any], sub_env: int) -> dict[str, Any]:
    """The info of one sub-environment, as a single environment gives it.

    Args:
        infos: infos of all sub-environments, with masks.
        sub_env: index of the sub-environment.

    Returns:
        The entries whose mask is True, without `final_obs` and `final_info`.
    """
    info = {}
    for key, value in infos.items():
        if not key.startswith("_") and key not in _FINAL and infos[f"_{key}"][sub_env]:
            is_nested = isinstance(value, dict)
            info[key] = info_of_sub_env(value, sub_env) if is_nested else value[sub_env]
    return info
