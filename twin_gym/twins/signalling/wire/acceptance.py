"""Which messages of a log the grammar does not accept, those of associations too."""

from __future__ import annotations

from twin_gym.twins.signalling.grammar import TABLE, Transition, event_of
from twin_gym.twins.signalling.kinds import FIVE_QIS, KINDS
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.theory import replay

_FIRST_STATES = {"gnb": "DOWN", "upf": "APART"}


def unexpected_messages(log: MessageLog) -> tuple[tuple[int, str], ...]:
    """The messages that the grammar does not accept where they stand.

    Messages of a UE go through the automaton of the core; those of base stations and of the UPF
    through the machines of their associations. A message that the table has nowhere in that state
    leaves the state as it is.

    Args:
        log: of an emulation or a capture.

    Returns:
        Place in the log and reason of each; none, if the grammar accepts all.
    """
    found = dict(replay(log, (FIVE_QIS[1],) * len(log.slices)).unexpected)
    machines: dict[tuple[str, int], _Association] = {}
    for place, message in enumerate(map(Message.of, log.records)):
        if message.ue >= 0:
            continue
        name = "upf" if KINDS[message.kind].pfcp else "gnb"
        machine = machines.setdefault((name, message.gnb), _Association(name))
        if not machine.accepts(message):
            reason = f"{name} in {machine.state} does not expect: {message.name}"
            found.setdefault(place, reason)
    return tuple(sorted(found.items()))


class _Association:
    """An association of a base station or of the UPF with the core."""

    def __init__(self, machine: str) -> None:
        self.machine = machine
        self.state = _FIRST_STATES[machine]
        self._owed: list[int] = []

    def accepts(self, message: Message) -> bool:
        """Moves by a message; False: it is not expected."""
        if KINDS[message.kind].is_from_core and message.kind in self._owed:
            self._owed.remove(message.kind)
            return True
        row = self._row(message)
        if row is None:
            return False
        self.state = row.next_state
        answers = [answer.kind for answer in row.answers]
        self._owed += answers[1:] if KINDS[message.kind].is_from_core else answers
        return True

    def _row(self, message: Message) -> Transition | None:
        """The transition that a message is, or that makes the core send it."""
        rows = (row for row in TABLE if (row.machine, row.state) == (self.machine, self.state))
        for row in rows:
            if KINDS[message.kind].is_from_core:
                is_begun = row.event.startswith("trigger ") or row.event.endswith(" expires")
                if is_begun and row.answers and row.answers[0].kind == message.kind:
                    return row
            elif row.event == event_of(message):
                return row
        return None
