"""The network that messages are written for: addresses, identities, and values that it always has.

A log of messages says what happened; it does not say which addresses the functions have, nor which
PLMN. These are test values: PLMN 001-01 (TS 23.003), addresses of 10.0.0.0/8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from twin_gym.twins.signalling.message import SNssai
from twin_gym.twins.signalling.wire.transport import NGAP_PORT, PFCP_PORT, Endpoint

PLMN = bytes.fromhex("00f110")
AMF_REGION, AMF_SET, AMF_POINTER = 1, 1, 0
TAC = bytes.fromhex("000001")
DNN = b"internet"
TEST_MSIN_DIGITS = 10

_AMF = IPv4Address("10.0.0.1")
_SMF = IPv4Address("10.0.0.2")
UPF_ADDRESS = IPv4Address("10.0.0.3")
_FIRST_GNB = IPv4Address("10.1.0.1")
_GNB_PORT = 9_487
_GNB_BITS, _CELL_BITS = 32, 36
_SD_BYTES, _SST_BYTES = 3, 1


def amf() -> Endpoint:
    """The AMF on N2."""
    return Endpoint(_AMF, NGAP_PORT)


def smf() -> Endpoint:
    """The SMF on N4."""
    return Endpoint(_SMF, PFCP_PORT)


def upf() -> Endpoint:
    """The UPF on N4."""
    return Endpoint(UPF_ADDRESS, PFCP_PORT)


def gnb(number: int) -> Endpoint:
    """A base station on N2, by its number in the log."""
    return Endpoint(_FIRST_GNB + number, _GNB_PORT)


def node_id(number: int) -> tuple[str, Any]:
    """Identity of a base station, as NGAP has it."""
    identity = ("gNB-ID", (number + 1, _GNB_BITS))
    return "globalGNB-ID", {"pLMNIdentity": PLMN, "gNB-ID": identity}


def tracking_area() -> dict[str, bytes]:
    """The tracking area, as NGAP has it."""
    return {"pLMNIdentity": PLMN, "tAC": TAC}


def location(number: int) -> tuple[str, Any]:
    """Where a UE of a base station is, as NGAP has it."""
    cell = {"pLMNIdentity": PLMN, "nRCellIdentity": ((number + 1) << 4, _CELL_BITS)}
    return "userLocationInformationNR", {"nR-CGI": cell, "tAI": tracking_area()}


def guami() -> dict[str, Any]:
    """Identity of the AMF, as NGAP has it."""
    return {
        "pLMNIdentity": PLMN,
        "aMFRegionID": (AMF_REGION, 8),
        "aMFSetID": (AMF_SET, 10),
        "aMFPointer": (AMF_POINTER, 6),
    }


def s_tmsi(tmsi: int) -> dict[str, Any]:
    """5G-S-TMSI, as NGAP has it."""
    return {
        "aMFSetID": (AMF_SET, 10),
        "aMFPointer": (AMF_POINTER, 6),
        "fiveG-TMSI": tmsi.to_bytes(4),
    }


def slice_value(one: SNssai) -> dict[str, bytes]:
    """S-NSSAI, as NGAP has it."""
    value = {"sST": one.sst.to_bytes(_SST_BYTES)}
    return value if one.sd is None else value | {"sD": one.sd.to_bytes(_SD_BYTES)}


def slice_of_value(value: Any) -> SNssai:  # noqa: ANN401 - values of pycrate have no types
    """S-NSSAI out of NGAP."""
    differentiator = value.get("sD")
    return SNssai(
        int.from_bytes(value["sST"]),
        None if differentiator is None else int.from_bytes(differentiator),
    )


def slice_bytes(one: SNssai) -> bytes:
    """S-NSSAI, as NAS has it, without its length."""
    differentiator = b"" if one.sd is None else one.sd.to_bytes(_SD_BYTES)
    return one.sst.to_bytes(_SST_BYTES) + differentiator


def slice_of_bytes(content: bytes) -> SNssai | None:
    """S-NSSAI out of NAS; None: it has a length that it cannot have.

    Example:
        >>> slice_of_bytes(bytes.fromhex("01010203"))
        SNssai(sst=1, sd=66051)
    """
    if len(content) in (_SST_BYTES, _SST_BYTES + 1):  # with the SST of the home network
        return SNssai(content[0])
    if len(content) >= _SST_BYTES + _SD_BYTES:
        return SNssai(content[0], int.from_bytes(content[1:4]))
    return None


def tunnel(address: IPv4Address, teid: int) -> tuple[str, Any]:
    """Endpoint of a GTP tunnel, as NGAP has it."""
    return "gTPTunnel", {
        "transportLayerAddress": (int(address), 32),
        "gTP-TEID": teid.to_bytes(4),
    }


@dataclass(frozen=True, slots=True)
class SessionState:
    """A PDU session, as far as messages that list sessions need it.

    Attributes:
        number: its identity, 1 to 15; 0 stands in a list that must not be empty.
        s_nssai: its slice.
        five_qi: value of its 5QI.
        teid: tunnel endpoint at the base station, 0 if it is not known.
    """

    number: int
    s_nssai: SNssai
    five_qi: int = 9
    teid: int = 0


def session_numbers(bits: int) -> tuple[int, ...]:
    """Identities of the sessions in a bit field; bit 0 is session 1."""
    return tuple(place + 1 for place in range(bits.bit_length()) if bits >> place & 1)


def session_bits(numbers: Sequence[int]) -> int:
    """The bit field of sessions; identities that no session has are passed over."""
    return sum({1 << number - 1 for number in numbers if 1 <= number <= 15})  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Situation:
    """What a message in bytes needs beyond its vector.

    Attributes:
        slices: those that `s_nssai` numbers, from 1.
        sessions: active sessions of the UE.
        sequence: number of the message in the security header of NAS.
        nas: the NAS message that NGAP carries, in bytes.
    """

    slices: tuple[SNssai, ...] = ()
    sessions: tuple[SessionState, ...] = ()
    sequence: int = 0
    nas: bytes = b""

    def slice_of(self, number: int) -> SNssai:
        """The slice with a number; the first one if the message names none."""
        return self.slices[max(number, 1) - 1] if self.slices else SNssai(1)
