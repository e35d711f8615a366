"""Bytes of signalling: captures, SCTP and UDP, and the codecs of NGAP, NAS and PFCP.

NGAP and NAS need the extra `signalling`; captures and PFCP need nothing.
"""
