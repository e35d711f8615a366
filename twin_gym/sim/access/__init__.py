"""Massive access: devices that contend for the preambles of one base station."""
