"""The message twin of a control plane: the protocol, and the exact automaton as one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from twin_gym.errors import ConfigError, missing_extra, unknown_name
from twin_gym.files.reading import read_bytes
from twin_gym.files.whole import write_text
from twin_gym.twins.hierarchy.peers import GNB
from twin_gym.twins.plain import file_path
from twin_gym.twins.signalling.automaton import (
    CoreState,
    Expected,
    answers,
    policy_event,
    with_identities,
)
from twin_gym.twins.signalling.message import Message, SNssai
from twin_gym.twins.strict_json import read_object


@runtime_checkable
class RespondingTwin(Protocol):
    """Says what the core sends; identities are the matter of a database."""

    def fresh(self) -> RespondingTwin:
        """The same twin before any message, which shares what was learned."""
        ...

    def check_fits(self, slices: Sequence[SNssai]) -> None:
        """Refuses a network with other slices than those that it knows.

        Args:
            slices: of the network, in the order in which messages number them.

        Raises:
            ConfigError: if they are others, or in another order.
        """

    def begin(self, five_qis: Sequence[int]) -> None:
        """Begins a log, in which all UEs are registered and have no session.

        Args:
            five_qis: by slice, the code of the 5QI with which sessions begin.
        """

    def hear(self, message: Message) -> Sequence[Message]:
        """The answers of the core to a message; none where the policy has to be asked first."""
        ...

    def decide(self, ue: int, decision: int) -> Sequence[Message]:
        """What the core sends when the policy has decided on the waiting session of a UE.

        Args:
            ue: whose session.
            decision: `GRANTED`, or the code of the cause of a refusal.
        """
        ...

    def sent(self, message: Message) -> None:
        """A message that it gave leaves the core, with its identities; in the order given."""


METADATA_FILE = "message_twin.json"
MAX_METADATA_BYTES = 1_000_000

TRAINED_FILE = "message.json"
"""What a folder with a trained message twin and nothing about its use has."""

Load = Callable[[Path, Mapping[str, Any]], RespondingTwin]
"""Gives the twin in a folder, from the object in its `message_twin.json`."""

_LOADERS: dict[str, Load] = {}


def register_message_twin(kind: str, load: Load) -> None:
    """Says how message twins of a kind are loaded.

    Args:
        kind: what `kind` is in the file `message_twin.json` of their folders.
        load: gives the twin; nothing in the folder is executed.
    """
    _LOADERS[kind] = load


def load_message_twin(folder: str | Path) -> RespondingTwin:
    """The message twin in a folder.

    Args:
        folder: with a file `message_twin.json` that says its `kind`; or what `MessageTwin.save` and
            `twin-gym signalling train` write.

    Raises:
        ConfigError: if the folder has no message twin, or a file of it is damaged.
        MissingExtraError: if the twin is a trained one, and torch is not installed.
        UnknownNameError: if nobody has registered the kind.
    """
    place = file_path(folder, "the folder of a twin")
    about: Mapping[str, Any] = {"kind": "network"}
    if (place / METADATA_FILE).exists():
        content = read_bytes(place / METADATA_FILE, MAX_METADATA_BYTES)
        about = read_object(content, repr(str(place / METADATA_FILE)))
    elif not (place / TRAINED_FILE).exists():
        raise ConfigError(
            f"{str(place)!r} holds no message twin, neither {METADATA_FILE} nor {TRAINED_FILE}: "
            "name a folder that `save` of an AutomatonTwin, a NetworkTwin or a MessageTwin wrote"
        )
    kind = about.get("kind")
    if not isinstance(kind, str) or kind not in _LOADERS:
        raise unknown_name("kind of message twin", kind, _LOADERS)
    return _LOADERS[kind](place, about)


@dataclass
class AutomatonTwin:
    """The exact automaton as a message twin: what all learned ones are measured against."""

    _five_qis: tuple[int, ...] = ()
    _states: dict[int, CoreState] = field(default_factory=dict)
    _leaving: deque[Expected] = field(default_factory=deque)

    def save(self, folder: str | Path) -> None:
        """Writes a folder that `load_message_twin` reads."""
        write_text(Path(folder) / METADATA_FILE, '{"kind": "automaton"}\n', makes_folder=True)

    def fresh(self) -> AutomatonTwin:
        """The same automaton before any message."""
        return type(self)()

    def check_fits(self, slices: Sequence[SNssai]) -> None:
        """Knows any slices."""

    def begin(self, five_qis: Sequence[int]) -> None:
        """Begins a log (see `RespondingTwin`)."""
        self._five_qis = tuple(five_qis)
        self._states.clear()
        self._leaving.clear()

    def hear(self, message: Message) -> Sequence[Message]:
        """The answers of the core to a message.

        Raises:
            UnexpectedEventError: if the grammar does not expect it.
        """
        state, sent = answers(self._state(message.ue), message, self._five_qis)
        return self._give(message.ue, state, sent)

    def decide(self, ue: int, decision: int) -> Sequence[Message]:
        """What the core sends when the policy has decided.

        Raises:
            UnexpectedEventError: if no session of the UE waits.
        """
        state, sent = policy_event(self._state(ue), decision)
        return self._give(ue, state, sent)

    def sent(self, message: Message) -> None:
        """Remembers the identities that the database gave."""
        state = self._state(message.ue)
        self._states[message.ue] = with_identities(state, self._leaving.popleft(), message)

    def _state(self, ue: int) -> CoreState:
        return self._states.get(ue) or CoreState("CONNECTED", gnb=GNB)

    def _give(self, ue: int, state: CoreState, sent: Sequence[Expected]) -> tuple[Message, ...]:
        self._states[ue] = state
        self._leaving.extend(sent)
        return tuple(replace(one.message, ue=ue) for one in sent)


def _load_network(folder: Path, about: Mapping[str, Any]) -> RespondingTwin:
    try:
        from twin_gym.twins.hierarchy.network_twin import NetworkTwin
    except ImportError:
        raise missing_extra("a trained message twin", "twins") from None
    return NetworkTwin.load(folder, about)


register_message_twin("automaton", lambda folder, about: AutomatonTwin())
register_message_twin("network", _load_network)
