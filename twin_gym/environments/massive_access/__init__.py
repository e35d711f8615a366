"""Massive random access."""
