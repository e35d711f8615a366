"""A log of signalling messages: columns, a choice of UEs, and a file without pickle."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin_gym.errors import ConfigError
from twin_gym.files.whole import replacing
from twin_gym.twins.signalling.kinds import CAUSES, FIVE_QIS, KINDS
from twin_gym.twins.signalling.message import (
    MAX_SESSION_ID,
    MESSAGE_DTYPE,
    Message,
    SNssai,
    to_vectors,
)

MAX_LOG_BYTES = 2_000_000_000
"""Largest file of a log that is read."""

_FORMAT = 1
_DAMAGE = (
    ValueError, KeyError, TypeError, AttributeError, OSError, EOFError, MemoryError,
    RuntimeError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What NumPy, zip files and JSON raise where an archive is damaged or is none."""

_UPPER = {
    "kind": len(KINDS) - 1,
    "pdu_session_id": MAX_SESSION_ID,
    "cause": len(CAUSES) - 1,
    "decision": len(CAUSES) - 1,
    "five_qi": len(FIVE_QIS) - 1,
    "verdict": 2,
}


@dataclass(frozen=True, eq=False)
class MessageLog:
    """Messages in the order in which the tap at the core sees them.

    Attributes:
        records: the messages as `MESSAGE_DTYPE`; shape (messages,).
        slices: the slices that `s_nssai` numbers, from 1.
        scenario: name of the scenario, or where the messages come from.
        seed: of the world, -1 if it is not known.
        not_understood: messages or packets of the source that are not in the log, counted by why.
    """

    records: NDArray[np.void]
    slices: tuple[SNssai, ...] = ()
    scenario: str = ""
    seed: int = -1
    not_understood: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.records.dtype != MESSAGE_DTYPE or self.records.ndim != 1:
            raise ConfigError(
                f"messages are records of MESSAGE_DTYPE in one dimension, got "
                f"{self.records.dtype} of shape {self.records.shape}"
            )
        for name, most in (*_UPPER.items(), ("s_nssai", len(self.slices))):
            largest = int(self.records[name].max(initial=0))
            if largest > most:
                raise ConfigError(f"`{name}` of a message is at most {most}, got {largest}")
        if np.any(np.diff(self.records["time_ns"]) < 0):
            raise ConfigError("messages of a log are in the order of time: sort them by `time_ns`")

    @classmethod
    def of(cls, messages: Iterable[Message], **about: Any) -> MessageLog:
        """A log of messages that are in order; `about` are the other attributes."""
        rows = [message.as_tuple() for message in messages]
        return cls(np.array(rows, MESSAGE_DTYPE), **about)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, number: int) -> Message:
        return Message.of(self.records[number])

    def column(self, name: str) -> NDArray[Any]:
        """One field of all messages, such as `cause`; shape (messages,)."""
        return self.records[name]

    def of_ues(self, ues: ArrayLike) -> MessageLog:
        """The messages of these UEs alone, in their order."""
        chosen = self.records[np.isin(self.records["ue"], np.asarray(ues))]
        return self._with(chosen)

    def with_slices(self, slices: Sequence[SNssai]) -> MessageLog:
        """The same messages, with slices numbered in another order.

        A capture numbers slices as they appear, a network as its scenario has them.

        Args:
            slices: all slices of the log, and others.

        Raises:
            ConfigError: if a slice of the log is not among them.
        """
        missing = [str(one) for one in self.slices if one not in slices]
        if missing:
            raise ConfigError(
                f"the log has the slices {', '.join(missing)}, which are not among "
                f"{', '.join(map(str, slices))}: name every slice of the log"
            )
        numbers = np.array([0, *(1 + slices.index(one) for one in self.slices)], np.uint8)
        records = self.records.copy()
        records["s_nssai"] = numbers[records["s_nssai"]]
        return MessageLog(records, tuple(slices), self.scenario, self.seed, self.not_understood)

    def between(self, start_s: float, stop_s: float) -> MessageLog:
        """The messages from one time, inclusive, to another, exclusive."""
        first, last = np.searchsorted(self.records["time_ns"], [start_s * 1e9, stop_s * 1e9])
        return self._with(self.records[first:last])

    def to_vectors(self) -> NDArray[np.uint8]:
        """The messages as binary vectors; see `twin_gym.twins.signalling.message.to_vectors`."""
        return to_vectors(self.records)

    def save(self, path: str | Path) -> None:
        """Writes a compressed NumPy archive that holds no pickle; a former file stays until then.

        Raises:
            OSError: if it cannot be written.
        """
        about = {
            "format": _FORMAT,
            "slices": [[one.sst, one.sd] for one in self.slices],
            "scenario": self.scenario,
            "seed": self.seed,
            "not_understood": dict(self.not_understood),
            "kinds": [kind.name for kind in KINDS],
        }
        columns = {name: self.records[name] for name in MESSAGE_DTYPE.names or ()}
        with replacing(Path(path)) as file:
            np.savez_compressed(file, allow_pickle=False, about=json.dumps(about), **columns)

    def to_pcap(self, path: str | Path) -> None:
        """Writes a capture that other tools open; see `twin_gym.twins.signalling.wire.write_pcap`.

        Raises:
            ConfigError: if a field of a message does not fit its place.
            MissingExtraError: if the extra `signalling` is not installed.
        """
        from twin_gym.twins.signalling.wire import write_pcap

        write_pcap(self, path)

    @classmethod
    def load(cls, path: str | Path) -> MessageLog:
        """The log that `save` wrote.

        Raises:
            ConfigError: if the file is too large, of another format, or no log.
        """
        if Path(path).stat().st_size > MAX_LOG_BYTES:
            raise ConfigError(f"{path} is larger than {MAX_LOG_BYTES:,} bytes: cut the log")
        try:
            # NumPy leaves a file open that it cannot read.
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
                about = dict(json.loads(str(archive["about"])))
                slices = tuple(_s_nssai(*one) for one in about["slices"])
                told = (str(about["scenario"]), int(about["seed"]), dict(about["not_understood"]))
                records = _records_of(archive)
        except _DAMAGE as error:
            reason = " ".join(str(error).split("\n")[0].split()) or type(error).__name__
            raise ConfigError(
                f"{path} is no log of messages, or damaged ({reason}): record or decode it again"
            ) from None
        if about.get("format") != _FORMAT or about.get("kinds") != [one.name for one in KINDS]:
            raise ConfigError(
                f"{path} has another vocabulary than this version: emulate or decode it again"
            )
        return cls(records, slices, *told)

    def _with(self, records: NDArray[np.void]) -> MessageLog:
        return MessageLog(records, self.slices, self.scenario, self.seed, self.not_understood)


def _s_nssai(sst: int, sd: int | None) -> SNssai:
    return SNssai(int(sst), None if sd is None else int(sd))


def _records_of(archive: Mapping[str, NDArray[Any]]) -> NDArray[np.void]:
    """The columns of an archive as records.

    Raises:
        ValueError: if a column has another length, or values that its field cannot hold.
    """
    records = np.empty(archive["time_ns"].shape, MESSAGE_DTYPE)
    for name in MESSAGE_DTYPE.names or ():
        column = archive[name]
        if column.dtype != MESSAGE_DTYPE[name] or column.shape != records.shape:
            raise ValueError(f"`{name}` is {column.dtype} of shape {column.shape}")
        records[name] = column
    return records
