"""Checks of what a vector environment returns: types, shapes, masks, and autoreset."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from twin_gym.testing.equality import fail, first_difference
from twin_gym.testing.rollout import StepRecord

_FINAL = ("final_obs", "final_info")


def check_declarations(env: VectorEnv[Any, Any, Any]) -> AutoresetMode:
    """Checks type, spaces and autoreset mode of a new environment.

    Returns:
        The declared autoreset mode.

    Raises:
        CheckFailed: with what was seen and what the contract says.
    """
    if not isinstance(env, VectorEnv):
        raise fail(f"this is a {type(env).__name__}", "it is a gymnasium.vector.VectorEnv")
    for name in ("observation", "action"):
        single = getattr(env, f"single_{name}_space", None)
        whole = getattr(env, f"{name}_space", None)
        if single is None or whole != batch_space(single, env.num_envs):
            raise fail(
                f"{name}_space is {whole} and single_{name}_space {single}",
                f"{name}_space is batch_space(single_{name}_space, num_envs)",
            )
    mode = env.metadata.get("autoreset_mode")
    if not isinstance(mode, AutoresetMode):
        raise fail(
            f"metadata['autoreset_mode'] is {mode!r}", "it is a gymnasium.vector.AutoresetMode"
        )
    return mode


def check_record(env: VectorEnv[Any, Any, Any], record: StepRecord, where: str) -> None:
    """Checks types and shapes of one result.

    Args:
        env: the environment with the spaces.
        record: the result.
        where: name of the result in messages.

    Raises:
        CheckFailed: with what was seen and what the contract says.
    """
    _check_observations(env, record.observations, where)
    for name in ("terminated", "truncated"):
        flags = getattr(record, name)
        if _form(flags) != ((env.num_envs,), np.dtype(np.bool_)):
            raise fail(
                f"{where}: {name} is {_described(flags)}",
                f"it is a bool array of ({env.num_envs},)",
            )
    rewards = record.rewards
    if not isinstance(rewards, np.ndarray) or rewards.dtype.kind != "f":
        raise fail(f"{where}: rewards are {_described(rewards)}", "they are an array of floats")
    if rewards.shape[:1] != (env.num_envs,) or not np.isfinite(rewards).all():
        raise fail(
            f"{where}: rewards are {_described(rewards)}, finite: {np.isfinite(rewards).all()}",
            f"they are finite, one for each sub-environment, {env.num_envs} in all",
        )
    _check_infos(record.infos, env.num_envs, f"{where}: infos")
    if "action_mask" in record.infos:
        _check_mask(env, record.infos["action_mask"], record.infos["_action_mask"], where)


def check_autoreset(
    env: VectorEnv[Any, Any, Any], mode: AutoresetMode, records: list[StepRecord]
) -> None:
    """Checks that ends of episodes are handled as the autoreset mode requires.

    Args:
        env: the environment with the spaces.
        mode: the declared autoreset mode.
        records: the results of a run.

    Raises:
        CheckFailed: with what was seen and what the contract says.
    """
    if mode is AutoresetMode.SAME_STEP:
        _check_same_step(env, records)
        return
    for record in records:
        if any(name in record.infos for name in _FINAL):
            raise fail(
                f"infos have {[name for name in _FINAL if name in record.infos]}",
                f"only AutoresetMode.SAME_STEP has them, and {mode} is declared",
            )
    for before, record in itertools.pairwise(records):
        if mode is AutoresetMode.NEXT_STEP:
            _check_next_step(before, record)
        elif record.was_reset is not None:
            _check_reset_mask(before, record)


def _form(array: object) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    return (array.shape, array.dtype) if isinstance(array, np.ndarray) else None


def _described(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} and shape {value.shape}"
    return f"a {type(value).__name__}"


def _check_observations(env: VectorEnv[Any, Any, Any], observations: object, where: str) -> None:
    space = env.observation_space
    if isinstance(space, spaces.Box) and _form(observations) != (space.shape, space.dtype):
        raise fail(
            f"{where}: observations are {_described(observations)}",
            f"they are an array of {space.dtype} and shape {space.shape}",
        )
    if observations not in space:
        raise fail(f"{where}: observations are outside of observation_space", f"{space}")


def _check_infos(infos: object, num_envs: int, where: str) -> None:
    if not isinstance(infos, dict):
        raise fail(f"{where} are a {type(infos).__name__}", "they are a dictionary of arrays")
    for key, value in infos.items():
        if key.startswith("_"):
            continue
        mask = infos.get(f"_{key}")
        if _form(mask) != ((num_envs,), np.dtype(np.bool_)):
            raise fail(
                f"{where}[{key!r}] has as {f'_{key}'!r}: {_described(mask)}",
                f"each info has a bool mask of shape ({num_envs},): which sub-environments have it",
            )
        if isinstance(value, dict):
            _check_infos(value, num_envs, f"{where}[{key!r}]")
        elif not isinstance(value, np.ndarray) or value.shape[:1] != (num_envs,):
            raise fail(
                f"{where}[{key!r}] is {_described(value)}",
                f"it has {num_envs} rows, one for each sub-environment",
            )


def _check_mask(
    env: VectorEnv[Any, Any, Any], mask: NDArray[Any], known: NDArray[np.bool_], where: str
) -> None:
    single = env.single_action_space
    if not isinstance(single, spaces.Discrete):
        return
    expected = ((env.num_envs, int(single.n)), np.dtype(np.int8))
    if _form(mask) != expected:
        raise fail(
            f"{where}: action_mask is {_described(mask)}",
            f"it is an array of int8 and shape {expected[0]}, 1 = allowed",
        )
    if not np.isin(mask, (0, 1)).all() or not mask[known].any(axis=-1).all():
        raise fail(
            f"{where}: action_mask has the values {np.unique(mask).tolist()} and allows "
            f"{mask.sum(axis=1).tolist()} actions",
            "it is 0 or 1 everywhere, and something is allowed in each sub-environment",
        )


def _check_next_step(before: StepRecord, record: StepRecord) -> None:
    ended = before.ended
    if np.any(record.rewards[ended] != 0) or record.ended[ended].any():
        raise fail(
            f"the step after an end gave the rewards {record.rewards[ended].tolist()} and ended: "
            f"{record.ended[ended].tolist()}",
            "with AutoresetMode.NEXT_STEP that step resets the sub-environment, with reward 0 "
            "and no end",
        )


def _check_reset_mask(before: StepRecord, record: StepRecord) -> None:
    for sub_env in np.flatnonzero(~np.asarray(record.was_reset)):
        difference = first_difference(
            before.sub_envs[sub_env], record.sub_envs[sub_env], "its observation"
        )
        if difference is not None:
            raise fail(
                f"sub-environment {sub_env} was not in reset_mask and has moved: {difference}",
                "reset with the option reset_mask leaves the other sub-environments as they are",
            )


def _check_same_step(env: VectorEnv[Any, Any, Any], records: list[StepRecord]) -> None:
    stale, ends = 0, 0
    for record in records:
        for name in _FINAL:
            _check_final(record, name)
        for sub_env in np.flatnonzero(record.ended):
            final = record.infos["final_obs"][sub_env]
            if final not in env.single_observation_space:
                raise fail(
                    f"final_obs of sub-environment {sub_env} is {final!r:.80}",
                    f"it is in single_observation_space, {env.single_observation_space}",
                )
            ends += 1
            stale += first_difference(final, record.sub_envs[sub_env], "observation") is None
    varies = first_difference(records[0].observations, records[-1].observations, "") is not None
    if ends and stale == ends and varies:
        raise fail(
            "the observations returned at an end are always the final ones",
            "with AutoresetMode.SAME_STEP they are the first ones of the next episode",
        )


def _check_final(record: StepRecord, name: str) -> None:
    ended = record.ended
    mask = record.infos.get(f"_{name}", np.zeros_like(ended))
    if (name in record.infos) != ended.any() or not np.array_equal(mask, ended):
        raise fail(
            f"the sub-environments {np.flatnonzero(ended).tolist()} ended and those with {name} "
            f"are {np.flatnonzero(mask).tolist()}",
            f"with AutoresetMode.SAME_STEP, exactly the sub-environments that ended have {name}",
        )
    if name == "final_info" and ended.any():
        for key, inner in record.infos[name].items():
            if key.startswith("_") and np.any(inner & ~ended):
                raise fail(
                    f"final_info[{key!r}] is True for {np.flatnonzero(inner).tolist()} and the "
                    f"sub-environments {np.flatnonzero(ended).tolist()} ended",
                    "masks in final_info are True at most for the sub-environments that ended",
                )
