"""A trained message twin as the control plane."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from twin_gym.errors import ConfigError
from twin_gym.files.whole import write_text
from twin_gym.twins.hierarchy.decisions import late_decisions
from twin_gym.twins.hierarchy.message_twin import METADATA_FILE
from twin_gym.twins.signalling.grammar import event_of
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.decoding import (
    ADMITS,
    REFUSES,
    is_decided_by_policy,
    next_kinds,
)
from twin_gym.twins.signalling.learned.settings import MessageTwinSettings
from twin_gym.twins.signalling.learned.twin import MOST_ANSWERS, MessageTwin, train_message_twin
from twin_gym.twins.signalling.learned.vectors import (
    CATEGORIES,
    END,
    INPUTS,
    MAX_SLICES,
    NUM_ELEMENTS,
    NUM_SESSION_BITS,
    Predicted,
)
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import NOT_ASKED, Message, SNssai

_MOST_REMEMBERED = 100_000

Codes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Position:
    """A message as the network has it, and how it came: `Window` says it at the one before."""

    codes: Codes
    bits: int
    ue: int
    is_begun: bool


Question = tuple[tuple[tuple[Codes, int, int, bool], ...], int, bool, int, frozenset[int] | None]
"""Positions, each with the number of its UE; UE, origin and decision of the next message; kinds."""


@dataclass
class NetworkTwin:
    """A trained message twin as the control plane; see `RespondingTwin`.

    What the network says of the same messages is remembered: identities and times are not among
    its inputs, so that the dialogues of many UEs are alike.

    Attributes:
        twin: what was trained.
        asks_policy: whether the policy decides on sessions. Without it the twin answers a request
            at once by what it has learned, as a message twin alone does.
        slices: of the log that was learned from; () if they are not known.
    """

    twin: MessageTwin
    asks_policy: bool = True
    slices: tuple[SNssai, ...] = ()
    _answers: dict[Question, Predicted] = field(default_factory=dict, repr=False)
    _past: dict[int, deque[_Position]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Reads how the network was trained."""
        settings = self.twin.metadata.settings
        self._window, self._num_slots = settings.window, settings.num_slots
        self._is_per_ue = settings.context == "per-ue"

    @classmethod
    def train(
        cls,
        log: MessageLog,
        settings: MessageTwinSettings = MessageTwinSettings(window=16),  # noqa: B008 - frozen
        *,
        asks_policy: bool = True,
        **how: Any,
    ) -> NetworkTwin:
        """Trains one on a log, whose decisions on sessions are told apart from their requests.

        Args:
            log: of a network whose sessions a policy decides on.
            settings: of the message twin.
            asks_policy: see above; without it the decisions of the log are hidden.
            how: `seed` and the other arguments of `train_message_twin`.

        Returns:
            The twin.

        Raises:
            ConfigError: see `train_message_twin`.
        """
        told = late_decisions(log, is_hidden=not asks_policy)
        return cls(train_message_twin(told, settings, **how), asks_policy, log.slices)

    def save(self, folder: str | Path) -> None:
        """Writes a folder that `load_message_twin` reads."""
        self.twin.save(folder)
        about = {
            "kind": "network", "decoding": self.twin.decoding, "asks_policy": self.asks_policy,
            "slices": [[one.sst, one.sd] for one in self.slices],
        }  # fmt: skip
        write_text(Path(folder) / METADATA_FILE, json.dumps(about) + "\n", makes_folder=True)

    @classmethod
    def load(cls, folder: str | Path, about: Mapping[str, Any]) -> NetworkTwin:
        """The twin in a folder.

        Args:
            folder: with the two files of a message twin.
            about: what its `message_twin.json` says.

        Raises:
            ConfigError: if a file is missing or damaged, or a value is none that it can have.
        """
        known = {"kind", "decoding", "asks_policy", "slices"}
        origin = repr(str(Path(folder) / METADATA_FILE))
        if about.keys() - known:
            raise ConfigError(
                f"{origin} has the unknown keys {sorted(about.keys() - known)}: it says "
                f"{', '.join(sorted(known))}"
            )
        asks = about.get("asks_policy", True)
        if not isinstance(asks, bool):
            raise ConfigError(f"`asks_policy` in {origin} is true or false, got {asks!r}")
        slices = _slices(about.get("slices", []), origin)
        return cls(
            MessageTwin.load(folder, decoding=about.get("decoding", "grammar")), asks, slices
        )

    def fresh(self) -> NetworkTwin:
        """The same twin before any message."""
        return NetworkTwin(self.twin, self.asks_policy, self.slices, self._answers)

    def check_fits(self, slices: Sequence[SNssai]) -> None:
        """Refuses slices in another order than those of its log (see `RespondingTwin`)."""
        if len(slices) > MAX_SLICES:
            raise ConfigError(
                f"a message twin knows {MAX_SLICES} slices at most, and the network has "
                f"{len(slices)}: take the exact automaton"
            )
        if self.slices and tuple(slices) != self.slices:
            raise ConfigError(
                f"the message twin has learned from a log of the slices {_named(self.slices)}, and "
                f"the network has {_named(slices)}: number those of the log alike (see "
                "`MessageLog.with_slices`), and train again"
            )

    def begin(self, five_qis: Sequence[int]) -> None:
        """Begins a log (see `RespondingTwin`); with which 5QI sessions begin, it has learned."""
        self._past.clear()

    def hear(self, message: Message) -> Sequence[Message]:
        """The answers of the core to a message."""
        self._note(message, is_begun=False)
        event = event_of(message)
        if not is_decided_by_policy(event):
            return self._say(message.ue, event, is_begun=False)
        return () if self.asks_policy else self._say(message.ue, event, is_begun=True)

    def decide(self, ue: int, decision: int) -> Sequence[Message]:
        """What the core sends when the policy has decided; without a policy, nothing."""
        if not self.asks_policy:
            return ()
        return self._say(ue, REFUSES if decision else ADMITS, is_begun=True, decision=decision)

    def sent(self, message: Message) -> None:
        """Identities are not among the inputs of the network: there is nothing to remember."""

    def _say(
        self, ue: int, event: str, *, is_begun: bool, decision: int = NOT_ASKED
    ) -> tuple[Message, ...]:
        """Messages until the network says that there are no more."""
        sent: list[Message] = []
        while len(sent) < MOST_ANSWERS:
            is_first = not sent and is_begun
            allowed = None
            if self.twin.decoding == "grammar":
                allowed = next_kinds(event, [one.kind for one in sent])
                allowed = allowed - {END} if is_first else allowed
            told = decision if not sent else NOT_ASKED
            found = self._next(ue, is_begun=is_first, decision=told, allowed=allowed)
            if found.kind == END or not KINDS[found.kind].is_from_core:
                break
            message = found.message(0, ue)
            self._note(replace(message, decision=told), is_begun=is_first)
            sent.append(message)
        return tuple(sent)

    def _note(self, message: Message, *, is_begun: bool) -> None:
        codes = *(getattr(message, name) for name in CATEGORIES), *_inputs(message)
        bits = message.active_sessions | message.presence << NUM_SESSION_BITS
        self._positions(message.ue).append(_Position(codes, bits, message.ue, is_begun))

    def _positions(self, ue: int) -> deque[_Position]:
        """The newest messages of all UEs, or of one."""
        return self._past.setdefault(ue if self._is_per_ue else 0, deque(maxlen=self._window))

    def _next(
        self, ue: int, *, is_begun: bool, decision: int, allowed: frozenset[int] | None
    ) -> Predicted:
        numbers: dict[int, int] = {}
        positions = tuple(
            (one.codes, one.bits, numbers.setdefault(one.ue, len(numbers)), one.is_begun)
            for one in self._positions(ue)
        )
        number = numbers.setdefault(ue, len(numbers))
        question = positions, number, is_begun, decision + 1, allowed
        if question not in self._answers:
            if len(self._answers) >= _MOST_REMEMBERED:
                self._answers.clear()
            self._answers[question] = self._ask(question)
        return self._answers[question]

    def _ask(self, question: Question) -> Predicted:
        positions, number, is_begun, decision, allowed = question
        codes = torch.tensor([[one[0] for one in positions]])
        bits = np.array([[_bits(one[1]) for one in positions]], np.uint8)
        slots = torch.tensor([[*(one[2] for one in positions), number]]) % self._num_slots
        begun = torch.tensor([[*(int(one[3]) for one in positions[1:]), int(is_begun)]])
        # The decision of the next message; only one of the core has one here.
        decisions = torch.tensor([[
            *(one[0][-1] * KINDS[one[0][0]].is_from_core for one in positions[1:]), decision
        ]])  # fmt: skip
        with torch.no_grad():
            states = self.twin.network(
                codes, torch.from_numpy(bits), slots[:, :-1], slots[:, 1:], begun, decisions
            )
        return self.twin.choose(states[0, -1:], [allowed])[0]


def _slices(values: object, origin: str) -> tuple[SNssai, ...]:
    """The slices that a file names."""
    try:
        pairs = [(sst, sd) for sst, sd in values]  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        pairs = [(None, None)]
    for sst, sd in pairs:
        if type(sst) is not int or not (sd is None or type(sd) is int):
            raise ConfigError(f"`slices` in {origin} are pairs of SST and SD, got {values!r}")
    return tuple(SNssai(sst, sd) for sst, sd in pairs)


def _named(slices: Sequence[SNssai]) -> str:
    return ", ".join(map(str, slices))


def _inputs(message: Message) -> tuple[int, ...]:
    """Codes of the fields of `INPUTS`."""
    codes = {"verdict": message.verdict, "decision": message.decision + 1}
    return tuple(codes[name] for name in INPUTS)


def _bits(value: int) -> list[int]:
    return [value >> place & 1 for place in range(NUM_SESSION_BITS + NUM_ELEMENTS)]
