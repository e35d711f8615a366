"""Scheduling of tiny instant communication."""
