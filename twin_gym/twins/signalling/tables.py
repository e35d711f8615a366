"""Tables of the newest messages: the rows that a learned message twin has to beat.

A table counts, for each sequence of the last n kinds before a message of the core, in the whole log
or of the same UE, how often each vector followed, and predicts the most frequent one. A sequence
that it has not seen is cut to the newest n - 1, and so on.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import MESSAGE_DTYPE

Context = Literal["log", "ue"]
Vector = tuple[int, ...]

FIELDS = (
    "kind", "pdu_session_id", "s_nssai", "cause", "five_qi", "request_type", "registration_type",
    "active_sessions", "presence",
)  # fmt: skip
"""Fields of a message that a table predicts: those of the binary vector."""

_PLACES = tuple((MESSAGE_DTYPE.names or ()).index(name) for name in FIELDS)
_UE = (MESSAGE_DTYPE.names or ()).index("ue")
_IS_FROM_CORE = tuple(kind.is_from_core for kind in KINDS)


@dataclass
class MessageTable:
    """A table of the last messages.

    Attributes:
        length: how many messages it looks at.
        context: `log`, the newest of all, or `ue`, the newest of the UE whose turn it is.
    """

    length: int
    context: Context
    _counts: dict[Hashable, Counter[Vector]] = field(
        default_factory=lambda: defaultdict(Counter), repr=False
    )

    def __post_init__(self) -> None:
        if self.length < 0:
            raise ConfigError(f"the length of a table is 0 or more, got {self.length}")

    def fit(self, log: MessageLog) -> MessageTable:
        """Counts the messages of the core in a log; returns itself."""
        for _, past, vector in _positions(log, self.length, self.context):
            for start in range(len(past) + 1):
                self._counts[past[start:]][vector] += 1
        return self

    def predict(self, past: Sequence[Vector]) -> Vector | None:
        """The vector that followed most often, the smallest of several; None without counts.

        Args:
            past: vectors of the newest messages, the newest last.
        """
        newest = tuple(past)[max(len(past) - self.length, 0) :]
        for start in range(len(newest) + 1):
            counts = self._counts.get(newest[start:])
            if counts:
                most = max(counts.values())
                return min(vector for vector, count in counts.items() if count == most)
        return None

    def predictions(self, log: MessageLog) -> dict[int, Vector | None]:
        """What it predicts in the place of each message of the core, by its place in the log."""
        return {
            place: self.predict(past)
            for place, past, _ in _positions(log, self.length, self.context)
        }

    def exact(self, log: MessageLog) -> float:
        """Share of the messages of the core in a log that are predicted exactly."""
        checks = [
            self.predict(past) == vector
            for _, past, vector in _positions(log, self.length, self.context)
        ]
        return sum(checks) / len(checks) if checks else 1.0


def table_rows(train: MessageLog, test: MessageLog) -> dict[str, float]:
    """Exact predictions of the tables of the last 0, 1, 2 and 6 messages, of log and UE.

    Args:
        train: what the tables count.
        test: what they predict; of other UEs, or of a later time.

    Returns:
        Share of exact predictions by the name of the table.

    Example:
        >>> from twin_gym.twins.signalling.emulator import emulate
        >>> logs = [emulate("signalling-single-slice", seed, 2, 60.0) for seed in (1, 2)]
        >>> sorted(table_rows(*logs))[:2]
        ['last 1 of the log', 'last 1 of the same UE']
    """
    rows = {"most frequent": MessageTable(0, "log").fit(train).exact(test)}
    for length in (1, 2, 6):
        rows[f"last {length} of the log"] = MessageTable(length, "log").fit(train).exact(test)
        rows[f"last {length} of the same UE"] = MessageTable(length, "ue").fit(train).exact(test)
    return rows


def window_ceiling(log: MessageLog, window: int) -> float:
    """Most exact predictions in a log of whatever sees the newest messages of all UEs alone.

    Where equal windows are followed by different messages, no more than the most frequent one can
    be right. UEs are told apart in a window, and whose turn it is is known; their numbers are not.
    The ceiling holds for every window, and says little where hardly two windows are equal.

    Args:
        log: whose messages of the core are predicted.
        window: messages that are seen, 0 or more.

    Returns:
        A share in [0, 1], rising in the window.
    """
    counts: dict[Hashable, Counter[Vector]] = defaultdict(Counter)
    past: deque[tuple[int, Vector]] = deque(maxlen=window)
    for row in log.records.tolist():
        ue, vector = row[_UE], tuple(row[place] for place in _PLACES)
        if ue >= 0 and _IS_FROM_CORE[vector[0]]:
            labels = {ue: 0}
            seen = tuple((labels.setdefault(one, len(labels)), what) for one, what in past)
            counts[seen][vector] += 1
        past.append((ue, vector))
    total = sum(one.total() for one in counts.values())
    return sum(max(one.values()) for one in counts.values()) / total if total else 1.0


def _positions(
    log: MessageLog, length: int, context: Context
) -> Iterator[tuple[int, tuple[Vector, ...], Vector]]:
    """Place of each message of the core for a UE, the newest messages before it, its vector."""
    pasts: dict[int, deque[Vector]] = defaultdict(lambda: deque(maxlen=length))
    for place, row in enumerate(log.records.tolist()):
        ue = row[_UE]
        vector = tuple(row[column] for column in _PLACES)
        past = pasts[ue if context == "ue" else -1]
        if ue >= 0 and _IS_FROM_CORE[vector[0]]:
            yield place, tuple(past), vector
        past.append(vector)
