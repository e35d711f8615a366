"""The policy twin: a network that decides as the default policy would, saved without pickles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from twin_gym.core.forms import Names
from twin_gym.environments.factory import form_of
from twin_gym.errors import ConfigError
from twin_gym.files.reading import read_bytes
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.policies.draws import Draws
from twin_gym.scenario import Scenario
from twin_gym.twins.decision_space import DecisionSpace
from twin_gym.twins.forward import PlainNetwork, PlainSharedNetwork
from twin_gym.twins.layout import POSITION_GROUPS, QueueLayout
from twin_gym.twins.metadata import PolicyMetadata
from twin_gym.twins.networks import (
    FlatNetwork,
    PolicyNetwork,
    SlotNetwork,
    blank_network,
    masked_log_probabilities,
)
from twin_gym.twins.plain import file_path
from twin_gym.twins.saved_pair import read_named, save_pair
from twin_gym.twins.shared_network import SharedNetwork
from twin_gym.twins.weights import load_weights

METADATA_FILE = "policy.json"
WEIGHTS_FILE = "policy.safetensors"
MAX_METADATA_BYTES = 8_000_000
MAX_WEIGHTS_BYTES = 2**30


@dataclass
class PolicyTwin:
    """Decides as the policy it was cloned from, in many networks at once.

    Attributes:
        network: gives the logits, or the means of the amounts.
        metadata: the policy that it imitates, and how it was trained.
        greedy: takes the likeliest allowed action, or the mean amounts; otherwise draws an action
            by its probability. Row i draws the same whatever the number of rows. Chosen when it is
            made: see `sampled`.
        name: how tables call it.

    Raises:
        ConfigError: if it is to draw amounts: it knows no more than their means.
    """

    network: PolicyNetwork
    metadata: PolicyMetadata
    greedy: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Names it and begins the draws of seed 0."""
        self.name = self.metadata.name + ("" if self.greedy else "-sampled")
        self._space = self.metadata.space
        if not self.greedy and not self._space.is_discrete:
            raise ConfigError(
                f"{self.metadata.name!r} gives amounts and draws nothing: let it be greedy"
            )
        self._plain: PlainNetwork | PlainSharedNetwork | None = None
        self._draws = Draws()

    def sampled(self) -> PolicyTwin:
        """The same twin, drawing its actions by their probabilities."""
        return PolicyTwin(self.network, self.metadata, greedy=False)

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed: a whole number from 0 on."""
        self._draws.reset(seed)

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed, at least one a row; shape (rows, actions), or (rows, 0) where
                actions are amounts.

        Returns:
            Whole numbers, shape (rows,); or amounts within their bounds, shape (rows, amounts),
            float32.

        Raises:
            ConfigError: if the arrays are those of another network or form of action.
        """
        if self.greedy and isinstance(self.network, FlatNetwork | SharedNetwork):
            self._check(observations, masks)
            values = self._forward(observations)
            if not self._space.is_discrete:
                low, high = (
                    np.asarray(bound, np.float32) for bound in (self._space.low, self._space.high)
                )
                return np.clip(values, low, high)
            best: Actions = np.where(np.asarray(masks) > 0, values, -np.inf).argmax(axis=1)
            return best
        logs = self.log_probabilities(observations, masks)
        if self.greedy:
            likeliest: Actions = logs.argmax(axis=1)
            return likeliest
        return self._draw(logs)

    def log_probabilities(self, observations: Observations, masks: Masks) -> NDArray[np.float32]:
        """Logarithms of the actions' probabilities; what is not allowed has the lowest number.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions).

        Returns:
            Shape (rows, actions).

        Raises:
            ConfigError: if the arrays are those of another network or form of action, or actions
                are amounts.
        """
        self._check(observations, masks)
        if not self._space.is_discrete:
            raise ConfigError(f"{self.name!r} gives amounts, which have no probabilities")
        with torch.no_grad():
            logits = self.network(torch.from_numpy(np.asarray(observations, np.float32)))
            logs = masked_log_probabilities(logits, torch.from_numpy(np.asarray(masks)))
        found: NDArray[np.float32] = logs.numpy()
        return found

    def check_fits(self, scenario: Scenario, action: str) -> None:
        """Refuses a scenario whose observations or actions mean something else than those it knows.

        A twin of the form `slot` takes any queue limits; everything else must be the same by name
        and order: of admission slices, resources, and whether there is a time of day; elsewhere
        all fields and all actions. Capacities, rates and the like may differ: that is what-if.

        Args:
            scenario: what it is to run on.
            action: form of the actions there.

        Raises:
            ConfigError: if it does not fit.
        """
        mine = self._space
        if scenario.kind != mine.kind:
            raise ConfigError(
                f"{self.name!r} is a twin for scenarios of the kind {mine.kind!r}, and "
                f"{scenario.name!r} is of the kind {scenario.kind!r}: make a twin of this scenario"
            )
        if action != mine.action:
            raise ConfigError(
                f"{self.name!r} gives actions of the form {mine.action!r}, not {action!r}: "
                f"make the environment with action={mine.action!r}"
            )
        theirs = DecisionSpace.of(scenario, action)
        self._check_names("sees", "fields", _seen(mine), _seen(theirs), scenario)
        self._check_names("takes", "actions", mine.action_names, theirs.action_names, scenario)
        if (mine.low, mine.high) != (theirs.low, theirs.high):
            raise ConfigError(
                f"{self.name!r} gives amounts between other bounds than {scenario.name!r} takes: "
                "make a twin of this scenario"
            )

    def save(self, folder: str | Path) -> None:
        """Writes `policy.safetensors` and `policy.json`, each aside first and then renamed.

        Args:
            folder: made if it does not exist; a twin that is there already is replaced.
        """
        save_pair(folder, WEIGHTS_FILE, METADATA_FILE, self.network, self.metadata)

    @classmethod
    def load(cls, folder: str | Path, *, greedy: bool = True) -> PolicyTwin:
        """A twin from its two files, everything checked; nothing in them is executed.

        Args:
            folder: what `save` wrote.
            greedy: how it is to act.

        Returns:
            The twin.

        Raises:
            ConfigError: if a file is missing, too large, damaged, or they do not belong together.
        """
        folder = file_path(folder, "the folder of a twin")
        origin = str(folder / METADATA_FILE)
        text = read_bytes(folder / METADATA_FILE, MAX_METADATA_BYTES)
        metadata = PolicyMetadata.from_json(text, origin=repr(origin))
        content = read_named(
            folder / WEIGHTS_FILE, metadata.weights_sha256, repr(origin), limit=MAX_WEIGHTS_BYTES,
            otherwise="make the twin anew",
        )  # fmt: skip
        network = blank_network(metadata.space, metadata.hidden, shared=metadata.shared)
        weights = load_weights(content, network, repr(str(folder / WEIGHTS_FILE)))
        network.load_state_dict(weights, assign=True)
        return cls(network.eval(), metadata, greedy)

    def _forward(self, observations: Observations) -> NDArray[np.float32]:
        """Logits or means, in NumPy; the weights are copied when it is first called."""
        if self._plain is None and isinstance(self.network, SharedNetwork):
            self._plain = self.network.plain()
        elif self._plain is None:
            state = self.network.state_dict()
            self._plain = PlainNetwork({name: x.numpy() for name, x in state.items()})
        return self._plain(np.asarray(observations, np.float32))

    def _draw(self, logs: NDArray[np.float32]) -> Actions:
        """One action a row, by its probability."""
        drawn = self._draws.next().random(len(logs))
        cumulated = np.exp(logs.astype(np.float64)).cumsum(axis=1)
        chosen: Actions = (cumulated <= (drawn * cumulated[:, -1])[:, None]).sum(axis=1)
        return chosen

    def _check(self, observations: Observations, masks: Masks) -> None:
        """A slot network takes any number of positions; a flat network its fields alone."""
        fields = len(self._space.field_names)
        rows, width = observations.shape if observations.ndim == masks.ndim == 2 else (0, 0)  # noqa: PLR2004 - rows and columns
        choices = self._space.num_actions if self._space.is_discrete else 0
        is_known = width == fields
        if isinstance(self.network, SlotNetwork):
            layout = self.network.layout
            places = width - layout.num_global
            is_known = places > 0 and places % len(POSITION_GROUPS) == 0
            choices = layout.num_actions(width, self._space.action)
        if not is_known or masks.shape != (rows, choices):
            raise ConfigError(
                f"{self.name!r} takes observations (rows, {fields}) and a mask that belongs to "
                f"them, got {observations.shape} and {masks.shape}: see `check_fits`"
            )

    def _check_names(
        self, verb: str, what: str, mine: Names, theirs: Names, scenario: Scenario
    ) -> None:
        """Refuses other names, or another order."""
        if mine == theirs:
            return
        differing = [name for name in theirs if name not in mine]
        raise ConfigError(
            f"{self.name!r} was made on {self.metadata.scenario!r} and {verb} other {what} than "
            f"{scenario.name!r} has: {len(mine)} against {len(theirs)}, unknown to it "
            f"{differing[:4]}; make a twin of this scenario"
        )


def _seen(space: DecisionSpace) -> Names:
    """The fields that must be the same: a slot network does not mind how many positions follow."""
    if not form_of(space.kind, space.action).by_position:
        return space.field_names
    return space.field_names[: QueueLayout.from_names(space.field_names).num_global]
