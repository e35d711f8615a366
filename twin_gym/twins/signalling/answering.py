"""What the core answers to a request, given all that it has heard and said before.

The answers are those of the exact automaton: kinds, causes and elements, without the identities
that a database allocates.
"""

from __future__ import annotations

from collections.abc import Sequence

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.grammar import short_name
from twin_gym.twins.signalling.kinds import FIVE_QIS, KINDS, kind_code
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.message import Message
from twin_gym.twins.signalling.replay import Dialogue

_ACCEPT = kind_code(
    "PDUSessionResourceSetupRequest[DL NAS transport[PDU session establishment accept]]"
)
_DEFAULT_FIVE_QI = 9


def answers_to(
    history: MessageLog, request: Message, five_qis: Sequence[int]
) -> tuple[Message, ...]:
    """The messages that the core sends when it receives a request.

    Args:
        history: the messages before, of all UEs.
        request: to the core, of a UE, with the verdict and the decision on it.
        five_qis: by slice, the 5QI with which sessions begin.

    Returns:
        In order, without time and identities; none, if the core waits for something else.

    Raises:
        ConfigError: if the request is not to the core, or not expected after this history.

    Example:
        >>> log = MessageLog.of([])
        >>> code = kind_code("InitialUEMessage[Registration request]")
        >>> [one.name for one in answers_to(log, Message(0, code, 0, registration_type=1), ())]
        ['DownlinkNASTransport[Authentication request]']
    """
    if KINDS[request.kind].is_from_core or request.ue < 0:
        raise ConfigError(
            f"the core answers messages that a UE, its base station or the UPF sends, got "
            f"{request.name} of UE {request.ue}: choose another message"
        )
    dialogue = Dialogue(tuple(FIVE_QIS.index(value) for value in five_qis))
    for place, record in enumerate(history.records):
        if record["ue"] == request.ue:
            dialogue.take(place, Message.of(record))
    before, num_unexpected = len(dialogue.queue), len(dialogue.unexpected)
    dialogue.take(len(history), request)
    if len(dialogue.unexpected) > num_unexpected:
        raise ConfigError(
            f"{short_name(request.kind)} is not expected after this history: "
            f"{dialogue.unexpected[-1][1]}"
        )
    return tuple(entry[0].message for entry in list(dialogue.queue)[before:])


def first_five_qis_in(log: MessageLog) -> tuple[int, ...]:
    """By slice, the 5QI of its first session in a log; 9 for a slice that has none."""
    found: dict[int, int] = {}
    for record in log.records[log.records["kind"] == _ACCEPT]:
        found.setdefault(int(record["s_nssai"]), FIVE_QIS[int(record["five_qi"])])
    numbers = range(1, len(log.slices) + 1)
    return tuple(found.get(number) or _DEFAULT_FIVE_QI for number in numbers)
