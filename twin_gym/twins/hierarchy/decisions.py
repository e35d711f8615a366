"""Decisions of a policy on sessions, told at the message that they lead to."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from twin_gym.twins.hierarchy.peers import ESTABLISH, REJECT, REQUEST
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import NOT_ASKED


def late_decisions(log: MessageLog, *, is_hidden: bool = False) -> MessageLog:
    """The log as a control plane takes its decisions: the request comes first, and waits.

    A log of the emulator or of a capture tells a decision at the request of the session if it was
    taken at once. Here it stands at the N4 establishment or the reject, as a recorder tells it.

    Args:
        log: of any source.
        is_hidden: whether decisions on sessions are left out.

    Returns:
        The same messages.
    """
    records = log.records.copy()
    kinds, ues, decisions = records["kind"], records["ue"], records["decision"]
    taken: dict[int, deque[int]] = {}
    for place in range(len(records)):
        kind, ue = int(kinds[place]), int(ues[place])
        if kind == REQUEST and decisions[place] != NOT_ASKED:
            taken.setdefault(ue, deque()).append(int(decisions[place]))
            decisions[place] = NOT_ASKED
        elif kind in (ESTABLISH, REJECT):
            if decisions[place] == NOT_ASKED and taken.get(ue):
                decisions[place] = taken[ue].popleft()
            if is_hidden:
                decisions[place] = NOT_ASKED
    return replace(log, records=records)
