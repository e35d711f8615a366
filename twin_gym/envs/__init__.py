"""Gymnasium environments around the simulated networks, one folder each."""
