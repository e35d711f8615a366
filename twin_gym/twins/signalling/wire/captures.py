"""Captures as logs and logs as captures: pcap files that other tools open, and those they write."""

from __future__ import annotations

from pathlib import Path

from twin_gym.errors import TraceError
from twin_gym.twins.signalling.log import MessageLog
from twin_gym.twins.signalling.wire.decoder import Decoder
from twin_gym.twins.signalling.wire.encoder import encode_log
from twin_gym.twins.signalling.wire.inputs import with_inputs
from twin_gym.twins.signalling.wire.pcap import (
    ETHERNET,
    Capture,
    Remarks,
    read_capture,
    write_capture,
)
from twin_gym.twins.signalling.wire.transport import packets_of, payloads_of

START_S = 1_767_225_600
"""Time at which a written log begins unless another is given: 1 January 2026, UTC."""

_NS_PER_S = 10**9


def write_pcap(
    log: MessageLog, path: str | Path, *, start_s: int = START_S, link: int = ETHERNET
) -> None:
    """Writes the messages of a log as a capture of the core's interfaces.

    NGAP goes in SCTP, PFCP in UDP, with right checksums; PLMN and addresses are test values. NAS is
    not ciphered and has null integrity. Verdicts and decisions are not in it: they are inputs of
    the core.

    Args:
        log: its messages.
        path: of the file; its folder exists.
        start_s: time at which the log begins, s since 1970.
        link: link type: 1 Ethernet, 101 raw IPv4, 113 Linux cooked.

    Raises:
        ConfigError: if a field of a message does not fit its place.
        MissingExtraError: if pycrate is not installed.
        OSError: if the file cannot be written.
    """
    messages = (log[place] for place in range(len(log)))
    payloads = encode_log(messages, log.slices, start_s * _NS_PER_S)
    write_capture(Path(path), packets_of(payloads, link=link), link=link)


def read_pcap(path: str | Path) -> MessageLog:
    """Reads a capture of N1, N2 and N4 as a log.

    Times count from the first message. UEs, base stations and slices are numbered in the order in
    which they appear. Verdicts and decisions are inferred from what the core did.

    Args:
        path: a pcap file of at most 256 MiB.

    Returns:
        The messages that the vocabulary has; `not_understood` counts the others, damaged packets,
        and what is doubtful.

    Raises:
        TraceError: if it is no pcap file, breaks the format, or holds no message of NGAP or PFCP.
        MissingExtraError: if pycrate is not installed.
    """
    log, _ = log_of_capture(read_capture(Path(path)), str(path))
    return log


def log_of_capture(capture: Capture, name: str = "capture") -> tuple[MessageLog, Remarks]:
    """The log of a capture, with the first packet of all that was not understood.

    Args:
        capture: the packets.
        name: how errors and the log call it.

    Returns:
        The log, and the remarks.

    Raises:
        TraceError: if there is no message of NGAP or PFCP.
        MissingExtraError: if pycrate is not installed.
    """
    payloads, remarks = payloads_of(capture)
    if not payloads:
        reasons = "; ".join(f"{count} x {why}" for why, count in remarks.counts.items())
        raise TraceError(
            f"{name} holds no message of NGAP (SCTP) or PFCP (UDP port 8805) in "
            f"{len(capture.packets)} packets{f': {reasons}' if reasons else ''}; "
            "capture the interfaces N2 and N4"
        )
    decoder = Decoder(remarks)
    in_time = sorted(payloads, key=lambda one: one.time_ns)
    messages = with_inputs(decoder.read(in_time))
    log = MessageLog.of(
        messages,
        slices=tuple(decoder.slices),
        scenario=Path(name).name,
        not_understood=dict(remarks.counts),
    )
    return log, remarks
