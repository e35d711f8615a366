"""The vector of a signalling message, and a log of messages as columns."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from twin_gym.twins.signalling.kinds import CAUSES, ELEMENTS, FIVE_QIS, KINDS, Link, MessageKind

MESSAGE_DTYPE = np.dtype(
    [
        ("time_ns", np.int64),
        ("kind", np.uint8),
        ("ue", np.int32),
        ("gnb", np.int16),
        ("target_gnb", np.int16),
        ("ran_ue_ngap_id", np.int64),
        ("amf_ue_ngap_id", np.int64),
        ("seid", np.uint64),
        ("f_seid", np.uint64),
        ("pfcp_sequence", np.int32),
        ("teid", np.uint32),
        ("ue_address", np.uint32),
        ("tmsi", np.int64),
        ("pdu_session_id", np.uint8),
        ("pti", np.uint8),
        ("s_nssai", np.uint8),
        ("cause", np.uint8),
        ("five_qi", np.uint8),
        ("request_type", np.uint8),
        ("registration_type", np.uint8),
        ("active_sessions", np.uint16),
        ("presence", np.uint64),
        ("verdict", np.uint8),
        ("decision", np.int16),
    ]
)
"""Layout of a message in memory: the fields of `Message`, in their order."""

NO_VERDICT, PASSED, FAILED = 0, 1, 2
"""Verdicts of the security algorithms on a message."""

NOT_ASKED, GRANTED = -1, 0
"""Decisions of the policy on a message; a positive one is the code of the cause of a refusal."""

MAX_SESSION_ID = 15
INITIAL_REQUEST, EXISTING_SESSION = 1, 2
INITIAL_REGISTRATION, MOBILITY_UPDATE, PERIODIC_UPDATE, DEREGISTRATION, SWITCH_OFF = 1, 2, 3, 4, 5


@dataclass(frozen=True, slots=True)
class Message:
    """One message as a vector of fields; what it does not carry has the default value.

    Attributes:
        time_ns: when the tap at the core sees it, from the beginning of the log.
        kind: its code in `KINDS`.
        ue: number of the UE that the tracker resolved, -1 where the message is of no UE.
        gnb: number of the base station at the other end of N2, -1 on N4.
        target_gnb: target of a hand-over, -1 elsewhere.
        ran_ue_ngap_id: identity at the base station, -1 if absent.
        amf_ue_ngap_id: identity at the AMF, -1 if absent.
        seid: SEID in the header of PFCP, 0 if absent or not yet known.
        f_seid: SEID that the sender allocates (element F-SEID), 0 if absent.
        pfcp_sequence: sequence number of PFCP, -1 on N1 and N2.
        teid: tunnel endpoint that the sender allocates, or hands over, 0 if absent.
        ue_address: IPv4 address of the UE as a number, 0 if absent.
        tmsi: 5G-TMSI, -1 if absent.
        pdu_session_id: 1 to 15, 0 if absent.
        pti: procedure transaction identity of 5GSM, 0 if absent.
        s_nssai: 1 and more, a slice of the log; 0 if absent.
        cause: its code in `CAUSES`.
        five_qi: its code in `FIVE_QIS`.
        request_type: 1 initial request, 2 existing session, 0 if absent.
        registration_type: 1 initial, 2 mobility, 3 periodic; of a deregistration 4 normal, 5
            switch-off; 0 if absent.
        active_sessions: bit i is PDU session i + 1, where the standard has a list of sessions.
        presence: bit i is `ELEMENTS[i]`.
        verdict: of the security algorithms: 0 none, 1 passed, 2 failed. An input of the core,
            which the message does not carry.
        decision: of the policy: -1 not asked, 0 granted, else the cause of the refusal. An input
            of the core, which the message does not carry. On a message of the core: the policy
            decided late, and this message is what it led to.
    """

    time_ns: int
    kind: int
    ue: int = -1
    gnb: int = -1
    target_gnb: int = -1
    ran_ue_ngap_id: int = -1
    amf_ue_ngap_id: int = -1
    seid: int = 0
    f_seid: int = 0
    pfcp_sequence: int = -1
    teid: int = 0
    ue_address: int = 0
    tmsi: int = -1
    pdu_session_id: int = 0
    pti: int = 0
    s_nssai: int = 0
    cause: int = 0
    five_qi: int = 0
    request_type: int = 0
    registration_type: int = 0
    active_sessions: int = 0
    presence: int = 0
    verdict: int = NO_VERDICT
    decision: int = NOT_ASKED

    @property
    def name(self) -> str:
        """The name of its kind."""
        return KINDS[self.kind].name

    @property
    def described(self) -> MessageKind:
        """Its entry in the vocabulary."""
        return KINDS[self.kind]

    def as_tuple(self) -> tuple[int, ...]:
        """The values in the order of `MESSAGE_DTYPE`."""
        return tuple(getattr(self, one.name) for one in fields(self))

    @classmethod
    def of(cls, record: np.void) -> Message:
        """The message in a record of `MESSAGE_DTYPE`."""
        return cls(*record.item())


@dataclass(frozen=True, slots=True)
class SNssai:
    """Identity of a network slice.

    Attributes:
        sst: slice/service type, 0 to 255.
        sd: slice differentiator of 24 bits, or None.
    """

    sst: int
    sd: int | None = None

    def __str__(self) -> str:
        """Such as `SST 1 SD 16`."""
        return f"SST {self.sst}" if self.sd is None else f"SST {self.sst} SD {self.sd}"


# Fields of the binary vector: name, number of values other than "absent".
_CATEGORIES = (
    ("link", len(Link)),
    ("kind", len(KINDS)),
    ("pdu_session_id", MAX_SESSION_ID),
    ("s_nssai", 4),
    ("cause", len(CAUSES) - 1),
    ("five_qi", len(FIVE_QIS) - 1),
    ("request_type", 2),
    ("registration_type", 5),
)


def entry_names() -> tuple[str, ...]:
    """Names of the entries of the binary vector, such as `kind=Paging` or `has SUCI`."""
    names = [f"link={link.name}" for link in Link] + [f"kind={kind.name}" for kind in KINDS]
    for field, count in _CATEGORIES[2:]:
        names += [f"{field}={value}" for value in range(1, count + 1)]
    names += [f"active session {number}" for number in range(1, MAX_SESSION_ID + 1)]
    return tuple(names + [f"has {element}" for element in ELEMENTS])


def to_vectors(records: NDArray[np.void]) -> NDArray[np.uint8]:
    """The messages as binary vectors: one entry a value of a field, and one an optional element.

    Time, identities that the database allocates, verdicts and decisions are not in it; `pti`
    neither, since it only repeats the request's.

    Args:
        records: messages as `MESSAGE_DTYPE`; shape (messages,).

    Returns:
        0 or 1; shape (messages, entries), the entries as in `entry_names`.
    """
    links = np.array([kind.link for kind in KINDS])[records["kind"]]
    parts = [_one_hot(links, len(Link)), _one_hot(records["kind"].astype(np.int64), len(KINDS))]
    parts += [_one_hot(records[field].astype(int) - 1, count) for field, count in _CATEGORIES[2:]]
    parts.append(_bits(records["active_sessions"], MAX_SESSION_ID))
    parts.append(_bits(records["presence"], len(ELEMENTS)))
    return np.concatenate(parts, axis=1)


def _one_hot(values: NDArray[np.int64], count: int) -> NDArray[np.uint8]:
    is_equal: NDArray[np.bool_] = values[:, None] == np.arange(count)
    return is_equal.astype(np.uint8)


def _bits(values: NDArray[np.unsignedinteger], count: int) -> NDArray[np.uint8]:
    places = np.arange(count, dtype=np.uint64)
    bits: NDArray[np.uint8] = (values.astype(np.uint64)[:, None] >> places & np.uint64(1)).astype(
        np.uint8
    )
    return bits
