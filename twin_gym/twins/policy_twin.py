"""The policy twin: a network that decides as the default policy would, saved without pickles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor

from twin_gym.envs.slice_admission.observation import (
    VALUES_PER_POSITION,
    ActionForm,
    field_names,
)
from twin_gym.errors import ConfigError
from twin_gym.policies.base import Actions, Masks, Observations
from twin_gym.scenario import AdmissionScenario
from twin_gym.twins.card import PolicyCard
from twin_gym.twins.files import read_bytes, write_bytes
from twin_gym.twins.forward import PlainNetwork
from twin_gym.twins.layout import ObservationLayout
from twin_gym.twins.networks import (
    PolicyNetwork,
    SliceNetwork,
    build_network,
    masked_log_probabilities,
)

CARD_FILE = "policy.json"
WEIGHTS_FILE = "policy.safetensors"
MAX_CARD_BYTES = 8_000_000
MAX_WEIGHTS_BYTES = 2**30

_MAX_SEED = 2**128


@dataclass
class PolicyTwin:
    """Decides as the policy it was cloned from, in many networks at once.

    Attributes:
        network: gives the logits.
        card: of what it is a twin, and how it was made.
        greedy: takes the likeliest allowed action; otherwise draws one by its probability. Row i
            draws the same whatever the number of rows. Chosen when it is made: see `sampled`.
        name: how tables call it.
    """

    network: PolicyNetwork
    card: PolicyCard
    greedy: bool = True
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Names it and begins the draws of seed 0."""
        self.name = self.card.name + ("" if self.greedy else "-sampled")
        self._layout = ObservationLayout.from_names(self.card.field_names)
        self._plain: PlainNetwork | None = None
        if isinstance(self.network, SliceNetwork):
            state = self.network.state_dict()
            self._plain = PlainNetwork({name: values.numpy() for name, values in state.items()})
        self.reset(0)

    def sampled(self) -> PolicyTwin:
        """The same twin, drawing its actions by their probabilities."""
        return PolicyTwin(self.network, self.card, greedy=False)

    def reset(self, seed: int) -> None:
        """Begins the draws of a seed."""
        if not 0 <= seed < _MAX_SEED:
            raise ConfigError(f"a seed is a whole number from 0 on, got {seed!r}")
        self._seed, self._calls = seed, 0

    def actions(self, observations: Observations, masks: Masks) -> Actions:
        """One allowed action a row.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed, at least one a row; shape (rows, actions).

        Returns:
            Whole numbers; shape (rows,).

        Raises:
            ConfigError: if the arrays are those of another network or form of action.
        """
        if self.greedy and self._plain is not None:
            self._check(observations, masks)
            logits = self._plain(np.asarray(observations, np.float32))
            best: Actions = np.where(np.asarray(masks) > 0, logits, -np.inf).argmax(axis=1)
            return best
        logs = self.log_probabilities(observations, masks)
        if self.greedy:
            likeliest: Actions = logs.argmax(axis=1)
            return likeliest
        bits = np.random.Philox(key=[self._seed, self._calls])
        self._calls += 1
        drawn = np.random.Generator(bits).random(len(logs))
        cumulated = np.exp(logs.astype(np.float64)).cumsum(axis=1)
        chosen: Actions = (cumulated <= (drawn * cumulated[:, -1])[:, None]).sum(axis=1)
        return chosen

    def log_probabilities(self, observations: Observations, masks: Masks) -> NDArray[np.float32]:
        """Logarithms of the actions' probabilities; what is not allowed has the lowest number.

        Args:
            observations: shape (rows, fields).
            masks: 1 = allowed; shape (rows, actions).

        Returns:
            Shape (rows, actions).

        Raises:
            ConfigError: if the arrays are those of another network or form of action.
        """
        self._check(observations, masks)
        with torch.no_grad():
            logits = self.network(torch.from_numpy(np.asarray(observations, np.float32)))
            logs = masked_log_probabilities(logits, torch.from_numpy(np.asarray(masks)))
        found: NDArray[np.float32] = logs.numpy()
        return found

    def check_fits(self, scenario: AdmissionScenario, action: ActionForm) -> None:
        """Refuses a scenario whose observations mean something else than those it learned from.

        A twin of the form `slot` takes any queue limits; everything else must be the same: slices
        and resources by name and order, and whether there is a time of day. Capacities, rates and
        the like may differ: that is what-if.

        Args:
            scenario: what it is to run on.
            action: form of the actions there.

        Raises:
            ConfigError: if it does not fit.
        """
        if action != self.card.action:
            raise ConfigError(
                f"{self.name!r} gives actions of the form {self.card.action!r}, not {action!r}: "
                f"make the environment with action={self.card.action!r}"
            )
        mine, theirs = self.card.field_names, field_names(scenario, action)
        if action == "slot":
            width = ObservationLayout.from_names(mine).num_global
            mine, theirs = mine[:width], field_names(scenario, "slice")
        if mine != theirs:
            differing = [name for name in theirs if name not in mine]
            raise ConfigError(
                f"{self.name!r} was made on {self.card.scenario!r} and sees other fields than "
                f"{scenario.name!r} has: {len(mine)} against {len(theirs)}, unknown to it "
                f"{differing[:4]}; make a twin of this scenario"
            )

    def save(self, folder: str | Path) -> None:
        """Writes `policy.safetensors` and `policy.json`, each aside first and then renamed.

        Args:
            folder: made if it does not exist; a twin that is there already is replaced.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        weights = safetensors.torch.save(dict(self.network.state_dict()))
        card = self.card.replace(weights_sha256=hashlib.sha256(weights).hexdigest())
        write_bytes(folder / WEIGHTS_FILE, weights)
        write_bytes(folder / CARD_FILE, card.to_json().encode())

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
        folder = Path(folder)
        origin = str(folder / CARD_FILE)
        try:
            text = read_bytes(folder / CARD_FILE, MAX_CARD_BYTES).decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{origin!r} is not UTF-8 text: {error}") from None
        card = PolicyCard.from_json(text, origin=repr(origin))
        content = read_bytes(folder / WEIGHTS_FILE, MAX_WEIGHTS_BYTES)
        if hashlib.sha256(content).hexdigest() != card.weights_sha256:
            raise ConfigError(
                f"{str(folder / WEIGHTS_FILE)!r} is not the file that {origin!r} belongs to: one "
                "of them was changed or not written to its end; make the twin anew"
            )
        network = build_network(
            card.field_names, card.action, hidden=card.hidden, generator=torch.Generator()
        )
        network.load_state_dict(_weights(content, network, str(folder / WEIGHTS_FILE)))
        return cls(network.eval(), card, greedy)

    def _check(self, observations: Observations, masks: Masks) -> None:
        """A slot network takes any number of positions; a slice network its fields alone."""
        fields = len(self.card.field_names)
        rows, width = observations.shape if observations.ndim == masks.ndim == 2 else (0, 0)  # noqa: PLR2004 - rows and columns
        whole = (width - self._layout.num_global) % VALUES_PER_POSITION == 0
        is_known = width == fields or (
            self.card.action == "slot" and width > self._layout.num_global and whole
        )
        if not is_known or masks.shape != (rows, self._layout.num_actions(width, self.card.action)):
            raise ConfigError(
                f"{self.name!r} takes observations (rows, {fields}) and a mask that belongs to "
                f"them, got {observations.shape} and {masks.shape}: see `check_fits`"
            )


def _weights(content: bytes, network: PolicyNetwork, origin: str) -> dict[str, Tensor]:
    """The parameters in a file, each with the name, type and shape that the network has."""
    try:
        weights = safetensors.torch.load(content)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{origin!r} holds no weights: {error}") from None
    wanted = network.state_dict()
    if weights.keys() != wanted.keys():
        differing = sorted(weights.keys() ^ wanted.keys())
        raise ConfigError(f"{origin!r} has other parameters than the card says: {differing[:4]}")
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            raise ConfigError(
                f"{origin!r}: {name!r} must be {wanted[name].dtype} {tuple(wanted[name].shape)}, "
                f"got {tensor.dtype} {tuple(tensor.shape)}"
            )
        if not bool(torch.isfinite(tensor).all()):
            raise ConfigError(f"{origin!r}: {name!r} holds values that are not finite")
    return weights
