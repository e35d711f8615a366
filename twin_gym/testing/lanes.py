"""Lane i of a vector environment against the single environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from gymnasium.vector import AutoresetMode

from twin_gym.testing.equality import fail, first_difference
from twin_gym.testing.rollout import Moment

_FINAL = ("final_obs", "final_info")


def check_against_single(
    make_single: Callable[[], gymnasium.Env[Any, Any]],
    moments: list[Moment],
    mode: AutoresetMode,
    seed: int,
) -> None:
    """Replays what each lane did in a single environment and compares all that is returned.

    Args:
        make_single: makes the single environment.
        moments: a run of the vector environment, its reset first.
        mode: what ends of episodes do.
        seed: of that reset; lane i is compared with `seed + i`.

    Raises:
        CheckFailed: with what was seen and what the contract says.
    """
    for lane in range(len(moments[0].lanes)):
        env = make_single()
        replay = _Replay(env, lane, mode)
        replay.compare_reset(moments[0], 0, env.reset(seed=seed + lane))
        for index, moment in enumerate(moments[1:], 1):
            replay.follow(moments[index - 1], moment, index)
        env.close()


class _Replay:
    """One single environment that does what a lane did."""

    def __init__(self, env: gymnasium.Env[Any, Any], lane: int, mode: AutoresetMode) -> None:
        self._env = env
        self._lane = lane
        self._mode = mode

    def follow(self, before: Moment, moment: Moment, index: int) -> None:
        """Goes through one result of the vector environment."""
        lane = self._lane
        if moment.was_reset is not None:
            if moment.was_reset[lane]:
                self.compare_reset(moment, index, self._env.reset())
            return
        if self._mode is AutoresetMode.NEXT_STEP and before.ended[lane]:
            self.compare_reset(moment, index, self._env.reset())
            return
        if moment.actions is None:
            return
        observation, reward, terminated, truncated, info = self._env.step(moment.actions[lane])
        for name, mine, theirs in (
            ("terminated", bool(moment.terminated[lane]), bool(terminated)),
            ("truncated", bool(moment.truncated[lane]), bool(truncated)),
            ("reward", moment.rewards[lane], reward),
        ):
            self._compare(index, name, mine, theirs)
        if self._mode is AutoresetMode.SAME_STEP and (terminated or truncated):
            final_info = info_of_lane(moment.infos["final_info"], lane)
            self._compare(index, "final_obs", moment.infos["final_obs"][lane], observation)
            self._compare_info(index, "final_info", final_info, info)
            self.compare_reset(moment, index, self._env.reset())
        else:
            self.compare_reset(moment, index, (observation, info))

    def compare_reset(self, moment: Moment, index: int, single: tuple[Any, Any]) -> None:
        """Compares observation and info."""
        self._compare(index, "observation", moment.lanes[self._lane], single[0])
        self._compare_info(index, "info", info_of_lane(moment.infos, self._lane), single[1])

    def _compare_info(
        self, index: int, name: str, mine: dict[str, Any], theirs: dict[str, Any]
    ) -> None:
        """An empty dict says nothing: it is the same as none."""
        self._compare(index, name, _said(mine), _said(theirs))

    def _compare(self, index: int, name: str, mine: object, theirs: object) -> None:
        difference = first_difference(mine, theirs, name)
        if difference is not None:
            raise fail(
                f"result {index}, lane {self._lane} and the single environment: {difference}",
                "lane i is the single environment that was reset with seed + i",
            )


def _said(info: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in info.items() if not _is_empty(value)}


def _is_empty(value: object) -> bool:
    return isinstance(value, Mapping) and not value


def info_of_lane(infos: dict[str, Any], lane: int) -> dict[str, Any]:
    """The info of one lane, as a single environment gives it.

    Args:
        infos: of all lanes, with masks.
        lane: which one.

    Returns:
        What the masks say that the lane has, without `final_obs` and `final_info`.
    """
    found = {}
    for key, value in infos.items():
        if not key.startswith("_") and key not in _FINAL and infos[f"_{key}"][lane]:
            is_nested = isinstance(value, dict)
            found[key] = info_of_lane(value, lane) if is_nested else value[lane]
    return found
