"""The process of a submission: it imports the class and answers one question after another.

It is started by `benchmarks.submissions.running` with limits and an environment of its own. Nothing
that it says is believed: actions are checked where the environment is.
"""

from __future__ import annotations

import importlib
import socket
import sys
import traceback
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.submissions.wire import AnyArray, Message, packed, read

_MAX_TRACEBACK = 3_000


@dataclass
class Served:
    """The agent of a submission.

    Attributes:
        entry: `module:Class`.
        agent: what the class gave for the scenario that was asked for last.
    """

    entry: str
    agent: Any = None

    def answer(self, message: Message, arrays: list[AnyArray]) -> bytes:
        """Does what is asked.

        Args:
            message: `do` is `make`, `reset` or `act`.
            arrays: observations and masks, to act.

        Returns:
            A frame.
        """
        match message["do"]:
            case "make":
                from twin_gym.scenario.loading import parse

                module, _, name = self.entry.partition(":")
                made_by = getattr(importlib.import_module(module), name)
                self.agent = made_by(parse(message["scenario"]), **message["more"])
            case "reset":
                self.agent.reset(message["seed"])
            case _:
                return _actions(self.agent.actions(*arrays))
        return packed({"ok": True})


def main(descriptor: int, entry: str, folder: str) -> None:
    """Answers until the board hangs up.

    Args:
        descriptor: of the socket.
        entry: `module:Class`.
        folder: of the submission's files.
    """
    channel = socket.socket(fileno=descriptor)
    channel.set_inheritable(False)
    import twin_gym.scenario  # noqa: F401 - before the submission can put its own in the way

    sys.path.insert(0, folder)
    served = Served(entry)

    def read_exactly(count: int) -> bytearray:
        return _read_exactly(channel, count)

    while True:
        message, arrays = read(read_exactly)
        try:
            reply = served.answer(message, arrays)
        except BaseException:  # also SystemExit: the reason is wanted
            reply = packed({"error": traceback.format_exc()[-_MAX_TRACEBACK:]})
        channel.sendall(reply)


def _actions(chosen: object) -> bytes:
    """A frame of what the agent chose, of whatever type and shape: the board judges it."""
    actions = np.asarray(chosen)
    if actions.dtype.kind not in "biuf":
        raise TypeError(f"actions are whole numbers, got an array of {actions.dtype}")
    return packed({"ok": True}, [actions])


def _read_exactly(channel: socket.socket, count: int) -> bytearray:
    content = bytearray(count)
    view = memoryview(content)
    while view:
        got = channel.recv_into(view)
        if got == 0:
            raise SystemExit(0)  # the board has hung up
        view = view[got:]
    return content
