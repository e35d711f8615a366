"""Writes the messages of an emulation: what each carries, in the order of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin_gym.twins.signalling.contents import (
    BUFFERS,
    CONTENTS,
    HAS_SESSIONS,
    WAITING_CAUSES,
    WAITS,
    presence_of,
)
from twin_gym.twins.signalling.entities import Path, Session, Ue
from twin_gym.twins.signalling.grammar import SHORT_NAMES
from twin_gym.twins.signalling.kinds import KINDS, Link
from twin_gym.twins.signalling.message import MESSAGE_DTYPE, NO_VERDICT, NOT_ASKED

Row = tuple[int, ...]

_SESSION, _PTI, _SLICE, _HOME, _CAUSE, _FIVE_QI, _REQUEST = 1, 2, 4, 8, 16, 32, 64
_REGISTRATION, _LIST, _TMSI, _TARGET, _TEID, _ADDRESS = 128, 256, 512, 1024, 2048, 4096
_NO_RAN, _NO_AMF, _F_SEID = 8192, 16384, 32768
_FLAGS = {
    "pdu_session_id": _SESSION,
    "pti": _PTI,
    "cause": _CAUSE,
    "five_qi": _FIVE_QI,
    "request_type": _REQUEST,
    "registration_type": _REGISTRATION,
    "active_sessions": _LIST,
    "tmsi": _TMSI,
    "target_gnb": _TARGET,
    "teid": _TEID,
    "ue_address": _ADDRESS,
    "f_seid": _F_SEID,
}


def _flags(kind: int) -> int:
    fields = CONTENTS[kind].fields
    flags = sum(_FLAGS.get(field, 0) for field in fields)
    if "s_nssai" in fields:
        flags |= _SLICE if "pdu_session_id" in fields else _HOME
    if KINDS[kind].ngap == "InitialUEMessage":
        flags |= _NO_AMF
    if KINDS[kind].ngap in ("HandoverRequest", "HandoverFailure"):
        flags |= _NO_RAN
    return flags | (_NO_RAN | _NO_AMF if KINDS[kind].ngap == "Paging" else 0)


FIELD_FLAGS = tuple(_flags(kind.code) for kind in KINDS)
IS_FROM_RAN = tuple(kind.link in (Link.N1_UPLINK, Link.N2_UPLINK) for kind in KINDS)
_TO_CORE_REQUESTS = SHORT_NAMES["PFCP Session Report Request"]
_ESTABLISHMENT = SHORT_NAMES["PFCP Session Establishment Request"]
_REQUESTS = frozenset(kind.code for kind in KINDS if kind.pfcp.endswith("Request"))


class LogWriter:
    """Collects messages in any order.

    `rows` are in the order of `MESSAGE_DTYPE`; in the place of the sequence number of PFCP stands
    the number of the exchange, which `records` replaces.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._num_exchanges = 0

    def new_exchange(self) -> int:
        """A number for a PFCP request and its response."""
        self._num_exchanges += 1
        return self._num_exchanges

    def write_n2(
        self, time_ns: int, kind: int, ue: Ue, path: Path, session: Session | None = None,
        cause: int = 0, verdict: int = NO_VERDICT, decision: int = NOT_ASKED, conditions: int = 0,
        target: int = -1,
    ) -> None:  # fmt: skip
        """A message of a UE on N1 or N2, over a path of its."""
        flags = FIELD_FLAGS[kind]
        conditions |= ue.conditions | (HAS_SESSIONS if ue.active_sessions else 0)
        number = pti = s_nssai = five_qi = request = teid = address = 0
        if session is not None:
            conditions |= session.conditions
            number = session.number
            pti = session.pti if flags & _PTI else 0
            five_qi = session.five_qi if flags & _FIVE_QI else 0
            request = session.request_type if flags & _REQUEST else 0
            s_nssai = session.s_nssai if flags & _SLICE else 0
            if flags & _TEID:
                teid = session.gnb_teid if IS_FROM_RAN[kind] else session.teid
            address = session.ue_address if flags & _ADDRESS else 0
        if flags & _HOME:
            s_nssai = ue.s_nssai
        if cause in WAITING_CAUSES:
            conditions |= WAITS
        self.rows.append(
            (
                time_ns, kind, ue.number, path.gnb, target,
                -1 if flags & _NO_RAN else path.ran_ue_ngap_id,
                -1 if flags & _NO_AMF else path.amf_ue_ngap_id,
                0, 0, -1, teid, address, ue.tmsi if flags & _TMSI else -1, number, pti, s_nssai,
                cause if flags & _CAUSE else 0, five_qi, request,
                ue.registration_type if flags & _REGISTRATION else 0,
                ue.active_sessions if flags & _LIST else 0,
                presence_of(kind, conditions), verdict, decision,
            )
        )  # fmt: skip

    def write_n4(
        self, time_ns: int, kind: int, ue: Ue, session: Session, cause: int = 0, conditions: int = 0
    ) -> None:
        """A message of a session on N4."""
        flags = FIELD_FLAGS[kind]
        is_from_smf = KINDS[kind].is_from_core
        seid = session.upf_seid if is_from_smf else session.smf_seid
        f_seid = teid = address = 0
        if kind == _ESTABLISHMENT:
            seid, f_seid, teid = 0, session.smf_seid, session.teid
            address = session.ue_address
        elif flags & _F_SEID:
            f_seid = session.upf_seid if conditions else 0
        elif flags & _TEID and not conditions & BUFFERS:
            teid = session.gnb_teid
        self.rows.append(
            (
                time_ns, kind, ue.number, -1, -1, -1, -1, seid, f_seid, session.exchange, teid,
                address, -1, 0, 0, 0, cause if flags & _CAUSE else 0, 0, 0, 0, 0,
                presence_of(kind, conditions), NO_VERDICT, NOT_ASKED,
            )
        )  # fmt: skip

    def write_node(
        self, time_ns: int, kind: int, gnb: int = -1, exchange: int = -1, cause: int = 0
    ) -> None:
        """A message of an association, of no UE."""
        self.rows.append(
            (
                time_ns, kind, -1, gnb, -1, -1, -1, 0, 0, exchange, 0, 0, -1, 0, 0, 0, cause,
                0, 0, 0, 0, 0, NO_VERDICT, NOT_ASKED,
            )
        )  # fmt: skip

    def records(self, horizon_ns: int) -> NDArray[np.void]:
        """The messages before the horizon in the order of time, with sequence numbers of PFCP."""
        records = np.array(self.rows, MESSAGE_DTYPE)
        records = records[records["time_ns"] < horizon_ns]
        records = records[np.lexsort((records["ue"], records["time_ns"]))]
        number_exchanges(records)
        return records


def number_exchanges(records: NDArray[np.void]) -> None:
    """Replaces numbers of exchanges by sequence numbers: SMF and UPF each count their requests."""
    kinds, exchanges = records["kind"], records["pfcp_sequence"]
    sequence = np.full(int(exchanges.max(initial=0)) + 1, -1, np.int64)
    is_request = np.isin(kinds, list(_REQUESTS)) & (exchanges >= 0)
    is_of_upf = kinds == _TO_CORE_REQUESTS
    for chosen in (is_request & is_of_upf, is_request & ~is_of_upf):
        numbers, first = np.unique(exchanges[chosen], return_index=True)
        sequence[numbers[np.argsort(first)]] = np.arange(1, len(numbers) + 1)
    on_n4 = exchanges >= 0
    records["pfcp_sequence"][on_n4] = sequence[exchanges[on_n4]]
