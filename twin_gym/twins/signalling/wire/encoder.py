"""Messages of a log in bytes, one after another.

What the vector of a message does not tell and its bytes need, such as the sessions in the list of a
hand-over or the sequence number of the security header, follows from the messages before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from twin_gym.errors import ConfigError
from twin_gym.twins.signalling.kinds import FIVE_QIS, Link, element_bits, kind_code
from twin_gym.twins.signalling.message import INITIAL_REGISTRATION, Message, SNssai
from twin_gym.twins.signalling.wire.nas import encode_nas
from twin_gym.twins.signalling.wire.nas_contents import nas_of
from twin_gym.twins.signalling.wire.network import (
    SessionState,
    Situation,
    amf,
    gnb,
    smf,
    upf,
)
from twin_gym.twins.signalling.wire.ngap import encode_ngap
from twin_gym.twins.signalling.wire.ngap_contents import ngap_of
from twin_gym.twins.signalling.wire.pfcp import encode_pfcp
from twin_gym.twins.signalling.wire.pfcp_contents import pfcp_of
from twin_gym.twins.signalling.wire.transport import NGAP, PFCP, Endpoint, Payload

_SEQUENCES = 256
_UPLINK = frozenset({Link.N1_UPLINK, Link.N2_UPLINK, Link.N4_UPLINK})
_ACCEPT = kind_code(
    "PDUSessionResourceSetupRequest[DL NAS transport[PDU session establishment accept]]"
)
_SET_UP = kind_code("PDUSessionResourceSetupResponse")
_RELEASED = kind_code("PDUSessionResourceReleaseResponse")
_REGISTRATION = kind_code("InitialUEMessage[Registration request]")
_SECURED = kind_code("DownlinkNASTransport[Security mode command]")
_LIST = element_bits("PDU Session Resource Setup List")


def endpoints(message: Message) -> tuple[Endpoint, Endpoint]:
    """Sender and receiver of a message, in the test network."""
    link = message.described.link
    if link in (Link.N4_DOWNLINK, Link.N4_UPLINK):
        sides = upf(), smf()
    else:
        sides = gnb(max(message.gnb, 0)), amf()
    return sides if link in _UPLINK else sides[::-1]


class Encoder:
    """Writes the messages of a log, in their order.

    Args:
        slices: those that `s_nssai` numbers, from 1.
    """

    def __init__(self, slices: tuple[SNssai, ...] = ()) -> None:
        self._slices = slices
        self._sessions: dict[int, dict[int, SessionState]] = defaultdict(dict)
        self._accepted: dict[tuple[int, int], SessionState] = {}
        self._sequences: dict[tuple[int, bool], int] = {}

    def content(self, message: Message) -> bytes:
        """The bytes of the next message.

        Args:
            message: of the log.

        Returns:
            A message of NGAP or PFCP.

        Raises:
            ConfigError: if a field does not fit its place, such as an identity out of its range.
            MissingExtraError: if pycrate is not installed.
        """
        kind = message.described
        try:
            if kind.pfcp:
                return encode_pfcp(pfcp_of(message))
            situation = self._situation(message)
            content = encode_ngap(ngap_of(message, situation))
        except (OverflowError, ValueError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError(f"{kind.name} cannot be written in bytes: {error}") from None
        self._follow(message)
        return content

    def payload(self, message: Message, start_ns: int = 0) -> Payload:
        """The next message with its sender, its receiver and its time.

        Args:
            message: of the log.
            start_ns: time at which the log begins, ns since 1970.

        Returns:
            What a packet carries.

        Raises:
            ConfigError: as for `content`.
            MissingExtraError: if pycrate is not installed.
        """
        source, target = endpoints(message)
        is_n4 = bool(message.described.pfcp)
        stream = 0 if is_n4 or message.ue < 0 or message.described.ngap == "Paging" else 1
        return Payload(
            0, start_ns + message.time_ns, PFCP if is_n4 else NGAP, source, target,
            self.content(message), stream=stream,
        )  # fmt: skip

    def _situation(self, message: Message) -> Situation:
        sessions = tuple(one for _, one in sorted(self._sessions[message.ue].items()))
        if not message.described.nas:
            return Situation(self._slices, sessions)
        key = message.ue, message.described.is_from_core
        if message.kind == _SECURED:
            self._sequences[key] = self._sequences[message.ue, False] = -1
        number = 0
        nas = nas_of(message, Situation(self._slices, sessions))
        if nas.security is not None:
            number = (self._sequences.get(key, -1) + 1) % _SEQUENCES
            self._sequences[key] = number
            nas = nas_of(message, Situation(self._slices, sessions, number))
        return Situation(self._slices, sessions, number, encode_nas(nas))

    def _follow(self, message: Message) -> None:
        """Keeps the sessions that are active."""
        sessions, number = self._sessions[message.ue], message.pdu_session_id
        if message.kind == _ACCEPT:
            s_nssai = Situation(self._slices).slice_of(message.s_nssai)
            five_qi = FIVE_QIS[message.five_qi] or FIVE_QIS[1]
            self._accepted[message.ue, number] = SessionState(number, s_nssai, five_qi)
        elif message.kind == _SET_UP and message.presence & _LIST:
            known = self._accepted.get((message.ue, number))
            s_nssai = self._slices[0] if self._slices else SNssai(1)
            state = known or SessionState(number, s_nssai)
            sessions[number] = SessionState(number, state.s_nssai, state.five_qi, message.teid)
        elif message.kind == _RELEASED:
            sessions.pop(number, None)
        elif message.kind == _REGISTRATION and message.registration_type == INITIAL_REGISTRATION:
            sessions.clear()


def encode_log(
    messages: Iterable[Message], slices: tuple[SNssai, ...] = (), start_ns: int = 0
) -> Iterator[Payload]:
    """The messages of a log in bytes.

    Args:
        messages: in their order.
        slices: those that `s_nssai` numbers, from 1.
        start_ns: time at which the log begins, ns since 1970.

    Yields:
        What packets carry.

    Raises:
        ConfigError: if a field does not fit its place.
        MissingExtraError: if pycrate is not installed.
    """
    encoder = Encoder(slices)
    for message in messages:
        yield encoder.payload(message, start_ns)
