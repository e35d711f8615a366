"""Bytes of signalling: captures, SCTP and UDP, and the codecs of NGAP, NAS and PFCP.

NGAP and NAS need the extra `signalling`; pcap files and PFCP need nothing.
"""

from twin_gym.twins.signalling.wire.captures import read_pcap, write_pcap

__all__ = ["read_pcap", "write_pcap"]
