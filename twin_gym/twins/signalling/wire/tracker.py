"""Whose message is it: UEs out of the identities of NGAP, NAS and PFCP, in the order of a capture.

The tracker follows the identities as a tap at the core can: RAN-UE-NGAP-ID at a base station,
AMF-UE-NGAP-ID, 5G-TMSI once the core has assigned it, the concealed identifier of the subscription,
SEIDs of both sides, and sequence numbers of PFCP.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from math import inf

from twin_gym.twins.signalling.wire.nas_fields import NasFields
from twin_gym.twins.signalling.wire.ngap_fields import NgapFields
from twin_gym.twins.signalling.wire.pfcp import PfcpMessage
from twin_gym.twins.signalling.wire.pfcp_contents import PfcpFields
from twin_gym.twins.signalling.wire.transport import Endpoint

NOBODY = -1

_ESTABLISHMENT, _LAST_NODE_TYPE = 50, 49
_USER_DIGITS = 5
_OF_NODES = frozenset(
    {"NGSetupRequest", "NGSetupResponse", "NGSetupFailure", "AMFStatusIndication"}
)
# Messages of a UE at a base station that may have had its identity for another UE before.
_ARRIVALS = frozenset({
    "HandoverRequest", "HandoverRequestAcknowledge", "HandoverFailure", "PathSwitchRequest",
})  # fmt: skip


@dataclass
class _Wait:
    """A session that a UE asked for, with the places of the request and of its answer."""

    asked: int
    session: int
    ended: float = inf
    is_accepted: bool = False


@dataclass
class Tracker:
    """Gives every message the number of its UE, in the order of first appearance.

    Attributes:
        num_ues: numbers that were given.
        same_as: numbers that turned out to be of another UE, by number.
    """

    num_ues: int = 0
    same_as: dict[int, int] = field(default_factory=dict)
    _contexts: dict[tuple[int, int], int] = field(default_factory=dict)
    _amf_ids: dict[int, int] = field(default_factory=dict)
    _tmsis: dict[int, int] = field(default_factory=dict)
    _supis: dict[bytes, int] = field(default_factory=dict)
    _users: dict[bytes, int] = field(default_factory=dict)
    _moving: list[int] = field(default_factory=list)
    _waits: dict[int, list[_Wait]] = field(default_factory=dict)
    _seids: dict[Hashable, int] = field(default_factory=dict)
    _exchanges: dict[Hashable, int] = field(default_factory=dict)
    _tunnels: dict[tuple[int, int], list[tuple[int, int]]] = field(default_factory=dict)

    def owner(self, number: int) -> int:
        """The number that a UE has in the end."""
        while number in self.same_as:
            number = self.same_as[number]
        return number

    def of_ngap(
        self, place: int, name: str, gnb: int, ngap: NgapFields, nas: NasFields | None
    ) -> int:
        """The UE of a message on N1 or N2; these are asked for before those on N4.

        Args:
            place: of the message in the capture.
            name: of the NGAP message.
            gnb: number of the base station.
            ngap: fields of the NGAP message.
            nas: fields of the NAS message in it.

        Returns:
            Its number, or `NOBODY`.
        """
        if name in _OF_NODES:
            return NOBODY
        ue = self._known(name, gnb, ngap, nas)
        if ue is None:
            ue = self.num_ues
            self.num_ues += 1
        self._remember(name, gnb, ue, ngap, nas)
        if nas is not None and nas.ue_address:
            self._tunnels.setdefault((nas.ue_address, ngap.teid), []).append((place, ue))
        return ue

    def _known(self, name: str, gnb: int, ngap: NgapFields, nas: NasFields | None) -> int | None:
        if name == "Paging":
            return self._tmsis.get(ngap.tmsi)
        if name == "InitialUEMessage":
            by_supi = None if nas is None or not nas.supi else self._supis.get(nas.supi)
            tmsi = ngap.tmsi if nas is None or nas.tmsi < 0 else nas.tmsi
            return by_supi if by_supi is not None else self._tmsis.get(tmsi)
        if name == "HandoverRequest" and ngap.amf_ue_ngap_id not in self._amf_ids and self._moving:
            return self._moving[-1]
        by_context = self._contexts.get((gnb, ngap.ran_ue_ngap_id))
        by_amf = self._amf_ids.get(ngap.amf_ue_ngap_id)
        first, second = (by_amf, by_context) if name in _ARRIVALS else (by_context, by_amf)
        return second if first is None else first

    def _remember(
        self, name: str, gnb: int, ue: int, ngap: NgapFields, nas: NasFields | None
    ) -> None:
        if ngap.ran_ue_ngap_id >= 0 and name != "Paging":
            self._contexts[gnb, ngap.ran_ue_ngap_id] = ue
        if ngap.amf_ue_ngap_id >= 0:
            self._amf_ids[ngap.amf_ue_ngap_id] = ue
        if name == "HandoverRequired":
            self._moving.append(ue)
        if name == "HandoverRequest" and ue in self._moving:
            self._moving.remove(ue)
        if nas is None:
            return
        if nas.supi:
            self._identify(ue, nas.supi)
        if nas.tmsi >= 0:
            self._tmsis[nas.tmsi] = ue

    def _identify(self, ue: int, supi: bytes) -> None:
        """A UE says who it is: an earlier number may be the same UE."""
        before = self._supis.setdefault(supi, ue)
        self._users.setdefault(supi[-_USER_DIGITS:], before)
        if self.owner(before) != self.owner(ue):
            self.same_as[self.owner(ue)] = self.owner(before)

    def asks_for_session(self, place: int, ue: int, session: int) -> None:
        """Notes that a UE has asked for a PDU session, if it has not asked for it before."""
        waits = self._waits.setdefault(ue, [])
        if not any(one.session == session and one.ended == inf for one in waits):
            waits.append(_Wait(place, session))

    def has_answer(self, place: int, ue: int, session: int, *, is_accepted: bool) -> None:
        """Notes that a session that a UE asked for is accepted or rejected."""
        for wait in self._waits.get(ue, ()):
            if wait.session == session and wait.ended == inf:
                wait.ended, wait.is_accepted = place, is_accepted

    def of_pfcp(
        self, place: int, source: Endpoint, target: Endpoint, pfcp: PfcpMessage, fields: PfcpFields
    ) -> int:
        """The UE of a message on N4.

        Args:
            place: of the message in the capture.
            source: sender.
            target: receiver.
            pfcp: the message.
            fields: in it.

        Returns:
            Its number, or `NOBODY` if it is about nodes or the UE is not known.
        """
        if pfcp.type <= _LAST_NODE_TYPE:
            return NOBODY
        is_request = pfcp.type % 2 == 0
        if is_request:
            ue = self._of_request(place, target, pfcp, fields)
            self._exchanges[source.address, target.address, pfcp.sequence] = ue
        else:
            ue = self._exchanges.get((target.address, source.address, pfcp.sequence), NOBODY)
        if fields.f_seid and ue != NOBODY:
            self._seids[source.address, fields.f_seid] = ue
        return ue

    def _of_request(
        self, place: int, target: Endpoint, pfcp: PfcpMessage, fields: PfcpFields
    ) -> int:
        if pfcp.type != _ESTABLISHMENT:
            return self._seids.get((target.address, fields.seid), NOBODY)
        later = self._tunnels.get((fields.ue_address, fields.teid), ())
        ue = self._users.get(fields.user) if fields.user else None
        if ue is None:
            ue = next((one for where, one in later if where > place), None)
        return self._soonest_rejected(place) if ue is None else ue

    def _soonest_rejected(self, place: int) -> int:
        """The UE whose session the core tries in vain: the next one to be rejected."""
        waits = [
            (wait.ended, wait.asked, ue)
            for ue, waits in self._waits.items()
            for wait in waits
            if wait.asked < place < wait.ended and not wait.is_accepted
        ]
        return min(waits)[-1] if waits else NOBODY
