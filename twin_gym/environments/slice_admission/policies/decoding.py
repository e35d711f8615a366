"""From what an agent sees back to what a rule reasons about: counts, free amounts, ages, slices.

Every rule of this package decides by slice. For the `slot` form of the action the decision means
the oldest request of the slice, so that a rule meets the same fate in both forms.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.core.forms import form_named
from twin_gym.environments.slice_admission.actions import ACTION_FORMS
from twin_gym.environments.slice_admission.observation import ActionName
from twin_gym.environments.slice_admission.scenario import AdmissionScenario
from twin_gym.environments.slice_admission.tables import most_in_service
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations

Counts = NDArray[np.int64]
Amounts = NDArray[np.float64]

_GROUPS = ("free", "in_service", "queue_length", "head_patience")
_LEAST_SHARE = float(np.finfo(np.float32).tiny)


class Decoder:
    """Reads the observations and masks of one scenario, for many rows at once.

    Args:
        scenario: what the rows run.
        action: the form of the actions.

    Raises:
        ConfigError: if there is no such form.
    """

    def __init__(self, scenario: AdmissionScenario, action: ActionName = "slice") -> None:
        self.scenario = scenario
        layout = form_named(ACTION_FORMS, action).layout(scenario)
        self._spans = {group: layout.span(group) for group in _GROUPS}
        self._num_fields = len(layout.names)
        self._num_slices = len(scenario.slices)
        limits = np.array([one.queue_limit for one in scenario.slices])
        self._places = np.maximum(limits, 1)
        starts = np.concatenate(([0], np.cumsum(self._places)))
        by_slice = np.arange(self._num_slices + 1)
        self._action_of = (by_slice if action == "slice" else starts).astype(np.int64)
        self._num_actions = int(self._action_of[-1]) + 1
        self._most = np.array([most_in_service(scenario, one) for one in scenario.slices])
        self._capacity = np.array(list(scenario.capacity.values()))
        self._patience_s = np.array([one.mean_patience_s for one in scenario.slices])

    @property
    def num_slices(self) -> int:
        """The number of slices, which is the action of waiting."""
        return self._num_slices

    def check(self, observations: Observations, masks: Masks) -> None:
        """Refuses arrays of another scenario or another form of action.

        Raises:
            ConfigError: if a shape is not what the scenario and the form give.
        """
        rows = len(observations)
        if observations.shape != (rows, self._num_fields) or masks.shape != (
            rows,
            self._num_actions,
        ):
            raise ConfigError(
                f"a policy for {self.scenario.name!r} takes observations (rows, "
                f"{self._num_fields}) and masks (rows, {self._num_actions}), got "
                f"{observations.shape} and {masks.shape}: make it for the scenario and the form "
                "of action of the environment"
            )

    def admissible(self, masks: Masks) -> NDArray[np.bool_]:
        """Whether a request of a slice waits and fits; shape (rows, slices)."""
        return masks[:, self._action_of[:-1]].astype(np.bool_)

    def to_actions(self, chosen: Counts) -> Actions:
        """Actions that admit the oldest request of the chosen slices, or wait (`num_slices`)."""
        return self._action_of[chosen]

    def in_service(self, observations: Observations) -> Counts:
        """Requests in service; shape (rows, slices)."""
        return self._counts(observations, "in_service", self._most)

    def waiting(self, observations: Observations) -> Counts:
        """Waiting requests, one that has no place to wait included; shape (rows, slices)."""
        return self._counts(observations, "queue_length", self._places)

    def free(self, observations: Observations) -> Amounts:
        """Free amounts, to about a ten-millionth of the capacity; shape (rows, resources)."""
        shares = observations[:, self._spans["free"]].astype(np.float64)
        return np.asarray(shares * self._capacity)

    def ages_s(self, observations: Observations) -> Amounts:
        """How long the oldest request of each slice has waited; shape (rows, slices).

        Where nobody waits, the value means nothing. Patience left is a 32-bit float, so that ages
        are known to about a ten-millionth of the mean patience.
        """
        left = observations[:, self._spans["head_patience"]].astype(np.float64)
        if self.scenario.patience_law == "exponential":
            return np.asarray(-np.log(np.maximum(left, _LEAST_SHARE)) * self._patience_s)
        return np.asarray((1.0 - left) * self._patience_s)

    def _counts(self, observations: Observations, group: str, scale: Counts) -> Counts:
        shares = observations[:, self._spans[group]].astype(np.float64)
        counts = np.rint(shares * scale)
        return np.asarray(counts, np.int64)
