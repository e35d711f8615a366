"""Windows of a log: the messages that a network sees, and those that it should say.

A position holds a message and whose turn is next; its target is the next message, if the core
sends it, and `END` if it does not. Whether the network itself begins the next message (a timer, a
trigger, a late decision) is told, with the decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin_gym.errors import ConfigError
from twin_gym.twins.plain import number
from twin_gym.twins.signalling.answering import first_five_qis_in
from twin_gym.twins.signalling.kinds import KINDS
from twin_gym.twins.signalling.learned.settings import ContextName
from twin_gym.twins.signalling.learned.vectors import END, Bits, Codes, bits_of, codes_of
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.replay import Replay, replay

IS_FROM_CORE = np.array([kind.is_from_core for kind in KINDS])
_DECISION = -1  # place of the decision in the codes


@dataclass(frozen=True, eq=False)
class Stream:
    """Messages in order, of all UEs or of one.

    Attributes:
        places: of the messages in the log; shape (messages,).
        codes: see `codes_of`; shape (messages, fields).
        bits: see `bits_of`; shape (messages, bits).
        ues: shape (messages,).
        is_begun: whether the network itself begins the message; shape (messages,).
    """

    places: NDArray[np.int64]
    codes: Codes
    bits: Bits
    ues: NDArray[np.int64]
    is_begun: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def is_from_core(self) -> NDArray[np.bool_]:
        """Whether the core sends a message; shape (messages,)."""
        found: NDArray[np.bool_] = IS_FROM_CORE[self.codes[:, 0]]
        return found


@dataclass(frozen=True, eq=False)
class Window:
    """Positions of a stream; arrays have the shape (positions,) or (positions, ...).

    Attributes:
        codes: of the messages.
        bits: of the messages.
        slots: number of the UE of each message within the window.
        next_slots: number of the UE whose turn is next.
        next_begun: 1 where the network itself begins the next message.
        next_decisions: code of the late decision that leads to the next message, 0 for none.
        targets: codes of the next message; the kind is `END` where the core does not send it.
        target_bits: bits of the next message.
        weights: 1 for positions with a target, 0 for padding.
    """

    codes: Codes
    bits: Bits
    slots: NDArray[np.int64]
    next_slots: NDArray[np.int64]
    next_begun: NDArray[np.int64]
    next_decisions: NDArray[np.int64]
    targets: Codes
    target_bits: Bits
    weights: NDArray[np.float32]


def split(
    log: MessageLog, held_out_ues: float = 0.25, held_out_time: float = 0.25
) -> tuple[MessageLog, MessageLog, int]:
    """Parts of a log to learn from and to be judged by, which share neither UEs nor time.

    Args:
        log: of several UEs.
        held_out_ues: share of the UEs that is not learned from: those with the highest numbers.
        held_out_time: latest share of the time that is not learned from.

    Returns:
        What is learned from; all messages of the held-out UEs; and the time in ns from which on
        those are judged. Their earlier messages are context alone.

    Raises:
        ConfigError: if a share is not between 0 and 1, or a part is empty.
    """
    for share, name in ((held_out_ues, "held_out_ues"), (held_out_time, "held_out_time")):
        number(share, f"`{name}`", 0.0, 1.0)
    ues = np.unique(log.column("ue")[log.column("ue") >= 0])
    num_learned = len(ues) - max(round(len(ues) * held_out_ues), 1)
    times = log.column("time_ns")
    first, last = (int(times[0]), int(times[-1])) if len(log) else (0, 0)
    cut_ns = round(first + (last - first) * (1.0 - held_out_time))
    early = replace(log, records=log.records[times < cut_ns])
    learned = early.of_ues(ues[: max(num_learned, 0)])
    judged = log.of_ues(ues[max(num_learned, 0) :])
    if not len(learned) or not np.any(judged.column("time_ns") >= cut_ns):
        raise ConfigError(
            f"a log of {len(ues)} UEs and {len(log):,} messages cannot be split by UE and by time: "
            "take a longer log of more UEs, or other shares"
        )
    return learned, judged, cut_ns


def streams_of(
    log: MessageLog, context: ContextName, replayed: Replay | None = None
) -> list[Stream]:
    """The messages of UEs in a log, in one stream or in one for each UE.

    Args:
        log: whose messages.
        context: `interleaved` or `per-ue`.
        replayed: the automaton over the log, which tells what the network begins; None: run here.

    Returns:
        Streams of two messages and more.
    """
    replayed = replayed or replay(log, first_five_qis_in(log))
    is_begun = np.zeros(len(log), bool)
    is_begun[[one.place for one in replayed.scored if not one.is_answer]] = True
    ues = log.column("ue").astype(np.int64)
    codes, bits = codes_of(log.records), bits_of(log.records)
    groups = [np.flatnonzero(ues >= 0)]
    if context == "per-ue":
        groups = [np.flatnonzero(ues == ue) for ue in np.unique(ues[ues >= 0])]
    return [
        Stream(chosen, codes[chosen], bits[chosen], ues[chosen], is_begun[chosen])
        for chosen in groups
        if len(chosen) > 1
    ]


def window_of(stream: Stream, start: int, length: int, slots: Sequence[int]) -> Window:
    """The window of a stream that begins at a message.

    Args:
        stream: whose messages.
        start: the first message.
        length: positions; what the stream does not fill has weight 0.
        slots: numbers for the UEs of the window, in the order in which they appear; permuted by the
            caller, so that a number says nothing of a UE.

    Returns:
        The window.
    """
    stop = min(start + length, len(stream) - 1)
    here, after = slice(start, stop), slice(start + 1, stop + 1)
    given: dict[int, int] = {}
    numbers = np.array(
        [slots[given.setdefault(ue, len(given)) % len(slots)] for ue in
         stream.ues[start : stop + 1].tolist()],
        np.int64,
    )  # fmt: skip
    targets, is_core = stream.codes[after].copy(), stream.is_from_core[after]
    decisions = np.where(is_core, targets[:, _DECISION], 0)
    targets[~is_core] = 0
    targets[~is_core, 0] = END
    pad = length - (stop - start)
    columns: list[NDArray[Any]] = [
        stream.codes[here], stream.bits[here], numbers[:-1], numbers[1:],
        (stream.is_begun[after] & is_core).astype(np.int64), decisions, targets,
        np.where(is_core[:, None], stream.bits[after], 0).astype(np.uint8),
        np.ones(stop - start, np.float32),
    ]  # fmt: skip
    if pad:
        columns = [np.pad(one, [(0, pad)] + [(0, 0)] * (one.ndim - 1)) for one in columns]
    return Window(*columns)


def judged_windows(
    stream: Stream, length: int, slots: Sequence[int]
) -> Iterator[tuple[Window, int, int]]:
    """Windows that cover a stream, so that every message is a target once.

    Every target but those of the first window has at least half a window before it.

    Args:
        stream: that is covered.
        length: positions of a window.
        slots: see `window_of`.

    Yields:
        A window, its first message in the stream, and the first of its positions that counts.
    """
    step = max((length + 1) // 2, 1)
    yield window_of(stream, 0, length, slots), 0, 0
    covered = length
    while covered < len(stream) - 1:
        start = covered + step - length
        yield window_of(stream, start, length, slots), start, covered - start
        covered = start + length
