"""Policies of submissions as the board meets them: a process that is asked, or weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.submissions.running import Child, SubmissionError
from twin_gym.environments.factory import forms_of
from twin_gym.errors import ConfigError
from twin_gym.policies import Policy
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.scenario import Scenario, to_toml

_BYTES_A_NUMBER, _MOST_AMOUNTS, _SLACK_BYTES = 8, 10_000, 4_096
_LARGEST = int(np.iinfo(np.int64).max)


class ChildPolicy:
    """Asks the process of a submission for one scenario.

    Args:
        child: its process; it makes a new agent for this scenario.
        name: how tables call it.
        scenario: what the rows run.
        more: named arguments of the class beside the scenario, such as `seed`.

    Raises:
        SubmissionError: if the class cannot be imported or made.
    """

    def __init__(self, child: Child, name: str, scenario: Scenario, more: dict[str, int]) -> None:
        self.name = name
        self._child = child
        self._num_calls = 0
        made = {"do": "make", "scenario": to_toml(scenario), "more": more}
        self._ask(made, limit_s=child.limits.start_s)

    def reset(self, seed: int) -> None:
        """Begins anew."""
        self._ask({"do": "reset", "seed": int(seed)}, limit_s=self._child.limits.answer_s)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row, asked for and checked.

        Raises:
            SubmissionError: if it raises, hangs or ends, or if what it says is not one allowed
                whole number a row.
        """
        self._num_calls += 1
        answer = self._ask(
            {"do": "act"},
            observations,
            masks,
            limit_s=self._child.limits.answer_s,
            max_bytes=_BYTES_A_NUMBER * len(masks) * _most_numbers(masks) + _SLACK_BYTES,
        )
        try:
            return checked(answer, masks)
        except SubmissionError as error:
            self._child.close()
            raise SubmissionError(f"call {self._num_calls}: {error}") from None

    def _ask(
        self, message: dict[str, Any], *arrays: NDArray[Any], limit_s: float, max_bytes: int = 0
    ) -> list[NDArray[Any]]:
        return self._child.ask(message, arrays, limit_s=limit_s, max_bytes=max_bytes)


def checked(answer: list[NDArray[Any]], masks: Masks) -> Actions:
    """Actions of a submission, or why they are none.

    A disallowed action is refused and not taken for waiting, as the environment would take it: the
    protocol of policies promises allowed ones, and a mistake is better found than scored.

    Args:
        answer: the arrays that it sent.
        masks: 1 = allowed; shape (rows, actions), or (rows, 0) where nothing is masked: then the
            environment says what is wrong with numbers that are out of its range.

    Returns:
        Shape (rows,), or (rows, amounts).

    Raises:
        SubmissionError: another type, shape, range, or a disallowed action.
    """
    rows, num_actions = masks.shape
    actions = answer[0] if len(answer) == 1 else np.empty(0)
    if num_actions == 0:
        return _unmasked(actions, rows)
    if actions.shape != (rows,) or actions.dtype.kind not in "iu":
        raise SubmissionError(
            f"actions are whole numbers of shape ({rows},), got {actions.dtype} {actions.shape}"
        )
    outside = np.flatnonzero((actions < 0) | (actions >= num_actions))
    if outside.size:
        raise SubmissionError(
            f"actions are 0 to {num_actions - 1}, got {actions[outside[0]]} in row {outside[0]}"
        )
    chosen: Actions = actions.astype(np.int64)
    disallowed = np.flatnonzero(masks[np.arange(rows), chosen] == 0)
    if disallowed.size:
        row = disallowed[0]
        raise SubmissionError(
            f"action {chosen[row]} in row {row} is not allowed there: its mask is "
            f"{masks[row].tolist()}"
        )
    return chosen


def _most_numbers(masks: Masks) -> int:
    """Numbers that a row's action can have."""
    return 1 if masks.shape[1] else _MOST_AMOUNTS


def _unmasked(actions: NDArray[Any], rows: int) -> Actions:
    """Whole numbers or amounts, as many rows as were asked for."""
    if actions.shape[:1] != (rows,) or actions.ndim > 2 or actions.dtype.kind not in "iuf":  # noqa: PLR2004
        raise SubmissionError(
            f"actions are numbers of shape ({rows},) or ({rows}, amounts), got {actions.dtype} "
            f"{actions.shape}"
        )
    if not np.isfinite(actions).all():
        raise SubmissionError("actions are finite numbers, and some are not")
    if actions.dtype.kind == "u" and actions.size and actions.max() > _LARGEST:
        raise SubmissionError(f"whole numbers are at most {_LARGEST}, got {actions.max()}")
    return actions.astype(np.float64) if actions.dtype.kind == "f" else actions.astype(np.int64)


def read_policy(folder: Path, scenario: Scenario, action: str | None = None) -> Policy:
    """A policy from its weights and card, for a scenario; nothing is executed.

    Args:
        folder: with `actor.json` and `actor.safetensors`, or a policy twin's two files.
        scenario: what it is to run on.
        action: the form of the actions there; None: the default of the environment.

    Raises:
        ConfigError: if there is neither, or what is there is damaged or for other scenarios.
    """
    from agents.actor import CARD_FILE, load_actor  # loads torch
    from twin_gym.twins import PolicyTwin

    if (folder / CARD_FILE).is_file():
        actor = load_actor(folder)
        actor.check_fits(scenario)
        return actor
    if (folder / "policy.json").is_file():
        twin = PolicyTwin.load(folder)
        twin.check_fits(scenario, action or forms_of(scenario.kind)[0].name)
        return twin
    raise ConfigError(
        f"{folder.name!r} holds neither an actor ({CARD_FILE} and its weights) nor a policy twin "
        "(policy.json and its weights)"
    )
