"""A message as a network has it: codes of categorical fields, and presence bits.

Identities that a database allocates and times are not in it. Where the core says nothing, the kind
is `END`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.kinds import CAUSES, ELEMENTS, FIVE_QIS, KINDS
from twin_gym.twins.signalling.message import MAX_SESSION_ID, Message

END = len(KINDS)
"""Kind that ends the answers of the core."""

MAX_SLICES = 4
"""Most slices of a log that is learned from."""

CATEGORIES = {
    "kind": len(KINDS) + 1,
    "pdu_session_id": MAX_SESSION_ID + 1,
    "s_nssai": MAX_SLICES + 1,
    "cause": len(CAUSES),
    "five_qi": len(FIVE_QIS),
    "request_type": 3,
    "registration_type": 6,
}
"""Categorical fields that are predicted, with the number of their codes; 0 is absent."""

INPUTS = {"verdict": 3, "decision": len(CAUSES) + 1}
"""Categorical fields that are given; the code of a decision is one more than in the message."""

FIELDS = tuple(CATEGORIES)[1:]
NUM_SESSION_BITS, NUM_ELEMENTS = MAX_SESSION_ID, len(ELEMENTS)
NUM_BITS = NUM_SESSION_BITS + NUM_ELEMENTS

Codes = NDArray[np.int64]
Bits = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Predicted:
    """A message without identities, as a network gives it.

    Attributes:
        kind: its code, or `END`.
        fields: codes in the order of `FIELDS`.
        active_sessions: bit i is session i + 1.
        presence: bit i is `ELEMENTS[i]`.
    """

    kind: int
    fields: tuple[int, ...]
    active_sessions: int
    presence: int

    def message(self, time_ns: int, ue: int) -> Message:
        """It as a message of a UE."""
        values = dict(zip(FIELDS, self.fields, strict=True))
        return Message(
            time_ns, self.kind, ue, active_sessions=self.active_sessions, presence=self.presence,
            **values,
        )  # fmt: skip

    @classmethod
    def of(cls, message: Message | np.void) -> Predicted:
        """What a network should have said of a message, or of a record of one."""
        if not isinstance(message, Message):
            message = Message.of(message)
        fields = tuple(getattr(message, name) for name in FIELDS)
        return cls(message.kind, fields, message.active_sessions, message.presence)


NOTHING = Predicted(END, (0,) * len(FIELDS), 0, 0)
"""The core sends no more."""


def codes_of(records: NDArray[np.void]) -> Codes:
    """Codes of the fields of `CATEGORIES`, then of `INPUTS`.

    Args:
        records: as `MESSAGE_DTYPE`; shape (messages,).

    Returns:
        Shape (messages, fields).

    Raises:
        ConfigError: if there are more slices than `MAX_SLICES`.
    """
    most = int(records["s_nssai"].max(initial=0))
    if most > MAX_SLICES:
        raise ConfigError(
            f"a message twin knows {MAX_SLICES} slices at most, and the log has {most}"
        )
    columns = [records[name].astype(np.int64) for name in (*CATEGORIES, *INPUTS)]
    columns[-1] += 1
    return np.stack(columns, axis=1)


def bits_of(records: NDArray[np.void]) -> Bits:
    """Bits of the active sessions, then of the elements that are present.

    Args:
        records: as `MESSAGE_DTYPE`; shape (messages,).

    Returns:
        0 or 1; shape (messages, bits).
    """
    parts = [
        records[name].astype(np.uint64)[:, None] >> np.arange(count, dtype=np.uint64)
        for name, count in (("active_sessions", NUM_SESSION_BITS), ("presence", NUM_ELEMENTS))
    ]
    bits: Bits = (np.concatenate(parts, axis=1) & np.uint64(1)).astype(np.uint8)
    return bits
